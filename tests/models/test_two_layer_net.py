"""The textbook's two-layer network against the reference, and changed in any way."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from small_models import data

from fastnet import models
from fastnet.datasets import load_digits
from fastnet.kernels.checked import two_layer_gradient
from fastnet.layers import (
    Affine,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
    Tanh,
)
from fastnet.models import TwoLayerNet
from fastnet.optimizer import SGD
from fastnet.reference import models as reference_models


def two_networks(*sizes, seed=0, **options):
    for network in (TwoLayerNet, reference_models.TwoLayerNet):
        np.random.seed(seed)  # noqa: NPY002 - the book's generator
        yield network(*sizes, **options)


def test_two_layer_net_is_the_textbooks():
    network, expected = two_networks(6, 9, 4, weight_init_std=0.7)
    x, t = data(25, 6, 4)
    assert list(network.params) == ["W1", "b1", "W2", "b2"]
    for key, array in expected.params.items():
        assert_array_equal(network.params[key], array)
        assert network.params[key].dtype == np.float64
    for answers in (t, np.eye(4)[t]):
        assert_allclose(network.loss(x, answers), expected.loss(x, answers), rtol=1e-13)
        assert network.accuracy(x, answers) == expected.accuracy(x, answers)
        gradient, wanted = network.gradient(x, answers), expected.gradient(x, answers)
        assert list(gradient) == list(wanted)
        for key in wanted:
            assert_allclose(gradient[key], wanted[key], rtol=1e-11, atol=1e-14)
    assert_allclose(network.predict(x), expected.predict(x), rtol=1e-13, atol=1e-14)
    assert_allclose(network.predict(x[0]), expected.predict(x)[0], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("kind", [TwoLayerNet, reference_models.TwoLayerNet])
def test_accuracy_is_nan_where_a_score_is(kind):
    """The largest of NaN is the first class: that was right for every label 0."""
    network = kind(5, 4, 3)
    x, t = data(8)
    x[3] = np.nan
    assert np.isnan(network.accuracy(x, t)) and 0 <= network.accuracy(x[4:], t[4:]) <= 1
    network.params["b2"][0] = np.nan
    assert np.isnan(network.accuracy(x[4:], np.zeros(4, int)))


def test_two_layer_net_gradient_equals_its_numerical_gradient():
    # Weights that leave no probability so small that the 1e-7 in the logarithm is felt.
    network, _ = two_networks(5, 6, 3, weight_init_std=0.3)
    x, t = data(8)
    kept = {key: array.copy() for key, array in network.params.items()}
    numerical, gradient = network.numerical_gradient(x, t), network.gradient(x, t)
    assert list(numerical) == list(gradient) == list(kept)
    for key, array in network.params.items():
        assert numerical[key].shape == gradient[key].shape == array.shape
        assert_allclose(gradient[key], numerical[key], rtol=1e-5, atol=1e-7)
        assert np.abs(gradient[key]).max() > 1e-3
        assert_array_equal(array, kept[key])  # put back
        assert not any(np.shares_memory(gradient[key], grad) for grad in layer_grads(network))


def layer_grads(network):
    return [grad for layer in network.layers.values() for grad in layer.grads]


class LayerByLayer(TwoLayerNet):
    """A subclass may override a method: its gradient goes through the layers."""


def two_ways(*sizes, seed=0, **options):
    """The same network twice: one whose gradient is one kernel's, and one that calls the layers."""
    for kind in (TwoLayerNet, LayerByLayer):
        np.random.seed(seed)  # noqa: NPY002 - the book's generator
        yield kind(*sizes, **options)


def left_behind(network):
    """What gradient leaves in the layers."""
    first, relu, second = network.layers.values()
    last = network.lastLayer
    kept = [first.x, relu.out, second.x, last.y, last.t, last.loss]
    kept += [grad.copy() for grad in layer_grads(network)]
    return [*kept, last.backward(3), second.backward(np.ones_like(second.x @ second.W))]


SAMPLES = {
    "float64": lambda x: x,
    "float32": lambda x: x.astype(np.float32),
    "float16": lambda x: x.astype(np.float16),
    "uint8": lambda x: (40 * abs(x)).astype(np.uint8),
    "Fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "byte-swapped": lambda x: x.astype(">f8"),
    "read-only": lambda x: np.broadcast_to(x[0], x.shape),
    "masked": np.ma.array,
    "list": lambda x: x.tolist(),
    "images": lambda x: x.reshape(len(x), 2, 3),
    "one row": lambda x: x[:1],
}
ANSWERS = {
    "int64": lambda t: t,
    "uint8": lambda t: t.astype(np.uint8),
    "byte-swapped": lambda t: t.astype(">i8"),
    "strided": lambda t: np.repeat(t, 2)[::2],
    "list": lambda t: t.tolist(),
    "column": lambda t: t[:, np.newaxis],
    "one-hot": lambda t: np.eye(4)[t],
    "one-hot uint8": lambda t: np.eye(4, dtype=np.uint8)[t],
    "one-hot Fortran": lambda t: np.asfortranarray(np.eye(4)[t]),
}


@pytest.mark.parametrize("answers", ANSWERS)
@pytest.mark.parametrize("samples", SAMPLES)
@pytest.mark.usefixtures("dispatcher_confused")
def test_the_gradient_at_once_is_that_of_the_layers(samples, answers):
    """Its bits, and the bits of all that it leaves in the layers."""
    x, t = data(25, 6, 4)
    x = SAMPLES[samples](x)
    t = ANSWERS[answers](t[: len(x)])
    ours, theirs = two_ways(6, 9, 4, weight_init_std=0.7)
    made = []
    for network in (ours, theirs):
        held = layer_grads(network)
        made.append([*network.gradient(x, t).values(), *left_behind(network)])
        network.gradient(x, t)
        assert all(a is b for a, b in zip(held, layer_grads(network), strict=True))
    for one, other in zip(*made, strict=True):
        assert_array_equal(one, other, strict=True)
        assert type(one) is type(other)
    assert ours.layers["Affine2"].x is ours.layers["Relu1"].out


def test_the_usual_gradient_is_one_kernels(monkeypatch):
    """Else the test above would compare the layers with themselves."""
    calls = []

    def spy(*arguments):
        calls.append(arguments)
        return kernel(*arguments)

    kernel = models.two_layer_net.two_layer_gradient
    monkeypatch.setattr(models.two_layer_net, "two_layer_gradient", spy)
    x, t = data(25, 6, 4)
    network, by_layers = two_ways(6, 9, 4)
    by_layers.gradient(x, t)
    assert not calls
    for samples in SAMPLES.keys() - {"images"}:
        for answers in ANSWERS:
            calls.clear()
            given = SAMPLES[samples](x)
            network.gradient(given, ANSWERS[answers](t[: len(given)]))
            assert len(calls) == 1, (samples, answers)
    assert len(two_layer_gradient.signatures) == 1


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
@pytest.mark.parametrize("change", NETWORK_CHANGES)
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


@pytest.mark.parametrize(
    ("x", "t"),
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
