"""Optimizers in the place of the books': parameters, states, and what NumPy takes."""

import numpy as np
import pytest
from books_classes import OPTIMIZERS, B, W, X, held, on_kernels, own_of, same
from numpy.testing import assert_allclose, assert_array_equal


def test_sgd_of_the_first(first):
    w, b = W.copy(), B.astype("f4")
    optimizer = first.optimizer.SGD(lr=0.5)
    params, grads = {"W": w, "b": b, "c": 2.0}, {"W": W, "b": B, "c": 3.0, "extra": None}
    optimizer.update(params, grads)
    assert params["W"] is w and params["b"] is b
    assert_allclose(w, 0.5 * W, 1e-15)
    assert_allclose(b, 0.5 * B, 1e-6)
    assert params["c"] == 0.5
    optimizer.lr = 1
    optimizer.update({"W": w}, {"W": W})
    assert_allclose(w, -0.5 * W, 1e-15)
    with pytest.raises(KeyError):
        optimizer.update({"W": w, "b": B}, {"W": W})


def test_sgd_of_the_second(second):
    arrays = [W.copy(), B.copy(), W.T.copy(), np.asfortranarray(W)]
    optimizer = second.optimizer.SGD(lr=0.5)
    params = list(arrays)
    for lr in (0.5, 0.25):
        optimizer.lr = lr  # reassigned between epochs
        before = [array.copy() for array in arrays]
        optimizer.update(params, [np.ones_like(array) for array in arrays])
        for now, array, old in zip(params, arrays, before, strict=True):
            assert now is array
            assert_allclose(array, old - lr, 1e-14)
    w = W.copy()
    optimizer.update([w, w], [W, W])  # it stands there twice, and learns twice
    assert_allclose(w, 0.5 * W, 1e-14, 1e-15)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_optimizers(either, name, dtype, monkeypatch):
    """Six updates give the numbers, the state and the containers of the script's own class."""
    kind = getattr(either.optimizer, name)
    own = own_of(kind)(0.05)
    arrays = [array.astype(dtype) for array in (W, B, X[:, :4].T, np.zeros((3, 2, 2)))]
    arrays[2:3] = [arrays[2].copy()]
    params, expected = (held(either.edition, [a.copy() for a in arrays]) for _ in "ab")
    arrays = list(params.values()) if either.edition == "first" else list(params)
    calls = []
    if either.ours:
        update = on_kernels(kind)["update"]
        count = lambda self, *args: calls.append(self) or update(self, *args)  # noqa: E731
        monkeypatch.setitem(kind.update.__kwdefaults__, "own", count)
    optimizer, rng = kind(0.05), np.random.default_rng(2)
    for step in range(6):
        if step == 3:
            optimizer.lr = own.lr = 0.02  # between epochs
        grads = [rng.standard_normal(array.shape).astype(dtype) for array in arrays]
        grads = [*grads, "of a parameter that is not learned"]
        optimizer.update(params, held(either.edition, grads))
        own.update(expected, held(either.edition, grads))
        close = 1e-12 if dtype == "f8" else 2e-6
        same(params, expected, close)
        same(vars(optimizer), vars(own), close)
    assert sum(self is optimizer for self in calls) == (either.ours and name != "SGD")
    now = params.values() if either.edition == "first" else params
    assert all(a is b for a, b in zip(now, arrays, strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_take_what_numpy_takes(either, name):
    kind = getattr(either.optimizer, name)
    shared = np.linspace(1, 2, 12)
    turned = np.asfortranarray(W)
    for param, grad, lr in (
        (7.0, 3.0, 0.1),  # numbers, which are replaced
        (W.astype("f4"), W, 0.1),  # a gradient that is wider
        (W.copy(), W.astype("f4"), 0.1),
        (turned, turned, 0.1),
        (W.T.copy().T, W, 0.1),
        (W.copy(), 2 * W, 1),
        (W.copy(), 2 * W, np.float64(0.1)),
        (W.astype("f4"), W.astype("f4"), np.float64(0.1)),
        (W.copy(), B.copy(), 0.1),
        (W.copy(), 2 * W, float("nan")),
        (W.copy(), 2 * W, np.array([0.1, 0.2, 0.3])),
        (shared[2:10], shared[:8], 0.1),  # the gradient is read before it is written
        (W.copy(), np.broadcast_to(B, W.shape), 0.1),
        (W.copy(), np.float64(2.0), 0.1),
        (np.zeros((0, 3)), np.zeros((0, 3)), 0.1),
        (np.array(3.0), np.array(2.0), 0.1),
    ):
        found = []
        for optimizer in (kind(lr), own_of(kind)(lr)):
            own, layout = copy_of(param, grad)
            params, grads = held(either.edition, [own]), held(either.edition, [layout])
            for _ in range(4):
                optimizer.update(params, grads)
            found.append((params, vars(optimizer)))
        same(*found, 2e-6 if np.float32 in (getattr(param, "dtype", 0),) else 1e-12)


def copy_of(param, grad):
    """Copy two arrays with their layouts, and with the memory that they share."""
    if not isinstance(param, np.ndarray) or not np.may_share_memory(param, grad):
        return [a.copy("K") if isinstance(a, np.ndarray) else a for a in (param, grad)]
    if param is grad:
        return [param.copy("K")] * 2
    base = param.base.copy()
    return base[2:10], base[:8]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_missing_gradient_is_an_error(either, name):
    optimizer = getattr(either.optimizer, name)()
    w = W.copy()
    params, grads = held(either.edition, [w, B.copy()]), held(either.edition, [W, B])
    optimizer.update(params, grads)
    missing, before = {"W": W} if either.edition == "first" else [W], w.copy()
    with pytest.raises(KeyError if either.edition == "first" else IndexError):
        optimizer.update(params, missing)
    assert not np.array_equal(w, before)  # as far as NumPy came
    if name == "SGD":
        return
    optimizer = type(optimizer)()
    optimizer.update(held(either.edition, [w]), grads)
    before = w.copy()
    with pytest.raises(KeyError if either.edition == "first" else IndexError):
        optimizer.update(params, grads)  # of the second there is no state
    assert not np.array_equal(w, before)


def test_momentum_makes_v_anew(either):
    optimizer = either.optimizer.Momentum(0.1)
    key = "W" if either.edition == "first" else 0
    params, grads = held(either.edition, [W.copy()]), held(either.edition, [W])
    for _ in range(3):
        optimizer.update(params, grads)
        v, before = optimizer.v[key], optimizer.v[key].copy()
        optimizer.update(params, grads)
        assert optimizer.v[key] is not v
        assert_array_equal(v, before)


def test_three_unit_steps_of_nesterov(either):
    """Which tell the books apart, as a number, and with a state that the kernels go on with."""
    param = np.ones(1)
    optimizer = either.optimizer.Nesterov(0.1)
    for _ in range(3):
        optimizer.update(held(either.edition, [param]), held(either.edition, [np.ones(1)]))
    assert param[0] == pytest.approx(0.1951 if either.edition == "first" else -0.02441, abs=1e-9)
