"""The second book's `common.time_layers`, but for the recurrent layers: all steps in one call.

Their methods get the script's own as `own`, as those of the layers in first.py do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty, ndarray
from numpy.typing import NDArray

from fastnet import checks
from fastnet.dropin.deferred import settled
from fastnet.dropin.first import Own
from fastnet.dropin.later import Later, layers_of, taken
from fastnet.dropin.products import narrower, product
from fastnet.kernels.activations import IDENTITY
from fastnet.kernels.affine import affine_backward_input, affine_backward_params
from fastnet.kernels.cross_entropy import sigmoid_with_loss_forward
from fastnet.kernels.embedding import embedding_backward
from fastnet.kernels.gemm import matmul_forward
from fastnet.kernels.nodes import sum_forward
from fastnet.kernels.sequence_loss import sequence_loss_backward
from fastnet.kernels.softmax import softmax_forward

__all__ = [
    "TimeAffine",
    "TimeDropout",
    "TimeEmbedding",
    "TimeSigmoidWithLoss",
    "TimeSoftmaxWithLoss",
    "floats",
    "row_numbers",
]

FLOAT32 = checks.FLOAT32


def floats(*arrays: Any) -> Any:
    """Return arrays of float32, or of float64, as kernels take them; None where they are others.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.dropin.sequences import floats
    >>> floats(np.ones(2), np.ones(2, int)) is None
    True
    """
    if checks.common_dtype(*arrays) is not None:  # the usual case: 0.2 us an array, not 1.5
        return arrays
    arrays = tuple(map(settled, arrays))
    if any(type(array) is not ndarray or array.dtype not in checks.COMPUTED for array in arrays):
        return None
    dtype = arrays[0].dtype
    if any(array.dtype != dtype for array in arrays):
        return None
    return [checks.contiguous(array, dtype) for array in arrays]


def row_numbers(idx: Any, rows: int) -> NDArray[np.int64] | None:
    """Return integers in 0..rows-1 as int64, one after the other; None where one is another.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.dropin.sequences import row_numbers
    >>> row_numbers(np.array([[0, 2]]), 3), row_numbers(np.array([-1]), 3)
    (array([0, 2]), None)
    """
    if type(idx) is not ndarray or idx.dtype.kind not in "iu" or not idx.size:
        return None
    found = idx.astype(np.int64, "C").reshape(-1)
    return None if (found.view(np.uint64) >= rows).any() else found


class TimeEmbedding(Own):
    """W[xs], in float32 whatever W is; a layer for each step is made if somebody looks."""

    layers: Any

    def forward(self, xs: Any, *, own: Any) -> Any:
        """Return a new (N, T, D), of rows that `take` copies in half the time of the kernel."""
        W = self.W
        if type(xs) is not ndarray or xs.ndim != 2 or xs.dtype.kind != "i" or not xs.size:
            return own(self, xs)
        if checks.common_dtype(W) is None or W.ndim != 2 or W is not self.params[0]:
            return own(self, xs)
        out = W.take(xs, 0)
        self.layers = Later(xs, layers_of(own, self, xs))
        return out.astype(FLOAT32, copy=False)

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return None; grads[0] is overwritten."""
        xs, (dW,), found = taken(self.layers), self.grads, floats(dout)
        if xs is None or found is None or not checks.is_canonical(dW, dW.dtype) or dW.ndim != 2:
            return own(self, dout)
        rows, idx = found[0], row_numbers(xs, len(dW))
        if idx is None or rows.shape != (*xs.shape, dW.shape[1]):
            return own(self, dout)
        if dW.dtype != rows.dtype:
            rows = rows.astype(dW.dtype)
        if dW.dtype not in checks.COMPUTED or np.may_share_memory(dW, rows):
            return own(self, dout)
        embedding_backward(idx, rows.reshape(len(idx), -1), dW)


class TimeAffine(Own):
    """x @ W + b of every step; a W that is a table's transpose is read as it lies."""

    x: Any

    def forward(self, x: Any, *, own: Any) -> Any:
        """Return (N, T, M), and keep x by reference."""
        (W, b), x = self.params, settled(x)
        table = _table(W)
        if table is None or checks.common_dtype(b) != W.dtype or not narrower(x, W) or x.ndim != 3:
            return own(self, x)
        if not x.size or x.shape[2] != len(W) or b.shape != W.shape[1:]:
            return own(self, x)
        rows = x.reshape(-1, len(W))
        if table is W:
            out = product(rows, W, b)
        else:
            out = empty((len(rows), len(table)), W.dtype)
            rows = checks.contiguous(rows, W.dtype)
            affine_backward_input(rows, table, out, IDENTITY, out)
            out += b
        self.x = x
        return out.reshape(*x.shape[:2], -1)

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return dx; grads[0] and grads[1] are overwritten."""
        (W, b), x, table = self.params, self.x, _table(self.params[0])
        dout = settled(dout)
        found = None if table is None or not narrower(x, W) else floats(dout, b)
        if found is None or dout.dtype != W.dtype or x.ndim != 3:
            return own(self, dout)
        if dout.shape != (*x.shape[:2], W.shape[1]) or x.shape[2] != len(W):
            return own(self, dout)
        rows = checks.contiguous(x, W.dtype).reshape(-1, len(W))
        g = found[0].reshape(len(rows), -1)
        dx, db = empty(rows.shape, W.dtype), empty(W.shape[1], W.dtype)
        dW = self.grads[0]
        if table is W:
            matrix = _written(dW, W.dtype, x, dout)
            affine_backward_input(g, W, rows, IDENTITY, dx)
            affine_backward_params(rows, g, matrix, db)
        else:
            matrix = _written(dW.T, W.dtype, x, dout)
            matmul_forward(g, table, dx)
            affine_backward_params(g, rows, matrix, empty(len(W), W.dtype))
            sum_forward(g[np.newaxis], db[np.newaxis])
            matrix = matrix.T
        if not np.may_share_memory(matrix, dW):
            dW[...] = matrix
        self.grads[1][...] = db
        return dx.reshape(x.shape)


def _table(W: Any) -> Any:
    """Return W where kernels take it, its transpose where they take that, else None."""
    if type(W) is not ndarray or W.ndim != 2 or not W.size:
        return None
    if checks.common_dtype(W) is not None:
        return W
    return W.T if checks.common_dtype(W.T) is not None else None


def _written(grad: Any, dtype: Any, *others: Any) -> NDArray[Any]:
    """Return the gradient itself where a kernel can write it, else room for one."""
    fits = checks.is_canonical(grad, dtype) and not any(
        np.may_share_memory(grad, o) for o in others
    )
    return grad if fits else empty(grad.shape, dtype)


class TimeSoftmaxWithLoss(Own):
    """Softmax and cross entropy of the steps whose label is not `ignore_label`."""

    cache: Any

    def forward(self, xs: Any, ts: Any, *, own: Any) -> Any:
        """Return the loss; keep the labels, the probabilities and what counts."""
        found = floats(xs)
        if found is None or found[0].ndim != 3 or not found[0].size or type(ts) is not ndarray:
            return own(self, xs, ts)
        n, t, v = shape = found[0].shape
        if ts.shape == shape:
            ts = ts.argmax(axis=2)
        if ts.shape != (n, t) or ts.dtype.kind not in "iu" or ts.min() < -v or ts.max() >= v:
            return own(self, xs, ts)
        mask, labels = (ts != self.ignore_label).reshape(n * t), ts.reshape(n * t)
        rows = found[0].reshape(n * t, v)
        ys = empty(rows.shape, rows.dtype)
        softmax_forward(rows, ys)
        losses = np.log(ys[np.arange(n * t), labels])
        losses *= mask
        loss = -np.sum(losses)
        loss /= mask.sum()
        self.cache = labels, ys, mask, shape
        return loss

    def backward(self, dout: Any = 1, *, own: Any) -> Any:
        """Return the gradient, in the memory of the probabilities."""
        ts, ys, mask, shape = self.cache
        counted = mask.sum() if type(mask) is ndarray else 0
        labels = np.where(mask, ts, -1) if counted and type(ts) is ndarray else None
        if labels is None or checks.common_dtype(ys) is None or type(dout) not in (int, float):
            return own(self, dout)
        if ys.ndim != 2 or labels.shape != ys.shape[:1] or mask.shape != labels.shape:
            return own(self, dout)
        if (labels < 0).sum() != mask.size - counted or labels.max() >= ys.shape[1]:
            return own(self, dout)
        sequence_loss_backward(ys, labels.astype(np.int64), ys.dtype.type(dout), ys)
        return ys.reshape(shape)


class TimeDropout(Own):
    """xs * mask, drawn by np.random.rand as the book's is; that takes most of the time."""

    mask: Any

    def forward(self, xs: Any, *, own: Any) -> Any:
        """Return a new array in training, else xs."""
        ratio, found = self.dropout_ratio, floats(xs)
        if not self.train_flg:
            return xs
        if found is None or type(ratio) is not float or not found[0].ndim:
            return own(self, xs)
        x = found[0]
        drawn = np.random.rand(*x.shape) > ratio  # noqa: NPY002
        self.mask = drawn * np.float32(1 / (1.0 - ratio))
        return x * self.mask

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return dout * mask."""
        found = floats(dout)
        if found is None or type(self.mask) is not ndarray or self.mask.shape != found[0].shape:
            return own(self, dout)
        return found[0] * self.mask


class TimeSigmoidWithLoss(Own):
    """Sigmoid and cross entropy of one score a step; a layer for each is made on demand."""

    xs_shape: Any
    layers: Any

    def forward(self, xs: Any, ts: Any, *, own: Any) -> Any:
        """Return the mean loss."""
        found = floats(xs)
        if found is None or found[0].ndim != 2 or not found[0].size:
            return own(self, xs, ts)
        x = found[0]
        if type(ts) is not ndarray or ts.dtype.kind not in "iu" or ts.shape != x.shape:
            return own(self, xs, ts)
        if x.shape[0] == 1 or not ((ts == 0) | (ts == 1)).all():
            return own(self, xs, ts)
        y, loss = empty(x.shape, x.dtype), empty(1, x.dtype)
        sigmoid_with_loss_forward(x, ts.astype(x.dtype, "C"), y, loss)
        self.xs_shape = x.shape
        self.layers = Later((y, ts), layers_of(own, self, xs, ts))
        return loss[0] / x.shape[1]

    def backward(self, dout: Any = 1, *, own: Any) -> Any:
        """Return (y - t) * dout / (N T), in float32."""
        kept = taken(self.layers)
        if kept is None or type(dout) not in (int, float):
            return own(self, dout)
        y, ts = kept
        n, t = y.shape
        return ((y - ts) * (dout * (1 / t)) / n).astype(FLOAT32)
