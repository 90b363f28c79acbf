"""Losses: forward(x, t) returns the mean over the batch, backward(dout=1) the gradient dx."""

from inspect import getfullargspec as _arguments
from inspect import isfunction as _isfunction
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

import numpy as np

from . import kernels
from .functions import _are_soft, _labels


def _factors(labels, ignored, sample_weight, n):
    """Return what the losses of n samples are multiplied by before they are added: 1 / N.

    With weights the weight / N, of the N samples whose label is not the ignored one.
    """
    weights = np.ones(n) if sample_weight is None else np.asarray(sample_weight, float)
    if ignored is not None and labels.ndim == 1:
        weights = np.where(labels == ignored, 0, weights)
        n = np.count_nonzero(labels != ignored)
    return weights / max(n, 1)


def _smoothed(t, share, classes):
    """Return labels (N,) or rows (N, C) as rows of which a share goes to all classes alike."""
    rows = np.eye(classes)[np.clip(t, 0, classes - 1)] if t.ndim == 1 else t
    return (1 - share) * rows + share / classes


class SoftmaxCrossEntropy:
    """Softmax and cross entropy in one, exact and stable for any finite logits.

    Targets become (1 - label_smoothing) t + label_smoothing / C. Samples with the label
    ignore_index do not count. After forward, ``y`` (N, C) holds the probabilities, ``t`` (N,) the
    labels, or the probabilities (N, C), ``loss`` the loss.
    """

    def __init__(self, label_smoothing: float = 0.0, ignore_index: int | None = None) -> None:
        self.params: list[np.ndarray] = []
        self.grads: list[np.ndarray] = []
        self.label_smoothing, self.ignore_index = label_smoothing, ignore_index

    def forward(
        self, x: np.ndarray, t: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> float:
        """Return mean(logsumexp(x) - x[t]); t holds labels (N,) or rows (N, C).

        With a weight for each sample, sum(weight * loss) / N.
        """
        n, self._factors = len(x), None
        if self.label_smoothing or sample_weight is not None or self.ignore_index is not None:
            known = t if _are_soft(t, x) else _labels(t, x)
            self._factors = _factors(known, self.ignore_index, sample_weight, n)[:, None]
            self.t = _smoothed(known, self.label_smoothing, x.shape[1]).astype(x.dtype)
            logits = x - x.max(axis=1, keepdims=True)
            logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            self.y = np.exp(logs)
            self.loss = -(self._factors * self.t * logs).sum()
            return self.loss
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
        if self._factors is not None:
            return (dx * self.t.sum(axis=1, keepdims=True) - self.t) * self._factors * dout
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

    def forward(
        self, x: np.ndarray, t: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> float:
        """Return the loss; x is (N, C), t (N, C), or (N,) where C is 1.

        With a weight for each sample, sum(weight * loss) / N.
        """
        return self._run(x, self._smoothed(t.reshape(x.shape)), sample_weight)

    def _run(self, y, t, sample_weight):
        self.y, self.t, self._factors = y, t, None
        loss = np.empty(1, self._dtype())
        ignored = getattr(self, "ignore_index", None)
        if sample_weight is None and ignored is None:
            self._kernel("forward")(y, t, *self._numbers(), loss)
            self.loss = loss[0]
            return self.loss
        self._factors = _factors(t, ignored, sample_weight, len(y))
        self.loss = loss.dtype.type(0)
        for i in np.flatnonzero(self._factors):  # a sample alone: what it adds
            self._kernel("forward")(y[i : i + 1], t[i : i + 1], *self._numbers(), loss)
            self.loss += self._factors[i] * loss[0]
        return self.loss

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return the gradient with respect to x, times dout."""
        y, t, dx = self.y, self.t, np.zeros(self.y.shape, self._dtype())
        if self._factors is None:
            self._kernel("backward")(y, t, *self._numbers(), dout, dx)
            return dx
        for i in np.flatnonzero(self._factors):
            row, number = slice(i, i + 1), dout * self._factors[i]
            self._kernel("backward")(y[row], t[row], *self._numbers(), number, dx[row])
        return dx

    def _dtype(self):
        return np.result_type(self.y, self.t)

    def _smoothed(self, t):
        return t

    def _kernel(self, way):
        return getattr(kernels, f"{self._word}_{way}")

    def _numbers(self):
        return ()


class _LabelLoss(_TargetLoss):
    """A loss of outputs and class labels: t holds labels (N,) or one-hot rows (N, C).

    Samples with the label ignore_index do not count.
    """

    def __init__(self, ignore_index: int | None = None) -> None:
        super().__init__()
        self.ignore_index = ignore_index

    def forward(
        self, x: np.ndarray, t: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> float:
        """Return the loss; x is (N, C), t (N,) or one-hot (N, C).

        With a weight for each sample, sum(weight * loss) / N.
        """
        return self._run(x, _labels(t, x), sample_weight)

    def _dtype(self):
        return self.y.dtype


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


class _SmoothedLoss(_TargetLoss):
    """A loss whose targets become (1 - label_smoothing) t + label_smoothing / classes."""

    _classes: int | None = 2  # of yes and no; None: as many as there are outputs

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def _smoothed(self, t):
        share = self.label_smoothing
        return (1 - share) * t + share / (self._classes or t.shape[1]) if share else t


class CategoricalCrossEntropy(_SmoothedLoss):
    """Cross entropy of probabilities with targets; sum over classes, mean over the batch."""

    _word = "categorical_cross_entropy"
    _classes = None


class BinaryCrossEntropy(_SmoothedLoss):
    """Cross entropy of yes-or-no probabilities, mean over the outputs and the batch."""

    _word = "binary_cross_entropy"


class SigmoidCrossEntropy(_SmoothedLoss):
    """Sigmoid and binary cross entropy in one, mean over the outputs and the batch."""

    _word = "sigmoid_cross_entropy"


# All others: poisson_forward(y, t, loss) and poisson_backward make Poisson.
for _name in kernels.__all__:
    _function = getattr(kernels, _name)
    if _isfunction(_function) and _arguments(_function).args == ["y", "t", "loss"]:
        _word = _name.removesuffix("_forward")
        _class = _word.title().replace("_", "")
        if _class not in globals() and _word not in ("categorical_hinge", "cross_entropy"):
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
