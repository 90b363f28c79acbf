"""A refused update changes nothing."""

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_array_equal
from optimizers import STATES, both, copies, every_optimizer, every_option

from fastnet import optimizer

BAD = {
    "shape": (np.ones(3), np.ones(2)),
    "no gradient": (np.ones(3), None),
    "integers": (np.ones(3, int), np.ones(3)),
    "complex": (np.ones(3), np.ones(3, complex)),
    "read-only": (np.broadcast_to(1.0, (3,)), np.ones(3)),
    "text": ("W", 1.0),
}
SPOILT = {
    "lr": ([-0.1, np.nan, "0.1", 1e39, lambda step: -1.0], "SGD AdaGrad Adam"),
    "momentum": ([1.0, -0.1, np.nan, None], "Momentum Nesterov"),
    "decay_rate": ([1.0, "0.9"], "RMSprop AdaDelta"),
    "beta1": ([1.0, -1e-9], "Adam Nadam AdamW"),
    "beta2": ([1.5, np.inf], "Adam Nadam AdamW"),
    "eps": ([-1e-7, np.inf, 1e39], "AdaGrad Adam"),
    "weight_decay": ([-0.1, np.nan, 1e39], "SGD Momentum AdamW"),
    "clip_value": ([0, -1.0, np.nan], "SGD Adam"),
    "clip_norm": ([0, "1"], "SGD Adam"),
}


def unchanged(ours, call):
    before = copies(vars(ours)) if not callable(ours.lr) else None
    with pytest.raises((KeyError, TypeError, ValueError), match=f"^.?{type(ours).__name__}"):
        call()
    after = vars(ours)
    for name, value in (before or {}).items():
        assert str(after[name]) == str(value)


@every_optimizer
@every_option
@with_each("bad", BAD)
@with_each("steps", [0, 1])
def test_a_refused_update_changes_nothing(name, options, bad, steps):
    ours, _ = both(name, options)
    first, (param, grad) = np.ones(3), BAD[bad]
    for _ in range(steps):
        ours.update([first], [np.ones(3)])
    kept = first.copy()
    unchanged(ours, lambda: ours.update([first, param], [np.ones(3), grad]))
    unchanged(ours, lambda: ours.update([first], []))
    if not steps:
        unchanged(ours, lambda: ours.update({0: first, 1: first}, {0: np.ones(3)}))
    assert_array_equal(first, kept)


@with_each("number", SPOILT)
def test_a_bad_number_changes_nothing(number):
    values, names = SPOILT[number]
    for name in names.split():
        for value in values:
            ours, _ = both(name)
            W = np.ones(3, np.float32)
            setattr(ours, number, value)
            unchanged(ours, lambda ours=ours, W=W: ours.update([W], [np.ones(3, np.float32)]))
            assert_array_equal(W, 1)
            assert ours.iter == 0
            if value == 1e39 or callable(value):
                continue
            with pytest.raises((TypeError, ValueError), match=rf"^{name}: {number} must "):
                getattr(optimizer, name)(**{number: value})


@with_each("name", [name for name, states in STATES.items() if states])
def test_states_that_do_not_fit_change_nothing(name):
    state = STATES[name][-1]
    for bad, text in [
        ({0: np.zeros(2)}, f"{state} must be a list like params, got a dict. Make another"),
        ([np.zeros(2)], rf"{state}\[0\] must have shape \(3,\) to match params\[0\], got \(2,\)\."),
        ([0.0], rf"{state}\[0\] must be an array of floats, got 0\.0\. Leave {state} to the"),
        ([np.zeros(3, int)], rf"{state}\[0\] must be an array of floats, got an array of shape"),
    ]:
        ours, W = both(name)[0], np.ones(3)
        setattr(ours, state, bad)
        with pytest.raises((TypeError, ValueError), match=rf"^{name}\.update: {text}"):
            ours.update([W], [np.ones(3)])
        assert_array_equal(W, 1)
        assert ours.iter == 0
        assert all(getattr(ours, other) is None for other in STATES[name][:-1])
