"""Learning curves as PNG, read back from the figure, and digits drawn as text, to the character."""

import re
import struct
import sys

import numpy as np
import pytest

from fastnet.models import History
from fastnet.plot import BLOCKS, draw_digits, save_learning_curves

# --------------------------------------------------------------------------- learning curves


def history(epochs, validation=True):
    values = [1 / (n + 1) for n in range(epochs)]
    seen = [v / 2 for v in values]
    columns = {"loss": values, "accuracy": [1 - v for v in values]}
    if validation:
        columns |= {"val_loss": seen, "val_accuracy": [1 - v for v in seen]}
    return History({**columns, "seconds": values})


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """A function that draws a history and returns the figure's two panels, and the file."""
    figures = pytest.importorskip("matplotlib.figure", reason="needs the extra plot")
    real = figures.Figure.savefig

    def draw(history):
        kept = []

        def savefig(self, *arguments, **options):
            kept.append(self)
            return real(self, *arguments, **options)

        monkeypatch.setattr(figures.Figure, "savefig", savefig)
        save_learning_curves(history, tmp_path / "curves")
        (figure,) = kept
        return figure.axes, tmp_path / "curves"

    return draw


def test_loss_on_the_left_and_accuracy_on_the_right(drawn):
    told = history(5)
    (left, right), file = drawn(told)
    assert [axes.get_title() for axes in (left, right)] == ["Loss", "Accuracy"]
    assert [axes.get_xlabel() for axes in (left, right)] == ["epoch", "epoch"]
    assert [axes.get_ylabel() for axes in (left, right)] == ["loss", "accuracy"]
    for axes, train, validation in (
        (left, told.loss, told.val_loss),
        (right, told.accuracy, told.val_accuracy),
    ):
        first, second = axes.get_lines()
        for line, values, label in ((first, train, "training"), (second, validation, "validation")):
            assert line.get_xdata().tolist() == [1, 2, 3, 4, 5]
            assert line.get_ydata().tolist() == values
            assert line.get_label() == f"{label}: {values[-1]:.4f}"
        assert first.get_color() != second.get_color()
        assert all(tick == int(tick) for tick in axes.get_xticks())
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n") and data.endswith(b"IEND\xaeB`\x82")
    assert struct.unpack(">2I", data[16:24]) == (1440, 576)


def test_a_panel_for_each_metric(drawn):
    """None but the loss of a regression's; more where more was asked for."""
    values = [0.5, 0.25]
    ((axes,), _) = drawn(History({"loss": values, "seconds": values}))
    assert axes.get_title() == "Loss"
    panels, file = drawn(History({"loss": values, "r2": values, "top_2_accuracy": values}))
    assert [axes.get_title() for axes in panels] == ["Loss", "R2", "Top_2_accuracy"]
    assert struct.unpack(">2I", file.read_bytes()[16:24]) == (2160, 576)


def test_without_validation_and_with_a_single_epoch(drawn):
    for axes in drawn(history(3, validation=False))[0]:
        (line,) = axes.get_lines()
        assert line.get_marker() == "None"
    for axes in drawn(history(1))[0]:
        assert [line.get_marker() for line in axes.get_lines()] == ["o", "s"]


def test_a_history_that_is_a_dict(drawn):
    """As `to_dict` gives it, and history.json keeps it."""
    (of_dict, _), _ = drawn(history(3).to_dict())
    (of_object, _), _ = drawn(history(3))
    for one, other in zip(of_dict.get_lines(), of_object.get_lines(), strict=True):
        np.testing.assert_array_equal(one.get_xydata(), other.get_xydata())
        assert one.get_label() == other.get_label()


def test_pyplot_is_left_alone(drawn, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # an import of it would fail
    drawn(history(2))


def test_a_history_without_epochs(tmp_path):
    with pytest.raises(ValueError) as caught:
        save_learning_curves(history(0), tmp_path / "curves.png")
    assert str(caught.value) == (
        "save_learning_curves: history must have an epoch, got none. Call fit first."
    )
    assert not any(tmp_path.iterdir())


def test_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError) as caught:
        save_learning_curves(history(2), tmp_path / "curves.png")
    message = str(caught.value)
    assert message.startswith("save_learning_curves: matplotlib must be installed, got ")
    assert message.endswith(". Run pip install matplotlib.")
    assert not any(tmp_path.iterdir())


# --------------------------------------------------------------------------- digits

X = np.array([[0, 16, 0, 4], [16, 0, 8, 0], [0, 0, 0, 0], [16, 16, 16, 16], [8, 8, 0, 0]], np.uint8)
PROBA = np.array([[0.9, 0.1], [0.3, 0.7], [0.8, 0.2], [0.45, 0.55], [0.6, 0.4]])


def verdicts(text):
    return re.findall(r"right|wrong, it is \d", text)


def test_small_images_to_the_character():
    t = np.array([0, 1, 0, 0, 1])
    assert draw_digits(X, t, PROBA, columns=80).split("\n") == [
        "  ██            ██                              ████",
        "  ░░            ▒▒                              ████",
        "says 0 (90%)    says 1 (70%)    says 0 (80%)    says 1 (55%)",
        "right           right           right           wrong, it is 0",
        "",
    ]
    assert draw_digits(X[:1], t[:1], PROBA[:1], blocks=False) == (
        "  @@\n  ::\nsays 0 (90%)\nright\n"
    )


def test_large_images_to_the_character():
    image = np.zeros((18, 18), np.uint8)
    image[0, 0] = image[1, 1] = image[0, 2] = image[1, 2] = 255
    image[16, 17], image[17, 17] = 100, 110
    for blocks, first, last in ((True, "▀▄█", " " * 17 + "▄"), (False, "==@", " " * 17 + "=")):
        text = draw_digits(
            image.reshape(1, -1), np.array([1]), np.array([[0.0, 1.0]]), blocks=blocks
        )
        lines = text.split("\n")
        assert lines == [first, *[""] * 7, last, "says 1 (100%)", "right", ""]


def test_the_first_that_are_right_and_the_first_mistake():
    said = np.eye(2)[[0, 0, 0, 0, 0, 0]]
    x = np.ones((6, 4))

    def shown(t, **options):
        return verdicts(draw_digits(x, np.array(t), said, columns=200, **options))

    right, wrong = "right", "wrong, it is 1"
    assert shown([0, 0, 0, 0, 0, 0]) == [right] * 4
    assert shown([0, 0, 0, 0, 0, 1]) == [right, right, right, wrong]
    assert shown([1, 1, 1, 0, 1, 0]) == [right, right, wrong, wrong]
    assert shown([1, 1, 1, 1, 1, 1]) == [wrong] * 4
    assert shown([0, 0, 0, 0, 1, 1], count=1) == [wrong]
    assert shown([0, 0, 0, 0, 1, 1], count=9) == [right] * 4 + [wrong] * 2


@pytest.mark.parametrize("columns", [5, 16, 30, 46, 80, 1000])
def test_no_line_is_wider_than_the_terminal(columns):
    t = np.array([0, 1, 0, 0, 1])
    text = draw_digits(X, t, PROBA, columns=columns)
    assert len(verdicts(text)) == 4
    widest = max(len(line) for line in text.split("\n"))
    assert widest <= max(columns, len("wrong, it is 0"))
    abreast = max(line.count("says") for line in text.split("\n"))
    assert abreast == {5: 1, 16: 1, 30: 2, 46: 3, 80: 4, 1000: 4}[columns]
    assert ("█" in text) == (columns > 5)


def test_ascii_is_ascii_and_blank_images_are_blank():
    t = np.array([0, 1, 0, 0, 1])
    assert draw_digits(X, t, PROBA, blocks=False).isascii()
    assert not BLOCKS.isascii()
    blank = draw_digits(np.zeros((1, 4)), t[:1], PROBA[:1])
    assert blank == "\n\nsays 0 (90%)\nright\n"


@pytest.mark.parametrize(
    "x, t, proba, says",
    [
        (np.ones((2, 5)), [0, 1], np.eye(2), r"x must be square .* got x.shape=\(2, 5\)"),
        (np.ones((2, 17 * 17)), [0, 1], np.eye(2), "an even side above 16"),
        (np.ones((0, 4)), [], np.ones((0, 2)), r"got x.shape=\(0, 4\)"),
        (np.ones((2, 4)), [0], np.eye(2), r"for N = 2, got \(1,\) and \(2, 2\)"),
        (np.ones((2, 4)), [0, 1], [1.0, 0.0], r"got \(2,\) and \(2,\)"),
    ],
)
def test_digits_are_square_and_each_has_a_label(x, t, proba, says):
    with pytest.raises(ValueError, match=f"draw_digits: .*{says}"):
        draw_digits(x, t, proba)
