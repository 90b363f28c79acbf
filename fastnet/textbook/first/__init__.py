"""Networks and trainer of the first book: parameters in a dict, weights from NumPy's generator."""

from fastnet.textbook.first.convolutional import SimpleConvNet
from fastnet.textbook.first.deep import DeepConvNet
from fastnet.textbook.first.networks import MultiLayerNet, MultiLayerNetExtend
from fastnet.textbook.first.parameters import shuffle_dataset, smooth_curve
from fastnet.textbook.first.trainer import Trainer

__all__ = [
    "DeepConvNet",
    "MultiLayerNet",
    "MultiLayerNetExtend",
    "SimpleConvNet",
    "Trainer",
    "shuffle_dataset",
    "smooth_curve",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # as pickles and messages have them
