"""The kernels in plain NumPy: outputs come last and are written into, nothing is returned.

As in `fastnet.kernels`, what is public here is read from the files.
"""

from importlib import import_module as _import_module
from inspect import isfunction as _isfunction
from pkgutil import iter_modules as _iter_modules
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .activations import IDENTITY, RELU, SIGMOID, TANH
from .record import FLOAT32, FLOAT64, MEAN_SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY, UINT8

__all__ = [
    "FLOAT32",
    "FLOAT64",
    "IDENTITY",
    "MEAN_SQUARED_ERROR",
    "RELU",
    "SIGMOID",
    "SOFTMAX_CROSS_ENTROPY",
    "TANH",
    "UINT8",
]
for _found in _iter_modules(__path__, f"{__name__}."):
    for _name, _value in vars(_import_module(_found.name)).items():
        if _isfunction(_value) and _value.__module__ == _found.name and not _name.startswith("_"):
            globals()[_name] = _value
            __all__.append(_name)
__all__.sort()

if _TYPE_CHECKING:  # what the loop above defines

    def __getattr__(name: str) -> _Any: ...
