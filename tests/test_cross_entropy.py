"""Cross entropies and the divergence: limits, small losses, the textbook's sigmoid with loss.

losses/ compares them with the reference.
"""

import numpy as np
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.reference import functions
from fastnet.reference import kernels as reference


def both(name, y, t, dtype=np.float64):
    y, t = np.array(y, dtype), np.array(t, dtype)
    loss, dx = np.empty(1, dtype), np.empty_like(y)
    getattr(kernels, f"{name}_forward")(y, t, loss)
    getattr(kernels, f"{name}_backward")(y, t, dtype(1), dx)
    return loss[0], dx


@every_dtype
def test_probabilities_of_zero_and_one(dtype):
    """PyTorch's bounds: a logarithm of -100, a divisor of 1e-12."""
    loss, dx = both("binary_cross_entropy", [[0, 1, 0, 1]], [[1, 0, 0, 1]], dtype)
    assert loss == 50
    assert_array_equal(dx, np.array([[-1, 1, 0, 0]], dtype) / dtype(1e-12) / 4)
    loss, dx = both("kullback_leibler_divergence", [[0, 1]], [[1, 0]], dtype)
    assert loss == 100
    assert_array_equal(dx, [[dtype(-1) / dtype(1e-12), 0]])
    loss, dx = both("categorical_cross_entropy", [[0, 1]], [[1, 0]], dtype)
    assert_allclose(loss, 7 * np.log(10), rtol=1e-6)
    assert_allclose(dx, [[-1e7, 0]], rtol=1e-6)


@every_dtype
def test_equal_distributions_have_no_divergence(dtype):
    t = np.random.default_rng(0).dirichlet(np.ones(7), 5).astype(dtype)
    t[2, 3] = 0
    loss, dx = both("kullback_leibler_divergence", t, t, dtype)
    assert loss == 0
    assert_array_equal(dx, np.where(t == 0, dtype(0), dtype(-1)) / dtype(5))


@every_dtype
def test_one_hot_and_labels_have_one_loss(dtype):
    rng = np.random.default_rng(0)
    y, t = rng.dirichlet(np.ones(7), 30).astype(dtype), rng.integers(0, 7, 30)
    sparse, dense = np.empty(1, dtype), np.empty(1, dtype)
    kernels.cross_entropy_forward(y, t, sparse)
    kernels.categorical_cross_entropy_forward(y, np.eye(7, dtype=dtype)[t], dense)
    assert_allclose(sparse, dense, rtol=8 * np.finfo(dtype).eps)
    ours, theirs = np.empty_like(y), np.empty_like(y)
    kernels.cross_entropy_backward(y, t, dtype(1), ours)
    kernels.categorical_cross_entropy_backward(y, np.eye(7, dtype=dtype)[t], dtype(1), theirs)
    assert_array_equal(ours, theirs)


@every_dtype
def test_logits_far_out(dtype):
    big = 3e38
    loss, dx = both("sigmoid_cross_entropy", [[1000, -1000]], [[0, 1]], dtype)
    assert loss == 1000
    assert_array_equal(dx, [[0.5, -0.5]])
    loss, dx = both("sigmoid_cross_entropy", [[big, -big]], [[1, 0]], dtype)
    assert loss == 0
    assert_array_equal(dx, [[0, 0]])


@every_dtype
@with_each("x", [1.0, 5.0, 12.0, 20.0, 30.0])
def test_small_losses_keep_their_digits(x, dtype):
    """log(1 + e) of a small e: 1 + e alone would round it off."""
    x = np.longdouble(dtype(x))
    exact = np.log1p(np.exp(-x))
    bound = 5 * np.finfo(dtype).eps * exact
    # -x, as x - x t loses the digits of x that log(1 + e) is added to.
    assert abs(both("sigmoid_cross_entropy", [[-x]], [[0]], dtype)[0] - exact) <= bound
    y = dtype(np.exp(-x))
    exact = -np.log1p(-np.longdouble(y))
    bound = 5 * np.finfo(dtype).eps * exact
    assert abs(both("binary_cross_entropy", [[y]], [[0]], dtype)[0] - exact) <= bound


@every_dtype
@with_each("shape", [(1, 1), (30, 1), (5, 7), (3, 150)])
def test_sigmoid_with_loss(shape, dtype):
    rng = np.random.default_rng(0)
    x, t = (3 * rng.standard_normal(shape)).astype(dtype), rng.integers(0, 2, shape).astype(dtype)
    y, loss = np.full_like(x, np.nan), np.empty(1, dtype)
    kernels.sigmoid_with_loss_forward(x, t, y, loss)
    twin, wide = np.empty(shape, np.longdouble), np.empty(1, np.longdouble)
    reference.sigmoid_with_loss_forward(x.astype(np.longdouble), t, twin, wide)
    eps = np.finfo(dtype).eps
    assert (np.abs(y - twin) <= 2 * eps * twin).all()
    # log turns the rounding of p, which 1 - y has, into eps / p.
    p = np.where(t == 1, twin, 1 - twin)
    terms = np.abs(np.log(p)) * 70 + 3 / p
    assert abs(loss[0] - wide[0]) <= eps * terms.sum() / shape[0]
    sigmoid = y.copy()
    kernels.sigmoid_with_loss_forward(x, t, x, loss)  # y may be x
    assert_array_equal(x, sigmoid)


def test_sigmoid_with_loss_is_the_textbooks():
    """The cross entropy of the two columns 1 - y and y."""
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((20, 1)), rng.integers(0, 2, 20)
    y, loss = np.empty_like(x), np.empty(1)
    kernels.sigmoid_with_loss_forward(x, t.astype(float).reshape(20, 1), y, loss)
    sigmoid = functions.sigmoid(x)
    exact = functions.cross_entropy_error(np.c_[1 - sigmoid, sigmoid], t)
    assert_allclose(loss[0], exact, rtol=1e-14)
