"""The layers of the textbooks' networks."""

from numba import int64

from .._compile import jit, labels, matrix, vector
from ..affine import (
    affine_backward,
    affine_forward,
)
from ..softmax import cross_entropy_forward, softmax_forward
from .arrays import aligned, is_product
from .exact import exact
from .targets import copy_in_range


@exact
@jit(matrix, labels, matrix, vector, labels)
def softmax_with_loss_forward(x, t, y, loss, labels):
    """Softmax, and the textbook's mean cross entropy.

        y = softmax(x)
        loss[0] = -mean over n of log(y[n, t[n]] + 1e-7)

    Parameters
    ----------
    x : (N, C) float32 or float64, C-contiguous
    t : (N,) int64, C-contiguous
        Class labels.
    y : (N, C), same dtype as x, C-contiguous
        Overwritten, like loss and labels. No output may overlap another array.
    loss : (1,), same dtype
    labels : (N,) int64, C-contiguous
        A copy of t.

    Returns
    -------
    bool
        False, with nothing but `labels` written, where shapes do not match, N or C is 0, or a label
        is not in 0..C-1.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.6.3.
    """
    n, classes = x.shape
    fits = y.shape == (n, classes) and t.size == labels.size == n and loss.size == 1
    fits = fits and aligned(x) and aligned(y) and aligned(loss)
    if not fits or x.size == 0 or not copy_in_range(t, n, classes, labels):
        return False
    softmax_forward(x, y)
    cross_entropy_forward(y, labels, loss)
    return True


@exact
@jit(matrix, matrix, vector, int64, matrix)
def affine_layer_forward(x, W, b, activation, out):
    """Affine map with an activation.

        out = activation(x @ W + b)

    Parameters
    ----------
    x : (N, D) float32 or float64, C-contiguous
    W : (D, M), same dtype as x, C-contiguous, like all that follow
    b : (M,)
    activation : int
        IDENTITY, SIGMOID, RELU or TANH, which is not checked.
    out : (N, M)
        Overwritten. May not overlap another array.

    Returns
    -------
    bool
        False, and nothing written, where shapes do not match, or a length is 0.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.6.2.
    """
    n, m = len(x), b.size
    fits = is_product(x, W) and W.shape[1] == m and out.shape == (n, m)
    if not (fits and aligned(b) and aligned(out)):
        return False
    affine_forward(x, W, b, activation, out)
    return True


@exact
@jit(matrix, matrix, matrix, matrix, matrix, vector)
def affine_layer_backward(x, W, dout, dx, dW, db):
    """Gradients of an affine map.

        dx = dout @ W.T
        dW = x.T @ dout
        db = sum over n of dout[n]

    Parameters
    ----------
    x : (N, D) float32 or float64, C-contiguous
    W : (D, M), same dtype as x, C-contiguous, like all that follow
    dout : (N, M)
    dx : (N, D)
        Overwritten, like all that follow. No output may overlap another array.
    dW : (D, M)
    db : (M,)

    Returns
    -------
    bool
        False, and nothing written, where shapes do not match, or a length is 0.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.6.2.
    """
    n, m = len(x), db.size
    fits = is_product(x, W) and W.shape[1] == m and dW.shape == W.shape
    fits = fits and dout.shape == (n, m) and dx.shape == x.shape
    if not (fits and aligned(dout) and aligned(dx) and aligned(dW) and aligned(db)):
        return False
    affine_backward(x, W, dout, dx, dW, db)
    return True
