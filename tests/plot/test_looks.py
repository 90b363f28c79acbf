"""Pictures look as they did: sizes, widths, places, colours and words."""

import hashlib

import numpy as np
import pytest
from drawn_pictures import PICTURES

pytest.importorskip("matplotlib", reason="needs the extra plot")

from matplotlib.ticker import FixedLocator

# Picture -> a hash of its looks. Where one is meant to change, the test prints all of them.
LOOKS = {
    "learning_curves": "1ae41dc1",
    "loss_curve": "400a796b",
    "confusion_matrix": "84c409f7",
    "wrong_answers": "ff356706",
    "weight_images": "f05b4f79",
    "decision_boundary": "fd387689",
    "activation_histograms": "67392692",
    "gradient_norms": "a8bff331",
    "optimizer_paths": "6ffe06d6",
    "gradient_field": "44b1185a",
    "calibration_curve": "3db5212e",
    "filters": "5d55465f",
    "feature_maps": "16e726db",
    "attention_map": "e13113ca",
}
OF_LINES = ("linewidth", "linestyle", "marker", "markersize", "markevery", "color", "label")
OF_TEXTS = ("text", "fontsize", "ha", "va", "rotation", "rotation_mode", "position", "color")
OF_POINTS = ("linewidth", "facecolor", "edgecolor", "sizes", "capstyle", "label")
OF_IMAGES = ("extent", "clim", "interpolation", "alpha")
# What matplotlib 3.9 says of the same looks, where 3.11 says the other.
NEWER = {"PolyCollection": "FillBetweenPolyCollection", "antialiased": "auto"}
OF_AXES = ("xlim", "ylim", "aspect", "xscale", "axisbelow", "facecolor")


def shown(value):
    """Return a value as text, numbers to three digits: sums in another order leave them."""
    if isinstance(value, (str, bool, type(None))):
        return repr(NEWER.get(value, value))
    if isinstance(value, (list, tuple, np.ndarray)):
        parts = [*map(shown, value)]
        return f"{len(parts)} of {parts[:40]}"
    return f"{value + 0.0:.3g}"


def said_of(artist, names):
    kind = type(artist).__name__
    found = [NEWER.get(kind, kind)]
    for name in names:
        get = getattr(artist, f"get_{name}", None)
        found.append(f"{name} {shown(get())}" if get else "")
    return " ".join([*found, f"{artist.get_zorder():g} {artist.get_alpha()}"])


def looks_of(ax):
    """Yield all that is set of a picture, an artist a line."""
    yield f"{shown(ax.figure.get_size_inches())} {ax.axison} {said_of(ax, OF_AXES)}"
    yield f"{[spine.get_visible() for spine in ax.spines.values()]}"
    yield from (said_of(line, (*OF_LINES, "clip_on")) for line in ax.lines)
    yield from (said_of(text, OF_TEXTS) for text in (ax.title, ax.xaxis.label, *ax.texts))
    yield from (said_of(points, OF_POINTS) for points in ax.collections)
    yield from (said_of(image, OF_IMAGES) + image.get_cmap().name for image in ax.images)
    for axis in (ax.xaxis, ax.yaxis):
        if isinstance(axis.get_major_locator(), FixedLocator):  # else they are matplotlib's choice
            yield f"{shown(axis.get_majorticklocs())} {shown(axis.get_minorticklocs())}"
            yield from (said_of(text, OF_TEXTS) for text in axis.get_ticklabels())
        yield from (said_of(line, OF_LINES) for line in axis.get_gridlines()[:1])
    if ax.get_legend():
        yield ax.get_legend().get_title().get_text()
        yield from (said_of(text, OF_TEXTS) for text in ax.get_legend().get_texts())


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_look_as_they_did(name):
    ax = PICTURES[name](None)
    looks = "\n".join(looks_of(ax))
    found = hashlib.sha256(looks.encode()).hexdigest()[:8]
    assert found == LOOKS[name], looks
