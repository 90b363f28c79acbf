"""Callbacks: what `Sequential.fit(..., callbacks=[...])` calls between epochs and batches.

The names and the semantics are Keras'; its learning_rate is `lr` here. A callback is
an object with some of the methods of `Callback`, or a function of (epoch, logs), which is called
after each epoch. A fit without callbacks, or with none but TerminateOnNaN, trains many short
epochs in one compiled call; with others each epoch is a call.
"""

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
