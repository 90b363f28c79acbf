"""Metrics of models: every one of every loss, in fit and evaluate, and those of your own."""

import tracemalloc

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal
from small_models import SQUARED_ERROR, data, small

import fastnet
from fastnet import layers, metrics, models
from fastnet.functions import softmax
from fastnet.layers import Dense, MatMul, Softmax
from fastnet.losses import LOSSES
from fastnet.losses import outputs as outputs_of
from fastnet.metrics import named
from fastnet.models import Sequential
from fastnet.models.targets import of_targets
from fastnet.optimizer import SGD
from fastnet.reference import layers as reference_layers
from fastnet.reference import models as reference_models
from fastnet.reference import optimizer as reference_optimizer

N = 60
CLASSES = [name for name, kind in LOSSES.items() if kind.metrics == named.OF_CLASSES]
YES_OR_NO = [name for name, kind in LOSSES.items() if kind.metrics == named.OF_LABELS]
NUMBERS = [name for name, kind in LOSSES.items() if not kind.default_metrics]
PROBABILITIES = {
    *("binary_cross_entropy", "categorical_cross_entropy", "kullback_leibler_divergence"),
    *("mean_squared_logarithmic_error", "poisson", "sparse_categorical_cross_entropy"),
}


def answered(loss, outputs, dtype="float64", kind=None, seed=1):
    """A model, samples and targets: of classes, of answers yes or no, or of numbers."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((N, 5)).astype(dtype)
    labels = rng.integers(0, outputs, N)
    if kind is None:
        kind = "classes" if loss in CLASSES else "labels" if loss in YES_OR_NO else "numbers"
    if kind == "classes":
        t = labels if LOSSES[loss].takes_labels else np.eye(outputs)[labels]
    elif kind == "labels":
        t = rng.integers(0, 2, (N, outputs)) * 2 - 1 if "hinge" in loss else None
        t = rng.integers(0, 2, (N, outputs)) if t is None else t
    else:
        t = rng.uniform(0.1, 0.9, (N, outputs))
    last = [Dense(outputs, activation="sigmoid" if loss in PROBABILITIES else None)]
    if LOSSES[loss].outputs is outputs_of.DISTRIBUTIONS:
        last = [Dense(outputs), Softmax()]
    model = Sequential([Dense(6, "tanh"), *last], loss, dtype, seed=2)
    return model, x, t


def by_function(name, loss, t, y):
    """The metric of that name by its function of fastnet.metrics."""
    average = "micro" if name.endswith("_micro") else "macro"
    word = name.removesuffix("_micro").removesuffix("_macro")
    if name in named.OF_NUMBERS:
        return getattr(metrics, word)(t, y)
    middle = {"sigmoid_cross_entropy": 0, "hinge": 0, "squared_hinge": 0}.get(loss, 0.5)
    if loss in YES_OR_NO or y.shape[1] == 1 or word in ("binary_accuracy", "exact_match"):
        if word == "auc":
            return metrics.auc(t, y)
        if word in ("accuracy", "binary_accuracy", "exact_match"):
            return getattr(metrics, word.replace("binary_", "").replace("acc", "binary_acc"))(
                t, y, middle
            )
        return getattr(metrics, word)(t, y, average, middle)
    labels = t if t.ndim == 1 else t.argmax(axis=1)
    if word.startswith("top_"):
        return metrics.top_k_accuracy(labels, y, named.TOP[name])
    if word == "accuracy":
        return metrics.accuracy(labels, y)
    if word == "auc":
        return metrics.auc(labels, softmax(y) if loss == "softmax_cross_entropy" else y)
    return getattr(metrics, word)(labels, y, average)


@pytest.fixture(params=[1, 2])
def every_number_of_threads(request, monkeypatch):
    before = fastnet.get_num_threads()
    monkeypatch.setattr(fastnet.threads, "FLOPS_A_THREAD", 1.0)
    monkeypatch.setattr(fastnet.threads, "FLOPS_A_CALL", 0.0)
    fastnet.set_num_threads(request.param)
    yield
    fastnet.set_num_threads(before)


CASES = [
    *[(loss, 12, None) for loss in (*CLASSES, *YES_OR_NO, *NUMBERS)],
    *[(loss, 1, None) for loss in (*YES_OR_NO, *NUMBERS)],
    *[(SQUARED_ERROR, 12, kind) for kind in ("classes", "labels")],
    (SQUARED_ERROR, 1, "labels"),
    ("elementwise_mean_squared_error", 12, "classes"),
]


def names_for(loss, outputs, kind):
    """The names that suit a case."""
    if kind == "classes":
        return named.OF_CLASSES
    if kind == "labels" and outputs > 1:
        return ("binary_accuracy", "exact_match")
    if kind == "labels":
        return named.OF_LABELS
    return named.OF_NUMBERS if loss in NUMBERS else LOSSES[loss].metrics


@pytest.mark.parametrize(("loss", "outputs", "kind"), CASES)
@every_dtype_name
def test_every_metric_of_every_loss(loss, outputs, kind, dtype, every_number_of_threads):
    """Counted in the loop, or added up from predictions: what the functions say of predictions."""
    model, x, t = answered(loss, outputs, dtype, kind)
    names = names_for(loss, outputs, kind)
    y = model.predict(x)
    seen = model.evaluate(x, t, metrics=list(names))
    assert list(seen) == ["loss", *names] and all(type(value) is float for value in seen.values())
    for name in names:
        wanted = t.astype(float) if name in named.OF_NUMBERS else t
        assert_allclose(seen[name], by_function(name, loss, wanted, y), rtol=1e-12, err_msg=name)
    assert list(model.evaluate(x, t)) == ["loss", *LOSSES[loss].default_metrics]
    assert model.evaluate(x, t, metrics=[]) == {"loss": seen["loss"]}


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "sigmoid_cross_entropy", SQUARED_ERROR])
@pytest.mark.parametrize("outputs", [1, 12])
def test_the_reference_measures_the_same(loss, outputs):
    if outputs == 1 and loss == "softmax_cross_entropy":
        return
    kind = "labels" if loss == "sigmoid_cross_entropy" or outputs == 1 else "classes"
    names = [*names_for(loss, outputs, kind), *(named.OF_NUMBERS if loss == SQUARED_ERROR else [])]
    _, x, t = answered(loss, outputs, kind=kind)
    results = []
    for classes, network, rule in (
        (layers, models, SGD),
        (reference_layers, reference_models, reference_optimizer.SGD),
    ):
        made = network.Sequential([classes.Dense(outputs)], loss, "float64", seed=2)
        seen = made.fit(x, t, 3, 8, rule(0.1), (x[:20], t[:20]), verbose=0, metrics=names)
        results.append((seen.to_dict(), made.evaluate(x, t, names), made.predict(x)))
    for ours, theirs in zip(*[result[:2] for result in results], strict=True):
        assert list(ours) == list(theirs)
        for name in ours.keys() - {"seconds"}:
            assert_allclose(ours[name], theirs[name], rtol=1e-9, err_msg=name)
    assert results[0][2].shape == results[1][2].shape


def test_labels_that_are_all_right():
    """By the largest of four outputs they were 0.74."""
    rng = np.random.default_rng(0)
    y = rng.standard_normal((400, 4))
    t = (y > 0).astype(int)
    model = Sequential([MatMul(np.eye(4))], "sigmoid_cross_entropy", "float64")
    assert model.evaluate(y, t)["accuracy"] == 1
    t[:100, 3] = 1 - t[:100, 3]
    seen = model.evaluate(y, t, metrics=["accuracy", "binary_accuracy", "exact_match"])
    assert seen["accuracy"] == seen["binary_accuracy"] == 1 - 100 / 1600
    assert seen["exact_match"] == 0.75
    seen = model.fit(y, t, optimizer=SGD(0), verbose=0, validation_data=(y[:100], t[:100]))
    assert seen.accuracy == [1 - 100 / 1600] and seen.val_accuracy == [0.75]


def test_a_regression_has_no_accuracy():
    x, t = data(loss=SQUARED_ERROR)
    model = small(SQUARED_ERROR)
    seen = model.fit(x, 1e6 * t, 2, optimizer=SGD(1e-9), validation_data=(x, t), verbose=0)
    assert list(seen.to_dict()) == ["loss", "val_loss", "seconds"]
    assert list(model.evaluate(x, t)) == ["loss"]
    assert not hasattr(seen, "val_accuracy")
    with pytest.raises(AttributeError) as caught:
        _ = seen.accuracy
    assert str(caught.value) == (
        "History.accuracy: the name must be one of loss, val_loss, seconds, got 'accuracy'. Ask "
        "fit for it: metrics=[...], and validation_data=(x, t) for val_..."
    )


@with_each("loss, outputs, kind", CASES)
def test_what_is_nan_says_so(loss, outputs, kind):
    """The accuracy of 49 right answers of 50 was 0.98 beside a loss of NaN."""
    model, x, t = answered(loss, outputs, kind=kind)
    x_nan = x.copy()
    x_nan[17, 2] = np.nan
    names = [*names_for(loss, outputs, kind)]
    seen = model.fit(
        x, t, 2, optimizer=SGD(0), validation_data=(x_nan, t), verbose=0, metrics=names
    )
    found = model.evaluate(x_nan, t, names)
    for name in ["loss", *names]:
        assert np.isnan(found[name]) and np.isnan(getattr(seen, f"val_{name}")).all()
        assert np.isfinite(getattr(seen, name)).all()


@with_each("loss, outputs", [(loss, outputs) for loss, outputs, _ in CASES])
@every_dtype_name
def test_an_output_that_is_nan_is_not_right(loss, outputs, dtype):
    """In the loop: a lone NaN was on the side of no, as it is above nothing."""
    model, x, t = answered(loss, outputs, dtype)
    x[:] = np.nan
    targets = model._targets("test", t, N, outputs)
    network, targets = of_targets(model._ready("test", (5,), (outputs,)), targets)
    totals = network.run(model._rows("test", x), targets, np.arange(N).reshape(1, N), 7)
    assert np.isnan(totals[0, 0]) and totals[0, 1] == 0


def test_metrics_of_the_samples_are_those_after_the_epoch():
    """But for accuracy, which is counted before each update."""
    model, x, t = answered("softmax_cross_entropy", 4)
    names = ["accuracy", "f1", "auc"]
    for _ in range(3):
        before = model.evaluate(x, t)["accuracy"]
        seen = model.fit(x, t, 1, N, SGD(0.5), (x, t), False, verbose=0, metrics=names)
        after = model.evaluate(x, t, names)
        assert seen.accuracy == [before]
        assert seen.f1 == seen.val_f1 == [after["f1"]]
        assert seen.auc == seen.val_auc == [after["auc"]]
        assert seen.val_accuracy == [after["accuracy"]]


def test_metrics_change_nothing_else():
    plain, asked = small(), small()
    x, t = data()
    one = plain.fit(x, t, 4, 8, SGD(0.3), verbose=0)
    other = asked.fit(x, t, 4, 8, SGD(0.3), verbose=0, metrics=["f1", "accuracy", "auc"])
    assert_array_equal(plain.parameter_vector, asked.parameter_vector)
    assert one.loss == other.loss and one.accuracy == other.accuracy
    assert list(other.to_dict()) == ["loss", "f1", "accuracy", "auc", "seconds"]


@pytest.mark.parametrize("predicted", [1, 7, 100, 2**18])
def test_a_few_rows_at_a_time_or_all(predicted, monkeypatch):
    expected = {}
    for name, outputs, kind in CASES:
        model, x, t = answered(name, outputs, kind=kind)
        expected[name, outputs, kind] = model.evaluate(x, t, [*names_for(name, outputs, kind)])
    monkeypatch.setattr(models.measuring, "PREDICTED", predicted)
    for (name, outputs, kind), wanted in expected.items():
        model, x, t = answered(name, outputs, kind=kind)
        found = model.evaluate(x, t, [*names_for(name, outputs, kind)])
        assert_allclose(list(found.values()), list(wanted.values()), rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "names"),
    [
        ("softmax_cross_entropy", ["accuracy", "f1", "precision_micro", "top_5_accuracy"]),
        ("sigmoid_cross_entropy", ["exact_match", "recall"]),
        (SQUARED_ERROR, ["r2", "mae", "rmse"]),
    ],
)
def test_the_predictions_of_all_samples_are_not_kept(loss, names):
    n, outputs = 200_000, 100  # 80 MB of predictions
    model = Sequential([Dense(outputs)], loss, seed=0)
    x = np.ones((n, 1), np.float32)
    t = np.arange(n) % outputs
    if loss != "softmax_cross_entropy":  # whose targets in the model's dtype take no memory
        t = np.zeros((n, outputs), np.float32)
        t[::2] = 1
    model.evaluate(x[:10], t[:10], names)
    tracemalloc.start()
    try:
        model.evaluate(x, t, names)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Labels, an order, and what is computed of 2**18 outputs at a time. `check_targets` of
    # probabilities and the mean of t are one pass each.
    assert peak < 32e6
