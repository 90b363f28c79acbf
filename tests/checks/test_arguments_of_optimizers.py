"""Arguments of optimizers and schedules: what they must be, and what was given."""

import numpy as np
import pytest
from in_turn import with_each
from made_layers import X

from fastnet.optimizer import SGD, AdaGrad, Adam, AdamW, Momentum, RMSprop


def stepped(optimizer):
    """Return it after an update of a list with an array like X."""
    optimizer.update([X.copy()], [X])
    return optimizer


ARGUMENTS = [
    (
        lambda: SGD(np.nan),
        ValueError,
        "SGD: lr must be finite, got nan. Give a number such as 0.1.",
    ),
    (
        lambda: SGD(lr=-np.inf),
        ValueError,
        "SGD: lr must be finite, got -inf. Give a number such as 0.1.",
    ),
    (lambda: SGD("0.1"), TypeError, "SGD: lr must be a real number, got '0.1'. Give a float."),
    (lambda: SGD(1j), TypeError, "SGD: lr must be a real number, got 1j. Give a float."),
    (
        lambda: SGD(np.ones(1)),
        TypeError,
        "SGD: lr must be a real number, got an array of shape (1,) and dtype float64. "
        "Give a float.",
    ),
    (
        lambda: SGD(-0.1),
        ValueError,
        "SGD: lr must not be negative, got -0.1. Give a number such as 0.1.",
    ),
    (
        lambda: SGD(weight_decay=-1),
        ValueError,
        "SGD: weight_decay must not be negative, got -1.0. Give a number such as 1e-4.",
    ),
    (
        lambda: SGD(clip_norm=0),
        ValueError,
        "SGD: clip_norm must be above 0, got 0.0. Give a number such as 1.",
    ),
    (
        lambda: SGD(lambda step: -1.0).update([X.copy()], [X]),
        ValueError,
        "SGD.update: lr must not be negative, got -1.0. Give a number such as 0.1.",
    ),
    (
        lambda: Momentum(momentum=1.0),
        ValueError,
        "Momentum: momentum must be in [0, 1), got 1.0. Give a number such as 0.9.",
    ),
    (
        lambda: RMSprop(decay_rate=-0.5),
        ValueError,
        "RMSprop: decay_rate must be in [0, 1), got -0.5. Give a number such as 0.9.",
    ),
    (
        lambda: AdaGrad(eps=-1e-7),
        ValueError,
        "AdaGrad: eps must not be negative, got -1e-07. Give a number such as 1e-7.",
    ),
    (
        lambda: AdaGrad(eps=1e39).update([X.astype(np.float32)], [X]),
        ValueError,
        "AdaGrad.update: eps must be finite in float32, got 1e+39. Give a number such as 1e-7.",
    ),
    (
        lambda: Adam(beta1=1),
        ValueError,
        "Adam: beta1 must be in [0, 1), got 1.0. Give a number such as 0.9.",
    ),
    (
        lambda: AdamW(beta2="0.9"),
        TypeError,
        "AdamW: beta2 must be a real number, got '0.9'. Give a float.",
    ),
    (
        lambda: Adam(clip_value=np.nan),
        ValueError,
        "Adam: clip_value must be above 0, got nan. Give a number such as 1.",
    ),
    (
        lambda: Adam().update({"W": X}, [X]),
        TypeError,
        "Adam.update: params and grads must be two lists or two dicts, got dict and list. "
        "Give layer.params and layer.grads, or a network's params and gradient.",
    ),
    (
        lambda: stepped(Adam()).update({"W": X.copy()}, {"W": X}),
        TypeError,
        "Adam.update: m must be a dict like params, got a list. "
        "Make another optimizer for other parameters.",
    ),
    (
        lambda: stepped(Momentum()).update([X[0].copy()], [X[0]]),
        ValueError,
        "Momentum.update: params[0] must be the array of which it has v, got another one. Give all "
        "parameters at each step, in one list or dict, and change them in place; for others make a "
        "new optimizer, or call reset().",
    ),
    (
        lambda: SGD().update({"W": X.copy(), "b": X.copy()}, {"W": X}),
        KeyError,
        "SGD.update: grads must have every key of params, got none for 'b'. "
        "Compute its gradient, or leave it out of params.",
    ),
    (
        lambda: SGD().update({"W": X}, [X]),
        TypeError,
        "SGD.update: params and grads must be two lists or two dicts, got dict and list. "
        "Give layer.params and layer.grads, or a network's params and gradient.",
    ),
    (
        lambda: SGD().update(X, X),
        TypeError,
        "SGD.update: params and grads must be two lists or two dicts, got ndarray and ndarray. "
        "Give layer.params and layer.grads, or a network's params and gradient.",
    ),
    (
        lambda: SGD().update([np.ones(3, int)], [np.ones(3)]),
        TypeError,
        "SGD.update: params[0] must be an array of float16, float32 or float64, got dtype int64. "
        "Convert it before training.",
    ),
    (
        lambda: SGD().update(["W"], [1.0]),
        TypeError,
        "SGD.update: params[0] must be a real number, got 'W'. Give a float.",
    ),
    (
        lambda: SGD().update({"x": 1.0}, {"x": None}),
        TypeError,
        "SGD.update: grads['x'] must be a real number, got None. Give a float.",
    ),
]


@with_each("call, error, text", ARGUMENTS)
def test_arguments(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.args == (text,)
