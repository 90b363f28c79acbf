"""The compiled loop with losses, optimizers and layers by address: against steps by hand."""

import copy

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal, assert_equal

import fastnet
from fastnet import checks, layers
from fastnet import optimizer as optimizers
from fastnet.kernels import dropout_mask
from fastnet.kernels.dropout import layer_seed
from fastnet.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Elu,
    Embedding,
    Gelu,
    LeakyRelu,
    MatMul,
    Tanh,
)
from fastnet.losses import LOSSES, Huber
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam, AdamW, Momentum, Optimizer
from fastnet.schedules import CosineDecay

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])

OPTIMIZERS = {
    name: kind
    for name, kind in vars(optimizers).items()
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer
}
# With all that an optimizer may have besides.
ADJUSTED = {
    "SGD, weight decay": lambda: SGD(0.05, weight_decay=0.1),
    "SGD, clipped by value": lambda: SGD(0.05, clip_value=0.01),
    "SGD, clipped by norm": lambda: SGD(0.05, clip_norm=0.1),
    "SGD, a schedule": lambda: SGD(lambda step: 0.1 / (1 + step)),
    "Momentum, all": lambda: Momentum(
        CosineDecay(0.05, 40), weight_decay=0.1, clip_value=0.05, clip_norm=0.2
    ),
    "Adam, all": lambda: Adam(
        CosineDecay(0.05, 40), weight_decay=0.1, clip_value=0.05, clip_norm=0.2
    ),
    "AdamW, all": lambda: AdamW(
        CosineDecay(0.05, 40), weight_decay=0.1, clip_value=0.05, clip_norm=0.2
    ),
}
# Of a last Dense, where a loss takes no other outputs, or is better off with such.
LAST = {
    "binary_cross_entropy": "sigmoid",
    "categorical_cross_entropy": "softmax",
    "kullback_leibler_divergence": "softmax",
    "mean_squared_logarithmic_error": "sigmoid",
    "poisson": "sigmoid",
    "sparse_categorical_cross_entropy": "softmax",
}
N, BATCH, EPOCHS = 45, 10, 10  # 50 updates, every fifth with 5 rows


def data(loss, dtype, outputs=3):
    """Return x and t of 45 samples that the loss can take."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((N, 5)).astype(dtype)
    if LOSSES[loss].takes_labels:
        return x, rng.integers(0, outputs, N)
    t = (rng.random((N, outputs)) < 0.5).astype(dtype)
    if "hinge" in loss:
        t = 2 * t - 1
    return x, t + 1 if loss == "mean_absolute_percentage_error" else t


def model(loss, dtype, outputs=3, layers=None):
    last = Dense(outputs, activation=LAST.get(loss))
    built = Sequential(layers or [Dense(7, activation="tanh"), last], loss, dtype, seed=2)
    built.build(5)
    return built


def train_by_hand(net, x, t, optimizer, epochs=EPOCHS):
    """Train batch by batch with forward, backward and update; return the loss of each epoch."""
    seen = []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, N, BATCH):
            rows = slice(start, start + BATCH)
            total += float(net.forward(x[rows], t[rows])) * len(x[rows])
            net.backward()
            optimizer.update(net.params, net.grads)
        seen.append(total / N)
    return seen


def assert_same_training(make_model, x, t, make_optimizer):
    """In two calls of fit; the optimizers must be left with the same states, too."""
    looped, by_hand = make_model(), make_model()
    one, other = make_optimizer(), make_optimizer()
    start = looped.parameter_vector.copy()
    settings = {"batch_size": BATCH, "shuffle": False, "verbose": 0, "optimizer": one}
    seen = looped.fit(x, t, epochs=EPOCHS - 4, **settings).loss
    seen += looped.fit(x, t, epochs=4, **settings).loss
    wanted = train_by_hand(by_hand, x, t, other)
    # A few roundings an update, and what later ones make of them: 20 eps was the most.
    bound = 400 * np.finfo(looped.dtype).eps
    assert_allclose(looped.parameter_vector, by_hand.parameter_vector, rtol=bound, atol=bound)
    assert_allclose(seen, wanted, rtol=bound, atol=bound)
    assert one.iter == other.iter == 50
    for name in one.state_names:
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            assert_allclose(a, b, rtol=bound, atol=bound)
    assert np.abs(looped.parameter_vector - start).max() > 10 * bound


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
@every_dtype
def test_every_loss_with_every_optimizer(loss, optimizer, dtype):
    x, t = data(loss, dtype)
    assert_same_training(lambda: model(loss, dtype), x, t, OPTIMIZERS[optimizer])


# The cosine of one number is 1 or -1, whatever the weights.
OF_ONE_OUTPUT = [
    name
    for name in LOSSES
    if not LOSSES[name].takes_labels and name != "cosine_proximity" and LAST.get(name) != "softmax"
]


@pytest.mark.parametrize("loss", OF_ONE_OUTPUT)
@every_dtype
def test_every_loss_of_one_output(loss, dtype):
    x, t = data(loss, dtype, 1)
    assert_same_training(lambda: model(loss, dtype, 1), x, t, OPTIMIZERS["Adam"])


@pytest.mark.parametrize("optimizer", ADJUSTED)
@every_dtype
def test_every_adjustment_of_the_gradient(optimizer, dtype):
    x, t = data("softmax_cross_entropy", dtype)
    assert_same_training(lambda: model("softmax_cross_entropy", dtype), x, t, ADJUSTED[optimizer])


@pytest.mark.parametrize("loss", LOSSES)
def test_evaluate_equals_forward(loss):
    x, t = data(loss, "float64")
    net = model(loss, "float64")
    seen = net.evaluate(x, t)
    assert_allclose(seen["loss"], net.forward(x, t), rtol=1e-13)
    y = net.predict(x)
    if LOSSES[loss].takes_labels:
        assert seen["accuracy"] == np.mean(y.argmax(axis=1) == t)
    elif LOSSES[loss].yes_above is not None:  # each output by itself
        above, wanted = LOSSES[loss].yes_above
        assert seen["accuracy"] == np.mean((y > above) == (t > wanted))
    elif LOSSES[loss].default_metrics:
        assert seen["accuracy"] == np.mean(y.argmax(axis=1) == t.argmax(axis=1))
    else:
        assert list(seen) == ["loss"]


@pytest.mark.parametrize(
    ("loss", "answer", "yes"),
    [("hinge", 0.2, 1), ("sigmoid_cross_entropy", 0.2, 1), ("binary_cross_entropy", 0.2, 1)],
)
def test_one_output_says_yes_above_the_middle(loss, answer, yes):
    """Of hinge's -1 and 1, of a logit, of a probability."""
    net = Sequential([Dense(1, LAST.get(loss))], loss, "float64", seed=0)
    net.build(1)
    net.params[0][...], net.params[1][...] = 0, answer
    no = -1 if loss == "hinge" else 0
    t = np.array([yes, yes, yes, no])
    assert net.evaluate(np.zeros((4, 1)), t)["accuracy"] == 0.75
    net.params[1][...] = -answer
    assert net.evaluate(np.zeros((4, 1)), t)["accuracy"] == 0.25


def test_steps_by_hand_and_fit_take_turns():
    """The states that fit leaves are those that update goes on with, and the other way round."""
    x, t = data("softmax_cross_entropy", "float64")
    mixed, by_hand = (model("softmax_cross_entropy", "float64") for _ in range(2))
    one, other = Adam(0.01), Adam(0.01)
    settings = {"batch_size": BATCH, "shuffle": False, "verbose": 0, "optimizer": one}
    train_by_hand(mixed, x, t, one, epochs=2)
    mixed.fit(x, t, epochs=3, **settings)
    train_by_hand(mixed, x, t, one, epochs=2)
    mixed.fit(x, t, epochs=3, **settings)
    train_by_hand(by_hand, x, t, other)
    assert_allclose(mixed.parameter_vector, by_hand.parameter_vector, rtol=1e-12, atol=1e-12)
    assert one.iter == other.iter == 50


def test_a_loss_that_is_not_finite_leaves_the_state_before_it():
    """Weights, states and the number of the update are those after the last finite one."""
    x, t = data("softmax_cross_entropy", "float64")
    x[25] = np.nan  # the third batch of the second epoch
    order = [*range(20), *range(30, 45)]
    net, twin = (model("softmax_cross_entropy", "float64") for _ in range(2))
    one, other = Adam(0.01), Adam(0.01)
    with pytest.raises(FloatingPointError):
        net.fit(x, t, epochs=2, batch_size=BATCH, shuffle=False, optimizer=one, verbose=0)
    twin.fit(
        x[order][:20], t[order][:20], epochs=1, batch_size=BATCH, shuffle=False, optimizer=other,
        verbose=0,
    )  # fmt: skip
    assert one.iter == other.iter == 2
    assert_array_equal(net.parameter_vector, twin.parameter_vector)
    for name in ("m", "v"):
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            assert_array_equal(a, b)


@pytest.mark.parametrize("bad", [np.nan, 1e300])
def test_a_loss_that_is_not_finite_leaves_the_running_statistics_before_it(bad):
    """The batch is normalized, and its mean and variance averaged, before its loss is known."""
    x, t = data("mean_squared_error", "float64")
    x[25] = bad  # the third batch
    nets = [
        model("mean_squared_error", "float64", layers=[BatchNormalization(), Dense(3)])
        for _ in range(2)
    ]
    settings = {"batch_size": BATCH, "shuffle": False, "optimizer": SGD(0.05), "verbose": 0}
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError):
        nets[0].fit(x, t, **settings)
    nets[1].fit(x[:20], t[:20], **settings)
    assert_array_equal(nets[0].parameter_vector, nets[1].parameter_vector)
    for name in ("running_mean", "running_var"):
        mine, wanted = (getattr(net.layers[0], name) for net in nets)
        assert np.isfinite(mine).all()
        assert_array_equal(mine, wanted)


def test_weights_that_overflow_leave_the_state_before_it():
    x, t = data("mean_squared_error", "float32")
    net = model("mean_squared_error", "float32")
    optimizer = Momentum(lr=3e38)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError):
        net.fit(x, t, epochs=3, batch_size=BATCH, optimizer=optimizer, verbose=0)
    assert np.isfinite(net.parameter_vector).all()
    assert all(np.isfinite(v).all() for v in optimizer.v)


def test_seeds_of_layers_share_no_pattern():
    @numba.njit
    def mixed(n):
        return [layer_seed(7, i, j) for i in range(n) for j in range(2)]

    numbers = np.array(mixed(2048), np.int64)
    assert len(set(numbers.tolist())) == 4096
    bits = np.unpackbits(numbers.view(np.uint8)).reshape(4096, 64)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / 64  # five standard deviations


def test_a_huber_loss_has_its_own_delta():
    x, t = data("huber", "float64")
    for dtype in ("float32", "float64"):
        assert_same_training(lambda d=dtype: model(Huber(0.05), d), x, t, OPTIMIZERS["Adam"])
    wide, narrow = model(Huber(1.0), "float64"), model(Huber(0.05), "float64")
    narrow._loss.delta = 1.0  # read at every call
    assert narrow.evaluate(x, t) == wide.evaluate(x, t)
    narrow._loss.delta = 0.05
    assert narrow.evaluate(x, t)["loss"] < 0.2 * wide.evaluate(x, t)["loss"]
    assert_allclose(narrow.evaluate(x, t)["loss"], narrow.forward(x, t), rtol=1e-13)
    for by_definition, g in zip(
        narrow.numerical_gradient(x, t), narrow.gradient(x, t), strict=True
    ):
        assert_allclose(by_definition, g, atol=1e-8 * np.abs(g).max())


PENALTIES = {"l1": {"l1": 0.01}, "l2": {"l2": 0.1}, "both": {"l1": 0.003, "l2": 0.05}}


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, *ADJUSTED])
@pytest.mark.parametrize("penalties", PENALTIES)
@every_dtype
def test_every_penalty_with_every_optimizer(penalties, optimizer, dtype):
    """Of every W, but not of b, gamma and beta."""
    x, t = data("softmax_cross_entropy", dtype)
    rules = OPTIMIZERS | ADJUSTED

    def make():
        layers = [Dense(7, "tanh"), BatchNormalization(), MatMul(drawn_weights(7, 3))]
        net = Sequential(layers, dtype=dtype, seed=2, **PENALTIES[penalties])
        net.build(5)
        return net

    assert_same_training(make, x, t, rules[optimizer])


def drawn_weights(*shape):
    return np.random.default_rng(5).standard_normal(shape)


@every_dtype
def test_a_penalty_is_a_part_of_the_loss(dtype):
    x, t = data("softmax_cross_entropy", dtype)
    plain, net = model("softmax_cross_entropy", dtype), model("softmax_cross_entropy", dtype)
    net.l1, net.l2 = 0.01, 0.5
    cost = sum(0.01 * np.abs(W).sum() + 0.25 * np.sum(W**2) for W in net.params[::2])
    bound = 20 * np.finfo(dtype).eps
    assert_allclose(net.forward(x, t), plain.forward(x, t) + cost, rtol=bound)
    assert_allclose(net.evaluate(x, t)["loss"], plain.evaluate(x, t)["loss"] + cost, rtol=bound)
    assert net.evaluate(x, t)["accuracy"] == plain.evaluate(x, t)["accuracy"]
    seen = net.fit(x, t, 1, N, SGD(0.0), validation_data=(x, t), verbose=0)
    assert_allclose([seen.loss[0], seen.val_loss[0]], net.forward(x, t), rtol=bound)
    for g, by_definition in zip(net.gradient(x, t), net.numerical_gradient(x, t), strict=True):
        assert_allclose(g, by_definition, atol=max(1e-8, bound) * np.abs(g).max())
    net.forward(x, t)
    net.backward(2)
    doubled = [grad.copy() for grad in net.grads]
    assert_allclose(
        np.concatenate([g.ravel() for g in doubled]),
        2 * np.concatenate([g.ravel() for g in net.gradient(x, t)]),
        rtol=bound,
        atol=bound,
    )


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_a_penalty_that_cannot_be(name):
    for bad, error, said in [
        (-0.1, ValueError, "must not be negative, got -0.1"),
        (np.nan, ValueError, "must be finite, got nan"),
        (1e39, ValueError, "must be finite in float32, got 1e+39"),
    ]:
        with pytest.raises(error) as caught:
            Sequential([Dense(2)], **{name: bad})
        assert str(caught.value) == f"Sequential: {name} {said}. Give a number such as 1e-4."
    with pytest.raises(TypeError) as caught:
        Sequential([Dense(2)], **{name: "a lot"})
    assert str(caught.value) == (
        f"Sequential: {name} must be a real number, got 'a lot'. Give a float."
    )
    x, t = data("softmax_cross_entropy", "float32")
    net = model("softmax_cross_entropy", "float32")
    before = net.parameter_vector.copy()
    setattr(net, name, -1.0)
    for call in (lambda: net.fit(x, t, verbose=0), lambda: net.forward(x, t)):
        with pytest.raises(ValueError, match=rf"^Sequential\.\w+: {name} must not be negative"):
            call()
    assert_array_equal(net.parameter_vector, before)


# Layers


def words(dtype, count=11):
    """Return row numbers (N, 4) and labels, and a table of `count` rows of 3."""
    rng = np.random.default_rng(3)
    return rng.integers(0, count, (N, 4)), rng.integers(0, 3, N), drawn_weights(count, 3)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@every_dtype
def test_an_embedding_comes_first(optimizer, dtype):
    x, t, table = words(dtype)

    def make():
        net = Sequential([Embedding(table), Dense(7, "tanh"), Dense(3)], dtype=dtype, seed=2)
        net.build(4)
        return net

    assert_same_training(make, x, t, OPTIMIZERS[optimizer])
    net = make()
    assert net.predict(x).shape == (N, 3) and net.layers[0].W.base is net.parameter_vector
    for kind in (np.uint8, np.int32, np.uint64):
        assert_array_equal(net.predict(x.astype(kind)), net.predict(x))
        assert_array_equal(net.predict(x[:2].astype(kind)), net.predict(x)[:2])
    assert_allclose(net.evaluate(x, t)["loss"], net.forward(x, t), rtol=20 * np.finfo(dtype).eps)
    assert net.backward() is None
    for g, by_definition in zip(net.gradient(x, t), net.numerical_gradient(x, t), strict=True):
        assert_allclose(
            g, by_definition, atol=max(1e-8, 30 * np.finfo(dtype).eps) * np.abs(g).max()
        )


def test_an_embedding_alone_and_of_many_numbers():
    """More row numbers than the loop takes at a time, and rows wider than a vector."""
    rng = np.random.default_rng(0)
    x, t = rng.integers(0, 5, (N, 70)), rng.standard_normal((N, 70 * 19))
    table = rng.standard_normal((5, 19))

    def make():
        net = Sequential([Embedding(table)], "mean_absolute_error", "float64")
        net.build(70)
        return net

    assert_same_training(make, x, t, OPTIMIZERS["SGD"])


def test_row_numbers_that_cannot_be():
    x, t, table = words("float32")
    net = Sequential([Embedding(table), Dense(3)], seed=0)
    with pytest.raises(TypeError) as caught:
        net.fit(x.astype(float), t, verbose=0)
    assert str(caught.value) == (
        "Sequential.fit: x must be integers, got dtype float64. Give numpy.asarray(x, int)."
    )
    x[2, 1] = 11
    for call in (
        lambda: net.fit(x, t, verbose=0),
        lambda: net.predict(x),
        lambda: net.predict(x[:3]),
    ):
        with pytest.raises(
            IndexError, match=r"x must be in 0\.\.10 for W \(11, 3\), got x\[2, 1\]=11"
        ):
            call()
    net.build(4)
    with pytest.raises(
        TypeError, match=r"^Sequential\.predict: x must be integers, got dtype float32"
    ):
        net.predict(np.zeros((1, 4), np.float32))
    with pytest.raises(ValueError) as caught:
        Sequential([Dense(4), Embedding(table)])
    assert str(caught.value) == (
        "Sequential.add: Embedding must be the first layer, as it takes row numbers, got it as "
        "layers[1]. Put it first."
    )
    many = Sequential([Embedding(np.zeros((2**24 + 1, 1), np.float32)), Dense(1)])
    with pytest.raises(ValueError) as caught:
        many.build(1)
    assert str(caught.value) == (
        "Sequential.build: layers[0] must have at most 16,777,216 rows in float32, got Embedding "
        'with 16,777,217. Make the model with dtype="float64".'
    )


ANOTHER_THREAD = "layers must stay as they are while a call begins, got a change from another"


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict", "forward", "numerical_gradient"])
@pytest.mark.parametrize("built", [False, True])
def test_row_numbers_are_those_of_the_network_that_reads_them(monkeypatch, method, built):
    """Another thread puts a shorter table in its place after they were checked."""

    def indices(*arguments):
        found = real(*arguments)
        net.layers[0] = Embedding(table[:2])
        return found

    x, t, table = words("float32")
    real = checks.indices
    net = Sequential([Embedding(table), Dense(3)], seed=0)
    if built:
        net.build(4)
    call = lambda net: net.predict(x) if method == "predict" else getattr(net, method)(x, t)  # noqa: E731
    same = Sequential([Embedding(table), Dense(3)], seed=0)
    wanted = call(same)
    monkeypatch.setattr(checks, "indices", indices)
    if method in ("predict", "forward"):
        with pytest.raises(RuntimeError, match=f"^Sequential.{method}: {ANOTHER_THREAD}"):
            call(net)
        return
    layers = net.layers[:]
    found = call(net)  # with the layers that it began with
    if method == "fit":
        found, wanted = layers[1].params, same.layers[1].params
    assert_equal(found, wanted)


def test_features_are_not_read_as_row_numbers(monkeypatch):
    """Another thread puts an Embedding before layers that x was checked for."""

    def samples(*arguments):
        found = real(*arguments)
        net.layers[:] = [Embedding(table), Dense(3)]
        return found

    _, t, table = words("float32")
    real = checks.samples
    net = Sequential([Dense(3)], seed=0)
    net.build(4)
    monkeypatch.setattr(checks, "samples", samples)
    dense = net.layers[0]
    before = dense.W.copy()
    net.fit(np.full((N, 4), 0.5), t, verbose=0)  # with the layers that it began with
    assert not np.array_equal(dense.W, before)
    assert [type(layer).__name__ for layer in net.layers] == ["Embedding", "Dense"]
    with pytest.raises(TypeError, match=r"^Sequential\.predict: x must be integers"):
        net.predict(np.full((N, 4), 0.5, np.float32))


def test_validation_data_are_row_numbers_of_the_table_that_is_trained(monkeypatch):
    def count(*arguments):
        net.layers[0] = Embedding(np.zeros((100, 3)))  # as another thread might
        return real(*arguments)

    x, t, table = words("float32")
    real = checks.count
    net = Sequential([Embedding(table), Dense(3)], seed=0)
    net.build(4)
    monkeypatch.setattr(checks, "count", count)
    with pytest.raises(RuntimeError, match=f"^Sequential.fit: {ANOTHER_THREAD}"):
        net.fit(x, t, validation_data=(x + 50, t), verbose=0)


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


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("layer", LAYERS)
@every_dtype
def test_every_layer_in_every_place(layer, optimizer, place, dtype):
    """First, in the middle, last."""
    if (layer, optimizer, place) == ("BatchNormalization", "Adam", 2):
        pytest.skip("the bias before it has no gradient but rounding, which Adam makes large")
    loss = "softmax_cross_entropy"
    if place == 2 and layer in ("Sigmoid", "Softmax"):  # which are no logits
        loss = "mean_squared_error"
    x, t = data(loss, dtype)

    def make():
        stack = [Dense(7, activation="tanh"), Dense(3)]
        stack.insert(place, LAYERS[layer]())
        return model(loss, dtype, layers=stack)

    assert_same_training(make, x, t, OPTIMIZERS[optimizer])


@every_dtype
def test_two_layers_by_address_in_a_row(dtype):
    x, t = data("mean_squared_error", dtype)

    def make():
        stack = [Dense(7), BatchNormalization(), Gelu(), Dense(3), LeakyRelu(0.2)]
        return model("mean_squared_error", dtype, layers=stack)

    assert_same_training(make, x, t, OPTIMIZERS["Momentum"])


@every_dtype
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
@every_dtype
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


@every_dtype
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
