"""Which last layer goes with which loss: what cannot work is refused, what is allowed learns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastnet.models
import fastnet.reference
from fastnet import layers
from fastnet.kernels import activations
from fastnet.layers import Dense, Dropout, Elu, Identity, LeakyRelu, Outputs, Sigmoid, Softmax
from fastnet.losses import LOSSES, CategoricalCrossEntropy, Poisson, SparseCategoricalCrossEntropy
from fastnet.losses.outputs import Taken
from fastnet.models import Sequential
from fastnet.optimizer import Adam

# None is a Dense alone. Step is left out: nothing before it learns, whatever the loss.
LAST = [None, *(name for name in layers.ACTIVATIONS if name != "step")]
ANY = set(LAST)
OF_BOTH_SIGNS = ANY - {"softmax", "sigmoid", "relu", "softplus"}
TABLE = dict.fromkeys(LOSSES, ANY) | {
    "softmax_cross_entropy": ANY - {"softmax", "sigmoid"},
    "sigmoid_cross_entropy": OF_BOTH_SIGNS,
    "hinge": OF_BOTH_SIGNS,
    "squared_hinge": OF_BOTH_SIGNS,
    "binary_cross_entropy": {"softmax", "sigmoid"},
    "categorical_cross_entropy": {"softmax"},
    "sparse_categorical_cross_entropy": {"softmax"},
    "kullback_leibler_divergence": {"softmax"},
    "poisson": {"softmax", "sigmoid", "relu", "softplus"},
}
CELLS = [(loss, last, last in TABLE[loss]) for loss in LOSSES for last in LAST]
REFUSED = [(loss, last) for loss, last, allowed in CELLS if not allowed]
N, C = 60, 3


def data(loss):
    """Return x and t in three groups, which any network can tell apart."""
    labels = np.arange(N) % C
    x = np.eye(5)[labels] + 0.1 * np.random.default_rng(0).standard_normal((N, 5))
    if LOSSES[loss].takes_labels:
        return x, labels
    t = np.eye(C)[labels]
    if loss in ("hinge", "squared_hinge"):
        t = 2 * t - 1
    return x, t + 1 if loss == "mean_absolute_percentage_error" else t


def layer(last):
    return getattr(layers, "".join(word.title() for word in last.split("_")))()


def made(loss, last, alone=False):
    if last is None:
        stack = [Dense(C)]
    else:
        stack = [Dense(C), layer(last)] if alone else [Dense(C, last)]
    return Sequential([Dense(8, "tanh"), *stack], loss, "float64", seed=0)


@pytest.mark.parametrize("alone", [True, False], ids=["layer", "activation"])
@pytest.mark.parametrize(("loss", "last", "allowed"), CELLS)
def test_every_cell(loss, last, allowed, alone):
    if not allowed:
        with pytest.raises(ValueError, match=f'^Sequential: layers must end with .* loss="{loss}"'):
            made(loss, last, alone)
        return
    x, t = data(loss)
    model = made(loss, last, alone)
    seen = model.fit(x, t, 60, 20, Adam(0.02), verbose=0)
    assert np.isfinite(seen.loss).all() and seen.loss[-1] < seen.loss[0]
    assert_allclose(model.evaluate(x, t)["loss"], model.forward(x, t), rtol=1e-12)


def test_every_loss_and_last_layer_is_in_the_table():
    assert set(TABLE) == set(LOSSES)
    assert len(LAST) > 11 and "softmax" in LAST and "step" not in LAST


# What an error advises -> last layer and loss, None: the same.
WAYS_OUT = {
    'Use loss="softmax_cross_entropy", or end with Softmax().': [
        (None, "softmax_cross_entropy"), ("softmax", None)
    ],
    'Use loss="sigmoid_cross_entropy", or end with Sigmoid().': [
        (None, "sigmoid_cross_entropy"), ("sigmoid", None)
    ],
    "End with Softplus() or Relu().": [("softplus", None), ("relu", None)],
    "Leave that activation out, or end with Tanh().": [(None, None), ("tanh", None)],
    'Leave that activation out, or end with Softmax() and use loss="categorical_cross_entropy" or '
    '"sparse_categorical_cross_entropy".': [
        (None, None),
        ("softmax", "categorical_cross_entropy"),
        ("softmax", "sparse_categorical_cross_entropy"),
    ],
    'Leave that activation out, or end with Sigmoid() and use loss="binary_cross_entropy".': [
        (None, None), ("sigmoid", "binary_cross_entropy")
    ],
}  # fmt: skip


@pytest.mark.parametrize(("loss", "last"), REFUSED)
def test_the_advice_works(loss, last):
    """Each of the ways out that an error names gives a model that learns."""
    with pytest.raises(ValueError) as raised:
        made(loss, last)
    advice = str(raised.value).partition(", whose outputs ")[2]
    ways = WAYS_OUT[advice.partition(". ")[2]]
    assert len(ways) > 1
    for end, other in ways:
        other = other or loss
        x, t = data(other)
        seen = made(other, end).fit(x, t, 40, 20, Adam(0.02), verbose=0)
        assert seen.loss[-1] < seen.loss[0]


TEXTS = {
    ("sparse_categorical_cross_entropy", None): (
        'layers must end with probabilities of classes, which add up to 1, for loss="sparse_'
        'categorical_cross_entropy", got Dense(3), whose outputs are any numbers. '
        'Use loss="softmax_cross_entropy", or end with Softmax().'
    ),
    ("categorical_cross_entropy", "sigmoid"): (
        'layers must end with probabilities of classes, which add up to 1, for loss="categorical_'
        "cross_entropy\", got Dense(3, activation='sigmoid'), whose outputs lie in 0..1. "
        'Use loss="softmax_cross_entropy", or end with Softmax().'
    ),
    ("binary_cross_entropy", "relu"): (
        'layers must end with probabilities, numbers in 0..1, for loss="binary_cross_entropy", got '
        "Dense(3, activation='relu'), whose outputs are at least 0. "
        'Use loss="sigmoid_cross_entropy", or end with Sigmoid().'
    ),
    ("poisson", "tanh"): (
        'layers must end with numbers of at least 0, for loss="poisson", got '
        "Dense(3, activation='tanh'), whose outputs lie in -1..1. "
        "End with Softplus() or Relu()."
    ),
    ("softmax_cross_entropy", "softmax"): (
        "layers must end with logits, of which it takes the softmax itself, for loss="
        "\"softmax_cross_entropy\", got Dense(3, activation='softmax'), whose outputs add up to 1. "
        "Leave that activation out, or end with Softmax() and use "
        'loss="categorical_cross_entropy" or "sparse_categorical_cross_entropy".'
    ),
    ("sigmoid_cross_entropy", "relu"): (
        "layers must end with logits of either sign, of which it takes the sigmoid itself, for "
        "loss=\"sigmoid_cross_entropy\", got Dense(3, activation='relu'), whose outputs are at "
        "least 0. Leave that activation out, or end with Sigmoid() and use "
        'loss="binary_cross_entropy".'
    ),
    ("hinge", "sigmoid"): (
        'layers must end with scores of either sign, for loss="hinge", got '
        "Dense(3, activation='sigmoid'), whose outputs lie in 0..1. "
        "Leave that activation out, or end with Tanh()."
    ),
}
CALLS = {
    "fit": lambda model, x, t: model.fit(x, t, verbose=0),
    "evaluate": lambda model, x, t: model.evaluate(x, t),
    "forward": lambda model, x, t: model.forward(x, t),
    "numerical_gradient": lambda model, x, t: model.numerical_gradient(x, t),
    "build": lambda model, x, t: model.build(5),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("loss", "last"), TEXTS)
def test_what_is_added_later_is_looked_at_by_what_needs_the_loss(loss, last, call):
    model = Sequential(loss=loss, seed=0)
    model.add(Dense(C, last))
    before = model._rng.bit_generator.state
    with pytest.raises(ValueError) as raised:
        CALLS[call](model, *data(loss))
    assert str(raised.value) == f"Sequential.{call}: {TEXTS[loss, last]}"
    assert model._rng.bit_generator.state == before and not model.layers[0].params
    assert model.predict(data(loss)[0]).shape == (N, C)  # which needs no loss


def test_layers_one_by_one():
    """A Softmax may come after what the loss could not take alone."""
    x, t = data("sparse_categorical_cross_entropy")
    model = Sequential(loss="sparse_categorical_cross_entropy", seed=0)
    model.add(Dense(C, input_shape=5))
    model.add(Softmax())
    assert len(model.fit(x, t, verbose=0).loss) == 1
    model.layers.pop()
    with pytest.raises(ValueError, match="end with Softmax"):
        model.fit(x, t, verbose=0)


def test_an_activation_that_is_set_later():
    x, t = data("poisson")
    model = made("poisson", "softplus")
    model.fit(x, t, verbose=0)
    model.layers[1].activation = "tanh"
    with pytest.raises(ValueError, match=r"^Sequential\.fit: layers must end with numbers of at"):
        model.fit(x, t, verbose=0)


def test_where_outputs_lie():
    def lie(*stack):
        from fastnet.models.layer_list import outputs_of

        return outputs_of(list(stack))

    assert lie(Sigmoid(), Identity()) == Outputs(0, 1)
    assert lie(Softmax(), Identity()) == Outputs(0, 1, True)
    assert lie(Softmax(), Dropout(0.5)) == Outputs(0, 1)  # what is dropped adds up no longer
    assert lie(Sigmoid(), Dropout(0.5, inverted=True)) == Outputs(0, 2)
    assert lie(LeakyRelu(0)).low == lie(Elu(0)).low == 0 and lie(Elu(0.5)).low == -0.5
    assert lie(LeakyRelu(0.1)) == lie(Dense(3)) == Outputs()
    rng = np.random.default_rng(0)
    x = np.r_[3 * rng.standard_normal(10_000), -1e3, 1e3].reshape(-1, 2)
    for name in [*layers.activations.__all__, *layers.gates.__all__, "Softmax"]:
        made = getattr(layers, name)()
        low, high, adds_up = made.outputs(Outputs())
        out = made.forward(x)
        assert (out >= low).all() and (out <= high).all()
        assert not adds_up or np.allclose(out.sum(axis=1), 1)
        if np.isfinite(low):  # no wider than need be
            assert abs(out.min() - low) < 1e-3
    with pytest.raises(ValueError, match="binary"):
        Sequential([Dense(3), Sigmoid(), Dropout(0.5, inverted=True)], "binary_cross_entropy")
    Sequential([Dense(3), Sigmoid(), Dropout(0.5)], "binary_cross_entropy")


def test_softmax_of_one_number_is_told():
    x, t = data("categorical_cross_entropy")
    text = (
        "Softmax: the layer before it must give 2 numbers or more, got 1, and the softmax of one "
        "number is 1. Give that layer a unit a class, or end with Sigmoid()."
    )
    for stack in ([Dense(1), Softmax()], [Dense(1, "softmax")], [Dense(1), Softmax(), Dense(3)]):
        model = Sequential(stack, "mean_squared_error")
        with pytest.raises(ValueError) as raised:
            model.fit(x, t[:, : 1 if len(stack) < 3 else 3], verbose=0)
        assert str(raised.value) == text


# --------------------------------------------------------------------------- what nobody knows


class Own(layers.Activation):
    """Of a user, that does not say where its outputs lie: the tanh."""

    kernels = activations.tanh_kernels


class Derived(layers.Softplus):
    """Says that it is another function than its base."""

    kernels = activations.tanh_kernels


class Told(Own):
    output_range = Outputs(-1.0, 1.0)


DOMAINS = {
    "poisson": ("numbers of at least 0", "End with Softplus() or Relu()."),
    "binary_cross_entropy": (
        "probabilities, numbers in 0..1",
        'Use loss="sigmoid_cross_entropy", or end with Sigmoid().',
    ),
    "sparse_categorical_cross_entropy": (
        "probabilities of classes, which add up to 1",
        'Use loss="softmax_cross_entropy", or end with Softmax().',
    ),
    "categorical_cross_entropy": (
        "probabilities of classes, which add up to 1",
        'Use loss="softmax_cross_entropy", or end with Softmax().',
    ),
    "kullback_leibler_divergence": (
        "probabilities of classes, which add up to 1",
        'Use loss="softmax_cross_entropy", or end with Softmax().',
    ),
}


@pytest.mark.parametrize("kind", [Own, Derived])
@pytest.mark.parametrize("batch", [1, 7, N])
@pytest.mark.parametrize("loss", DOMAINS)
def test_an_output_without_a_loss_is_named(loss, batch, kind):
    x, t = data(loss)
    if loss != "sparse_categorical_cross_entropy":
        t = t * 0.8 + 0.1  # 0 times NaN is NaN, but 0 times a logarithm of nothing may be 0
    model = Sequential([Dense(C), kind()], loss, "float64", seed=0)
    model.build(5)
    model.layers[0].W[...], model.layers[0].b[...] = 0, 0.5  # all alike, and good ...
    bad = 4 if batch < N else 17
    x[:] = 0
    x[bad, 1], model.layers[0].W[1] = 1, -3  # ... but for one sample
    with pytest.raises(FloatingPointError) as raised:
        model.fit(x, t, 1, batch, Adam(1e-9), shuffle=False, verbose=0)
    value = model.predict(x[bad : bad + 1])[0, 0]
    rule, advice = DOMAINS[loss]
    assert str(raised.value) == (
        f'Sequential.fit: outputs must be {rule}, for loss="{loss}", got '
        f"predict(x[{bad}:{bad + 1}])[0, 0]={value:g}, whose loss is no number. "
        f"The model keeps its last finite weights. {advice}"
    )
    assert raised.value.history.loss == []


def test_outputs_that_are_no_number_are_not_named():
    x, t = data("poisson")
    x[3, 0] = np.nan
    with pytest.raises(FloatingPointError, match=r"x must be finite, got x\[3, 0\]=nan"):
        made("poisson", "softplus").fit(x, t, 1, N, verbose=0)


def test_classes_of_ones_own():
    """What a class derives it takes over only where it computes the same."""
    with pytest.raises(ValueError, match="poisson"):
        Sequential([Dense(3), Told()], "poisson")

    class Same(Poisson):
        pass

    class Other(Poisson):
        def forward(self, x, t):
            return super().forward(np.exp(x), t)

    class Says(Other):
        outputs = Taken("numbers below 1", "Do.", lambda low, high, adds_up: high < 1)

    with pytest.raises(ValueError, match='loss="same"'):
        Sequential([Dense(3)], Same())
    Sequential([Dense(3)], Other())
    with pytest.raises(ValueError, match="numbers below 1"):
        Sequential([Dense(3)], Says())


# --------------------------------------------------------------------------- the softmax, fused


@pytest.mark.parametrize("alone", [True, False], ids=["layer", "activation"])
@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "sparse_categorical_cross_entropy"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
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
