"""What layers, losses, optimizers and files of a model are together."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.kernels import entry
from fastnet.kernels.loop import calls
from fastnet.layers import Affine, Dense, Dropout, Layer, Relu, Rescaling, Softmax
from fastnet.losses import LoopLoss, SoftmaxCrossEntropy
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam

X = np.random.default_rng(0).random((24, 4))
T = np.arange(24) % 4


class Nothing(Layer):
    """Lets everything through, without a step in the loop."""

    def forward(self, x):
        return x

    def backward(self, dout):
        return dout

    def output_shape(self, input_shape):
        return input_shape

    def in_loop(self, input_shape):
        return []


class ByHand(Nothing):
    """For steps by hand alone."""

    in_loop = Layer.in_loop


@pytest.mark.parametrize("layers", [[Softmax()], [Rescaling(2.0), Softmax()]], ids=len)
def test_a_softmax_alone_before_its_loss(layers):
    """The loop was given a network of no layers, and read before its records."""
    model = Sequential(layers, "categorical_cross_entropy", "float64")
    y, t = model.predict(X), np.eye(4)[T]
    loss = -np.log(y[np.arange(24), T] + 1e-7).mean()
    assert_allclose(model.evaluate(X, t)["loss"], loss, rtol=1e-12)
    assert_allclose(model.forward(X, t), loss, rtol=1e-12)
    assert_allclose(model.fit(X, t, verbose=0).loss, [loss], rtol=1e-12)
    assert model.numerical_gradient(X, t) == []


@pytest.mark.parametrize("layers", [[Nothing()], [Rescaling(0.5), Nothing()]], ids=len)
def test_no_step_for_the_loop_at_all(layers):
    model = Sequential(layers)
    for call in (lambda: model.fit(X, T, verbose=0), lambda: model.predict(X)):
        with pytest.raises(TypeError, match=r"^Sequential: layers must have a step"):
            call()
    assert model.forward(X, T) > 0


def test_a_layer_behind_the_softmax():
    model = Sequential([Dense(4), Softmax(), Nothing()], "categorical_cross_entropy", seed=0)
    t = np.eye(4)[T]
    seen = model.evaluate(X, t)["loss"]
    assert_allclose(model.forward(X, t), seen, rtol=1e-6)
    model.backward()
    model.layers[-1] = ByHand()
    assert_allclose(model.forward(X, t), seen, rtol=1e-6)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("change", ["a new layer", "a frozen layer"])
def test_a_copy_knows_whose_its_optimizers_states_are(twin, change):
    def trained():
        model = Sequential([Affine(np.eye(4), np.zeros(4)), Dense(4), Dense(4)], seed=0)
        model.fit(X, T, epochs=3, optimizer=Adam(), verbose=0)
        return model

    results = []
    for model in (trained(), twin(trained())):
        if change == "a new layer":
            model.layers.insert(0, Affine(np.eye(4), np.zeros(4)))
            model.fit(X, T, epochs=2, verbose=0)
        else:
            model.layers[0].trainable = False
            model.forward(X, T)
            model.backward()
            model.optimizer.update(model.params, model.grads)
        results.append(model.parameter_vector)
    assert_array_equal(*results)


def test_copies_and_files_without_an_optimizer_that_cannot_go_along(tmp_path):
    model, other = (Sequential([Dense(4)], seed=0) for _ in range(2))
    model.fit(X, T, optimizer=SGD(lr=lambda i: 0.1), verbose=0)
    assert pickle.loads(pickle.dumps(model)).optimizer is None
    optimizer = Adam()
    model.fit(X, T, optimizer=optimizer, verbose=0)
    optimizer.reset()
    other.fit(X, T, optimizer=optimizer, verbose=0)
    with pytest.warns(UserWarning, match="its states are of other arrays by now"):
        model.save(tmp_path / "model")
    assert Sequential.load(tmp_path / "model").optimizer is None
    assert copy.deepcopy(model).optimizer is None
    with pytest.raises(ValueError, match=r"^save_model: optimizer must be"):
        model.save(tmp_path / "model", optimizer=optimizer)


def test_a_model_that_is_refused_leaves_the_layers():
    layers = [Dense(4)]
    with pytest.raises(ValueError, match=r'Use loss="softmax_cross_entropy"'):
        Sequential(layers, "categorical_cross_entropy")
    Sequential(layers, "softmax_cross_entropy").fit(X, T, verbose=0)


@entry(calls.Loss)
def doubled_in_loop(n, size, columns, y, targets, labels, rows, numbers, dx, losses, like):
    """A loss of nothing, for targets."""
    return 0


def test_a_loss_of_ones_own_is_not_given_probabilities_in_place_of_labels():
    class Doubled(SoftmaxCrossEntropy):
        def forward(self, x, t, sample_weight=None):
            return 2 * super().forward(x, t)

        def in_loop(self):
            return LoopLoss(doubled_in_loop)

    assert Doubled.takes_labels and not Doubled.takes_shares
    soft = np.full((24, 4), 0.25)
    with pytest.raises(ValueError, match="t must be"):
        Sequential([Dense(4)], Doubled()).evaluate(X, soft)


def test_a_layer_that_rescales_what_it_has_computed():
    class Scaled(Dense):
        def in_loop(self, input_shape):
            return [*super().in_loop(input_shape), *Rescaling(3.0).in_loop((self.units,))]

        def forward(self, x):
            return 3 * super().forward(x)

    model = Sequential([Scaled(4), Relu()], dtype="float64", seed=0)
    model.build(4)
    model.layers[0].b[...] = 1
    assert_allclose(model.predict(X), model.forward(X), rtol=1e-12)


@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_penalties_leave_the_gradient_of_frozen_layers(penalty):
    model = Sequential([Dense(4), Dropout(0.1), Dense(4)], seed=0, **{penalty: 0.1})
    model.build(4)
    model.layers[0].trainable = False
    model.fit(X, T, epochs=5, optimizer=Adam(), verbose=0)
    assert not model.layers[0].dW.any() and model.layers[2].dW.any()


def test_accuracy_of_samples_that_count_is_exact():
    labels = np.arange(60) % 4
    x, t = np.eye(4)[labels], np.where(np.arange(60) < 11, labels, -1)
    model = Sequential([Affine(np.eye(4) * 9, np.zeros(4))], SoftmaxCrossEntropy(ignore_index=-1))
    history = model.fit(x, t, epochs=3, batch_size=5, optimizer=SGD(0.0), verbose=0)
    assert history.accuracy == [1.0] * 3 and model.evaluate(x, t)["accuracy"] == 1.0


def test_a_model_of_frozen_layers_and_an_activation_does_not_learn():
    model = Sequential([Dense(4, input_shape=4), Relu()])
    assert model.trainable
    model.layers[0].trainable = False
    assert not model.trainable


def test_weights_that_overflow_together():
    model = Sequential([Dense(4)], seed=0)
    with pytest.raises(ValueError, match=r"sample_weight \* class_weight must be finite"):
        model.fit(X, T, sample_weight=np.full(24, 1e30), class_weight={1: 1e30}, verbose=0)


@pytest.mark.parametrize("name", ["x", "t"])
@pytest.mark.parametrize("batch_size", [1, 5, 24])
def test_a_number_that_is_none_is_named_and_no_learning_rate(name, batch_size):
    x, t = X.copy(), np.stack([T, T], axis=1).astype(float)
    (x if name == "x" else t)[13, 1] = np.nan
    model = Sequential([Dense(3), Dense(2)], "mean_squared_error", "float64", seed=0)
    with pytest.raises(FloatingPointError) as raised:
        model.fit(x, t, 2, batch_size, Adam(1e-9), shuffle=False, verbose=0)
    assert str(raised.value) == (
        f"Sequential.fit: {name} must be finite, got {name}[13, 1]=nan. The model keeps its last "
        "finite weights. Leave the sample out, or put a number in its place."
    )


@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "sparse_categorical_cross_entropy"])
def test_probabilities_that_are_rescaled_are_none(loss):
    stack = [Dense(4), Softmax(), Rescaling(2.0)]
    with pytest.raises(ValueError, match="layers must end with probabilities of classes"):
        Sequential(stack, loss)
    assert Rescaling(-2.0, 1.0).outputs(Softmax().outputs(None)) == (-1, 1, False)
    assert Rescaling(0.5).outputs(None) is None
