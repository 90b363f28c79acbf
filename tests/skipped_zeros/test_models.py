"""Models ask their data whether zeros are worth skipping."""

import numpy as np
import pytest
from in_turn import every_dtype
from sparse_rows import KINDS, assert_same_bits, images

import fastnet
from fastnet import threads
from fastnet.kernels import (
    simd,
)
from fastnet.layers import Dense, Dropout, MatMul
from fastnet.models import Sequential, network, sequential, zeros
from fastnet.models.rows import rows_of
from fastnet.optimizer import SGD, Adam


@pytest.fixture
def at_once(monkeypatch):
    """Samples of any number are worth looking at."""
    monkeypatch.setattr(zeros, "LOOKS_PAY", 0)


def model(first=None, units=50, dtype=np.float32):
    layers = [Dense(units, activation="sigmoid"), Dense(10)]
    layers = layers if first is None else [first, *layers]
    return Sequential(layers, dtype=np.dtype(dtype).name, seed=0)


def skips(made, x, samples=5000, batch_size=100):
    """Whether calls on so many rows of x skip zeros."""
    made.build(x.shape[1])
    rows = rows_of("f", "x", x, None, made.dtype)
    found = zeros.skipping_zeros(made._network, rows, samples, batch_size)
    forward, backward = (found.program[f"sparse_{way}"][0] for way in ("forward", "backward"))
    assert (found is made._network) == (not forward)
    assert (forward == 0) == (backward == 0)
    assert not made._network.program["sparse_forward"][0]
    return bool(forward)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_of_the_data_decides(kind):
    for share, expected in ((0, True), (0.05, True), (0.4, True), (0.5, False), (1, False)):
        assert skips(model(), images(kind=kind, share=share)[0]) == expected, share
    assert skips(model(), images(33, kind=kind)[0], batch_size=33)
    assert skips(model(), images(1000, kind=kind)[0][::-3])  # not contiguous
    # A layer without a bias, none that is a product, and no layer that may skip.
    x = images(kind=kind)[0]
    assert not skips(model(MatMul(np.ones((784, 50)))), x)
    assert not skips(model(Dropout(0.2)), x)
    assert not skips(model(units=simd.BITS // 32 * 2 - 1), x)
    assert not skips(model(), x, batch_size=31)
    assert not skips(model(), images(d=100, kind=kind)[0])
    assert not skips(model(), x, samples=zeros.LOOKS_PAY - 1)


def test_fit_evaluate_and_predict_ask_the_data(monkeypatch):
    """And small calls, and those of other data, go on as they did."""
    seen = []

    def spy(real, at):
        def wrapped(*arguments):
            seen.append(bool(arguments[at]["sparse_forward"][0]))
            return real(*arguments)

        return wrapped

    monkeypatch.setattr(network, "train_epochs", spy(network.train_epochs, 8))
    monkeypatch.setattr(sequential, "predict_rows", spy(sequential.predict_rows, 5))
    for x, expected in ((images(4096), True), (images(4096, share=1), False)):
        made = model()
        for optimizer in (SGD(0.1), Adam()):
            made.fit(*x, 1, 100, optimizer, verbose=0)
            assert seen and set(seen) == {expected}
            seen.clear()
        made.evaluate(*x), made.predict(x[0])
        assert set(seen) == {expected}
        seen.clear()
        few = x[0][:4095], x[1][:4095]
        made.fit(*few, 1, 100, verbose=0), made.evaluate(*few), made.predict(few[0])
        made.predict(x[0][:3])
        assert not any(seen)
        seen.clear()


@pytest.mark.parametrize("make", [lambda: SGD(0.1), Adam])
@every_dtype
def test_models_learn_the_same_bits(dtype, make, at_once, monkeypatch):
    x, t = images()

    def learn():
        made = model(dtype=dtype)
        made.fit(x, t, 3, 100, make(), validation_data=(x, t), verbose=0)
        return made.parameter_vector.copy(), made.predict(x), np.array(made.evaluate(x, t)["loss"])

    found = learn()
    monkeypatch.setattr(zeros, "LOOKS_PAY", 2**62)
    assert_same_bits(found, learn())


@pytest.mark.parametrize("helpers", [True, False])
@every_dtype
def test_models_learn_the_same_bits_with_any_number_of_threads(
    dtype, helpers, at_once, monkeypatch
):
    """Without helpers the caller does all tasks of a team itself, however they are cut."""
    monkeypatch.setattr(threads, "FLOPS_A_THREAD", 1.0)
    monkeypatch.setattr(threads, "FLOPS_A_CALL", 0.0)
    if not helpers:
        monkeypatch.setattr(threads, "_wake", lambda *_: None)
    before, results = fastnet.get_num_threads(), []
    try:
        for count in (1, 2, 4) if helpers else (1, 2, 3, 7):
            fastnet.set_num_threads(count)
            made = model(dtype=dtype)
            made.fit(*images(), 2, 100, SGD(0.1), verbose=0)
            results.append((made.parameter_vector.copy(), made.predict(images()[0])))
    finally:
        fastnet.set_num_threads(before)
    for other in results[1:]:
        assert_same_bits(other, results[0])
