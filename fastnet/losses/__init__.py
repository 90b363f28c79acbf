"""Losses: forward(x, t) returns the mean over the batch, backward(dout=1) the gradient dx.

Along the outputs of a sample some losses are sums and some are means, as their publications have
it; each class says which. `LOSSES` lists the classes by name.
"""

from fastnet.losses.base import _Loss
from fastnet.losses.classification import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    CategoricalHinge,
    Hinge,
    KullbackLeiblerDivergence,
    SparseCategoricalCrossEntropy,
    SquaredHinge,
)
from fastnet.losses.logits import (
    SigmoidCrossEntropy,
    SigmoidWithLoss,
    SoftmaxCrossEntropy,
)
from fastnet.losses.regression import (
    CosineProximity,
    ElementwiseMeanSquaredError,
    Huber,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
)
from fastnet.losses.weighted import (
    WeightedLosses,
)

__all__ = [
    "LOSSES",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "CategoricalHinge",
    "CosineProximity",
    "ElementwiseMeanSquaredError",
    "Hinge",
    "Huber",
    "KullbackLeiblerDivergence",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SigmoidCrossEntropy",
    "SigmoidWithLoss",
    "SoftmaxCrossEntropy",
    "SparseCategoricalCrossEntropy",
    "SquaredHinge",
    "WeightedLosses",
]

LOSSES: dict[str, type[_Loss]] = {
    "softmax_cross_entropy": SoftmaxCrossEntropy,
    "mean_squared_error": MeanSquaredError,
    "elementwise_mean_squared_error": ElementwiseMeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mean_absolute_percentage_error": MeanAbsolutePercentageError,
    "mean_squared_logarithmic_error": MeanSquaredLogarithmicError,
    "huber": Huber,
    "poisson": Poisson,
    "cosine_proximity": CosineProximity,
    "hinge": Hinge,
    "squared_hinge": SquaredHinge,
    "categorical_hinge": CategoricalHinge,
    "categorical_cross_entropy": CategoricalCrossEntropy,
    "sparse_categorical_cross_entropy": SparseCategoricalCrossEntropy,
    "binary_cross_entropy": BinaryCrossEntropy,
    "sigmoid_cross_entropy": SigmoidCrossEntropy,
    "kullback_leibler_divergence": KullbackLeiblerDivergence,
}

for _class in [*LOSSES.values(), SigmoidWithLoss, WeightedLosses]:
    _class.__module__ = __name__  # as pickles and messages have them
