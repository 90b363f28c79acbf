"""What is called when, what callbacks change, and what is no callback."""

import numpy as np
import pytest
from called_back import Notes, data, small, state
from numpy.testing import assert_array_equal

from fastnet import models
from fastnet.callbacks import (
    LambdaCallback,
    TerminateOnNaN,
)
from fastnet.layers import BatchNormalization, Dropout
from fastnet.optimizer import SGD, Adam


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
