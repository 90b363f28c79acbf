"""Products with an x that is mostly zeros: the bits of those that take no notice, NaN as theirs.

The dense ones are `matmul_forward` and `matmul_backward`, which never look for zeros.
"""

import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import fastnet
from fastnet import kernels, threads
from fastnet.kernels import (
    FLOAT32,
    FLOAT64,
    IDENTITY,
    SIGMOID,
    UINT8,
    affine_backward_params,
    affine_backward_sgd_update,
    affine_forward,
    matmul_backward,
    matmul_forward,
    sigmoid_forward,
    simd,
    sparse,
)
from fastnet.kernels._compile import entry, jit
from fastnet.kernels.loop import sparse as loop_sparse
from fastnet.kernels.loop.calls import SparseBackward, SparseForward
from fastnet.kernels.simd import pointer, scalar
from fastnet.layers import Dense, Dropout, MatMul
from fastnet.models import Sequential, network, sequential, zeros
from fastnet.models.rows import rows_of
from fastnet.optimizer import SGD, Adam
from fastnet.reference.kernels.record import dense_layers, program_of

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])

# N, D, M: whole groups and what is left of them, more terms than are listed at a time.
SHAPES = [
    (100, 784, 50),
    (32, 512, 40),
    (39, 4099, 33),
    (103, 785, 71),
    (35, 1030, 34),
    (sparse.TERMS + 5, 69, 96),
    (2 * sparse.TERMS + 3, 64, 35),
    (41, 2 * sparse.TERMS + 1, 40),
]
every_shape = pytest.mark.parametrize("shape", SHAPES)
MARGIN, SENTINEL = 40, -7.25


@jit()
def rows_forward(x, W, b, out):
    (n, d), m = x.shape, W.shape[1]
    return sparse.sparse_forward(n, d, m, pointer(x), pointer(W), pointer(b), pointer(out))


@jit()
def rows_backward(x, dout, dW):
    (n, d), m = x.shape, dout.shape[1]
    return sparse.sparse_backward_params(
        n, d, m, pointer(x), d, pointer(dout), scalar(pointer(x), 1.0), False, pointer(dW)
    )


def framed(shape, dtype):
    """Return a buffer of sentinels and an array in the middle of it."""
    size = math.prod(shape)
    buffer = np.full(size + 2 * MARGIN, SENTINEL, dtype)
    return buffer, buffer[MARGIN : MARGIN + size].reshape(shape)


def assert_frame(buffer):
    assert (buffer[:MARGIN] == SENTINEL).all() and (buffer[-MARGIN:] == SENTINEL).all()


def operands(dtype, shape, share):
    """Return x, W, dout and b of normal numbers; of x all but that share are zero."""
    n, d, m = shape
    rng = np.random.default_rng(n + d + m)
    x, W, dout, b = (rng.standard_normal(s).astype(dtype) for s in ((n, d), (d, m), (n, m), m))
    x[rng.random((n, d)) >= share] = 0
    return x, W, dout, b


def products(x, W, dout, b, activation=IDENTITY):
    """Return out, dW and db of the affine kernels, whose frames are checked."""
    frames = [framed(shape, x.dtype) for shape in (dout.shape, W.shape, b.shape)]
    out, dW, db = (inside for _, inside in frames)
    affine_forward(x, W, b, activation, out)
    affine_backward_params(x, dout, dW, db)
    for buffer, _ in frames:
        assert_frame(buffer)
    return out, dW, db


def dense_products(x, W, dout):
    """Return out and dW of the kernels that look for no zeros."""
    out, dx, dW = np.empty_like(dout), np.empty_like(x), np.empty_like(W)
    matmul_forward(x, W, out)
    matmul_backward(x, W, dout, dx, dW)
    return out, dW


def rows(x, W, dout, b):
    """How many rows of out and of dW are made with regard to zeros."""
    return rows_forward(x, W, b, np.empty_like(dout)), rows_backward(x, dout, np.empty_like(W))


@every_dtype
@every_shape
@pytest.mark.parametrize("share", [0, 0.02, 0.1])
def test_bits_are_those_of_the_dense_product(dtype, shape, share):
    x, W, dout, b = operands(dtype, shape, share)
    x[:, shape[1] // 3] = 1  # a column without zeros
    x[shape[0] // 2] = 0  # and a row of zeros
    n, d, _ = shape
    together = max(4, simd.BITS // 8 // x.itemsize)
    assert rows(x, W, dout, b) == (n - n % 4, d - d % together)
    b[:] = 0
    out, dW, db = products(x, W, dout, b)
    dense = dense_products(x, W, dout)
    assert_array_equal(out, dense[0])
    assert_array_equal(dW, dense[1])
    assert_array_equal(db, products(np.ones_like(x), W, dout, b)[2])


@every_dtype
@every_shape
def test_bias_and_activation(dtype, shape):
    x, W, dout, b = operands(dtype, shape, 0.05)
    W /= 8
    out = products(x, W, dout, b)[0]
    x64, W64 = x.astype(np.float64), W.astype(np.float64)
    bound = np.finfo(dtype).eps * (abs(x64) @ abs(W64) + abs(b)) * 16
    assert (abs(out - (x64 @ W64 + b)) <= bound).all()
    expected = np.empty_like(out)
    sigmoid_forward(out, expected)
    assert_array_equal(products(x, W, dout, b, SIGMOID)[0], expected)


@every_dtype
def test_what_does_not_pay_is_left_to_the_dense_product(dtype):
    shape = 100, 784, 50
    for share in (0.3, 1):
        assert rows(*operands(dtype, shape, share)) == (0, 0)
    narrow = 2 * simd.BITS // 8 // np.dtype(dtype).itemsize - 1
    for small in ((31, 8000, 50), (100, 784, narrow), (32, 511, 50), (100, 784, 3000)):
        assert rows(*operands(dtype, small, 0.01)) == (0, 0), small
    x, W, dout, b = operands(dtype, shape, 0.01)
    for few in (slice(0, 4), slice(48, 52), slice(96, 100)):
        kept = x[few].copy()
        x[few] = 1
        assert rows(x, W, dout, b) == (0, 0)
        x[few] = kept


@every_dtype
@pytest.mark.parametrize("n", [128, 2 * sparse.TERMS + 20])
def test_an_x_that_looks_like_zeros_and_is_not_is_left_halfway(dtype, n):
    x, W, dout, b = operands(dtype, (n, 784, 50), 0.02)
    b[:] = 0
    columns, most = x.copy(), np.ones_like(x)
    columns[:, ::4] = 1  # a quarter, and one of each four together
    for few in (slice(0, 4), slice((n - 4) // 2, (n - 4) // 2 + 4), slice(n - 4, n)):
        most[few] = x[few]
    for array, expected in (
        (columns, (n, sparse.SAMPLED_COLUMNS)),
        (most, (sparse.CHUNK, sparse.SAMPLED_COLUMNS)),
    ):
        assert rows(array, W, dout, b) == expected
        dense = dense_products(array, W, dout)
        for found, same in zip(products(array, W, dout, b), dense, strict=False):
            assert_array_equal(found, same)


@every_dtype
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [(0, 0), (500, 7), (-1, -1)])
def test_zero_times_infinity_is_nan(dtype, bad, at):
    """What is not finite spreads as in NumPy, from x, W and dout."""
    x, W, dout, b = operands(dtype, (103, 785, 50), 0.05)
    b[:] = 0
    for i, array in enumerate((x, W, dout)):
        kept, k = array.copy(), (at[0] % len(array), at[1])
        array[k] = bad
        taken = rows(x, W, dout, b)
        assert [bool(n) for n in taken] == [i != 1, i != 2]
        with np.errstate(invalid="ignore"):
            for found, dense in zip(
                products(x, W, dout, b), dense_products(x, W, dout), strict=False
            ):
                assert_array_equal(found, dense)
        array[...] = kept


@every_dtype
def test_negative_zero_is_a_zero(dtype):
    x, W, dout, b = operands(dtype, (100, 784, 50), 0.05)
    b[:] = 0
    negative = np.where(x == 0, dtype(-0.0), x)
    for found, expected in zip(
        products(negative, W, dout, b), products(x, W, dout, b), strict=True
    ):
        assert_array_equal(found, expected)


# --------------------------------------------------------------------------- with the update in it


def rows_update(x, first, stop, dout, factor, W):
    """W[first:stop] += factor * x[:, first:stop].T @ dout, and how many of these rows it made."""
    at = W.ctypes.data + first * W.strides[0], x.ctypes.data + first * x.itemsize
    return loop_sparse.backward_params.kernel(
        len(x), stop - first, W.shape[1], at[1], x.shape[1], dout.ctypes.data, 1, at[0], factor
    )


@every_dtype
@every_shape
@pytest.mark.parametrize("lr", [0.3, 1.0, -1.0])
def test_the_update_has_the_bits_of_the_dense_one(dtype, shape, lr):
    x, W, dout, b = operands(dtype, shape, 0.05)
    n, d, m = shape
    lanes = simd.BITS // 8 // x.itemsize
    dense = W.copy()
    affine_backward_sgd_update(x, dout, dtype(lr), dense, b.copy())
    assert (dense != W).any()
    others = lr == -1 or (n > sparse.TERMS and m % lanes)  # bits: the dense one is left to do it
    for first, stop in ((0, d), (16, d - 3), (0, 16 + d // 2)):
        buffer, found = framed(W.shape, dtype)
        found[...] = W
        done = rows_update(x, first, stop, dout, dtype(-lr), found)
        if others or n * (stop - first) < sparse.LEAST_SIZE:
            assert done == 0
        else:
            assert done == stop - first - (stop - first) % max(4, lanes)
        assert_array_equal(found[first : first + done], dense[first : first + done])
        assert_array_equal(found[:first], W[:first])
        assert_array_equal(found[first + done :], W[first + done :])
        assert_frame(buffer)


# --------------------------------------------------------------------------- the compiled loop

KINDS = {"float32": FLOAT32, "float64": FLOAT64, "uint8": UINT8}


def images(n=230, d=784, kind="uint8", share=0.05, seed=0):
    """Return rows of few numbers that are not 0, and labels."""
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 256, (n, d)) * (rng.random((n, d)) < share)
    x = x.astype(kind) if kind == "uint8" else (x / 255).astype(kind)
    return x, rng.integers(0, 10, n)


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


def assert_same_bits(some, others):
    for one, other in zip(some, others, strict=True):
        assert one.tobytes() == other.tobytes()


@every_dtype
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_size", [32, 100, 103, 230])
def test_the_loop_has_the_bits_of_the_dense_one(dtype, kind, batch_size):
    x, t = images(kind=kind)
    dense, skipping = addresses(dtype)
    expected = trained(x, t, dtype, dense, batch_size=batch_size)
    assert np.isfinite(expected[0]).all() and (expected[1][:, 2] == -(-230 // batch_size)).all()
    assert_same_bits(trained(x, t, dtype, skipping, batch_size=batch_size), expected)


@every_dtype
@pytest.mark.parametrize("dense_rows", ["half", "every other four", "all", "columns"])
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
def _all_rows(n, d, m, x, W, b, out, like):
    p = simd.pointer_at(out, like)
    for i in range(n * m):
        simd.put(p, i, like)
    return n


@entry(SparseBackward)
def _no_update(n, rows, m, x, d, dout, add, dW, like):
    return rows


def test_the_loop_asks_for_the_first_product_alone():
    """Functions that make all of it wrongly: outputs do not depend on x, W stays, b does not."""
    x, t = images()
    skipping = addresses(np.float32, _all_rows, _no_update)[1]
    W = np.random.default_rng(0).standard_normal((784, 50)).astype(np.float32)
    params, _, out = trained(x, t, np.float32, skipping, W)
    assert (out == out[0]).all() and (out != 0.5).all()  # of the other layers the right ones
    assert_array_equal(params[: W.size].reshape(W.shape), W)
    rest, start = params[W.size :], trained(x, t, np.float32, skipping, W, lr=0)[0][W.size :]
    assert (rest[:50] != start[:50]).all()  # b
    assert (rest[50:2550] != start[50:2550]).any()  # the second W


# --------------------------------------------------------------------------- models


@pytest.fixture
def at_once(monkeypatch):
    """Samples of any number are worth looking at."""
    monkeypatch.setattr(zeros, "LOOKS_PAY", 0)


def model(first=None, units=50, dtype=np.float32):
    layers = [Dense(units, activation="sigmoid"), Dense(10)]
    layers = layers if first is None else [first, *layers]
    return Sequential(layers, dtype=np.dtype(dtype).name, seed=0)


def skips(made, x, samples=5000, batch_size=100):
    """Whether calls on so many rows of x skip zeros."""
    made.build(x.shape[1])
    rows = rows_of("f", "x", x, None, made.dtype)
    found = zeros.skipping_zeros(made._network, rows, samples, batch_size)
    forward, backward = (found.program[f"sparse_{way}"][0] for way in ("forward", "backward"))
    assert (found is made._network) == (not forward)
    assert (forward == 0) == (backward == 0)
    assert not made._network.program["sparse_forward"][0]
    return bool(forward)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_of_the_data_decides(kind):
    for share, expected in ((0, True), (0.05, True), (0.13, True), (0.2, False), (1, False)):
        assert skips(model(), images(kind=kind, share=share)[0]) == expected, share
    assert skips(model(), images(33, kind=kind)[0], batch_size=33)
    assert skips(model(), images(1000, kind=kind)[0][::-3])  # not contiguous
    # A layer without a bias, none that is a product, and no layer that may skip.
    x = images(kind=kind)[0]
    assert not skips(model(MatMul(np.ones((784, 50)))), x)
    assert not skips(model(Dropout(0.2)), x)
    assert not skips(model(units=simd.BITS // 32 * 2 - 1), x)
    assert not skips(model(), x, batch_size=31)
    assert not skips(model(), images(d=100, kind=kind)[0])
    assert not skips(model(), x, samples=zeros.LOOKS_PAY - 1)


def test_fit_evaluate_and_predict_ask_the_data(monkeypatch):
    """And small calls, and those of other data, go on as they did."""
    seen = []

    def spy(real, at):
        def wrapped(*arguments):
            seen.append(bool(arguments[at]["sparse_forward"][0]))
            return real(*arguments)

        return wrapped

    monkeypatch.setattr(network, "train_epochs", spy(network.train_epochs, 8))
    monkeypatch.setattr(sequential, "predict_rows", spy(sequential.predict_rows, 5))
    for x, expected in ((images(4096), True), (images(4096, share=1), False)):
        made = model()
        for optimizer in (SGD(0.1), Adam()):
            made.fit(*x, 1, 100, optimizer, verbose=0)
            assert seen and set(seen) == {expected}
            seen.clear()
        made.evaluate(*x), made.predict(x[0])
        assert set(seen) == {expected}
        seen.clear()
        few = x[0][:4095], x[1][:4095]
        made.fit(*few, 1, 100, verbose=0), made.evaluate(*few), made.predict(few[0])
        made.predict(x[0][:3])
        assert not any(seen)
        seen.clear()


@pytest.mark.parametrize("make", [lambda: SGD(0.1), Adam])
@every_dtype
def test_models_learn_the_same_bits(dtype, make, at_once, monkeypatch):
    x, t = images()

    def learn():
        made = model(dtype=dtype)
        made.fit(x, t, 3, 100, make(), validation_data=(x, t), verbose=0)
        return made.parameter_vector.copy(), made.predict(x), np.array(made.evaluate(x, t)["loss"])

    found = learn()
    monkeypatch.setattr(zeros, "LOOKS_PAY", 2**62)
    assert_same_bits(found, learn())


@pytest.mark.parametrize("helpers", [True, False])
@every_dtype
def test_models_learn_the_same_bits_with_any_number_of_threads(
    dtype, helpers, at_once, monkeypatch
):
    """Without helpers the caller does all tasks of a team itself, however they are cut."""
    monkeypatch.setattr(threads, "FLOPS_A_THREAD", 1.0)
    monkeypatch.setattr(threads, "FLOPS_A_CALL", 0.0)
    if not helpers:
        monkeypatch.setattr(threads, "_wake", lambda *_: None)
    before, results = fastnet.get_num_threads(), []
    try:
        for count in (1, 2, 4) if helpers else (1, 2, 3, 7):
            fastnet.set_num_threads(count)
            made = model(dtype=dtype)
            made.fit(*images(), 2, 100, SGD(0.1), verbose=0)
            results.append((made.parameter_vector.copy(), made.predict(images()[0])))
    finally:
        fastnet.set_num_threads(before)
    for other in results[1:]:
        assert_same_bits(other, results[0])
