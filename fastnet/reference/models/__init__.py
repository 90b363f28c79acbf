"""Models: a stack of layers that trains itself, and the textbook's two-layer network."""

from .history import History
from .sequential import Sequential
from .two_layer_net import TwoLayerNet

__all__ = ["History", "Sequential", "TwoLayerNet"]

for _name in __all__:
    globals()[_name].__module__ = __name__  # as pickles and messages have them
