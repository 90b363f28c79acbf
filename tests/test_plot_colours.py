"""Every picture can be read on white and dark, by colour-blind eyes, and changes nothing else."""

import copy
import itertools
import sys

import numpy as np
import pytest
from drawn_pictures import MODEL, OPTIMIZER, PICTURES, PLANE, T, X, Y

from fastnet import plot
from fastnet.plot.axes import COLOURS, INK

pytest.importorskip("matplotlib.figure", reason="needs the extra plot")
WHITE, DARK = "#ffffff", "#121212"


@pytest.fixture(params=PICTURES)
def picture(request):
    return PICTURES[request.param]


def test_every_picture_is_here():
    drawn = set(plot.__all__) - {"BLOCKS", "draw_digits", "save_learning_curves"}
    assert set(PICTURES) == drawn


# --------------------------------------------------------------------------- colours


def linear(colour):
    from matplotlib.colors import to_rgb

    c = np.array(to_rgb(colour))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(first, second):
    """WCAG's, from 1 to 21."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (first, second))
    return (high + 0.05) / (low + 0.05)


# What a colour is to eyes without one kind of cone: Machado, Oliveira and Fernandes, 2009, of
# linear RGB.
EYES = {
    "usual": np.eye(3),
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}


def seen(colour, eyes):
    """The colour in CIELAB (D65), where 2.3 is what can just be told apart."""
    rgb = np.clip(np.array(EYES[eyes]) @ linear(colour), 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = xyz @ rgb / [0.95047, 1.0, 1.08883]
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_colours_stand_out_on_white_and_on_dark():
    assert min(contrast(INK, page) for page in (WHITE, DARK)) > 4.3
    for colour, page in itertools.product(COLOURS, (WHITE, DARK)):
        assert contrast(colour, page) >= 3, (colour, page)
    assert contrast("#e69f00", WHITE) < 3 and contrast("#000000", DARK) < 3  # and others do not


@pytest.mark.parametrize(
    ("eyes", "least"), [("usual", 30), ("deuteranopia", 17), ("protanopia", 14)]
)
def test_colour_blind_eyes_tell_them_apart(eyes, least):
    pairs = itertools.combinations([seen(colour, eyes) for colour in COLOURS], 2)
    nearest = min(float(np.linalg.norm(a - b)) for a, b in pairs)
    assert nearest >= {"usual": 45, "deuteranopia": 17, "protanopia": 22}[eyes]
    red, green = seen("#b00000", "deuteranopia"), seen("#606000", "deuteranopia")
    assert np.linalg.norm(red - green) < 17  # the measure finds what is known to be mixed up


def words_of(ax):
    """All text that is seen of axes: title, labels, ticks, legend, what stands within."""
    ax.figure.draw_without_rendering()
    words = [ax.title, *ax.texts]
    if ax.axison:
        words += [ax.xaxis.label, ax.yaxis.label]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = axis.get_major_ticks()
            words += [tick.label1 for tick in ticks if low <= tick.get_loc() <= high]
    if ax.get_legend():
        words += [ax.get_legend().get_title(), *ax.get_legend().get_texts()]
    return [text for text in words if text.get_visible() and text.get_text().strip()]


def test_words_and_lines_can_be_read_on_both(picture):
    from matplotlib.colors import to_hex
    from matplotlib.image import AxesImage

    ax = picture(None)
    (image, *_) = ax.get_images() or [None]
    for text in words_of(ax):
        colour = to_hex(text.get_color())
        if colour in ("#ffffff", "#000000"):  # in a square of an image, whose colour it stands on
            assert isinstance(image, AxesImage)
            i, j = round(text.get_position()[1]), round(text.get_position()[0])
            square = to_hex(image.cmap(image.norm(image.get_array()[i, j])))
            assert contrast(colour, square) >= 4, text
        else:
            assert colour == INK, text
            assert text.get_fontsize() >= 7
    for line in ax.get_lines():
        assert to_hex(line.get_color()) in (*COLOURS, INK)
    if ax.axison:
        for spine in ax.spines.values():
            assert not spine.get_visible() or to_hex(spine.get_edgecolor()) == INK
        for axis in (ax.xaxis, ax.yaxis):
            for tick in axis.get_major_ticks():
                assert to_hex(tick.tick1line.get_color()) == INK


def test_no_words_lie_over_others(picture):
    ax = picture(None)
    words = [(text, text.get_window_extent()) for text in words_of(ax)]
    for (one, box), (other, second) in itertools.combinations(words, 2):
        assert not box.padded(-1).overlaps(second.padded(-1)), (one, other)
    page = ax.figure.bbox.padded(1)
    for text, box in words:
        assert page.x0 <= box.x0 and box.x1 <= page.x1, text
        assert page.y0 <= box.y0 and box.y1 <= page.y1, text


def test_what_is_saved_has_no_background(picture, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="needs Pillow")
    picture(None).figure.savefig(tmp_path / "picture.png")
    pixels = np.asarray(image.open(tmp_path / "picture.png").convert("RGBA"))
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1], 3]
    assert (corners == 0).all() and (pixels[..., 3] == 255).any()


# --------------------------------------------------------------------------- nothing else changes


def test_the_ax_that_is_given_is_drawn_on_and_returned(picture):
    from matplotlib.figure import Figure

    figure = Figure()
    ax = figure.subplots(1, 2)[0]
    ax.set_facecolor("#123456")
    before = len(figure.axes), figure.get_size_inches().tolist()
    assert picture(ax) is ax and ax.has_data()
    assert (len(figure.axes), figure.get_size_inches().tolist()) == before
    assert not figure.axes[1].has_data()
    assert ax.get_facecolor() == pytest.approx((0x12 / 255, 0x34 / 255, 0x56 / 255, 1))


def test_pyplot_is_not_needed_and_no_setting_changes(picture, monkeypatch):
    import matplotlib

    before = dict(matplotlib.rcParams)  # with the backend, without choosing one
    state = np.random.get_state()[1].tolist()  # noqa: NPY002  what a user may have seeded
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # an import of it would fail
    assert picture(None).figure.canvas.manager is None  # none of pyplot's
    assert dict(matplotlib.rcParams) == before
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


def test_models_optimizers_and_arrays_stay_as_they_are(picture):
    for grad in MODEL.grads:
        grad[...] = 7
    kept = [X, T, Y, MODEL.parameter_vector, *MODEL.grads, PLANE.parameter_vector]
    before, layers = copy.deepcopy(kept), MODEL.layers[:]
    picture(None)
    for now, then in zip(kept, before, strict=True):
        assert now.tobytes() == then.tobytes()
    assert MODEL.layers == layers and MODEL.layers[1].rng is None
    assert OPTIMIZER.iter == 0 and OPTIMIZER._params is None


def test_without_matplotlib_the_error_says_what_to_install(picture, request, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r": matplotlib must be installed, got ") as caught:
        picture(None)
    assert str(caught.value).startswith(request.node.callspec.params["picture"])
