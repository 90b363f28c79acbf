"""TwoLayerNet is the textbook's, and its gradient at once is that of its layers."""

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_allclose, assert_array_equal
from small_models import data
from two_layers import layer_grads, two_networks, two_ways

from fastnet import models
from fastnet.kernels.checked import two_layer_gradient
from fastnet.models import TwoLayerNet
from fastnet.reference import models as reference_models


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


@with_each("answers", ANSWERS)
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
