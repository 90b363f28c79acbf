"""Functions of arrays: the activations, softmax and the textbook's errors."""

from fastnet.functions.activations import (
    _gradient,
    _map,
    _row,
    identity_function,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    step_function,
)
from fastnet.functions.columns import col2im, im2col
from fastnet.functions.errors import (
    _as_rows,
    _class_array,
    _cross_entropy,
    _label_array,
    cross_entropy_error,
    sum_squared_error,
)
from fastnet.functions.logits import (
    _logits,
    _softmax,
    _softmax_loss_gradient,
    softmax,
    softmax_loss,
)
from fastnet.functions.weights import _count, _counted, _factors, _smoothed, _weighted

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
