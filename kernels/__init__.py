"""The compiled kernels: every `@njit` of the project, callable from your own jitted code.

Each stands in the file of its word, with the types of its arguments: what is public here is read
from there. `elementwise` makes the kernels of an activation of your own, `mean_loss` and `sum_loss`
those of a loss, `update_kernel` and `update_rule` an optimizer's; `helper` the functions of vectors
that they are made of, and `entry` any other function for the compiled loop.
"""

if __name__ != "fastnet.kernels":
    raise ImportError(
        f"fastnet.kernels: the package must be imported by that name, got {__name__!r}. Write "
        "`import fastnet.kernels`; to use another project's `kernels`, run Python outside "
        "fastnet's checkout."
    )

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ._compile import Entry as _Entry
from ._compile import Kernel as _Kernel
from ._compile import entry, helper
from ._folders import sources as _sources
from .activations import IDENTITY, RELU, SIGMOID, TANH
from .elementwise_layers import elementwise
from .loop.record import (
    FLOAT32,
    FLOAT64,
    MEAN_SQUARED_ERROR,
    SOFTMAX_CROSS_ENTROPY,
    UINT8,
)
from .loss_family import mean_loss, sum_loss
from .rules import update_kernel, update_rule

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
    "elementwise",
    "entry",
    "helper",
    "mean_loss",
    "sum_loss",
    "update_kernel",
    "update_rule",
]


def _kernels():
    """Yield every kernel, and every function that the loop calls by address, with its module."""
    for file in _sources():
        if file.endswith("__init__.py"):
            continue
        name = f"{__name__}.{file.removesuffix('.py').replace('/', '.')}"
        for value in vars(_import_module(name)).values():
            if isinstance(value, (_Kernel, _Entry)) and value.__module__ == name:
                yield name, value


def _versions():
    """Return each with the argument types that fastnet calls it with, one tuple a version."""
    found = []
    for _, value in _kernels():
        kernel = value.kernel if isinstance(value, _Entry) else value
        found += [(kernel, types) for types in kernel.versions]
    return found


for _module, _kernel in _kernels():
    # Those of checked/ look at their arguments for the API, and refuse others.
    if isinstance(_kernel, _Kernel) and not _module.startswith(f"{__name__}.checked"):
        globals()[_kernel.__name__] = _kernel
        __all__.append(_kernel.__name__)
__all__.sort()

if _TYPE_CHECKING:

    def __getattr__(name: str) -> _Any:
        """A kernel: found at run time."""
