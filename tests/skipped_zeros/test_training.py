"""The compiled loop skips zeros with the same bits, and where it pays."""

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal
from sparse_rows import KINDS, assert_same_bits, images

from fastnet import kernels
from fastnet.kernels import (
    SIGMOID,
    simd,
)
from fastnet.kernels._compile import entry
from fastnet.kernels.loop import sparse as loop_sparse
from fastnet.kernels.loop.calls import SparseBackward, SparseForward
from fastnet.reference.kernels.record import dense_layers, program_of


def addresses(dtype, forward=loop_sparse.forward, backward=loop_sparse.backward_params):
    """Return what a program says without and with the functions that skip zeros."""
    dtype = np.dtype(dtype)
    skipping = {
        "sparse_forward": forward.address(dtype),
        "sparse_backward": backward.address(dtype),
    }
    return {}, skipping


def trained(x, t, dtype, skipping, W=None, lr=0.3, batch_size=100, widths=(50, 50, 10)):
    """Return params, totals and outputs of two shuffled epochs of a stack of sigmoids."""
    layers, size = dense_layers((x.shape[1], *widths), [SIGMOID] * len(widths))
    scale = 1 / 255 if x.dtype == np.uint8 else 1.0
    programs = program_of(layers, x_scale=scale, **skipping)
    rng = np.random.default_rng(3)
    params = (rng.standard_normal(size) / 20).astype(dtype)
    if W is not None:
        params[: W.size] = W.ravel()
    order = np.stack([rng.permutation(len(x)) for _ in range(2)])
    work = np.full(kernels.work_size(programs, batch_size), np.nan, dtype)
    totals, out = np.empty((2, 3)), np.empty((len(x), widths[-1]), dtype)
    kind = KINDS[x.dtype.name]
    rows = x.ctypes.data, kind, x.strides[0]
    alone = np.zeros(1, np.int64)
    kernels.predict_rows(*rows, order[0], params, programs, work, batch_size, out, alone, 0)
    kernels.train_epochs(
        *rows, t, np.empty((0, 0), dtype), order, batch_size, params, programs,
        dtype(lr), True, work, totals, alone, 0,
    )  # fmt: skip
    return params, totals, out


@every_dtype
@with_each("kind", KINDS)
@with_each("batch_size", [32, 100, 103, 230])
def test_the_loop_has_the_bits_of_the_dense_one(dtype, kind, batch_size):
    x, t = images(kind=kind)
    dense, skipping = addresses(dtype)
    expected = trained(x, t, dtype, dense, batch_size=batch_size)
    assert np.isfinite(expected[0]).all() and (expected[1][:, 2] == -(-230 // batch_size)).all()
    assert_same_bits(trained(x, t, dtype, skipping, batch_size=batch_size), expected)


@every_dtype
@with_each("dense_rows", ["half", "every other four", "all", "columns"])
def test_the_loop_has_the_bits_of_the_dense_one_where_x_is_mixed(dtype, dense_rows):
    x, t = images()
    if dense_rows == "columns":
        x[:, :400] = 7
    else:
        where = {"half": np.s_[:115], "every other four": np.s_[::2], "all": np.s_[:]}[dense_rows]
        x[where] = images(share=0.8, seed=1)[0][where]
    dense, skipping = addresses(dtype)
    assert_same_bits(trained(x, t, dtype, skipping), trained(x, t, dtype, dense))


@every_dtype
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_loop_multiplies_zeros_with_what_is_not_finite(dtype, bad):
    """A weight of a pixel that is always 0: the outputs are NaN, and training ends at once."""
    x, t = images()
    x[:, 300] = 0
    W = np.random.default_rng(0).standard_normal((784, 50)).astype(dtype) / 20
    W[300, 7] = bad
    params, totals, out = trained(x, t, dtype, addresses(dtype)[1], W)
    assert np.isnan(out).all() and (totals == 0).all()
    with np.errstate(invalid="ignore"):
        for found, dense in zip(
            (params, totals, out), trained(x, t, dtype, addresses(dtype)[0], W), strict=True
        ):
            assert_array_equal(found, dense)


@every_dtype
def test_weights_that_overflow_in_training_spread_as_in_the_dense_loop(dtype):
    """The first update makes infinite weights of one pixel, the second batch NaN of its zeros."""
    x, t = images(kind="float64")
    x[:, 300] = 0
    x[::3, 300] = 1e6
    W = np.random.default_rng(0).standard_normal((784, 50)).astype(dtype) / 20
    W[300] = 0
    dense, skipping = addresses(dtype)
    lr = np.finfo(dtype).max / 16
    expected = trained(x, t, dtype, dense, W, lr)
    assert np.isinf(expected[0][300 * 50 : 301 * 50]).any() and expected[1][0, 2] == 1
    for found, same in zip(trained(x, t, dtype, skipping, W, lr), expected, strict=True):
        assert_array_equal(found, same)


@entry(SparseForward)
def _all_rows(n, d, m, x, W, b, activation, out, like):
    p = simd.pointer_at(out, like)
    for i in range(n * m):
        simd.put(p, i, simd.scalar(p, 0.25))
    return n


@entry(SparseBackward)
def _no_update(n, rows, m, x, d, dout, add, dW, db, like):
    if db != 0:
        p = simd.pointer_at(db, like)
        for j in range(m):
            simd.put(p, j, simd.scalar(p, 3.0))
    return rows


def test_the_loop_asks_for_the_first_product_alone():
    """Functions that make all of it wrongly: outputs do not depend on x, W stays, b is 3."""
    x, t = images()
    skipping = addresses(np.float32, _all_rows, _no_update)[1]
    W = np.random.default_rng(0).standard_normal((784, 50)).astype(np.float32)
    params, _, out = trained(x, t, np.float32, skipping, W)
    y, at = np.full(50, 0.25), W.size + 50  # of the first layer; of the others the right ones
    first = np.random.default_rng(3).standard_normal(params.size) / 20
    for m in (50, 10):
        z = y @ first[at : at + 50 * m].reshape(50, m) + first[at + 50 * m :][:m]
        y, at = 1 / (1 + np.exp(-z)), at + 51 * m
    assert_allclose(out, np.tile(y, (len(out), 1)), rtol=1e-5)
    assert_array_equal(params[: W.size].reshape(W.shape), W)
    rest, start = params[W.size :], trained(x, t, np.float32, skipping, W, lr=0)[0][W.size :]
    assert (rest[:50] == 3).all()  # b
    assert (rest[50:2550] != start[50:2550]).any()  # the second W
