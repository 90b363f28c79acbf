"""Losses of probabilities, and of logits of two classes."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fastnet.functions.weights import smoothed
from fastnet.kernels import cross_entropy, softmax
from fastnet.losses.logits import SoftmaxCrossEntropy
from fastnet.losses.on_kernels import LabelLoss, ProbabilityLoss, SmoothedLoss
from fastnet.losses.outputs import DISTRIBUTIONS, LOGITS, PROBABILITIES
from fastnet.metrics.named import OF_LABELS

__all__ = [
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "KullbackLeiblerDivergence",
    "SigmoidCrossEntropy",
    "SparseCategoricalCrossEntropy",
]


class CategoricalCrossEntropy(SmoothedLoss):
    """Cross entropy of probabilities with one-hot targets; sum over classes, mean over the batch.

        loss = -sum(t log(y + 1e-7)) / N
        dx = -t / (y + 1e-7) * dout / N

    Targets may be probabilities, too. `SoftmaxCrossEntropy` takes logits, and is exact.

    Parameters
    ----------
    label_smoothing : float, at least 0 and below 1
        s: the share of each target that is spread over all classes, t becomes (1 - s) t + s / C.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 4.2.2. keras.losses.CategoricalCrossentropy
    scales each row of y to the sum 1 first, and bounds y by 1e-7 in place of adding it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import CategoricalCrossEntropy
    >>> loss = CategoricalCrossEntropy()
    >>> round(float(loss.forward(np.array([[0.1, 0.9]]), np.array([[0.0, 1.0]]))), 4)
    0.1054
    """

    outputs = DISTRIBUTIONS
    _kernels = (
        cross_entropy.categorical_cross_entropy_forward,
        cross_entropy.categorical_cross_entropy_backward,
    )
    _function = cross_entropy.categorical_cross_entropy_in_loop

    def of_logits(self) -> Any:
        """Return the loss that is softmax and this loss in one."""
        return SoftmaxCrossEntropy(self.label_smoothing)

    def classes_of(self, where: str, labels: NDArray[Any], targets: NDArray[Any]) -> Any:
        """Return the class of each sample, that of its largest target, and how many there are."""
        if labels.size:
            return labels, None
        return targets.argmax(axis=1), targets.shape[1]

    def _smoothed(self, t: NDArray[Any]) -> NDArray[Any]:
        if not self.label_smoothing:
            return t
        return smoothed(t, self.label_smoothing, t.shape[1], t.dtype)


class SparseCategoricalCrossEntropy(LabelLoss):
    """Cross entropy of probabilities with labels, mean over the batch.

        loss = -mean over n of log(y[n, t[n]] + 1e-7)
        dx[n, c] = -[c = t[n]] / (y[n, c] + 1e-7) * dout / N

    t may be one-hot. `SoftmaxCrossEntropy` takes logits, and is exact.

    Parameters
    ----------
    ignore_index : int, optional
        Samples with this label have no loss and do not count: the mean is that of the others, 0
        where there are none.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 4.2.4, as `cross_entropy_error` has it.
    keras.losses.SparseCategoricalCrossentropy bounds y by 1e-7 in place of adding it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import SparseCategoricalCrossEntropy
    >>> loss = SparseCategoricalCrossEntropy()
    >>> round(float(loss.forward(np.array([[0.1, 0.9]]), [1])), 4)
    0.1054
    """

    outputs = DISTRIBUTIONS
    _kernels = softmax.cross_entropy_forward, softmax.cross_entropy_backward
    _function = cross_entropy.cross_entropy_in_loop

    def of_logits(self) -> Any:
        """Return the loss that is softmax and this loss in one."""
        return SoftmaxCrossEntropy(ignore_index=self.ignore_index)


class BinaryCrossEntropy(SmoothedLoss):
    """Cross entropy of yes-or-no probabilities, mean over the outputs and the batch.

        loss = -mean(t log(y) + (1 - t) log(1 - y))
        dx = (y - t) / max(y (1 - y), 1e-12) * dout / (N C)

    Logarithms below -100 count as that. Targets may be probabilities, too. `SigmoidCrossEntropy`
    takes logits, and is exact. An output that is no probability gives NaN.

    Parameters
    ----------
    label_smoothing : float, at least 0 and below 1
        s: the share of each target that is spread over yes and no, t becomes (1 - s) t + s / 2.

    Notes
    -----
    Source: torch.nn.BCELoss; keras.losses.BinaryCrossentropy bounds y by 1e-7 and 1 - 1e-7 instead.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import BinaryCrossEntropy
    >>> loss = BinaryCrossEntropy()
    >>> round(float(loss.forward(np.array([[0.1], [0.9]]), np.array([0.0, 1.0]))), 4)
    0.1054
    """

    metrics, yes_above = OF_LABELS, (0.5, 0.5)
    outputs = PROBABILITIES
    _kernels = (
        cross_entropy.binary_cross_entropy_forward,
        cross_entropy.binary_cross_entropy_backward,
    )
    _function = cross_entropy.binary_cross_entropy_in_loop


class SigmoidCrossEntropy(SmoothedLoss):
    """Sigmoid and binary cross entropy in one; mean over the outputs and the batch.

        loss = mean(log(1 + exp(y)) - t y), of logits y
        dx = (sigmoid(y) - t) * dout / (N C)

    Finite for any finite logits. Targets may be probabilities, too.

    Parameters
    ----------
    label_smoothing : float, at least 0 and below 1
        s: the share of each target that is spread over yes and no, t becomes (1 - s) t + s / 2.

    Notes
    -----
    Source: torch.nn.BCEWithLogitsLoss, keras.losses.BinaryCrossentropy(from_logits=True).

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import SigmoidCrossEntropy
    >>> loss = SigmoidCrossEntropy()
    >>> float(loss.forward(np.array([[-1000.0]]), np.array([1.0])))
    1000.0
    >>> loss.backward()
    array([[-1.]])
    """

    metrics, yes_above = OF_LABELS, (0.0, 0.5)
    outputs = LOGITS
    _kernels = (
        cross_entropy.sigmoid_cross_entropy_forward,
        cross_entropy.sigmoid_cross_entropy_backward,
    )
    _function = cross_entropy.sigmoid_cross_entropy_in_loop


class KullbackLeiblerDivergence(ProbabilityLoss):
    """Kullback-Leibler divergence of probabilities; sum over the classes, mean over the batch.

        loss = sum(t (log(t) - log(y))) / N
        dx = -t / max(y, 1e-12) * dout / N

    0 log(0) is 0; a log(y) below -100 counts as that.

    Notes
    -----
    Source: Kullback and Leibler, On information and sufficiency, 1951. torch.nn.KLDivLoss with
    reduction="batchmean" of log(y); keras.losses.KLDivergence bounds t and y by 1e-7.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.losses import KullbackLeiblerDivergence
    >>> loss = KullbackLeiblerDivergence()
    >>> round(float(loss.forward(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]]))), 4)
    0.6931
    """

    outputs = DISTRIBUTIONS
    _kernels = (
        cross_entropy.kullback_leibler_divergence_forward,
        cross_entropy.kullback_leibler_divergence_backward,
    )
    _function = cross_entropy.kullback_leibler_divergence_in_loop
