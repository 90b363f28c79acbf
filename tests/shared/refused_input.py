"""What a call refuses with."""

import numpy as np
import pytest

from fastnet.schedules import CosineDecay, ExponentialDecay, StepDecay, Warmup

NAN, INF = float("nan"), float("inf")
X = np.linspace(0.1, 0.9, 12).reshape(3, 4)
LABELS = np.array([0, 1, 2])


def refused(error, text, call, *arguments, **named):
    with pytest.raises(error) as raised:
        call(*arguments, **named)
    assert raised.value.args == (text,)


RATE = [(-1, "must not be negative, got -1.0")]


RATE += [(bad, f"must be finite, got {bad}") for bad in (INF, -INF, NAN)]
SCHEDULES = {kind: kind(0.1, 2) for kind in (StepDecay, ExponentialDecay, CosineDecay, Warmup)}
