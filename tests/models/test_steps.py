"""Samples in their shape, and models that answer each step of a sequence."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastnet
from fastnet.kernels import entry
from fastnet.kernels.loop.calls import LayerBackward, LayerForward, LayerGradient
from fastnet.kernels.simd import get, offset, pointer_at, put
from fastnet.layers import (
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    LoopLayer,
    Steps,
    Tanh,
)
from fastnet.losses import SoftmaxCrossEntropy
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam


class Sequence(Layer):
    """Says that a sample is a sequence, each step of which is answered."""

    takes_shape = True
    argument_names = ("input_shape",)

    def __init__(self, input_shape=None):
        super().__init__()
        self.input_shape = input_shape

    def output_shape(self, input_shape):
        if len(input_shape) != 2:
            raise ValueError(f"Sequence: input must be (steps, features), got {input_shape}.")
        return Steps(input_shape)

    def forward(self, x):
        assert x.ndim == 3
        return x

    def backward(self, dout):
        assert dout.ndim == 3
        return dout

    def in_loop(self, input_shape):
        return [LoopLayer(self.output_shape(input_shape))]


@entry(LayerForward)
def scaled_in_loop(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
    """out = x * w, by way of what the thread has alone."""
    p, w = pointer_at(x, like), pointer_at(param, like)
    mine, target = pointer_at(own, like), pointer_at(out, like)
    for i in range(n):
        for j in range(d):
            put(mine, j, get(p, i * d + j) * get(w, j))
        for j in range(d):
            put(target, i * d + j, get(mine, j))
    return 0


@entry(LayerBackward)
def scaled_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """dx = dout * w."""
    if dx != 0:
        g, w, target = pointer_at(dout, like), pointer_at(param, like), pointer_at(dx, like)
        for i in range(n):
            for j in range(d):
                put(target, i * d + j, get(g, i * d + j) * get(w, j))
    return 0


@entry(LayerGradient)
def scaled_weights_in_loop(
    block, blocks, n, d, m, x, out, param, state, scratch, own, dout, add, target, like
):
    """Some of dw = sum over rows of x * dout."""
    p, g, dw = pointer_at(x, like), pointer_at(dout, like), pointer_at(target, like)
    for j in range(block * d // blocks, (block + 1) * d // blocks):
        total = get(p, j) * get(g, j)
        for i in range(1, n):
            row = offset(p, i * d)
            total += get(row, j) * get(g, i * d + j)
        put(dw, j, (get(dw, j) if add else like * 0.0) + like * total)
    return 0


class Scaled(Layer):
    """out = x * w, with a gradient that is cut into blocks."""

    array_names = ("w",)
    decays = 1

    def __init__(self, w):
        super().__init__()
        self.params, self.grads = [np.array(w)], [np.zeros_like(w)]

    def forward(self, x):
        self.x = x
        return x * self.params[0]

    def backward(self, dout):
        self.grads[0][...] = (self.x * dout).sum(0)
        return dout * self.params[0]

    def in_loop(self, input_shape):
        kernels = scaled_in_loop, scaled_gradient_in_loop, scaled_weights_in_loop
        d = input_shape[0]
        return [LoopLayer(input_shape, ((d,),), kernels, own=d)]


def sequences(n=40, steps=3, features=5, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, steps, features)), rng.integers(0, classes, (n, steps))


def of_steps(dtype="float64", **options):
    layers = [Sequence(), Dense(6, "tanh"), Dense(4)]
    return Sequential(layers, dtype=dtype, seed=1, **options)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_step_is_a_row(dtype, optimizer):
    """The same as a model of rows, whose batches are all steps of as many samples."""
    x, t = sequences()
    model, rows = of_steps(dtype), Sequential([Dense(6, "tanh"), Dense(4)], dtype=dtype, seed=1)
    how = {"epochs": 2, "verbose": 0, "shuffle": False}
    history = model.fit(x, t, batch_size=8, optimizer=optimizer(), **how)
    known = rows.fit(x.reshape(-1, 5), t.reshape(-1), batch_size=24, optimizer=optimizer(), **how)
    assert_array_equal(model.parameter_vector, rows.parameter_vector)
    assert history.loss == known.loss and history.accuracy == known.accuracy
    y = model.predict(x)
    assert y.shape == (40, 3, 4) and model.predict(x[0]).shape == (3, 4)
    assert_array_equal(y.reshape(-1, 4), rows.predict(x.reshape(-1, 5)))
    metrics = ["accuracy", "macro_f1"] if "macro_f1" in model._loss.metrics else ["accuracy"]
    assert model.evaluate(x, t, metrics) == rows.evaluate(x.reshape(-1, 5), t.reshape(-1), metrics)
    assert model.predict_proba(x).sum(2) == pytest.approx(1.0)


def test_a_step_by_hand_is_that_of_the_loop():
    x, t = sequences()
    t[1, 2] = t[5] = -1
    model, same = of_steps(), of_steps()
    same.fit(x, t, 1, 40, SGD(0.1), shuffle=False, verbose=0)
    loss = model.forward(x, t)
    dx = model.backward()
    assert dx.shape == x.shape
    SGD(0.1).update(model.params, model.grads)
    assert_allclose(model.parameter_vector, same.parameter_vector, rtol=1e-13, atol=1e-15)
    assert loss == pytest.approx(of_steps().fit(x, t, 1, 40, verbose=0).loss[0], rel=1e-13)


def test_gradients_are_central_differences():
    x, t = sequences(6)
    t[0, 1] = -1
    model = of_steps()
    for exact, by_definition in zip(
        model.gradient(x, t), model.numerical_gradient(x, t), strict=True
    ):
        assert_allclose(exact, by_definition, atol=1e-8)


def test_steps_without_a_label_do_not_count():
    x, t = sequences()
    t[::2, 1:] = -1
    rows = (t >= 0).reshape(-1)
    model, of_rows = of_steps(), Sequential([Dense(6, "tanh"), Dense(4)], dtype="float64", seed=1)
    how = {"epochs": 1, "batch_size": 1000, "shuffle": False, "verbose": 0}
    history = model.fit(x, t, optimizer=SGD(0.1), **how)
    flat, labels = x.reshape(-1, 5)[rows], t.reshape(-1)[rows]
    known = of_rows.fit(flat, labels, optimizer=SGD(0.1), **how)
    assert_allclose(model.parameter_vector, of_rows.parameter_vector, rtol=1e-12)
    assert history.loss[0] == pytest.approx(known.loss[0], rel=1e-13)
    assert history.accuracy == known.accuracy
    found, wanted = model.evaluate(x, t, ["accuracy"]), of_rows.evaluate(flat, labels, ["accuracy"])
    assert found["accuracy"] == wanted["accuracy"]
    assert found["loss"] == pytest.approx(wanted["loss"], rel=1e-13)
    with pytest.raises(ValueError, match="other than ignore_index=-1"):
        model.fit(x, np.full_like(t, -1), verbose=0)


def test_weights_of_samples_and_of_steps():
    x, t = sequences(8)
    how = {"epochs": 1, "batch_size": 8, "shuffle": False, "verbose": 0}
    weights = np.arange(8.0)
    model, same = of_steps(), of_steps()
    model.fit(x, t, sample_weight=weights, **how)
    same.fit(x, t, sample_weight=np.repeat(weights[:, None], 3, 1), **how)
    assert_array_equal(model.parameter_vector, same.parameter_vector)
    assert model.forward(x, t, weights) == pytest.approx(
        model.evaluate(x, t, sample_weight=weights)["loss"], rel=1e-13
    )


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_a_gradient_in_blocks_has_the_same_bits_for_any_number_of_threads(
    threads, optimizer, monkeypatch
):
    monkeypatch.setattr(fastnet.threads, "FLOPS_A_CALL", 0)
    monkeypatch.setattr(fastnet.threads, "FLOPS_A_THREAD", 1)
    rng = np.random.default_rng(0)
    x, t, w = rng.standard_normal((200, 30)), rng.integers(0, 4, 200), rng.standard_normal(30)
    found = []
    before = fastnet.get_num_threads()
    try:
        for n in (1, threads):
            fastnet.set_num_threads(n)
            model = Sequential([Dense(30, "tanh"), Scaled(w), Dense(4)], dtype="float64", seed=0)
            model.fit(x, t, 3, 64, optimizer(), verbose=0)
            found.append(model.parameter_vector.copy())
    finally:
        fastnet.set_num_threads(before)
    assert_array_equal(*found)
    by_hand = Sequential([Dense(30, "tanh"), Scaled(w), Dense(4)], dtype="float64", seed=0)
    by_hand.build(30)
    rule = optimizer()
    for _ in range(3):
        order = np.arange(200)
        by_hand._rng.shuffle(order)
        for start in range(0, 200, 64):
            part = order[start : start + 64]
            by_hand.forward(x[part], t[part])
            by_hand.backward()
            rule.update(by_hand.params, by_hand.grads)
    assert_allclose(by_hand.parameter_vector, found[0], rtol=1e-9, atol=1e-12)


def test_a_frozen_layer_in_blocks_stays():
    rng = np.random.default_rng(0)
    x, t, w = rng.standard_normal((40, 30)), rng.integers(0, 4, 40), rng.standard_normal(30)
    for rule in (SGD, Adam):
        layers = [Dense(30), Scaled(w), Dense(4)]
        layers[1].trainable = False
        Sequential(layers, dtype="float64", seed=0).fit(x, t, 2, 16, rule(), verbose=0)
        assert_array_equal(layers[1].params[0], w)


def test_an_embedding_gives_a_sequence():
    model = Sequential([Embedding(np.eye(7)), Dropout(0.5), Sequence(), Dense(7)], seed=0)
    words = np.arange(70).reshape(10, 7) % 7
    history = model.fit(words, words, 200, 5, Adam(0.1), verbose=0)
    assert history.accuracy[-1] > 0.6 and model.evaluate(words, words)["accuracy"] == 1.0
    flat = Sequential([Embedding(np.eye(7)), Dense(3)], seed=0)
    flat.build(4)
    assert flat.layers[1].W.shape == (28, 3)


def test_an_ignored_label_of_another_number():
    x, t = sequences()
    t[0] = 9
    loss = SoftmaxCrossEntropy(ignore_index=9)
    model = Sequential([Sequence(), Dense(4)], loss, dtype="float64", seed=0)
    assert np.isfinite(model.forward(x, t))
    t[0] = -1
    with pytest.raises(IndexError, match="t must be in 0"):
        model.forward(x, t)


REFUSED = [
    (
        np.ones((4, 15)),
        np.zeros((4, 3), int),
        r"x must be \(N, 3, 5\) with at least one sample, got x.shape=\(4, 15\). "
        r"Reshape it: x.reshape\(-1, 3, 5\).",
    ),
    (
        np.ones((3, 5)),
        np.zeros((1, 3), int),
        r"x must be \(N, 3, 5\) .*, got x.shape=\(3, 5\). Add the axis of samples: x\[None\].",
    ),
    (
        np.ones((4, 3, 5)),
        np.zeros(4, int),
        r"t must have shape \(4, 3\) or \(4, 3, C\), .*, got t.shape=\(4,\). Give -1 for",
    ),
    (
        np.ones((4, 3, 5)),
        np.zeros((4, 2), int),
        r"t must have shape \(4, 3\) or \(4, 3, C\), .*, got t.shape=\(4, 2\). Give -1 for",
    ),
]


@pytest.mark.parametrize(("x", "t", "message"), REFUSED)
def test_shapes_that_do_not_fit(x, t, message):
    model = Sequential([Sequence((3, 5)), Dense(4)], seed=0)
    before = model.parameter_vector.copy()
    for call in (model.fit, model.evaluate, model.forward):
        with pytest.raises(ValueError, match=message):
            call(x, t)
    assert_array_equal(model.parameter_vector, before)


def test_images_want_their_channels():
    class Image(Sequence):
        def output_shape(self, input_shape):
            return input_shape

    model = Sequential([Image((4, 4, 1)), Dense(2)], seed=0)
    with pytest.raises(ValueError, match=r"Add the axis of channels: x\[\.\.\., None\]\.$"):
        model.predict(np.ones((3, 4, 4)))
    model = Sequential([Image((4, 5, 3)), Dense(2)], seed=0)
    with pytest.raises(ValueError, match=r"Channels are the last axis: x\.transpose\(0, 2, 3, 1\)"):
        model.predict(np.ones((2, 3, 4, 5)))


def test_a_shape_is_saved(tmp_path):
    x, t = sequences()
    model = of_steps()
    model.fit(x, t, 1, verbose=0)
    model.save(tmp_path / "model.safetensors")
    again = Sequential.load(tmp_path / "model.safetensors", [Sequence])
    assert_array_equal(again.predict(x), model.predict(x))
    for m in (model, again):
        m.fit(x, t, 2, verbose=0)
    assert_array_equal(again.parameter_vector, model.parameter_vector)


def test_weights_of_a_layer_by_address_decay():
    rng = np.random.default_rng(0)
    x, t, w = rng.standard_normal((40, 30)), rng.integers(0, 4, 40), rng.standard_normal(30)
    model = Sequential([Scaled(w), Dense(4)], dtype="float64", seed=0, l1=0.01, l2=0.1)
    model.build(30)
    model.forward(x, t), model.backward()
    stepped = model.parameter_vector - 0.1 * model.gradient_vector
    for exact, by_definition in zip(
        model.gradient(x, t), model.numerical_gradient(x, t), strict=True
    ):
        assert_allclose(exact, by_definition, atol=1e-8)
    loss = model.forward(x, t)
    history = model.fit(x, t, 1, 40, SGD(0.1), shuffle=False, verbose=0)
    assert_allclose(model.parameter_vector, stepped, rtol=1e-12)
    assert history.loss[0] == pytest.approx(loss, rel=1e-13)


def test_no_central_differences_of_a_state_that_goes_on():
    x, t = sequences(4)
    model = Sequential([LSTM(3, stateful=True, batch_size=4), Dense(4)], dtype="float64", seed=0)
    with pytest.raises(ValueError, match=r"layers\[0\] must not be stateful, got LSTM\(3"):
        model.numerical_gradient(x, t[:, 0])


def test_a_sequence_of_one_step_is_a_sequence():
    x, t = sequences(steps=1)
    model, rows = of_steps(), Sequential([Dense(6, "tanh"), Dense(4)], dtype="float64", seed=1)
    how = {"epochs": 2, "verbose": 0, "shuffle": False, "batch_size": 8}
    model.fit(x, t, **how), rows.fit(x[:, 0], t[:, 0], **how)
    assert_array_equal(model.parameter_vector, rows.parameter_vector)
    one_hot = np.eye(4)[t]
    assert one_hot.shape == model.predict(x).shape == (40, 1, 4)
    assert model.evaluate(x, one_hot) == model.evaluate(x, t)
    t[3] = -1
    assert np.isfinite(model.forward(x, t)) and np.isfinite(model.evaluate(x, t)["loss"])
    with pytest.raises(ValueError, match=r"t must have shape \(40, 1\) or"):
        model.evaluate(x, t[:, 0])


@pytest.mark.parametrize("last", [Tanh, lambda: Dropout(0.0)], ids=["Tanh", "Dropout"])
def test_a_last_layer_without_parameters_has_its_gradient(last):
    x, t = sequences(6)
    t[0, 1] = -1
    model = Sequential([Sequence(), Dense(4), last()], dtype="float64", seed=1)
    for exact, by_definition in zip(
        model.gradient(x, t), model.numerical_gradient(x, t), strict=True
    ):
        assert_allclose(exact, by_definition, atol=1e-8)


def test_validation_data_have_the_shape_of_the_data():
    x, t = sequences(6, steps=4, features=6)
    other, model = np.ones((6, 6, 4)), Sequential([LSTM(3), Dense(4)], seed=0)
    with pytest.raises(ValueError, match=r"validation_data\[0\] must be \(N, 4, 6\)"):
        model.fit(x, t[:, 0], validation_data=(other, t[:, 0]), verbose=0)
    assert not model.layers[0].params


def test_batches_that_would_carry_no_state_are_refused():
    x, t = sequences(8)
    model = Sequential([LSTM(3, stateful=True, batch_size=4), Dense(4)], seed=0)
    with pytest.raises(ValueError, match=r"batch_size must be that of layers\[0\], .* 4, got 8: "):
        model.fit(x, t[:, 0], batch_size=32, verbose=0)
    model.fit(x, t[:, 0], batch_size=4, verbose=0)
    assert np.abs(model.layers[0].h).max() > 0
    model.layers[0].h = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"h of LSTM.* must have shape \(4, 3\), got \(2, 3\)"):
        model.fit(x, t[:, 0], batch_size=4, verbose=0)


def test_channels_that_come_first_are_seen():
    model = Sequential([Conv2D(2, 3), Flatten(), Dense(3)], seed=0)
    with pytest.raises(ValueError, match=r"Give x\.transpose\(0, 2, 3, 1\); or, if they do not, "):
        model.fit(np.ones((4, 3, 8, 8)), [0, 1, 2, 0], verbose=0)
    wide = Sequential([Conv2D(2, 3, input_shape=(3, 8, 8)), Flatten(), Dense(3)], seed=0)
    assert wide.predict(np.ones((4, 3, 8, 8))).shape == (4, 3)


def test_places_that_are_not_finite_are_named_in_their_shape():
    x, t = sequences(6)
    x[3, 2, 1] = np.nan
    with pytest.raises(FloatingPointError, match=r"got x\[3, 2, 1\]=nan"):
        of_steps().fit(x, t, verbose=0)
    x, _ = sequences(6)
    targets = np.ones((6, 3, 4))
    targets[2, 1, 3] = np.nan
    with pytest.raises(FloatingPointError, match=r"got t\[2, 1, 3\]=nan"):
        Sequential([Sequence(), Dense(4)], "mse", seed=0).fit(x, targets, verbose=0)


def test_a_label_out_of_range_is_named_by_its_sample_and_step():
    model, x = Sequential([Sequence(), Dense(4)], seed=0), np.ones((6, 7, 3))
    t = np.zeros((6, 7), int)
    t[4, 2] = 4
    for call in (model.fit, model.evaluate, model.forward):
        with pytest.raises(IndexError) as caught:
            call(x, t)
        assert str(caught.value).split(": ", 1)[1] == (
            "t must be in 0..3 for predict(x).shape=(6, 7, 4), got t[4, 2]=4. "
            "Give the last layer 5 units, one for each class."
        )
