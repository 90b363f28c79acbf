"""Losses: forward(x, t) returns the mean over the batch, backward(dout=1) the gradient dx.

Along the outputs of a sample some losses are sums and some are means, as their publications have
it; each class says which. `LOSSES` lists by name those that `Sequential` trains with. A loss of
your own derives from `Loss`.

With a weight for each sample, forward(x, t, sample_weight) returns sum(w * losses) / N: the mean is
over the samples, as in Keras, and not over the weights. Samples whose label is the `ignore_index`
of a loss do not count, and N is that of the others.

What a loss takes for outputs, and the last layers that `Sequential` takes with it; others are
refused when the model is made, or where the loss is first computed:

| loss | outputs | last layer |
|---|---|---|
| softmax_cross_entropy | logits | any but Softmax, Sigmoid, Step |
| sigmoid_cross_entropy | logits of either sign | any but Softmax, Sigmoid, Step, Relu, Softplus |
| hinge, squared_hinge | scores of either sign | the same |
| categorical_cross_entropy, sparse_categorical_cross_entropy, kullback_leibler_divergence | \
probabilities of classes, which add up to 1 | Softmax |
| binary_cross_entropy | probabilities | Sigmoid, Softmax, Step |
| poisson | rates, at least 0 | Relu, Softplus, Sigmoid, Softmax, Step |
| all others | any numbers | any |

A Dense with an activation is such a layer, and without one gives any numbers, as Affine, MatMul and
BatchNormalization do. Nothing before a Step learns. Of a layer of your own that does not say where
its outputs lie (`fastnet.layers.Layer.outputs`) nothing is refused, but an output that the loss has
no value for ends a training with an error that names it.
"""

import typing as _typing  # type checkers know TYPE_CHECKING by no other name

from fastnet import checks as _checks
from fastnet.losses import (
    base,
    classification,
    hinge,
    logits,
    regression,
    sigmoid_with_loss,
    weighted,
)
from fastnet.losses.base import *  # noqa: F403  each module lists its own
from fastnet.losses.base import Loss
from fastnet.losses.classification import *  # noqa: F403
from fastnet.losses.hinge import *  # noqa: F403
from fastnet.losses.logits import *  # noqa: F403
from fastnet.losses.regression import *  # noqa: F403
from fastnet.losses.sigmoid_with_loss import *  # noqa: F403
from fastnet.losses.weighted import *  # noqa: F403

__all__ = ["LOSSES"]
__all__ += base.__all__
__all__ += classification.__all__
__all__ += hinge.__all__
__all__ += logits.__all__
__all__ += regression.__all__
__all__ += sigmoid_with_loss.__all__
__all__ += weighted.__all__

_classes = [
    found
    for module in (base, logits, sigmoid_with_loss, regression, hinge, classification, weighted)
    for name, found in vars(module).items()  # in the order in which they are defined
    if name in module.__all__
]
LOSSES: dict[str, type[Loss]] = {
    kind.name: kind
    for kind in _classes
    if issubclass(kind, Loss) and kind.in_loop is not Loss.in_loop
}

for _class in _classes:
    _class.__module__ = __name__  # as pickles and messages have them


if not _typing.TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Say where the thing stands that other libraries have here."""
        raise _checks.not_in(__name__, name)
