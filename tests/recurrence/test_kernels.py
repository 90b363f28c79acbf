"""The recurrent kernels: against their twins, central differences and PyTorch."""

import copy
import itertools

import numpy as np
import pytest
from differences import central_difference
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal
from recurrences import KINDS, Case

from fastnet import kernels
from fastnet.reference import kernels as reference

# Sequences, steps, features, units: one of each, fewer units than a vector has lanes, one more and
# one less than such, more rows than go through a step together, more units than one panel's depth.
SIZES = [
    (1, 1, 1, 1),
    (1, 5, 3, 7),
    (2, 1, 5, 8),
    (3, 4, 17, 20),
    (20, 3, 10, 33),
    (57, 2, 5, 15),
    (1, 3, 30, 130),
    (5, 2, 290, 300),
]


@every_dtype
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_kernels_equal_the_reference(kind, size, dtype):
    for starts, reverse, last in itertools.product((False, True), repeat=3):
        ours = Case(kind, size, dtype, starts, reverse, last).run(kernels)
        wide = Case(kind, size, dtype, starts, reverse, last)
        for name in ("x", "b", "dout"):
            setattr(wide, name, getattr(wide, name).astype(np.float64))
        for name in ("weights", "states", "dc", "rooms"):
            setattr(wide, name, [a.astype(np.float64) for a in getattr(wide, name)])
        exact = wide.run(reference)
        n, steps, d, h = size
        # Of sums of so many terms, at each step; errors grow by about the norm of Wh, 1 at most.
        terms = 8 * (steps + 1) * (d + 4 * h + n * steps + 8)
        for result, wanted in zip(ours, exact, strict=True):
            assert result.dtype == dtype
            bound = terms * np.finfo(dtype).eps * (1 + np.abs(wanted).max())
            assert_allclose(result, wanted, rtol=0, atol=bound)


@with_each("kind", KINDS)
@with_each("reverse", [False, True])
def test_gradients_equal_central_differences(kind, reverse):
    case = Case(kind, (2, 3, 2, 3), np.float64, reverse=reverse, seed=3)
    found = case.run(kernels)

    def loss():
        results = case.run(kernels)
        total = np.sum(results[0] * case.dout)
        return total + (np.sum(results[2] * case.dc[0]) if case.dc else 0)

    grads = found[1 + len(case.states) :]
    for array, grad in zip([*case.states, case.x, *case.weights, case.b], grads, strict=True):
        slopes = central_difference(loss, array, 1e-6)
        assert_allclose(grad, slopes, rtol=1e-6, atol=1e-9)
        assert np.abs(grad).max() > 1e-3


@every_dtype
@with_each("kind", KINDS)
def test_rows_do_not_depend_on_others(kind, dtype):
    """The bits of a sequence are the same alone and among others."""
    whole = Case(kind, (70, 3, 21, 37), dtype)
    part = copy.deepcopy(whole)
    rows = slice(3, 12)
    for name in ("x", "dout"):
        setattr(part, name, np.ascontiguousarray(getattr(part, name)[rows]))
    for name in ("states", "dc"):
        setattr(part, name, [np.ascontiguousarray(a[rows]) for a in getattr(part, name)])
    count = 1 + 2 * len(whole.states) + 1  # all but the gradients of weights
    for ours, alone in zip(whole.run(kernels)[:count], part.run(kernels)[:count], strict=True):
        assert_array_equal(ours[rows], alone)


@every_dtype
@with_each("kind", KINDS)
def test_steps_one_by_one_have_the_bits_of_a_sequence(kind, dtype):
    """One step of one sequence reads the weights where they stand, in strips that end anywhere."""
    for units in (1, 37, 130):
        whole = Case(kind, (1, 3, 21, units), dtype)
        expected, states = whole.run(kernels)[0], [s.copy() for s in whole.states]
        forward, out = getattr(kernels, f"{whole.name}_forward"), np.empty((1, 1, units), dtype)
        for t in range(3):
            x = np.ascontiguousarray(whole.x[:, t : t + 1])
            forward(x, *whole.weights, whole.b, *states, *whole.settings, *whole.rooms, out)
            assert_array_equal(out[:, 0], expected[:, t])


@pytest.mark.parametrize("kind", ["lstm", "gru", "reset_after_gru", "rnn"])
def test_nan_and_infinity_stay_in_their_row(kind):
    case = Case(kind, (3, 2, 4, 5), np.float32)
    case.x[0, 0, 0], case.x[1, 1, 1] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        out, plain = case.run(kernels)[0], case.run(reference)[0]
    assert_array_equal(np.isnan(out), np.isnan(plain))
    assert np.isnan(out[0]).all() and np.isfinite(out[1, 0]).all() and np.isfinite(out[2]).all()


def test_with_pytorch():
    torch = pytest.importorskip("torch")
    n, steps, d, h = 4, 6, 5, 7
    for kind, name in (("rnn", "RNN"), ("lstm keras", "LSTM"), ("reset_after_gru", "GRU")):
        case = Case(kind, (n, steps, d, h), np.float64)
        module = getattr(torch.nn, name)(d, h, batch_first=True, dtype=torch.float64)
        gates = case.weights[0].shape[1] // h

        def turned(array, gates=gates, name=name):
            # PyTorch has r before z.
            parts = np.split(np.asarray(array), gates, axis=-1)
            if name == "GRU":
                parts = [parts[1], parts[0], parts[2]]
            return np.concatenate(parts, axis=-1).T.copy()

        biases = case.b if case.b.ndim == 2 else [case.b, 0 * case.b]
        with torch.no_grad():
            for own, array in zip(module.parameters(), [*case.weights, *biases], strict=True):
                own[...] = torch.tensor(turned(array))
        x = torch.tensor(case.x, requires_grad=True)
        states = [torch.tensor(s, requires_grad=True) for s in case.states]
        given = tuple(s[None] for s in states)
        out, after = module(x, given if len(given) == 2 else given[0])
        loss = (out * torch.tensor(case.dout)).sum()
        if case.dc:
            loss = loss + (after[1][0] * torch.tensor(case.dc[0])).sum()
        loss.backward()
        found = case.run(kernels)
        assert_allclose(found[0], out.detach().numpy(), rtol=1e-12, atol=1e-14)
        results = found[1 + len(states) :]
        wanted = [*[s.grad.numpy() for s in states], x.grad.numpy()]
        for result, grad in zip(results, wanted, strict=False):
            assert_allclose(result, grad, rtol=1e-12, atol=1e-13)
        parameters = [p.grad.numpy() for p in module.parameters()]
        results = results[len(states) + 1 :]
        if case.b.ndim == 2:
            results = [*results[:2], *results[2]]
        for result, grad in zip(results, parameters, strict=False):
            assert_allclose(turned(result), grad, rtol=1e-12, atol=1e-13)
