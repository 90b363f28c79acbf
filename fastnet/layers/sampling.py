"""Word vectors by negative sampling: inner products with a few words in place of all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.cross_entropy import sigmoid_with_loss_forward
from fastnet.kernels.sampling import embedding_dot_backward, embedding_dot_forward
from fastnet.layers.base import Layer
from fastnet.layers.unigram import UnigramSampler

__all__ = ["EmbeddingDot", "NegativeSamplingLoss"]


class EmbeddingDot(Layer):
    """The inner product of each sample with a row of a table, out[n] = W[idx[n]] @ h[n].

    Parameters
    ----------
    W : (V, H) float32 or float64
        A row for each of V words. Kept by reference.

    Raises
    ------
    TypeError
        W is complex, object, string or wider than float64.
    ValueError
        W is not (V, H), or empty.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 4.2.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import EmbeddingDot
    >>> layer = EmbeddingDot(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> layer.forward(np.ones((3, 2)), [0, 1, 1])
    array([3., 7., 7.])
    >>> layer.backward(np.array([1.0, 1.0, 0.5]))
    array([[1. , 2. ],
           [3. , 4. ],
           [1.5, 2. ]])
    >>> layer.grads[0]
    array([[1. , 1. ],
           [1.5, 1.5]])
    """

    array_names = ("W",)
    unstacked = "Write a model of words by hand: it takes row numbers besides vectors."

    def __init__(self, W: ArrayLike) -> None:
        super().__init__()
        array = checks.parameter(type(self).__name__, "W", W, 2)
        self.params.append(array)
        self.grads.append(np.zeros(array.shape, checks.result_dtype(array)))

    def forward(self, h: ArrayLike, idx: ArrayLike) -> NDArray[Any]:
        """Return (N,), of h (N, H) and idx (N,), integers in 0..V-1.

        Raises TypeError where h holds no real numbers or idx no integers, ValueError where they
        have other shapes or are empty, IndexError where a number is negative or too large.
        """
        where = self._name("forward")
        rows = checks.indices(where, idx, self.params[0].shape)
        out, dtype = self._products(where, h, rows, 1)
        result: NDArray[Any] = checks.returned(out[:, 0], dtype)
        return result

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dh (N, H), of dout (N,), and write the gradient of W.

        Raises RuntimeError where forward was not called, TypeError or ValueError where dout holds
        no real numbers, or has another shape.
        """
        where = self._name("backward")
        h = checks.remembered(where, self, "_kept")[0]
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, (len(h),))
        return self._gradients(where, dout[:, np.newaxis])

    def _products(
        self, where: str, h: Any, rows: NDArray[np.int64], each: int
    ) -> tuple[NDArray[Any], Any]:
        """Return (N, K) of rows (N K,), and the dtype; keep what backward needs."""
        checks.lengths(where, "params", self.params, 1)
        W = self.params[0]
        h = checks.dimensions(where, "h", h, "N, H", last=W.shape[1])
        checks.beside(where, "idx", rows, "h", h.shape, (len(h) * each,))
        dtype = checks.result_dtype(W, h)
        h = checks.contiguous(h, dtype)
        out = empty((len(h), each), h.dtype)
        embedding_dot_forward(checks.contiguous(W, dtype), rows, h, out)
        self._kept = h, rows
        return out, dtype

    def _gradients(self, where: str, dout: NDArray[Any]) -> NDArray[Any]:
        """Return dh and write the gradient of W, of dout (N, K)."""
        h, rows = self._kept
        checks.gradients(where, tuple(self.params), tuple(self.grads), 1)
        W, dW = self.params[0], self.grads[0]
        checks.dimensions(where, "h", h, "N, H", last=W.shape[1])  # W may be another one
        checks.indices(where, rows, W.shape)
        dtype = checks.result_dtype(W, h, dout)
        h, dout = checks.contiguous(h, dtype), checks.contiguous(dout, dtype)
        dh = empty(h.shape, h.dtype)
        written = checks.written_by_kernel(dW, h.dtype)
        embedding_dot_backward(checks.contiguous(W, dtype), rows, h, dout, dh, written)
        if written is not dW:
            dW[...] = written
        result: NDArray[Any] = checks.returned(dh, dtype)
        return result

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(str, self.params[0].shape))})"


class NegativeSamplingLoss(EmbeddingDot):
    """Negative sampling: yes for the target, no for a few drawn words, in place of a softmax.

        score[n, k] = W[word k] @ h[n], of the target and then of the words drawn
        loss = sum over k of the mean over n of -log(p + 1e-7), p = sigmoid(score) for the target,
        else 1 - sigmoid(score)

    Parameters
    ----------
    W : (V, H) float32 or float64
        A row for each of V words. Kept by reference.
    corpus, power, sample_size, rng
        Those of `UnigramSampler`.

    Attributes
    ----------
    sampler : UnigramSampler
    sample_size : int
    loss : scalar
        That of the last forward.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; the corpus has more words than W rows.

    Notes
    -----
    The textbook's layer has W and its gradient once for every word of a sample, and its trainer
    adds the gradients up; here there is one W, whose gradient is the sum. Source: Saitoh, Deep
    Learning from Scratch 2, section 4.2.7.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import NegativeSamplingLoss
    >>> layer = NegativeSamplingLoss(np.zeros((4, 2)), corpus=[0, 1, 2, 3], sample_size=2)
    >>> round(float(layer.forward(np.ones((1, 2)), [3])), 4)  # 3 log(2)
    2.0794
    >>> layer.backward()
    array([[0., 0.]])
    >>> layer.grads[0][3]
    array([-0.5, -0.5])
    """

    loss: Any

    def __init__(
        self,
        W: ArrayLike,
        corpus: ArrayLike,
        power: float = 0.75,
        sample_size: int = 5,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(W)
        self.sampler = UnigramSampler(corpus, power, sample_size, rng)
        self.sample_size = self.sampler.sample_size
        checks.indices("NegativeSamplingLoss", corpus, self.params[0].shape, "corpus")

    def forward(self, h: ArrayLike, target: ArrayLike) -> Any:
        """Return the loss of h (N, H), with targets (N,), integers in 0..V-1.

        Raises TypeError where h holds no real numbers or target no integers, ValueError where they
        have other shapes or are empty, IndexError where a target is out of range.
        """
        where = self._name("forward")
        h = checks.dimensions(where, "h", h, "N, H", last=self.params[0].shape[1])
        checks.beside(where, "target", target, "h", h.shape, h.shape[:1])
        found = checks.indices(where, target, (self.sampler.vocab_size,), "target")
        rows = np.column_stack([found, self.sampler.get_negative_sample(found)])
        scores, dtype = self._products(where, h, rows.reshape(-1), 1 + self.sample_size)
        t, y, loss = (
            np.zeros_like(scores),
            empty(scores.shape, scores.dtype),
            empty(1, scores.dtype),
        )
        t[:, 0] = 1
        sigmoid_with_loss_forward(scores, t, y, loss)
        self.loss, self._errors = checks.returned(loss, dtype)[0], y - t
        return self.loss

    def backward(self, dout: float = 1) -> NDArray[Any]:  # type: ignore[override]
        """Return dh (N, H) times dout, and write the gradient of W.

        Raises RuntimeError where forward was not called, TypeError where dout is not a number,
        ValueError where it overflows in the dtype of the loss.
        """
        where = self._name("backward")
        errors = checks.remembered(where, self, "_errors")
        factor = errors.dtype.type(
            checks.scalar(where, "dout", dout, errors.dtype, self.loss.dtype)
        )
        return self._gradients(where, errors * (factor / len(errors)))
