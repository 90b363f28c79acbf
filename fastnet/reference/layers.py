"""Layers: forward remembers what backward needs; backward(dout) returns dx and fills grads."""

import numpy as np

from .functions import _labels, cross_entropy_error, relu, sigmoid, softmax


class _Layer:
    """A layer without parameters; the two lists are what optimizers and models go by."""

    def __init__(self) -> None:
        self.params: list[np.ndarray] = []
        self.grads: list[np.ndarray] = []


class MatMul(_Layer):
    """Product out = x @ W, with W (D, M).

    x is (N, D), a single row (D,), or (N, ...) whose rows are flattened to D.
    """

    def __init__(self, W: np.ndarray) -> None:
        self.params = [W]
        self.grads = [np.zeros_like(W)]

    W = property(lambda self: self.params[0], lambda self, W: self._set(0, W))
    dW = property(lambda self: self.grads[0])

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return x @ W, (N, M), or (M,) for a single row."""
        self.x_shape = x.shape
        self.x = _rows(x)
        out = np.dot(self.x, self.W)
        return out[0] if x.ndim == 1 else out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout @ W.T in the shape of x; write dW = x.T @ dout."""
        dout = self._backward_params(dout)
        return np.dot(dout, self.W.T).reshape(self.x_shape)

    def _backward_params(self, dout: np.ndarray) -> np.ndarray:
        # Apart from backward, because the first layer of a model needs no dx.
        dout = _rows(dout)
        np.matmul(self.x.T, dout, out=self.grads[0])
        return dout

    def _set(self, i: int, array: np.ndarray) -> None:
        self.params[i] = array
        if self.grads[i].shape != array.shape or self.grads[i].dtype != array.dtype:
            self.grads[i] = np.zeros_like(array)


class Affine(MatMul):
    """Product and bias, out = x @ W + b, with W (D, M) and b (M,)."""

    def __init__(self, W: np.ndarray, b: np.ndarray) -> None:
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]

    b = property(lambda self: self.params[1], lambda self, b: self._set(1, b))
    db = property(lambda self: self.grads[1])

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return x @ W + b, (N, M), or (M,) for a single row."""
        return super().forward(x) + self.b

    def _backward_params(self, dout: np.ndarray) -> np.ndarray:
        dout = super()._backward_params(dout)
        self.grads[1][...] = dout.sum(axis=0)
        return dout


class _Identity(_Layer):
    def forward(self, x: np.ndarray) -> np.ndarray:
        return x

    def backward(self, dout: np.ndarray) -> np.ndarray:
        return dout


class Sigmoid(_Layer):
    """Logistic function, out = 1 / (1 + exp(-x)), any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return sigmoid(x) and keep it as ``out``."""
        self.out = sigmoid(x)
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * (1 - out) * out."""
        return dout * (1 - self.out) * self.out


class Relu(_Layer):
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


class Tanh(_Layer):
    """Hyperbolic tangent, any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return tanh(x) and keep it as ``out``."""
        self.out = np.tanh(x)
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * (1 - out**2)."""
        return dout * (1 - self.out**2)


class Softmax(_Layer):
    """Softmax over the last axis, of (N, C) or (C,)."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return softmax(x) and keep it as ``out``."""
        self.out = softmax(x)
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = out * (dout - sum(out * dout))."""
        dx = self.out * dout
        return dx - self.out * dx.sum(axis=-1, keepdims=True)


class SoftmaxWithLoss(_Layer):
    """The textbook's last layer: softmax, then mean of -log(y + 1e-7).

    After forward, ``y`` (N, C) holds the probabilities, ``t`` (N,) the labels, ``loss`` the loss.
    """

    def forward(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return the loss of logits x (N, C); t holds labels (N,) or one-hot rows (N, C)."""
        self.y = softmax(x)
        self.t = _labels(t, self.y)
        self.loss = cross_entropy_error(self.y, self.t)
        return self.loss

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return dx = (y - onehot(t)) * dout / N."""
        n = len(self.y)
        dx = self.y.copy()
        dx[np.arange(n), self.t] -= 1
        dx *= dout
        dx /= n
        return dx


class Dense(Affine):
    """Affine and activation, declared by its number of units; W and b come with ``build``.

    activation is None, "identity", "sigmoid", "relu" or "tanh". Weights are drawn with the
    standard deviation weight_init_std, or sqrt(2 / n_in) for "relu" (He), or sqrt(1 / n_in)
    (Xavier).
    """

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        input_shape: tuple[int, ...] | None = None,
        weight_init_std: float | None = None,
    ) -> None:
        self._units = units
        self.activation = activation
        self.input_shape = input_shape
        self.weight_init_std = weight_init_std
        self.params, self.grads = [], []
        classes: dict = {"identity": _Identity, "sigmoid": Sigmoid, "relu": Relu, "tanh": Tanh}
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
            std = np.sqrt((2 if self.activation == "relu" else 1) / n_in)
        W = (rng.standard_normal((n_in, self.units)) * std).astype(dtype)
        super().__init__(W, np.zeros(self.units, dtype))

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return activation(x @ W + b)."""
        return self._activation.forward(super().forward(x))

    def _backward_params(self, dout: np.ndarray) -> np.ndarray:
        return super()._backward_params(self._activation.backward(dout))


def _rows(x: np.ndarray) -> np.ndarray:
    """View x as a matrix of rows: (D,) is one row, (N, ...) is N flattened rows."""
    if x.ndim == 2:
        return x
    return x.reshape(1, -1) if x.ndim == 1 else x.reshape(len(x), -1)
