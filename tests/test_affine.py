"""The affine map: fused with an activation, backward, and backward with the update."""

import numpy as np
import pytest
from differences import central_difference
from framed import among_nans, assert_frame, call, framed, wide
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.kernels import IDENTITY, RELU, SIGMOID, TANH, blocking
from fastnet.reference import kernels as reference

ACTIVATIONS = {IDENTITY: None, SIGMOID: "sigmoid", RELU: "relu", TANH: "tanh"}
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)

# N, D, M: all of 1..17 in each place, zero, and past each of gemm's blocks.
SHAPES = [
    *((k, (5 * k) % 17 + 1, (7 * k) % 17 + 1) for k in range(1, 18)),
    (0, 3, 4),
    (3, 0, 4),
    (3, 4, 0),
    (1, 1, 1),
    (100, 50, 10),
    (32, 64, 75),
    (blocking.PACK_ROWS + 1, 33, 75),
    (515, blocking.DEPTH + 1, 49),
    (300, 600, 71),
    (blocking.FEW_ROWS, 70, 67),
    (blocking.FEW_ROWS + 1, 70, 67),
    # From and to one or two units, across rows: whole vectors of them, and a rest.
    *((32, 1, 1), (48, 1, 2), (37, 2, 1), (51, 2, 2), (64, 2, 2), (40, 0, 2), (40, 1, 0)),
    # Layers that do without `gemm`, and just not.
    *((1, 3, 4), (1, 4, 1), (4, 4, 2), (5, 4, 2), (8, 8, 8), (1, 64, 3)),
    # A batch of one, by rows of W: whole vectors and a tail.
    (1, 70, 16),
    # One input, which is a product of one term too.
    (1, 1, 40),
    (5, 1, 21),
    (1, 71, 39),
    (1, 69, 45),
    (13, 5, 16),
    # Columns that fill no vector, in the update too.
    (40, 250, 10),
    (33, 50, 50),
    (100, 70, 1),
]
every_shape = with_each("shape", SHAPES)


def integers(dtype, shape, seed=0):
    """x, W, b, dout of whole numbers: sums are exact in any order, so tests need no bound."""
    n, d, m = shape
    rng = np.random.default_rng([seed, *shape])
    sizes = ((n, d), (d, m), (m,), (n, m))
    return [among_nans(rng.integers(-3, 4, size).astype(dtype)) for size in sizes]


def normals(dtype, shape, seed=0):
    n, d, m = shape
    rng = np.random.default_rng([seed, *shape])
    sizes = ((n, d), (d, m), (m,), (n, m))
    return [among_nans(rng.standard_normal(size).astype(dtype)) for size in sizes]


def forward(x, W, b, activation):
    return call("affine_forward", x, W, b, activation, outputs=[(len(x), W.shape[1])])[0]


def backward(x, W, dout):
    return call("affine_backward", x, W, dout, outputs=[x.shape, W.shape, W.shape[1:]])


def activated(z, activation):
    """The activation's own kernel: activations/ holds it to the reference."""
    out = z.copy()
    if ACTIVATIONS[activation]:
        getattr(kernels, f"{ACTIVATIONS[activation]}_forward")(z, out)
    return out


@every_shape
@every_activation
@every_dtype
def test_forward(activation, shape, dtype):
    x, W, b, _ = integers(dtype, shape)
    expected = activated(x @ W + b, activation)
    assert_array_equal(forward(x, W, b, activation), expected)


@every_shape
@every_dtype
def test_backward(shape, dtype):
    x, W, _, dout = integers(dtype, shape)
    expected = [np.empty(s, dtype) for s in (x.shape, W.shape, W.shape[1:])]
    reference.affine_backward(x, W, dout, *expected)
    got = backward(x, W, dout)
    for mine, twin in zip(got, expected, strict=True):
        assert_array_equal(mine, twin)
    dW, db = call("affine_backward_params", x, dout, outputs=[W.shape, W.shape[1:]])
    assert_array_equal(dW, expected[1])
    assert_array_equal(db, expected[2])


@every_shape
@every_activation
@every_dtype
def test_backward_input(activation, shape, dtype):
    """To the bit: the product is exact, and the derivative has the reference's order."""
    x, W, _, dout = integers(dtype, shape)
    x = among_nans(activated(x / 2, activation))
    expected = np.empty_like(x)
    reference.affine_backward_input(dout, W, x, activation, expected)
    got = call("affine_backward_input", dout, W, x, activation, outputs=[x.shape])[0]
    assert_array_equal(got, expected)


def sgd_update(x, dout, lr, W, b):
    """Return the new W and b, updated inside frames of sentinels."""
    frames = [framed(a.shape, a.dtype) for a in (W, b)]
    for (_, inside), array in zip(frames, (W, b), strict=True):
        inside[...] = array
    kept = x.copy(), dout.copy()
    kernels.affine_backward_sgd_update(x, dout, x.dtype.type(lr), *(a for _, a in frames))
    for buffer, _ in frames:
        assert_frame(buffer)
    assert_array_equal(x, kept[0])
    assert_array_equal(dout, kept[1])
    return [inside for _, inside in frames]


@every_shape
@every_dtype
def test_backward_sgd_update(shape, dtype):
    x, W, b, dout = integers(dtype, shape)
    expected = W.copy(), b.copy()
    reference.affine_backward_sgd_update(x, dout, dtype(0.25), *expected)  # exact: a power of two
    for mine, twin in zip(sgd_update(x, dout, 0.25, W, b), expected, strict=True):
        assert_array_equal(mine, twin)


@pytest.mark.parametrize("shape", [(9, 13, 7), (33, 64, 75), (300, 600, 71)])
@every_dtype
def test_errors(shape, dtype):
    """Random numbers: within eps, times the terms of a sum, times the sum of magnitudes."""
    n, d, m = shape
    eps = np.finfo(dtype).eps
    x, W, b, dout = normals(dtype, shape)
    X, V, B, G = wide(x, W, b, dout)
    aX, aV, aB, aG = (np.abs(a) for a in (X, V, B, G))

    def check(got, exact, terms, size):
        assert (np.abs(got - exact) <= terms * eps * size).all()

    check(forward(x, W, b, IDENTITY), X @ V + B, d + 1, aX @ aV + aB)
    dx, dW, db = backward(x, W, dout)
    check(dx, G @ V.T, m, aG @ aV.T)
    check(dW, X.T @ G, n, aX.T @ aG)
    check(db, G.sum(0), n, aG.sum(0))
    lr = dtype(0.1)
    newW, newb = sgd_update(x, dout, lr, W, b)
    check(newW, V - float(lr) * (X.T @ G), n + 2, aV + float(lr) * (aX.T @ aG))
    check(newb, B - float(lr) * G.sum(0), n + 2, aB + float(lr) * aG.sum(0))


@every_activation
@every_dtype
def test_a_batch_is_its_rows(activation, dtype):
    """To the bit, whatever tile or tail a row falls into; dx from batches above FEW_ROWS on."""
    x, W, b, dout = normals(dtype, (23, 40, 37))
    out = forward(x, W, b, activation)
    dx = call("affine_backward_input", dout, W, x, activation, outputs=[x.shape])[0]
    few = blocking.FEW_ROWS + 1
    for i in range(23):
        row = slice(i, i + 1)
        assert_array_equal(forward(x[row], W, b, activation)[0], out[i])
        rows = slice(i, i + few)
        arguments = dout[rows], W, x[rows], activation
        if len(dout[rows]) == few:
            got = call("affine_backward_input", *arguments, outputs=[(few, 40)])[0]
            assert_array_equal(got, dx[rows])


@with_each("d, m", [(1, 1), (3, 4), (4, 1), (20, 1), (8, 2), (5, 7), (64, 16)])
@every_activation
@every_dtype
def test_a_batch_is_its_rows_where_layers_are_small(activation, d, m, dtype):
    """To the bit: samples that do without `gemm`, and those of larger batches that do not."""
    x, W, b, _ = normals(dtype, (100, d, m))
    out = forward(x, W, b, activation)
    for n in (1, 2, 5, 64, 65):
        assert_array_equal(forward(x[7 : 7 + n], W, b, activation), out[7 : 7 + n])


@pytest.mark.parametrize("activation", [IDENTITY, SIGMOID, TANH])
def test_gradients_equal_central_differences(activation):
    x, W, b, dout = normals(np.float64, (3, 5, 4))
    x, W, b = x.copy(), W / 2, b.copy()
    out = forward(x, W, b, activation)
    dz = dout.copy()
    if ACTIVATIONS[activation]:
        getattr(kernels, f"{ACTIVATIONS[activation]}_backward")(out, dout, dz)
    for array, grad in zip((x, W, b), backward(x, W, dz), strict=True):
        assert np.abs(grad).max() > 0.05
        slopes = central_difference(lambda: np.sum(forward(x, W, b, activation) * dout), array)
        assert_allclose(grad, slopes, rtol=0, atol=1e-8)


@with_each("value", [np.nan, np.inf, -np.inf])
@every_activation
@every_dtype
def test_nan_and_infinity_forward(activation, value, dtype):
    x, W, b, _ = integers(dtype, (19, 21, 37))
    W[W == 0] = 1
    clean = forward(x, W, b, activation)
    x[17, 20] = value
    b[36] = np.nan
    with np.errstate(invalid="ignore"):
        expected = activated(x @ W + b, activation)
    got = forward(x, W, b, activation)
    assert_array_equal(got, expected)
    assert_array_equal(np.delete(got[:, :36], 17, axis=0), np.delete(clean[:, :36], 17, axis=0))
    assert np.isnan(got[:, 36]).all()


@every_dtype
def test_nan_backward(dtype):
    x, W, b, dout = integers(dtype, (19, 21, 37))
    clean = backward(x, W, dout)
    dout[18, 36] = np.nan
    dx, dW, db = backward(x, W, dout)
    assert np.isnan(dx[18]).all() and np.isnan(dW[:, 36]).all() and np.isnan(db[36])
    assert_array_equal(dx[:18], clean[0][:18])
    assert_array_equal(dW[:, :36], clean[1][:, :36])
    assert_array_equal(db[:36], clean[2][:36])
    newW, newb = sgd_update(x, dout, 0.25, W, b)
    assert np.isnan(newW[:, 36]).all() and np.isnan(newb[36])
    assert np.isfinite(newW[:, :36]).all() and np.isfinite(newb[:36]).all()


@every_dtype
def test_relu_derivative_of_nan(dtype):
    """As in NumPy, NaN is not <= 0: the gradient passes."""
    x, W, _, dout = integers(dtype, (2, 3, 4))
    x[...] = [[np.nan, 0.0, -0.0], [np.finfo(dtype).smallest_subnormal, -1.0, np.inf]]
    plain = call("affine_backward_input", dout, W, x, IDENTITY, outputs=[x.shape])[0]
    got = call("affine_backward_input", dout, W, x, RELU, outputs=[x.shape])[0]
    assert plain.all()
    assert_array_equal(got, plain * [[1, 0, 0], [1, 0, 1]])


@every_dtype
def test_old_numbers_in_the_outputs_are_forgotten(dtype):
    """NaN left in dW by a caller's np.empty must not reach the sums, of no rows either."""
    for n in (0, 5, blocking.DEPTH + 1):
        x, W, b, dout = integers(dtype, (n, 6, 7))
        dx, dW, db = (np.full(a.shape, np.nan, dtype) for a in (x, W, b))
        kernels.affine_backward(x, W, dout, dx, dW, db)
        assert_array_equal(dW, x.T @ dout)
        assert_array_equal(db, dout.sum(0))
        assert_array_equal(dx, dout @ W.T)
