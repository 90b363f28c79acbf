"""TwoLayerNet with other layers, arrays and names than it was made with."""

import copy

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_allclose, assert_array_equal
from small_models import data
from two_layers import layer_grads, two_networks, two_ways

from fastnet.datasets import load_digits
from fastnet.layers import (
    Affine,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
    Tanh,
)
from fastnet.optimizer import SGD


def other_layer(name, make):
    def change(network):
        network.layers[name] = make(network.layers[name])

    return change


def assigned(name, attribute, make):
    def change(network):
        layer = network.layers[name]
        setattr(layer, attribute, make(getattr(layer, attribute)))

    return change


def entry(name, held, i, make):
    def change(network):
        arrays = getattr(network.layers[name], held)
        arrays[i] = make(arrays[i])

    return change


class Doubled(Affine):
    def forward(self, x):
        return 2 * super().forward(x)


def last_layer(network):
    class Twice(SoftmaxWithLoss):
        def backward(self, dout=1):
            return super().backward(2 * dout)

    network.lastLayer = Twice()


def more_layers(network):
    second = network.layers.pop("Affine2")
    network.layers |= {"Sigmoid1": Sigmoid(), "Affine2": second}


def swapped_names(network):
    first, relu, second = network.layers.values()
    network.layers = {"Affine2": first, "Relu1": relu, "Affine1": second}


NETWORK_CHANGES = {
    "another activation": other_layer("Relu1", lambda old: Tanh()),
    "a subclass": other_layer("Affine1", lambda old: Doubled(old.W, old.b)),
    "a subclass at the end": other_layer("Affine2", lambda old: Doubled(old.W, old.b)),
    "a subclass between": other_layer("Relu1", lambda old: type("Mine", (Tanh, Relu), {})()),
    "an affine layer of its own": other_layer("Affine1", lambda old: Affine(2 * old.W, old.b + 1)),
    "another last layer": last_layer,
    "one layer more": more_layers,
    "swapped names": swapped_names,
    "W": assigned("Affine1", "W", lambda W: W + 1),
    "W in float32": assigned("Affine1", "W", lambda W: W.astype(np.float32)),
    "all in float32": lambda network: [
        assigned(name, attribute, lambda a: a.astype(np.float32))(network)
        for name in ("Affine1", "Affine2")
        for attribute in ("W", "b")
    ],
    "W in Fortran order": assigned("Affine2", "W", np.asfortranarray),
    "W byte-swapped": assigned("Affine2", "W", lambda W: W.astype(">f8")),
    "b byte-swapped": assigned("Affine1", "b", lambda b: b.astype(">f8")),
    "W masked": entry("Affine1", "params", 0, np.ma.array),
    "W of another width": assigned("Affine1", "W", lambda W: np.ones((6, 9))),
    "dW strided": entry("Affine1", "grads", 0, lambda a: np.repeat(a, 2, axis=1)[:, ::2]),
    "dW byte-swapped": entry("Affine2", "grads", 0, lambda a: a.astype(">f8")),
    "db masked": entry("Affine2", "grads", 1, np.ma.array),
    "db in float32": entry("Affine2", "grads", 1, lambda a: a.astype(np.float32)),
}


@pytest.mark.usefixtures("dispatcher_confused")
@with_each("change", NETWORK_CHANGES)
def test_changed_layers_of_the_two_layer_net_are_honoured(change):
    ours, theirs = two_ways(6, 9, 4, weight_init_std=0.7)
    x, t = data(25, 6, 4)
    before = ours.gradient(x, t)
    made = []
    for network in (ours, theirs):
        NETWORK_CHANGES[change](network)
        held = layer_grads(network)
        made.append([*network.gradient(x, t).values()])
        made[-1] += [array.copy() for array in layer_grads(network)]
        assert all(a is b for a, b in zip(held, layer_grads(network), strict=True))
    for one, other in zip(*made, strict=True):
        assert_array_equal(one, other, strict=True)
    if change.split()[0] in ("another", "an", "W") and "byte" not in change:
        same = [np.array_equal(a, b) for a, b in zip(made[0], before.values(), strict=False)]
        assert change in ("W in Fortran order", "W masked", "W in float32") or not all(same)


@with_each(
    "x, t",
    [
        (np.ones((3, 7)), [0, 1, 2]),
        (np.ones((0, 6)), []),
        (np.ones((3, 6), complex), [0, 1, 2]),
        ([[1, 2], [3]], [0, 1]),
        (np.ones((3, 6)), np.array([0, 1, 4])),
        (np.ones((3, 6)), np.array([0, -1, 2])),
        (np.ones((3, 6)), np.array([0, 1])),
        (np.ones((3, 6)), np.array([0, 1, 2**63], np.uint64)),
        (np.ones((3, 6)), [0.0, 1.0, 2.0]),
        (np.ones((3, 6)), np.eye(4)[[1, 0, 2]] * 2),
        (np.ones((3, 6)), np.eye(3)),
        (np.ones((3, 7)), np.eye(4)[[1, 0, 2]] * 2),
    ],
)
def test_the_gradient_at_once_words_the_layers_errors(x, t):
    raised = []
    for network in two_ways(6, 9, 4):
        before = [array.copy() for array in layer_grads(network)]
        with pytest.raises((TypeError, ValueError, IndexError)) as error:
            network.gradient(x, t)
        raised.append((error.type, str(error.value)))
        for array, kept in zip(layer_grads(network), before, strict=True):
            assert_array_equal(array, kept)
    assert raised[0] == raised[1]


@pytest.mark.parametrize("name", ["Affine1", "Affine2"])
def test_a_layer_of_the_two_layer_net_under_another_name(name):
    for network in two_ways(6, 9, 4):
        network.layers = {
            "Other" if key == name else key: layer for key, layer in network.layers.items()
        }
        with pytest.raises(KeyError, match=name):
            network.gradient(*data(25, 6, 4))


@pytest.mark.parametrize("held", ["params", "grads"])
def test_lists_of_the_two_layer_net_that_lost_an_array(held):
    for network in two_ways(6, 9, 4):
        getattr(network.layers["Affine2"], held).pop()
        with pytest.raises(ValueError, match=rf"^Affine\.\w+: {held} must hold 2 arrays, got 1"):
            network.gradient(*data(25, 6, 4))


def test_two_layer_net_learns_as_in_the_book():
    network, expected = two_networks(64, 30, 10, weight_init_std=0.1)
    (x, t), (x_test, t_test) = load_digits(normalize=True, one_hot=True)
    rng = np.random.default_rng(0)
    optimizer = SGD(lr=0.1)
    for step in range(600):
        batch = rng.choice(len(x), 100)
        if step < 50:
            gradient = expected.gradient(x[batch], t[batch])
            for key in gradient:
                expected.params[key] -= 0.1 * gradient[key]
        if step == 50:
            for key, array in expected.params.items():
                assert_allclose(network.params[key], array, rtol=1e-9, atol=1e-12)
        gradient = network.gradient(x[batch], t[batch])
        if step % 2:
            optimizer.update(network.params, gradient)
        else:
            for key in network.params:
                network.params[key] -= 0.1 * gradient[key]
    assert network.accuracy(x_test, t_test) > 0.9
    twin = copy.deepcopy(network)
    optimizer.update(twin.params, gradient)
    assert twin.loss(x, t) != network.loss(x, t)
