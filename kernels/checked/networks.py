"""The gradient of a whole network in one call."""

from numba import float64

from .._compile import jit, labels
from ..activations import IDENTITY, RELU
from ..affine import (
    affine_backward_input,
    affine_backward_params,
    affine_forward,
)
from ..simd import pointer, scalar
from ..softmax import cross_entropy_forward, softmax_cross_entropy_backward, softmax_forward
from .arrays import aligned
from .exact import exact
from .targets import copy_in_range

_x, _b = float64[:, ::1], float64[::1]


@exact
@jit(_x, labels, *(_x, _b) * 4, _x, _x, labels, _b)
def two_layer_gradient(
    x, t, W1, b1, W2, b2, dW1, db1, dW2, db2, hidden, y, labels, work
):  # fmt: skip
    """Gradient of the mean cross entropy of two affine layers with a ReLU between them.

        hidden = relu(x @ W1 + b1)
        y = softmax(hidden @ W2 + b2)
        work[-1] = -mean over n of log(y[n, t[n]] + 1e-7)

    Parameters
    ----------
    x : (N, D) float64, C-contiguous, like all that follow
    t : (N,) int64
        Class labels.
    W1, b1, W2, b2 : (D, H), (H,), (H, C), (C,)
    dW1, db1, dW2, db2 : the same shapes
        Overwritten, like all that follow. No output may overlap another array.
    hidden : (N, H)
    y : (N, C)
    labels : (N,) int64
        A copy of t.
    work : (N * (H + C) + 1,)
        Scratch, and last the loss.

    Returns
    -------
    bool
        False, with nothing but `labels` written, where shapes do not match, N or D is 0, or a label
        is not in 0..C-1.

    Notes
    -----
    The bits are those of the kernels that it calls, one by one.
    Source: Saitoh, Deep Learning from Scratch, section 5.7.2.
    """
    (n, d), (h, m) = x.shape, W2.shape
    fits = W1.shape == dW1.shape == (d, h) and dW2.shape == (h, m)
    fits = fits and b1.size == db1.size == h and b2.size == db2.size == m
    fits = fits and hidden.shape == (n, h) and y.shape == (n, m)
    fits = fits and t.size == labels.size == n and work.size == n * (h + m) + 1
    fits = fits and aligned(x) and aligned(hidden) and aligned(y) and aligned(work)
    fits = fits and aligned(W1) and aligned(b1) and aligned(W2) and aligned(b2)
    fits = fits and aligned(dW1) and aligned(db1) and aligned(dW2) and aligned(db2)
    if not fits or x.size == 0 or not copy_in_range(t, n, m, labels):
        return False
    dhidden, dy, loss = work[: n * h].reshape(n, h), work[n * h : -1].reshape(n, m), work[-1:]
    affine_forward(x, W1, b1, RELU, hidden)
    # The logits go into dy: in place, the softmax's loads would wait for its masked stores, which
    # takes 0.8 us of 5.7 for 32 rows of 10 classes.
    affine_forward(hidden, W2, b2, IDENTITY, dy)
    softmax_forward(dy, y)
    cross_entropy_forward(y, labels, loss)
    softmax_cross_entropy_backward(y, labels, scalar(pointer(y), 1.0), dy)
    affine_backward_input(dy, W2, hidden, RELU, dhidden)
    affine_backward_params(hidden, dy, dW2, db2)
    affine_backward_params(x, dhidden, dW1, db1)
    return True
