"""Rescaling in files, those of older versions too."""

import io
import logging
from contextlib import redirect_stdout

import numpy as np
from in_turn import every_dtype_name
from rescaled import ANSWERS, PIXELS, bits

from fastnet import weights_file
from fastnet.layers import (
    Dense,
    Dropout,
    Embedding,
    Rescaling,
    Tanh,
)
from fastnet.models import Sequential


@every_dtype_name
def test_saved_with_the_model(tmp_path, dtype, caplog):
    stack = [Rescaling(1 / 255, 0.1), Dense(4, "tanh"), Rescaling(2), Dense(6)]
    model = Sequential(stack, dtype=dtype, seed=0)
    model.fit(PIXELS, ANSWERS[:120], 2, verbose=0)
    model.save(tmp_path / "model")
    with caplog.at_level(logging.WARNING, "fastnet"):
        same = Sequential.load(tmp_path / "model")
    assert not caplog.records
    assert repr(same.layers) == repr(model.layers)
    assert bits(same.predict(PIXELS)) == bits(model.predict(PIXELS))
    for each in (model, same):
        each.fit(PIXELS, ANSWERS[:120], 2, verbose=0)
    assert bits(same.parameter_vector) == bits(model.parameter_vector)


def test_files_of_versions_that_divided_bytes_unasked(tmp_path, caplog, monkeypatch):
    """They load as they are, with a warning whose advice gives their predictions."""
    model = Sequential([Dense(4, "tanh"), Dense(6)], seed=0)
    floats = PIXELS * np.float32(1 / 255)
    model.fit(floats, ANSWERS[:120], 2, verbose=0)
    monkeypatch.setattr(weights_file, "FORMAT", 1)
    model.save(tmp_path / "old")
    numbers = Sequential([Embedding(np.ones((3, 2))), Dense(2)])
    numbers.build(2)
    numbers.save(tmp_path / "numbers")
    monkeypatch.undo()
    with caplog.at_level(logging.WARNING, "fastnet"):
        old = Sequential.load(tmp_path / "old")
        Sequential.load(tmp_path / "numbers")  # of rows, which were never divided
    (said,) = caplog.messages
    assert said == (
        f"fastnet: {tmp_path / 'old'} was saved by a version that divided uint8 x by 255, which "
        "this one takes as it is. If the model is given uint8 images: "
        "model.layers.insert(0, Rescaling(1 / 255)). Save it again to end this warning."
    )
    assert bits(old.predict(floats)) == bits(model.predict(floats))
    old.layers.insert(0, Rescaling(1 / 255))
    assert bits(old.predict(PIXELS)) == bits(model.predict(floats))
    old.save(tmp_path / "new")
    caplog.clear()
    with caplog.at_level(logging.WARNING, "fastnet"):
        again = Sequential.load(tmp_path / "new")
    assert not caplog.messages and bits(again.predict(PIXELS)) == bits(old.predict(PIXELS))


def test_summary_and_repr():
    stack = [Rescaling(1 / 255), Dense(4), Dropout(0.2), Rescaling(2, offset=-1), Tanh()]
    model = Sequential(stack, seed=0)
    model.build(21)
    with redirect_stdout(io.StringIO()) as printed:
        model.summary()
    assert printed.getvalue() == (
        "layer      made with                          output  weights       parameters\n"
        "Rescaling  scale=0.00392157, offset=0         (21,)                          0\n"
        "Dense                                         (4,)    (21, 4) (4,)          88\n"
        "Dropout    dropout_ratio=0.2, inverted=False  (4,)                           0\n"
        "Rescaling  scale=2, offset=-1                 (4,)                           0\n"
        "Tanh                                          (4,)                           0\n"
        "total                                                                       88\n"
    )
    assert repr(stack[0]) == "Rescaling(0.00392156862745098)"
    assert repr(stack[3]) == "Rescaling(2.0, offset=-1.0)"
    assert "Rescaling(0.00392156862745098), Dense(4)" in repr(model)
