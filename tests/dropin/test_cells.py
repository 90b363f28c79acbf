"""The second book's LSTM and GRU of one step: what they leave behind, and who answers what.

test_who_answers.py compares their numbers, and lets either answer the next call.
"""

import copy
import importlib
import pickle

import numpy as np
import pytest
from books_classes import imported, on_kernels, own_of

from fastnet.dropin.cells import Kept
from fastnet.dropin.examples import EXAMPLES, alike, outcome

ROWS, D, H = 3, 5, 4
GATES = {"LSTM": 4, "GRU": 3}
cells = pytest.mark.parametrize("name", GATES)


class Plain(np.ndarray):
    """A subclass, which no kernel takes."""


def made(kind, name, dtype=np.float32):
    rng, m = np.random.default_rng(0), GATES[name] * H
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in ((D, m), (H, m), m)]
    return kind(*arrays)


def inputs(name, dtype=np.float32):
    """Return x and the states before; without x also the gradients of the states after."""
    rng, states = np.random.default_rng(1), 2 if name == "LSTM" else 1
    return [rng.standard_normal((ROWS, n)).astype(dtype) for n in (D, *[H] * states)]


@pytest.fixture
def kinds(root, monkeypatch, name):
    """Return the class on kernels, and the same with the script's own methods."""
    with imported(root / "tests" / "dropin" / "second", monkeypatch, True):
        kind = getattr(importlib.import_module("common.time_layers"), name)
        outcome(EXAMPLES[name], kind)  # kernels come at the first call
        assert on_kernels(kind).keys() == {"forward", "backward"}
        yield kind, own_of(kind)


@cells
def test_the_cache_is_the_scripts_own(name, kinds):
    given, caches = inputs(name), []
    for kind in kinds:
        cell = made(kind, name)
        cell.forward(*given)
        caches.append(cell.cache)
        for kept, array in zip(cell.cache, given, strict=False):
            assert kept is array  # by reference, as in the book
    assert type(caches[0]) is Kept and type(caches[1]) is tuple
    assert alike(caches[1], caches[0])


@cells
def test_a_second_backward_a_copy_and_a_pickle_go_by_the_cache(name, kinds):
    _, *states = given = inputs(name)
    cell, own = (made(kind, name) for kind in kinds)
    cell.forward(*given)
    own.forward(*given)
    copied, restored = copy.deepcopy(cell), pickle.loads(pickle.dumps(vars(cell)))
    assert type(copied.cache) is type(restored["cache"]) is tuple
    expected = own.backward(*states)
    assert alike(expected, cell.backward(*states)) and alike(own.grads, cell.grads)
    cache = copy.deepcopy(tuple(cell.cache))
    assert alike(expected, cell.backward(*states)) and alike(cache, tuple(cell.cache))
    assert alike(expected, copied.backward(*states)) and alike(own.grads, copied.grads)


@cells
def test_the_next_step_works_where_the_last_one_did_and_returns_new_arrays(name, kinds):
    x, *states = inputs(name)
    cell, own = (made(kind, name) for kind in kinds)
    found = []
    for factor in (1, 2, 3):
        given = [np.float32(factor) * array for array in (x, *states)]
        expected, ours = own.forward(*given), cell.forward(*given)
        assert alike(expected, ours)
        found.append((expected, ours, own.backward(*states), cell.backward(*states)))
        assert alike(own.grads, cell.grads)
    for expected, ours, back, ours_back in found:  # none was overwritten by what followed
        assert alike(expected, ours) and alike(back, ours_back)


@cells
def test_a_shallow_copy_goes_back_by_its_own_step(name, kinds):
    x, *states = given = inputs(name)
    cell, own = (made(kind, name) for kind in kinds)
    cell.forward(*given)
    own.forward(*given)
    twin = copy.copy(cell)
    cell.forward(2 * x, *states)
    assert alike(own.backward(*states), twin.backward(*states))


UNUSUAL = [
    lambda x, *states: (x.astype(float), *states),
    lambda x, *states: (x.view(Plain), *states),
    lambda x, *states: (x[:, :2], *states),
    lambda x, *states: (x[:0], *[state[:0] for state in states]),
    lambda x, *states: (x, *[state[:1] for state in states]),
    lambda x, *states: (x[0], *states),
    lambda x, *states: (x.astype(int), *states),
]


def answer(method, *arguments):
    """Return what a call gives, an error as its type and text."""
    try:
        return method(*arguments)
    except Exception as error:
        return type(error), str(error)


@cells
@pytest.mark.parametrize("unusual", UNUSUAL)
def test_what_no_kernel_takes_is_the_scripts_own(name, unusual, kinds):
    cell, own = (made(kind, name) for kind in kinds)
    given = unusual(*inputs(name))
    assert alike(answer(own.forward, *given), answer(cell.forward, *given))
    assert type(getattr(cell, "cache", None)) is not Kept


@cells
def test_a_gradient_that_no_kernel_takes_is_the_scripts_own(name, kinds):
    _, *states = given = inputs(name)
    for unusual in (
        [state.astype(float) for state in states],
        [state.view(Plain) for state in states],
        [*states[:-1], np.float32(0)],  # the book begins with 0
        [state[:1] for state in states],
    ):
        cell, own = (made(kind, name) for kind in kinds)
        cell.forward(*given)
        own.forward(*given)
        expected, found = answer(own.backward, *unusual), answer(cell.backward, *unusual)
        if type(expected[0]) is type:
            assert found == expected
            continue
        for ours, theirs in zip((*found, *cell.grads), (*expected, *own.grads), strict=True):
            assert type(ours) is type(theirs) and ours.dtype == theirs.dtype
            # What the kernel has put into the cache is rounded in float32.
            np.testing.assert_allclose(ours, theirs, 1e-5, 1e-6)


@cells
def test_gradients_that_kernels_cannot_write_are_copied_into(name, kinds):
    _, *states = given = inputs(name)
    cell, own = (made(kind, name) for kind in kinds)
    kept = cell.grads[:] = [np.zeros(grad.shape) for grad in cell.grads]  # float64
    cell.forward(*given)
    own.forward(*given)
    cell.backward(*states)
    own.backward(*states)
    assert all(grad is array for grad, array in zip(cell.grads, kept, strict=True))
    assert alike(own.grads, [grad.astype(np.float32) for grad in cell.grads])
