"""A last softmax is computed with its loss."""

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from last_layers import C, N, data, made
from numpy.testing import assert_allclose, assert_array_equal

import fastnet.models
import fastnet.reference
from fastnet.layers import Dense, Softmax
from fastnet.losses import CategoricalCrossEntropy, SparseCategoricalCrossEntropy
from fastnet.models import Sequential
from fastnet.optimizer import Adam


@with_each("alone", [True, False])
@with_each("loss", ["categorical_cross_entropy", "sparse_categorical_cross_entropy"])
@every_dtype_name
def test_the_last_softmax_is_computed_with_the_loss(loss, dtype, alone):
    """To the bits of softmax_cross_entropy; what comes out are the probabilities."""
    x, t = data(loss)
    labels = np.arange(N) % C
    plain = Sequential([Dense(8, "tanh"), Dense(C)], dtype=dtype, seed=0)
    end = [Dense(C), Softmax()] if alone else [Dense(C, "softmax")]
    model = Sequential([Dense(8, "tanh"), *end], loss, dtype, seed=0)
    wanted = plain.fit(x, labels, 5, 7, Adam(0.05), (x, labels), verbose=0)
    seen = model.fit(x, t, 5, 7, Adam(0.05), (x, t), verbose=0)
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert getattr(seen, name) == getattr(wanted, name)
    assert_array_equal(model.parameter_vector, plain.parameter_vector)
    assert model.evaluate(x, t) == plain.evaluate(x, labels)
    for few in (x, x[:3]):
        assert_array_equal(model.predict(few), plain.predict_proba(few))
        assert_array_equal(model.predict_proba(few), model.predict(few))
    assert model.forward(x, t) == plain.forward(x, labels)
    assert_array_equal(model.layers[-1].out, model.predict(x))
    assert_array_equal(model.backward(), plain.backward())
    for ours, theirs in zip(model.grads, plain.grads, strict=True):
        assert_array_equal(ours, theirs)
    for ours, theirs in zip(
        model.numerical_gradient(x, t), plain.numerical_gradient(x, labels), strict=True
    ):
        assert_array_equal(ours, theirs)


@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "sparse_categorical_cross_entropy"])
def test_the_fused_loss_is_exact_where_probabilities_vanish(loss):
    """-log(y + 1e-7) is at most 16.1, and has no slope there."""
    t = np.array([[1.0, 0.0]]) if loss[0] == "c" else np.array([0])
    model = Sequential([Dense(2), Softmax()], loss, "float64", seed=0)
    model.build(2)
    model.layers[0].W[...] = [[0, 1000], [0, 0]]
    x = np.array([[1.0, 0.0]])
    assert model.evaluate(x, t)["loss"] == model.forward(x, t) == 1000
    assert_array_equal(model.gradient(x, t)[0], [[-1, 1], [0, 0]])
    assert model.fit(x, t, 1, verbose=0).loss == [1000]


def test_rows_that_add_up_to_something_else():
    """A row of zeros, which categorical cross entropy takes, has no loss."""
    x, t = data("categorical_cross_entropy")
    t[::3] = 0
    t[1] = [0.2, 0.3, 0.1]
    model = made("categorical_cross_entropy", "softmax")
    assert_allclose(model.evaluate(x, t)["loss"], model.forward(x, t), rtol=1e-13)
    by_hand = CategoricalCrossEntropy().forward(model.predict(x), t)
    assert_allclose(model.forward(x, t), by_hand, rtol=1e-5)
    grads, slopes = model.gradient(x, t), model.numerical_gradient(x, t)
    for grad, slope in zip(grads, slopes, strict=True):
        assert_allclose(grad, slope, rtol=0, atol=1e-8)


def test_a_softmax_elsewhere():
    """In the middle, and before a loss that does not take it along: by its own gradient."""
    x, t = data("mean_squared_error")
    stacks = {
        "mean_squared_error": lambda: [Dense(6), Softmax(), Dense(C)],
        "kullback_leibler_divergence": lambda: [Dense(C), Softmax()],
        "binary_cross_entropy": lambda: [Softmax(), Dense(C, "softmax")],
    }
    for loss, stack in stacks.items():
        for dtype in ("float32", "float64"):
            model = Sequential(stack(), loss, dtype, seed=0)
            grads, slopes = model.gradient(x, t), model.numerical_gradient(x, t)
            for grad, slope in zip(grads, slopes, strict=True):
                assert_allclose(grad, slope, rtol=0, atol=1e-8 + 30 * np.finfo(dtype).eps)
            seen = model.fit(x, t, 50, 20, Adam(0.05), verbose=0)
            assert seen.loss[-1] < 0.7 * seen.loss[0]


def test_a_saved_softmax(tmp_path):
    x, t = data("sparse_categorical_cross_entropy")
    for alone in (True, False):
        model = made("sparse_categorical_cross_entropy", "softmax", alone)
        model.fit(x, t, 3, verbose=0)
        model.save(tmp_path / "model.safetensors")
        again = Sequential.load(tmp_path / "model.safetensors")
        assert_array_equal(again.predict(x), model.predict(x))
        assert again.fit(x, t, 2, verbose=0).loss == model.fit(x, t, 2, verbose=0).loss


def test_a_file_of_before_is_read(tmp_path, monkeypatch):
    """Its layers may be such as are refused now: it predicts, and says so when it is trained."""
    from fastnet.models import stack

    x, t = data("poisson")
    with monkeypatch.context() as patch:
        patch.setattr(stack, "check_outputs", lambda *arguments: None)
        model = made("poisson", None)
        model.build(5)
        model.save(tmp_path / "model.safetensors")
    again = Sequential.load(tmp_path / "model.safetensors")
    assert_array_equal(again.predict(x), model.predict(x))
    with pytest.raises(ValueError, match=r"^Sequential\.fit: layers must end"):
        again.fit(x, t, verbose=0)


def test_mostly_zeros_before_a_softmax():
    """The products that skip zeros serve the program of the loss and that of the outputs."""
    rng = np.random.default_rng(0)
    x = np.zeros((4096, 600), np.float32)
    x[:, ::7] = rng.random((4096, 86))
    labels = rng.integers(0, C, 4096)
    loss = SparseCategoricalCrossEntropy()
    model = Sequential([Dense(64, "relu"), Dense(C), Softmax()], loss, seed=0)
    plain = Sequential([Dense(64, "relu"), Dense(C)], seed=0)
    assert (
        model.fit(x, labels, 1, 64, verbose=0).loss == plain.fit(x, labels, 1, 64, verbose=0).loss
    )
    assert_array_equal(model.predict(x), plain.predict_proba(x))


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        ("categorical_cross_entropy", "one-hot"),
        ("categorical_cross_entropy", "soft"),
        ("sparse_categorical_cross_entropy", "labels"),
        ("sparse_categorical_cross_entropy", "one-hot"),
    ],
)
def test_as_the_twin(loss, targets):
    x, labels = data("softmax_cross_entropy")
    t = {"labels": labels, "one-hot": np.eye(C)[labels], "soft": np.full((N, C), 1 / C)}[targets]
    ours, theirs = (
        package.models.Sequential(
            [package.layers.Dense(6, "tanh"), package.layers.Dense(C), package.layers.Softmax()],
            loss,
            "float64",
            seed=0,
        )
        for package in (fastnet, fastnet.reference)
    )
    seen = ours.fit(x, t, 3, 7, fastnet.optimizer.SGD(0.1), (x, t), verbose=0)
    wanted = theirs.fit(x, t, 3, 7, fastnet.reference.optimizer.SGD(0.1), (x, t))
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert_allclose(getattr(seen, name), getattr(wanted, name), rtol=1e-12)
    assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-12)
    assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), rtol=1e-12)
    for ours_, theirs_ in zip(ours.gradient(x, t), theirs.gradient(x, t), strict=True):
        assert_allclose(ours_, theirs_, rtol=0, atol=1e-14)
    for slope, grad in zip(theirs.numerical_gradient(x, t), theirs.gradient(x, t), strict=True):
        assert_allclose(slope, grad, rtol=0, atol=1e-7)
