"""What pictures share: sizes of words, and legends."""

import math

import pytest

figure = pytest.importorskip("matplotlib.figure", reason="needs the extra plot")

from fastnet.plot.axes import COLOURS, MARKS, fitting, legend, look  # noqa: E402


def axes(width=5.0, **options):
    ax = figure.Figure(figsize=(width, 4.0), **options).subplots()
    ax.set_position([0, 0, 1, 1])
    return ax


def test_words_that_stand_abreast_take_four_fifths_of_the_width():
    for width, ax in ((6.0, None), (5.0, axes()), (2.5, axes(2.5))):  # a new figure has 6 inches
        for abreast, characters in ((10, 6), (7, 12)):
            size = fitting(ax, abreast, characters, math.inf)
            assert abreast * characters * 0.6 * size == pytest.approx(0.8 * 72 * width)


def test_words_are_at_most_so_large_and_empty_ones_are_of_a_character():
    assert fitting(None, 1, 1) == 10.0
    assert fitting(None, 1, 1, 12.0) == 12.0
    assert fitting(None, 100, 0) == fitting(None, 100, 1) < 10.0


def test_looks_begin_again_behind_the_last():
    seen = [tuple(look(i).values()) for i in range(len(COLOURS))]
    assert len({*seen}) == len(seen)
    assert look(len(COLOURS))["color"] == COLOURS[0]
    assert look(len(MARKS))["marker"] == MARKS[0]


@pytest.mark.parametrize(("layout", "beside"), [(None, True), ("constrained", True), (None, False)])
def test_a_legend_stands_beside_axes_only_where_something_makes_room(layout, beside):
    ax = axes(layout=layout)
    ax.plot([0, 1], label="loss")
    legend(ax, "of", beside)
    drawn = ax.get_legend()
    ax.figure.canvas.draw_idle()
    ax.figure.draw_without_rendering()
    box, room = drawn.get_window_extent(), ax.get_window_extent()
    assert (box.x0 >= room.x1) == (layout is not None)
    assert drawn.get_title().get_text() == "of"
