"""Losses: forward(x, t) returns the mean over the batch, backward(dout=1) the gradient dx."""

from inspect import getfullargspec as _arguments
from inspect import isfunction as _isfunction
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

import numpy as np

from . import kernels
from .functions import _are_soft, _labels


class SoftmaxCrossEntropy:
    """Softmax and cross entropy in one, exact and stable for any finite logits.

    After forward, ``y`` (N, C) holds the probabilities, ``t`` (N,) the labels, or the
    probabilities (N, C) that were given, ``loss`` the loss.
    """

    def __init__(self) -> None:
        self.params: list[np.ndarray] = []
        self.grads: list[np.ndarray] = []

    def forward(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return mean(logsumexp(x) - x[t]); t holds labels (N,) or rows (N, C)."""
        n = len(x)
        if _are_soft(t, x):
            self.y, self.t, loss = np.empty_like(x), t.astype(x.dtype), np.empty(1, x.dtype)
            kernels.soft_cross_entropy_forward(x, self.t, self.y, loss)
            self.loss = loss[0]
            return self.loss
        x = x - x.max(axis=1, keepdims=True)
        self.y = np.exp(x)
        total = self.y.sum(axis=1, keepdims=True)
        self.y /= total
        self.t = _labels(t, self.y)
        self.loss = (np.log(total[:, 0]) - x[np.arange(n), self.t]).sum() / n
        return self.loss

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return dx = (y - onehot(t)) * dout / N."""
        n = len(self.y)
        dx = self.y.copy()
        if self.t.ndim == 2:
            kernels.soft_cross_entropy_backward(self.y, self.t, dout, dx)
            return dx
        dx[np.arange(n), self.t] -= 1
        dx *= dout
        dx /= n
        return dx


class _TargetLoss:
    """A loss of outputs and targets whose equations stand in ``kernels``.

    After forward, ``y`` and ``t`` (N, C) hold outputs and targets, ``loss`` the loss.
    """

    _word = ""

    def __init__(self) -> None:
        self.params: list[np.ndarray] = []
        self.grads: list[np.ndarray] = []

    def forward(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return the loss; x is (N, C), t (N, C), or (N,) where C is 1."""
        self.y, self.t = x, t.reshape(x.shape)
        loss = np.empty(1, np.result_type(x, t))
        self._kernel("forward")(self.y, self.t, *self._numbers(), loss)
        self.loss = loss[0]
        return self.loss

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return the gradient with respect to x, times dout."""
        dx = np.empty(self.y.shape, np.result_type(self.y, self.t))
        self._kernel("backward")(self.y, self.t, *self._numbers(), dout, dx)
        return dx

    def _kernel(self, way):
        return getattr(kernels, f"{self._word}_{way}")

    def _numbers(self):
        return ()


class _LabelLoss(_TargetLoss):
    """A loss of outputs and class labels: t holds labels (N,) or one-hot rows (N, C)."""

    def forward(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return the loss; x is (N, C), t (N,) or one-hot (N, C)."""
        self.y, self.t = x, _labels(t, x)
        loss = np.empty(1, x.dtype)
        self._kernel("forward")(self.y, self.t, loss)
        self.loss = loss[0]
        return self.loss

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return the gradient with respect to x, times dout."""
        dx = np.empty_like(self.y)
        self._kernel("backward")(self.y, self.t, dout, dx)
        return dx


class Huber(_TargetLoss):
    """Huber loss, squared up to delta and absolute beyond, mean over the outputs and the batch."""

    _word = "huber"

    def __init__(self, delta: float = 1.0) -> None:
        super().__init__()
        self.delta = delta

    def _numbers(self):
        return (self.delta,)


class CategoricalHinge(_LabelLoss):
    """Hinge loss of class scores with labels, mean over the batch."""

    _word = "categorical_hinge"


class SparseCategoricalCrossEntropy(_LabelLoss):
    """Cross entropy of probabilities with labels, mean over the batch."""

    _word = "cross_entropy"


# All others: poisson_forward(y, t, loss) and poisson_backward make Poisson.
for _name in kernels.__all__:
    _function = getattr(kernels, _name)
    if _isfunction(_function) and _arguments(_function).args == ["y", "t", "loss"]:
        _word = _name.removesuffix("_forward")
        _class = _word.title().replace("_", "")
        if _word not in ("categorical_hinge", "cross_entropy"):
            _own = {"__doc__": _function.__doc__, "__module__": __name__, "_word": _word}
            globals()[_class] = type(_class, (_TargetLoss,), _own)

if _TYPE_CHECKING:  # what the loop above defines

    def __getattr__(name: str) -> _Any: ...


class SigmoidWithLoss:
    """The textbook's last layer of yes-or-no scores: sigmoid, then -log(p + 1e-7).

    After forward, ``y`` holds the probabilities, ``t`` the targets 0 and 1, ``loss`` the loss.
    """

    def __init__(self) -> None:
        self.params: list[np.ndarray] = []
        self.grads: list[np.ndarray] = []

    def forward(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return -sum(log(p + 1e-7)) / N; x is (N,) or (N, C), t the same, of 0 and 1."""
        self.t = np.reshape(t, x.shape)
        self.y = 1 / (1 + np.exp(-x))
        p = np.where(self.t == 1, self.y, 1 - self.y)
        self.loss = -np.sum(np.log(p + 1e-7)) / len(x)
        return self.loss

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return dx = (y - t) * dout / N."""
        return (self.y - self.t) * dout / len(self.y)


class WeightedLosses:
    """Losses of several outputs, averaged by weights into one scalar, ``loss``."""

    def __init__(self, losses: list, weights: list[float] | None = None) -> None:
        self.params: list[np.ndarray] = []
        self.grads: list[np.ndarray] = []
        self.losses = losses
        self.weights = weights or [1] * len(losses)

    def forward(self, xs: list[np.ndarray], ts: list[np.ndarray]) -> float:
        """Return sum(weights[k] * losses[k]) / sum(weights)."""
        values = [loss.forward(x, t) for loss, x, t in zip(self.losses, xs, ts, strict=True)]
        self.loss = np.average(values, weights=self.weights)
        return self.loss

    def backward(self, dout: float = 1) -> list[np.ndarray]:
        """Return the gradients with respect to each x, times dout."""
        shares = [weight / sum(self.weights) for weight in self.weights]
        return [
            loss.backward(dout * share) for loss, share in zip(self.losses, shares, strict=True)
        ]
