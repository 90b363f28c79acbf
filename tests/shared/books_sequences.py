"""The drop-in's names of words and sequences, and a script's own code behind them."""

import sys
from pathlib import Path

from books_classes import names_in_file

from fastnet.dropin.known import KNOWN

SECOND = Path(__file__).parents[1] / "dropin" / "second"
ROOM = {
    module: names_in_file(SECOND / f"{module.replace('.', '/')}.py")
    for module in (
        "common.time_layers",
        "common.util",
        "ch04.negative_sampling_layer",
        "ch08.attention_layer",
    )
}
# im2col and col2im are those of the first book, in dropin/test_images.py.
NAMES = [
    (module, name)
    for module, names in ROOM.items()
    for name in names
    if name not in ("im2col", "col2im")
]
CLASSES = [(module, name) for module, name in NAMES if KNOWN[name].methods]


def forget():
    for name in [name for name in sys.modules if name.partition(".")[0] in ("common", *ROOMS)]:
        del sys.modules[name]


ROOMS = ("ch04", "ch08", "two_layer_net")


def owns(kind):
    """Return the script's own methods that fastnet's stand before."""
    found = {}
    for name in KNOWN[kind.__name__].methods:
        options = getattr(vars(kind)[name], "__kwdefaults__", None) or {}
        if "own" in options:
            found[name] = options["own"]
    return found
