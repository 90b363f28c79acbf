"""Filters, feature maps and attention, read back from the axes that they are drawn on."""

import re
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from refused import refused

from fastnet.plot import attention_map, feature_maps, filters

pytest.importorskip("matplotlib.figure", reason="needs the extra plot")
RNG = np.random.default_rng(0)


def drawn(ax):
    (image,) = ax.get_images()
    return image, np.ma.filled(image.get_array(), np.nan)


def test_filters_of_one_channel_fill_a_square():
    W = RNG.standard_normal((5, 1, 3, 2))
    ax = filters(W)
    image, canvas = drawn(ax)
    assert canvas.shape == (2 * 4 - 1, 3 * 3 - 1)
    for i in range(5):
        top, left = 4 * (i // 3), 3 * (i % 3)
        assert_array_equal(canvas[top : top + 3, left : left + 2], W[i, 0])
    assert np.isnan(canvas[3]).all() and np.isnan(canvas[:, 2]).all()
    assert np.isnan(canvas[4:, 6:]).all()  # where a sixth would stand
    low, high = image.get_clim()
    assert -low == high == np.abs(W).max()  # 0 is in the middle of the colours
    assert ax.get_title() == "5 filters" and not ax.axison


def test_filters_of_more_channels_have_a_row_each():
    W = RNG.standard_normal((4, 3, 2, 2)).astype("f4")
    ax = filters(W.tolist())
    _, canvas = drawn(ax)
    assert canvas.shape == (11, 8) and ax.get_title() == "4 filters of 3 channels"
    assert_array_equal(canvas[6:8, 3:5], W[2, 1])
    assert drawn(filters(np.zeros((1, 1, 2, 2))))[0].get_clim() == (-1, 1)


def test_maps_stand_side_by_side():
    x = RNG.standard_normal((7, 4, 5))
    ax = feature_maps(x)
    image, canvas = drawn(ax)
    assert canvas.shape == (3 * 5 - 1, 3 * 6 - 1) and ax.get_title() == "7 maps of 4 x 5"
    assert_array_equal(canvas[5:9, 12:17], x[5])
    assert image.get_clim() == (x.min(), x.max())


def test_attention_has_a_row_for_each_character_of_the_answer():
    weights = RNG.dirichlet(np.ones(4), 3)
    ax = attention_map(weights, "a, b", ["x", "y", "z"])
    image, canvas = drawn(ax)
    assert_array_equal(canvas, weights)
    assert image.get_clim() == (0, 1)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", ",", " ", "b"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "y", "z"]


def test_axes_that_are_given_are_drawn_on(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # an import of it would fail
    from matplotlib.figure import Figure

    panels = Figure().subplots(1, 3)
    for draw, axes in zip(
        [
            lambda ax: filters(np.ones((2, 1, 3, 3)), ax=ax),
            lambda ax: feature_maps(np.ones((2, 3, 3)), ax=ax),
            lambda ax: attention_map(np.ones((1, 2)), "ab", "c", ax=ax),
        ],
        panels,
        strict=True,
    ):
        assert draw(axes) is axes and len(axes.get_images()) == 1
    ax = filters(np.ones((2, 1, 3, 3)))
    ax.figure.savefig(tmp_path / "filters.png")
    assert (tmp_path / "filters.png").read_bytes().startswith(b"\x89PNG")


def test_bad_arguments():
    refused(
        lambda: filters(np.ones((3, 3))),
        ValueError,
        "filters: W must be (FN, C, FH, FW) with at least one entry, got W.shape=(3, 3). Give an "
        "array (FN, C, FH, FW).",
    )
    refused(
        lambda: feature_maps(np.ones((0, 3, 3))),
        ValueError,
        "feature_maps: x must be (C, H, W) with at least one entry, got x.shape=(0, 3, 3). Give an "
        "array (C, H, W).",
    )
    refused(
        lambda: attention_map(np.ones((2, 3)), "ab", "abc"),
        ValueError,
        "attention_map: weights must be (A, Q) for the A characters of answer and the Q of "
        "question, got weights.shape=(2, 3) for 3 and 2. Give a row for each character of the "
        "answer.",
    )
    refused(
        lambda: filters(np.ones((1, 1, 2, 2)), ax=3),
        TypeError,
        "filters: ax must be an object with imshow, plot, text, set_title, got 3. Make one of a "
        "class that has these.",
    )


@pytest.mark.parametrize("draw", [filters, feature_maps])
def test_without_matplotlib(draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=rf"^{draw.__name__}: matplotlib must be installed, got "):
        draw(np.ones((1, 1, 2, 2)[: 4 if draw is filters else 3]))


def test_the_page_shows_what_its_code_draws(root):
    """tests/test_docs.py runs the code; the pictures were drawn by it, and looked at."""
    page = root / "docs" / "pictures.md"
    text = page.read_text(encoding="utf-8")
    drawn = re.findall(r'^save\(.*"(\w+)"\)$', text, re.MULTILINE)
    shown = re.findall(r"\]\(pictures/(\w+)\.png\)", text)
    assert drawn == shown and len(shown) == 11
    assert {path.stem for path in (page.parent / "pictures").iterdir()} == set(shown)
