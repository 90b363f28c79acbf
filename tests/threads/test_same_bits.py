"""The same bits for any number of threads, however a batch is cut."""

import time

import numba
import numpy as np
import pytest
from in_turn import every_dtype_name
from numpy.testing import assert_array_equal
from thread_stacks import STACKS, assert_same, network, results

import fastnet
from fastnet import threads
from fastnet.kernels.loop import blocks as loop_blocks
from fastnet.kernels.loop.team import HELPED, THREADS, TICKET
from fastnet.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Conv2D,
    Dense,
    Flatten,
    SimpleRNN,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam

every_stack = pytest.mark.parametrize("stack", STACKS)
every_loss = pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])


@every_loss
@every_stack
@every_dtype_name
def test_the_same_bits_for_any_number_of_threads(stack, dtype, loss, teams):
    fastnet.set_num_threads(1)
    expected = results(stack, dtype, loss)
    assert not teams
    for n in (2, 4):
        fastnet.set_num_threads(n)
        assert_same(results(stack, dtype, loss), expected)
        assert {int(team[THREADS]) for team in teams} == {n}
        teams.clear()


@pytest.mark.parametrize("batch_size", [1, 15, 31, 32, 33, 47, 64, 230])
@every_stack
def test_the_same_bits_however_a_batch_is_cut(stack, batch_size, monkeypatch):
    """Without helpers the caller does all tasks of a team itself, so the cuts alone are tested."""
    fastnet.set_num_threads(1)
    expected = results(stack, batch_size=batch_size, epochs=1)
    monkeypatch.setattr(threads, "_wake", lambda *_: None)
    for n in (2, 3, 4, 7, 16):
        fastnet.set_num_threads(n)
        assert_same(results(stack, batch_size=batch_size, epochs=1), expected)


@every_dtype_name
def test_the_same_bits_of_one_output_of_many_inputs(dtype, monkeypatch):
    """Its W is a row of the transpose, whose bits depend on where it is cut."""
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((100, 1025)).astype(dtype), rng.standard_normal(100)
    monkeypatch.setattr(threads, "_wake", lambda *_: None)
    found = []
    for n in (1, 2, 3, 7):
        fastnet.set_num_threads(n)
        model = Sequential([Dense(1)], "mean_squared_error", dtype, seed=0)
        model.fit(x, t, 20, 100, SGD(0.05), verbose=0)
        found.append(model.parameter_vector)
    for parameters in found[1:]:
        assert_array_equal(parameters, found[0])


# Shape of a sample -> layers whose weights have rows enough to be cut.
CUT = {
    "SimpleRNN": ((4, 50), lambda: [SimpleRNN(40)]),
    "LSTM": ((4, 50), lambda: [LSTM(40, return_sequences=True), LSTM(33)]),
    "GRU": ((4, 50), lambda: [Bidirectional(GRU(40))]),
    "Conv1D": ((9, 20), lambda: [Conv1D(40, 3), Flatten()]),
    "Conv2D": ((7, 8, 20), lambda: [Conv2D(40, 3, activation="relu"), Flatten()]),
    "channels apart": ((7, 8, 40), lambda: [Conv2D(80, 3, groups=40), Flatten()]),
    "BatchNormalization": ((50,), lambda: [BatchNormalization()]),
}


@pytest.mark.parametrize("optimizer", [SGD, Adam])
@pytest.mark.parametrize("name", CUT)
def test_the_same_bits_of_layers_whose_weights_are_cut(name, optimizer, monkeypatch):
    shape, layers = CUT[name]
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((100, *shape)).astype(np.float32), rng.integers(3, size=100)
    monkeypatch.setattr(threads, "_wake", lambda *_: None)
    found = []
    for n in (1, 2, 3, 7):
        fastnet.set_num_threads(n)
        model = Sequential([*layers(), Dense(3)], seed=0)
        model.fit(x, t, 2, 50, optimizer(0.01), verbose=0)
        found.append(model.parameter_vector)
    for parameters in found[1:]:
        assert_array_equal(parameters, found[0])


@numba.njit
def cut(row, size, unit):
    return loop_blocks.cut(row, size, unit)


@numba.njit
def row_block(block, blocks, n):
    return loop_blocks.row_block(block, blocks, n)


def test_no_piece_is_low():
    """Fewer than 16 rows may be summed in another order."""
    for size in [*range(1, 70), 100, 784, 1000]:
        for unit in (8, 16):
            cuts = {cut(row, size, unit) for row in range(-3, size + 3)}
            assert {0, size} <= cuts and (size < 32 or len(cuts) > 2)
            inner = cuts - {0, size}
            assert all(c % unit == 0 and 16 <= c <= size - 16 for c in inner)
        for blocks in range(1, max(1, size // 16) + 1):
            starts, counts = zip(*(row_block(b, blocks, size) for b in range(blocks)), strict=True)
            assert starts == (0, *np.cumsum(counts)[:-1]) and sum(counts) == size
            assert blocks == 1 or min(counts) >= 16


@pytest.mark.parametrize("n", [2, 4])
def test_helpers_help(n, teams):
    """Until they have done a good part of the tasks, on a machine of one core or many."""
    fastnet.set_num_threads(1)
    expected = results("784-50-10", epochs=30)
    fastnet.set_num_threads(n)
    end = time.monotonic() + 60
    while sum(int(team[HELPED]) for team in teams) < 100:
        assert time.monotonic() < end, "nobody helped"
        assert_same(results("784-50-10", epochs=30), expected)


def test_a_loss_that_is_not_finite_stops_all(teams):
    x, t = np.ones((300, 784), "float32"), np.zeros(300, np.int64)
    x[250] = np.nan
    weights = []
    for n in (1, 4):
        fastnet.set_num_threads(n)
        model = network("784-50-10")
        with pytest.raises(FloatingPointError, match=r"x must be finite, got x\[250, 0\]=nan"):
            model.fit(x, t, batch_size=100, shuffle=False, verbose=0)
        weights.append(model.parameter_vector)
        assert np.isfinite(weights[-1]).all()
    assert_array_equal(*weights)
    assert all(team[TICKET] == -1 for team in teams)
