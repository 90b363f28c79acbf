"""Pictures of answers: calibration, and boundaries between classes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from refused import refused

from fastnet.layers import Dense
from fastnet.models import Sequential
from fastnet.plot import calibration_curve, confusion_matrix, decision_boundary, wrong_answers

RNG = np.random.default_rng(0)

pytest.importorskip("matplotlib.figure", reason="needs the extra plot")


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
