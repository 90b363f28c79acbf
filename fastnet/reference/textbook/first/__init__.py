"""Networks and trainer of the first book: parameters in a dict, weights from NumPy's generator."""

from .convolutional import DeepConvNet, SimpleConvNet, shuffle_dataset, smooth_curve
from .networks import MultiLayerNet, MultiLayerNetExtend, Trainer

__all__ = [
    "DeepConvNet",
    "MultiLayerNet",
    "MultiLayerNetExtend",
    "SimpleConvNet",
    "Trainer",
    "shuffle_dataset",
    "smooth_curve",
]
