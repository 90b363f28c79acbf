"""The names that fastnet has: the arguments that they take in the books, and what a call asks for.

Nothing here needs NumPy: the script may not have loaded it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["CALL", "ELEMENT", "ENOUGH", "KNOWN", "LIGHT", "Known"]

# Work is counted by what kernels save: an operation is a product of x @ W. These are measured in
# float64 on Zen 4 with AVX2; there an operation saves 10 to 30 ps.
CALL = 60_000  # of the smallest arrays: 1 us
ELEMENT = 100  # of what makes several passes in NumPy: 1.4 ns in Relu, 4 in Sigmoid, 2.6 in Adam
LIGHT = 5  # of what NumPy is nearly as fast at, as SGD: 0.1 ns
# What a script has asked for when the kernels take over: NumPy has worked for 0.4 to 1.1 s.
ENOUGH = 8_000_000_000


class Known(NamedTuple):
    """What the books' class or function takes, and what a call of it asks for.

    Attributes
    ----------
    arguments : str
        The constructor's, or the function's.
    methods : dict
        Of a class: method -> its arguments. Empty for a function.
    elements : callable
        Takes the name of a method ("now" of a function) and the arguments of a call, and returns
        how many elements or products it works on.
    weight : int
        Operations for each of them.
    """

    arguments: str
    methods: dict[str, str]
    elements: Callable[[str, tuple[Any, ...]], int]
    weight: int = ELEMENT

    def operations(self, method: str, args: tuple[Any, ...]) -> int:
        """Return what a call asks for; of things that are no arrays, what any call does."""
        try:
            return CALL + self.weight * int(self.elements(method, args))
        except (AttributeError, IndexError, TypeError, ValueError):
            return CALL


def _elements(method: str, args: tuple[Any, ...]) -> Any:
    """Count the elements of the first array."""
    return args[method != "now"].size


def _products(method: str, args: tuple[Any, ...]) -> Any:
    """Count the multiplications of x @ W, or of the two products backward."""
    layer, x = args
    rows, columns = (layer.W if hasattr(layer, "W") else layer.params[0]).shape
    return x.size * columns if method == "forward" else 2 * x.size * rows


def _learned(method: str, args: tuple[Any, ...]) -> Any:
    """Count the elements of all parameters."""
    params = args[1]
    return sum(array.size for array in (params.values() if isinstance(params, dict) else params))


LAYER = {"forward": "x", "backward": "dout"}
LOSS = {"forward": "x t", "backward": "dout"}
IN_TRAINING = {"forward": "x train_flg", "backward": "dout"}
UPDATE = {"update": "params grads"}
KNOWN = {
    "Affine": Known("W b", LAYER, _products, 1),
    "MatMul": Known("W", LAYER, _products, 1),
    "Embedding": Known("W", {"forward": "idx", "backward": "dout"}, _elements),
    "Relu": Known("", LAYER, _elements),
    "Sigmoid": Known("", LAYER, _elements),
    "Softmax": Known("", LAYER, _elements),
    "SoftmaxWithLoss": Known("", LOSS, _elements),
    "SigmoidWithLoss": Known("", LOSS, _elements),
    "Dropout": Known("dropout_ratio", IN_TRAINING, _elements, LIGHT),
    "BatchNormalization": Known("gamma beta momentum", IN_TRAINING, _elements),
    "SGD": Known("lr", UPDATE, _learned, LIGHT),
    "Momentum": Known("lr momentum", UPDATE, _learned, LIGHT),
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
