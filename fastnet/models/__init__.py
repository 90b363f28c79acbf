"""Models: a stack of layers trained in a compiled loop, and the textbook's two-layer network."""

import typing as _typing  # type checkers know TYPE_CHECKING by no other name

from fastnet import checks as _checks
from fastnet.models.history import History
from fastnet.models.sequential import Sequential
from fastnet.models.two_layer_net import TwoLayerNet

__all__ = ["History", "Sequential", "TwoLayerNet"]

for _name in __all__:
    globals()[_name].__module__ = __name__  # as pickles and messages have them


if not _typing.TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Say where the thing stands that other libraries have here."""
        raise _checks.not_in(__name__, name)
