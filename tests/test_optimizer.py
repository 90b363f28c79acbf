"""SGD: NumPy's bits, in place, in every form that the textbooks hand it parameters."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet.optimizer import SGD
from fastnet.reference.optimizer import SGD as Reference

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def pairs(rng, dtype=np.float64):
    shapes = [(4, 3), (3,), (1, 1), (33,), (7, 17), (), (0,), (2, 2, 3)]
    return tuple([np.array(rng.standard_normal(s), dtype) for s in shapes] for _ in range(2))


@every_dtype
@pytest.mark.parametrize("lr", [0.1, 1, 0, -0.5, np.float32(0.3), np.array(0.25)], ids=repr)
def test_lists_and_dicts_get_the_bits_of_the_reference(lr, dtype, rng):
    params, grads = pairs(rng, dtype)
    expected = [param.copy() for param in params]
    Reference(float(lr)).update(expected, grads)
    in_a_list = [param.copy() for param in params]
    in_a_dict = {f"W{i}": param.copy() for i, param in enumerate(params)}
    before = [*in_a_list, *in_a_dict.values()]
    kept = [grad.copy() for grad in grads]
    SGD(lr).update(in_a_list, grads)
    SGD(lr).update(in_a_dict, {f"W{i}": grad for i, grad in enumerate(grads)})
    for i, wanted in enumerate(expected):
        assert_array_equal(in_a_list[i], wanted)
        assert_array_equal(in_a_dict[f"W{i}"], wanted)
        assert_array_equal(grads[i], kept[i])
        assert in_a_list[i].dtype == dtype
    after = [*in_a_list, *in_a_dict.values()]
    assert all(one is two for one, two in zip(before, after, strict=True))


def test_by_hand():
    W = np.array([1.0, 2.0])
    SGD(lr=0.5).update([W], [np.array([2.0, -4.0])])
    assert_array_equal(W, [0, 4])
    SGD().update([W], [np.array([100.0, 0.0])])
    assert_array_equal(W, [-1, 4])  # the default is 0.01


def test_lr_is_read_at_every_update():
    W, optimizer = np.zeros(3), SGD(lr=1)
    optimizer.update([W], [np.ones(3)])
    optimizer.lr = 10
    optimizer.update([W], [np.ones(3)])
    assert_array_equal(W, [-11, -11, -11])


VIEWS = {
    "transposed": lambda a: a.T,
    "sliced": lambda a: a[::2, 1::3],
    "reversed": lambda a: a[::-1, ::-1],
    "column": lambda a: a[:, :1],
}


@every_dtype
@pytest.mark.parametrize("where", ["param", "grad", "both"])
@pytest.mark.parametrize("view", VIEWS)
def test_strided_views_are_written_through(view, where, dtype, rng):
    base, steps = (rng.standard_normal((6, 8)).astype(dtype) for _ in range(2))
    expected, outside = base.copy(), base.copy()
    param, grad = VIEWS[view](base), VIEWS[view](steps)
    if where == "param":
        grad = grad.copy()
    if where == "grad":
        param, base, expected = param.copy(), param, None
    before = param.copy()
    SGD(lr=0.1).update([param], [grad])
    assert_array_equal(param, before - dtype(0.1) * grad)
    if expected is not None:
        VIEWS[view](expected)[...] = param
        assert_array_equal(base, expected)  # and nothing beside the view
    else:
        assert_array_equal(base, VIEWS[view](outside))  # the copy was trained, not the base


@pytest.mark.parametrize("param", ["f2", "f4", "f8", ">f4"])
@pytest.mark.parametrize("grad", ["f2", "f4", "f8", "i8", ">f8"])
def test_mixed_dtypes_are_computed_as_numpy_does(param, grad, rng):
    W = (10 * rng.standard_normal(50)).astype(param)
    dW = (10 * rng.standard_normal(50)).astype(grad)
    expected = W.copy()
    expected -= 0.1 * dW
    SGD(lr=0.1).update([W], [dW])
    assert_array_equal(W, expected)
    assert W.dtype == param


def test_gradients_may_be_read_only_and_more_than_needed():
    params = {"W": np.ones(3), "b": np.ones(2)}
    grads = {"b": np.ones(2), "W": np.ones(3), "other": "of another network"}
    grads["W"].flags.writeable = False
    SGD(lr=1).update(params, grads)
    assert_array_equal(params["W"], np.zeros(3))
    assert_array_equal(params["b"], np.zeros(2))


def test_plain_numbers_are_replaced():
    """optimizer_compare_naive.py of the textbook walks over a dict of two floats."""
    params, grads = {"x": -7.0, "y": np.float64(2)}, {"x": 0.1, "y": 4}
    SGD(lr=0.95).update(params, grads)
    assert params == {"x": -7.0 - 0.95 * 0.1, "y": 2 - 0.95 * 4}
    params = [1.0, np.ones(2)]
    SGD(lr=0.5).update(params, [1, np.ones(2)])
    assert params[0] == 0.5
    assert_array_equal(params[1], [0.5, 0.5])


@every_dtype
@pytest.mark.parametrize("shift", [1, -1, 0, 20])
def test_a_gradient_that_overlaps_its_parameter(shift, dtype):
    memory = np.arange(1000, dtype=dtype)
    ours, plain = memory.copy(), memory.copy()
    for v, optimizer in [(ours, SGD(1.0)), (plain, Reference(1.0))]:
        optimizer.update([v[100:900]], [v[100 + shift : 900 + shift]])
    assert_array_equal(ours, plain)


def test_a_tied_array_is_updated_once_an_entry():
    W = np.ones((2, 3))
    SGD(lr=1).update([W, W, W.T], [np.full((2, 3), 1.0), np.full((2, 3), 2.0), np.ones((3, 2))])
    assert_array_equal(W, np.full((2, 3), -3.0))


def test_nan_and_infinite_gradients_go_on():
    W = np.ones(3)
    SGD(lr=1).update([W], [np.array([np.nan, np.inf, 0])])
    assert_array_equal(W, [np.nan, -np.inf, 1])


def test_nothing_to_update():
    SGD().update([], [])
    SGD().update({}, {"W": np.ones(2)})
