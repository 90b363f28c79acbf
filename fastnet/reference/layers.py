"""Layers: forward remembers what backward needs; backward(dout) returns dx and fills grads."""

import math

import numpy as np

from .functions import _labels, cross_entropy_error, relu, sigmoid, softmax
from .initializers import deviation

_erf = np.vectorize(math.erf, otypes=[float])  # NumPy has none


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


class Identity(_Identity):
    """The identity, any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return a copy of x and keep it as ``out``."""
        self.out = np.array(x)
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return a copy of dout."""
        return np.array(dout)


class Step(_Layer):
    """Step function: 1 where x > 0, else 0; NaN passes. Any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the steps and keep them as ``out``."""
        self.out = np.where(np.isnan(x), x, (x > 0).astype(x.dtype))
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return zeros."""
        return np.zeros_like(dout)


class LeakyRelu(_Layer):
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


class Elu(_Layer):
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


class Softplus(_Layer):
    """Softplus, log(1 + exp(x)), any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return softplus(x) and keep it as ``out``."""
        self.out = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
        return self.out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * (1 - exp(-out))."""
        return dout * -np.expm1(-self.out)


class Silu(_Layer):
    """Sigmoid linear unit, x * sigmoid(x), any shape."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return silu(x) and keep x."""
        self.x = x
        return x * sigmoid(x)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * (s + x * s * (1 - s)), s = sigmoid(x)."""
        s = sigmoid(self.x)
        return dout * (s + self.x * s * (1 - s))


class Gelu(_Layer):
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


class Dropout(_Layer):
    """The textbook's dropout, or the inverted one, with a mask from NumPy's generator or rng."""

    def __init__(
        self,
        dropout_ratio: float = 0.5,
        inverted: bool = False,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.dropout_ratio, self.inverted, self.rng = dropout_ratio, inverted, rng

    def forward(self, x: np.ndarray, train_flg: bool = True) -> np.ndarray:
        """Return x * mask in training, else x * (1 - dropout_ratio)."""
        if not train_flg:
            return x.copy() if self.inverted else x * (1 - self.dropout_ratio)
        rand = np.random.rand  # as the book has it
        drawn = rand(*x.shape) if self.rng is None else self.rng.random(x.shape)
        self.mask = drawn > self.dropout_ratio
        return self._dropped(x)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx = dout * mask."""
        return self._dropped(dout)

    def _dropped(self, x: np.ndarray) -> np.ndarray:
        kept = x * self.mask
        return kept / (1 - self.dropout_ratio) if self.inverted else kept


class BatchNormalization(_Layer):
    """Bring each feature of a batch to mean 0 and variance 1, then scale and shift it.

    (N, C, H, W) has C * H * W features, as in the textbook.
    """

    def __init__(
        self,
        gamma: np.ndarray | None = None,
        beta: np.ndarray | None = None,
        momentum: float = 0.9,
        running_mean: np.ndarray | None = None,
        running_var: np.ndarray | None = None,
        eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.running_mean, self.running_var = running_mean, running_var
        if gamma is not None and beta is not None:
            self.params = [gamma, beta]
            self.grads = [np.zeros_like(gamma), np.zeros_like(beta)]

    gamma = property(lambda self: self.params[0], lambda self, a: self._set(0, a))
    beta = property(lambda self: self.params[1], lambda self, a: self._set(1, a))
    dgamma = property(lambda self: self.grads[0])
    dbeta = property(lambda self: self.grads[1])

    def build(self, n_in: int, rng: object, dtype: np.dtype) -> None:
        """Make gamma of ones and beta of zeros."""
        self.params = [np.ones(n_in, dtype), np.zeros(n_in, dtype)]
        self.grads = [np.zeros(n_in, dtype), np.zeros(n_in, dtype)]

    def forward(self, x: np.ndarray, train_flg: bool = True) -> np.ndarray:
        """Return gamma * (x - mean) / sqrt(var + eps) + beta."""
        shape, rows = x.shape, x.reshape(len(x), -1)
        if self.running_mean is None or self.running_var is None:
            self.running_mean, self.running_var = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
        mean, var = self.running_mean, self.running_var
        if train_flg:
            mean = rows.mean(axis=0)
            var = np.mean((rows - mean) ** 2, axis=0)
            rest = 1 - self.momentum
            self.running_mean = self.momentum * self.running_mean + rest * mean
            self.running_var = self.momentum * self.running_var + rest * var
        xc, std = rows - mean, np.sqrt(var + self.eps)
        if train_flg:
            self.x, self.xn, self.std = rows, xc / std, std
        return (self.gamma * (xc / std) + self.beta).reshape(shape)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx in the shape of dout; write dgamma and dbeta."""
        rows = dout.reshape(len(dout), -1)
        self.grads[1][...] = rows.sum(axis=0)
        self.grads[0][...] = np.sum(self.xn * rows, axis=0)
        centred = rows - rows.mean(axis=0) - self.xn * np.mean(self.xn * rows, axis=0)
        return (self.gamma / self.std * centred).reshape(dout.shape)

    def _set(self, i: int, array: np.ndarray) -> None:
        self.params[i] = array


class Embedding(_Layer):
    """Rows of a table W (V, H) by their numbers."""

    def __init__(self, W: np.ndarray) -> None:
        self.params = [W]
        self.grads = [np.zeros_like(W)]

    W = property(lambda self: self.params[0], lambda self, W: self._set(W))
    dW = property(lambda self: self.grads[0])

    def forward(self, idx: np.ndarray) -> np.ndarray:
        """Return W[idx]."""
        self.idx = idx
        return self.W[idx]

    def backward(self, dout: np.ndarray) -> None:
        """Write dW: the rows of dout, added up for each number."""
        self.grads[0][...] = 0
        np.add.at(self.grads[0], self.idx, dout)

    def _backward_params(self, dout: np.ndarray) -> None:
        self.backward(dout.reshape(*self.idx.shape, -1))

    def _set(self, W: np.ndarray) -> None:
        self.params[0] = W
        if self.grads[0].shape != W.shape or self.grads[0].dtype != W.dtype:
            self.grads[0] = np.zeros_like(W)


class Add(_Layer):
    """Sum of two arrays, which may broadcast."""

    def forward(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return x + y."""
        self._shapes = np.shape(x), np.shape(y)
        return np.add(x, y)

    def backward(self, dout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return dx and dy: dout, summed over the axes along which x or y was spread."""
        x, y = self._shapes
        return _summed_to(dout, x), _summed_to(dout, y)


class Multiply(_Layer):
    """Product of two arrays, which may broadcast."""

    def forward(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return x * y and keep both."""
        self.x, self.y = x, y
        return np.multiply(x, y)

    def backward(self, dout: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return dx = dout * y and dy = dout * x, summed as in Add."""
        dx, dy = np.multiply(dout, self.y), np.multiply(dout, self.x)
        return _summed_to(dx, np.shape(self.x)), _summed_to(dy, np.shape(self.y))


class Repeat(_Layer):
    """Each entry along an axis ``times`` times."""

    def __init__(self, times: int, axis: int = 0) -> None:
        super().__init__()
        self.times, self.axis = times, axis

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return np.repeat(x, times, axis)."""
        self._shape = x.shape
        return np.repeat(x, self.times, self.axis)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx, the sums of dout over the copies."""
        axis = self.axis % len(self._shape)
        parts = (*self._shape[: axis + 1], self.times, *self._shape[axis + 1 :])
        return dout.reshape(parts).sum(axis=axis + 1)


class Sum(_Layer):
    """Sum along an axis, which stays with length 1."""

    def __init__(self, axis: int = 0) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return x.sum(axis, keepdims=True)."""
        self._shape = x.shape
        return x.sum(axis=self.axis, keepdims=True)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx, dout repeated along the axis."""
        return np.repeat(dout, self._shape[self.axis], axis=self.axis)


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
    standard deviation weight_init_std, which may be a name in ``initializers``, or sqrt(2 / n_in)
    for "relu" (He), or sqrt(1 / n_in) (Xavier).
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


def _rows(x: np.ndarray) -> np.ndarray:
    """View x as a matrix of rows: (D,) is one row, (N, ...) is N flattened rows."""
    if x.ndim == 2:
        return x
    return x.reshape(1, -1) if x.ndim == 1 else x.reshape(len(x), -1)


def _summed_to(grad: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum over the axes along which an array of that shape was spread."""
    grad = np.asarray(grad)
    extra = grad.ndim - len(shape)
    grown = (1,) * extra + shape
    axes = tuple(i for i in range(grad.ndim) if grown[i] != grad.shape[i])
    return grad.sum(axis=axes, keepdims=True).reshape(shape)
