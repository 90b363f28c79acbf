"""Learning-rate schedules: by hand, beside PyTorch's, and every error's text."""

import math
import pickle

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_allclose

from fastnet.optimizer import SGD
from fastnet.schedules import CosineDecay, ExponentialDecay, StepDecay, Warmup


def rates(schedule, steps):
    return [schedule(step) for step in range(steps)]


def test_by_hand():
    assert rates(StepDecay(8, every=2, factor=0.5), 6) == [8, 8, 4, 4, 2, 2]
    assert rates(ExponentialDecay(8, every=2, factor=0.25), 4) == [8, 4, 2, 1]
    assert rates(StepDecay(1, 1), 2) == rates(ExponentialDecay(1, 1), 2) == [1, 0.1]
    middle = 1 + 2 * (1 + math.cos(math.pi / 3)) / 2
    assert rates(CosineDecay(3, steps=3, last=1), 6) == [3, middle, pytest.approx(1.5), 1, 1, 1]
    assert rates(Warmup(8, steps=4), 6) == [2, 4, 6, 8, 8, 8]
    assert rates(Warmup(StepDecay(8, 2, 0.5), steps=2), 7) == [4, 8, 8, 8, 4, 4, 2]
    assert rates(Warmup(lambda step: 5.0 + step, steps=1), 3) == [5, 5, 6]


@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        (StepDecay(0.3, 7, 0.7), "StepLR", {"step_size": 7, "gamma": 0.7}),
        (ExponentialDecay(0.3, 1, 0.7), "ExponentialLR", {"gamma": 0.7}),
        (CosineDecay(0.3, 40, 0.02), "CosineAnnealingLR", {"T_max": 40, "eta_min": 0.02}),
        (
            Warmup(0.3, 8),
            "LinearLR",
            {"start_factor": 1 / 8, "end_factor": 1.0, "total_iters": 7},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_beside_pytorch(ours, theirs, options):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    schedule = getattr(torch.optim.lr_scheduler, theirs)(optimizer, **options)
    expected = []
    for _ in range(40):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    # PyTorch goes from one rate to the next: 40 products, each rounded.
    assert_allclose(rates(ours, 40), expected, rtol=200 * 2**-53, atol=0)


def test_an_optimizer_asks_for_the_rate_of_each_update():
    asked, W = [], np.zeros(2)

    def lr(step):
        asked.append(step)
        return 10.0**step

    optimizer = SGD(lr)
    assert asked == []
    for _ in range(3):
        optimizer.update([W], [np.ones(2)])
    assert asked == [0, 1, 2] and optimizer.iter == 3
    assert (W == -111).all()
    optimizer.lr = StepDecay(1, 2, 0.5)
    optimizer.update({"W": W}, {"W": np.ones(2)})
    assert (W == -111.5).all()  # the fourth update, step 3


def test_schedules_are_shown_and_pickled():
    schedule = Warmup(CosineDecay(0.5, 10), steps=3)
    assert repr(schedule) == "Warmup(lr=CosineDecay(lr=0.5, steps=10, last=0.0), steps=3)"
    assert repr(SGD(StepDecay(1, 2))) == "SGD(lr=StepDecay(lr=1.0, every=2, factor=0.1))"
    assert rates(pickle.loads(pickle.dumps(schedule)), 20) == rates(schedule, 20)


REFUSED = [
    (
        lambda: StepDecay(-1, 2),
        ValueError,
        "StepDecay: lr must not be negative, got -1.0. Give a number such as 0.1.",
    ),
    (
        lambda: StepDecay(1, 0),
        ValueError,
        "StepDecay: every must be at least 1, got 0. Give a positive int.",
    ),
    (
        lambda: StepDecay(1, 2.0),
        TypeError,
        "StepDecay: every must be a whole number, got 2.0. Give an int.",
    ),
    (
        lambda: StepDecay(1, 2, 0),
        ValueError,
        "StepDecay: factor must be in (0, 1], got 0.0. Give a number such as 0.1.",
    ),
    (
        lambda: ExponentialDecay(np.inf, 2),
        ValueError,
        "ExponentialDecay: lr must be finite, got inf. Give a number such as 0.1.",
    ),
    (
        lambda: ExponentialDecay(1, -1),
        ValueError,
        "ExponentialDecay: every must be at least 1, got -1. Give a positive int.",
    ),
    (
        lambda: ExponentialDecay(1, 2, 1.5),
        ValueError,
        "ExponentialDecay: factor must be in (0, 1], got 1.5. Give a number such as 0.1.",
    ),
    (
        lambda: CosineDecay("1", 2),
        TypeError,
        "CosineDecay: lr must be a real number, got '1'. Give a float.",
    ),
    (
        lambda: CosineDecay(1, True),
        TypeError,
        "CosineDecay: steps must be a whole number, got True. Give an int.",
    ),
    (
        lambda: CosineDecay(1, 2, -0.1),
        ValueError,
        "CosineDecay: last must not be negative, got -0.1. Give a number such as 0.1.",
    ),
    (
        lambda: Warmup(None, 2),
        TypeError,
        "Warmup: lr must be a real number, got None. Give a float.",
    ),
    (
        lambda: Warmup(0.1, 0),
        ValueError,
        "Warmup: steps must be at least 1, got 0. Give a positive int.",
    ),
]


@with_each("call, error, text", REFUSED)
def test_bad_numbers_are_refused(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.args == (text,)
