"""The comparison of commits as a module."""

import importlib.util


def load(root):
    """Import compare.py of a checkout, and not the fastnet beside it."""
    spec = importlib.util.spec_from_file_location("compare", root / "asv_benchmarks/compare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
