"""The second book's `common`: parameters and gradients in lists, gradients overwritten in place.

What is the same in both books stands in first.py.
"""

from __future__ import annotations

from typing import Any

from numpy import empty

from fastnet import checks
from fastnet.dropin.deferred import settled
from fastnet.dropin.first import (
    Own,
    dx_of,
    narrower,
    product,
    softmax_loss_gradient,
    softmax_with_loss,
)
from fastnet.kernels import affine_backward_params, softmax_backward, softmax_forward

__all__ = ["Affine", "MatMul", "Softmax", "SoftmaxWithLoss"]


class Affine(Own):
    """x @ W + b, of matrices; `params` and `grads` keep their arrays."""

    def forward(self, x: Any) -> Any:
        """Return (N, M), and keep x by reference."""
        (W, b), x = self.params, settled(x)
        if checks.usual(W, b) is not None and W.ndim == 2 and narrower(x, W) and x.ndim == 2:
            if x.size and x.shape[1] == len(W) and b.shape == W.shape[1:]:
                self.x = x
                return product(x, W, b)
        return super().forward(x)

    def backward(self, dout: Any) -> Any:
        """Return dx; grads[0] and grads[1] are overwritten."""
        (W, _), x, dout = self.params, self.x, settled(dout)
        if not _backward_fits(x, W, dout):
            return super().backward(dout)
        dW, db = empty(W.shape, W.dtype), empty(W.shape[1], W.dtype)
        affine_backward_params(checks.contiguous(x, W.dtype), dout, dW, db)
        self.grads[0][...] = dW
        self.grads[1][...] = db
        return dx_of(self, dout, W, x.shape)


class MatMul(Own):
    """x @ W, of matrices; `params` and `grads` keep their arrays."""

    def forward(self, x: Any) -> Any:
        """Return (N, M), and keep x by reference."""
        (W,), x = self.params, settled(x)
        if checks.usual(W) is not None and W.ndim == 2 and narrower(x, W) and x.ndim == 2:
            if x.size and x.shape[1] == len(W):
                self.x = x
                return product(x, W)
        return super().forward(x)

    def backward(self, dout: Any) -> Any:
        """Return dx; grads[0] is overwritten."""
        (W,), x, dout = self.params, self.x, settled(dout)
        if not _backward_fits(x, W, dout):
            return super().backward(dout)
        dW, db = empty(W.shape, W.dtype), empty(W.shape[1], W.dtype)
        affine_backward_params(checks.contiguous(x, W.dtype), dout, dW, db)
        self.grads[0][...] = dW
        return dx_of(self, dout, W, x.shape)


def _backward_fits(x: Any, W: Any, dout: Any) -> bool:
    if checks.usual(W, dout) is None or W.ndim != 2 or not narrower(x, W):
        return False
    return x.shape == (len(dout), len(W)) and dout.shape == (len(x), W.shape[1])


class Softmax(Own):
    """Softmax of rows; `out` is the array that forward returned."""

    def forward(self, x: Any) -> Any:
        """Return a new (N, C), and keep it."""
        x = settled(x)
        if checks.usual(x) is None or x.ndim != 2 or not x.size:
            return super().forward(x)
        out = empty(x.shape, x.dtype)
        softmax_forward(x, out)
        self.out = out
        return out

    def backward(self, dout: Any) -> Any:
        """Return out * (dout - sum(out * dout))."""
        out, dout = self.out, settled(dout)
        if checks.usual(out, dout) is None or out.ndim != 2 or out.shape != dout.shape:
            return super().backward(dout)
        dx = empty(out.shape, out.dtype)
        softmax_backward(out, dout, dx)
        return dx


class SoftmaxWithLoss(Own):
    """Softmax and cross entropy; a one-hot t becomes labels, and dout multiplies the gradient."""

    def forward(self, x: Any, t: Any) -> Any:
        """Return the loss, and keep y and t."""
        x = settled(x)
        found = softmax_with_loss(x, t)
        if found is None:
            return super().forward(x, t)
        self.y, loss, labels = found
        self.t = labels if t.ndim == 2 else t
        return loss

    def backward(self, dout: Any = 1) -> Any:
        """Return (y - onehot(t)) * dout / N."""
        dx = softmax_loss_gradient(self.y, self.t, dout) if type(dout) in (int, float) else None
        return super().backward(dout) if dx is None else dx
