"""The names that fastnet has: the arguments that they take in the books, and what a call asks for.

Nothing here needs NumPy: the script may not have loaded it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["CALL", "ELEMENT", "ENOUGH", "KNOWN", "Known"]

# The operations that a script has asked for when the kernels take over: elements and products are
# weighed by what NumPy takes for them, 40 ps each, so that this stands for 0.6 s of NumPy's time.
ENOUGH = 6_000_000_000
CALL = 60_000
ELEMENT = 100


class Known(NamedTuple):
    """What the books' class or function takes.

    Attributes
    ----------
    arguments : str
        The constructor's, or the function's.
    methods : dict
        Of a class: method -> its arguments. Empty for a function.
    work : callable
        Takes the name of a method ("now" of a function) and the arguments of a call, and returns
        the operations that it asks for.
    """

    arguments: str
    methods: dict[str, str]
    work: Callable[[str, tuple[Any, ...]], int]

    def operations(self, method: str, args: tuple[Any, ...]) -> int:
        """Return what a call asks for; of things that are no arrays, what any call does."""
        try:
            return CALL + self.work(method, args)
        except (AttributeError, IndexError, TypeError, ValueError):
            return CALL


def _elements(method: str, args: tuple[Any, ...]) -> int:
    """Count the elements of the first array."""
    return ELEMENT * int(args[method != "now"].size)


def _products(method: str, args: tuple[Any, ...]) -> int:
    """Count the multiplications of x @ W, or of the two products backward."""
    layer, x = args
    rows, columns = (layer.W if hasattr(layer, "W") else layer.params[0]).shape
    return int(x.size * columns if method == "forward" else 2 * x.size * rows)


def _learned(method: str, args: tuple[Any, ...]) -> int:
    """Count the elements of all parameters."""
    params = args[1]
    arrays = params.values() if isinstance(params, dict) else params
    return ELEMENT * sum(int(array.size) for array in arrays)


LAYER = {"forward": "x", "backward": "dout"}
LOSS = {"forward": "x t", "backward": "dout"}
IN_TRAINING = {"forward": "x train_flg", "backward": "dout"}
UPDATE = {"update": "params grads"}
KNOWN = {
    "Affine": Known("W b", LAYER, _products),
    "MatMul": Known("W", LAYER, _products),
    "Embedding": Known("W", {"forward": "idx", "backward": "dout"}, _elements),
    "Relu": Known("", LAYER, _elements),
    "Sigmoid": Known("", LAYER, _elements),
    "Softmax": Known("", LAYER, _elements),
    "SoftmaxWithLoss": Known("", LOSS, _elements),
    "SigmoidWithLoss": Known("", LOSS, _elements),
    "Dropout": Known("dropout_ratio", IN_TRAINING, _elements),
    "BatchNormalization": Known("gamma beta momentum", IN_TRAINING, _elements),
    "SGD": Known("lr", UPDATE, _learned),
    "Momentum": Known("lr momentum", UPDATE, _learned),
    "Nesterov": Known("lr momentum", UPDATE, _learned),
    "AdaGrad": Known("lr", UPDATE, _learned),
    "RMSprop": Known("lr decay_rate", UPDATE, _learned),
    "Adam": Known("lr beta1 beta2", UPDATE, _learned),
    "sigmoid": Known("x", {}, _elements),
    "sigmoid_grad": Known("x", {}, _elements),
    "relu": Known("x", {}, _elements),
    "softmax": Known("x", {}, _elements),
    "cross_entropy_error": Known("y t", {}, _elements),
    "sum_squared_error": Known("y t", {}, _elements),
}
