"""A small model, and what an error says and advises."""

import re

import numpy as np
import pytest

from fastnet import layers, losses, optimizer
from fastnet.layers import Dense
from fastnet.models import Sequential

RNG = np.random.default_rng(0)
X, T = RNG.random((12, 3)), np.arange(12) % 3
NAMES = {
    name: getattr(module, name) for module in (layers, losses, optimizer) for name in module.__all__
}


NAMES |= {"numpy": np, "Sequential": Sequential}


def model(units=3, loss="softmax_cross_entropy", inputs=None):
    return Sequential([Dense(units, input_shape=inputs)], loss, seed=0)


def fit(x, t, **options):
    return model(**options).fit(x, t, verbose=0)


def said(call, *arguments, **named):
    """The message of an error of one line."""
    with pytest.raises((TypeError, ValueError, IndexError)) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def expression(message, **names):
    """What the code at the end of a message gives."""
    code = re.split("Give an object, |Give |: |of labels, ", message.rstrip("."))[-1]
    return eval(code, {**NAMES, **names})
