"""Functions of arrays: the activations, softmax and the textbook's errors."""

from fastnet.functions.activations import (
    identity_function,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    step_function,
)
from fastnet.functions.columns import col2im, im2col
from fastnet.functions.errors import cross_entropy_error, sum_squared_error
from fastnet.functions.logits import softmax, softmax_loss
from fastnet.memory import keep_freed as _keep_freed

__all__ = [
    "col2im",
    "cross_entropy_error",
    "identity_function",
    "im2col",
    "relu",
    "relu_grad",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softmax_loss",
    "step_function",
    "sum_squared_error",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # as pickles and messages have them

_keep_freed()  # here, because all that makes arrays by the call imports functions
