"""Neural networks as the textbooks write them in NumPy, on SIMD kernels compiled by Numba.

    from fastnet import Adam, Dense, Sequential

Every public class and function of the modules of the next three lines, of `fastnet.gradient`,
`fastnet.penalties`, `fastnet.checkpoint` and `fastnet.threads` stands at the top level, too. No two
of them share a name: `softmax` is the function of arrays, `Softmax` the layer.

`fastnet.models`, `fastnet.layers`, `fastnet.losses`, `fastnet.optimizer`, `fastnet.schedules`
    Networks, and the parts that they are made of.
`fastnet.callbacks`
    What `Sequential.fit` calls between epochs: EarlyStopping, ModelCheckpoint ...
`fastnet.metrics`
    Numbers that judge what a model says: accuracy, F1, AUC, R2 ...
`fastnet.functions`, `fastnet.initializers`, `fastnet.datasets`
    Arrays in, arrays out; data sets from local files, and those that ship with fastnet.
`fastnet.gradient`
    Gradients by their definition, descent along them, and a check of those of a model.
`fastnet.textbook`
    The books' deep networks and trainers, and the delta rule. The two books have names in common,
    so these stay in their modules, as do those of `fastnet.plot`, `fastnet.dropin` and below.
`fastnet.kernels`
    The compiled functions, callable from your own `@njit` code.
`fastnet.reference`
    The same names in plain NumPy, to read and to compare with.
`fastnet.set_num_threads`, `fastnet.get_num_threads`
    How many threads a call may use.

Nothing is imported until it is asked for: `import fastnet` alone costs next to nothing.
"""

import importlib as _importlib
import pathlib as _pathlib
import sys as _sys
import typing as _typing  # type checkers know TYPE_CHECKING by no other name
from importlib.util import find_spec as _find_spec

if _typing.TYPE_CHECKING:
    from fastnet.callbacks import *
    from fastnet.checkpoint import *
    from fastnet.datasets import *
    from fastnet.functions import *
    from fastnet.gradient import *
    from fastnet.initializers import *
    from fastnet.layers import *
    from fastnet.losses import *
    from fastnet.metrics import *
    from fastnet.models import *
    from fastnet.optimizer import *
    from fastnet.penalties import *
    from fastnet.schedules import *
    from fastnet.threads import *

__version__ = "0.2.0.dev0"

# The kernels stand in ../kernels, which a wheel installs as fastnet/kernels and a checkout reaches
# through a symbolic link. Git without links (Windows) leaves a text file there: look beside it.
_here = _pathlib.Path(__file__).resolve().parent
if not (_here / "kernels").is_dir() and (_here.parent / "kernels" / "gemm.py").is_file():
    __path__.append(str(_here.parent))

# Modules whose public classes and functions stand at the top level, too: no two share a name.
# Those that need no Numba come first, so that their names are found without it.
_MODULES = (
    *("schedules", "initializers", "metrics", "callbacks", "datasets", "threads", "models"),
    *("layers", "losses", "optimizer", "functions", "gradient", "penalties", "checkpoint"),
)


def _names_of(module: str) -> list[str]:
    """Return the names of the public classes and functions of a module, which is imported."""
    found = _importlib.import_module(f"fastnet.{module}")
    return [name for name in found.__all__ if callable(getattr(found, name))]


def _names() -> list[str]:
    return [name for module in _MODULES for name in _names_of(module)]


if not _typing.TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import what stands at the top level when it is first asked for."""
        if name == "__all__":  # of `from fastnet import *`
            return _names()
        if name.startswith("_"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name.isidentifier() and _find_spec(f"fastnet.{name}") is not None:
            return _importlib.import_module(f"fastnet.{name}")
        for module in _MODULES:
            if name in _names_of(module):
                globals()[name] = found = getattr(_sys.modules[f"fastnet.{module}"], name)
                return found
        # `from fastnet import name` asks here first, and throws the text of an AttributeError away.
        is_statement = _sys._getframe(1).f_code.co_name == "_handle_fromlist"
        checks = _importlib.import_module("fastnet.checks")
        raise checks.not_at_the_top(name, _names(), ImportError if is_statement else AttributeError)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, *_names()})
