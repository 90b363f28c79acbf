"""Kernels that check what the others leave to the API, and return whether they ran.

They look at shapes, labels and overlap, and `exact` has the dispatcher look at the rest but for the
byte order and the class of an array, which are left to their callers.

They are for steps by hand on small arrays, where calls and checks in Python are dearer than the
work: the gradient of 64-32-10 on 32 rows takes eight kernels 5 us, and between them went 18.
"""

from numba import float64, int64, uint8

from ._compile import exact, helper, inline, jit, labels, matrix, vector
from .activations import IDENTITY, RELU
from .affine import (
    affine_backward,
    affine_backward_input,
    affine_backward_params,
    affine_forward,
)
from .simd import get, pointer, put, scalar, select
from .softmax import cross_entropy_forward, softmax_cross_entropy_backward, softmax_forward
from .sweep import sum_of
from .updates import sgd_update

_x, _b = float64[:, ::1], float64[::1]


@inline
def _aligned(array):
    """Whether an array is where LLVM takes it to be, which the dispatcher does not look at."""
    return array.ctypes.data % array.itemsize == 0


@inline
def _copy(t, n, classes, labels):
    """Copy labels that are in range; returns whether all were."""
    if not (_aligned(t) and _aligned(labels)):
        return False
    p, q = pointer(t), pointer(labels)
    for i in range(n):
        label = get(p, i)
        if label < 0 or label >= classes:
            return False
        put(q, i, label)
    return True


@inline
def _apart(grad, param):
    """Whether a loop may read one while it writes the other: NumPy looks ahead."""
    if not (_aligned(grad) and _aligned(param)):
        return False
    first, second, size = grad.ctypes.data, param.ctypes.data, grad.size * grad.itemsize
    return first == second or first + size <= second or second + size <= first


@exact
@jit((matrix,), (uint8[:, ::1],))
def address_of(x):
    """Address of the first element of a matrix.

    Parameters
    ----------
    x : (N, D) float32, float64 or uint8, C-contiguous

    Returns
    -------
    int64
    """
    return int64(x.ctypes.data)


@exact
@jit(labels, int64, labels)
def copy_labels(t, classes, labels):
    """Copy class labels.

    Parameters
    ----------
    t : (N,) int64, C-contiguous
    classes : int
    labels : (N,) int64, C-contiguous
        Overwritten.

    Returns
    -------
    bool
        False where a label is not in 0..classes-1, or N differs.
    """
    return t.size == labels.size and _copy(t, t.size, classes, labels)


@exact
@jit(matrix, labels)
def one_hot_labels(t, labels):
    """Class labels of one-hot rows.

        t[n, labels[n]] = 1

    Parameters
    ----------
    t : (N, C) float32 or float64, C-contiguous
    labels : (N,) int64, C-contiguous
        Overwritten.

    Returns
    -------
    bool
        False where a row is not a single 1 and zeros, or N differs.
    """
    n, classes = t.shape
    p, q = pointer(t), pointer(labels)
    if labels.size != n or not (_aligned(t) and _aligned(labels)):
        return False
    for i in range(n):
        label = -1
        for j in range(classes):
            value = get(p, i * classes + j)
            if value == 1.0 and label < 0:
                label = j
            elif value != 0.0:  # NaN, too
                return False
        if label < 0:
            return False
        put(q, i, label)
    return True


@helper
def _is_outside(t, low, high):
    return select(t >= low, select(t <= high, 0.0, 1.0), 1.0)


@helper
def _is_neither(t, low, high):
    return select(t == low, 0.0, select(t == high, 0.0, 1.0))


@exact
@jit(matrix, float64, float64)
def all_between(t, low, high):
    """Whether all targets lie between two numbers: 0.3 us for 100 x 10, where min and max take 3.

    Parameters
    ----------
    t : (N, C) float32 or float64, C-contiguous
    low, high : float

    Returns
    -------
    bool
        False where one does not, or is NaN.
    """
    if not _aligned(t):
        return False
    return sum_of(_is_outside, (pointer(t),), 0, t.size, (low, high)) == 0.0


@exact
@jit(matrix, float64, float64)
def all_either(t, low, high):
    """Whether all targets are one of two numbers.

    Parameters
    ----------
    t : (N, C) float32 or float64, C-contiguous
    low, high : float
        Two different numbers.

    Returns
    -------
    bool
        False where one is another number, or NaN.
    """
    if not _aligned(t):
        return False
    return sum_of(_is_neither, (pointer(t),), 0, t.size, (low, high)) == 0.0


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
    fits = fits and _aligned(x) and _aligned(y) and _aligned(loss)
    if not fits or x.size == 0 or not _copy(t, n, classes, labels):
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
    (n, d), m = x.shape, b.size
    fits = W.shape == (d, m) and out.shape == (n, m) and x.size > 0 and m > 0
    fits = fits and _aligned(x) and _aligned(W) and _aligned(b) and _aligned(out)
    if not fits:
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
    (n, d), m = x.shape, db.size
    fits = W.shape == dW.shape == (d, m) and dout.shape == (n, m) and dx.shape == (n, d)
    fits = fits and x.size > 0 and m > 0 and _aligned(x) and _aligned(W)
    fits = fits and _aligned(dout) and _aligned(dx) and _aligned(dW) and _aligned(db)
    if not fits:
        return False
    affine_backward(x, W, dout, dx, dW, db)
    return True


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
    fits = fits and _aligned(x) and _aligned(hidden) and _aligned(y) and _aligned(work)
    fits = fits and _aligned(W1) and _aligned(b1) and _aligned(W2) and _aligned(b2)
    fits = fits and _aligned(dW1) and _aligned(db1) and _aligned(dW2) and _aligned(db2)
    if not fits or x.size == 0 or not _copy(t, n, m, labels):
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


@inline
def _layer_fits(dW, db, W, b):
    same = dW.shape == W.shape and db.size == b.size
    return same and _apart(dW, W) and _apart(db, b)


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
    if grad.shape != param.shape or not _apart(grad, param):
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
