"""Models: a stack of layers trained in a compiled loop, and the textbook's two-layer network."""

from fastnet.models.history import History
from fastnet.models.sequential import Sequential
from fastnet.models.two_layer_net import TwoLayerNet

__all__ = ["History", "Sequential", "TwoLayerNet"]

for _name in __all__:
    globals()[_name].__module__ = __name__  # as pickles and messages have them
