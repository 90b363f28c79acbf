"""Frames and series of pandas and polars in the place of arrays."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from small_models import data

from fastnet.layers import Dense
from fastnet.models import Sequential

LIBRARIES = ["pandas", "polars"]


def framed(library, array):
    if array.ndim == 1:
        return library.Series(array)
    return library.DataFrame({f"column {j}": array[:, j] for j in range(array.shape[1])})


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
def test_frames_train_as_arrays_do(library, loss):
    library = pytest.importorskip(library, reason="frames of it")
    x, t = data(20)
    weight = np.linspace(0, 1, 20)
    if loss == "mean_squared_error":
        t = np.random.default_rng(0).standard_normal(20)
    models = [
        Sequential([Dense(1 if t.dtype.kind == "f" else 3)], loss=loss, seed=0) for _ in range(3)
    ]
    one, other, batches = models
    frames = framed(library, x), framed(library, t), framed(library, weight)
    wanted = one.fit(x, t, 3, 8, sample_weight=weight, validation_split=0.2, verbose=0)
    seen = other.fit(*frames[:2], 3, 8, sample_weight=frames[2], validation_split=0.2, verbose=0)
    assert_array_equal(one.parameter_vector, other.parameter_vector)
    assert seen.val_loss == wanted.val_loss
    found = other.evaluate(*frames[:2], sample_weight=frames[2])
    assert found == one.evaluate(x, t, sample_weight=weight)
    assert_array_equal(other.predict(frames[0]), one.predict(x))
    one.train_on_batch(x, t, weight)
    other.train_on_batch(*frames)
    assert_array_equal(one.parameter_vector, other.parameter_vector)
    batches.fit([(frames[0][:8], frames[1][:8]), (frames[0][8:], frames[1][8:])], verbose=0)
    assert np.isfinite(batches.parameter_vector).all()


@pytest.mark.parametrize("library", LIBRARIES)
def test_columns_of_several_dtypes_and_targets_in_a_frame(library):
    library = pytest.importorskip(library, reason="frames of it")
    rng = np.random.default_rng(0)
    columns = {"a": rng.random(20), "b": rng.integers(0, 9, 20), "c": rng.random(20).astype("f4")}
    t = rng.random((20, 2))
    x = np.column_stack([*columns.values()])
    models = [Sequential([Dense(2)], loss="mse", seed=0) for _ in range(2)]
    models[0].fit(library.DataFrame(columns), framed(library, t), 2, 8, verbose=0)
    models[1].fit(x, t, 2, 8, verbose=0)
    assert_array_equal(models[0].parameter_vector, models[1].parameter_vector)
