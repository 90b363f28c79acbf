"""All optimizers: 100 steps beside the reference and PyTorch, and their numbers and states."""

import importlib

import numpy as np
import pytest
from in_turn import every_dtype
from numpy.testing import assert_array_equal
from optimizers import (
    OPTIONS,
    SHAPES,
    STATES,
    both,
    copies,
    every_optimizer,
    every_option,
    gradient,
    pairs,
)

from fastnet import optimizer


@every_optimizer
@every_option
@every_dtype
def test_100_steps_have_the_bits_of_the_reference(name, options, dtype, rng):
    ours, twin = both(name, options)
    theirs, _ = pairs(rng, dtype)
    in_a_list = copies(theirs)
    held = list(in_a_list)
    in_a_dict = {f"W{i}": param.copy() for i, param in enumerate(theirs)}
    second, _ = both(name, options)
    start = copies(theirs)
    # The twin gets vectors: before NumPy 2 a float32 without an axis times 0.1 is a float64.
    theirs = [np.atleast_1d(param) for param in theirs]
    for _ in range(100):
        grads = [gradient(rng, param.shape, dtype) for param in start]
        kept = copies(grads)
        ours.update(in_a_list, grads)
        second.update(in_a_dict, {f"W{i}": grad for i, grad in enumerate(grads)} | {"more": None})
        twin.update(theirs, [np.atleast_1d(grad) for grad in grads])
        for grad, before in zip(grads, kept, strict=True):
            assert_array_equal(grad, before)
    for i, wanted in enumerate(theirs):
        assert in_a_list[i] is held[i]
        assert_array_equal(in_a_list[i], wanted)
        assert_array_equal(in_a_dict[f"W{i}"], wanted)
        assert wanted.size == 0 or not np.array_equal(wanted, start[i])
        for state in STATES[name]:
            assert type(getattr(ours, state)) is list and type(getattr(second, state)) is dict
            assert getattr(ours, state)[i].dtype == dtype
            assert_array_equal(getattr(ours, state)[i], getattr(twin, state)[i])
            assert_array_equal(getattr(second, state)[f"W{i}"], getattr(twin, state)[i])
    assert ours.iter == second.iter == twin.iter == 100


# Ours -> PyTorch's, where it has one, with the numbers that make the rules the same. Adam's eps is
# another one there, and the beta1 of PyTorch's NAdam grows for 1 / momentum_decay updates.
PYTORCH = {
    "SGD": ({"lr": 0.1}, "SGD", {}),
    "Momentum": ({"lr": 0.1, "momentum": 0.8}, "SGD", {"momentum": 0.8}),
    "Nesterov": ({"lr": 0.1, "momentum": 0.8}, "SGD", {"momentum": 0.8, "nesterov": True}),
    "AdaGrad": ({"lr": 0.1}, "Adagrad", {"eps": 1e-7}),
    "RMSprop": ({"lr": 0.1, "decay_rate": 0.9}, "RMSprop", {"alpha": 0.9, "eps": 1e-7}),
    "AdaDelta": ({"lr": 0.5}, "Adadelta", {"rho": 0.95, "eps": 1e-6}),
    "Adam": ({"lr": 0.1, "eps": 0.0}, "Adam", {"eps": 0.0}),
    "Nadam": ({"lr": 0.1}, "NAdam", {"momentum_decay": 1e9, "eps": 1e-8}),
    "AdamW": ({"lr": 0.1}, "AdamW", {"eps": 1e-8}),
}


@pytest.mark.parametrize("name", PYTORCH)
@every_option
def test_100_steps_beside_pytorch(name, options, rng, monkeypatch):
    torch = pytest.importorskip("torch")
    # NAdam keeps a product of betas in the default dtype.
    module = importlib.import_module("torch.optim.nadam")
    monkeypatch.setattr(module, "_get_scalar_dtype", lambda: torch.float64)
    mine, theirs, numbers = PYTORCH[name]
    limits = dict(OPTIONS[options]) or {"weight_decay": 0.0}
    ours = getattr(optimizer, name)(**mine, **limits)
    params = [rng.standard_normal(shape) for shape in SHAPES]
    tensors = [torch.tensor(param) for param in params]
    kind = getattr(torch.optim, theirs)
    twin = kind(tensors, lr=mine["lr"], weight_decay=limits["weight_decay"], **numbers)
    for _ in range(100):
        grads = [3 * rng.standard_normal(shape) for shape in SHAPES]
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = torch.tensor(grad)
        if "clip_norm" in limits:
            torch.nn.utils.clip_grad_norm_(tensors, limits["clip_norm"])
            torch.nn.utils.clip_grad_value_(tensors, limits["clip_value"])
        ours.update(params, grads)
        twin.step()
    for param, tensor in zip(params, tensors, strict=True):
        # Ten roundings a step, each of at most half an ulp of a number below 32.
        assert abs(param).max() < 32
        assert abs(param - tensor.numpy()).max() <= 100 * 10 * 16 * 2**-53


def test_nesterov_in_the_order_of_the_first_book():
    W, ours = np.ones(1), optimizer.Nesterov(lr=0.1, momentum=0.9)
    for _ in range(3):
        ours.update({"W": W}, {"W": np.ones(1)})
    assert W[0] == pytest.approx(0.1951, rel=1e-14)


@every_optimizer
def test_numbers_are_read_at_every_update(name, rng):
    ours, twin = both(name)
    params, _ = pairs(rng)
    theirs = copies(params)
    changes = {"lr": 0.5, "weight_decay": 0.1, "clip_value": 1.5, "clip_norm": 3.0, "eps": 1e-3}
    changes |= {"momentum": 0.5, "decay_rate": 0.5, "beta1": 0.5, "beta2": 0.25}
    for number, value in [(None, None), *changes.items()]:
        if hasattr(ours, str(number)):
            setattr(ours, number, value)
            setattr(twin, number, value)
        grads = [gradient(rng, param.shape) for param in params]
        ours.update(params, grads)
        before = copies(theirs)
        twin.update(theirs, grads)
        assert_array_equal(params[3], theirs[3])
        assert (theirs[3] != before[3]).all()


def test_a_number_in_an_array_is_read_anew():
    W, lr = np.zeros(3), np.array(1.0)
    momentum = optimizer.Momentum(lr, momentum=0)
    momentum.update([W], [np.ones(3)])
    lr[...] = 10
    momentum.update([W], [np.ones(3)])
    assert_array_equal(W, -11)


def test_a_large_number_is_checked_in_the_dtype_of_each_parameter():
    for name in ("lr", "eps"):
        ours = optimizer.Adam(**{name: 1e39})
        ours.update([np.ones(3)], [np.ones(3)])
        ours.m = ours.v = None  # those of other parameters
        single = np.ones(3, np.float32)
        with pytest.raises(
            ValueError, match=rf"^Adam\.update: {name} must be finite in float32, got 1e\+39"
        ):
            ours.update([single], [single])
        assert_array_equal(single, 1)


@every_optimizer
def test_a_schedule_of_the_learning_rate(name, rng):
    ours, _ = both(name, lr=lambda step: 0.5 / (1 + step))
    plain, _ = both(name)
    params, _ = pairs(rng)
    theirs = copies(params)
    for step in range(4):
        _, grads = pairs(rng)
        ours.update(params, grads)
        plain.lr = 0.5 / (1 + step)
        plain.update(theirs, grads)
    for param, wanted in zip(params, theirs, strict=True):
        assert_array_equal(param, wanted)


@every_optimizer
def test_states_are_kept_by_key(name, rng):
    """Whatever the order of the keys, and where some come later."""
    ours, _ = both(name)
    apart = {key: both(name)[0] for key in "abc"}
    params = {key: rng.standard_normal(5) for key in "abc"}
    expected = copies(params)
    for keys in ("a", "cb", "bac", "b"):
        grads = {key: rng.standard_normal(5) for key in "abc"}
        ours.update({key: params[key] for key in keys}, grads)
        for key in keys:
            apart[key].iter = ours.iter - 1
            apart[key].update([expected[key]], [grads[key]])
    for key in "abc":
        assert_array_equal(params[key], expected[key])
        for state in STATES[name]:
            assert_array_equal(getattr(ours, state)[key], getattr(apart[key], state)[0])


@every_optimizer
def test_a_list_may_grow(name, rng):
    ours, apart = both(name)[0], [both(name)[0] for _ in range(2)]
    params = [rng.standard_normal(4) for _ in range(2)]
    expected = copies(params)
    for count in (1, 2, 1):
        grads = [rng.standard_normal(4) for _ in range(2)]
        ours.update(params[:count], grads[:count])
        for i in range(count):
            apart[i].iter = ours.iter - 1
            apart[i].update([expected[i]], [grads[i]])
    assert_array_equal(params, expected)
