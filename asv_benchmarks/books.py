"""The textbooks' own layers, out of a local checkout of both repositories.

Both have a package `common`: each is imported alone, and leaves no trace in sys.modules.
"""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

FIRST, SECOND = "deep-learning-from-scratch", "deep-learning-from-scratch-2"
MODULES = {
    FIRST: ["common.util", "common.layers", "common.optimizer"],
    SECOND: ["common.layers", "common.time_layers", "common.optimizer", "common.trainer",
             "ch04.cbow", "ch08.attention_layer"],
}  # fmt: skip


class OneDtype:
    """NumPy, but for zeros, which have one dtype where nobody says which.

    The first book's im2col makes columns of float64 out of anything; with this its layers work in
    the dtype of their arrays, which is what they are compared with.
    """

    def __init__(self, dtype):
        self._dtype = dtype

    def __getattr__(self, name):
        return getattr(np, name)

    def zeros(self, shape, dtype=None):
        return np.zeros(shape, dtype or self._dtype)


def load(folder, book, dtype):
    """Return all names of a book's modules in one namespace, its zeros of that dtype."""
    home = Path(folder, book)
    if not home.is_dir():
        raise FileNotFoundError(f"--books must be a folder with {book}, got {folder}.")
    path, names = list(sys.path), MODULES[book]
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if of_a_book(name)}
    sys.path.insert(0, str(home))
    try:
        modules = [importlib.import_module(name) for name in names]
    finally:
        sys.path[:] = path
        for name in [name for name in sys.modules if of_a_book(name)]:
            del sys.modules[name]
        sys.modules.update(before)
    found = SimpleNamespace(of_a_book=True)
    for module in modules:
        if book == FIRST:  # the second book's layers say which dtype, and keep to float32
            module.np = OneDtype(dtype)
        vars(found).update({k: v for k, v in vars(module).items() if not k.startswith("_")})
    return found


def of_a_book(name):
    return name.partition(".")[0] in ("common", "dataset", "ch04", "ch08")
