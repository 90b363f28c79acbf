"""Central differences in one call: against NumPy's twin, and functions by address by hand."""

import numpy as np
import pytest
from epochs import ONLY, build
from in_turn import with_each
from numba import float64, int64
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels, reference, threads
from fastnet.kernels import (
    IDENTITY,
    MEAN_SQUARED_ERROR,
    RELU,
    SIGMOID,
    SOFTMAX_CROSS_ENTROPY,
    TANH,
)
from fastnet.kernels._compile import entry
from fastnet.kernels.loop.calls import LayerForward, Loss
from fastnet.kernels.loop.team import THREADS, WORDS
from fastnet.kernels.simd import get, pointer_at, put
from fastnet.reference.kernels.record import layers_of, program_of

EPS = 2.0**-52
TABLES = {
    "one layer": (5, (3, IDENTITY)),
    "one layer with an activation": (5, (3, SIGMOID)),
    "relu": (5, (16, RELU), (3, IDENTITY)),
    "three layers": (5, (17, TANH), (8, RELU), (3, SIGMOID)),
    "no bias": (5, (9, SIGMOID, "no bias"), (7, RELU), (3, IDENTITY, "no bias")),
    "activations": (5, (ONLY, TANH), (9, RELU), (ONLY, TANH), (3, IDENTITY), (ONLY, SIGMOID)),
    "many classes": (5, (4, TANH), (37, IDENTITY)),
    "deep sums": (300, (5, RELU), (3, IDENTITY)),
    "one output": (3, (4, SIGMOID), (1, TANH)),
}


def arrays_for(stack, n):
    """Return x, labels, targets, layers, params, and steps that differ."""
    layers, params = build(stack, np.float64)
    rng = np.random.default_rng(1)
    m = next(width for width, *_ in reversed(stack[1:]) if width != ONLY)
    return (
        rng.standard_normal((n, stack[0])),
        rng.integers(m, size=n),
        rng.random((n, m)),
        layers,
        params,
        rng.uniform(0.05, 0.2, params.size),
    )


def differences(module, loss, arrays, start, stop, members=1, member=0):
    x, labels, targets, layers, params, steps = (array.copy() for array in arrays)
    if loss == SOFTMAX_CROSS_ENTROPY:
        targets = np.empty((0, 0))
    else:
        labels = np.empty(0, np.int64)
    programs = program_of(layers, loss)
    described, size = programs.base.tobytes(), members * 2 * module.work_size(programs, len(x))
    work, grad = np.full(size + 16, np.nan), np.full(params.size, -7.25)
    work[size:] = -7.25  # which no function leaves as it is
    result = module.central_differences(
        x, labels, targets, params, programs, True, steps, start, stop, work[:size], grad,
        threads.ALONE, member,
    )  # fmt: skip
    assert result is None and (work[size:] == -7.25).all()
    for array, copy in zip((x, params, steps), (arrays[0], *arrays[4:]), strict=True):
        assert_array_equal(array, copy)
    assert programs.base.tobytes() == described
    assert (np.delete(grad, np.s_[start:stop]) == -7.25).all()
    return grad[start:stop]


@with_each("loss", [SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR])
@with_each("n", [1, 6, 33])
@with_each("table", TABLES)
def test_the_kernel_is_its_twin(table, n, loss):
    """Steps of 0.05 and more: what the order of operations changes is not blown up."""
    arrays = arrays_for(TABLES[table], n)
    size = arrays[4].size
    ours, theirs = (
        differences(module, loss, arrays, 0, size) for module in (kernels, reference.kernels)
    )
    # The softmax of one output is 1 whatever it is.
    assert (np.abs(theirs).max() > 1e-2) == (
        arrays[3]["outputs"][-1] > 1 or loss == MEAN_SQUARED_ERROR
    )
    terms = int(arrays[3]["inputs"].sum()) + arrays[3]["outputs"][-1]
    # Losses up to 8 or so, each of sums of so many terms, over 2h.
    assert_allclose(ours, theirs, rtol=0, atol=8 * terms * EPS / 0.1)
    for start, stop in ((0, 1), (3, 9), (size - 4, size), (5, 5)):
        part = differences(kernels, loss, arrays, start, stop)
        assert_array_equal(part, ours[start:stop])


def test_members_without_scratch_do_not_help():
    arrays = arrays_for(TABLES["relu"], 4)
    team = np.zeros(64, np.int64)
    team[0] = 2
    x, labels, _, layers, params, steps = arrays
    programs = program_of(layers)
    work, grad = np.empty(2 * kernels.work_size(programs, 4)), np.zeros(params.size)
    kernels.central_differences(
        x, labels, np.empty((0, 0)), params, programs, True, steps, 0, params.size, work, grad,
        team, 1,
    )  # fmt: skip
    assert not grad.any()


def test_nan_is_not_lost():
    arrays = arrays_for(TABLES["relu"], 4)
    arrays[0][1, 2] = np.nan
    for loss in (SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR):
        assert np.isnan(differences(kernels, loss, arrays, 0, 8)).all()


# Layers and losses by address, as `kernels.loop.calls` tells.


@entry(LayerForward)
def scale_forward(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
    """out = a * x + b where learning, and counts; a and b are one number each."""
    source, target = pointer_at(x, like), pointer_at(out, like)
    a, b = get(pointer_at(param, like), 0), get(pointer_at(param, like), 1)
    for i in range(n * d):
        put(target, i, a * get(source, i) + b if learn else 0.0)
    memory = pointer_at(state, like)
    put(memory, 0, get(memory, 0) + 1)
    return 0


@entry(Loss)
def fourth_powers(n, size, columns, y, targets, labels, rows, numbers, dx, losses, like):
    """The sum of (y - target)**4 of each row, weighted by its label and one number."""
    out, t, total = pointer_at(y, like), pointer_at(targets, like), pointer_at(losses, like)
    weights, samples = pointer_at(labels, int64(0)), pointer_at(rows, int64(0))
    factor = get(pointer_at(numbers, float64(0)), 0)
    for i in range(n):
        loss = 0.0
        for j in range(columns):
            loss += (get(out, i * columns + j) - get(t, get(samples, i) * columns + j)) ** 4
            put(pointer_at(dx, like), i * columns + j, np.nan)
        put(total, i, factor * get(weights, get(samples, i)) * loss)
    return 0


# Where the layer of two parameters stands: first, between, last.
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("members", [1, 2])
def test_layers_and_losses_by_address(place, members):
    n, rng = 5, np.random.default_rng(0)
    widths = [(4, 6), (6, 7)]
    widths.insert(place, (widths[place - 1][1] if place else 4,) * 2)
    rows, params, arrays, dtype = [], [], [], np.dtype("float64")
    for i, (d, m) in enumerate(widths):
        at = sum(map(len, params))
        if i == place:
            rows.append((d, m, at, -1, IDENTITY, scale_forward.address(dtype), 0, 2, 1))
            params.append(np.array([1.5, 0.25]))
        else:
            rows.append((d, m, at, at + d * m, TANH))
            arrays.append((rng.standard_normal((d, m)), rng.standard_normal(m)))
            params += [array.ravel() for array in arrays[-1]]
    params = np.concatenate(params)
    x, t, labels = rng.standard_normal((n, 4)), rng.random((n, 7)), np.arange(1, n + 1)
    state, number = np.zeros(2), np.array([3.0])
    programs = program_of(
        layers_of(rows), fourth_powers.address(dtype), loss_numbers=number, states=state
    )
    team = np.zeros(WORDS, np.int64)
    team[THREADS] = members  # of which one is there
    steps = rng.uniform(0.05, 0.2, params.size)
    grad = np.empty(params.size)
    work = np.full(members * 2 * kernels.work_size(programs, n), np.nan)
    kept = params.copy()
    kernels.central_differences(
        x, labels, t, params, programs, True, steps, 0, params.size, work, grad, team, 0
    )
    assert_array_equal(params, kept)
    assert state[0] == 0 and state[1] > 4  # of two losses of two parameters

    def f(p):
        y = x
        for i, (d, m) in enumerate(widths):
            part = p[rows[i][2] :]
            if i == place:
                y = part[0] * y + part[1]
            else:
                y = np.tanh(y @ part[: d * m].reshape(d, m) + part[d * m :][:m])
        return np.mean(3 * labels * np.sum((y - t) ** 4, axis=1))

    for i, h in enumerate(steps):
        e = h * (np.arange(params.size) == i)
        assert grad[i] == pytest.approx((f(params + e) - f(params - e)) / (2 * h), rel=1e-9)
