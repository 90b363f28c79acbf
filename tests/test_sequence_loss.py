"""The loss of steps, of which some do not count: the twin, bounds, aliases."""

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.reference import kernels as reference


@every_dtype
@with_each("columns", [1, 2, 3, 13, 16, 59, 64, 65, 130, 1000])
@with_each("rows", [1, 7, 16, 65, 150])
def test_kernels_equal_the_reference(rows, columns, dtype):
    rng = np.random.default_rng(rows)
    x, t = rng.standard_normal((rows, columns)) * 3, rng.integers(-1, columns, size=rows)
    t[0] = columns - 1
    x, eps = x.astype(dtype), np.finfo(dtype).eps
    y, dx = np.full((2, rows + 2, columns), -7, dtype)
    loss = np.full(3, -7, dtype)
    kernels.sequence_loss_forward(x, t, y[1:-1], loss[1:-1])
    wide, exact, expected = x.astype(np.longdouble), np.empty_like(x, np.longdouble), np.empty(1)
    reference.sequence_loss_forward(wide, t, exact, expected)
    assert_allclose(y[1:-1], exact, rtol=(columns + 20) * eps)
    assert_allclose(loss[1], expected[0], rtol=0, atol=40 * eps * max(1, np.abs(x).max()))
    kernels.sequence_loss_backward(y[1:-1], t, dtype(0.3), dx[1:-1])
    reference.sequence_loss_backward(y[1:-1].astype(np.longdouble), t, dtype(0.3), exact)
    assert_allclose(dx[1:-1], exact, rtol=0, atol=4 * eps * 0.3)
    for frame in (y, dx, loss[:, np.newaxis]):
        assert (frame[[0, -1]] == -7).all()
    assert (dx[1:-1][t < 0] == 0).all()
    kernels.sequence_loss_backward(y[1:-1], t, dtype(0.3), y[1:-1])  # where the book writes it
    assert_array_equal(y, dx)
    kernels.sequence_loss_forward(x, t, x, again := np.empty(1, dtype))
    assert again[0] == loss[1]


@every_dtype
def test_steps_that_do_not_count_change_nothing(dtype):
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((40, 11)).astype(dtype), rng.integers(11, size=40)
    counts = rng.random(40) < 0.5
    some, losses = np.where(counts, t, -1), np.empty((2, 1), dtype)
    y = np.empty_like(x)
    kernels.sequence_loss_forward(x, some, y, losses[0])
    kernels.sequence_loss_forward(x[counts].copy(), t[counts], y[counts].copy(), losses[1])
    assert_allclose(losses[0], losses[1], rtol=4 * np.finfo(dtype).eps)
    none, dx = np.full(40, -1), np.full_like(x, np.nan)
    kernels.sequence_loss_forward(x, none, y, losses[0])
    kernels.sequence_loss_backward(y, none, dtype(1), dx)
    assert losses[0, 0] == 0 and (dx == 0).all()


def test_equal_logits_give_log_c_however_large():
    for shift in (0.0, 1e6, -1e6):
        x, y, loss = np.full((3, 8), shift), np.empty((3, 8)), np.empty(1)
        kernels.sequence_loss_forward(x, np.array([0, -1, 7]), y, loss)
        assert_allclose(loss[0], np.log(8), rtol=1e-15)


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((30, 70)), rng.integers(-1, 70, size=30)
    given = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(given, torch.tensor(t), ignore_index=-1)
    expected.backward()
    y, dx, loss = np.empty_like(x), np.empty_like(x), np.empty(1)
    kernels.sequence_loss_forward(x, t, y, loss)
    kernels.sequence_loss_backward(y, t, 1.0, dx)
    assert_allclose(loss[0], expected.item(), rtol=1e-13)
    assert_allclose(dx, given.grad.numpy(), rtol=1e-12, atol=1e-16)
