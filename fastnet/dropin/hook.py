"""The import hook: lets the script's modules execute, then replaces what is in them by names.

Readers call the books' package `common` something else, or keep its layers beside a chapter: so all
modules are looked at that are neither Python's own nor installed, and the script's own file.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import inspect
import os
import sys
import threading
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from fastnet.dropin import known
from fastnet.dropin.known import KNOWN, known_name
from fastnet.dropin.replaced import Replaced, other_arguments
from fastnet.dropin.timing import Report
from fastnet.memory import keep_freed

__all__ = ["install", "report", "uninstall"]

# Modules of the books, beside those of `common`, that may have been imported before `install`.
CHAPTERS = "two_layer_net", "negative_sampling_layer", "attention_layer"
INSTALLED = (os.path.dirname(os.__file__), "site-packages", "dist-packages")  # no script's folders


def names_in(module: ModuleType) -> dict[str, str]:
    """Return the names that a module defines -> the book's for the same, other letters apart."""
    found = {}
    for name, value in vars(module).items():
        known = known_name(name, inspect.isclass(value))
        if known and getattr(value, "__module__", module.__name__) == module.__name__:
            found[name] = known
    # A network that is made of layers, as in chapter 5, stays: those are replaced.
    of_layers = "Affine" in {*vars(module), *found.values()}
    return {n: known for n, known in found.items() if not (known == "TwoLayerNet" and of_layers)}


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
        self.calls = self.operations = 0  # that the script has asked for
        self.taken_over = ""  # when the kernels did
        self.found = False  # whether something of common was there to be replaced
        self.looked_at: dict[tuple[str, str], Any] = {}  # module and name -> what stands there
        self.own: dict[Any, Any] = {}  # what was put in the place of a method -> the script's own
        self.lock = threading.RLock()
        self.trying = False  # the small examples, whose calls do not count
        self.said_gpu = False
        self.busy = threading.local()  # in find_spec, which asks the other finders
        self.others = {"fastnet", *sys.stdlib_module_names}  # packages that are not the script's

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Wrap the loader that the other finders have for a module of the script's."""
        top = name.partition(".")[0]
        if top in self.others or getattr(self.busy, "now", False):
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
        if spec is not None and spec.origin is not None:
            if any(folder in spec.origin for folder in INSTALLED):
                self.others.add(top)
            elif hasattr(spec.loader, "exec_module"):
                spec.loader = _Loader(spec.loader, self)
        return spec

    def replace(self, module: ModuleType) -> None:
        """Count the calls of what the module defines by the names and arguments of the books.

        A script's own file comes again and again: what is new in it is looked at.
        """
        defined, title = vars(module), module.__name__
        names = {
            name: known
            for name, known in names_in(module).items()
            if defined[name] is not self.looked_at.get((title, name))
        }
        if (names or self.report is not None) and self._on_gpu(module):
            return
        kept = {n: other_arguments(KNOWN[known], defined[n]) for n, known in names.items()}
        if self.report is not None:
            self.report.kept |= {f"{title}.{name}": why for name, why in kept.items()}
            self.report.watch(module, list(names if title == "__main__" else defined), self.put)
        for name, why in kept.items():
            if not why:
                if not self.found:
                    keep_freed()
                self.found = True
                Replaced(self, module, name, names[name])
            self.looked_at[title, name] = defined[name]

    def put(self, owner: Any, name: str, value: Any) -> None:
        """Change an attribute until `undo`; what a class inherits, it has of its own meanwhile."""
        self.changes.append((owner, name, vars(owner).get(name), value))
        setattr(owner, name, value)

    def undo(self) -> None:
        """Put back what was replaced, where nobody else has put something else there."""
        for owner, name, before, after in reversed(self.changes):
            if vars(owner).get(name) is after:
                if before is None:
                    delattr(owner, name)
                else:
                    setattr(owner, name, before)
        self.changes.clear()

    def _on_gpu(self, module: ModuleType) -> bool:
        config = sys.modules.get(f"{module.__name__.rpartition('.')[0]}.config")
        if not (getattr(module, "GPU", False) or getattr(config, "GPU", False)):
            return False
        if not self.said_gpu:
            self.said_gpu = True
            _say("common.config.GPU is true: the script is left as it is, without kernels")
        return True

    def when(self) -> str:
        """Say when the kernels took over, or that they did not."""
        if self.taken_over:
            return f"kernels took over {self.taken_over}"
        if not self.found:
            return "nothing was replaced: " + (
                "common.config.GPU is true"
                if self.said_gpu
                else "the script has nothing of the books that fastnet has"
            )
        return (
            f"kernels did not take over: {self.calls:,} calls of the books' asked for "
            f"{self.operations:,} operations, and {known.ENOUGH:,} are worth their start"
        )

    def take_over(self, title: str) -> None:
        """Note, and say once, when the kernels took over."""
        if not self.taken_over:
            asked = f"call {self.calls:,} of the books', after {self.operations:,} operations"
            self.taken_over = f"in {title}, {asked}"
            _say(f"on kernels now: {self.taken_over}")


def _say(message: str) -> None:
    print(f"fastnet: {message}", file=sys.stderr)


_installed: _Dropin | None = None


def install(*, report: bool = False) -> None:
    """Have the books' layers and so on run on kernels, once there is enough work for them.

    A script that asks for less ends on its own code, without a wait for Numba.

    Parameters
    ----------
    report : bool
        Count and time all calls into modules of the script's, for `fastnet.dropin.report`.

    Warns
    -----
    RuntimeWarning
        A module of `common`, or one of a chapter's layers, is imported already. It is changed all
        the same, but functions that were taken out of it (`from common.functions import softmax`)
        stay the script's own. Modules of other names have to be imported later.

    Notes
    -----
    That kernels took over is said on standard error. A second call changes nothing. A script whose
    `common.config.GPU` is true is left alone.

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
    found = [
        module
        for name, module in sorted(sys.modules.items())
        if name.startswith("common.") or name.rpartition(".")[2] in CHAPTERS
        if names_in(module)
    ]
    if found:
        from fastnet import checks  # which imports NumPy: a script may never do

        checks.warn(
            f"fastnet.dropin.install: {', '.join(m.__name__ for m in found)} must be imported "
            "later, got modules that are there already; functions taken out of them before stay "
            "the script's own. Call install() first.",
            RuntimeWarning,
        )
        for module in found:
            _installed.replace(module)


def uninstall() -> None:
    """Put back what `install` replaced in the script's modules.

    Objects that a script made meanwhile, and functions that it took, run its own code again, too.

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


def replace(module: ModuleType) -> None:
    """Look at what a module defines, where it was not looked at: the script's own file."""
    if _installed is not None:
        _installed.replace(module)


def nothing_replaced() -> str:
    """Say that `install` has found nothing to replace, and why; "" where it has."""
    found = _installed is None or _installed.found or _installed.said_gpu
    return "" if found or _installed is None else _installed.when()


def report() -> str:
    """Return what ran on kernels and what stayed the script's own, with calls and seconds.

    The last line says when the kernels took over, or that they did not.

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
    return f"{_installed.report}\n{_installed.when()}"
