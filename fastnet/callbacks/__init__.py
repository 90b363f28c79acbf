"""Callbacks: what `Sequential.fit(..., callbacks=[...])` calls between epochs and batches.

The names and the semantics are Keras'; its learning_rate is `lr` here. A callback is
an object with some of the methods of `Callback`, or a function of (epoch, logs), which is called
after each epoch. A fit without callbacks, or with none but TerminateOnNaN, trains many short
epochs in one compiled call; with others each epoch is a call.
"""

import typing as _typing  # type checkers know TYPE_CHECKING by no other name

from fastnet import checks as _checks
from fastnet.callbacks.base import Callback, LambdaCallback, TerminateOnNaN
from fastnet.callbacks.files import CSVLogger, ModelCheckpoint
from fastnet.callbacks.monitors import EarlyStopping, ReduceLROnPlateau

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "LambdaCallback",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # as pickles and messages have them


if not _typing.TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Say where the thing stands that other libraries have here."""
        raise _checks.not_in(__name__, name)
