"""Every layer, loss and optimizer: how to make it, and inputs and targets that suit it.

Tests and benchmarks share the tables, so that a new operation is entered once. test_bits.py fails
for a public class of fastnet.layers, fastnet.losses.LOSSES or fastnet.optimizer that has no entry.
Layers stand in layer_examples.py.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from drawn import D, M, N, labels, numbers, probabilities, signs, yes_or_no
from layer_examples import LAYERS, SEQUENCES, Layer

from fastnet import losses, optimizer, schedules

__all__ = [
    "LAYERS",
    "LOSSES",
    "OPTIMIZERS",
    "SEQUENCES",
    "D",
    "Layer",
    "M",
    "N",
    "labels",
    "numbers",
]
__all__ += ["probabilities", "signs", "yes_or_no"]


class Loss(NamedTuple):
    """A loss of outputs (N, C) or (N,)."""

    make: Callable[[], Any]
    inputs: Callable[[Any], Any]  # dtype -> outputs
    targets: Callable[[Any], Any]  # dtype -> targets
    activation: str | None = None  # of a last Dense whose outputs suit the loss


class Optimizer(NamedTuple):
    """An optimizer, and parameters that it moves."""

    make: Callable[[], Any]
    params: Callable[[Any], list]  # dtype -> arrays
    grads: Callable[[Any, int], list]  # dtype, step -> arrays of the same shapes


_numbers, _probabilities = numbers(N, M), probabilities(N, M)
_labels, _shares = labels(N, M), probabilities(N, M, seed=9)
_signs, _yes_or_no = signs(N, M), yes_or_no(N, M)
_targets = numbers(N, M, seed=9)

LOSSES: dict[str, Loss] = {
    # Losses that take any numbers for outputs and targets have no line of their own.
    **{kind.__name__: Loss(kind, _numbers, _targets) for kind in losses.LOSSES.values()},
    "SoftmaxCrossEntropy": Loss(losses.SoftmaxCrossEntropy, _numbers, _labels),
    "MeanSquaredLogarithmicError": Loss(
        losses.MeanSquaredLogarithmicError, _probabilities, _shares, "sigmoid"
    ),
    "Huber delta": Loss(lambda: losses.Huber(delta=0.5), _numbers, _targets),
    "Poisson": Loss(losses.Poisson, _probabilities, _shares, "sigmoid"),
    "Hinge": Loss(losses.Hinge, _numbers, _signs),
    "SquaredHinge": Loss(losses.SquaredHinge, _numbers, _signs),
    "CategoricalHinge": Loss(losses.CategoricalHinge, _numbers, _labels),
    "CategoricalCrossEntropy": Loss(
        losses.CategoricalCrossEntropy, _probabilities, _shares, "softmax"
    ),
    "SparseCategoricalCrossEntropy": Loss(
        losses.SparseCategoricalCrossEntropy, _probabilities, _labels, "softmax"
    ),
    "BinaryCrossEntropy": Loss(losses.BinaryCrossEntropy, _probabilities, _yes_or_no, "sigmoid"),
    "SigmoidCrossEntropy": Loss(losses.SigmoidCrossEntropy, _numbers, _yes_or_no),
    "KullbackLeiblerDivergence": Loss(
        losses.KullbackLeiblerDivergence, _probabilities, _shares, "softmax"
    ),
    "SigmoidWithLoss": Loss(losses.SigmoidWithLoss, _numbers, _yes_or_no),
    "WeightedLosses": Loss(
        lambda: losses.WeightedLosses([losses.MeanSquaredError(), losses.Huber()], [2, 1]),
        lambda dtype: [_numbers(dtype), _targets(dtype)],
        lambda dtype: [_targets(dtype), _numbers(dtype)],
    ),
}


def _on_a_layer(make):
    """Return the example of an optimizer: a W, a b and one number."""
    shapes = (D, M), (M,), (1,)

    def draw(dtype, seed, high):
        return [
            numbers(*shape, low=-high, high=high, seed=seed + i)(dtype)
            for i, shape in enumerate(shapes)
        ]

    # Parameters of about the size of a step: a step that is an ulp off shows in them.
    return Optimizer(
        make,
        lambda dtype: draw(dtype, 10, 0.02),
        lambda dtype, step: draw(dtype, 20 + 10 * step, 2.0),
    )


_KINDS = {
    name: kind
    for name, kind in vars(optimizer).items()
    if name in optimizer.__all__ and isinstance(kind, type) and kind is not optimizer.Optimizer
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "": {},
    " weight_decay": {"weight_decay": 0.1},
    " clip_norm": {"clip_norm": 1.5},
    " clip_value": {"clip_value": 0.5},
    " schedule": {"lr": schedules.ExponentialDecay(0.05, every=2, factor=0.5)},
}


def _with(kind, options):
    return lambda: kind(**options)


OPTIMIZERS: dict[str, Optimizer] = {
    f"{name}{suffix}": _on_a_layer(_with(kind, options))
    for name, kind in _KINDS.items()
    for suffix, options in _OPTIONS.items()
}
