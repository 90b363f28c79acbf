"""Metrics that derive from `fastnet.metrics.Metric`: counted by parts, and told by their names."""

import csv
import pickle
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from small_models import SQUARED_ERROR, data, small, untouched

from fastnet import metrics
from fastnet.callbacks import CSVLogger, EarlyStopping
from fastnet.layers import Branches, Dense, SimpleRNN
from fastnet.losses import SoftmaxCrossEntropy
from fastnet.metrics import Metric
from fastnet.models import Sequential, measuring


class RightOf(Metric):
    """Share of right answers among the samples of one class."""

    def __init__(self, label):
        self.label, self.name = label, f"right_of_{label}"

    def sums(self, t, y):
        own = t == self.label
        return [(y[own].argmax(axis=1) == self.label).sum(), own.sum()]


class RootMeanSquare(Metric):
    """The root of the mean of the squared errors; notes the shapes that it is given."""

    seen = ()

    def sums(self, t, y):
        self.seen += ((t.shape, y.shape),)
        return np.array([((y - t) ** 2).sum(), y.size])

    def value(self, sums):
        return np.sqrt(sums[0] / sums[1])


def test_a_metric_of_arrays():
    t, y = [0, 1, 1], [[0.2, 0.8], [0.1, 0.9], [0.7, 0.3]]
    assert RightOf(1)(t, y) == 0.5
    assert RightOf(2)(t, y) == 0.0  # of none
    assert type(RightOf(1)(t, y)) is float
    assert np.isnan(RightOf(1)([0], [[np.nan, 0.0]]))
    assert RootMeanSquare.name == "root_mean_square"
    names = "MAE", "MyAUC", "AUCOfOne", "F1Score", "_Own"
    named = [type(name, (Metric,), {}).name for name in names]
    assert named == ["mae", "my_auc", "auc_of_one", "f1_score", "_own"]
    assert RootMeanSquare()([1.0, 3.0], [1.0, 1.0]) == pytest.approx(2**0.5)
    assert pickle.loads(pickle.dumps(RightOf(3))).name == "right_of_3"


@pytest.mark.parametrize("method", ["arrays", "batches"])
def test_it_is_counted_by_parts(method, monkeypatch):
    """To the number of all at once, in the History and in evaluate."""
    monkeypatch.setattr(measuring, "PREDICTED", 9)  # three samples of three outputs
    (x, labels), model = data(), small()
    given = (lambda: [(x[i : i + 8], labels[i : i + 8]) for i in range(0, 37, 8)],)
    given = given if method == "batches" else (x, labels)
    asked = [RightOf(1), "f1", RightOf(2)]
    history = model.fit(*given, epochs=2, verbose=0, metrics=asked, validation_data=(x, labels))
    assert list(history.to_dict())[:4] == ["loss", "right_of_1", "f1", "right_of_2"]
    y = model.predict(x)
    for label in (1, 2):
        right = RightOf(label)(labels, y)
        assert right == np.mean(y[labels == label].argmax(axis=1) == label)
        assert history.to_dict()[f"val_right_of_{label}"][-1] == right
        assert model.evaluate(*given, metrics=asked)[f"right_of_{label}"] == right
        if method == "arrays":
            assert history.to_dict()[f"right_of_{label}"][-1] == right


@pytest.mark.parametrize("shape", [(37,), (37, 1), (37, 2)])
def test_targets_and_outputs_have_the_shape_of_the_targets(shape):
    x = data()[0]
    t = np.random.default_rng(0).standard_normal(shape).astype(x.dtype)
    model = Sequential([Dense(shape[-1] if len(shape) > 1 else 1)], SQUARED_ERROR, seed=0)
    ours = RootMeanSquare()
    history = model.fit(x, t, 1, verbose=0, metrics=[ours, "mse"])
    assert ours.seen == ((shape, shape),)
    assert_allclose(history.root_mean_square, np.sqrt(history.mse), rtol=1e-6)
    assert_allclose(ours(t, model.predict(x)), metrics.mse(t, model.predict(x)) ** 0.5, rtol=1e-6)


def test_samples_that_do_not_count_and_steps():
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((9, 4, 5)).astype("f"), rng.integers(0, 3, (9, 4))
    t[2, 1:] = t[5, :2] = -1
    model = Sequential(
        [SimpleRNN(3, return_sequences=True)], SoftmaxCrossEntropy(ignore_index=-1), seed=0
    )
    found = model.evaluate(x, t, ["accuracy", RightOf(1)])
    y = model.predict(x).argmax(axis=-1)
    assert found["right_of_1"] == np.mean(y[t == 1] == 1)


def test_each_output_has_its_own():
    x, labels = data()
    model = Sequential([Branches({"a": [Dense(3)], "b": [Dense(1)]})],
                       ["softmax_cross_entropy", SQUARED_ERROR], seed=0)  # fmt: skip
    one = RightOf(1)
    asked = {"a": [one], "b": [RootMeanSquare()]}
    history = model.fit(x, [labels, x[:, 0]], 1, verbose=0, metrics=asked)
    first, second = model.predict(x)
    assert history.a_right_of_1 == [one(labels, first)]
    assert_allclose(history.b_root_mean_square, metrics.rmse(x[:, 0], second), rtol=1e-6)


def test_callbacks_see_it_and_go_by_it(tmp_path):
    (x, labels), model, seen = data(), small(), []
    log = CSVLogger(tmp_path / "log.csv")
    stop = EarlyStopping("val_right_of_1", mode="max", patience=2)
    callbacks = [log, stop, lambda epoch, logs: seen.append(logs["val_right_of_1"])]
    history = model.fit(
        x, labels, 40, verbose=0, metrics=[RightOf(1)], validation_split=0.5, callbacks=callbacks
    )
    assert len(seen) < 40 and history.val_right_of_1 == seen
    assert stop.best == max(seen)
    with open(log.filename) as file:
        assert [float(row["val_right_of_1"]) for row in csv.DictReader(file)] == seen


def test_an_output_that_is_nan():
    (x, labels), model = data(), small()
    assert model.evaluate(x, labels, [RightOf(1)])["right_of_1"] >= 0
    bad = x.copy()
    bad[3, 0] = np.nan
    assert np.isnan(model.evaluate(bad, labels, [RightOf(1)])["right_of_1"])


class Words(Metric):
    def sums(self, t, y):
        return "three"


class Rows(Metric):
    def sums(self, t, y):
        return y.sum(axis=0)

    def value(self, sums):
        return sums


class Nameless(RightOf):
    def __init__(self):
        self.name = None


@pytest.mark.parametrize(
    ("asked", "error", "text"),
    [
        (
            RightOf, TypeError,
            "metrics must have objects, got the class RightOf. Give RightOf(...).",
        ),
        (
            Nameless(), TypeError,
            "metrics must have names, got Nameless.name=None. Leave it out, or give a word.",
        ),
        (
            Words(), TypeError,
            "metrics must return numbers from sums, got str from words. Return a number, or an "
            "array of some.",
        ),
        (
            Rows(), TypeError,
            "metrics must return a number, got ndarray from rows. Return a float.",
        ),
    ],
)  # fmt: skip
def test_bad_metrics(asked, error, text):
    (x, labels), model = data(), small()
    model.build(x.shape[1])
    untouched(
        model,
        lambda: model.evaluate(x, labels, [asked]),
        error,
        f"Sequential.evaluate: {text}",
    )


def test_two_of_one_name():
    (x, labels), model = data(), small()
    with pytest.raises(
        ValueError, match=r"right_of_1, seconds\. Leave it out, or give the metric "
    ):
        model.evaluate(x, labels, [RightOf(1), RightOf(1)])


def test_a_class_that_defines_nothing():
    with pytest.raises(NotImplementedError, match=r"^Empty.sums: the class must define it\."):
        type("Empty", (Metric,), {})()([1], [1])


class Counts(Metric):
    """How many samples each class has."""

    def sums(self, t, y):
        return np.bincount(t)

    def value(self, sums):
        return sums.sum()


@pytest.mark.parametrize("labels", [[0, 0, 0, 2], [2, 0, 0, 0]])
def test_sums_of_another_shape_are_not_broadcast(labels, monkeypatch):
    monkeypatch.setattr(measuring, "PREDICTED", 6)  # two samples of three outputs
    model = Sequential([Dense(3)], seed=0)
    with pytest.raises(ValueError, match=r"of one shape, got .* after .* from counts\. Return as"):
        model.evaluate(np.eye(4), labels, [Counts()])


class Many(Metric):
    def sums(self, t, y):
        return [1, 2, 3]


class Single(Metric):
    def sums(self, t, y):
        return len(t)


@pytest.mark.parametrize(("kind", "shape"), [(Many, "(3,)"), (Single, "()")])
def test_a_ratio_is_of_two_sums(kind, shape):
    text = f"{kind.__name__}.value: sums must be two numbers, got shape {shape}. Return two from "
    (x, labels), model = data(), small()
    for call in (lambda: kind()(labels, x), lambda: model.evaluate(x, labels, [kind()])):
        with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
            call()


@pytest.mark.parametrize("name", ["epoch", "batch", "to_dict", "interrupted"])
def test_names_that_mean_something_else(name):
    (x, labels), model, own = data(), small(), RightOf(1)
    own.name = name
    with pytest.raises(ValueError, match=f"names of their own, got '{name}' beside batch, epoch"):
        model.evaluate(x, labels, [own])
