"""The second book's `common`: parameters and gradients in lists, gradients overwritten in place.

What is the same in both books stands in first.py, what is of words and sequences in words.py,
sequences.py and attention.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty

from fastnet import checks
from fastnet.dropin.deferred import settled
from fastnet.dropin.first import Own
from fastnet.dropin.labels import labels_of, softmax_loss_gradient, softmax_with_loss
from fastnet.dropin.optimizers import rows_of
from fastnet.dropin.products import MANY, dx_of, narrower, product
from fastnet.dropin.worth import is_little
from fastnet.kernels.affine import affine_backward_params
from fastnet.kernels.cross_entropy import sigmoid_with_loss_forward
from fastnet.kernels.embedding import embedding_backward
from fastnet.kernels.softmax import softmax_backward, softmax_forward
from fastnet.kernels.updates import sgd_update

__all__ = [
    "Affine",
    "Embedding",
    "MatMul",
    "Nesterov",
    "SigmoidWithLoss",
    "Softmax",
    "SoftmaxWithLoss",
]


class Affine(Own):
    """x @ W + b, of matrices; `params` and `grads` keep their arrays."""

    def forward(self, x: Any, *, own: Any) -> Any:
        """Return (N, M), and keep x by reference."""
        (W, b), x = self.params, settled(x)
        if checks.common_dtype(W, b) is not None and W.ndim == 2 and narrower(x, W) and x.ndim == 2:
            if x.size and x.shape[1] == len(W) and b.shape == W.shape[1:]:
                self.x = x
                return product(x, W, b)
        return own(self, x)

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return dx; grads[0] and grads[1] are overwritten."""
        (W, _), x, dout = self.params, self.x, settled(dout)
        if not _backward_fits(x, W, dout):
            return own(self, dout)
        dW, db = empty(W.shape, W.dtype), empty(W.shape[1], W.dtype)
        affine_backward_params(checks.contiguous(x, W.dtype), dout, dW, db)
        self.grads[0][...] = dW
        self.grads[1][...] = db
        return dx_of(self, dout, W, x.shape)


class MatMul(Own):
    """x @ W, of matrices; `params` and `grads` keep their arrays."""

    def forward(self, x: Any, *, own: Any) -> Any:
        """Return (N, M), and keep x by reference."""
        (W,), x = self.params, settled(x)
        if _is_little(x, W):
            return own(self, x)
        if checks.common_dtype(W) is not None and W.ndim == 2 and narrower(x, W) and x.ndim == 2:
            if x.size and x.shape[1] == len(W):
                self.x = x
                return product(x, W)
        if (wide := _in_float64(W, x)) is not None and x.shape[1] == len(W):
            self.x = x
            return product(x, wide)
        return own(self, x)

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return dx; grads[0] is overwritten."""
        (W,), x, dout = self.params, self.x, settled(dout)
        if _is_little(x, W):
            return own(self, dout)
        if (wide := _in_float64(W, x, dout)) is not None:
            W = wide
        if not _backward_fits(x, W, dout):
            return own(self, dout)
        dW, db = empty(W.shape, W.dtype), empty(W.shape[1], W.dtype)
        affine_backward_params(checks.contiguous(x, W.dtype), dout, dW, db)
        self.grads[0][...] = dW
        return dx_of(self, dout, W, x.shape)


def _is_little(x: Any, W: Any) -> bool:
    """Tell whether a product is BLAS' alone: 100 x 50 x 10 took 3.1 us on kernels and 2.3 there."""
    if type(x) is not np.ndarray or type(W) is not np.ndarray or W.ndim != 2:
        return False
    return is_little(x.size * W.shape[1], MANY)


def _in_float64(W: Any, *others: Any) -> Any:
    """Return W in float64 where it is float32 and NumPy's products are not: of one-hot integers."""
    if not checks.is_canonical(W, checks.FLOAT32) or W.ndim != 2:
        return None
    for array in others:
        if type(array) is not np.ndarray or array.ndim != 2 or not array.size:
            return None
        if array.dtype.kind not in "biuf" or np.result_type(array, W) != checks.FLOAT64:
            return None
    return W.astype(checks.FLOAT64)


def _backward_fits(x: Any, W: Any, dout: Any) -> bool:
    if checks.common_dtype(W, dout) is None or W.ndim != 2 or not narrower(x, W):
        return False
    return x.shape == (len(dout), len(W)) and dout.shape == (len(x), W.shape[1])


class Softmax(Own):
    """Softmax of rows; `out` is the array that forward returned."""

    def forward(self, x: Any, *, own: Any) -> Any:
        """Return a new (N, C), and keep it."""
        x = settled(x)
        if checks.common_dtype(x) is None or x.ndim != 2 or not x.size:
            return own(self, x)
        out = empty(x.shape, x.dtype)
        softmax_forward(x, out)
        self.out = out
        return out

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return out * (dout - sum(out * dout))."""
        out, dout = self.out, settled(dout)
        if checks.common_dtype(out, dout) is None or out.ndim != 2 or out.shape != dout.shape:
            return own(self, dout)
        dx = empty(out.shape, out.dtype)
        softmax_backward(out, dout, dx)
        return dx


class SoftmaxWithLoss(Own):
    """Softmax and cross entropy; a one-hot t becomes labels, and dout multiplies the gradient."""

    def forward(self, x: Any, t: Any, *, own: Any) -> Any:
        """Return the loss, and keep y and t."""
        x = settled(x)
        found = softmax_with_loss(x, t)
        if found is None:
            return own(self, x, t)
        self.y, loss, labels = found
        self.t = labels if t.ndim == 2 else t
        return loss

    def backward(self, dout: Any = 1, *, own: Any) -> Any:
        """Return (y - onehot(t)) * dout / N."""
        dx = softmax_loss_gradient(self.y, self.t, dout) if type(dout) in (int, float) else None
        return own(self, dout) if dx is None else dx


class SigmoidWithLoss(Own):
    """Sigmoid and cross entropy of one score a sample; t is kept as given."""

    def forward(self, x: Any, t: Any, *, own: Any) -> Any:
        """Return the loss, and keep it with y and t."""
        x, labels = settled(x), None
        dtype = checks.common_dtype(x)
        if dtype is not None and x.ndim == 1 and x.size:
            labels = labels_of(t, len(x), 2)
        if labels is None:
            return own(self, x, t)
        y, loss = empty(x.shape, dtype), empty(1, dtype)
        column = -1, 1
        sigmoid_with_loss_forward(
            x.reshape(column), labels.astype(dtype).reshape(column), y.reshape(column), loss
        )
        self.t, self.y, self.loss = t, y, loss[0]
        return self.loss

    def backward(self, dout: Any = 1, *, own: Any) -> Any:
        """Return (y - t) * dout / N: of one number a sample, by NumPy."""
        y, t = self.y, self.t
        if type(y) is not np.ndarray or type(t) is not np.ndarray or y.shape != t.shape:
            return own(self, dout)
        return (y - t) * dout / len(t)


class Embedding(Own):
    """W[idx]: of rows, which `take` copies in half the time of W[idx] and of the kernel."""

    idx: Any

    def forward(self, idx: Any, *, own: Any) -> Any:
        """Return new rows, and keep idx."""
        (W,) = self.params
        if type(idx) is not np.ndarray or idx.dtype.kind != "i":
            return own(self, idx)
        if type(W) is not np.ndarray or not W.flags.c_contiguous:  # `take` would copy all of it
            return own(self, idx)
        self.idx = idx
        return W.take(idx, 0)

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return None; grads[0] is overwritten, a row that was taken twice gets both gradients."""
        (dW,), idx, dout = self.grads, self.idx, settled(dout)
        rows = None
        if type(dout) is np.ndarray and {dout.dtype, dW.dtype} <= {*checks.COMPUTED}:
            dout = dout.astype(dW.dtype, copy=False)  # of negative sampling in float32: float64
        if checks.common_dtype(dW, dout) is not None and dW.ndim == 2 and np.ndim(idx) == 1:
            rows = labels_of(idx, len(idx), len(dW))
        if rows is None or dout.shape != (len(rows), dW.shape[1]) or np.may_share_memory(dW, dout):
            return own(self, dout)
        embedding_backward(rows, dout, dW)


class Nesterov(Own):
    """v is updated first, and param takes the new one: the first book's takes the old."""

    def update(self, params: Any, grads: Any, *, own: Any) -> None:
        """Change every array of params and of v."""
        lr, momentum = self.lr, self.momentum
        rows = rows_of(params, grads, (lr, momentum), (self.v,))
        if rows is None:
            return own(self, params, grads)
        for _, grad, v, param in rows:
            number = param.dtype.type
            v *= momentum
            sgd_update(grad, number(lr), v)
            sgd_update(v, number(-momentum * momentum), param)
            sgd_update(grad, number((1 + momentum) * lr), param)
