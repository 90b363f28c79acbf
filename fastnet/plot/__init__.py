"""Pictures: learning curves, filters, feature maps, attention; digits as a terminal can show them.

All but the digits need matplotlib, the extra `plot`, which is imported when used. They work without
a display, and leave matplotlib's global state (pyplot, backend) alone.
"""

from fastnet.plot.curves import save_learning_curves
from fastnet.plot.digits import BLOCKS, draw_digits
from fastnet.plot.images import attention_map, feature_maps, filters

__all__ = [
    "BLOCKS",
    "attention_map",
    "draw_digits",
    "feature_maps",
    "filters",
    "save_learning_curves",
]

for _name in __all__:
    if _name != "BLOCKS":
        globals()[_name].__module__ = __name__  # as pickles and messages have them
