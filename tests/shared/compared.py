"""The comparison of commits as a module."""

import importlib
import sys
import types

import pytest


def load(root):
    """Import compare.py of a checkout with what stands beside it, and not the fastnet there."""
    package = types.ModuleType("asv_benchmarks")
    package.__path__ = [str(root / "asv_benchmarks")]
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in sys.modules if name.startswith("asv_benchmarks")]:
            patch.delitem(sys.modules, name)
        patch.setitem(sys.modules, "asv_benchmarks", package)
        module = importlib.import_module("asv_benchmarks.compare")
        for name in [name for name in sys.modules if name.startswith("asv_benchmarks.")]:
            del sys.modules[name]
    return module
