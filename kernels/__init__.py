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
from pathlib import Path as _Path
from typing import Any as _Any

from ._compile import Kernel as _Kernel
from ._compile import LoopFunction as _LoopFunction
from ._folders import sources as _sources

# What is public beside kernels, and where it stands.
_OTHERS = {
    "IDENTITY": "activations",
    "RELU": "activations",
    "SIGMOID": "activations",
    "TANH": "activations",
    "FLOAT32": "loop.record",
    "FLOAT64": "loop.record",
    "MEAN_SQUARED_ERROR": "loop.record",
    "SOFTMAX_CROSS_ENTROPY": "loop.record",
    "UINT8": "loop.record",
    "elementwise": "elementwise_layers",
    "entry": "_compile",
    "helper": "_compile",
    "mean_loss": "loss_family",
    "sum_loss": "loss_family",
    "update_kernel": "rules",
    "update_rule": "rules",
}


def _kernels():
    """Yield every kernel, and every function that the loop calls by address, with its module."""
    for file in _sources():
        if file.endswith("__init__.py"):
            continue
        name = f"{__name__}.{file.removesuffix('.py').replace('/', '.')}"
        for value in vars(_import_module(name)).values():
            if isinstance(value, (_Kernel, _LoopFunction)) and value.__module__ == name:
                yield name, value


def _versions():
    """Return each with the argument types that fastnet calls it with, one tuple a version."""
    found = []
    for _, value in _kernels():
        kernel = value.kernel if isinstance(value, _LoopFunction) else value
        found += [(kernel, types) for types in kernel.versions]
    return found


def _public():
    """Return the kernels that are public here, by name: it takes the files of all of them."""
    found = {}
    for module, kernel in _kernels():
        # Those of checked/ look at their arguments for the API, and refuse others.
        if isinstance(kernel, _Kernel) and not module.startswith(f"{__name__}.checked"):
            found[kernel.__name__] = kernel
    return found


def __getattr__(name: str) -> _Any:
    """Import a file when something of it is first asked for: a plain network takes half of them."""
    if name in _OTHERS:
        globals()[name] = found = getattr(_import_module(f"{__name__}.{_OTHERS[name]}"), name)
        return found
    if not name.startswith("_") and (_Path(__file__).parent / f"{name}.py").exists():
        return _import_module(f"{__name__}.{name}")
    if name == "__all__" or not name.startswith("_"):
        public = _public()
        globals().update(public, __all__=sorted([*_OTHERS, *public]))
        if name in globals():
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})
