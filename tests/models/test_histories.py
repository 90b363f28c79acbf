"""Histories as tables, and predictions in the shape of the targets."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from small_models import SQUARED_ERROR, data, small, trained, untouched

from fastnet.layers import Dense
from fastnet.models import History, Sequential
from fastnet.optimizer import SGD


def test_a_history_as_a_table():
    seen = trained(validation=True).history
    table = seen.to_dict()
    assert list(table) == ["loss", "accuracy", "val_loss", "val_accuracy", "seconds"]
    assert {len(values) for values in table.values()} == {7}
    table["loss"].clear()
    assert len(seen.loss) == 7
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(seen.to_dict())
    assert frame.shape == (7, 5) and frame["val_loss"].tolist() == seen.val_loss


def test_a_history_is_copied_and_pickled():
    seen = trained().history
    for again in (copy.copy(seen), copy.deepcopy(seen), pickle.loads(pickle.dumps(seen))):
        assert type(again) is History and again.to_dict() == seen.to_dict()
        assert not hasattr(again, "val_loss") and {"loss", "accuracy"} <= set(dir(again))


def test_a_history_of_no_epoch(interrupt):
    interrupt(1)
    seen = small().fit(*data(), 3, verbose=0)
    assert seen.to_dict() == {"loss": [], "accuracy": [], "seconds": []}


def regression(t_shape=(37,), **options):
    x = data()[0]
    model = Sequential([Dense(4, "tanh"), Dense(1)], SQUARED_ERROR, "float64", seed=0)
    t = x[:, 0].reshape(t_shape)
    model.fit(x, t, 300, 8, SGD(0.1), verbose=0, **options)
    return model, x, t


@pytest.mark.parametrize("shape", [(37,), (37, 1)])
def test_predictions_have_the_shape_of_the_targets(shape, tmp_path):
    """(N, 1) - (N,) is (N, N): its mean square was 149.8 where the error was 0.0125."""
    model, x, t = regression(shape)
    y = model.predict(x)
    assert y.shape == shape and model.predict(x[:3]).shape == (3, *shape[1:])
    seen = model.evaluate(x, t, metrics=["mse"])
    assert_allclose(np.mean((y - t) ** 2), seen["mse"], rtol=1e-12)
    assert_allclose(np.mean((y - t) ** 2) / 2, seen["loss"], rtol=1e-12)
    assert_allclose(model.forward(x, t), seen["loss"], rtol=1e-12)
    model.save(tmp_path / "model")
    again = Sequential.load(tmp_path / "model")
    for twin in (again, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert_array_equal(twin.predict(x), y)
        assert_array_equal(twin.predict(x[:3]), y[:3])
    y[:] = 0  # fresh: the caller's to change
    assert model.predict(x).any()


def test_the_shape_is_that_of_the_last_training():
    x = data()[0]
    model = Sequential([Dense(1)], SQUARED_ERROR, seed=0)
    assert model.predict(x).shape == (37, 1) and model.predict(x[:2]).shape == (2, 1)
    model.evaluate(x, x[:, 0])
    assert model.predict(x).shape == (37, 1)  # it has learnt nothing
    model.fit(x, x[:, 0], verbose=0)
    assert model.predict(x).shape == (37,)
    model.evaluate(x, x[:, :1])
    assert model.predict(x).shape == (37,)
    model.fit(x, x[:, :1], verbose=0)
    assert model.predict(x).shape == (37, 1)
    model.forward(x, x[:, 0].tolist())  # steps by hand are training, too
    assert model.predict(x).shape == (37,)
    untouched(
        model,
        lambda: model.fit(x, x[:, :1], epochs=0),
        ValueError,
        "Sequential.fit: epochs must be at least 1, got 0. Give a positive int.",
    )
    assert model.predict(x).shape == (37,)
    model.layers.append(Dense(2))
    assert model.predict(x).shape == (37, 2)


def test_labels_are_no_targets_of_one_output():
    x = data()[0]
    model = Sequential([Dense(1)], seed=0)
    model.fit(x, np.zeros(37, int), verbose=0)
    assert model.predict(x).shape == (37, 1)
    model = small()
    model.fit(*data(), verbose=0)
    assert model.predict(x).shape == (37, 3)
