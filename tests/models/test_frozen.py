"""Frozen layers: what they hold stays, and what they make goes on as before."""

import copy
import pickle

import numpy as np
import pytest
from examples import OPTIMIZERS
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_array_equal
from small_models import close

from fastnet import reference
from fastnet.layers import BatchNormalization, Dense, Dropout, Embedding, MatMul
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam, Momentum

RNG = np.random.default_rng(0)
X, T = RNG.standard_normal((90, 12)), RNG.integers(0, 3, 90)


def kept(layer):
    return [array.tobytes() for array in layer.params]


def made(dtype="float32", **options):
    """12-20-16-3, trained a little."""
    stack = [Dense(20, "relu"), Dense(16, "gelu"), Dense(3)]
    model = Sequential(stack, dtype=dtype, seed=1, **options)
    model.fit(X, T, 2, verbose=0)
    model.optimizer = None
    return model


def upper(model, i):
    """A model of the layers from number i on, and what they are given."""
    lower = Sequential(copy.deepcopy(model.layers[:i]), dtype=model.dtype.name)
    rest = Sequential(copy.deepcopy(model.layers[i:]), dtype=model.dtype.name)
    rest._rng.bit_generator.state = model._rng.bit_generator.state
    return rest, lower.predict(X)


@pytest.mark.usefixtures("any_threads")
@every_dtype_name
@with_each("example", OPTIMIZERS)
def test_frozen_below_is_training_on_what_they_make(example, dtype):
    model = made(dtype)
    rest, x = upper(model, 1)
    model.layers[0].trainable = False
    before = kept(model.layers[0])
    wanted = rest.fit(x, T, 3, 32, OPTIMIZERS[example].make(), verbose=0)
    seen = model.fit(X, T, 3, 32, OPTIMIZERS[example].make(), verbose=0)
    assert kept(model.layers[0]) == before
    assert [kept(layer) for layer in model.layers[1:]] == [kept(layer) for layer in rest.layers]
    assert (seen.loss, seen.accuracy) == (wanted.loss, wanted.accuracy)


@pytest.mark.usefixtures("any_threads")
@with_each("frozen", [(0,), (1,), (2,), (0, 2), (1, 2)])
@pytest.mark.parametrize("example", OPTIMIZERS)
def test_any_layers_frozen_as_by_hand(example, frozen):
    model = made("float64", l1=1e-3, l2=1e-2)
    for i in frozen:
        model.layers[i].trainable = False
    before = [kept(layer) for layer in model.layers]
    by_hand, stepped = copy.deepcopy(model), OPTIMIZERS[example].make()
    seen = model.fit(X, T, 2, 45, OPTIMIZERS[example].make(), shuffle=False, verbose=0)
    losses = []
    for start in (0, 45, 0, 45):
        losses.append(by_hand.forward(X[start : start + 45], T[start : start + 45]))
        by_hand.backward()
        assert len(by_hand.params) == len(by_hand.grads) == 2 * (3 - len(frozen))
        stepped.update(by_hand.params, by_hand.grads)
    for i, layer in enumerate(model.layers):
        assert (kept(layer) == before[i]) == (i in frozen)
        assert (kept(by_hand.layers[i]) == before[i]) == (i in frozen)
    close(model.parameter_vector, by_hand.parameter_vector, "float64")
    close(seen.loss, np.reshape(losses, (2, 2)).mean(axis=1), "float64")


def stepped(stack, x, t, optimizer, n):
    """Train layers of the reference by hand, n rows at a time, in order; return the losses."""
    loss, losses = reference.losses.SoftmaxCrossEntropy(), []
    learning = [layer for layer in stack if layer.trainable]
    for start in range(0, len(x), n):
        out = x[start : start + n]
        for layer in stack:
            out = layer.forward(out)
        losses.append(loss.forward(out, t[start : start + n]))
        dout = loss.backward(1)
        for layer in reversed(stack):
            dout = layer.backward(dout)
        params = [array for layer in learning for array in layer.params]
        optimizer.update(params, [grad for layer in learning for grad in layer.grads])
    return losses


@pytest.mark.usefixtures("any_threads")
@every_dtype_name
@with_each("first", [False, True])
def test_a_frozen_normalization_goes_by_its_running_statistics(dtype, first):
    model = Sequential([Dense(8, "tanh"), BatchNormalization(), Dense(3)], dtype=dtype, seed=2)
    model.fit(X, T, 3, verbose=0)
    hidden, norm, last = model.layers
    norm.trainable, hidden.trainable = False, not first
    plain = reference.layers
    twins = [
        plain.Affine(hidden.W.copy(), hidden.b.copy()),
        plain.Tanh(),
        plain.BatchNormalization(
            norm.gamma.copy(), norm.beta.copy(), 0.9, norm.running_mean.copy(),
            norm.running_var.copy(),
        ),
        plain.Affine(last.W.copy(), last.b.copy()),
    ]  # fmt: skip
    twins[0].trainable, twins[2].trainable = not first, False
    before = kept(norm), norm.running_mean.tobytes(), norm.running_var.tobytes()
    by_hand = copy.deepcopy(model)
    seen = model.fit(X, T, 1, 30, SGD(0.1), shuffle=False, verbose=0)
    wanted = stepped(twins, X.astype(dtype), T, reference.optimizer.SGD(0.1), 30)
    for layer, twin in zip(model.layers, [twins[0], *twins[2:]], strict=True):
        for array, other in zip(layer.params, twin.params, strict=True):
            close(array, other, dtype)
    close(seen.loss, np.mean(wanted), dtype)
    assert (kept(norm), norm.running_mean.tobytes(), norm.running_var.tobytes()) == before
    exact = by_hand.gradient(X, T)
    for grad, definition in zip(exact, by_hand.numerical_gradient(X, T), strict=True):
        np.testing.assert_allclose(grad, definition, rtol=0, atol=1e-6)
    norm.trainable = True  # and learns again
    model.fit(X, T, verbose=0)
    assert kept(norm) != before[0] and norm.running_mean.tobytes() != before[1]


def test_a_frozen_normalization_by_hand():
    norm = BatchNormalization(
        np.array([2.0, 3.0]), np.ones(2), running_mean=[1.0, 2.0], running_var=[3.0, 8.0], eps=1.0
    )
    norm.trainable = False
    x = np.array([[1.0, 2.0], [5.0, 5.0]])
    assert_array_equal(norm.forward(x), [[1, 1], [5, 4]])
    assert_array_equal(norm.backward(np.ones((2, 2))), [[1, 1], [1, 1]])
    assert_array_equal(norm.dgamma, 0)
    assert_array_equal([norm.running_mean, norm.running_var], [[1, 2], [3, 8]])
    norm.trainable = True
    assert norm.forward(x)[0, 0] < 0


def test_other_kinds_of_layers():
    table, W = RNG.standard_normal((9, 3)), RNG.standard_normal((6, 5))
    x, t = RNG.integers(0, 9, (50, 2)), RNG.integers(0, 4, 50)
    for frozen in ((0,), (1,), (0, 2), (0, 1, 2, 4)):
        stack = [
            Embedding(table.copy()), MatMul(W.copy()), BatchNormalization(), Dropout(0.1), Dense(4)
        ]  # fmt: skip
        model = Sequential(stack, dtype="float64", seed=1)
        model.build(2)
        for i in frozen:
            stack[i].trainable = False
        before = [kept(layer) for layer in stack]
        history = model.fit(x, t, 3, 8, Adam(0.1), verbose=0)
        for i in (0, 1, 2, 4):
            assert (kept(stack[i]) == before[i]) == (i in frozen)
        assert len(set(history.loss)) == 3


@pytest.mark.parametrize("make", [SGD, Adam])
def test_nothing_learns_where_all_is_frozen(make):
    model = made()
    model.trainable = False
    assert not model.trainable and not model.layers[0].trainable and model.params == []
    before = model.parameter_vector.copy()
    history = model.fit(X, T, 3, 90, make(), verbose=0)
    assert_array_equal(model.parameter_vector, before)
    np.testing.assert_allclose(history.loss, model.evaluate(X, T)["loss"], rtol=1e-6)
    model.trainable = True
    assert model.trainable and len(model.params) == 6


@pytest.mark.parametrize("hidden", [None, "tanh"])
def test_batches_of_one_in_a_tiny_network(hidden):
    model = Sequential([Dense(4, hidden), Dense(3)], seed=0)
    model.fit(X, T, batch_size=1, verbose=0)
    model.layers[0].trainable = False
    before = kept(model.layers[0])
    model.fit(X, T, batch_size=1, verbose=0)
    assert kept(model.layers[0]) == before


@pytest.mark.parametrize("make", [lambda: SGD(0.1), Adam])
@pytest.mark.parametrize("frozen", [0, 1])
def test_rows_that_are_mostly_zero(make, frozen):
    x = np.where(RNG.random((600, 784)) < 0.1, 1.0, 0.0).astype(np.float32)
    t = RNG.integers(0, 3, 600)
    model = Sequential([Dense(64, "relu"), Dense(3)], seed=0)
    model.build(784)
    model.layers[frozen].trainable = False
    before = [kept(layer) for layer in model.layers]
    model.fit(x, t, 10, 100, make(), verbose=0)
    assert kept(model.layers[frozen]) == before[frozen]
    assert kept(model.layers[1 - frozen]) != before[1 - frozen]


def test_states_of_frozen_layers_wait():
    model, adam = made(), Momentum(0.1)
    model.fit(X, T, optimizer=adam, verbose=0)
    waiting = [state.copy() for state in adam.v[:2]]
    model.layers[0].trainable = False
    model.fit(X, T, verbose=0)
    for state, old in zip(adam.v[:2], waiting, strict=True):
        assert_array_equal(state, old)
    model.layers[0].trainable = True
    adam.lr = 0.0
    model.fit(X, T, 1, 90, verbose=0)
    assert_array_equal(adam.v[0], np.float32(0.9) * waiting[0])
    model = made()
    model.layers[0].trainable = False
    model.fit(X, T, optimizer=Adam(), verbose=0)
    assert model.optimizer.m[:2] == [None, None]  # nothing to remember
    model.layers[0].trainable = True
    model.fit(X, T, verbose=0)
    assert all(isinstance(state, np.ndarray) for state in model.optimizer.m)


@pytest.mark.parametrize("make", [SGD, Adam])
def test_it_is_saved_and_copied(make, tmp_path):
    model = made()
    model.layers[1].trainable = False
    model.fit(X, T, optimizer=make(), verbose=0)
    model.save(tmp_path / "model")
    copies = [
        Sequential.load(tmp_path / "model"),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
    ]
    model.fit(X, T, 2, verbose=0)
    for twin in copies:
        assert [layer.trainable for layer in twin.layers] == [True, False, True]
        twin.fit(X, T, 2, verbose=0)
        assert_array_equal(twin.parameter_vector, model.parameter_vector)


@pytest.mark.parametrize("value", [0, "False", None, np.ones(2)])
def test_what_is_neither_true_nor_false(value):
    layer, model = Dense(3), made()
    with pytest.raises(TypeError) as caught:
        layer.trainable = value
    assert str(caught.value).startswith("Dense.trainable: trainable must be True or False, got ")
    with pytest.raises(TypeError, match=r"^Sequential\.trainable: trainable must be True or False"):
        model.trainable = value
    assert layer.trainable and model.trainable


def test_a_summary_says_what_is_frozen(capsys):
    model = made()
    model.summary()
    assert "frozen" not in capsys.readouterr().out
    model.layers[0].trainable = False
    model.summary()
    lines = capsys.readouterr().out.splitlines()
    assert [line.endswith("  frozen") for line in lines] == [False, True] + 4 * [False]
    assert lines[-2].split() == ["total", "647"] and lines[-1].split() == ["trainable", "387"]


def test_a_gradient_is_of_what_learns():
    model = made("float64")
    model.layers[1].trainable = False
    exact, definition = model.gradient(X, T), model.numerical_gradient(X, T)
    assert [g.shape for g in exact] == [p.shape for p in model.params] == [
        (12, 20), (20,), (16, 3), (3,)
    ]  # fmt: skip
    for one, other in zip(exact, definition, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


def test_the_step_that_overflows_is_found():
    model = made()
    model.layers[0].trainable = False
    before = model.parameter_vector.copy()
    with pytest.raises(FloatingPointError):
        model.fit(X, T, 3, optimizer=Momentum(1e38), verbose=0)
    assert np.isfinite(model.parameter_vector).all()
    assert_array_equal(model.layers[0].W.ravel(), before[:240])
