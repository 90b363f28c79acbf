"""The states of an optimizer belong to arrays: those that it was first used for."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet.optimizer import SGD, Adam, Momentum

ONES = [np.ones((2, 3)), np.ones(3)]


def arrays():
    return [np.zeros((2, 3)), np.zeros(3)]


def used():
    params, optimizer = arrays(), Momentum(1.0, momentum=0.5)
    optimizer.update(params, ONES)
    return params, optimizer


def refused(optimizer, params, key, names="v"):
    before = [np.copy(p) for p in (params.values() if isinstance(params, dict) else params)]
    grads = {k: np.ones_like(p) for k, p in params.items()} if isinstance(params, dict) else ONES
    iterations = optimizer.iter
    with pytest.raises(ValueError) as caught:
        optimizer.update(params, grads)
    assert str(caught.value) == (
        f"{type(optimizer).__name__}.update: params[{key!r}] must be the array of which it has "
        f"{names}, got another one. Give all parameters at each step, in one list or dict, and "
        "change them in place; for others make a new optimizer, or call reset()."
    )
    after = params.values() if isinstance(params, dict) else params
    for array, old in zip(after, before, strict=True):
        assert_array_equal(array, old)
    assert optimizer.iter == iterations


def test_other_arrays_of_the_same_shapes_are_refused():
    params, optimizer = used()
    refused(optimizer, arrays(), 0)
    refused(optimizer, [params[0], np.zeros(3)], 1)
    refused(optimizer, [np.zeros((2, 3)), params[1]], 0)
    optimizer.update([*params], ONES)  # it goes on where it was
    assert_array_equal(params[1], -1 - 1.5)
    optimizer.reset()
    params = arrays()
    optimizer.update(params, ONES)
    assert_array_equal(params[1], -1)
    assert (optimizer.iter, optimizer._params is params) == (1, True)


def test_a_network_that_is_gone_is_another_one():
    optimizer = Adam()
    network = {"W": np.zeros((2, 3))}
    optimizer.update(network, {"W": ONES[0]})
    network = {"W": np.zeros((2, 3))}
    refused(optimizer, network, "W", "m and v")


def test_one_layer_after_the_other_is_refused():
    _, optimizer = used()
    refused(optimizer, arrays(), 0)


@pytest.mark.parametrize(
    "again",
    [
        lambda params: params,
        lambda params: [*params],
        lambda params: [params[0][:], params[1][:]],  # views made anew
        lambda params: [params[0].view(), params[1].reshape(3)],
    ],
)
def test_the_same_arrays_in_any_list(again):
    params, optimizer = used()
    optimizer.update(again(params), ONES)
    optimizer.update(again(params), ONES)
    assert_array_equal(params[0], -1 - 1.5 - 1.75)


@pytest.mark.parametrize("kind", [list, dict])
def test_arrays_replaced_in_their_list_or_dict(kind):
    params, optimizer = arrays(), Momentum(1.0, momentum=0.5)
    params = params if kind is list else dict(enumerate(params))
    grads = ONES if kind is list else dict(enumerate(ONES))
    for _ in range(2):
        optimizer.update(params, grads)
        params[0] = np.clip(params[0], -10, 10)
    assert_array_equal(params[0], -1 - 1.5)


def test_arrays_may_come_and_go():
    params, optimizer = used()
    first, second = params
    third = np.zeros(4)
    optimizer.update([second], ONES[1:])
    assert_array_equal(second, -1 - 1.5)
    optimizer.update([third, second, first], [np.ones(4), *ONES[::-1]])
    assert_array_equal(third, -1)
    assert_array_equal(second, -1 - 1.5 - 1.75)
    assert_array_equal(first, -1 - 1.5)
    assert len(optimizer.v) == 3


def test_dicts_go_by_their_keys():
    W, b, optimizer = np.zeros((2, 3)), np.zeros(3), Momentum(1.0, momentum=0.5)
    optimizer.update({"W": W}, {"W": ONES[0]})
    optimizer.update({"b": b}, {"b": ONES[1]})  # a state of its own
    optimizer.update({"W": W, "b": b}, {"W": ONES[0], "b": ONES[1]})
    assert_array_equal(b, -1 - 1.5)
    refused(optimizer, {"W": np.zeros((2, 3))}, "W")


def test_numbers_are_known_by_their_place():
    optimizer = Momentum(1.0, momentum=0.5)
    params = {"x": 1.0, "y": 2.0}
    for _ in range(2):
        optimizer.update(params, {"x": 1.0, "y": 1.0})
    assert params == {"x": -1.5, "y": -0.5}
    optimizer.update({"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 1.0})


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_takes_any_arrays_once(duplicate):
    params, optimizer = used()
    twin, others = duplicate(optimizer), arrays()
    twin.update(others, ONES)
    assert_array_equal(others[1], -1.5)
    refused(twin, arrays(), 0)
    optimizer.update(params, ONES)


def test_states_that_were_taken_away_are_of_nothing():
    _, optimizer = used()
    optimizer.v = None
    optimizer.update(params := arrays(), ONES)
    assert_array_equal(params[0], -1)


def test_plain_descent_is_for_any_arrays():
    optimizer = SGD(1.0)
    for _ in range(2):
        optimizer.update(params := arrays(), ONES)
        assert_array_equal(params[0], -1)
