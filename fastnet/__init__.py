"""Neural networks as the textbooks write them in NumPy, on SIMD kernels compiled by Numba.

    from fastnet.models import Sequential
    from fastnet.layers import Dense

`fastnet.models`, `fastnet.layers`, `fastnet.losses`, `fastnet.optimizer`
    Networks, and the parts that they are made of.
`fastnet.metrics`
    Numbers that judge what a model says: accuracy, F1, AUC, R2 ...
`fastnet.functions`, `fastnet.datasets`
    Arrays in, arrays out; data sets from local files, and those that ship with fastnet.
`fastnet.gradient`
    Gradients by their definition, descent along them, and a check of those of a model.
`fastnet.textbook`
    The books' deep networks and trainers, and the delta rule.
`fastnet.kernels`
    The compiled functions, callable from your own `@njit` code.
`fastnet.reference`
    The same names in plain NumPy, to read and to compare with.
`fastnet.set_num_threads`, `fastnet.get_num_threads`
    How many threads a call may use.

Nothing is imported until its module is: `import fastnet` alone costs next to nothing.
"""

import pathlib as _pathlib
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    from fastnet.threads import get_num_threads as get_num_threads
    from fastnet.threads import set_num_threads as set_num_threads

__version__ = "0.1.0"

# The kernels stand in ../kernels, which a wheel installs as fastnet/kernels and a checkout reaches
# through a symbolic link. Git without links (Windows) leaves a text file there: look beside it.
_here = _pathlib.Path(__file__).resolve().parent
if not (_here / "kernels").is_dir() and (_here.parent / "kernels" / "gemm.py").is_file():
    __path__.append(str(_here.parent))


def __getattr__(name: str) -> object:
    """Import what stands at the top level when it is first asked for."""
    if name in ("get_num_threads", "set_num_threads"):
        from fastnet import threads

        return getattr(threads, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
