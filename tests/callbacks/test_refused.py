"""What is no callback, and arguments that callbacks refuse."""

import numpy as np
import pytest
from called_back import data, small, state
from in_turn import with_each

from fastnet.callbacks import (
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from fastnet.optimizer import SGD


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


@with_each(
    "make, error, text",
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


@with_each(
    "make",
    [EarlyStopping, ReduceLROnPlateau, TerminateOnNaN, lambda **o: ModelCheckpoint("a", **o)],
)
@with_each("verbose", ["loud", 2, None])
def test_a_callback_is_verbose_or_not(make, verbose):
    with pytest.raises(ValueError, match=r"verbose must be 0 or 1, got .*\. Give 0 for nothing"):
        make(verbose=verbose)
