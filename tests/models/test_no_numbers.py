"""Outputs that are no numbers are named where a loss cannot take them."""

import re

import numpy as np
import pytest
from in_turn import with_each
from last_layers import C, N, data, made

from fastnet import layers
from fastnet.kernels import activations
from fastnet.layers import Dense, Outputs
from fastnet.losses import Poisson
from fastnet.losses.outputs import Taken
from fastnet.models import Sequential
from fastnet.optimizer import Adam


class Own(layers.Activation):
    """Of a user, that does not say where its outputs lie: the tanh."""

    kernels = activations.tanh_kernels


class Derived(layers.Softplus):
    """Says that it is another function than its base."""

    kernels = activations.tanh_kernels


class Told(Own):
    output_range = Outputs(-1.0, 1.0)


DOMAINS = {
    "poisson": ("numbers of at least 0", "End with Softplus() or Relu()."),
    "binary_cross_entropy": (
        "probabilities, numbers in 0..1",
        'Use loss="sigmoid_cross_entropy", or end with Sigmoid().',
    ),
    "sparse_categorical_cross_entropy": (
        "probabilities of classes, which add up to 1",
        'Use loss="softmax_cross_entropy", or end with Softmax().',
    ),
    "categorical_cross_entropy": (
        "probabilities of classes, which add up to 1",
        'Use loss="softmax_cross_entropy", or end with Softmax().',
    ),
    "kullback_leibler_divergence": (
        "probabilities of classes, which add up to 1",
        'Use loss="softmax_cross_entropy", or end with Softmax().',
    ),
}


@with_each("kind", [Own, Derived])
@with_each("batch", [1, 7, N])
@with_each("loss", DOMAINS)
def test_an_output_without_a_loss_is_named(loss, batch, kind):
    x, t = data(loss)
    if loss != "sparse_categorical_cross_entropy":
        t = t * 0.8 + 0.1  # 0 times NaN is NaN, but 0 times a logarithm of nothing may be 0
    model = Sequential([Dense(C), kind()], loss, "float64", seed=0)
    model.build(5)
    model.layers[0].W[...], model.layers[0].b[...] = 0, 0.5  # all alike, and good ...
    bad = 4 if batch < N else 17
    x[:] = 0
    x[bad, 1], model.layers[0].W[1] = 1, -3  # ... but for one sample
    with pytest.raises(FloatingPointError) as raised:
        model.fit(x, t, 1, batch, Adam(1e-9), shuffle=False, verbose=0)
    value = model.predict(x[bad : bad + 1])[0, 0]
    rule, advice = DOMAINS[loss]
    assert str(raised.value) == (
        f'Sequential.fit: outputs must be {rule}, for loss="{loss}", got '
        f"predict(x[{bad}:{bad + 1}])[0, 0]={value:g}, whose loss is no number. "
        f"The model keeps its last finite weights. {advice}"
    )
    assert raised.value.history.loss == []


@pytest.mark.parametrize(("outputs", "place"), [(1, ".item()"), (2, "[0, 0]")])
def test_the_place_is_that_of_what_predict_returns(outputs, place):
    x, t = np.ones((4, 2)), np.ones((4, outputs))
    model = Sequential([Dense(outputs), Own()], "poisson", "float64", seed=0)
    model.build(2)
    model.layers[0].W[...] = -1  # and tanh(-2) is -0.96403
    with pytest.raises(
        FloatingPointError, match=rf"predict\(x\[0:1\]\){re.escape(place)}=-0\.964028,"
    ):
        model.fit(x, t, 1, 4, shuffle=False, verbose=0)


def test_outputs_that_are_no_number_are_not_named():
    x, t = data("poisson")
    x[3, 0] = np.nan
    with pytest.raises(FloatingPointError, match=r"x must be finite, got x\[3, 0\]=nan"):
        made("poisson", "softplus").fit(x, t, 1, N, verbose=0)


def test_classes_of_ones_own():
    """What a class derives it takes over only where it computes the same."""
    with pytest.raises(ValueError, match="poisson"):
        Sequential([Dense(3), Told()], "poisson")

    class Same(Poisson):
        pass

    class Other(Poisson):
        def forward(self, x, t):
            return super().forward(np.exp(x), t)

    class Says(Other):
        outputs = Taken("numbers below 1", "Do.", lambda low, high, adds_up: high < 1)

    with pytest.raises(ValueError, match='loss="same"'):
        Sequential([Dense(3)], Same())
    Sequential([Dense(3)], Other())
    with pytest.raises(ValueError, match="numbers below 1"):
        Sequential([Dense(3)], Says())
