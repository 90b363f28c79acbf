"""The textbook's two-layer network."""

import numpy as np

from .. import metrics
from ..functions import _labels
from ..gradient import numerical_gradient
from ..layers import Affine, Relu, SoftmaxWithLoss


class TwoLayerNet:
    """The textbook's network: Affine, Relu, Affine, SoftmaxWithLoss (section 5.7.2).

    ``params`` is a dict with W1, b1, W2, b2. The weights are drawn from NumPy's global
    generator, so ``np.random.seed`` fixes them, as in the book.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float = 0.01,
    ) -> None:
        randn = np.random.randn  # the global generator, in the book's order
        self.params = {
            "W1": weight_init_std * randn(input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": weight_init_std * randn(hidden_size, output_size),
            "b2": np.zeros(output_size),
        }
        self.layers: dict = {
            "Affine1": Affine(self.params["W1"], self.params["b1"]),
            "Relu1": Relu(),
            "Affine2": Affine(self.params["W2"], self.params["b2"]),
        }
        self.lastLayer = SoftmaxWithLoss()

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the scores (N, output_size) before softmax."""
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return the mean cross entropy of x (N, input_size) and labels or one-hot rows t."""
        return self.lastLayer.forward(self.predict(x), t)

    def accuracy(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return the share of rows whose largest score is at the label; NaN where a score is."""
        y = self.predict(x)
        return np.float64(metrics.accuracy(_labels(t, y), y))

    def numerical_gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Return the gradient as a dict by central differences: slow, to check ``gradient``."""

        def loss(W: np.ndarray) -> float:
            return self.loss(x, t)

        return {key: numerical_gradient(loss, W) for key, W in self.params.items()}

    def gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Return the gradient as a dict of fresh arrays by back propagation."""
        self.loss(x, t)
        dout = self.lastLayer.backward(1)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        first, second = self.layers["Affine1"], self.layers["Affine2"]
        return {
            "W1": first.dW.copy(),
            "b1": first.db.copy(),
            "W2": second.dW.copy(),
            "b2": second.db.copy(),
        }
