"""Sequential.numerical_gradient: float64, threads, the same bits in parts."""

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal
from refusals import bits, refusal

import fastnet
from fastnet import models, threads
from fastnet.kernels.loop.team import HELPED
from fastnet.layers import Dense, MatMul, Relu, Rescaling, Sigmoid, Tanh
from fastnet.models import Sequential

STACKS = {
    "one layer": (5, lambda: [Dense(3)]),
    "sigmoid": (5, lambda: [Dense(9, "sigmoid"), Dense(3)]),
    "relu": (70, lambda: [Dense(75, "relu"), Dense(33, "tanh"), Dense(10)]),
    "no bias": (5, lambda: [MatMul(np.ones((5, 4)) / 5), Tanh(), Dense(7, "sigmoid"), Dense(3)]),
    "activations": (4, lambda: [Tanh(), Sigmoid(), Dense(6), Relu(), Tanh(), Dense(2), Tanh()]),
    "one output": (3, lambda: [Dense(4, "tanh"), Dense(1, "tanh")]),
}


def network(stack, dtype="float64", loss="softmax_cross_entropy"):
    n_in, layers = STACKS[stack]
    model = Sequential(layers(), loss=loss, dtype=dtype, seed=0)
    model.build(n_in)
    rng = np.random.default_rng(2)
    model.parameter_vector[...] += 0.1 * rng.standard_normal(model.parameter_count)
    x, outputs = rng.standard_normal((6, n_in)).astype(dtype), model.predict(np.ones((1, n_in)))
    t = rng.integers(outputs.size, size=6)
    return model, x, t if loss == "softmax_cross_entropy" else rng.random((6, outputs.size))


@with_each("loss", ["softmax_cross_entropy", "mean_squared_error"])
@every_dtype_name
@with_each("stack", STACKS)
def test_the_numerical_gradient_of_a_network(stack, dtype, loss):
    model, x, t = network(stack, dtype, loss)
    kept = bits(model.parameter_vector)
    found, exact = model.numerical_gradient(x, t), model.gradient(x, t)
    assert bits(model.parameter_vector) == kept
    assert [g.shape for g in found] == [p.shape for p in model.params]
    for numerical, analytic in zip(found, exact, strict=True):
        assert numerical.dtype == dtype and numerical.flags.owndata
        tolerance = (1e-7 if dtype == "float64" else 2e-5) * np.abs(analytic).max()
        assert_allclose(numerical, analytic, rtol=0, atol=max(tolerance, 1e-10))


def test_float32_is_computed_in_float64():
    model, x, t = network("sigmoid", "float32")
    double = network("sigmoid")[0]
    double.parameter_vector[...] = model.parameter_vector
    found = model.numerical_gradient(x, t)
    for ours, theirs in zip(found, double.numerical_gradient(x, t), strict=True):
        assert_array_equal(ours, theirs.astype(np.float32))


def test_pixels_lists_images_and_one_hot_rows(rng):
    model, _, t = network("one output", "float32", "mean_squared_error")
    pixels = rng.integers(256, size=(6, 3), dtype=np.uint8)
    expected = model.numerical_gradient(np.multiply(pixels, np.float32(1 / 255)), t)
    model.layers.insert(0, Rescaling(1 / 255))
    for x in (pixels, pixels[:, ::-1].copy()[:, ::-1], pixels.reshape(6, 3, 1)):
        for ours, theirs in zip(model.numerical_gradient(x, t[:, 0]), expected, strict=True):
            assert_array_equal(ours, theirs)
    model, x, t = network("sigmoid")
    expected = model.numerical_gradient(x, t)
    for given in (np.asfortranarray(x), x.tolist()):
        for ours, theirs in zip(
            model.numerical_gradient(given, np.eye(3)[t]), expected, strict=True
        ):
            assert_array_equal(ours, theirs)


@pytest.mark.parametrize("stack", STACKS)
def test_the_same_bits_in_parts_and_in_threads(stack, monkeypatch):
    model, x, t = network(stack)
    before, teams, wake = fastnet.get_num_threads(), [], threads._wake
    fastnet.set_num_threads(1)
    try:
        expected = model.numerical_gradient(x, t)
        monkeypatch.setattr(models.progress, "FLOPS_A_CALL", 1e5)
        found = [model.numerical_gradient(x, t)]
        monkeypatch.setattr(threads, "FLOPS_A_THREAD", 1.0)
        monkeypatch.setattr(threads, "FLOPS_A_CALL", 0.0)
        fastnet.set_num_threads(3)

        def wake_some(kernel, arguments, team):
            teams.append(team)
            if len(teams) % 2:  # else the caller does all tasks of the team
                wake(kernel, arguments, team)

        monkeypatch.setattr(threads, "_wake", wake_some)
        found.append(model.numerical_gradient(x, t))
        monkeypatch.setattr(models.progress, "FLOPS_A_CALL", 2e9)
        found.append(model.numerical_gradient(x, t))
    finally:
        fastnet.set_num_threads(before)
    assert teams
    for one in found:
        for ours, theirs in zip(one, expected, strict=True):
            assert_array_equal(ours, theirs)


def test_helpers_do_help(monkeypatch):
    """Until they have done a task: a machine may be too busy to let them."""
    model, x, t = network("relu")
    before, teams, wake = fastnet.get_num_threads(), [], threads._wake
    monkeypatch.setattr(
        threads, "_wake", lambda *arguments: teams.append(arguments[-1]) or wake(*arguments)
    )
    fastnet.set_num_threads(2)
    try:
        for _ in range(200):
            model.numerical_gradient(np.tile(x, (20, 1)), np.tile(t, 20))
            if any(team[HELPED] for team in teams):
                break
    finally:
        fastnet.set_num_threads(before)
    assert any(team[HELPED] for team in teams)


def test_it_builds_a_model_and_refuses_what_does_not_fit():
    model = Sequential([Dense(3)], seed=0)
    x = np.ones((2, 4), np.float32)
    assert [g.shape for g in model.numerical_gradient(x, [0, 1])] == [(4, 3), (3,)]
    where = "Sequential.numerical_gradient"
    assert refusal(lambda: model.numerical_gradient(x, [0, 3])) == (
        f"IndexError: {where}: t must be in 0..2 for predict(x).shape=(2, 3), got t[1]=3. Give "
        "the last layer 4 units, one for each class."
    )
    assert refusal(lambda: model.numerical_gradient(x[:, :3], [0, 1])) == (
        f"ValueError: {where}: x must have 4 features, got 3. Give x the width that the first "
        "layer takes."
    )
    assert refusal(lambda: Sequential().numerical_gradient(x, [0, 1])) == (
        f"RuntimeError: {where}: add a layer first."
    )


def test_a_network_without_parameters():
    model = Sequential([Tanh()])
    assert model.numerical_gradient(np.ones((2, 3)), [0, 1]) == []
