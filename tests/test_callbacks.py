"""Callbacks: what is called when, what they decide, and what they write."""

import csv
import os
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet import models
from fastnet.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from fastnet.layers import BatchNormalization, Branches, Dense, Dropout
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam


def data(n=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 5)).astype(np.float32), rng.integers(0, 3, n)


def small(*layers):
    return Sequential([Dense(7, activation="tanh"), *layers, Dense(3)], seed=0)


def state(model):
    return [model.parameter_vector.tobytes(), model._rng.bit_generator.state]


class Notes(Callback):
    """Notes what is called."""

    def __init__(self):
        self.seen = []

    def on_train_begin(self, logs):
        self.seen.append(("train begin", dict(logs)))

    def on_train_end(self, logs):
        self.seen.append(("train end", sorted(logs)))

    def on_epoch_begin(self, epoch, logs):
        self.seen.append(("begin", epoch, dict(logs)))

    def on_epoch_end(self, epoch, logs):
        self.seen.append(("end", epoch, sorted(logs)))

    def on_batch_end(self, batch, logs):
        self.seen.append(("batch", batch, sorted(logs)))


def test_what_is_called_when():
    x, t = data()
    notes, model = Notes(), small()
    model.fit(x, t, 4, 8, validation_data=(x, t), callbacks=[notes], initial_epoch=2, verbose=0)
    names = ["accuracy", "loss", "val_accuracy", "val_loss"]
    batches = [("batch", i, ["accuracy", "loss"]) for i in range(3)]
    assert notes.seen == [
        ("train begin", {}),
        *(("begin", 2, {}), *batches, ("end", 2, names)),
        *(("begin", 3, {}), *batches, ("end", 3, names)),
        ("train end", names),
    ]
    assert notes.model is model
    names = ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert notes.params == {"epochs": 4, "steps": 3, "verbose": 0, "metrics": names}


@pytest.mark.parametrize("layers", [[], [Dropout(0.5)], [BatchNormalization()]], ids=str)
@pytest.mark.parametrize("weighed", [False, True])
def test_callbacks_change_no_bit(layers, weighed):
    x, t = data()
    weights = np.linspace(0, 2, 20) if weighed else None
    t = t[:, None] == np.arange(3) if weighed else t
    plain, logged = [], []
    for callbacks, seen in ((None, plain), ([Notes()], logged)):
        model = small(*[type(one)() for one in layers])
        history = model.fit(
            x, t, 3, 8, Adam(), sample_weight=weights, callbacks=callbacks, verbose=0
        )
        seen += [state(model), history.loss, history.accuracy]
    assert plain[0] == logged[0] and plain[2] == logged[2]
    np.testing.assert_allclose(plain[1], logged[1], rtol=1e-14)  # sums in parts


def test_epochs_without_a_callback_of_them_stay_in_one_call(monkeypatch):
    calls, real = [], models.steps.Steps.train
    monkeypatch.setattr(
        models.steps.Steps, "train", lambda *a: calls.append(a[3].shape) or real(*a)
    )
    x, t = data()
    quiet = [LambdaCallback(on_train_end=lambda logs: None), TerminateOnNaN()]
    for callbacks, wanted in (
        (quiet, [(6, 20)]),
        ([lambda epoch, logs: None], [(1, 20)] * 6),
        ([LambdaCallback(on_batch_end=lambda batch, logs: None)], [(1, 8), (1, 8), (1, 4)] * 6),
    ):
        calls.clear()
        small().fit(x, t, 6, 8, callbacks=callbacks, verbose=0)
        assert calls == wanted


def test_the_logs_of_batches_are_means_of_the_epoch_so_far():
    x, t = data()
    seen, model = [], small()
    history = model.fit(
        x, t, 1, 8, shuffle=False, verbose=0,
        callbacks=[LambdaCallback(on_batch_end=lambda batch, logs: seen.append(logs))],
    )  # fmt: skip
    first = small()
    assert seen[0]["loss"] == first.fit(x[:8], t[:8], 1, 8, shuffle=False, verbose=0).loss[0]
    assert seen[2] == {"loss": history.loss[0], "accuracy": history.accuracy[0]}


def test_stop_training_ends_the_epoch_or_the_batch():
    x, t = data()
    model = small()

    def stop(epoch, logs):
        model.stop_training = epoch == 2

    assert len(model.fit(x, t, 9, callbacks=[stop], verbose=0).loss) == 3
    assert len(model.fit(x, t, 2, verbose=0).loss) == 2  # the next fit begins anew

    def within(batch, logs):
        model.stop_training = batch == 1

    model, expected = small(), small()
    callback = LambdaCallback(on_batch_end=within)
    seen = model.fit(x, t, 9, 8, shuffle=False, callbacks=[callback], verbose=0)
    wanted = expected.fit(x[:16], t[:16], 1, 8, shuffle=False, verbose=0)
    assert seen.loss == pytest.approx(wanted.loss, rel=1e-14)
    assert seen.accuracy == wanted.accuracy
    assert_array_equal(model.parameter_vector, expected.parameter_vector)


def test_what_callbacks_change_is_used_from_the_next_epoch_on():
    x, t = data()

    def act(epoch, model):
        if epoch == 0:
            model.layers[0].trainable = False
        if epoch == 1:
            model.optimizer.lr = 0.5
        if epoch == 2:
            model.layers[1].W = np.ones((7, 3))
        if epoch == 3:
            model.layers[0].trainable = True
            model.l2 = 0.1
        if epoch == 4:
            model.optimizer = Adam()

    model, expected = small(), small()
    model.fit(x, t, 6, 8, SGD(0.1), callbacks=[lambda epoch, logs: act(epoch, model)], verbose=0)
    expected.optimizer = SGD(0.1)
    for epoch in range(6):
        expected.fit(x, t, 1, 8, verbose=0)
        act(epoch, expected)
    assert state(model) == state(expected)
    assert type(model.optimizer) is Adam and model.optimizer.iter == expected.optimizer.iter


def test_a_function_and_any_object_with_a_method_is_a_callback():
    class Slotted:
        __slots__ = ("seen",)

        def on_epoch_end(self, epoch, logs):
            self.seen = epoch

    x, t = data()
    seen, slotted = [], Slotted()
    small().fit(x, t, 2, callbacks=[lambda epoch, logs: seen.append(logs), slotted], verbose=0)
    assert slotted.seen == 1 and [sorted(logs) for logs in seen] == [["accuracy", "loss"]] * 2


def test_what_is_put_into_the_logs_is_in_the_history():
    x, t = data()

    def put(epoch, logs):
        logs["twice"] = 2 * epoch

    after = []
    history = small().fit(
        x, t, 3, callbacks=[put, lambda epoch, logs: after.append(logs["twice"])], verbose=0
    )
    assert history.twice == after == [0, 2, 4]
    assert [len(column) for column in history.to_dict().values()] == [3] * 4


class Named:
    def on_train_batch_end(self, batch, logs=None):
        """As Keras calls it."""


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (5, "callbacks must be a list, got a int. Give [callback, ...]."),
        (
            [EarlyStopping],
            "callbacks[0] must be an object, got the class EarlyStopping. Give EarlyStopping(...).",
        ),
        (
            [Named()],
            "callbacks[0] must have methods such as on_train_begin, on_train_end, on_epoch_begin, "
            "on_epoch_end, on_batch_end, got a Named with on_train_batch_end. Call it "
            "on_batch_end.",
        ),
        (
            [3],
            "callbacks[0] must have methods such as on_train_begin, on_train_end, on_epoch_begin, "
            "on_epoch_end, on_batch_end, or be a function of (epoch, logs), got a int. Derive it "
            "from fastnet.callbacks.Callback.",
        ),
    ],
)
def test_what_is_no_callback_is_refused(given, text):
    x, t = data()
    model = small()
    with pytest.raises(TypeError) as caught:
        model.fit(x, t, 2, callbacks=given, verbose=0)
    assert caught.value.args[0] == f"Sequential.fit: {text}"
    assert model.optimizer is None


@pytest.mark.parametrize(
    ("callback", "error", "text"),
    [
        (
            EarlyStopping(),
            ValueError,
            "EarlyStopping: monitor must be one of 'loss', 'accuracy', got 'val_loss'. Give fit "
            "validation_data=(x, t) or validation_split.",
        ),
        (
            ModelCheckpoint("a", "f1", save_best_only=True),
            ValueError,
            "ModelCheckpoint: monitor must be one of 'loss', 'accuracy', got 'f1'. Give fit "
            "metrics=[...] that have it.",
        ),
        (
            ModelCheckpoint("{epoch}-{val_loss:.2f}"),
            ValueError,
            "ModelCheckpoint: filepath must have no fields but epoch, loss, accuracy, got "
            "'{epoch}-{val_loss:.2f}' ('val_loss'). Give one such as '{epoch:02d}.safetensors'.",
        ),
        (
            EarlyStopping("mine"),
            ValueError,
            "EarlyStopping: monitor must be one of 'loss', 'accuracy', got 'mine'. Give fit "
            "metrics=[...] that have it.",
        ),
        (
            ReduceLROnPlateau("loss"),
            TypeError,
            "ReduceLROnPlateau: the optimizer's lr must be a number, got <schedule>. Leave one of "
            "the two out.",
        ),
    ],
    ids=["val_loss", "f1", "fields", "mine", "schedule"],
)
def test_what_fit_does_not_give_is_said_before_anything_changes(callback, error, text):
    class Schedule:
        def __call__(self, step):
            return 0.1

        def __repr__(self):
            return "<schedule>"

    x, t = data()
    model = small()
    model.build(5)
    before = state(model)
    with pytest.raises(error) as caught:
        model.fit(x, t, 2, optimizer=SGD(Schedule()), callbacks=[callback], verbose=0)
    assert caught.value.args[0] == text
    assert state(model) == before and model.optimizer is None


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (
            lambda: EarlyStopping(patience=-1),
            ValueError,
            "EarlyStopping: patience must be at least 0, got -1. Give such a number.",
        ),
        (
            lambda: EarlyStopping(mode="maximum"),
            ValueError,
            "EarlyStopping: mode must be one of 'auto', 'min', 'max', got 'maximum'. Give one of "
            "these names.",
        ),
        (
            lambda: EarlyStopping(monitor=3),
            TypeError,
            "EarlyStopping: monitor must be a name, got 3. Give one such as 'val_loss'.",
        ),
        (
            lambda: ReduceLROnPlateau(factor=1.0),
            ValueError,
            "ReduceLROnPlateau: factor must be in (0, 1), got 1.0. Give 0.1 or 0.5.",
        ),
        (
            lambda: CSVLogger("a", ", "),
            ValueError,
            "CSVLogger: separator must be one character, got ', '. Give ',' or ';'.",
        ),
        (
            lambda: LambdaCallback(on_epoch_end=3),
            TypeError,
            "LambdaCallback: on_epoch_end must be a function, got 3. Give one, or leave it out.",
        ),
        (
            lambda: ModelCheckpoint("a", save_freq="batch"),
            TypeError,
            "ModelCheckpoint: save_freq must be a whole number, got 'batch'. Give an int.",
        ),
        (
            lambda: ModelCheckpoint("a", save_freq=0),
            ValueError,
            "ModelCheckpoint: save_freq must be at least 1, got 0. Give a positive int.",
        ),
        *[
            (
                lambda kind=kind, name=name: kind(**{name: np.nan}),
                ValueError,
                f"{kind.__name__}: {name} must be a number, got nan. Give one such as 0.",
            )
            for kind, name in [
                (EarlyStopping, "min_delta"),
                (EarlyStopping, "baseline"),
                (ReduceLROnPlateau, "min_delta"),
            ]
        ],
        (
            lambda: ModelCheckpoint("a", initial_value_threshold=np.nan),
            ValueError,
            "ModelCheckpoint: initial_value_threshold must be a number, got nan. Give one such as "
            "0.",
        ),
    ],
)
def test_arguments_of_callbacks_are_checked(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert caught.value.args[0] == text


def test_early_stopping_restores_the_best_weights_also_after_ctrl_c():
    x, t = data()

    class Interrupt(Callback):
        def on_epoch_end(self, epoch, logs):
            if epoch == 4:
                raise KeyboardInterrupt

    values = iter([3.0, 2.0, 1.0, 2.0, 3.0])

    def invent(epoch, logs):
        logs["loss"] = next(values)

    kept = {}

    def keep(epoch, logs):
        kept[epoch] = model.parameter_vector.copy()

    model = small(BatchNormalization())
    stop = EarlyStopping("loss", patience=9, restore_best_weights=True)
    history = model.fit(x, t, 9, callbacks=[keep, invent, stop, Interrupt()], verbose=0)
    assert history.interrupted and stop.best_epoch == 2
    assert_array_equal(model.parameter_vector, kept[2])


class Recorded:
    """A model that callbacks decide about, and Keras' too."""

    class Optimizer:
        def __init__(self):
            self.lr = self.learning_rate = 1.0

    def __init__(self):
        self.stop_training, self.optimizer, self.weights = False, self.Optimizer(), []

    def get_weights(self):
        return []

    def set_weights(self, weights):
        pass


def series(seed, n=60):
    """Losses that fall, stay, rise, with ties and steps about as large as min_delta."""
    rng = np.random.default_rng(seed)
    return (2 + np.round(np.cumsum(rng.standard_normal(n)) / 4, 1)).tolist()


ARGUMENTS = [
    {},
    {"patience": 3},
    {"patience": 2, "min_delta": 0.25},  # no tie: Keras compares in float32
    {"patience": 4, "mode": "max"},
]


@pytest.fixture(scope="module")
def of_keras():
    """Return keras.callbacks."""
    pytest.importorskip("torch", reason="Keras computes on it")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        return pytest.importorskip("keras", reason="compared with Keras' own").callbacks


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("given", ARGUMENTS, ids=str)
def test_early_stopping_decides_as_keras_does(of_keras, seed, given):
    Keras = of_keras.EarlyStopping
    for more in ({}, {"baseline": 1.5}, {"start_from_epoch": 5}, {"restore_best_weights": True}):
        found = []
        for kind in (EarlyStopping, Keras):
            callback, model = kind("loss", **given, **more), Recorded()
            callback.set_model(model) if kind is Keras else setattr(callback, "model", model)
            callback.on_train_begin({})
            for epoch, value in enumerate(series(seed)):
                callback.on_epoch_end(epoch, {"loss": value})
                if model.stop_training:
                    break
            callback.on_train_end({})
            found.append((epoch, callback.stopped_epoch, callback.best, callback.best_epoch))
        assert found[0] == found[1], (given, more)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("given", ARGUMENTS, ids=str)
def test_reduce_lr_on_plateau_decides_as_keras_does(of_keras, seed, given):
    Keras = of_keras.ReduceLROnPlateau
    for more in ({}, {"cooldown": 3}, {"min_lr": 0.01, "factor": 0.5}):
        rates = []
        for kind, name in ((ReduceLROnPlateau, "lr"), (Keras, "learning_rate")):
            callback, model = kind("loss", **given, **more), Recorded()
            callback.set_model(model) if kind is Keras else setattr(callback, "model", model)
            callback.on_train_begin({})
            seen = []
            for epoch, value in enumerate(series(seed)):
                callback.on_epoch_end(epoch, {"loss": value})
                seen.append(getattr(model.optimizer, name))
            rates.append(seen)
        np.testing.assert_allclose(*rates, rtol=1e-12)


def test_reduce_lr_on_plateau_trains_with_the_lower_rate():
    x, t = data()
    model, expected = small(), small()
    reduce = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=9.0)
    history = model.fit(x, t, 4, 8, SGD(0.4), callbacks=[reduce], verbose=0)
    assert history.lr == [0.4, 0.4, 0.2, 0.1]
    for rate in history.lr:
        expected.fit(x, t, 1, 8, SGD(rate), verbose=0)
    assert state(model) == state(expected)


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
    save = ModelCheckpoint(tmp_path / "{val_loss}", save_freq=9)
    with pytest.raises(ValueError, match="fields but epoch, loss, accuracy, batch, got"):
        model.fit(x, t, 4, 5, validation_split=0.5, callbacks=[save], verbose=0)
    assert os.listdir(tmp_path) == []


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


@pytest.mark.parametrize("monitor", ["val_size_loss", "size_r2", "val_kind_accuracy"])
def test_auto_knows_the_numbers_of_a_head(monitor):
    x, t = data()
    heads = Branches({"kind": [Dense(3)], "size": [Dense(1)]})
    losses = {"kind": "softmax_cross_entropy", "size": "mean_squared_error"}
    model = Sequential([heads], loss=losses, seed=0)
    given = {"metrics": {"kind": ["accuracy"], "size": ["r2"]}, "validation_split": 0.5}
    stop = EarlyStopping(monitor, patience=1)
    targets = {"kind": t, "size": t / 2}
    history = model.fit(x, targets, 4, callbacks=[stop], verbose=0, **given)
    seen = getattr(history, monitor)
    assert stop.best == (min if monitor.endswith("loss") else max)(seen)


def test_auto_does_not_know_a_function_of_your_own():
    x, t = data()

    def mine(t, y):
        return 0.5

    text = (
        "EarlyStopping: mode must be 'min' or 'max' for a monitor that is no name of "
        "fastnet.metrics, got 'auto' for 'mine'. Give mode='max' where more is better."
    )
    with pytest.raises(ValueError) as caught:
        small().fit(x, t, metrics=[mine], callbacks=[EarlyStopping("mine")], verbose=0)
    assert caught.value.args[0] == text


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
