"""Public kernels inside other people's jitted functions, cached functions, and threads."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import children
import numba
import numpy as np
from in_turn import every_dtype
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.kernels import (
    IDENTITY,
    RELU,
    affine_backward,
    affine_backward_input,
    affine_backward_sgd_update,
    affine_forward,
    exp_forward,
    mean_squared_error_forward,
    relu_backward,
    sgd_update,
    sigmoid_backward,
    sigmoid_forward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)
from fastnet.reference import kernels as reference
from fastnet.reference.kernels.record import dense_layers, program_of


@numba.njit
def train_step(x, t, W1, b1, W2, b2, lr, hidden, y, dhidden, loss):
    """One step of x -> affine, ReLU -> affine -> softmax cross entropy, and SGD."""
    affine_forward(x, W1, b1, RELU, hidden)
    affine_forward(hidden, W2, b2, IDENTITY, y)
    softmax_cross_entropy_forward(y, t, y, loss)
    softmax_cross_entropy_backward(y, t, 1.0, y)
    affine_backward_input(y, W2, hidden, RELU, dhidden)
    affine_backward_sgd_update(hidden, y, lr, W2, b2)
    affine_backward_sgd_update(x, dhidden, lr, W1, b1)
    return loss[0]


def network(dtype, d=13, h=20, c=5, n=31):
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((n, d)).astype(dtype), rng.integers(0, c, n)
    W1, b1 = (rng.standard_normal((d, h)) / 3).astype(dtype), np.full(h, 0.1, dtype)
    W2, b2 = (rng.standard_normal((h, c)) / 4).astype(dtype), np.full(c, -0.1, dtype)
    buffers = [np.empty(shape, dtype) for shape in ((n, h), (n, c), (n, h), (1,))]
    return x, t, [W1, b1, W2, b2], buffers


@every_dtype
def test_a_training_step_written_by_hand(dtype):
    x, t, params, buffers = network(dtype)
    start = [param.copy() for param in params]
    twin = [param.astype(np.float64) for param in params]
    wide = [np.empty(buffer.shape) for buffer in buffers]
    X, lr = x.astype(np.float64), float(dtype(0.1))
    for _ in range(20):
        loss = train_step(x, t, *params, dtype(0.1), *buffers)

        W1, b1, W2, b2 = twin
        hidden, y, dhidden, one = wide
        reference.affine_forward(X, W1, b1, RELU, hidden)
        reference.affine_forward(hidden, W2, b2, IDENTITY, y)
        reference.softmax_cross_entropy_forward(y, t, y, one)
        reference.softmax_cross_entropy_backward(y, t, 1, y)
        reference.affine_backward_input(y, W2, hidden, RELU, dhidden)
        reference.affine_backward_sgd_update(hidden, y, lr, W2, b2)
        reference.affine_backward_sgd_update(X, dhidden, lr, W1, b1)
        bound = 20 * 35 * np.finfo(dtype).eps
        assert_allclose(loss, one[0], rtol=bound)
        for param, exact in zip(params, twin, strict=True):
            assert_allclose(param, exact, rtol=bound, atol=bound)
    for param, before in zip(params, start, strict=True):
        assert np.abs(param - before).max() > 0.02
    assert buffers[3].dtype == dtype


@every_dtype
def test_the_hand_written_step_is_the_compiled_epoch(dtype):
    x, t, params, buffers = network(dtype)
    W1, _, _, b2 = params
    flat = np.concatenate([param.ravel() for param in params])
    (d, h), c = W1.shape, len(b2)
    programs = program_of(dense_layers((d, h, c), (RELU, IDENTITY))[0])
    work = np.empty(kernels.work_size(programs, len(x)), dtype)
    totals = np.empty((1, 3))
    for _ in range(5):
        loss = train_step(x, t, *params, dtype(0.1), *buffers)
        kernels.train_epochs(
            x.ctypes.data, 0 if dtype == np.float32 else 1, x.strides[0], t,
            np.empty((0, 0), dtype), np.arange(len(x))[None], len(x), flat, programs,
            dtype(0.1), True, work, totals, np.zeros(1, np.int64), 0,
        )  # fmt: skip
        bound = 100 * np.finfo(dtype).eps
        assert_allclose(totals[0, 0] / len(x), loss, rtol=bound)
        mine = np.concatenate([param.ravel() for param in params])
        assert_allclose(flat, mine, rtol=bound, atol=bound)


@numba.njit
def sigmoid_network_gradient(x, t, W, b, out, dx, dW, db, loss):
    """Allocate, loop and branch around kernels, as user code does."""
    affine_forward(x, W, b, IDENTITY, out)
    sigmoid_forward(out, out)
    mean_squared_error_forward(out, t, loss)
    dout = np.empty_like(out)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            dout[i, j] = (out[i, j] - t[i, j]) / out.shape[0]
    sigmoid_backward(out, dout, dout)
    affine_backward(x, W, dout, dx, dW, db)
    if loss[0] > 0:
        relu_backward(x, dx, dx)
        exp_forward(dx, dx)
    for row in range(3):
        sgd_update(dW[row], x.dtype.type(0.5), W[row])


@every_dtype
def test_kernels_among_loops(dtype):
    rng = np.random.default_rng(0)
    x, W = rng.standard_normal((9, 7)).astype(dtype), rng.standard_normal((7, 18)).astype(dtype)
    b, t = rng.standard_normal(18).astype(dtype), rng.random((9, 18)).astype(dtype)
    out, dx, dW, db, loss = (np.empty(s, dtype) for s in ((9, 18), (9, 7), (7, 18), (18,), (1,)))
    X, V, B, T = (a.astype(np.float64) for a in (x, W, b, t))
    sigmoid_network_gradient(x, t, W, b, out, dx, dW, db, loss)

    Y = 1 / (1 + np.exp(-(X @ V + B)))
    G = (Y - T) / 9 * (1 - Y) * Y
    dV = X.T @ G
    V2 = V.copy()
    V2[:3] -= 0.5 * dV[:3]
    bound = 100 * np.finfo(dtype).eps
    for got, exact in (
        (loss, [np.sum((Y - T) ** 2) / 18]),
        (dW, dV),
        (db, G.sum(0)),
        (dx, np.exp(np.where(X <= 0, 0, G @ V.T))),
        (W, V2),
    ):
        assert_allclose(got, exact, rtol=bound, atol=bound)


USER_MODULE = """
import numba, numpy as np
from fastnet.kernels import RELU, affine_forward, softmax_forward

@numba.njit(cache=True)
def predict(x, W, b, y):
    affine_forward(x, W, b, RELU, y)
    softmax_forward(y, y)

x, W, b, y = np.ones((3, 4)), np.ones((4, 5)), np.arange(5.0), np.empty((3, 5))
predict(x, W, b, y)
expected = np.exp(b - 4) / np.exp(b - 4).sum()
assert np.allclose(y, expected), y
print(sum(predict.stats.cache_hits.values()), sum(predict.stats.cache_misses.values()))
"""


def test_users_may_cache_their_functions(tmp_path):
    (tmp_path / "user.py").write_text(USER_MODULE)
    outputs = []
    for _ in range(2):
        done = children.run(
            [sys.executable, "-W", "error", "user.py"],
            # Where the kernels are cached stays as it is; user.py caches beside itself.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        outputs.append(done.stdout.split())
    assert outputs == [["0", "1"], ["1", "0"]]


def test_kernels_in_threads():
    """They release the GIL and share nothing: many at once give the bits of one."""
    rng = np.random.default_rng(0)
    x, W = rng.standard_normal((64, 300)), rng.standard_normal((300, 70))
    expected = np.empty((64, 70))
    kernels.matmul_forward(x, W, expected)

    def product(_):
        out = np.empty((64, 70))
        kernels.matmul_forward(x, W, out)
        return out

    with ThreadPoolExecutor(4) as pool:
        for out in pool.map(product, range(100)):
            assert_array_equal(out, expected)
