"""The import hook: lets `common.layers` and its like execute, then replaces names in them."""

from __future__ import annotations

import contextlib
import functools
import importlib.abc
import importlib.machinery
import inspect
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from fastnet.dropin.timing import Report

__all__ = ["install", "report", "uninstall"]

MODULES = {  # module -> the names in it that fastnet has
    "common.functions": (
        "cross_entropy_error",
        "relu",
        "sigmoid",
        "sigmoid_grad",
        "softmax",
        "sum_squared_error",
    ),
    "common.gradient": (),
    "common.layers": (
        "Affine",
        "BatchNormalization",
        "Dropout",
        "Embedding",
        "MatMul",
        "Relu",
        "Sigmoid",
        "SigmoidWithLoss",
        "Softmax",
        "SoftmaxWithLoss",
    ),
    "common.multi_layer_net": (),
    "common.multi_layer_net_extend": (),
    "common.optimizer": ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"),
    "common.trainer": (),
}


class _Loader(importlib.abc.Loader):
    """The loader that the module would have, and what comes after it."""

    def __init__(self, loader: Any, dropin: _Dropin) -> None:
        self.loader, self.dropin = loader, dropin

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        found: ModuleType | None = self.loader.create_module(spec)
        return found

    def exec_module(self, module: ModuleType) -> None:
        # From here on the module is as any other: its source is found, and it can be reloaded.
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        self.dropin.replace(module)


class _Dropin(importlib.abc.MetaPathFinder):
    """What `install` puts first into sys.meta_path."""

    def __init__(self, report: Report | None) -> None:
        self.report = report
        self.changes: list[tuple[Any, str, Any, Any]] = []  # owner, name, before, after
        self.unsaid: dict[str, list[str]] = {}  # module -> names
        self.said_gpu = False
        self.busy = threading.local()  # in find_spec, which asks the other finders

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Wrap the loader that the other finders have for a module of the table."""
        ours = name in MODULES or (self.report is not None and name.startswith("common."))
        if not ours or getattr(self.busy, "now", False):
            return None
        self.busy.now, spec = True, None
        try:
            for finder in sys.meta_path:
                if finder is not self and hasattr(finder, "find_spec"):
                    spec = finder.find_spec(name, path, target)
                    if spec is not None:
                        break
        finally:
            self.busy.now = False
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Loader(spec.loader, self)
        return spec

    def replace(self, module: ModuleType) -> None:
        """Put fastnet's in the place of what the module has of the same name and arithmetic."""
        if self._on_gpu(module):
            return
        names = [name for name in MODULES.get(module.__name__, ()) if name in vars(module)]
        unsaid, self.unsaid = self.unsaid, {}  # the examples are no use
        with contextlib.nullcontext() if self.report is None else self.report.paused():
            found = {name: _adapter(name, vars(module)[name]) for name in names}
        self.unsaid = unsaid
        if self.report is not None:
            self.report.kept |= {f"{module.__name__}.{k}": why for k, (_, why) in found.items()}
            self.report.watch(module, self._put)
        for name, (adapter, _) in found.items():
            if adapter is not None:
                made = _built(adapter, vars(module)[name], self._say_once, self.report)
                self._put(module, name, made)
                self.unsaid.setdefault(module.__name__, []).append(name)

    def undo(self) -> None:
        """Put back what was replaced, where nobody else has put something else there."""
        for owner, name, before, after in reversed(self.changes):
            if vars(owner).get(name) is after:
                setattr(owner, name, before)
        self.changes.clear()

    def _put(self, owner: Any, name: str, value: Any) -> None:
        self.changes.append((owner, name, vars(owner)[name], value))
        setattr(owner, name, value)

    def _on_gpu(self, module: ModuleType) -> bool:
        config = sys.modules.get("common.config")
        if not (getattr(module, "GPU", False) or getattr(config, "GPU", False)):
            return False
        if not self.said_gpu:
            self.said_gpu = True
            _say("common.config.GPU is true: the script is left as it is, without kernels")
        return True

    def _say_once(self) -> None:
        """Say what was replaced: at the first use, when the script has imported what it needs."""
        if self.unsaid:
            parts = [f"{module}: {', '.join(names)}" for module, names in self.unsaid.items()]
            self.unsaid.clear()
            _say(f"on kernels now: {'; '.join(parts)}")


def _say(message: str) -> None:
    print(f"fastnet: {message}", file=sys.stderr)


def _adapter(name: str, own: Any) -> tuple[Any, str]:
    """Return the class or function of fastnet's that does what own does, or why there is none.

    numba is loaded here: a script without `common` does not wait for it.
    """
    from fastnet.dropin import first, functions, optimizers, second
    from fastnet.dropin.examples import EXAMPLES, alike, outcome

    arguments, example = EXAMPLES[name]
    files = optimizers, functions, first, second
    found = [getattr(file, name) for file in files if hasattr(file, name)]
    if inspect.isclass(found[0]) != inspect.isclass(own):
        return None, "it is another kind of thing"
    if inspect.isclass(own) and _arguments(own.__init__)[1 : 1 + len(arguments.split())] != (
        arguments.split()
    ):
        return None, f"its constructor takes ({', '.join(_arguments(own.__init__)[1:])})"
    try:
        expected = outcome(example, own)
    except Exception as error:
        return None, f"on a small example it raises {type(error).__name__}: {error}"
    for adapter in found:
        wrong = _other_arguments(adapter, own)
        if wrong is not None:
            return None, wrong
        try:
            if alike(expected, outcome(example, _built(adapter, own))):
                return adapter, ""
        except Exception:
            continue  # the other edition's
    return None, "on a small example it gives other numbers"


def _arguments(function: Any) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # of a type made in C
        return []


def _other_arguments(adapter: Any, own: Any) -> str | None:
    """Say which method takes other arguments than the adapter's, or is missing."""
    if not inspect.isclass(adapter):
        if _arguments(own) != _arguments(adapter)[1:]:
            return f"it takes ({', '.join(_arguments(own))})"
        return None
    for method, function in vars(adapter).items():
        if not method.startswith("_"):
            given = _arguments(getattr(own, method, None))
            if given != _arguments(function):
                return f"{method} takes ({', '.join(given)})"
    return None


def _built(
    adapter: Any, own: Any, first_use: Callable[[], object] = int, report: Report | None = None
) -> Any:
    """Return the adapter before the script's own class, or around its own function."""

    def counted(function: Any) -> Any:
        title = f"{own.__module__}.{function.__qualname__}"
        return function if report is None else report.timed(function, title, "kernels")

    if not inspect.isclass(adapter):

        @functools.wraps(own)
        def call(*args: Any) -> Any:
            first_use()
            return adapter(own, *args)

        return counted(call)

    @functools.wraps(own.__init__)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        first_use()
        own.__init__(self, *args, **kwargs)

    body = {name: counted(f) for name, f in vars(adapter).items() if not name.startswith("_")}
    body |= {name: getattr(own, name) for name in ("__module__", "__qualname__", "__doc__")}
    return type(own.__name__, (adapter, own), {**body, "__init__": __init__})


_installed: _Dropin | None = None


def install(*, report: bool = False) -> None:
    """Have `common.layers` and so on run on fastnet's kernels, from their next import on.

    Parameters
    ----------
    report : bool
        Count and time all calls into `common`, for `fastnet.dropin.report`.

    Warns
    -----
    RuntimeWarning
        A module of `common` is imported already. It is changed all the same, but names that were
        taken out of it (`from common.layers import Affine`) stay the script's own.

    Notes
    -----
    What was replaced is said on standard error when it is first used. A second call changes
    nothing. A script whose `common.config.GPU` is true is left alone.

    Examples
    --------
    >>> from fastnet import dropin
    >>> dropin.install()
    >>> dropin.uninstall()
    """
    global _installed
    if _installed is not None:
        return
    _installed = _Dropin(Report() if report else None)
    sys.meta_path.insert(0, _installed)
    found = [sys.modules[name] for name in MODULES if name in sys.modules]
    if found:
        warnings.warn(
            f"fastnet.dropin.install: {', '.join(m.__name__ for m in found)} must be imported "
            "later, got modules that are there already; names taken out of them before stay the "
            "script's own. Call install() first.",
            RuntimeWarning,
            stacklevel=2,
        )
        for module in found:
            _installed.replace(module)


def uninstall() -> None:
    """Put back what `install` replaced in the modules of `common`.

    Names that a script took out of them meanwhile, and objects that it made, stay on kernels.

    Examples
    --------
    >>> from fastnet import dropin
    >>> dropin.uninstall()
    """
    global _installed
    if _installed is not None:
        if _installed in sys.meta_path:
            sys.meta_path.remove(_installed)
        _installed.undo()
        _installed = None


def report() -> str:
    """Return what ran on kernels and what stayed the script's own, with calls and seconds.

    Raises
    ------
    RuntimeError
        install(report=True) was not called.

    Examples
    --------
    >>> from fastnet import dropin
    >>> dropin.install(report=True)
    >>> print(dropin.report())  # doctest: +ELLIPSIS
             0 calls      0.000 s  on kernels
             0 calls      0.000 s  the script's own
    ...
    >>> dropin.uninstall()
    """
    if _installed is None or _installed.report is None:
        raise RuntimeError("fastnet.dropin.report: call install(report=True) first.")
    return str(_installed.report)
