"""Data sets from local files, those shipped with fastnet, and small ones made by a seed.

Nothing is downloaded. Images come as uint8, sequences and words as row numbers of an `Embedding`.
"""

from fastnet.datasets.cifar import load_cifar10
from fastnet.datasets.digits import Pair as Pair
from fastnet.datasets.digits import load_digits, load_mnist
from fastnet.datasets.sequences import load_sequence, make_addition, make_dates
from fastnet.datasets.words import load_ptb

__all__ = [
    "load_cifar10",
    "load_digits",
    "load_mnist",
    "load_ptb",
    "load_sequence",
    "make_addition",
    "make_dates",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # as pickles and messages have them
