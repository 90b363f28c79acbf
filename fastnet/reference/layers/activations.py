"""Activations."""

import math

import numpy as np

from ..functions import relu, sigmoid
from .base import Layer

_erf = np.vectorize(math.erf, otypes=[float])  # NumPy has none


class _Identity(Layer):
    def forward(self, x: np.ndarray) -> np.ndarray:
        return x

    def backward(self, dout: np.ndarray) -> np.ndarray:
        return dout


class Sigmoid(Layer):
    """Logistic function, out = 1 / (1 + exp(-x)), any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return sigmoid(x) and keep it as ``out``."""
        self.out = sigmoid(x)
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * (1 - out) * out."""
        return dout * (1 - self.out) * self.out


class Relu(Layer):
    """Rectifier: 0 where x <= 0, else x; NaN passes. Any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return relu(x) and keep it as ``out``."""
        self.out = relu(x)
        return self.out

    @property
    def mask(self) -> np.ndarray:
        """True where the gradient is stopped: where x <= 0."""
        return self.out <= 0

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = 0 where x <= 0, else dout."""
        return np.where(self.mask, 0, dout)


class Tanh(Layer):
    """Hyperbolic tangent, any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return tanh(x) and keep it as ``out``."""
        self.out = np.tanh(x)
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * (1 - out**2)."""
        return dout * (1 - self.out**2)


class Identity(_Identity):
    """The identity, any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return a copy of x and keep it as ``out``."""
        self.out = np.array(x)
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return a copy of dout."""
        return np.array(dout)


class Step(Layer):
    """Step function: 1 where x > 0, else 0; NaN passes. Any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the steps and keep them as ``out``."""
        self.out = np.where(np.isnan(x), x, (x > 0).astype(x.dtype))
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return zeros."""
        return np.zeros_like(dout)


class LeakyRelu(Layer):
    """Leaky rectifier: alpha * x where x <= 0, else x. Any shape."""

    def __init__(self, alpha: float = 0.01) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return it and keep it as ``out``."""
        self.out = np.where(x <= 0, self.alpha * x, x)
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = alpha * dout where x <= 0, else dout."""
        return np.where(self.out <= 0, self.alpha * dout, dout)


class Elu(Layer):
    """Exponential linear unit: alpha * (exp(x) - 1) where x <= 0, else x. Any shape."""

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return it and keep it as ``out``."""
        self.out = np.where(x <= 0, self.alpha * np.expm1(np.minimum(x, 0)), x)
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * (out + alpha) where x <= 0, else dout."""
        return np.where(self.out <= 0, dout * (self.out + self.alpha), dout)


class Softplus(Layer):
    """Softplus, log(1 + exp(x)), any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return softplus(x) and keep it as ``out``."""
        self.out = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * (1 - exp(-out))."""
        return dout * -np.expm1(-self.out)


class Silu(Layer):
    """Sigmoid linear unit, x * sigmoid(x), any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return silu(x) and keep x."""
        self.x = x
        return x * sigmoid(x)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * (s + x * s * (1 - s)), s = sigmoid(x)."""
        s = sigmoid(self.x)
        return dout * (s + self.x * s * (1 - s))


class Mish(Layer):
    """Mish, x * tanh(log(1 + exp(x))), any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return mish(x) and keep x."""
        self.x = x
        return x * np.tanh(np.logaddexp(0, x))

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * (g + x * (1 - g**2) * sigmoid(x)), g = tanh(log(1 + exp(x)))."""
        g = np.tanh(np.logaddexp(0, self.x))
        return dout * (g + self.x * (1 - g * g) * sigmoid(self.x))


class Gelu(Layer):
    """Gaussian error linear unit, x / 2 * (1 + erf(x / sqrt(2))), any shape.

    approximate="tanh" puts tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)) for the erf.
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return gelu(x) and keep x."""
        self.x = x
        return x * self._gate(x)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * (gate + x * gate')."""
        x, gate = self.x, self._gate(self.x)
        if self.approximate == "tanh":
            slope = 2 * gate * (1 - gate) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x**2)
        else:
            slope = np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
        return (dout * (gate + x * slope)).astype(np.result_type(x, dout))

    def _gate(self, x: np.ndarray) -> np.ndarray:
        if self.approximate == "tanh":
            return 0.5 * (1 + np.tanh(math.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x)))
        return (0.5 * (1 + _erf(x / math.sqrt(2)))).astype(x.dtype)
