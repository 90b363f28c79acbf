"""A fork waits until no other thread compiles, loads, or is inside LLVM.

The child has that thread's locks and not the thread: its first kernel would wait for ever, in 15 of
15 forks beside one that compiled. A compiler or an LLVM in the middle of its work is of no use to
the child, either.
"""

import os

from llvmlite.binding import ffi
from numba.core.compiler_lock import global_compiler_lock

# In the order in which the compiler takes them. Numba's own `acquire` tells its listeners, of which
# other threads have some.
_LOCKS = global_compiler_lock._lock, ffi.lib._lock._lock


def _acquire():
    for lock in _LOCKS:
        lock.acquire()


def _release():
    for lock in reversed(_LOCKS):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_acquire, after_in_parent=_release, after_in_child=_release)
