"""Ctrl-C keeps what was learnt."""

import json
import signal
import sys
import threading

import children
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from small_models import assert_whole, data, small, stops

from fastnet import models
from fastnet.optimizer import SGD


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("validation", [False, True])
def test_ctrl_c_returns_what_was_learnt(interrupt, monkeypatch, when, validation):
    x, t = data(40)
    held_out = (x[:7], t[:7]) if validation else None
    monkeypatch.setattr(models.progress, "FLOPS_A_CALL", 1)
    model, expected = small(), small()
    interrupt(8, when)  # 5 batches an epoch: the third of the second epoch
    seen = model.fit(x, t, 9, 8, SGD(0.2), held_out, False, verbose=0)
    monkeypatch.undo()
    wanted = expected.fit(x, t, 1, 8, SGD(0.2), held_out, False, verbose=0)
    assert seen.interrupted and not wanted.interrupted
    assert repr(seen).startswith("<History: 1 epochs, interrupted, at last loss ")
    assert_allclose(seen.loss, wanted.loss, rtol=1e-14)
    assert seen.accuracy == wanted.accuracy
    assert not validation or seen.val_loss == wanted.val_loss
    done = 24 if when == "after" else 16
    expected.fit(x[:done], t[:done], 1, 8, SGD(0.2), None, False, verbose=0)
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    assert np.isfinite(model.predict(x)).all()
    again = model.fit(x, t, 2, verbose=0)
    assert len(again.loss) == 2 and not again.interrupted
    assert_whole(model)


def test_ctrl_c_waits_until_the_kernels_are_loaded(monkeypatch):
    """Numba crashes, now and then, where it is interrupted while it loads one."""
    finished = []

    def load(*arguments):
        signal.raise_signal(signal.SIGINT)
        finished.append(sum(range(1000)))  # a Ctrl-C that did not wait would be raised by now
        real(*arguments)

    real = models.network.train_epochs
    x, t = data(40)
    model, handler = small(), signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(models.network, "train_epochs", load)
    assert model.fit(x, t, 3, verbose=0).loss == []
    assert len(finished) == 1 and signal.getsignal(signal.SIGINT) is handler
    monkeypatch.undo()
    elsewhere = []
    thread = threading.Thread(target=lambda: elsewhere.append(model.fit(x, t, 3, verbose=0)))
    thread.start()
    thread.join()
    assert len(elsewhere[0].loss) == 3
    assert_whole(model)


def test_ctrl_c_in_validation_leaves_a_history_of_equal_lengths(interrupt):
    x, t = data(40)
    model = small()
    interrupt(3, learn=False)
    seen = model.fit(x, t, 9, 8, validation_data=(x, t), verbose=0)
    columns = {key: values for key, values in vars(seen).items() if key != "interrupted"}
    assert {key: len(values) for key, values in columns.items()} == dict.fromkeys(columns, 2)


def test_ctrl_c_while_the_weights_explode_keeps_finite_ones(interrupt):
    x, t = np.full((40, 5), 1e38), np.arange(40) % 3
    model = small(weight_init_std=1)
    model.layers[0].W[...] = 0
    before = model.parameter_vector.copy()
    interrupt(1)
    assert model.fit(x, t, 50, 8, SGD(1e3), verbose=0).loss == []
    assert_array_equal(model.parameter_vector, before)
    stops(model, x, t, 1, 8, lr=1e3)


CTRL_C = """
import json, os, signal, sys, threading, time
import numpy as np
from fastnet.layers import Dense
from fastnet.models import Sequential

rng = np.random.default_rng(0)
x, t = rng.standard_normal((3000, 20)), rng.integers(0, 3, 3000)
model = Sequential([Dense(30, activation="sigmoid"), Dense(3)], seed=0)
model.fit(x, t, 1)
before = model.parameter_vector.copy()
stopped = []

def stop():
    stopped.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)

threading.Timer(0.3, stop).start()
seen = model.fit(x, t, 10**7, {batch_size})
seconds = time.perf_counter() - stopped[0]
print(json.dumps({{
    "epochs": len(seen.loss),
    "lengths": len({{len(v) for v in (seen.loss, seen.accuracy, seen.seconds)}}),
    "interrupted": seen.interrupted,
    "learnt": not np.array_equal(before, model.parameter_vector),
    "finite": bool(np.isfinite(model.predict(x)).all()),
    "again": len(model.fit(x, t, 2).loss),
    "seconds": seconds,
    "tqdm": "tqdm" in sys.modules,
}}))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("batch_size", [32, 3000])
def test_a_real_ctrl_c(batch_size, warm_cache):
    program = CTRL_C.format(batch_size=batch_size)
    done = children.run([sys.executable, "-c", program])
    assert done.returncode == 0 and done.stderr == "", done.stderr
    seen = json.loads(done.stdout)
    assert seen.pop("epochs") >= 1 and seen.pop("seconds") < 2
    wanted = {"lengths": 1, "learnt": True, "finite": True, "again": 2, "tqdm": False}
    assert seen == wanted | {"interrupted": True}


def test_a_second_ctrl_c_within_a_second_is_pythons_own(interrupt, monkeypatch):
    x, t = data(40)
    model, other = small(), small()
    now = [100.0]
    monkeypatch.setattr(models.progress.time, "monotonic", lambda: now[0])
    interrupt(1)
    assert model.fit(x, t, 3, verbose=0).interrupted
    now[0] += 0.9  # in the next fit, of whatever model
    interrupt(1)
    with pytest.raises(KeyboardInterrupt):
        other.fit(x, t, 3, verbose=0)
    assert_whole(other)
    now[0] += 1.1
    interrupt(1)
    assert other.fit(x, t, 3, verbose=0).interrupted
    assert len(other.fit(x, t, 3, verbose=0).loss) == 3


@pytest.mark.parametrize(("gap", "raised"), [(0.5, True), (1.5, False)])
def test_two_ctrl_c_while_the_kernels_are_loaded(monkeypatch, gap, raised):
    def load(*arguments):
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
            now[0] += gap
        now[0] += 10
        real(*arguments)

    now, real = [100.0], models.network.train_epochs
    monkeypatch.setattr(models.progress.time, "monotonic", lambda: now[0])
    x, t = data(40)
    model = small()
    monkeypatch.setattr(models.network, "train_epochs", load)
    if raised:
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, t, 3, verbose=0)
    else:
        assert model.fit(x, t, 3, verbose=0).interrupted


THREE_FITS = """
import os, signal, sys, threading, time
import numpy as np
from fastnet.layers import Dense
from fastnet.models import Sequential

rng = np.random.default_rng(0)
x, t = rng.standard_normal((3000, 20)), rng.integers(0, 3, 3000)
model = Sequential([Dense(30, activation="sigmoid"), Dense(3)], seed=0)
model.fit(x, t, 1)

def stop():
    os.kill(os.getpid(), signal.SIGINT)

for seconds in {seconds}:
    threading.Timer(seconds, stop).start()
for i in range(3):
    print(model.fit(x, t, 10**7 if i < 2 else 1).interrupted, flush=True)
{after}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("seconds", "after", "printed", "status"),
    [
        ([0.3, 1.8], "", "True\nTrue\nFalse\n", 0),
        ([0.3, 0.6], "", "True\n", -signal.SIGINT),
        ([0.3, 1.8], "stop(); time.sleep(5)", "True\nTrue\nFalse\n", -signal.SIGINT),
    ],
)
def test_ctrl_c_in_a_program_of_three_fits(seconds, after, printed, status, warm_cache):
    program = THREE_FITS.format(seconds=seconds, after=after)
    done = children.run([sys.executable, "-c", program])
    assert (done.stdout, done.returncode) == (printed, status), done.stderr
    assert ("KeyboardInterrupt" in done.stderr) == (status != 0)
