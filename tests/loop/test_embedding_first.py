"""An embedding comes first in the compiled loop: row numbers, and whose they are."""

import numpy as np
import pytest
from in_turn import every_dtype_name
from loop_models import OPTIMIZERS, N, assert_same_training, drawn_weights
from numpy.testing import assert_allclose, assert_array_equal, assert_equal

from fastnet import checks
from fastnet.layers import (
    Dense,
    Embedding,
)
from fastnet.models import Sequential

# Layers


def words(dtype, count=11):
    """Return row numbers (N, 4) and labels, and a table of `count` rows of 3."""
    rng = np.random.default_rng(3)
    return rng.integers(0, count, (N, 4)), rng.integers(0, 3, N), drawn_weights(count, 3)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@every_dtype_name
def test_an_embedding_comes_first(optimizer, dtype):
    x, t, table = words(dtype)

    def make():
        net = Sequential([Embedding(table), Dense(7, "tanh"), Dense(3)], dtype=dtype, seed=2)
        net.build(4)
        return net

    assert_same_training(make, x, t, OPTIMIZERS[optimizer])
    net = make()
    assert net.predict(x).shape == (N, 3) and net.layers[0].W.base is net.parameter_vector
    for kind in (np.uint8, np.int32, np.uint64):
        assert_array_equal(net.predict(x.astype(kind)), net.predict(x))
        assert_array_equal(net.predict(x[:2].astype(kind)), net.predict(x)[:2])
    assert_allclose(net.evaluate(x, t)["loss"], net.forward(x, t), rtol=20 * np.finfo(dtype).eps)
    assert net.backward() is None
    for g, by_definition in zip(net.gradient(x, t), net.numerical_gradient(x, t), strict=True):
        assert_allclose(
            g, by_definition, atol=max(1e-8, 30 * np.finfo(dtype).eps) * np.abs(g).max()
        )


def test_an_embedding_alone_and_of_many_numbers():
    """More row numbers than the loop takes at a time, and rows wider than a vector."""
    rng = np.random.default_rng(0)
    x, t = rng.integers(0, 5, (N, 70)), rng.standard_normal((N, 70 * 19))
    table = rng.standard_normal((5, 19))

    def make():
        net = Sequential([Embedding(table)], "mean_absolute_error", "float64")
        net.build(70)
        return net

    assert_same_training(make, x, t, OPTIMIZERS["SGD"])


def test_row_numbers_that_cannot_be():
    x, t, table = words("float32")
    net = Sequential([Embedding(table), Dense(3)], seed=0)
    with pytest.raises(TypeError) as caught:
        net.fit(x.astype(float), t, verbose=0)
    assert str(caught.value) == (
        "Sequential.fit: x must be integers, got dtype float64. Give numpy.asarray(x, int)."
    )
    x[2, 1] = 11
    for call in (
        lambda: net.fit(x, t, verbose=0),
        lambda: net.predict(x),
        lambda: net.predict(x[:3]),
    ):
        with pytest.raises(
            IndexError, match=r"x must be in 0\.\.10 for W \(11, 3\), got x\[2, 1\]=11"
        ):
            call()
    net.build(4)
    with pytest.raises(
        TypeError, match=r"^Sequential\.predict: x must be integers, got dtype float32"
    ):
        net.predict(np.zeros((1, 4), np.float32))
    with pytest.raises(ValueError) as caught:
        Sequential([Dense(4), Embedding(table)])
    assert str(caught.value) == (
        "Sequential.add: Embedding must be the first layer, as it takes row numbers, got it as "
        "layers[1]. Put it first."
    )
    many = Sequential([Embedding(np.zeros((2**24 + 1, 1), np.float32)), Dense(1)])
    with pytest.raises(ValueError) as caught:
        many.build(1)
    assert str(caught.value) == (
        "Sequential.build: layers[0] must have at most 16,777,216 rows in float32, got Embedding "
        'with 16,777,217. Make the model with dtype="float64".'
    )


ANOTHER_THREAD = "layers must stay as they are while a call begins, got a change from another"


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict", "forward", "numerical_gradient"])
@pytest.mark.parametrize("built", [False, True])
def test_row_numbers_are_those_of_the_network_that_reads_them(monkeypatch, method, built):
    """Another thread puts a shorter table in its place after they were checked."""

    def indices(*arguments):
        found = real(*arguments)
        net.layers[0] = Embedding(table[:2])
        return found

    x, t, table = words("float32")
    real = checks.indices
    net = Sequential([Embedding(table), Dense(3)], seed=0)
    if built:
        net.build(4)
    call = lambda net: net.predict(x) if method == "predict" else getattr(net, method)(x, t)  # noqa: E731
    same = Sequential([Embedding(table), Dense(3)], seed=0)
    wanted = call(same)
    monkeypatch.setattr(checks, "indices", indices)
    if method in ("predict", "forward"):
        with pytest.raises(RuntimeError, match=f"^Sequential.{method}: {ANOTHER_THREAD}"):
            call(net)
        return
    layers = net.layers[:]
    found = call(net)  # with the layers that it began with
    if method == "fit":
        found, wanted = layers[1].params, same.layers[1].params
    assert_equal(found, wanted)


def test_features_are_not_read_as_row_numbers(monkeypatch):
    """Another thread puts an Embedding before layers that x was checked for."""

    def samples(*arguments):
        found = real(*arguments)
        net.layers[:] = [Embedding(table), Dense(3)]
        return found

    _, t, table = words("float32")
    real = checks.samples
    net = Sequential([Dense(3)], seed=0)
    net.build(4)
    monkeypatch.setattr(checks, "samples", samples)
    dense = net.layers[0]
    before = dense.W.copy()
    net.fit(np.full((N, 4), 0.5), t, verbose=0)  # with the layers that it began with
    assert not np.array_equal(dense.W, before)
    assert [type(layer).__name__ for layer in net.layers] == ["Embedding", "Dense"]
    with pytest.raises(TypeError, match=r"^Sequential\.predict: x must be integers"):
        net.predict(np.full((N, 4), 0.5, np.float32))


def test_validation_data_are_row_numbers_of_the_table_that_is_trained(monkeypatch):
    def count(*arguments):
        net.layers[0] = Embedding(np.zeros((100, 3)))  # as another thread might
        return real(*arguments)

    x, t, table = words("float32")
    real = checks.count
    net = Sequential([Embedding(table), Dense(3)], seed=0)
    net.build(4)
    monkeypatch.setattr(checks, "count", count)
    with pytest.raises(RuntimeError, match=f"^Sequential.fit: {ANOTHER_THREAD}"):
        net.fit(x, t, validation_data=(x + 50, t), verbose=0)
