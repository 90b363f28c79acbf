"""Optimizers as kernels: NumPy's bits, and nothing else written."""

import inspect
import math

import numpy as np
import pytest
from by_address import call
from in_turn import every_dtype, with_each
from numpy.testing import assert_array_equal

from fastnet import kernels, optimizer
from fastnet.kernels import sgd_update
from fastnet.optimizer import Optimizer
from fastnet.reference import kernels as reference

SENTINEL = -7.25


def updated(grad, lr, param):
    """Return the new param, computed in the middle of a buffer of sentinels."""
    buffer = np.full(param.size + 80, SENTINEL, param.dtype)
    inside = buffer[40 : 40 + param.size].reshape(param.shape)
    inside[...] = param
    kept = grad.copy()
    assert sgd_update(grad, param.dtype.type(lr), inside) is None
    assert_array_equal(buffer[:40], SENTINEL)
    assert_array_equal(buffer[-40:], SENTINEL)
    assert_array_equal(grad, kept)
    return inside


def expected(grad, lr, param):
    param = param.copy()
    with np.errstate(invalid="ignore"):
        reference.sgd_update(grad, param.dtype.type(lr), param)
    return param


@with_each("size", [*range(18), 31, 32, 33, 64, 65, 10_001])
@pytest.mark.parametrize("lr", [0.1, -3.7, 0.0])
@every_dtype
def test_sgd(size, lr, dtype):
    rng = np.random.default_rng(size)
    grad, param = rng.standard_normal((2, size)).astype(dtype)
    assert_array_equal(updated(grad, lr, param), expected(grad, lr, param))


@every_dtype
def test_sgd_of_any_shape(dtype):
    rng = np.random.default_rng(0)
    for shape in ((4, 5), (2, 3, 7), (), (0, 3), (1, 1)):
        grad, param = rng.standard_normal((2, *shape)).astype(dtype)
        grad, param = np.asarray(grad), np.asarray(param)
        assert_array_equal(updated(grad, 0.3, param), expected(grad, 0.3, param))


@every_dtype
def test_sgd_edges(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -7 * tiny, 1.0], dtype)
    grad, param = (grid.ravel() for grid in np.meshgrid(values, values))
    for lr in (0.5, 1.0):
        assert_array_equal(updated(grad, lr, param), expected(grad, lr, param))
    assert_array_equal(updated(values[5:6], 1.0, values[6:7]), -8 * tiny)  # not flushed


@every_dtype
def test_sgd_rounds_the_product_first(dtype):
    """(1 + eps) * (1 - eps) rounds to 1; a fused update would leave eps**2."""
    eps = np.finfo(dtype).eps
    grad, param = np.full(5, 1 + eps, dtype), np.ones(5, dtype)
    assert_array_equal(updated(grad, 1 - eps, param), 0.0)


# --------------------------------------------------------------------------- all other rules

KINDS = {
    name.lower(): kind
    for name, kind in vars(optimizer).items()
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer
}
# Rule -> the numbers of its own, as they are by default, and how many state arrays it keeps.
RULES = {
    rule: ([getattr(kind(), name) for name in kind()._names[:-3]], len(kind.state_names))
    for rule, kind in KINDS.items()
}
# Weight decay, clip_value, scale: what is neither clipped nor decayed; and all of it.
LIMITS = {"plain": (0.0, math.inf, 1.0), "limited": (0.01, 0.7, 0.9)}

every_rule = pytest.mark.parametrize("rule", RULES)
every_limit = pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)


def update(side, rule, limits, t, grad, state, param):
    """Call the update kernel of a rule; state is a matrix, a row an array."""
    kernel = getattr(side, KINDS[rule].kernel.__name__)
    count = [t] if "t" in inspect.signature(kernel).parameters else []
    with np.errstate(all="ignore"):
        assert kernel(grad, *RULES[rule][0], *limits, *count, *state, param) is None


def arrays(rule, size, dtype):
    """Return param and zeros for the state, each in a frame of sentinels; and the frames."""
    rows = 1 + RULES[rule][1]
    frame = np.full((rows, size + 80), SENTINEL, dtype)
    inside = frame[:, 40 : 40 + size]
    inside[0] = np.random.default_rng(size).standard_normal(size)
    inside[1:] = 0
    return inside, frame


@with_each("size", [*range(18), 31, 32, 33, 64, 65, 1003])
@every_limit
@every_rule
@every_dtype
def test_rules_have_numpys_bits(rule, limits, size, dtype):
    ours, frame = arrays(rule, size, dtype)
    theirs = ours.copy()
    rng = np.random.default_rng(1)
    for t in range(1, 101 if size == 1003 else 4):
        grad = rng.standard_normal(size).astype(dtype)
        kept = grad.copy()
        update(kernels, rule, limits, t, grad, ours[1:], ours[0])
        update(reference, rule, limits, t, grad, theirs[1:], theirs[0])
        assert_array_equal(grad, kept)
    assert_array_equal(ours, theirs)
    assert size == 0 or not np.array_equal(ours, arrays(rule, size, dtype)[0])
    assert_array_equal(frame[:, :40], SENTINEL)
    assert_array_equal(frame[:, -40:], SENTINEL)


@every_limit
@every_rule
@every_dtype
def test_rules_pass_on_nan_and_infinity(rule, limits, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -7 * tiny, 1e30, 1.0], dtype)
    grad, param = (grid.ravel() for grid in np.meshgrid(values, values))
    ours, _ = arrays(rule, grad.size, dtype)
    ours[0] = param
    theirs = ours.copy()
    for t in (1, 2):
        update(kernels, rule, limits, t, grad, ours[1:], ours[0])
        update(reference, rule, limits, t, grad, theirs[1:], theirs[0])
        assert_array_equal(ours, theirs)
    assert np.isnan(ours[0][np.isnan(grad)]).all()


def test_an_infinite_parameter_without_decay_stays_infinite():
    for rule in RULES:
        ours, _ = arrays(rule, 3, np.float64)
        ours[0] = np.inf
        update(kernels, rule, LIMITS["plain"], 1, np.ones(3), ours[1:], ours[0])
        assert_array_equal(ours[0], np.inf)


@with_each("largest", [math.inf, 9.0])
@every_rule
@every_dtype
def test_what_the_loop_calls_is_the_update(rule, largest, dtype):
    """The states in one array, the numbers in another, and the norm is clipped there."""
    size, rng = 203, np.random.default_rng(2)
    for limits in LIMITS.values():
        hyper = np.array([largest, *RULES[rule][0], *limits])
        expected, _ = arrays(rule, size, dtype)
        param = expected[0].copy()
        state = np.zeros((RULES[rule][1], size), dtype)
        for t in range(1, 4):
            grad = rng.standard_normal(size).astype(dtype)
            hyper[-1] = np.nan
            addresses = [array.ctypes.data for array in (param, grad, state, hyper)]
            assert call(KINDS[rule].entry, t, size, *addresses, dtype(0)) == 0
            scale = min(1.0, largest / (np.linalg.norm(grad.astype(float)) + 1e-6))
            assert hyper[-1] == pytest.approx(scale, rel=1e-14)
            update(kernels, rule, (*limits[:2], hyper[-1]), t, grad, expected[1:], expected[0])
        assert_array_equal(param, expected[0])
        assert_array_equal(state, expected[1:])


# What each rule makes of a parameter 1 with gradients 2, then -1, by hand.
BY_HAND = {
    "sgd": (0.5, (), [0.0, 0.5]),
    "momentum": (0.5, (0.5,), [0.0, 0.0]),  # v: -1, then -0.5 + 0.5
    "nesterov": (0.5, (0.5,), [-0.5, 0.0]),  # 1 - 1.5; then + 0.25 * -1 + 0.75
    "adagrad": (0.5, (0.0,), [0.5, 0.5 + 0.5 / math.sqrt(5)]),
    "rmsprop": (0.5, (0.75, 0.0), [0.0, 0.5 / 1.0]),  # h: 1, then 0.75 + 0.25
    "adadelta": (1.0, (0.5, 1.0), [1 - 2 / math.sqrt(3), 1 - 2 / math.sqrt(3) + math.sqrt(2 / 3)]),
    "adam": (0.5, (0.5, 0.75, 0.0), [0.5, 0.5]),  # m: 1, then 0
    "nadam": (0.5, (0.5, 0.75, 0.0), [1 / 3, 1 / 3 + (1 / 3) / math.sqrt(16 / 7)]),
    "adamw": (0.5, (0.5, 0.75, 0.0), [0.5, 0.5]),
    "lion": (0.5, (0.5, 0.75), [0.5, 1.0]),  # signs of 1, then of 0.25 - 0.5
}


@every_rule
def test_rules_by_hand(rule):
    lr, numbers, wanted = BY_HAND[rule]
    kernel = KINDS[rule].kernel
    param, state = np.ones(1), np.zeros((RULES[rule][1], 1))
    for t, (grad, value) in enumerate(zip([2.0, -1.0], wanted, strict=True), 1):
        count = [t] if "t" in inspect.signature(kernel).parameters else []
        kernel(np.array([grad]), lr, *numbers, *LIMITS["plain"], *count, *state, param)
        assert param[0] == pytest.approx(value, rel=1e-15, abs=1e-15)


def test_adamw_decays_apart_from_the_gradient():
    param, m, v = np.full(3, 8.0), np.zeros(3), np.zeros(3)
    kernels.adamw_update(np.zeros(3), 0.5, 0.9, 0.9, 1e-8, 0.5, math.inf, 1.0, 1, m, v, param)
    assert_array_equal([param, m, v], [[6.0] * 3, [0.0] * 3, [0.0] * 3])


def test_the_gradient_is_scaled_then_clipped_then_decays():
    grad, param = np.array([10.0, -10.0, 1.0, np.nan]), np.full(4, 4.0)
    kernels.clip_decay_sgd_update(grad, 1.0, 0.25, 2.0, 0.5, param)
    assert_array_equal(param, [1.0, 5.0, 2.5, np.nan])


@every_dtype
def test_numbers_of_float32_are_rounded_last(dtype):
    """1 - 0.999 in float32 is 0.005 % more than 0.001."""
    m, v, param = np.zeros((3, 5), dtype)
    kernels.adam_update(
        np.ones(5, dtype), 0.1, 0.9, 0.999, 0.0, 0.0, math.inf, 1.0, 1, m, v, param
    )  # fmt: skip
    assert_array_equal(v, dtype(1.0 - 0.999))


def test_docstrings_are_whole():
    for kind in KINDS.values():
        text = kind.kernel.__doc__
        section = text.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
        heads = [line.partition(" : ")[0] for line in section.splitlines() if line[:1].strip()]
        documented = [name for head in heads for name in head.split(", ")]
        assert documented == [*inspect.signature(kind.kernel).parameters]
        assert "{" not in text and "Source: " in text.partition("Notes\n-----\n")[2]
        equations = text.partition("Parameters")[0]
        assert "    param" in equations and equations.count("weight_decay") == 1
