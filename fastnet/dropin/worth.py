"""Whether a call is worth a kernel.

A look at an array and the call of a kernel take 1 to 2 us. What NumPy does in one to four passes,
or as one product of BLAS, is left to the script's own where arrays are so small that it is sooner.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

__all__ = ["all_calls", "is_little"]

_all_calls = False


def is_little(count: int, enough: int) -> bool:
    """Tell whether so many elements are too few for a kernel.

    Examples
    --------
    >>> from fastnet.dropin.worth import is_little
    >>> is_little(3, 1000), is_little(1000, 1000)
    (True, False)
    """
    return count < enough and not _all_calls


@contextlib.contextmanager
def all_calls() -> Iterator[None]:
    """Have kernels answer all that they can: a small example is to show what they make of it."""
    global _all_calls
    before, _all_calls = _all_calls, True
    try:
        yield
    finally:
        _all_calls = before
