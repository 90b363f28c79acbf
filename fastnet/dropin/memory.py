"""Memory that a script frees stays with its process.

A training step makes the arrays of the step before anew. glibc gives what is free at the end of its
heap back to the system, and fetches it again page by page: of a small recurrent net, with kernels
between its own layers, that was 2.1 of 6.7 s.
"""

from __future__ import annotations

import os
import sys

__all__ = ["keep_freed"]

# glibc's malloc.h: numbers of the parameters, and the variables by which a user sets them.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
VARIABLES = "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"
KEPT = 2**28  # bytes at the end of the heap, at most
IN_HEAP = 2**25  # bytes of the largest array there: what is larger glibc itself maps, at most


def keep_freed() -> None:
    """Have glibc keep what is freed, unless the user has said what it is to do.

    Other C libraries are left as they are.
    """
    if sys.platform != "linux" or any(name in os.environ for name in VARIABLES):
        return
    import ctypes  # 10 ms, which NumPy takes, too: not for a script that uses none

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        # Either of them ends that glibc adapts both by itself.
        mallopt(M_MMAP_THRESHOLD, IN_HEAP)
        mallopt(M_TRIM_THRESHOLD, KEPT)
