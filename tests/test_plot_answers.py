"""Confusion matrix, wrong answers, calibration and decision boundary, read back from their axes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.layers import Dense
from fastnet.models import Sequential
from fastnet.plot import calibration_curve, confusion_matrix, decision_boundary, wrong_answers

pytest.importorskip("matplotlib.figure", reason="needs the extra plot")
RNG = np.random.default_rng(0)


def refused(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error and str(caught.value) == text


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


# --------------------------------------------------------------------------- confusion matrix


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


# --------------------------------------------------------------------------- wrong answers


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


# --------------------------------------------------------------------------- calibration


def test_points_are_the_means_of_bins():
    said = np.array([0.05, 0.15, 0.15, 0.95, 1.0])
    ax = calibration_curve([0, 0, 1, 1, 1], said, bins=10)
    diagonal, line = ax.get_lines()
    assert_allclose(line.get_xydata(), [[0.05, 0], [0.15, 0.5], [0.975, 1]])
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    error = (0.05 + 2 * 0.35 + 2 * 0.025) / 5
    assert ax.get_title() == f"expected calibration error {error:.3f}"
    sizes = ax.collections[0].get_sizes()
    assert sizes[1] == sizes[2] > sizes[0]


def test_of_classes_the_largest_probability_counts():
    y = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.4, 0.35, 0.25]])
    line = calibration_curve([0, 0, 1], y).get_lines()[1]
    assert_allclose(line.get_xydata(), [[0.4, 0], [0.7, 0.5]])


def test_calibrated_answers_lie_on_the_diagonal():
    said = RNG.random(100_000)
    ax = calibration_curve(RNG.random(100_000) < said, said)
    x, y = ax.get_lines()[1].get_xydata().T
    assert np.abs(x - y).max() < 0.02  # four standard deviations of 10,000 answers


def test_logits_are_no_probabilities():
    refused(
        lambda: calibration_curve([0, 1], [-1.5, 2.0]),
        ValueError,
        "calibration_curve: y must be probabilities in 0..1, got -1.5 to 2. Give what "
        "predict_proba returns.",
    )


# --------------------------------------------------------------------------- decision boundary


def regions(ax):
    """Where a region begins, seen from the left, in each row of the picture."""
    image = ax.get_images()[0]
    left, right, *_ = image.get_extent()
    array = np.asarray(image.get_array())[..., :3]
    changes = (array[:, 1:] != array[:, :-1]).any(axis=2)
    width = array.shape[1]
    return [left + (right - left) * (np.flatnonzero(row) + 1) / width for row in changes]


@pytest.mark.parametrize(
    "model",
    [
        lambda x: x[:, 0] > 0.25,
        lambda x: (x[:, 0] > 0.25).astype(int),
        lambda x: 0.25 + x[:, :1],
        lambda x: np.stack([0 * x[:, 0], x[:, 0] - 0.25], 1),
    ],
)
def test_the_boundary_is_where_the_answer_changes(model):
    x = RNG.random((40, 2)) * 2 - 1
    t = (x[:, 0] > 0.25).astype(int)
    ax = decision_boundary(model, x, t)
    for row in regions(ax):
        (at,) = row
        assert abs(at - 0.25) < 0.02
    shown = [points.get_offsets() for points in ax.collections if points.get_label() in "01"]
    assert [len(points) for points in shown] == [(t == 0).sum(), (t == 1).sum()]
    assert ax.get_xlim()[0] < x[:, 0].min() and x[:, 1].max() < ax.get_ylim()[1]


def test_classes_that_are_words():
    x = RNG.random((30, 2)) * 2 - 1
    words = np.array(["no", "yes"])[(x[:, 0] > 0.25).astype(int)]
    for given in (words, words.astype(object), words.tolist()):
        ax = decision_boundary(lambda x: np.where(x[:, 0] > 0.25, "yes", "no"), x, given)
        assert all(abs(row[0] - 0.25) < 0.02 for row in regions(ax))
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["no", "yes"]
    refused(
        lambda: decision_boundary(lambda x: np.full(len(x), "perhaps"), x, words, resolution=3),
        ValueError,
        "decision_boundary: model must return scores (N, C) or labels (N,) for x (9, 2), got <U7 "
        "(9,). Give an object with predict, or a function of x.",
    )


def test_one_output_says_yes_above_what_its_loss_has():
    x, t = RNG.random((20, 2)).astype("f4"), np.arange(20) % 2
    for loss, answers, middle in (
        ("sigmoid_cross_entropy", t, 0.0),
        ("binary_cross_entropy", t, 0.5),
        ("hinge", 2 * t - 1, 0.0),
    ):
        last = Dense(1, "sigmoid") if middle else Dense(1)
        model = Sequential([last], loss=loss, seed=0)
        model.build(2)
        model.layers[0].W[...], model.layers[0].b[...] = [[8], [0]], -4  # yes above x0 = 0.5
        ax = decision_boundary(model, x, answers.astype(float))
        for row in regions(ax):
            assert abs(row[0] - 0.5) < 0.01
        again = decision_boundary(model, x, answers, middle=middle)
        assert_array_equal(again.get_images()[0].get_array(), ax.get_images()[0].get_array())
        yes = ax.get_images()[0].get_array()[0, -1, :3]
        assert_allclose(ax.collections[-1].get_facecolor()[0, :3], yes, atol=1e-12)


def test_what_has_no_plane():
    x, t = np.ones((3, 2)), [0, 1, 1]
    refused(
        lambda: decision_boundary(lambda x: x, np.ones((3, 4)), t),
        ValueError,
        "decision_boundary: x must be (N, 2) with at least one sample, got x.shape=(3, 4). Give "
        "two of the features.",
    )
    refused(
        lambda: decision_boundary(lambda x: x, x, [0, 1]),
        ValueError,
        "decision_boundary: t must be 3 labels to match x, got int64 (2,). Give a whole number for "
        "each sample.",
    )
    refused(
        lambda: decision_boundary(lambda x: 1.0, x, t, resolution=3),
        ValueError,
        "decision_boundary: model must return scores (N, C) or labels (N,) for x (9, 2), got "
        "float64 (). Give an object with predict, or a function of x.",
    )
    refused(
        lambda: decision_boundary(3, x, t),
        TypeError,
        "decision_boundary: model must be an object with predict, got 3. Make one of a class that "
        "has these.",
    )


# --------------------------------------------------------------------------- what is no number


def test_answers_of_nan_are_no_answers():
    y = [[np.nan, 1], [0, 1]]
    refused(
        lambda: confusion_matrix([0, 1], y),
        ValueError,
        "confusion_matrix: y must be numbers, got NaN in row 0. Leave such samples out.",
    )
    with pytest.raises(ValueError, match="wrong_answers: y must be numbers"):
        wrong_answers(np.eye(4)[:2], [0, 1], y)


def test_a_boundary_of_labels_that_are_floats():
    x = RNG.standard_normal((60, 2))
    t = (x[:, 0] > 0) + (x[:, 1] > 0).astype(int)

    def said(points):
        return (points[:, 0] > 0) + (points[:, 1] > 0).astype(int)

    whole = decision_boundary(said, x, t).get_images()[0].get_array()
    floats = decision_boundary(lambda points: said(points).astype(float), x, t.astype(float))
    assert_array_equal(floats.get_images()[0].get_array(), whole)
    refused(
        lambda: decision_boundary(lambda points: points[:, 0], x, t),
        ValueError,
        "decision_boundary: model must return scores (N, C) or labels for 3 classes, got one "
        "output. Give it an output for each class.",
    )


def test_a_boundary_needs_numbers_of_one_head():
    x = np.eye(2)
    refused(
        lambda: decision_boundary(lambda points: points, x * np.nan, [0, 1]),
        ValueError,
        "decision_boundary: x must be finite, got NaN or infinity. Leave such samples out.",
    )
    refused(
        lambda: decision_boundary(lambda points: points * np.nan, x, [0, 1]),
        ValueError,
        "decision_boundary: model must return numbers, got NaN. Look at its weights.",
    )
    refused(
        lambda: decision_boundary(lambda points: [points, points[:, :1]], x, [0, 1]),
        ValueError,
        "decision_boundary: model must have one head, got the outputs of 2. Give a function of x "
        "that returns those of one.",
    )
