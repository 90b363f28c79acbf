"""Stochastic gradient descent of one array, or of all that a network has."""

from numba import float64

from .._compile import inline, jit, matrix, vector
from ..simd import pointer, scalar
from ..updates import sgd_update
from .arrays import apart
from .exact import exact


@inline
def _layer_fits(dW, db, W, b):
    same = dW.shape == W.shape and db.size == b.size
    return same and apart(dW, W) and apart(db, b)


@inline
def _update_layer(lr, dW, db, W, b):
    rate = scalar(pointer(W), lr)
    sgd_update(dW, rate, W)
    sgd_update(db, rate, b)


@exact
@jit((float64, vector, vector), (float64, matrix, matrix))
def array_sgd_update(lr, grad, param):
    """Stochastic gradient descent of one array.

        param -= lr * grad

    Parameters
    ----------
    lr : float
        Rounded to the dtype.
    grad : (D, M) or (K,) float32 or float64, C-contiguous
    param : the same shape and dtype, C-contiguous
        Updated in place.

    Returns
    -------
    bool
        False, and nothing written, where shapes differ or the gradient overlaps its parameter.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.1.2.
    """
    if grad.shape != param.shape or not apart(grad, param):
        return False
    sgd_update(grad, scalar(pointer(param), lr), param)
    return True


@exact
@jit(float64, *(matrix, vector) * 2)
def affine_sgd_update(lr, dW, db, W, b):
    """Stochastic gradient descent of the two arrays of an affine layer.

        param -= lr * grad

    Parameters
    ----------
    lr : float
        Rounded to the dtype.
    dW, db : (D, M), (K,), one dtype, float32 or float64, C-contiguous
    W, b : the same shapes and dtype, C-contiguous
        Updated in place.

    Returns
    -------
    bool
        As of `array_sgd_update`.
    """
    if not _layer_fits(dW, db, W, b):
        return False
    _update_layer(lr, dW, db, W, b)
    return True


@exact
@jit(float64, *(matrix, vector) * 4)
def two_layer_sgd_update(lr, dW1, db1, dW2, db2, W1, b1, W2, b2):
    """Stochastic gradient descent of the four arrays of two affine layers.

        param -= lr * grad

    Parameters
    ----------
    lr : float
        Rounded to the dtype.
    dW1, db1, dW2, db2 : (D, H), (K,), (L, C), (M,), one dtype, float32 or float64, C-contiguous
    W1, b1, W2, b2 : the same shapes and dtype, C-contiguous
        Updated in place, one after the other.

    Returns
    -------
    bool
        As of `array_sgd_update`.
    """
    if not (_layer_fits(dW1, db1, W1, b1) and _layer_fits(dW2, db2, W2, b2)):
        return False
    _update_layer(lr, dW1, db1, W1, b1)
    _update_layer(lr, dW2, db2, W2, b2)
    return True


@exact
@jit(float64, *(matrix, vector) * 6)
def three_layer_sgd_update(lr, dW1, db1, dW2, db2, dW3, db3, W1, b1, W2, b2, W3, b3):
    """Stochastic gradient descent of the six arrays of three affine layers.

        param -= lr * grad

    Parameters
    ----------
    lr, dW1, db1, dW2, db2, W1, b1, W2, b2
        As of `two_layer_sgd_update`.
    dW3, db3, W3, b3
        Those of a third layer.

    Returns
    -------
    bool
        As of `array_sgd_update`.
    """
    if not (_layer_fits(dW1, db1, W1, b1) and _layer_fits(dW2, db2, W2, b2)):
        return False
    if not _layer_fits(dW3, db3, W3, b3):
        return False
    _update_layer(lr, dW1, db1, W1, b1)
    _update_layer(lr, dW2, db2, W2, b2)
    _update_layer(lr, dW3, db3, W3, b3)
    return True
