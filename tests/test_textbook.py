"""The textbooks' networks, trainers and delta rule: numbers, order of random draws, errors.

The numbers are compared with the stand-ins of the books' `common` in tests/dropin, and with the
NumPy twins, under the same seed.
"""

# ruff: noqa: NPY002  the books draw from NumPy's global generator

import importlib
import pickle
import re
import sys
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import functions, layers, models, optimizer
from fastnet.datasets import load_digits
from fastnet.layers import Affine
from fastnet.models import Sequential, TwoLayerNet
from fastnet.optimizer import SGD, Adam
from fastnet.reference import layers as plain_layers
from fastnet.reference import models as plain_models
from fastnet.reference import optimizer as plain_optimizer
from fastnet.reference.textbook import first as plain_first
from fastnet.reference.textbook import second as plain_second
from fastnet.textbook import first, second
from fastnet.textbook.first import MultiLayerNet, MultiLayerNetExtend
from fastnet.textbook.second import remove_duplicate

RNG = np.random.default_rng(5)
LABELS = RNG.integers(0, 3, 105)
X = RNG.standard_normal((3, 6))[LABELS] + RNG.standard_normal((105, 6))
ONE_HOT = np.eye(3)[LABELS]


@pytest.fixture
def common(root, monkeypatch):
    """A function that imports a module of an edition's stand-in `common` anew."""

    def load(edition, name):
        forget()
        monkeypatch.syspath_prepend(root / "tests" / "dropin" / edition)
        return importlib.import_module(f"common.{name}")

    def forget():
        for name in [name for name in sys.modules if name.partition(".")[0] == "common"]:
            del sys.modules[name]

    yield load
    forget()


def refused(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text


def assert_near(ours, own):
    """Equal to 1e-10 of the largest: sums of some hundred terms in another order."""
    ours, own = np.asarray(ours), np.asarray(own)
    assert ours.shape == own.shape and ours.dtype == own.dtype
    assert_allclose(ours, own, rtol=0, atol=1e-10 * max(1e-30, np.abs(own).max()))


# --------------------------------------------------------------------------- networks

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


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
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
    ],
    ids=str,
)  # fmt: skip
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


# --------------------------------------------------------------------------- the first's trainer


@pytest.mark.parametrize(
    "name", ["SGD", "momentum", "Nesterov", "AdaGrad", "RMSprop", "rmsprpo", "ADAM"]
)
@pytest.mark.parametrize("batch", [10, 200])
def test_first_trainer_is_the_books(common, capsys, name, batch):
    # 105 samples in batches of 10: accuracies at every 21st update, as 10.5 is no whole number.
    books = common("first", "trainer").Trainer
    results = []
    for kind, network in (
        (first.Trainer, MultiLayerNet),
        (plain_first.Trainer, plain_first.MultiLayerNet),
        (books, plain_first.MultiLayerNet),
    ):
        np.random.seed(0)
        its = name if kind is not books else {"rmsprpo": "rmsprop"}.get(name, name)
        trainer = kind(
            network(6, [8], 3), X, ONE_HOT, X[30:], ONE_HOT[30:], 5, batch, its, {"lr": 0.03}, 60
        )
        assert trainer.train() is None
        results.append(trainer)
        assert capsys.readouterr().out
    ours, *others = results
    expected = 52 if batch == 10 else 5
    assert len(ours.train_loss_list) == expected
    assert len(ours.train_acc_list) == len(ours.test_acc_list) == (3 if batch == 10 else 5)
    assert ours.current_iter == expected and ours.current_epoch == len(ours.test_acc_list)
    for other in others:
        assert_near(ours.train_loss_list, other.train_loss_list)
        assert_array_equal(ours.train_acc_list, other.train_acc_list)
        assert_array_equal(ours.test_acc_list, other.test_acc_list)
        for key, param in other.network.params.items():
            assert_near(ours.network.params[key], param)


def test_first_trainer_prints_only_when_asked(capsys):
    for verbose in (True, False):
        network = TwoLayerNet(6, 5, 3)
        trainer = first.Trainer(network, X, LABELS, X, LABELS, 1, 50, verbose=verbose)
        trainer.train()
        said = capsys.readouterr().out.splitlines()
        if not verbose:
            assert said == []
            continue
        loss, accuracy = trainer.train_loss_list, network.accuracy(X, LABELS)
        began = f"train acc:{trainer.train_acc_list[0]}, test acc:{trainer.test_acc_list[0]}"
        assert said == [
            f"train loss:{loss[0]}",
            f"=== epoch:1, {began} ===",
            f"train loss:{loss[1]}",
            "=============== Final Test Accuracy ===============",
            f"test acc:{accuracy}",
        ]


def test_first_trainer_takes_lists_and_learns():
    (x, t), (x_test, t_test) = load_digits(normalize=True)
    np.random.seed(1)
    network = MultiLayerNetExtend(64, [32], 10, use_batchnorm=True)
    trainer = first.Trainer(
        network, x.tolist(), t.tolist(), x_test, t_test, 5, 50, "adam", verbose=False
    )
    trainer.train()
    assert trainer.optimizer.lr == 0.01  # not Adam's own 0.001
    assert network.accuracy(x_test, t_test) > 0.95


NO_NETWORK = (
    "network must be an object with params, gradient, loss, accuracy, got {}. Make one of a class "
    "that has these."
)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"network": 5}, TypeError, NO_NETWORK.format(5)),
        ({"network": MultiLayerNet}, TypeError, NO_NETWORK.format(repr(MultiLayerNet))),
        (
            {"t_train": LABELS[:5]}, ValueError,
            "t_train must have a target for each sample, and x_train a sample, got "
            "x_train.shape=(105, 6) and t_train.shape=(5,). Give equally many.",
        ),
        (
            {"x_test": X[:0], "t_test": LABELS[:0]}, ValueError,
            "t_test must have a target for each sample, and x_test a sample, got x_test.shape=(0, "
            "6) and t_test.shape=(0,). Give equally many.",
        ),
        (
            {"t_test": 3}, ValueError,
            "t_test must have a target for each sample, and x_test a sample, got "
            "x_test.shape=(105, 6) and t_test.shape=(). Give equally many.",
        ),
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0. Give a positive int."),
        (
            {"mini_batch_size": 1.5}, TypeError,
            "mini_batch_size must be a whole number, got 1.5. Give an int.",
        ),
        (
            {"optimizer": "newton"}, ValueError,
            "optimizer must be one of 'sgd', 'momentum', 'nesterov', 'adagrad', 'rmsprop', "
            "'rmsprpo', 'adam', got 'newton'. Give one of these names.",
        ),
        (
            {"optimizer": None}, ValueError,
            "optimizer must be one of 'sgd', 'momentum', 'nesterov', 'adagrad', 'rmsprop', "
            "'rmsprpo', 'adam', got None. Give one of these names.",
        ),
        (
            {"optimizer_param": {"rate": 0.1}}, TypeError,
            "optimizer_param must be a dict of arguments of SGD (lr, weight_decay, clip_value, "
            "clip_norm), got {'rate': 0.1}. Give a dict such as {'lr': 0.01}.",
        ),
        (
            {"optimizer_param": 0.1}, TypeError,
            "optimizer_param must be a dict of arguments of SGD (lr, weight_decay, clip_value, "
            "clip_norm), got 0.1. Give a dict such as {'lr': 0.01}.",
        ),
        (
            {"evaluate_sample_num_per_epoch": 0}, ValueError,
            "evaluate_sample_num_per_epoch must be at least 1, got 0. Give a positive int.",
        ),
        (
            {"verbose": 2}, TypeError,
            "verbose must be True or False, got 2. Give one of the two.",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_bad_arguments_of_the_first_trainer(change, error, text):
    arguments = {"network": TwoLayerNet(6, 5, 3), "x_train": X, "t_train": LABELS}
    arguments |= {"x_test": X, "t_test": LABELS}
    refused(lambda: first.Trainer(**(arguments | change)), error, f"Trainer: {text}")


def test_an_optimizers_own_error_is_the_trainers():
    refused(
        lambda: first.Trainer(TwoLayerNet(6, 5, 3), X, LABELS, X, LABELS, 1, 9, "sgd", {"lr": -1}),
        ValueError,
        "SGD: lr must not be negative, got -1.0. Give a number such as 0.1.",
    )


# --------------------------------------------------------------------------- the second's trainer


class Tied:
    """Three products, the last by the first's W transposed, after the second book's models."""

    def __init__(self, layers, tied):
        rng = np.random.default_rng(2)
        W, V = rng.standard_normal((6, 4)), rng.standard_normal((4, 4))
        last = [W.T] if tied else [rng.standard_normal((4, 6))]
        self.layers = [layers.MatMul(A) for A in (W, V, V, *last)]
        self.last = layers.SoftmaxWithLoss()
        self.params = [param for layer in self.layers for param in layer.params]
        self.grads = [grad for layer in self.layers for grad in layer.grads]

    def forward(self, x, t):
        for layer in self.layers:
            x = layer.forward(x)
        return self.last.forward(x, t)

    def backward(self, dout=1):
        dout = self.last.backward(dout)
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


@pytest.mark.parametrize("max_grad", [None, 0.5])
@pytest.mark.parametrize("tied", [True, False])
def test_second_trainer_is_the_books(common, capsys, tied, max_grad):
    books = common("second", "trainer").Trainer
    t = np.random.default_rng(1).integers(0, 6, 105)
    results = []
    for kind, parts, rule in (
        (second.Trainer, layers, optimizer),
        (plain_second.Trainer, plain_layers, plain_optimizer),
        (books, plain_layers, plain_optimizer),
    ):
        np.random.seed(4)
        trainer = kind(Tied(parts, tied), rule.Momentum(lr=0.001))
        trainer.fit(X, t, max_epoch=3, batch_size=10, max_grad=max_grad, eval_interval=4)
        trainer.fit(X, t, max_epoch=1, batch_size=30, max_grad=max_grad)
        results.append(trainer)
        assert len(capsys.readouterr().out.splitlines()) == 10
    ours, *others = results
    assert ours.current_epoch == 4 and ours.eval_interval == 20
    assert len(ours.loss_list) == 10  # at updates 1, 5 and 9 of ten; and the first of three
    for other in others:
        assert ours.current_epoch == other.current_epoch
        assert_near(ours.loss_list, other.loss_list)
        for a, b in zip(ours.model.params, other.model.params, strict=True):
            assert_near(a, b)
    W, *_, last = ours.model.params
    assert (W.T == last).all() == tied


def test_second_trainer_prints_its_losses(capsys):
    trainer = second.Trainer(Sequential([layers.Dense(3)], seed=0), SGD(lr=0.1))
    trainer.fit(X, LABELS, max_epoch=2, batch_size=50, eval_interval=2)
    said = re.sub(r"time \d+", "time 0", capsys.readouterr().out)  # compiling takes some
    assert said.splitlines() == [
        f"| epoch {epoch} |  iter 1 / 2 | time 0[s] | loss {loss:.2f}"
        for epoch, loss in zip((1, 2), trainer.loss_list, strict=True)
    ]
    trainer.fit(X, LABELS, max_epoch=1, eval_interval=None)
    assert capsys.readouterr().out == "" and len(trainer.loss_list) == 2
    assert trainer.current_epoch == 3 and trainer.eval_interval is None


def test_second_trainer_leaves_x_and_t():
    x, t = X.copy(), LABELS.copy()
    trainer = second.Trainer(Sequential([layers.Dense(3)], seed=0), Adam())
    trainer.fit(x, t, eval_interval=None)
    assert_array_equal(x, X)
    assert_array_equal(t, LABELS)


@pytest.mark.parametrize("merge", [remove_duplicate, plain_second.remove_duplicate])
def test_remove_duplicate(merge):
    W, b = np.arange(6.0).reshape(2, 3), np.zeros(3)
    params = [W, b, W.T, W, np.zeros(3), W.T.copy(), W.copy()]
    grads = [np.full(param.shape, 10.0**i) for i, param in enumerate(params)]
    grads[2][0, 1] = 7
    lists = params[:], grads[:]
    found, sums = merge(params, grads)
    assert [any(a is b for b in (W, b, params[4], params[6])) for a in found] == [True] * 4
    assert len(found) == len(sums) == 4  # an equal b or W is another array
    expected = np.full((2, 3), 1 + 100 + 1e3 + 1e5)
    expected[1, 0] += 7 - 100
    assert sums[0] is grads[0]
    assert_array_equal(sums[0], expected)
    for kept, now in zip(lists, (params, grads), strict=True):
        assert all(a is b for a, b in zip(kept, now, strict=True))


NO_MODEL = "Trainer: model must be an object with forward, backward, got {}. Make one of a class "
NO_MODEL += "that has these."


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: second.Trainer(5, SGD()), TypeError, NO_MODEL.format(5)),
        (lambda: second.Trainer(Tied, SGD()), TypeError, NO_MODEL.format(repr(Tied))),
        (
            lambda: second.Trainer(Sequential(), "sgd"), TypeError,
            "Trainer: optimizer must be an object with update, got 'sgd'. Make one of a class that "
            "has these.",
        ),
        (
            lambda: fit(t=LABELS[:7]), ValueError,
            "Trainer.fit: t must have a target for each sample, and x a sample, got "
            "x.shape=(105, 6) and t.shape=(7,). Give equally many.",
        ),
        (
            lambda: fit(max_epoch=0), ValueError,
            "Trainer.fit: max_epoch must be at least 1, got 0. Give a positive int.",
        ),
        (
            lambda: fit(batch_size="9"), TypeError,
            "Trainer.fit: batch_size must be a whole number, got '9'. Give an int.",
        ),
        (
            lambda: fit(batch_size=106), ValueError,
            "Trainer.fit: batch_size must be at most the number of samples, 105, got 106. Give "
            "fewer.",
        ),
        (
            lambda: fit(max_grad=0), ValueError,
            "Trainer.fit: max_grad must be above 0, got 0.0. Give a number such as 1.",
        ),
        (
            lambda: fit(eval_interval=0), ValueError,
            "Trainer.fit: eval_interval must be at least 1, got 0. Give a positive int.",
        ),
        (
            lambda: remove_duplicate([X], []), ValueError,
            "remove_duplicate: grads must be as many as params, got 0 grads for 1 params. Give the "
            "two lists of the same layers.",
        ),
        (
            lambda: second.Trainer(Sequential(), SGD()).plot(), ValueError,
            "Trainer.plot: loss_list must have a loss, got none. Call fit first.",
        ),
    ],
)  # fmt: skip
def test_bad_arguments_of_the_second_trainer(call, error, text):
    state = np.random.get_state()[1].copy()
    refused(call, error, text)
    assert_array_equal(np.random.get_state()[1], state)


def fit(**change):
    model = Sequential([layers.Dense(3)], seed=0)
    second.Trainer(model, SGD()).fit(**({"x": X, "t": LABELS} | change))


def test_plot(monkeypatch):
    matplotlib = pytest.importorskip("matplotlib", reason="needs the extra plot")
    matplotlib.use("agg")
    from matplotlib import pyplot

    shown = []
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.gca()))
    trainer = second.Trainer(Sequential([layers.Dense(3)], seed=0), SGD())
    trainer.fit(X, LABELS, max_epoch=2, eval_interval=7)
    trainer.plot(ylim=(0, 9))
    (axes,) = shown
    (line,) = axes.get_lines()
    assert line.get_xdata().tolist() == [0, 1]
    assert line.get_ydata().tolist() == trainer.loss_list
    assert axes.get_xlabel() == "iterations (x7)" and axes.get_ylabel() == "loss"
    assert axes.get_ylim() == (0, 9)
    pyplot.close("all")


def test_plot_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    trainer = second.Trainer(Sequential(), SGD())
    trainer.loss_list.append(1.0)
    with pytest.raises(ImportError) as caught:
        trainer.plot()
    message = str(caught.value)
    assert message.startswith("Trainer.plot: matplotlib must be installed, got ")
    assert message.endswith(". Run pip install matplotlib.")


# --------------------------------------------------------------------------- the delta rule

COLUMNS = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], float)  # the last is the bias
AND, XOR = np.array([0.0, 0, 0, 1]), np.array([0.0, 1, 1, 0])
RULES = [
    pytest.param(t, shapes, loss, id=f"{name}-{loss}")
    for name, t, shapes in (("AND", AND, [(3, 1)]), ("XOR", XOR, [(3, 4), (4, 1)]))
    for loss in ("mean_squared_error", "sigmoid_cross_entropy")
]


def weights(seed, shapes):
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, shape) for shape in shapes]


def delta_rule(Ws, t, loss, epochs, models=models, layers=layers, optimizer=optimizer):
    """Return weights, outputs and History after the one-line use of fit."""
    stack = [layer for W in Ws for layer in (layers.MatMul(W), layers.Sigmoid())]
    if loss == "sigmoid_cross_entropy":
        stack.pop()  # the loss's own
    model = models.Sequential(stack, loss, "float64")
    rule = optimizer.SGD(lr=0.9)
    options = {"shuffle": False, "verbose": 0, "metrics": ["accuracy"]}
    history = model.fit(COLUMNS, t, epochs, 1, rule, **options)
    y = model.predict(COLUMNS).ravel()
    return model.params, y if len(stack) % 2 == 0 else 1 / (1 + np.exp(-y)), history


def numpys_delta_rule(Ws, t, loss, epochs):
    """The same for many seeds at once: each W is (S, D, M)."""
    Ws = [W.copy() for W in Ws]
    for _ in range(epochs):
        for x, target in zip(COLUMNS, t, strict=True):
            ys = [np.broadcast_to(x, (len(Ws[0]), 1, 3))]
            for W in Ws:
                ys.append(1 / (1 + np.exp(-(ys[-1] @ W))))
            delta = ys[-1] - target
            for i in reversed(range(len(Ws))):
                if loss == "mean_squared_error" or i < len(Ws) - 1:
                    delta = delta * ys[i + 1] * (1 - ys[i + 1])
                step = 0.9 * ys[i].transpose(0, 2, 1) @ delta
                delta = delta @ Ws[i].transpose(0, 2, 1)
                Ws[i] -= step
    y = np.broadcast_to(COLUMNS, (len(Ws[0]), 4, 3))
    for W in Ws:
        y = 1 / (1 + np.exp(-(y @ W)))
    return Ws, y[:, :, 0]


@pytest.mark.parametrize(("t", "shapes", "loss"), RULES)
def test_a_hundred_seeds_of_the_delta_rule(t, shapes, loss):
    starts = [weights(seed, shapes) for seed in range(100)]
    stacked = [np.array(Ws) for Ws in zip(*starts, strict=True)]
    expected, numpys = numpys_delta_rule(stacked, t, loss, 10**4)
    found = [delta_rule(start, t, loss, 10**4) for start in starts]
    ours = np.array([y for _, y, _ in found])
    right, numpys_right = (((y > 0.5) == (t > 0.5)).all(axis=1) for y in (ours, numpys))
    assert right.sum() >= (99 if t is AND else numpys_right.sum() or 1)
    assert_array_equal(right, numpys_right)
    # 40,000 updates, each of them rounded otherwise: NumPy has no fused multiply-add.
    assert_allclose(ours, numpys, rtol=0, atol=40_000 * np.finfo(float).eps)
    for k, W in enumerate(expected):
        atol = 40_000 * np.finfo(float).eps * np.abs(W).max()
        assert_allclose([params[k] for params, _, _ in found], W, rtol=0, atol=atol)


@pytest.mark.parametrize(("t", "shapes", "loss"), RULES)
def test_the_same_lines_on_the_reference(t, shapes, loss):
    ours, y, history = delta_rule(weights(3, shapes), t, loss, 100)
    theirs, expected, told = delta_rule(
        weights(3, shapes), t, loss, 100, plain_models, plain_layers, plain_optimizer
    )
    assert_allclose(y, expected, rtol=0, atol=400 * np.finfo(float).eps)
    assert history.accuracy == told.accuracy
    assert_allclose(history.loss, told.loss, rtol=0, atol=400 * np.finfo(float).eps)
    for a, b in zip(ours, theirs, strict=True):
        assert_allclose(a, b, rtol=0, atol=400 * np.finfo(float).eps * np.abs(b).max())


def fused(a, b, c):
    """a * b + c, rounded once."""
    return float(Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)))


@pytest.mark.parametrize(("t", "shapes"), [(AND, [(3, 1)]), (XOR, [(3, 4), (4, 1)])], ids=len)
def test_the_delta_rule_to_the_bit(t, shapes):
    """In the loop's order, with its multiply-adds and its sigmoid, Python has the same bits."""
    for seed in range(5):
        Ws = weights(seed, shapes)
        found, _, _ = delta_rule([W.copy() for W in Ws], t, "mean_squared_error", 40)
        for _ in range(40):
            for x, target in zip(COLUMNS, t, strict=True):
                ys = [x]
                for W in Ws:
                    sums = np.zeros(W.shape[1])
                    for k, m in np.ndindex(W.shape):
                        sums[m] = fused(W[k, m], ys[-1][k], sums[m])
                    ys.append(functions.sigmoid(sums))
                delta = ys[-1] - target
                for i in reversed(range(len(Ws))):
                    delta = delta * (1 - ys[i + 1]) * ys[i + 1]
                    step, W = np.outer(ys[i], delta), Ws[i].copy()
                    for k, m in np.ndindex(W.shape):
                        Ws[i][k, m] = fused(step[k, m], -0.9, W[k, m])
                    delta = W[:, 0] * delta[0]  # i > 0: of the one output
        for a, b in zip(found, Ws, strict=True):
            assert_array_equal(a, b)


# --------------------------------------------------------------------------- images


SMALL = dict(
    input_dim=(2, 10, 8),
    conv_param={"filter_num": 5, "filter_size": 3, "pad": 1, "stride": 1},
    hidden_size=7,
    output_size=4,
    weight_init_std=0.3,
)
PIXELS = np.random.default_rng(3).standard_normal((6, 2, 10, 8))
KINDS = np.array([1, 0, 3, 2, 1, 1])


def both(name, **options):
    """Make fastnet's network and its twin with the same weights."""
    made = []
    for module in (first, plain_first):
        np.random.seed(4)
        made.append(getattr(module, name)(**options))
    return made


def test_simple_conv_net_is_its_twin():
    ours, plain = both("SimpleConvNet", **SMALL)
    assert list(ours.params) == list(plain.params) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert list(ours.layers) == ["Conv1", "Relu1", "Pool1", "Affine1", "Relu2", "Affine2"]
    for name, array in ours.params.items():
        assert_array_equal(array, plain.params[name])
    assert ours.layers["Conv1"].W is ours.params["W1"]
    for t in (KINDS, np.eye(4)[KINDS]):
        assert_allclose(ours.predict(PIXELS), plain.predict(PIXELS), rtol=1e-12)
        assert_allclose(ours.loss(PIXELS, t), plain.loss(PIXELS, t), rtol=1e-13)
        assert ours.accuracy(PIXELS, t) == plain.accuracy(PIXELS, t)
        assert ours.accuracy(PIXELS, t, batch_size=4) == plain.accuracy(PIXELS, t)
        found, expected = ours.gradient(PIXELS, t), plain.gradient(PIXELS, t)
        assert list(found) == list(expected)
        for name, array in found.items():
            assert_allclose(array, expected[name], rtol=1e-11, atol=1e-14)
    again = ours.gradient(PIXELS, KINDS)
    assert not any(np.shares_memory(found[name], again[name]) for name in again)


def test_simple_conv_net_has_the_gradient_of_the_definition():
    ours, _ = both("SimpleConvNet", **{**SMALL, "input_dim": (2, 4, 4)})
    x, t = 10 * PIXELS[:1, :, :4, :4], KINDS[:1]  # of one image no step crosses a bend
    exact, definition = ours.gradient(x, t), ours.numerical_gradient(x, t)
    for name, array in exact.items():
        assert_allclose(array, definition[name], rtol=1e-5, atol=1e-7)
    assert np.abs(exact["W1"]).max() > 0.1


def test_deep_conv_net_is_its_twin():
    ours, plain = both("DeepConvNet")
    x, t = np.random.default_rng(3).standard_normal((5, 1, 28, 28)), np.array([3, 1, 4, 1, 5])
    assert [type(a).__name__ for a in ours.layers] == [type(a).__name__ for a in plain.layers]
    for name, array in ours.params.items():
        assert_array_equal(array, plain.params[name])
    assert_allclose(ours.predict(x), plain.predict(x), rtol=1e-10, atol=1e-12)
    assert ours.accuracy(x, t) == plain.accuracy(x, t)
    gradients = []
    for network in (ours, plain):
        np.random.seed(5)  # of the masks
        gradients.append(network.gradient(x, t))
    for name, array in gradients[0].items():
        assert_allclose(array, gradients[1][name], rtol=1e-9, atol=1e-12)


def test_trainer_trains_images():
    (x, t), (x_test, t_test) = load_digits(normalize=True, flatten=False)
    np.random.seed(0)
    param = {"filter_num": 6, "filter_size": 3, "pad": 0, "stride": 1}
    network = first.SimpleConvNet((1, 8, 8), param, 20, 10, 0.1)
    trainer = first.Trainer(
        network, x, t, x_test, t_test, 8, 50, "Adam", {"lr": 0.01}, 300, verbose=False
    )
    trainer.train()
    assert network.accuracy(x_test, t_test) > 0.95


def test_parameters_of_images_go_through_files(tmp_path):
    ours, _ = both("SimpleConvNet", **SMALL)
    other = first.SimpleConvNet(**SMALL)
    ours.save_params(tmp_path / "params.pkl")
    with open(tmp_path / "params.pkl", "rb") as file:
        assert list(pickle.load(file)) == list(ours.params)  # as the book's reads it
    other.load_params(tmp_path / "params.pkl")
    assert_array_equal(other.predict(PIXELS), ours.predict(PIXELS))
    assert other.layers["Affine2"].b is other.params["b3"]


def test_files_of_other_things_are_refused_before_anything_changes(tmp_path):
    ours, _ = both("SimpleConvNet", **SMALL)
    before, file = ours.predict(PIXELS), tmp_path / "params.pkl"

    def told(text):
        with pytest.raises(ValueError) as caught:
            ours.load_params(file)
        assert text in str(caught.value) and "\n" not in str(caught.value)
        assert_array_equal(ours.predict(PIXELS), before)

    first.SimpleConvNet(**{**SMALL, "hidden_size": 8}).save_params(file)
    told(
        "SimpleConvNet.load_params: file_name must hold the arrays of this network, got W2 of "
        "shape (100, 8) where (100, 7) belongs. Make the network with the sizes of the one that"
    )
    for value, why in (
        ([np.ones(3)], "got a list in"),
        ({"W1": 3}, "got 'W1', which is no array of floats in"),
        ({"W1": np.array(["a"])}, "got 'W1', which is no array of floats in"),
        (print, "got builtins.print in"),  # nothing of it is run
    ):
        file.write_bytes(pickle.dumps(value))
        told(why)
    file.write_bytes(b"no pickle")
    told("SimpleConvNet.load_params: file_name must hold a pickle of a dict of arrays, got ")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: first.SimpleConvNet(conv_param={"filter_num": 3}),
            "SimpleConvNet: conv_param must be a dict with filter_num, filter_size, pad, stride, "
            "got {'filter_num': 3}. Give such as {'filter_num': 30, 'filter_size': 5, 'pad': 0, "
            "'stride': 1}.",
        ),
        (
            lambda: first.SimpleConvNet((28, 28)),
            "SimpleConvNet: input_dim must be a whole number or 3 of them, got (28, 28). Give one "
            "for all axes of an image, or one for each.",
        ),
        (
            lambda: first.SimpleConvNet((1, 4, 4)),
            "SimpleConvNet: input_dim must be at least as large as the kernel, 5 x 5, got 4 x 4, "
            "padding included. Give larger images, a smaller kernel, or padding.",
        ),
        (
            lambda: first.DeepConvNet((1, 2, 2)),
            "DeepConvNet: pool must be no larger than the image, got (2, 2) for 1 x 1 pixels, "
            "padding 'valid'. Make it smaller, or pad.",
        ),
        (
            lambda: first.DeepConvNet(hidden_size=0),
            "DeepConvNet: hidden_size must be at least 1, got 0. Give a positive int.",
        ),
        (
            lambda: first.smooth_curve(np.ones(10)),
            "smooth_curve: x must have 11 numbers or more, got x.shape=(10,). Give a vector, or "
            "draw it as it is.",
        ),
    ],
)
def test_wrong_arguments_of_images_are_told(call, text):
    refused(call, ValueError, text)


def test_smooth_curve_and_shuffle_dataset():
    curve = np.random.default_rng(0).standard_normal(37)
    assert_allclose(first.smooth_curve(curve), plain_first.smooth_curve(curve), rtol=1e-13)
    assert_allclose(first.smooth_curve(np.arange(30))[10:20], np.arange(10, 20), rtol=1e-13)
    found = []
    for module in (first, plain_first):
        np.random.seed(1)
        found.append(module.shuffle_dataset(PIXELS, KINDS))
    for ours, plain in zip(*found, strict=True):
        assert_array_equal(ours, plain)
    assert not np.array_equal(found[0][0], PIXELS)
