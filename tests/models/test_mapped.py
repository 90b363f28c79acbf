"""Samples in mapped files, which may be larger than memory: read in place, or part by part."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from small_models import data, refused

from fastnet import models
from fastnet.layers import Conv1D, Dense, Embedding, Flatten
from fastnet.models import Sequential
from fastnet.optimizer import Adam

KINDS = ["f4", "f8", "u1", "i2", "f2", ">f4", "?"]


def mapped(path, array):
    found = np.memmap(path, array.dtype, "w+", shape=array.shape)
    found[:] = array
    found.flush()
    return np.memmap(path, array.dtype, "r", shape=array.shape)


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(models.mapped, "PART", 3 * 5 * 4)  # three rows of float32


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weighed", [False, True])
def test_a_mapped_file_trains_as_an_array(kind, weighed, tmp_path, small_parts):
    x, t = data(20)
    x = (x * 3).astype(kind)
    weight = np.linspace(0, 1, 20) if weighed else None
    found = []
    for samples in (x, mapped(tmp_path / "x", x)):
        model = Sequential([Dense(7, "tanh"), Dense(3)], seed=0)
        seen = model.fit(
            samples, t, 3, 4, Adam(), sample_weight=weight, metrics=["accuracy", "f1"],
            validation_split=0.25, verbose=0,
        )  # fmt: skip
        found.append([model.parameter_vector, seen, model.evaluate(samples, t), samples, model])
    (one, seen, evaluated, _, _), (other, again, of_file, samples, model) = found
    assert_array_equal(one, other)
    for name, values in seen.to_dict().items():
        if name != "seconds":
            np.testing.assert_allclose(getattr(again, name), values, rtol=1e-6)
    assert of_file == pytest.approx(evaluated, rel=1e-6)
    np.testing.assert_array_equal(model.predict(samples), model.predict(x))


def test_a_view_of_a_file_and_one_that_is_not_contiguous(tmp_path, small_parts):
    x, t = data(20)
    for view in (lambda a: a[2:18], lambda a: a[::2], lambda a: np.asarray(a)):
        model, expected = (Sequential([Dense(3)], seed=0) for _ in range(2))
        model.fit(view(mapped(tmp_path / "x", x)), view(t), 2, 4, verbose=0)
        expected.fit(view(x), view(t), 2, 4, verbose=0)
        assert_array_equal(model.parameter_vector, expected.parameter_vector)
    turned = mapped(tmp_path / "y", np.ascontiguousarray(x.T)).T
    model, expected = (Sequential([Dense(3)], seed=0) for _ in range(2))
    model.fit(turned, t, 2, 4, verbose=0)
    expected.fit(x, t, 2, 4, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)


def test_images_steps_and_row_numbers(tmp_path, small_parts):
    rng = np.random.default_rng(0)
    x, t = rng.integers(0, 9, (20, 6, 2)).astype("i2"), rng.integers(0, 3, (20, 6))
    words = rng.integers(0, 9, (20, 4)).astype("u2")
    cases = [
        (x, t, lambda: [Conv1D(4, 3, padding="same", activation="relu"), Dense(3)]),
        (x, t[:, 0], lambda: [Conv1D(4, 3), Flatten(), Dense(3)]),
        (words, t[:, 0], lambda: [Embedding(9, 5), Dense(3)]),
    ]
    for samples, targets, layers in cases:
        model, expected = (Sequential(layers(), seed=0) for _ in range(2))
        model.fit(mapped(tmp_path / "x", samples), targets, 2, 4, verbose=0)
        expected.fit(samples, targets, 2, 4, verbose=0)
        assert_array_equal(model.parameter_vector, expected.parameter_vector)
    words[17, 2] = 9
    refused(
        lambda: model.fit(mapped(tmp_path / "x", words), t[:, 0], verbose=0),
        IndexError,
        "Sequential.fit: x[17:18] must be in 0..8 for W (9, 5), got x[17:18][0, 2]=9. Count rows "
        "from 0.",
    )


def peak(call):
    """Return the most memory that a call has asked for, in MB."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["f2", "f4", "i2"])
def test_a_file_is_never_copied_whole(kind, tmp_path):
    """100 MB as float32; NumPy tells tracemalloc what it allocates, and a mapping is no memory."""
    x = np.memmap(tmp_path / "x", kind, "w+", shape=(32_000, 800))
    t = np.zeros(32_000, np.int64)
    model = Sequential([Dense(2, input_shape=800)], seed=0)
    calls = [
        lambda: model.fit(x, t, 1, 100, verbose=0, metrics=["f1"]),
        lambda: model.evaluate(x, t),
        lambda: model.predict(x),
    ]
    for call in calls:
        assert peak(call) < 40
    assert peak(lambda: np.asarray(x, np.float64)) > 90
