"""Pictures of answers: tables of classes, and the surest mistakes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from refused import refused

from fastnet.plot import confusion_matrix, decision_boundary, wrong_answers

RNG = np.random.default_rng(0)

pytest.importorskip("matplotlib.figure", reason="needs the extra plot")


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_a_row_for_each_true_class_and_a_column_for_what_is_said():
    t = [0, 0, 0, 1, 1, 2]
    ax = confusion_matrix(t, [0, 0, 2, 1, 1, 1])
    found = {tuple(map(round, text.get_position()[::-1])): text.get_text() for text in ax.texts}
    assert found == {(0, 0): "2", (0, 2): "1", (1, 1): "2", (2, 1): "1"}
    shares = ax.get_images()[0].get_array()
    assert_allclose(shares[0].compressed(), [2 / 3, 1 / 3])
    assert shares.mask.sum() == 5  # what never happened is blank
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    assert ax.get_title() == "4 of 6 right (66.7 %)"
    assert ticks(ax.xaxis) == ticks(ax.yaxis) == ["0", "1", "2"]


def test_scores_one_hot_rows_and_words_mean_the_same():
    t, said = np.array([0, 1, 2, 1]), np.array([0, 2, 2, 1])
    names = ["ant", "bee", "cow"]
    pictures = [
        confusion_matrix(t, said, names),
        confusion_matrix(np.eye(3)[t], np.eye(3)[said] + 5, names),
        confusion_matrix([names[i] for i in t], np.array(names)[said]),
        confusion_matrix(np.array(names, object)[t], [names[i] for i in said], "ABC"),
    ]
    first = pictures[0].get_images()[0].get_array().filled(0)
    for ax in pictures:
        assert_array_equal(ax.get_images()[0].get_array().filled(0), first)
    assert [ticks(ax.xaxis) for ax in pictures] == [names, names, names, ["A", "B", "C"]]
    # A class that does not occur has a row all the same.
    assert ticks(confusion_matrix([0, 1], [0, 1], names).yaxis) == names
    assert len(ticks(confusion_matrix([0, 1], np.eye(4)[:2]).yaxis)) == 4


def test_many_classes_have_no_numbers_in_their_squares():
    t = np.arange(200) % 100
    ax = confusion_matrix(t, np.roll(t, 3))
    assert not ax.texts and ax.get_images()[0].get_array().shape == (100, 100)


def test_answers_that_do_not_fit():
    refused(
        lambda: confusion_matrix([0, 1], [0, 1], ["a"]),
        ValueError,
        "confusion_matrix: names must be those of 2 classes, got 1. Give one for each.",
    )
    refused(
        lambda: confusion_matrix([0, -1], [0, 1]),
        ValueError,
        "confusion_matrix: t and y must be labels from 0 on, got -1. Count classes from 0.",
    )
    refused(
        lambda: confusion_matrix(["a", "b"], ["a"]),
        ValueError,
        "confusion_matrix: y must have a target for each sample, and t a sample, got t.shape=(2,) "
        "and y.shape=(1,). Give equally many.",
    )


def test_the_surest_mistakes_come_first():
    x = RNG.random((5, 2, 3)) * 255
    t = np.array([0, 1, 2, 0, 1])
    y = np.eye(3)[[0, 2, 1, 1, 1]]
    y[3] *= 9
    ax = wrong_answers(x, t, y)
    assert [text.get_text() for text in ax.texts] == ["0, not 1", "1, not 2", "2, not 1"]
    assert ax.get_title().startswith("3 wrong of 5")
    canvas = ax.get_images()[0].get_array()
    top = next(i for i in range(len(canvas)) if canvas[i, 0, 3])
    assert_allclose(canvas[top : top + 2, :3, 0], x[3] / x.max())
    assert (canvas[top : top + 2, :3, 3] == 1).all() and (canvas[top : top + 2, 3, 3] == 0).all()
    assert_allclose(canvas[top : top + 2, 4:7, 1], x[1] / x.max())
    # Of labels, in their order; and no more than were asked for.
    few = wrong_answers(x, t, y.argmax(1), count=2, names="abc")
    assert [text.get_text() for text in few.texts] == ["b, not c", "c, not b"]


def test_long_names_stand_in_two_lines():
    x, t = RNG.random((40, 4, 4)), np.arange(40) % 2
    ax = wrong_answers(x, t, 1 - t, names=["aeroplane", "automobile"])
    assert {text.get_text() for text in ax.texts} == {
        "aeroplane,\nnot automobile",
        "automobile,\nnot aeroplane",
    }
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    images = ax.get_images()[0].get_array()[..., 3]
    for text, box in zip(ax.texts, boxes, strict=True):
        # None over another, nor over the image above it.
        assert not any(box.overlaps(other) for other in boxes if other is not box)
        row = ax.transData.inverted().transform((box.x0, box.y1))[1]
        assert not images[max(0, round(row)), round(text.get_position()[0])]


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_no_legend_is_cut(layout):
    figure = pytest.importorskip("matplotlib.figure").Figure(layout=layout)
    x = RNG.random((20, 2))
    ax = decision_boundary(lambda x: x[:, 0] > 0.5, x, np.arange(20) % 2, ax=figure.subplots())
    figure.draw_without_rendering()
    assert ax.get_legend().get_window_extent().x1 <= figure.bbox.x1


def test_rows_and_colour_images():
    t, y = [0, 1], [1, 0]
    rows = wrong_answers(np.arange(12).reshape(2, 6), t, y, shape=(2, 3))
    assert (rows.get_images()[0].get_array()[..., 3].sum()) == 12
    x = RNG.random((2, 3, 3, 3))
    canvas = wrong_answers(x, t, y).get_images()[0].get_array()
    top = next(i for i in range(len(canvas)) if canvas[i, 0, 3])
    assert_allclose(canvas[top : top + 3, :3, :3], x[0] / x.max())
    none = wrong_answers(x, t, t)
    assert not none.texts and none.get_title().startswith("0 wrong of 2")


def test_images_that_are_none():
    refused(
        lambda: wrong_answers(np.ones((2, 7)), [0, 1], [1, 0]),
        ValueError,
        "wrong_answers: x must have the pixels of images 2 x 2, got 7. Give their shape, "
        "(height, width).",
    )
    refused(
        lambda: wrong_answers(np.ones((2, 6)), [0, 1], [1, 0], shape=6),
        ValueError,
        "wrong_answers: shape must be (height, width), got 6. Give two whole numbers.",
    )
    refused(
        lambda: wrong_answers(np.ones((3, 2, 2)), [0, 1], [1, 0]),
        ValueError,
        "wrong_answers: x must be 2 images to match t, (N, H * W), (N, H, W), or (N, H, W, C) of 1 "
        "or 3 channels, got x.shape=(3, 2, 2). Channels come last.",
    )
