"""Memory that arrays leave free stays with the process, so that the next step finds it.

A training step makes the arrays of the step before anew. glibc gives what is free at the end of its
heap back to the system, and fetches it again page by page: a SimpleConvNet's step by hand, 100
images in float32, took 12 to 20 ms so, and 9 to 12 without.
"""

from __future__ import annotations

__all__ = ["keep_freed"]

# glibc keeps twice the size of the largest array so far whose memory it had mapped for it alone,
# and puts arrays up to that size into its heap: up to 32 MB (DEFAULT_MMAP_THRESHOLD_MAX of its
# malloc.c), less what it and Python note of the array, in whole pages.
LARGEST = 2**25 - 2**13


def keep_freed() -> None:
    """Free an array of 32 MB of which nothing was written: glibc then keeps up to 64 MB.

    Any program that frees such an array has the same. Where a user has set MALLOC_ variables or
    tunables of it, glibc goes by these; other C libraries do as they like.
    """
    try:
        bytes(LARGEST)  # 14 us: zeros that the system would make when they are read
    except MemoryError:  # under a limit of the process, all goes on as it would have
        pass
