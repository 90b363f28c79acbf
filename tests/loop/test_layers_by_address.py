"""Layers that the loop calls by address: in every place, with masks and statistics."""

import copy

import numba
import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from loop_models import (
    BATCH,
    EPOCHS,
    OPTIMIZERS,
    N,
    assert_same_training,
    data,
    model,
    train_by_hand,
)
from numpy.testing import assert_allclose, assert_array_equal

import fastnet
from fastnet import layers
from fastnet.kernels import dropout_mask
from fastnet.kernels.dropout import layer_seed
from fastnet.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Elu,
    Gelu,
    LeakyRelu,
    Tanh,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam

LAYERS = {
    name: getattr(layers, name)
    for name in [
        *layers.activations.__all__,
        *layers.gates.__all__,
        "BatchNormalization",
        "Softmax",
    ]
    if name != "Step"  # without a gradient
} | {
    "LeakyRelu": lambda: LeakyRelu(0.1),
    "Elu": lambda: Elu(0.7),
    "Gelu, tanh": lambda: Gelu("tanh"),
}


@with_each("place", [0, 1, 2])
@with_each("optimizer", ["SGD", "Adam"])
@with_each("layer", LAYERS)
@every_dtype_name
def test_every_layer_in_every_place(layer, optimizer, place, dtype):
    """First, in the middle, last."""
    if (layer, optimizer, place) == ("BatchNormalization", "Adam", 2):
        return  # the bias before it has no gradient but rounding, which Adam makes large
    loss = "softmax_cross_entropy"
    if place == 2 and layer in ("Sigmoid", "Softmax"):  # which are no logits
        loss = "mean_squared_error"
    x, t = data(loss, dtype)

    def make():
        stack = [Dense(7, activation="tanh"), Dense(3)]
        stack.insert(place, LAYERS[layer]())
        return model(loss, dtype, layers=stack)

    assert_same_training(make, x, t, OPTIMIZERS[optimizer])


@every_dtype_name
def test_two_layers_by_address_in_a_row(dtype):
    x, t = data("mean_squared_error", dtype)

    def make():
        stack = [Dense(7), BatchNormalization(), Gelu(), Dense(3), LeakyRelu(0.2)]
        return model("mean_squared_error", dtype, layers=stack)

    assert_same_training(make, x, t, OPTIMIZERS["Momentum"])


@every_dtype_name
def test_batch_normalization_keeps_its_running_statistics(dtype):
    x, t = data("softmax_cross_entropy", dtype)
    looped, by_hand = (
        model(
            "softmax_cross_entropy", dtype,
            layers=[Dense(7), BatchNormalization(), Tanh(), Dense(3)],
        )
        for _ in range(2)
    )  # fmt: skip
    looped.fit(x, t, epochs=EPOCHS, batch_size=BATCH, shuffle=False, verbose=0, optimizer=SGD(0.05))
    train_by_hand(by_hand, x, t, SGD(0.05))
    bound = 400 * np.finfo(dtype).eps
    for name in ("running_mean", "running_var"):
        mine, theirs = (getattr(net.layers[1], name) for net in (looped, by_hand))
        assert_allclose(mine, theirs, rtol=bound, atol=bound)
        assert np.abs(mine).min() > 0
    # After training they take the place of the batch's: one sample is normalized, too.
    out = x
    for layer in by_hand.layers:
        normalizes = isinstance(layer, BatchNormalization)
        out = layer.forward(out, train_flg=False) if normalizes else layer.forward(out)
    assert_allclose(looped.predict(x), out, rtol=100 * bound, atol=bound)
    assert_array_equal(looped.predict(x[7:8]), looped.predict(x)[7:8])


@numba.njit
def seed_of_layer(seed, update, i):
    return layer_seed(seed, update, i)


@pytest.mark.parametrize("inverted", [False, True])
@every_dtype_name
def test_dropout_by_the_masks_that_the_loop_draws(inverted, dtype, monkeypatch):
    """The layer by hand is given the masks of the kernel: hashes of seed, update and layer."""
    x, t = data("softmax_cross_entropy", dtype)
    looped, by_hand = (
        model(
            "softmax_cross_entropy", dtype,
            layers=[Dense(7, activation="tanh"), Dropout(0.3, inverted=inverted), Dense(3)],
        )
        for _ in range(2)
    )  # fmt: skip
    seed = int(copy.deepcopy(looped._rng).integers(2**63))
    looped.fit(x, t, epochs=EPOCHS, batch_size=BATCH, shuffle=False, verbose=0, optimizer=SGD(0.05))
    update = 0

    def rand(*shape):
        nonlocal update
        mask = np.empty(shape, np.uint8).ravel()
        dropout_mask(seed_of_layer(seed, update, 1), 0, 0.3, mask)
        update += 1
        return mask.reshape(shape).astype(float)  # 1 is kept: more than the ratio

    monkeypatch.setattr(np.random, "rand", rand)
    train_by_hand(by_hand, x, t, SGD(0.05))
    bound = 400 * np.finfo(dtype).eps
    assert_allclose(looped.parameter_vector, by_hand.parameter_vector, rtol=bound, atol=bound)


def test_dropout_drops_its_share_and_nothing_after_training():
    x, t = np.ones((4000, 50)), np.zeros((4000, 50))
    net = Sequential([Dropout(0.25), Dense(50)], "mean_squared_error", "float64", seed=3)
    net.build(50)
    net.params[0][...], net.params[1][...] = np.eye(50), 0
    assert_array_equal(net.predict(x), np.full((4000, 50), 0.75))
    # One update of all samples: dW = x.T @ x / N, which counts what was kept, alone and in pairs.
    net.fit(x, t, batch_size=4000, optimizer=SGD(1.0), verbose=0)
    kept = np.eye(50) - net.params[0]
    deviation = np.sqrt(0.75 * 0.25 / 4000)
    assert np.abs(kept.diagonal() - 0.75).max() < 5 * deviation
    pairs = kept[~np.eye(50, dtype=bool)]
    assert np.abs(pairs - 0.75**2).max() < 6 * np.sqrt(0.75**2 * (1 - 0.75**2) / 4000)


def test_dropout_draws_anew_in_each_update_and_call_and_the_same_for_a_seed():
    x, t = data("softmax_cross_entropy", "float64")

    def trained(calls, seed):
        net = Sequential([Dropout(0.5), Dense(3)], dtype="float64", seed=seed)
        for _ in range(calls):
            net.fit(x, t, batch_size=N, shuffle=False, verbose=0, optimizer=SGD(0.1))
        return net.parameter_vector.copy()

    assert_array_equal(trained(2, 1), trained(2, 1))
    assert np.abs(trained(2, 1) - trained(2, 4)).max() > 1e-3


@pytest.mark.parametrize("members", [2, 4])
def test_layers_by_address_give_the_same_bits_for_any_number_of_threads(members, monkeypatch):
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((512, 100)).astype("float32"), rng.integers(0, 10, 512)

    def trained(n):
        fastnet.set_num_threads(n)
        stack = [Dense(300), Gelu(), Dropout(0.2), Dense(300, activation="relu"), Dense(10)]
        net = Sequential(stack, seed=1)
        net.fit(x, t, epochs=3, batch_size=128, verbose=0, optimizer=Adam(0.001))
        return net.parameter_vector.copy()

    before = fastnet.get_num_threads()
    monkeypatch.setattr(fastnet.threads, "FLOPS_A_THREAD", 1.0)
    monkeypatch.setattr(fastnet.threads, "FLOPS_A_CALL", 1.0)
    try:
        assert_array_equal(trained(1), trained(members))
    finally:
        fastnet.set_num_threads(before)


def test_numbers_of_a_layer_are_read_at_the_next_call():
    x = np.array([[-1.0, 2.0]])
    net = Sequential([LeakyRelu(0.5)], "mean_squared_error", "float64")
    net.build(2)
    assert_array_equal(net.predict(x), [[-0.5, 2]])
    net.layers[0].alpha = 0.25
    assert_array_equal(net.predict(x), [[-0.25, 2]])


def test_batch_normalization_must_fit_its_place():
    gamma = np.ones(4)
    with pytest.raises(
        ValueError,
        match=r"^Sequential\.add: layers\[1\] must take 7 features, got BatchNormalization, which "
        r"takes 4\. Match each layer to the output of the one before it\.$",
    ):
        Sequential([Dense(7, input_shape=(5,)), BatchNormalization(gamma, gamma)])


@every_dtype_name
def test_numerical_gradient_through_layers_and_losses_by_address(dtype):
    """It is computed in float64: by other versions of the same functions, and a copy of states."""
    rng = np.random.default_rng(0)
    x, t = (rng.standard_normal((20, columns)).astype(dtype) for columns in (5, 3))
    stack = [Dense(6), Gelu(), BatchNormalization(), Dense(3), LeakyRelu(0.2)]
    net = Sequential(stack, "huber", dtype, seed=0)
    net.build(5)
    net.fit(x, t, verbose=0)
    kept = net.layers[2].running_mean.copy()
    wanted = net.numerical_gradient(x, t)
    assert_array_equal(net.layers[2].running_mean, kept)
    bound = 2e-5 if dtype == "float32" else 1e-7
    for mine, definition in zip(net.gradient(x, t), wanted, strict=True):
        assert mine.dtype == definition.dtype == dtype
        assert np.abs(mine - definition).max() < bound * np.abs(definition).max()
