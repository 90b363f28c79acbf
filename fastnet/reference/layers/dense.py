"""Affine and activation, declared by the number of units."""

import numpy as np

from ..initializers import deviation
from .activations import Relu, Sigmoid, Tanh, _Identity
from .products import Affine
from .softmax import Softmax


class Dense(Affine):
    """Affine and activation, declared by its number of units; W and b come with ``build``.

    activation is None, "identity", "sigmoid", "relu", "tanh" or "softmax". Weights are drawn with
    the standard deviation weight_init_std, which may be a name in ``initializers``, or
    sqrt(2 / n_in) for "relu" (He), or sqrt(1 / n_in) (Xavier).
    """

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        input_shape: tuple[int, ...] | None = None,
        weight_init_std: float | str | None = None,
    ) -> None:
        self._units = units
        self.activation = activation
        self.input_shape = input_shape
        self.weight_init_std = weight_init_std
        self.params, self.grads = [], []
        classes: dict = {"identity": _Identity, "sigmoid": Sigmoid, "relu": Relu, "tanh": Tanh}
        classes["softmax"] = Softmax
        self._activation = classes[activation or "identity"]()

    # What W says, once it is there.
    units = property(
        lambda self: self.W.shape[1] if self.params else self._units,
        lambda self, units: setattr(self, "_units", units),
    )

    def build(self, n_in: int, rng: np.random.Generator, dtype: np.dtype) -> None:
        """Draw W (n_in, units) from rng, a numpy.random.Generator; b is zeros."""
        std = self.weight_init_std
        if std is None:
            std = "he" if self.activation == "relu" else "xavier"
        if isinstance(std, str):
            std = deviation(std, n_in, self.units)
        W = (rng.standard_normal((n_in, self.units)) * std).astype(dtype)
        super().__init__(W, np.zeros(self.units, dtype))

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return activation(x @ W + b)."""
        return self._activation.forward(super().forward(x))

    def _backward_params(self, dout: np.ndarray) -> np.ndarray:
        return super()._backward_params(self._activation.backward(dout))
