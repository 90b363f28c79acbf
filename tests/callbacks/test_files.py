"""Checkpoints and CSV files are gone on with; NaN and errors leave a whole model."""

import copy
import csv
import os
import pickle

import numpy as np
import pytest
from called_back import Notes, data, small, state
from numpy.testing import assert_array_equal

from fastnet.callbacks import (
    CSVLogger,
    LambdaCallback,
    ModelCheckpoint,
    TerminateOnNaN,
)
from fastnet.layers import Dropout
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam


@pytest.mark.parametrize("with_dropout", [False, True])
def test_a_fit_goes_on_from_a_checkpoint_to_the_bit(tmp_path, with_dropout):
    x, t = data()
    model = small(*[Dropout(0.5)] * with_dropout)
    save = ModelCheckpoint(tmp_path / "folder" / "{epoch:02d}-{loss:.3f}.safetensors")
    whole = model.fit(x, t, 5, 8, Adam(), callbacks=[save], verbose=0)
    names = sorted(os.listdir(tmp_path / "folder"))
    assert names == [f"{i + 1:02d}-{loss:.3f}.safetensors" for i, loss in enumerate(whole.loss)]
    again = Sequential.load(tmp_path / "folder" / names[2])
    seen = again.fit(x, t, 5, 8, initial_epoch=3, verbose=0)
    assert seen.loss == whole.loss[3:]
    assert state(again) == state(model)


def test_checkpoints_after_batches(tmp_path):
    """Every third batch, counted on from epoch to epoch, as Keras' save_freq has it."""
    (x, t), seen = data(), {}

    def note(batch, logs):
        seen[len(seen) + 1] = (model.parameter_vector.copy(), batch + 1, dict(logs))

    model = small()
    path = tmp_path / "{epoch}-{batch}-{loss:.4f}.safetensors"
    save = pickle.loads(pickle.dumps(ModelCheckpoint(path, save_freq=3)))
    callbacks = [LambdaCallback(on_batch_end=note), save]
    model.fit(x, t, 4, 5, SGD(0.1), callbacks=callbacks, verbose=0)  # of 4 batches
    names = {
        f"{1 + (i - 1) // 4}-{batch}-{logs['loss']:.4f}.safetensors": weights
        for i, (weights, batch, logs) in seen.items()
        if i % 3 == 0
    }
    assert sorted(os.listdir(tmp_path)) == sorted(names) and len(names) == 5
    for name, weights in names.items():
        assert_array_equal(Sequential.load(tmp_path / name).parameter_vector, weights)


def test_a_path_that_batches_do_not_have(tmp_path):
    (x, t), model = data(), small()
    model.build(x.shape[1])
    weights, own = model.parameter_vector.copy(), ["accuracy", "f1"]
    for name in ("val_loss", "f1"):
        save = ModelCheckpoint(tmp_path / f"{{{name}}}", save_freq=9)
        with pytest.raises(ValueError, match="fields but epoch, loss, accuracy, batch, got"):
            model.fit(x, t, 4, 5, validation_split=0.5, callbacks=[save], verbose=0, metrics=own)
        save = ModelCheckpoint(tmp_path / "a", name, save_best_only=True, save_freq=9)
        with pytest.raises(ValueError, match=r"of 'loss', 'accuracy', got .*_freq='epoch'\.$"):
            model.fit(x, t, 4, 5, validation_split=0.5, callbacks=[save], verbose=0, metrics=own)
    assert os.listdir(tmp_path) == []
    assert_array_equal(model.parameter_vector, weights)


def test_checkpoints_of_the_best_and_without_the_optimizer(tmp_path, capsys):
    x, t = data()
    values = iter([3.0, 2.0, 2.5, 1.0, 4.0])
    kept = []

    def invent(epoch, logs):
        logs["loss"] = next(values)
        kept.append(model.parameter_vector.copy())

    model = small()
    path = tmp_path / "best.safetensors"
    save = ModelCheckpoint(path, "loss", 1, True, True, initial_value_threshold=2.5)
    model.fit(x, t, 5, optimizer=Adam(), callbacks=[invent, save], verbose=0)
    assert capsys.readouterr().out == "".join(
        f"Epoch {i}: loss improved to {value}, saving the model to {path}\n"
        for i, value in ((2, "2.00000"), (4, "1.00000"))
    )
    found = Sequential.load(path)
    assert_array_equal(found.parameter_vector, kept[3])
    assert found.optimizer is None and type(model.optimizer) is Adam


def test_a_csv_file_is_written_and_gone_on_with(tmp_path):
    x, t = data()
    path = tmp_path / "log.csv"
    path.write_text("old")
    model = small()
    first = model.fit(x, t, 2, callbacks=[CSVLogger(path, ";")], verbose=0)
    again = model.fit(
        x, t, 4, callbacks=[CSVLogger(path, ";", append=True)], initial_epoch=2, verbose=0
    )
    with open(path, newline="") as file:
        head, *rows = csv.reader(file, delimiter=";")
    assert head == ["epoch", "loss", "accuracy"]
    assert [row[0] for row in rows] == ["0", "1", "2", "3"]
    assert [float(row[1]) for row in rows] == first.loss + again.loss
    with pytest.raises(FileNotFoundError):
        model.fit(x, t, 2, callbacks=[CSVLogger(tmp_path / "none" / "log.csv")], verbose=0)


def test_terminate_on_nan_ends_quietly_with_finite_weights(capsys):
    x, t = data()
    x[3] = np.nan
    quiet, loud, notes = small(), small(), Notes()
    terminate = TerminateOnNaN(verbose=1)
    with pytest.raises(FloatingPointError) as caught:
        loud.fit(x, t, 3, 4, SGD(0.1), verbose=0)
    history = quiet.fit(x, t, 3, 4, SGD(0.1), callbacks=[terminate, notes], verbose=0)
    assert terminate.message == caught.value.args[0] and terminate.stopped_epoch == 0
    assert capsys.readouterr().out == f"Epoch 1: {terminate.message}\n"
    assert history.loss == [] and notes.seen[-1] == ("train end", [])
    assert np.isfinite(quiet.parameter_vector).all()
    terminate.on_train_begin({})
    assert terminate.stopped_epoch is None


def test_an_error_in_a_callback_leaves_a_whole_model():
    x, t = data()
    model, expected = small(), small()

    def fail(epoch, logs):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        model.fit(x, t, 3, 8, Adam(), callbacks=[fail], verbose=0)
    expected.fit(x, t, 1, 8, Adam(), verbose=0)
    model.fit(x, t, 1, 8, verbose=0)
    expected.fit(x, t, 1, 8, verbose=0)
    assert state(model) == state(expected)


def test_fit_goes_on_with_the_states_of_the_optimizer_that_a_callback_has_stepped_with():
    x, t = data()
    model, alone = small(Dropout(0.3)), small(Dropout(0.3))

    def step(epoch, logs):
        model.train_on_batch(x[:8], t[:8])

    given = {"batch_size": 10, "verbose": 0}
    model.fit(x, t, 3, optimizer=Adam(), callbacks=[step], **given)
    for epoch in range(3):
        alone.fit(x, t, 1, optimizer=None if epoch else Adam(), **given)
        alone.train_on_batch(x[:8], t[:8])
    assert state(model) == state(alone)
    for name in Adam.state_names:
        for mine, other in zip(
            getattr(model.optimizer, name), getattr(alone.optimizer, name), strict=True
        ):
            assert_array_equal(mine, other)


def test_weights_that_a_callback_makes_nan_are_named_and_not_called_finite():
    x, t = data()
    model = small()

    def spoil(epoch, logs):
        model.layers[0].W[...] = np.nan

    for others in [], [TerminateOnNaN()]:
        with pytest.raises(ValueError, match=r"^Sequential.fit: layers\[0\].W must be finite"):
            model.fit(x, t, 3, callbacks=[spoil, *others], verbose=0)
        model.layers[0].W[...] = 0.1


@pytest.mark.parametrize("path", ["{epoch.size}", "{loss[0]}"])
def test_fields_of_fields_in_a_path_are_refused(path, tmp_path):
    x, t = data()
    with pytest.raises(ValueError, match=r"^ModelCheckpoint: filepath must have no fields but"):
        small().fit(x, t, callbacks=[ModelCheckpoint(tmp_path / path)], verbose=0)


@pytest.mark.parametrize("separator", [5, "\n", '"', "ab", None])
def test_a_separator_is_one_character_that_csv_takes(separator):
    with pytest.raises(ValueError, match=r"^CSVLogger: separator must be one character"):
        CSVLogger("log.csv", separator)


def test_a_history_shows_what_is_no_number():
    x, t = data()

    def note(epoch, logs):
        logs["note"] = "good"

    history = small().fit(x, t, 2, callbacks=[note], verbose=0)
    assert history.note == ["good"] * 2
    assert repr(history).endswith(", note good>")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_checkpoint_of_batches_saves_by_itself(tmp_path, copied):
    original = ModelCheckpoint(str(tmp_path / "original.safetensors"), save_freq=1)
    other = copied(original)
    other.filepath = str(tmp_path / "copy.safetensors")
    model = small()
    model.fit(*data(), callbacks=[other], verbose=0)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.safetensors"]
    assert (original.model, other.model) == (None, model)
