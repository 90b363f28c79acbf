"""SGD by hand: the bits of the reference, for lists and dicts of any arrays."""

import pickle

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from numpy.testing import assert_array_equal
from optimizers import SHAPES, VIEWS, pairs

from fastnet.optimizer import KERNELS, SGD
from fastnet.optimizer.descent import update_at_once
from fastnet.reference.optimizer import SGD as Reference


@every_dtype
@with_each("lr", [0.1, 1, 0, np.float32(0.3), np.array(0.25)])
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
    W, sgd = np.zeros(3), SGD(lr=1)
    sgd.update([W], [np.ones(3)])
    sgd.lr = 10
    sgd.update([W], [np.ones(3)])
    assert_array_equal(W, [-11, -11, -11])


@every_dtype
@with_each("where", ["param", "grad", "both"])
@with_each("view", VIEWS)
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


@with_each("param", ["f2", "f4", "f8", ">f4"])
@with_each("grad", ["f2", "f4", "f8", "i8", ">f8"])
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
@with_each("shift", [1, -1, 0, 20])
def test_a_gradient_that_overlaps_its_parameter(shift, dtype):
    memory = np.arange(1000, dtype=dtype)
    ours, plain = memory.copy(), memory.copy()
    for v, each in [(ours, SGD(1.0)), (plain, Reference(1.0))]:
        each.update([v[100:900]], [v[100 + shift : 900 + shift]])
    assert_array_equal(ours, plain)


def test_the_gradients_of_a_tied_array_are_summed():
    W = np.ones((2, 3))
    SGD(lr=1).update([W, W, W.T], [np.full((2, 3), 1.0), np.full((2, 3), 2.0), np.ones((3, 2))])
    assert_array_equal(W, np.full((2, 3), -3.0))


def forms(params, grads):
    """As two lists, as a tuple of gradients, and as two dicts whose keys stand in another order."""
    yield list(params), list(grads)
    yield list(params), tuple(grads)
    keys = [f"W{i}" for i in range(len(params))]
    pairs = list(zip(keys, params, grads, strict=True))
    yield {k: p for k, p, _ in pairs}, {"b": None} | {k: g for k, _, g in pairs[::-1]}


CHANGES = {
    "nothing": lambda p, g: (p, g),
    "strided": lambda p, g: (p, np.repeat(g, 2, axis=-1)[..., ::2]),
    "strided parameter": lambda p, g: (np.repeat(p, 2, axis=-1)[..., ::2], g),
    "read-only gradient": lambda p, g: (p, np.broadcast_to(g, g.shape)),
    "byte-swapped": lambda p, g: (p, g.astype(g.dtype.newbyteorder())),
    "byte-swapped parameter": lambda p, g: (p.astype(p.dtype.newbyteorder()), g),
    "both byte-swapped": lambda p, g: tuple(a.astype(a.dtype.newbyteorder()) for a in (p, g)),
    "masked": lambda p, g: (p, np.ma.array(g)),
    "masked parameter": lambda p, g: (np.ma.array(p, mask=p > 0), g),
    "unpickled": lambda p, g: tuple(pickle.loads(pickle.dumps((p, g)))),
    "another dtype": lambda p, g: (p, g.astype(np.float16)),
    "integers": lambda p, g: (p, (9 * g).astype(np.int64)),
    "one dimension more": lambda p, g: (p[np.newaxis].copy(), g[np.newaxis].copy()),
    "overlap": lambda p, g: (lambda m: (m[:-1].reshape(p.shape), m[1:].reshape(p.shape)))(
        np.linspace(-1, 1, p.size + 1, dtype=p.dtype)
    ),
    "itself": lambda p, g: (p, p),
    "a number": lambda p, g: (0.5, 0.25),
}


@every_dtype
@pytest.mark.parametrize("change", CHANGES)
@with_each("count", [1, 2, 3, 4, 5, 6])
@pytest.mark.usefixtures("dispatcher_confused")
def test_one_layer_two_and_more(count, change, dtype, rng):
    """W, b, W, b ... of which each in turn is of another kind: NumPy's result, in place."""
    shapes = [(4, 3), (3,), (3, 17), (17,), (17, 2), (2,)][:count]
    for i in range(count):
        for form in range(3):
            params, grads = (
                [np.array(rng.standard_normal(s), dtype) for s in shapes] for _ in range(2)
            )
            params[i], grads[i] = CHANGES[change](params[i], grads[i])
            expected = pickle.loads(pickle.dumps(params))
            plain = [np.array(grad) for grad in grads]  # a gradient's mask is not looked at
            Reference(0.1).update(expected, plain)
            held, given = list(forms(params, grads))[form]
            SGD(lr=0.1).update(held, given)
            found = list(held.values()) if isinstance(held, dict) else held
            for k, wanted in enumerate(expected):
                if isinstance(params[k], np.ndarray):
                    assert found[k] is params[k]
                assert_array_equal(np.ma.getdata(found[k]), np.ma.getdata(wanted), str(k))


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_any_lr_for_up_to_three_layers(count, rng):
    for lr in (1, np.float32(0.3), np.array(0.25), np.float64(0.1), 1e300, 1e5):
        params, grads = ([rng.standard_normal(s) for s in SHAPES[:count]] for _ in range(2))
        expected = [p - float(lr) * g for p, g in zip(params, grads, strict=True)]
        SGD(lr).update(params, grads)
        for param, wanted in zip(params, expected, strict=True):
            assert_array_equal(param, wanted)


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_a_bad_entry_of_up_to_three_layers_changes_nothing(count):
    shapes = SHAPES[:count]
    for i in range(count):
        for bad in (np.ones(7), None, np.ones(shapes[i], complex)):
            for form in range(3):
                params, grads = ([np.ones(s) for s in shapes] for _ in range(2))
                grads[i] = bad
                held, given = list(forms(params, grads))[form]
                with pytest.raises((TypeError, ValueError), match=r"^SGD\.update: grads\["):
                    SGD(1.0).update(held, given)
                assert all((param == 1).all() for param in params)
        params = {k: np.ones(s) for k, s in enumerate(shapes)}
        grads = {k: np.ones(s) for k, s in enumerate(shapes) if k != i}
        with pytest.raises(KeyError, match="grads must have every key of params"):
            SGD(1.0).update(params, grads)
        assert all((param == 1).all() for param in params.values())


@every_dtype
@with_each("count", KERNELS)
def test_up_to_three_layers_take_one_kernel(count, dtype):
    """Else the tests above would see what is checked in Python alone."""
    params, grads = ([np.ones(s, dtype) for s in SHAPES[:count]] for _ in range(2))
    assert update_at_once(params, grads, 0.25) is True
    named = dict(enumerate(params))
    assert update_at_once(named, dict(enumerate(grads)) | {"b": None}, 0.25) is True
    assert all((param == 0.5).all() for param in params)
    assert not update_at_once(params, [*grads[:-1], grads[-1].astype(np.float16)], 0.25)


def test_nan_and_infinite_gradients_go_on():
    W = np.ones(3)
    SGD(lr=1).update([W], [np.array([np.nan, np.inf, 0])])
    assert_array_equal(W, [np.nan, -np.inf, 1])


def test_nothing_to_update():
    SGD().update([], [])
    SGD().update({}, {"W": np.ones(2)})
