"""Networks and trainer of the first book: parameters in a dict, weights from NumPy's generator."""

from fastnet.textbook.first.networks import MultiLayerNet, MultiLayerNetExtend
from fastnet.textbook.first.trainer import Trainer

__all__ = ["MultiLayerNet", "MultiLayerNetExtend", "Trainer"]

for _name in __all__:
    globals()[_name].__module__ = __name__  # as pickles and messages have them
