"""Curves, histograms of outputs, norms of gradients, weights, functions of two variables."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from refused import refused

from fastnet.layers import Branches, Conv2D, Dense, Dropout, Flatten, Rescaling
from fastnet.models import History, Sequential
from fastnet.optimizer import SGD, Adam, Momentum
from fastnet.plot import (
    activation_histograms,
    gradient_field,
    gradient_norms,
    learning_curves,
    loss_curve,
    optimizer_paths,
    weight_images,
)
from fastnet.plot.curves import epoch_ticks

pytest.importorskip("matplotlib.figure", reason="needs the extra plot")
RNG = np.random.default_rng(0)


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


# --------------------------------------------------------------------------- curves


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 9, 17, 28, 30, 50, 99, 100, 101, 1234])
def test_the_first_and_the_last_epoch_are_named(epochs):
    ticks = epoch_ticks(epochs)
    assert ticks[0] == 1 and ticks[-1] == epochs and len(ticks) <= 10
    gaps = np.diff(ticks)
    assert epochs < 4 or 2 * gaps.min() >= gaps.max() - 1
    assert epochs != 30 or ticks == [1, 5, 10, 15, 20, 25, 30]
    ax = learning_curves(History({"loss": list(range(epochs))}))
    assert ax.get_xticks().tolist() == ticks


def test_one_number_of_a_history():
    told = History(
        {"loss": [2.0, 1.0], "f1": [0.5, 0.75], "val_f1": [0.25, 0.5], "seconds": [1, 1]}
    )
    ax = learning_curves(told, "f1", held_out="test")
    assert [line.get_ydata().tolist() for line in ax.get_lines()] == [[0.5, 0.75], [0.25, 0.5]]
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["training: 0.7500", "test: 0.5000"]
    refused(
        lambda: learning_curves(told, "seconds"),
        ValueError,
        "learning_curves: of must be one of 'loss', 'f1', got 'seconds'. Give one of these names.",
    )
    refused(
        lambda: learning_curves([1.0]),
        TypeError,
        "learning_curves: history must be an object with to_dict, got [1.0]. Make one of a "
        "class that has these.",
    )


def test_the_loss_of_each_iteration_and_its_mean():
    (line,) = loss_curve([3.0, 2.0, 1.0]).get_lines()
    assert line.get_ydata().tolist() == [3, 2, 1]
    assert loss_curve([3.0]).get_lines()[0].get_marker() == "o"
    values = np.arange(500.0)
    single, mean = loss_curve(values).get_lines()
    assert_array_equal(single.get_ydata(), values)
    assert mean.get_label() == "mean of 10" and len(mean.get_ydata()) == 491
    assert_allclose(mean.get_xdata(), mean.get_ydata())  # the mean of a line is in its middle
    refused(
        lambda: loss_curve([[1.0]]),
        ValueError,
        "loss_curve: loss must be (I,) with at least one iteration, got loss.shape=(1, 1). Give a "
        "list of numbers.",
    )


# --------------------------------------------------------------------------- layers


def test_outputs_are_those_of_the_prediction():
    x = RNG.standard_normal((200, 4)).astype("f4")
    model = Sequential([Dense(6, "relu"), Dropout(0.5), Dense(3)], seed=0)
    model.build(4)
    ax = activation_histograms(model, x, bins=16)
    assert names(ax) == ["1 Dense relu", "2 Dropout", "3 Dense"]
    first = np.maximum(x @ model.layers[0].W + model.layers[0].b, 0)
    y = model.predict(x)
    zeros = 100 * (first == 0).mean()
    said = [text.get_text() for text in ax.texts]
    assert said[0] == f"{first.mean():.2f} ± {first.std():.2f}\n{zeros:.0f} % are 0"
    assert said[2].split(" ± ")[0] == f"{y.mean():.2f}"
    box = ax.collections[2].get_datalim(ax.transData)
    assert_allclose([box.x0, box.x1], [y.min(), y.max()], rtol=1e-6)


def test_images_rescaled_flattened_and_dead():
    model = Sequential(
        [Rescaling(1 / 255), Conv2D(2, 3, activation="relu"), Flatten(), Dense(3, "relu")], seed=0
    )
    x = RNG.integers(0, 255, (20, 5, 5, 1)).astype("u1")
    model.build((5, 5, 1))
    model.layers[3].b[...] = -1000
    ax = activation_histograms(model, x)
    assert names(ax) == ["1 Rescaling", "2 Conv2D relu", "4 Dense relu"]
    assert ax.texts[-1].get_text() == "0.00 ± 0.00\n100 % are 0"


def test_norms_are_those_of_the_gradient():
    x, t = RNG.random((30, 4)), np.arange(30) % 3
    model = Sequential([Dense(6, "tanh"), Dense(5, "relu"), Dense(3)], seed=0, dtype="float64")
    model.build(4)
    ax = gradient_norms(model, x, t)
    assert names(ax) == ["1 Dense tanh", "2 Dense relu", "3 Dense"]
    arrays = model.gradient(x, t)
    norms = [np.sqrt((W**2).sum() + (b**2).sum()) for W, b in zip(*[iter(arrays)] * 2, strict=True)]
    assert_allclose(ax.get_lines()[1].get_xdata(), norms)
    assert [text.get_text() for text in ax.texts] == [f"{norm:.2g}" for norm in norms]
    assert ax.get_xscale() == "log"
    model.layers[0].trainable = False
    assert names(gradient_norms(model, x, t)) == ["2 Dense relu", "3 Dense"]
    model.layers[2].W[...] = 0  # nothing goes further down
    ax = gradient_norms(model, x, t)
    assert ax.texts[0].get_text() == "0" and len(ax.get_lines()[1].get_xdata()) == 1
    refused(
        lambda: gradient_norms(Sequential, x, t),
        TypeError,
        "gradient_norms: model must be an object with layers, gradient, got <class "
        "'fastnet.models.Sequential'>. Make one of a class that has these.",
    )


def test_weights_of_each_unit_are_an_image():
    W = RNG.standard_normal((6, 5))
    ax = weight_images(W, shape=(2, 3))
    canvas = np.ma.filled(ax.get_images()[0].get_array(), np.nan)
    assert_array_equal(canvas[:2, 4:7], W[:, 1].reshape(2, 3))
    low, high = ax.get_images()[0].get_clim()
    assert -low == high == np.abs(W).max() and ax.get_title() == "weights of 5 units"
    refused(
        lambda: weight_images(W),
        ValueError,
        "weight_images: W must have the pixels of images 2 x 2, got 6. Give their shape, (height, "
        "width).",
    )


# --------------------------------------------------------------------------- functions


def bowl(x):
    return x[0] ** 2 / 20 + x[1] ** 2


def test_arrows_are_the_negative_gradient():
    ax = gradient_field(bowl, x0=(-3, 3), x1=(0, 2), count=4)
    (arrows,) = ax.collections
    points = arrows.get_offsets()
    assert points.tolist() == [[x, y] for y in np.linspace(0, 2, 4) for x in (-3, -1, 1, 3)]
    assert_allclose(np.c_[arrows.U, arrows.V], -points * [0.1, 2], atol=1e-6)
    assert arrows.angles == "xy"
    refused(
        lambda: gradient_field(bowl, x0=(2, 1)),
        ValueError,
        "gradient_field: x0 must be (low, high), got (2, 1). Give the lower number first.",
    )
    refused(
        lambda: gradient_field(3),
        TypeError,
        "gradient_field: f must be a function, got 3. Give one that takes x.",
    )


def test_paths_are_the_updates_of_copies():
    used = Momentum(lr=0.1)
    used.update([np.ones(3)], [np.ones(3)])
    ax = optimizer_paths(bowl, {"plain": SGD(lr=0.5), "heavy": used}, (-7, 2), steps=3)
    plain, heavy = ax.get_lines()
    assert (plain.get_label(), heavy.get_label()) == ("plain", "heavy")
    expected = [[-7, 2]]
    for _ in range(3):
        x, y = expected[-1]
        expected.append([x - 0.5 * x / 10, y - 0.5 * 2 * y])
    assert_allclose(plain.get_xydata(), expected, atol=1e-6)
    assert len(heavy.get_xydata()) == 4
    assert used.iter == 1  # as it was
    ways = np.concatenate([plain.get_xydata(), heavy.get_xydata()])
    assert ax.get_xlim()[0] < ways[:, 0].min() and ways[:, 0].max() < ax.get_xlim()[1]


def test_equal_names_are_told_apart_and_divergence_ends_a_path():
    ax = optimizer_paths(
        lambda x: float(x @ x) ** 2, [*map(SGD, (100.0, 0.001, 0.01)), Adam()], (3, 3), steps=20,
        x0=(-5, 5), x1=(-5, 5),
    )  # fmt: skip
    assert [line.get_label() for line in ax.get_lines()] == ["SGD", "SGD 2", "SGD 3", "Adam"]
    far, near, *_ = (line.get_xydata() for line in ax.get_lines())
    assert 1 < len(far) < 21 and len(near) == 21 and np.isfinite(far).all()
    assert ax.get_xlim() == (-5, 5)
    refused(
        lambda: optimizer_paths(bowl, [SGD()], (1, 2, 3)),
        ValueError,
        "optimizer_paths: start must be (2,), got start.shape=(3,). Give two numbers.",
    )
    refused(
        lambda: optimizer_paths(bowl, {"a": 3}, (1, 2)),
        TypeError,
        "optimizer_paths: optimizers['a'] must be an object with update, got 3. Make one of a "
        "class that has these.",
    )


# --------------------------------------------------------------------------- heads, no numbers


def test_outputs_of_heads_are_one_row():
    x = RNG.standard_normal((20, 4))
    model = Sequential(
        [Dense(5, "tanh"), Branches([Dense(3)], [Dense(1)])],
        loss=["softmax_cross_entropy", "mse"],
        seed=0,
    )
    assert names(activation_histograms(model, x)) == ["1 Dense tanh", "2 Branches"]
    assert len(model.layers) == 2


def test_outputs_that_are_no_numbers_name_their_layer():
    model = Sequential([Dense(5, "tanh"), Dense(3)], seed=0)
    refused(
        lambda: activation_histograms(model, np.full((4, 2), np.nan)),
        ValueError,
        "activation_histograms: outputs must be finite, got NaN or infinity in those of layer 1 "
        "Dense tanh. Look at x, and at the weights up to it.",
    )


def test_planes_and_functions_that_end_have_fields():
    gradient_field(lambda x: 0.0, count=3).figure.canvas.draw()
    ax = gradient_field(lambda x: x[0] if x[0] > 0 else np.nan, count=4)
    assert len(ax.collections[0].U) == 8  # where there is a gradient
    refused(
        lambda: gradient_field(lambda x: np.nan, count=3),
        ValueError,
        "gradient_field: f must have a gradient between x0 and x1, got NaN or infinity all over. "
        "Give other ranges.",
    )


@pytest.mark.parametrize("lr", [30.0, 1e300])
def test_ways_that_diverge_are_drawn_as_far_as_they_go(lr):
    ax = optimizer_paths(lambda x: x[0] ** 2 / 20 + x[1] ** 2, SGD(lr), (-7, 2), steps=400)
    ax.figure.canvas.draw()
    assert np.isfinite(ax.get_lines()[0].get_xydata()).all()


def test_ways_begin_at_a_number_and_are_of_an_optimizer():
    for f, x in ((lambda x: x[0], np.nan), (lambda x: 2.0, np.nan), (lambda x: np.inf, 3.0)):
        refused(
            lambda f=f, x=x: optimizer_paths(f, SGD(0.1), (x, 1)),
            ValueError,
            f"optimizer_paths: start must be where f is finite, got [{x}, 1.0]. Give another "
            "point.",
        )
    refused(
        lambda: optimizer_paths(lambda x: x[0], [], (0, 1)),
        ValueError,
        "optimizer_paths: optimizers must have one at least, got none. Give SGD(), say.",
    )
