"""The affine map of a dense layer: fused forward, backward, and backward with the SGD update.

`forward`, `backward_input` and `backward_params` work on pointers, for the compiled training
loop; the `affine_*` kernels below them take arrays.
"""

from numba import int64

from ._compile import helper, inline, jit, matrix, real, shared, vector
from .activations import IDENTITY, activate, differentiate
from .dots import prefers_dots
from .gemm import gemm
from .simd import (
    fill,
    fma,
    get,
    lanes,
    load_first,
    offset,
    pointer,
    put,
    scalar,
    store_first,
    sum_lanes,
)
from .sparse import sparse_backward_params, sparse_forward
from .tiles import sum_rows
from .turned import weights_gradient
from .units import is_of_units, units_backward_params, units_product

# Samples times inputs up to which a layer of at most one vector of outputs does without `gemm`,
# whose call and choices take 20 ns: 0.16 us instead of 0.20 a step of 3-4-1 with batch 1.
TINY_PRODUCT = 64
SMALL_DX = 16  # sums along a vector take longer; not of 16 rows, which may be a part of a batch


@helper
def _small_forward(n, d, m, x, W, b, has_bias, out):
    """The same sums as those of `gemm`, in the same order."""
    bias = load_first(b, 0, m) if has_bias else fill(x, 0.0)
    for i in range(n):
        total = bias
        for k in range(d):
            total = fma(load_first(W, k * m, m), get(x, i * d + k), total)
        store_first(out, i * m, total, m)


@helper
def _small_backward_input(n, d, m, dout, W, dx):
    for i in range(n):
        row = load_first(dout, i * m, m)
        for j in range(d):
            put(dx, i * d + j, sum_lanes(load_first(W, j * m, m) * row))


@shared
def _small_backward_params(n, d, m, x, dout, factor, add, dW, db, has_bias, rows):
    for j in range(rows):
        total = fill(x, 0.0)
        for i in range(n):
            total = fma(load_first(dout, i * m, m), get(x, i * d + j), total)
        if add:
            total = fma(total, factor, load_first(dW, j * m, m))
        store_first(dW, j * m, total, m)
    if has_bias:
        sum_rows(n, m, dout, db, factor, add)


@inline
def forward(n, d, m, x, W, b, has_bias, activation, out):
    """`affine_forward` on pointers; b is not read where has_bias is false."""
    if is_of_units(n, d, m):
        units_product(n, d, m, x, W, m, 1, b, has_bias, out)
        activate(activation, out, m, n, m)
    elif m <= lanes(x) and n * d <= TINY_PRODUCT and not prefers_dots(m, d, lanes(x)):
        _small_forward(n, d, m, x, W, b, has_bias, out)
        activate(activation, out, m, n, m)
    else:
        one = scalar(x, 1.0)
        gemm(n, m, d, x, d, 1, W, m, 1, out, has_bias, one, b, 0, activation, IDENTITY, out)


@inline
def backward_input(n, d, m, dout, W, x, activation, dx):
    """`affine_backward_input` on pointers."""
    if is_of_units(n, d, m):
        units_product(n, m, d, dout, W, 1, m, W, False, dx)
        differentiate(activation, x, dx, d, n, d)
    elif m <= lanes(x) and n * d <= SMALL_DX and n < 16:
        _small_backward_input(n, d, m, dout, W, dx)
        differentiate(activation, x, dx, d, n, d)
    else:
        one = scalar(x, 1.0)
        gemm(n, d, m, dout, m, 1, W, 1, m, dx, False, one, dx, d, IDENTITY, activation, x)


@inline
def backward_params(n, d, m, x, dout, factor, add, dW, db, has_bias, rows):
    """Overwrite dW and db with the gradients, or where `add` is true add `factor` times them.

    Of dW only `rows` of the d rows, from those on that x and dW point to.
    """
    if is_of_units(n, d, m) and rows == d:
        units_backward_params(n, d, m, x, dout, factor, add, dW, db, has_bias)
    elif m <= lanes(x) and n * d <= TINY_PRODUCT:
        _small_backward_params(n, d, m, x, dout, factor, add, dW, db, has_bias, rows)
    else:
        weights_gradient(rows, m, n, x, d, dout, dW, add, factor)
        if has_bias:
            sum_rows(n, m, dout, db, factor, add)


@jit(matrix, matrix, vector, int64, matrix)
def affine_forward(x, W, b, activation, out):
    """Affine map with an activation.

        out = activation(x @ W + b)

    Parameters
    ----------
    x : (N, D) float32 or float64, C-contiguous
    W : (D, M), same dtype, C-contiguous
    b : (M,), same dtype
    activation : int64
        IDENTITY, SIGMOID, RELU or TANH.
    out : (N, M), same dtype, C-contiguous
        Overwritten. Must not overlap an input.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.6.2.
    """
    (n, d), m = x.shape, W.shape[1]
    p, w, bias, c = pointer(x), pointer(W), pointer(b), pointer(out)
    done = sparse_forward(n, d, m, p, w, bias, activation, c)
    forward(n - done, d, m, offset(p, done * d), w, bias, True, activation, offset(c, done * m))


@jit(matrix, matrix, matrix, matrix, matrix, vector)
def affine_backward(x, W, dout, dx, dW, db):
    """Gradient of the affine map.

        dx = dout @ W.T
        dW = x.T @ dout
        db = sum of dout over the batch

    Parameters
    ----------
    x : (N, D) float32 or float64, C-contiguous
    W : (D, M), same dtype, C-contiguous
    dout : (N, M), same dtype, C-contiguous
    dx : (N, D), same dtype, C-contiguous
        Overwritten, like dW and db. Outputs must not overlap an input.
    dW : (D, M), same dtype, C-contiguous
    db : (M,), same dtype

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.6.2.
    """
    affine_backward_input(dout, W, x, IDENTITY, dx)
    affine_backward_params(x, dout, dW, db)


@jit(matrix, matrix, matrix, int64, matrix)
def affine_backward_input(dout, W, x, activation, dx):
    """Gradient with respect to the input, and through the activation that made the input.

        dx = (dout @ W.T) * activation'(x)

    Parameters
    ----------
    dout : (N, M) float32 or float64, C-contiguous
    W : (D, M), same dtype, C-contiguous
    x : (N, D), same dtype, C-contiguous
        Input of this layer, that is, output of the activation before it.
    activation : int64
        IDENTITY for none: then dx = dout @ W.T.
    dx : (N, D), same dtype, C-contiguous
        Overwritten. Must not overlap an input.
    """
    (n, d), m = x.shape, W.shape[1]
    backward_input(n, d, m, pointer(dout), pointer(W), pointer(x), activation, pointer(dx))


@jit(matrix, matrix, matrix, vector)
def affine_backward_params(x, dout, dW, db):
    """Gradient with respect to the weights: the backward pass of a first layer.

        dW = x.T @ dout
        db = sum of dout over the batch

    Parameters
    ----------
    x : (N, D) float32 or float64, C-contiguous
    dout : (N, M), same dtype, C-contiguous
    dW : (D, M), same dtype, C-contiguous
        Overwritten, like db. Outputs must not overlap an input.
    db : (M,), same dtype
    """
    (n, d), m = x.shape, dout.shape[1]
    p, g, w, b = pointer(x), pointer(dout), pointer(dW), pointer(db)
    done = sparse_backward_params(n, d, m, p, d, g, scalar(p, 1.0), False, w, b, True)
    backward_params(
        n, d, m, offset(p, done), g, scalar(p, 1.0), False, offset(w, done * m), b, done == 0,
        d - done,
    )  # fmt: skip


@jit(matrix, matrix, real, matrix, vector)
def affine_backward_sgd_update(x, dout, lr, W, b):
    """Gradient with respect to the weights and the SGD update in one pass: dW is never stored.

        W -= lr * x.T @ dout
        b -= lr * sum of dout over the batch

    Parameters
    ----------
    x : (N, D) float32 or float64, C-contiguous
    dout : (N, M), same dtype, C-contiguous
    lr : scalar of the dtype
    W : (D, M), same dtype, C-contiguous
        Updated in place, like b. Neither may overlap x or dout.
    b : (M,), same dtype

    Notes
    -----
    Take the gradient with respect to x first: it needs the old W.
    """
    (n, d), m = x.shape, dout.shape[1]
    p, g = pointer(x), pointer(dout)
    backward_params(n, d, m, p, g, -lr, True, pointer(W), pointer(b), True, d)
