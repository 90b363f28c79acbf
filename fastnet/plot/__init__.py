"""Pictures of trainings, answers, networks and functions; digits as a terminal can show them.

All but the digits need matplotlib, the extra `plot`, which is imported when used. Each draws on the
`ax` that it is given, or on that of a new figure, and returns it; grids of images, too, are one
picture on one `ax`. They work without a display, and leave matplotlib's global state (pyplot,
backend, rcParams) alone.

New figures are transparent. Their words are of a grey, and their lines of colours, that can be read
on white and on a dark page, and by colour-blind eyes.
"""

from fastnet.plot.answers import calibration_curve, confusion_matrix
from fastnet.plot.boundary import decision_boundary
from fastnet.plot.curves import learning_curves, loss_curve, save_learning_curves
from fastnet.plot.digits import BLOCKS, draw_digits
from fastnet.plot.images import attention_map, feature_maps, filters, weight_images
from fastnet.plot.inside import activation_histograms, gradient_norms
from fastnet.plot.mistakes import wrong_answers
from fastnet.plot.surface import gradient_field, optimizer_paths

__all__ = [
    "BLOCKS",
    "activation_histograms",
    "attention_map",
    "calibration_curve",
    "confusion_matrix",
    "decision_boundary",
    "draw_digits",
    "feature_maps",
    "filters",
    "gradient_field",
    "gradient_norms",
    "learning_curves",
    "loss_curve",
    "optimizer_paths",
    "save_learning_curves",
    "weight_images",
    "wrong_answers",
]

for _name in __all__:
    if _name != "BLOCKS":
        globals()[_name].__module__ = __name__  # as pickles and messages have them
