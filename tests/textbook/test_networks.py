"""The books' networks: their numbers, gradients, and the errors of their arguments."""

# ruff: noqa: NPY002  the books draw from NumPy's global generator

import numpy as np
import pytest
from books_networks import LABELS, ONE_HOT, X, assert_near
from in_turn import with_each
from numpy.testing import assert_allclose, assert_array_equal
from refused import refused

from fastnet.layers import Affine
from fastnet.reference.textbook import first as plain_first
from fastnet.textbook import first
from fastnet.textbook.first import MultiLayerNet, MultiLayerNetExtend

PLAIN = [
    {},
    {"activation": "sigmoid", "weight_init_std": "Sigmoid"},
    {"weight_init_std": 0.1, "weight_decay_lambda": 0.2},
    {"weight_init_std": "sigmoid", "weight_decay_lambda": 1},
]
EXTENDED = [
    {"use_dropout": True},
    {"use_dropout": True, "dropout_ration": 0.2, "weight_decay_lambda": 0.1},
    {"use_batchnorm": True, "activation": "sigmoid"},
    {"use_batchnorm": True, "use_dropout": True, "weight_decay_lambda": 0.1},
]
CASES = [("MultiLayerNet", case) for case in PLAIN]


CASES += [("MultiLayerNetExtend", case) for case in [*PLAIN, *EXTENDED]]


@pytest.mark.parametrize("module", [first, plain_first])
@pytest.mark.parametrize("name", ["MultiLayerNet", "MultiLayerNetExtend"])
def test_accuracy_is_nan_where_a_score_is(module, name):
    network = getattr(module, name)(6, [4], 3)
    assert 0 <= network.accuracy(X, LABELS) <= 1
    network.params["b2"][1] = np.nan
    assert np.isnan(network.accuracy(X, LABELS))


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
@pytest.mark.parametrize("hidden", [[5, 4], [7], []], ids=str)
@pytest.mark.parametrize("t", [LABELS, ONE_HOT], ids=["labels", "one-hot"])
def test_networks_are_the_books(common, name, options, hidden, t):
    module = "multi_layer_net" + "_extend" * name.endswith("Extend")
    results = []
    for kind in (
        getattr(first, name),
        getattr(common("first", module), name),
        getattr(plain_first, name),
    ):
        np.random.seed(3)
        network = kind(6, hidden, 3, **options)
        made = {key: param.copy() for key, param in network.params.items()}
        found = []
        for rows in (slice(40), slice(40, 105)):  # running statistics move on
            grads = network.gradient(X[rows], t[rows])
            assert grads.keys() == network.params.keys()
            for key, param in network.params.items():
                param -= 0.1 * grads[key]
            found += [network.loss(X, t), network.accuracy(X, t), network.predict(X), grads]
        results.append((made, list(network.layers), network.last_layer.y, found))
    ours, *others = results
    for made, keys, y, found in others:
        assert made.keys() == ours[0].keys() and keys == ours[1]
        for key in made:
            assert_array_equal(ours[0][key], made[key], key)
        assert_near(ours[2], y)
        for a, b in zip(ours[3], found, strict=True):
            if isinstance(b, dict):
                # Before a batch normalization the gradient of b is 0 but for rounding.
                scale = max(np.abs(grad).max() for grad in b.values())
                for key in b:
                    assert_allclose(a[key], b[key], rtol=0, atol=1e-12 * scale, err_msg=key)
            else:
                assert_near(a, b)


@pytest.mark.parametrize(("name", "same"), [("he", "relu"), ("XAVIER", "sigmoid")])
def test_names_of_initial_weights(name, same):
    for kind in (MultiLayerNet, plain_first.MultiLayerNet):
        found = []
        for std in (name, same):
            np.random.seed(0)
            found.append(kind(6, [5], 3, weight_init_std=std).params["W2"])
        assert_array_equal(*found)


def test_layers_use_the_arrays_of_params():
    network = MultiLayerNetExtend(6, [5], 3, use_batchnorm=True, use_dropout=True)
    assert list(network.layers) == [
        "Affine1", "BatchNorm1", "Activation_function1", "Dropout1", "Affine2",
    ]  # fmt: skip
    assert list(network.params) == ["W1", "b1", "gamma1", "beta1", "W2", "b2"]
    for i in (1, 2):
        assert network.layers[f"Affine{i}"].W is network.params[f"W{i}"]
        assert network.layers[f"Affine{i}"].b is network.params[f"b{i}"]
    assert network.layers["BatchNorm1"].gamma is network.params["gamma1"]
    assert network.layers["BatchNorm1"].beta is network.params["beta1"]


def test_gradients_of_what_kernels_do_not_take():
    # Samples in float32, as MNIST's are, and an array of the first layer's that is no C array.
    network = MultiLayerNet(6, [5], 3)
    expected = network.gradient(X.astype(np.float32).astype(float), LABELS)
    network.layers["Affine1"].grads[0] = np.zeros((5, 6)).T
    found = network.gradient(X.astype(np.float32), LABELS)
    for key, grad in expected.items():
        assert_array_equal(found[key], grad)


def test_gradients_are_fresh():
    network = MultiLayerNetExtend(6, [5], 3, use_batchnorm=True)
    grads = network.gradient(X, LABELS)
    kept = {key: grad.copy() for key, grad in grads.items()}
    network.gradient(X[:50], LABELS[:50])
    for key, grad in grads.items():
        assert_array_equal(grad, kept[key])


@pytest.mark.parametrize(
    "options", [{}, {"weight_decay_lambda": 0.5}, {"use_batchnorm": True}], ids=str
)
def test_gradients_are_those_by_definition(options):
    np.random.seed(0)
    network = MultiLayerNetExtend(6, [5, 4], 3, activation="sigmoid", **options)
    numerical = network.numerical_gradient(X[:9], LABELS[:9])
    for key, grad in network.gradient(X[:9], LABELS[:9]).items():
        # The loss has 1e-7 in its logarithm, the gradient is that without it, as in the book.
        assert_allclose(grad, numerical[key], rtol=0, atol=1e-6)


def test_a_first_layer_of_ones_own_goes_backward():
    class Doubled(Affine):
        def backward(self, dout):
            self.called = True
            return super().backward(2 * dout)

    networks = []
    for kind in (Affine, Doubled):
        np.random.seed(0)
        network = MultiLayerNet(6, [5], 3)
        network.layers["Affine1"] = kind(network.params["W1"], network.params["b1"])
        networks.append(network.gradient(X, LABELS))
    assert_allclose(networks[1]["W1"], 2 * networks[0]["W1"], rtol=1e-14)
    assert_array_equal(networks[1]["W2"], networks[0]["W2"])


EXTRA = ("use_dropout", "dropout_ration", "use_batchnorm")


@with_each("change, error, text", [
        (
            {"input_size": 0}, ValueError,
            "input_size must be at least 1, got 0. Give a positive int.",
        ),
        (
            {"hidden_size_list": 5}, TypeError,
            "hidden_size_list must be a list of whole numbers, got 5. Give one for each hidden "
            "layer, such as [100, 100].",
        ),
        (
            {"hidden_size_list": [5, 0]}, ValueError,
            "hidden_size_list[1] must be at least 1, got 0. Give a positive int.",
        ),
        (
            {"output_size": 2.0}, TypeError,
            "output_size must be a whole number, got 2.0. Give an int.",
        ),
        (
            {"activation": "tanh"}, ValueError,
            "activation must be one of 'sigmoid', 'relu', got 'tanh'. Give one of these names.",
        ),
        (
            {"weight_init_std": "small"}, ValueError,
            "weight_init_std must be one of 'relu', 'he', 'sigmoid', 'xavier', got 'small'. Give "
            "one of these names.",
        ),
        (
            {"weight_init_std": -1}, ValueError,
            "weight_init_std must be finite and not negative, got -1.0. Give a number such as "
            "0.01.",
        ),
        (
            {"weight_decay_lambda": -0.1}, ValueError,
            "weight_decay_lambda must not be negative, got -0.1. Give a number such as 0.1.",
        ),
        (
            {"use_dropout": 1}, TypeError,
            "use_dropout must be True or False, got 1. Give one of the two.",
        ),
        (
            {"dropout_ration": 1.0}, ValueError,
            "dropout_ration must be at least 0 and below 1, got 1.0. Give a number such as 0.5.",
        ),
        (
            {"use_batchnorm": "yes"}, TypeError,
            "use_batchnorm must be True or False, got 'yes'. Give one of the two.",
        ),
    ])  # fmt: skip
def test_bad_arguments_of_networks(change, error, text):
    arguments = {"input_size": 6, "hidden_size_list": [5], "output_size": 3} | change
    state = np.random.get_state()[1].copy()
    for kind in (MultiLayerNetExtend, MultiLayerNet):
        if kind is MultiLayerNetExtend or not change.keys() & set(EXTRA):
            refused(lambda kind=kind: kind(**arguments), error, f"{kind.__name__}: {text}")
    assert_array_equal(np.random.get_state()[1], state)


def test_bad_arrays_of_networks():
    network = MultiLayerNet(6, [5], 3)
    refused(
        lambda: network.accuracy(X[0], LABELS[0]),
        ValueError,
        "MultiLayerNet.accuracy: x must be (N, D) with at least one sample and one feature, got "
        "x.shape=(6,). Reshape samples of one feature to (N, 1): x.reshape(-1, 1); one sample to "
        "(1, D): x.reshape(1, -1).",
    )
    refused(
        lambda: network.accuracy(X[:2], [0, 3]),
        IndexError,
        "MultiLayerNet.accuracy: t must be in 0..2 for predict(x).shape=(2, 3), got t[1]=3. Give "
        "the last layer 4 units, one for each class.",
    )
    refused(
        lambda: network.gradient(X[:, :5], LABELS),
        ValueError,
        "Affine.forward: x must have 6 features to match W (6, 5), got x.shape=(105, 5). Give x of "
        "shape (N, 6).",
    )
