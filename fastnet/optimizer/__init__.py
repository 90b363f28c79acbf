"""Optimizers: update(params, grads) changes the arrays of params in place.

Each stands in one of these files with its kernel and what the compiled loop calls.
"""

import typing as _typing  # type checkers know TYPE_CHECKING by no other name

from fastnet import checks as _checks
from fastnet.optimizer import adam, adaptive, base, clipping, descent
from fastnet.optimizer.adam import *
from fastnet.optimizer.adaptive import *
from fastnet.optimizer.base import *
from fastnet.optimizer.clipping import *
from fastnet.optimizer.descent import *
from fastnet.optimizer.descent import KERNELS as KERNELS

__all__: list[str] = []
__all__ += adam.__all__
__all__ += adaptive.__all__
__all__ += base.__all__
__all__ += clipping.__all__
__all__ += descent.__all__

for _name in __all__:
    globals()[_name].__module__ = __name__  # as pickles and messages have them


if not _typing.TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Say where the thing stands that other libraries have here."""
        raise _checks.not_in(__name__, name)
