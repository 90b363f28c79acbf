"""The first book's `common`: parameters in dicts, gradients fresh in attributes.

The methods of each class are put in the place of those of the script's own class, which they get as
`own`: they take the calls that a kernel can answer, leave in the layer the attributes that the own
ones leave, and nothing else that counts, and pass all other calls on. So either may answer the next
call, and kernels may take over at any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import empty, ndarray
from numpy.typing import NDArray

from fastnet import checks
from fastnet.dropin.deferred import settled
from fastnet.dropin.labels import softmax_loss_gradient, softmax_with_loss
from fastnet.dropin.products import dx_of, narrower, product
from fastnet.dropin.worth import is_little
from fastnet.kernels.activations import (
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
)
from fastnet.kernels.affine import affine_backward_params
from fastnet.kernels.batch_normalization import (
    batch_normalization_backward,
    batch_normalization_forward,
    batch_normalization_inference_forward,
)
from fastnet.kernels.dropout import dropout_forward

if TYPE_CHECKING:
    Own = Any  # the script's class, whose methods these become: see hook.py
else:
    Own = object

BOOL = np.dtype(bool)
ONE_PASS = 1_000  # elements from which a kernel is sooner than a pass of NumPy and its mask


class Affine(Own):
    """x @ W + b; an x of more dimensions is flattened, W and b are read at every call."""

    def forward(self, x: Any, *, own: Any) -> Any:
        """Return (N, M), and keep the rows of x by reference."""
        W, b, x = self.W, self.b, settled(x)
        if checks.common_dtype(W, b) is not None and W.ndim == 2 and narrower(x, W) and x.ndim > 1:
            shape = x.shape
            if x.size and x.size == shape[0] * len(W) and b.shape == W.shape[1:]:
                self.original_x_shape = shape
                self.x = x if len(shape) == 2 else x.reshape(shape[0], -1)
                return product(self.x, W, b)
        return own(self, x)

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return dx; dW and db are fresh arrays."""
        x, W, dout = self.x, self.W, settled(dout)
        try:
            shape = self.original_x_shape
        except AttributeError:  # an Affine of matrices, whose own forward keeps none
            return own(self, dout)
        if (
            checks.common_dtype(W, dout) is not None
            and narrower(x, W)
            and x.shape == (len(dout), len(W))
            and dout.shape == (len(x), W.shape[1])
        ):
            dW, db = empty(W.shape, W.dtype), empty(W.shape[1], W.dtype)
            affine_backward_params(checks.contiguous(x, W.dtype), dout, dW, db)
            self.dW, self.db = dW, db
            return dx_of(self, dout, W, shape)
        return own(self, dout)


class Relu(Own):
    """0 where x <= 0; backward returns a new array where the book's changes dout."""

    def forward(self, x: Any, *, own: Any) -> Any:
        """Return a new array of any shape, and keep the mask x <= 0."""
        x = settled(x)
        if type(x) is not ndarray or x.dtype not in checks.COMPUTED or not x.ndim:
            return own(self, x)
        if is_little(x.size, ONE_PASS):
            return own(self, x)
        last = checks.lies_channels_last(x)  # of a convolution, which is read without a copy
        x = checks.contiguous(checks.channels_last(x) if last else x, x.dtype)
        out, mask = empty(x.shape, x.dtype), x <= 0
        relu_forward(x.reshape(1, -1), out.reshape(1, -1))
        self.mask = checks.channels_first(mask) if last else mask
        return checks.channels_first(out) if last else out

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return dout where the mask is false, else 0."""
        mask, dout = self.mask, settled(dout)
        if type(mask) is not ndarray or type(dout) is not ndarray or mask.shape != dout.shape:
            return own(self, dout)
        if is_little(dout.size, ONE_PASS):
            return own(self, dout)
        if checks.lies_channels_last(mask) and checks.lies_channels_last(dout):
            pair = checks.channels_last(mask), checks.channels_last(dout)
            return checks.channels_first(_where_not(*pair))
        return _where_not(mask, dout)


class Sigmoid(Own):
    """1 / (1 + exp(-x)); `out` is the array that forward returned."""

    def forward(self, x: Any, *, own: Any) -> Any:
        """Return a new array of any shape, and keep it."""
        x = settled(x)
        if type(x) is not ndarray or x.dtype not in checks.COMPUTED or not x.ndim:
            return own(self, x)
        self.out = mapped(sigmoid_forward, x)
        return self.out

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return dout * (1 - out) * out."""
        out, dout = self.out, settled(dout)
        if checks.common_dtype(out, dout) is None or out.shape != dout.shape or not out.ndim:
            return own(self, dout)
        dx = empty(out.shape, out.dtype)
        sigmoid_backward(out.reshape(1, -1), dout.reshape(1, -1), dx.reshape(1, -1))
        return dx


class SoftmaxWithLoss(Own):
    """Softmax and cross entropy; t is kept as given, and backward does not read dout."""

    def forward(self, x: Any, t: Any, *, own: Any) -> Any:
        """Return the loss, and keep it with y and t."""
        x = settled(x)
        found = softmax_with_loss(x, t)
        if found is None:
            return own(self, x, t)
        self.t = t
        self.y, self.loss, _ = found
        return self.loss

    def backward(self, dout: Any = 1, *, own: Any) -> Any:
        """Return (y - onehot(t)) / N."""
        dx = softmax_loss_gradient(self.y, self.t, 1.0)
        return own(self, dout) if dx is None else dx


class Dropout(Own):
    """x * mask in training: not inverted.

    The mask is drawn by np.random.rand as the book's is; that takes nine tenths of the time.
    """

    def forward(self, x: Any, train_flg: Any = True, *, own: Any) -> Any:
        """Return a new array, and in training keep the mask."""
        x, ratio = settled(x), self.dropout_ratio
        if (
            not train_flg
            or checks.common_dtype(x) is None
            or not x.ndim
            or type(ratio) is not float
            or is_little(x.size, ONE_PASS)
        ):
            return own(self, x, train_flg)
        self.mask = np.random.rand(*x.shape) > ratio  # noqa: NPY002
        return _masked(x, self.mask)

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return dout * mask."""
        mask, dout = self.mask, settled(dout)
        if (
            checks.common_dtype(dout) is None
            or not checks.is_canonical(mask, BOOL)
            or mask.shape != dout.shape
            or is_little(dout.size, ONE_PASS)
        ):
            return own(self, dout)
        return _masked(dout, mask)


class BatchNormalization(Own):
    """(x - mean) / std * gamma + beta, by column.

    The script's own does the first call, and so makes the running statistics: zeros in float64, so
    a network in float32 stays with it.
    """

    running_mean: Any
    running_var: Any

    def forward(self, x: Any, train_flg: Any = True, *, own: Any) -> Any:
        """Return a new array; in training keep xc, xn and std, and renew the running statistics."""
        x, gamma, beta, momentum = settled(x), self.gamma, self.beta, self.momentum
        mean, var = self.running_mean, self.running_var
        dtype = checks.common_dtype(x, gamma, beta, mean, var)
        if dtype is None or x.ndim not in (2, 4) or not x.size or type(momentum) is not float:
            return own(self, x, train_flg)
        rows = x.reshape(len(x), -1)
        columns = rows.shape[1:]
        if not gamma.shape == beta.shape == mean.shape == var.shape == columns:
            return own(self, x, train_flg)
        out, eps = empty(rows.shape, dtype), dtype.type(10e-7)
        if train_flg:
            mean, var = mean.copy(), var.copy()
            centre, inverse = empty(columns, dtype), empty(columns, dtype)
            batch_normalization_forward(
                rows, gamma, beta, dtype.type(momentum), eps, mean, var, centre, inverse, out
            )
            self.batch_size, self.xc, self.std = len(x), rows - centre, 1 / inverse
            self.xn = self.xc * inverse
            self.running_mean, self.running_var = mean, var
        else:
            batch_normalization_inference_forward(rows, gamma, beta, eps, mean, var, out)
        self.input_shape = x.shape
        return out.reshape(x.shape)

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return dx; dgamma and dbeta are fresh arrays."""
        xc, std, gamma, dout = self.xc, self.std, self.gamma, settled(dout)
        dtype = checks.common_dtype(xc, std, gamma, dout)
        if dtype is None or xc.shape != (len(dout), *std.shape) or dout.size != xc.size:
            return own(self, dout)
        if gamma.shape != std.shape:
            return own(self, dout)
        dx, dgamma, dbeta = empty(xc.shape, dtype), empty(std.shape, dtype), empty(std.shape, dtype)
        batch_normalization_backward(
            xc, gamma, np.zeros_like(std), 1 / std, dout.reshape(xc.shape), dx, dgamma, dbeta
        )
        self.dgamma, self.dbeta = dgamma, dbeta
        return dx.reshape(self.input_shape)


def _where_not(mask: NDArray[np.bool_], dout: NDArray[Any]) -> NDArray[Any]:
    """Return dout where the mask is false, else 0."""
    if not checks.is_canonical(mask, BOOL) or checks.common_dtype(dout) is None:
        return np.where(mask, dout.dtype.type(0), dout)
    # Without a branch for each: 100 x 50 take 5 us, np.where 21, as no two masks are alike.
    dx, kept = empty(dout.shape, dout.dtype), (~mask).astype(dout.dtype)
    relu_backward(kept.reshape(1, -1), dout.reshape(1, -1), dx.reshape(1, -1))
    return dx


def _masked(x: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
    out = empty(x.shape, x.dtype)
    bits = mask.view(np.uint8).reshape(1, -1)
    dropout_forward(x.reshape(1, -1), bits, x.dtype.type(1), out.reshape(1, -1))
    return out


def mapped(kernel: Any, x: NDArray[Any]) -> NDArray[Any]:
    """Return a fresh array of the shape of x with what the kernel makes of each element."""
    x = checks.contiguous(x, x.dtype)
    out = empty(x.shape, x.dtype)
    kernel(x.reshape(1, -1), out.reshape(1, -1))
    return out
