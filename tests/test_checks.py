"""Every error about an argument of functions, layers, losses and optimizers: its whole text.

The form is `<public name>: <argument> must <rule>, got <value>. <What to do>.`
"""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet import checks, functions
from fastnet.functions import (
    cross_entropy_error,
    relu,
    sigmoid,
    softmax,
    softmax_loss,
    sum_squared_error,
)
from fastnet.layers import (
    ACTIVATIONS,
    Affine,
    Dense,
    MatMul,
    Relu,
    Sigmoid,
    Softmax,
    SoftmaxWithLoss,
    Tanh,
)
from fastnet.losses import (
    LOSSES,
    BinaryCrossEntropy,
    CategoricalHinge,
    Hinge,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    SigmoidWithLoss,
    SoftmaxCrossEntropy,
    SparseCategoricalCrossEntropy,
    WeightedLosses,
)
from fastnet.optimizer import SGD, AdaGrad, Adam, AdamW, Momentum, RMSprop

ACTIVATION_NAMES = ", ".join(map(repr, ACTIVATIONS))
X = np.linspace(0.1, 0.9, 12).reshape(3, 4)
W = np.linspace(-1, 1, 8).reshape(4, 2)
B = np.zeros(2)
RNG = np.random.default_rng(0)


def affine():
    return Affine(W.copy(), B.copy())


def called(layer, *arguments):
    layer.forward(*arguments)
    return layer


def built():
    layer = Dense(2)
    layer.build(4, np.random.default_rng(0), "float64")
    return layer


def dense(activation):
    layer = Dense(2, activation=activation)
    layer.build(4, np.random.default_rng(0), "float64")
    return layer


def stepped(optimizer):
    """Return it after an update of a list with an array like X."""
    optimizer.update([X.copy()], [X])
    return optimizer


def assign(layer, name, value):
    setattr(layer, name, value)


def read_only(array):
    array.flags.writeable = False
    return array


# What holds no real numbers, for every argument that is an array.
NUMBERS = "must be an array of integers, float16, float32 or float64, got"
KINDS = [
    (X.astype(complex), "dtype complex128. Give its real part, numpy.real({0})."),
    (X.astype(object), "dtype object. Give numpy.asarray({0}, float)."),
    (X.astype(str), "dtype <U32. Give numpy.asarray({0}, float)."),
    (
        X.astype(np.longdouble),
        f"dtype {np.dtype(np.longdouble)}. Give numpy.asarray({{0}}, float).",
    ),
    (
        X.astype("M8[s]"),
        "dtype datetime64[s]. Give numbers: numpy.asarray({0}).astype(float) counts its units.",
    ),
    ("text", "str of dtype <U4. Give an array of numbers."),
    (None, "NoneType of dtype object. Give an array of numbers."),
    (
        [1, None],
        "list of dtype object with {0}[1]=None. "
        "Give a real number there, or leave out what is not known.",
    ),
]
TAKES_ARRAYS = {
    "sigmoid: x": sigmoid,
    "relu: x": relu,
    "identity_function: x": functions.identity_function,
    "relu_grad: x": functions.relu_grad,
    "sigmoid_grad: x": functions.sigmoid_grad,
    "step_function: x": functions.step_function,
    "softmax: x": softmax,
    "softmax_loss: x": lambda bad: softmax_loss(bad, [0, 0, 0]),
    "cross_entropy_error: y": lambda bad: cross_entropy_error(bad, [0, 0, 0]),
    "MatMul: W": MatMul,
    "MatMul.forward: x": lambda bad: MatMul(W).forward(bad),
    "MatMul.backward: dout": lambda bad: called(MatMul(W), X).backward(bad),
    "MatMul.W: W": lambda bad: assign(MatMul(W), "W", bad),
    "Affine: W": lambda bad: Affine(bad, B),
    "Affine: b": lambda bad: Affine(W, bad),
    "Affine.b: b": lambda bad: assign(affine(), "b", bad),
    "Affine.forward: x": lambda bad: affine().forward(bad),
    "Affine.backward: dout": lambda bad: called(affine(), X).backward(bad),
    "Dense.W: W": lambda bad: assign(built(), "W", bad),
    "Dense.forward: x": lambda bad: built().forward(bad),
    "Dense.backward: dout": lambda bad: called(built(), X).backward(bad),
    "Sigmoid.forward: x": lambda bad: Sigmoid().forward(bad),
    "Relu.forward: x": lambda bad: Relu().forward(bad),
    "Tanh.forward: x": lambda bad: Tanh().forward(bad),
    "Tanh.backward: dout": lambda bad: called(Tanh(), X).backward(bad),
    "Softmax.forward: x": lambda bad: Softmax().forward(bad),
    "Softmax.backward: dout": lambda bad: called(Softmax(), X).backward(bad),
    "SoftmaxWithLoss.forward: x": lambda bad: SoftmaxWithLoss().forward(bad, [0, 0, 0]),
    "SoftmaxCrossEntropy.forward: x": lambda bad: SoftmaxCrossEntropy().forward(bad, [0, 0, 0]),
    "MeanSquaredError.forward: x": lambda bad: MeanSquaredError().forward(bad, X),
    "MeanSquaredError.forward: t": lambda bad: MeanSquaredError().forward(X, bad),
    "sum_squared_error: y": lambda bad: sum_squared_error(bad, X),
    "sum_squared_error: t": lambda bad: sum_squared_error(X, bad),
    "Huber.forward: x": lambda bad: Huber().forward(bad, X),
    "Hinge.forward: t": lambda bad: Hinge().forward(X, bad),
    "CategoricalHinge.forward: x": lambda bad: CategoricalHinge().forward(bad, [0, 0, 0]),
    "SigmoidWithLoss.forward: x": lambda bad: SigmoidWithLoss().forward(bad, X > 0),
    "SigmoidWithLoss.forward: t": lambda bad: SigmoidWithLoss().forward(X, bad),
    "SGD.update: grads[0]": lambda bad: SGD().update([X.copy()], [bad]),
    "Adam.update: grads[0]": lambda bad: Adam().update([X.copy()], [bad]),
}


@pytest.mark.parametrize("name", TAKES_ARRAYS)
def test_arrays_that_hold_no_real_numbers(name):
    for bad, text in KINDS:
        with pytest.raises(TypeError) as raised:
            TAKES_ARRAYS[name](bad)
        argument = name.rpartition(": ")[2]
        assert str(raised.value) == f"{name} {NUMBERS} {text.format(argument)}"


@pytest.mark.parametrize("kind", "?bBhHiIlLqQefdgFDGOSUVmM")
@pytest.mark.parametrize("wide", checks.COMPUTED)
def test_promoted_follows_numpy(wide, kind):
    array = np.zeros((2, 3), kind)
    found = checks.promoted(array, wide)
    try:
        expected = np.result_type(array, wide)
    except TypeError:
        expected = None
    assert (found is not None) == (expected is not None and expected == wide)  # None is float64
    if found is not None:
        assert found.dtype is wide and found.flags.carray
        assert (found is array) == (array.dtype is wide)
        for other in (array[:, ::2], array.T, array[:, :0]):
            made = checks.promoted(other, wide)
            assert made.flags.carray and made.shape == other.shape
        array.flags.writeable = False
        assert checks.promoted(array, wide).flags.carray


@pytest.mark.parametrize("kinds", ["f", "d", "fd", "df", "ff", "fdf", "fe", "ed", "Bf", "Bd", "BB"])
def test_result_dtype_follows_numpy(kinds):
    found = checks.result_dtype(*[np.zeros(2, kind) for kind in kinds])
    expected = np.result_type(*kinds)
    assert found is np.dtype(expected if expected.kind == "f" else float)


@pytest.mark.parametrize("name", TAKES_ARRAYS)
def test_ragged_lists(name):
    with pytest.raises(ValueError) as raised:
        TAKES_ARRAYS[name]([[1, 2], [3]])
    assert str(raised.value) == (
        f"{name} must be an array, got a list whose parts differ in length. "
        "Give every row the same length."
    )


# Losses and the name that they give the scores.
LABELLED = {
    "cross_entropy_error": (cross_entropy_error, "y"),
    "softmax_loss": (softmax_loss, "x"),
    "SoftmaxWithLoss.forward": (lambda x, t: SoftmaxWithLoss().forward(x, t), "x"),
    "SoftmaxCrossEntropy.forward": (lambda x, t: SoftmaxCrossEntropy().forward(x, t), "x"),
    "CategoricalHinge.forward": (lambda x, t: CategoricalHinge().forward(x, t), "x"),
    "SparseCategoricalCrossEntropy.forward": (
        lambda x, t: SparseCategoricalCrossEntropy().forward(x, t),
        "x",
    ),
}
NOT_ONE_HOT = "t must be one-hot, a single 1 and zeros in each row, got"
LABELS = [
    (
        [0, 4, 1],
        IndexError,
        "t must be in 0..3 for {}.shape=(3, 4), got t[1]=4. {wider}",
    ),
    ([0, 1, -1], IndexError, "t must be in 0..3 for {}.shape=(3, 4), got t[2]=-1. {leave}"),
    (
        np.array([0, 4, 1]),
        IndexError,
        "t must be in 0..3 for {}.shape=(3, 4), got t[1]=4. {wider}",
    ),
    (
        np.array([-(2**63), 1, 1]),
        IndexError,
        "t must be in 0..3 for {}.shape=(3, 4), got t[0]=-9223372036854775808. {count}",
    ),
    (
        np.array([0, 1]),
        ValueError,
        "t must have shape (3,) or (3, 4) {match}, got t.shape=(2,). {give}",
    ),
    (
        np.array([2**63, 0, 0], np.uint64),
        IndexError,
        "t must be in 0..3 for {}.shape=(3, 4), got t[0]=9223372036854775808. {count}",
    ),
    (
        np.array([0, 1, 255], np.uint8),
        IndexError,
        "t must be in 0..3 for {}.shape=(3, 4), got t[2]=255. {wide}",
    ),
    ([0, 1], ValueError, "t must have shape (3,) or (3, 4) {match}, got t.shape=(2,). {give}"),
    ([], ValueError, "t must have shape (3,) or (3, 4) {match}, got t.shape=(0,). {give}"),
    (0, ValueError, "t must have shape (3,) or (3, 4) {match}, got t.shape=(). {give}"),
    (
        np.eye(3),
        ValueError,
        "t must have shape (3,) or (3, 4) {match}, got t.shape=(3, 3). {give}",
    ),
    (
        [0.0, 1.0, 2.0],
        TypeError,
        "t must be integer labels or one-hot rows, got list of dtype float64 with t.shape=(3,). "
        "Give numpy.asarray(t, int).",
    ),
    (
        np.array(["a", "b", "c"]),
        TypeError,
        f"t {NUMBERS} dtype <U1 with t[0]='a'. "
        "Number what are names, of all t at once: numpy.unique(t, return_inverse=True)[1].",
    ),
    (
        np.array([0, 1, 2], object),
        TypeError,
        f"t {NUMBERS} dtype object. Give numpy.asarray(t, int).",
    ),
    (
        np.zeros((3, 4), complex),
        TypeError,
        f"t {NUMBERS} dtype complex128. Give its real part, numpy.real(t).",
    ),
    (np.zeros((3, 4)), ValueError, "{rows} t[0]=[0. 0. 0. 0.]. {divide}"),
    (
        [[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0]],
        ValueError,
        f"{NOT_ONE_HOT} t[1]=[0 1 0 1]. {{one_hot}}",
    ),
    (
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0]],
        ValueError,
        f"{NOT_ONE_HOT} t[2]=[0 0 2 0]. {{one_hot}}",
    ),
    (
        [[1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 1, 0]],  # as many entries as rows
        ValueError,
        f"{NOT_ONE_HOT} t[1]=[0 0 0 0]. {{one_hot}}",
    ),
    (
        [[1, 0, 0, 0], [0.5, 0.4, 0, 0], [0, 1, 0, 0]],
        ValueError,
        "{rows} t[1]=[0.5 0.4 0.  0. ]. {divide}",
    ),
    (
        [[1, 0, 0, np.nan], [0, 1, 0, 0], [0, 1, 0, 0]],
        ValueError,
        "{rows} t[0]=[ 1.  0.  0. nan]. {divide}",
    ),
    (
        [[1, -1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]],
        ValueError,
        f"{NOT_ONE_HOT} t[0]=[ 1 -1  0  0]. {{one_hot}}",
    ),
]


@pytest.mark.parametrize(("t", "error", "text"), LABELS)
@pytest.mark.parametrize("name", LABELLED)
def test_labels(name, t, error, text):
    call, scores = LABELLED[name]
    advice = {
        "count": "Count classes from 0, of all t at once: numpy.unique(t, return_inverse=True)[1].",
        "leave": "Leave such samples out by SoftmaxCrossEntropy(ignore_index=-1), or count classes "
        "from 0, of all t at once: numpy.unique(t, return_inverse=True)[1].",
        "wide": f"Give {scores} 256 columns, one for each class.",
        "wider": f"Give {scores} 5 columns, one for each class.",
        "match": f"to match {scores}.shape=(3, 4)",
        "give": "Give one label or one one-hot row a sample.",
        "one_hot": "Give labels (N,) or one-hot rows (N, C).",
        "rows": NOT_ONE_HOT,
        "divide": "Give labels (N,) or one-hot rows (N, C).",
    }
    if name not in ("CategoricalHinge.forward", "SparseCategoricalCrossEntropy.forward"):
        advice["rows"] = "t must be one-hot, or rows of probabilities that add up to 1, got"
        advice["divide"] = "Give labels (N,), one-hot rows, or each row divided by its sum."
    with pytest.raises(error) as raised:
        call(X, t)
    assert str(raised.value) == f"{name}: {text.format(scores, **advice)}"


@pytest.mark.parametrize("shape", [(2, 2), (4, 1), (1, 1, 4), (1, 2)])
def test_labels_of_one_row_are_not_flattened(shape):
    t = np.zeros(shape, int)
    t.flat[0] = 1
    with pytest.raises(ValueError) as raised:
        cross_entropy_error(np.full(4, 0.25), t)
    assert str(raised.value) == (
        "cross_entropy_error: t must have shape (1,) or (1, 4) to match y.shape=(1, 4), got "
        f"t.shape={shape}. Give one label or one one-hot row a sample."
    )


def test_long_one_hot_rows_are_shortened():
    with pytest.raises(ValueError, match=re.escape("got t[0]=[1. 1. 1. ... 1. 1. 1.]. Give")):
        cross_entropy_error(np.ones((2, 500)), np.ones((2, 500)))


# Targets that a loss cannot take, x being fit for all.
SIGNS = "t must be -1 or 1, got t[1, 0]={}. Give 2 * t - 1 for targets 0 and 1."
PROBABLE = "t must lie in 0..1, got t[1, 0]={}. Give probabilities."
TARGETS = [
    *[(name, bad, SIGNS) for name in ("hinge", "squared_hinge") for bad in (0.0, 1.5, np.nan)],
    *[
        (name, bad, PROBABLE)
        for name in (
            "categorical_cross_entropy",
            "binary_cross_entropy",
            "sigmoid_cross_entropy",
            "kullback_leibler_divergence",
        )
        for bad in (-1.0, 1.5, np.nan)
    ],
    *[
        (name, bad, "t must be at least 0, got t[1, 0]={}. Give counts or sizes.")
        for name in ("poisson", "mean_squared_logarithmic_error")
        for bad in (-1.0, np.nan)
    ],
]


@pytest.mark.parametrize(("name", "bad", "text"), TARGETS)
def test_targets_that_a_loss_cannot_take(name, bad, text):
    kind = LOSSES[name]
    t = np.ones((3, 4))
    t[1, 0] = bad
    with pytest.raises(ValueError) as raised:
        kind().forward(X, t)
    assert str(raised.value) == f"{kind.__name__}.forward: {text.format(bad)}"


def test_targets_of_sigmoid_with_loss():
    for t, shown in (([0, 1, 2, 1], "t[2, 0]=2"), ([0, 0.5, 1, 1], "t[1, 0]=0.5")):
        with pytest.raises(ValueError) as raised:
            SigmoidWithLoss().forward(X[0], t)
        assert str(raised.value) == (
            f"SigmoidWithLoss.forward: t must be 0 or 1, got {shown}. Give 1 for yes and 0 for no."
        )


def test_a_bad_target_changes_nothing():
    loss = called(BinaryCrossEntropy(), X, X > 0.5)
    value, dx = loss.loss, loss.backward()
    with pytest.raises(ValueError, match="lie in"):
        loss.forward(X * 2, X * 9)
    assert loss.loss == value
    assert_array_equal(loss.backward(), dx)
    assert Poisson().forward(X, X * 9) > 0  # any size


EMPTY_TABLE = "must have at least one row and one class, got"
EMPTY_ROWS = "must have at least one row and one feature, got"
SHAPES = [
    (lambda: softmax(1.0), "softmax: x must be (C,) or (N, C), got x.shape=(). {table}"),
    (lambda: softmax(np.zeros((2, 0, 4))), f"softmax: x {EMPTY_TABLE} x.shape=(0, 4). {{some}}"),
    (lambda: softmax([]), f"softmax: x {EMPTY_TABLE} x.shape=(0,). {{some}}"),
    (lambda: softmax(np.zeros((0, 4))), f"softmax: x {EMPTY_TABLE} x.shape=(0, 4). {{some}}"),
    (
        lambda: Softmax().forward(np.zeros((3, 0))),
        f"Softmax.forward: x {EMPTY_TABLE} x.shape=(3, 0). {{some}}",
    ),
    (
        lambda: cross_entropy_error(np.zeros((0, 4)), []),
        f"cross_entropy_error: y {EMPTY_TABLE} y.shape=(0, 4). {{some}}",
    ),
    (
        lambda: softmax_loss(np.zeros((0, 4)), []),
        f"softmax_loss: x {EMPTY_TABLE} x.shape=(0, 4). {{some}}",
    ),
    (
        lambda: softmax_loss(np.zeros((2, 3, 4)), [0, 0]),
        "softmax_loss: x must be (C,) or (N, C), got x.shape=(2, 3, 4). {table}",
    ),
    (
        lambda: cross_entropy_error(0.5, 0),
        "cross_entropy_error: y must be (C,) or (N, C), got y.shape=(). "
        "Reshape y to (N, C), with one row a sample.",
    ),
    (
        lambda: SoftmaxWithLoss().forward(X[0], 0),
        "SoftmaxWithLoss.forward: x must be (N, C), got x.shape=(4,). {table}",
    ),
    (
        lambda: SoftmaxWithLoss().forward(np.zeros((0, 4)), []),
        f"SoftmaxWithLoss.forward: x {EMPTY_TABLE} x.shape=(0, 4). {{some}}",
    ),
    (
        lambda: SoftmaxCrossEntropy().forward(np.zeros((1, 2, 3)), [0]),
        "SoftmaxCrossEntropy.forward: x must be (N, C), got x.shape=(1, 2, 3). {table}",
    ),
    (
        lambda: SoftmaxCrossEntropy().forward(np.zeros((0, 4)), []),
        f"SoftmaxCrossEntropy.forward: x {EMPTY_TABLE} x.shape=(0, 4). {{some}}",
    ),
    (
        lambda: MeanSquaredError().forward(X[0], X[0]),
        "MeanSquaredError.forward: x must be (N, C), got x.shape=(4,). {table}",
    ),
    (
        lambda: MeanSquaredError().forward(np.zeros((0, 4)), np.zeros((0, 4))),
        f"MeanSquaredError.forward: x {EMPTY_TABLE} x.shape=(0, 4). {{some}}",
    ),
    (
        lambda: MeanSquaredError().forward(X, X[:2]),
        "MeanSquaredError.forward: t must have shape (3, 4) to match x, got t.shape=(2, 4). "
        "Give one target for each output.",
    ),
    (
        lambda: sum_squared_error(X, X[0]),
        "sum_squared_error: t must have shape (3, 4), got t.shape=(4,). "
        "Give one number for each output of forward.",
    ),
    (
        lambda: Hinge().forward(X, np.ones(4)),
        "Hinge.forward: t must have shape (3, 4) to match x, got t.shape=(4,). "
        "Give one target for each output.",
    ),
    (
        lambda: CategoricalHinge().forward(X[0], [0]),
        "CategoricalHinge.forward: x must be (N, C), got x.shape=(4,). {table}",
    ),
    (
        lambda: SigmoidWithLoss().forward(1.0, 1),
        "SigmoidWithLoss.forward: x must be (N, C), got x.shape=(). {table}",
    ),
    (
        lambda: SigmoidWithLoss().forward([], []),
        f"SigmoidWithLoss.forward: x {EMPTY_TABLE} x.shape=(0, 1). {{some}}",
    ),
    (
        lambda: SigmoidWithLoss().forward(X, X[0] > 0),
        "SigmoidWithLoss.forward: t must have shape (3, 4) to match x, got t.shape=(4,). "
        "Give one target for each output.",
    ),
    (
        lambda: SigmoidWithLoss().forward(X[0], X[0, :2] > 0),
        "SigmoidWithLoss.forward: t must have shape (4, 1) to match x, got t.shape=(2, 1). "
        "Give one target for each output.",
    ),
    (
        lambda: MeanSquaredError().forward(X, [0, 1, 2]),
        "MeanSquaredError.forward: t must have shape (3, 4) to match x, got t.shape=(3,). "
        "Give one target for each output.",
    ),
    (
        lambda: Affine(np.zeros((784, 100)), np.zeros(100)).forward(np.zeros((32, 783))),
        "Affine.forward: x must have 784 features to match W (784, 100), got x.shape=(32, 783). "
        "Give x of shape (N, 784).",
    ),
    (
        lambda: affine().forward(np.zeros(3)),
        "Affine.forward: x must have 4 features to match W (4, 2), got x.shape=(3,). "
        "Give x of shape (N, 4).",
    ),
    (
        lambda: MatMul(W).forward(np.zeros((5, 3, 2))),
        "MatMul.forward: x must have 4 features to match W (4, 2), got x.shape=(5, 3, 2). "
        "Give x of shape (N, 4).",
    ),
    (
        lambda: affine().forward(np.zeros((0, 4))),
        f"Affine.forward: x {EMPTY_ROWS} x.shape=(0, 4). Give an array (N, D).",
    ),
    (
        lambda: MatMul(W).forward(np.zeros((3, 0))),
        f"MatMul.forward: x {EMPTY_ROWS} x.shape=(3, 0). Give an array (N, D).",
    ),
    (
        lambda: built().forward(1.0),
        f"Dense.forward: x {EMPTY_ROWS} x.shape=(). Give an array (N, D).",
    ),
    (
        lambda: affine().forward(np.array(1.0)),
        f"Affine.forward: x {EMPTY_ROWS} x.shape=(). Give an array (N, D).",
    ),
    (
        lambda: Affine(W[0], B),
        "Affine: W must be (D, M) with at least one entry, got W.shape=(2,). Give an array (D, M).",
    ),
    (
        lambda: MatMul(np.zeros((0, 3))),
        "MatMul: W must be (D, M) with at least one entry, got W.shape=(0, 3). "
        "Give an array (D, M).",
    ),
    (
        lambda: Affine(W, np.zeros((1, 2))),
        "Affine: b must be (M,) with at least one entry, got b.shape=(1, 2). Give an array (M,).",
    ),
    (
        lambda: Affine(W, np.zeros(3)),
        "Affine: b must have shape (2,) to match W (4, 2), got b.shape=(3,). "
        "Assign W and b of the same M.",
    ),
    (
        lambda: assign(affine(), "W", np.zeros(4)),
        "Affine.W: W must be (D, M) with at least one entry, got W.shape=(4,). "
        "Give an array (D, M).",
    ),
    (
        lambda: assign(built(), "b", W),
        "Dense.b: b must be (M,) with at least one entry, got b.shape=(4, 2). Give an array (M,).",
    ),
    (
        lambda: called(affine(), X).backward(np.zeros((3, 4))),
        "Affine.backward: dout must have shape (3, 2), got dout.shape=(3, 4). {dout}",
    ),
    (
        lambda: called(affine(), X[0]).backward(np.zeros((1, 2))),
        "Affine.backward: dout must have shape (2,), got dout.shape=(1, 2). {dout}",
    ),
    (
        lambda: called(affine(), X[:1]).backward(np.zeros(2)),
        "Affine.backward: dout must have shape (1, 2), got dout.shape=(2,). {dout}",
    ),
    (
        lambda: called(MatMul(W), X).backward(1.0),
        "MatMul.backward: dout must have shape (3, 2), got dout.shape=(). {dout}",
    ),
    (
        lambda: called(built(), X).backward(np.zeros((2, 2))),
        "Dense.backward: dout must have shape (3, 2), got dout.shape=(2, 2). {dout}",
    ),
    (
        lambda: called(Sigmoid(), X).backward(np.zeros((3, 1))),
        "Sigmoid.backward: dout must have shape (3, 4), got dout.shape=(3, 1). {dout}",
    ),
    (
        lambda: called(Relu(), X).backward(np.zeros(12)),
        "Relu.backward: dout must have shape (3, 4), got dout.shape=(12,). {dout}",
    ),
    (
        lambda: called(Softmax(), X).backward(1.0),
        "Softmax.backward: dout must have shape (3, 4), got dout.shape=(). {dout}",
    ),
    (
        lambda: SGD().update([np.ones(3)], [np.ones(2)]),
        "SGD.update: grads[0] must have shape (3,) to match params[0], got (2,). "
        "Give the gradient of that array.",
    ),
    (
        lambda: SGD().update({"W": np.ones((3, 2))}, {"W": 1.0}),
        "SGD.update: grads['W'] must have shape (3, 2) to match params['W'], got (). "
        "Give the gradient of that array.",
    ),
    (
        lambda: SGD().update([np.ones(3)], []),
        "SGD.update: grads must be as many as params, got 0 grads for 1 params. "
        "Give the two lists of the same layers.",
    ),
    (
        lambda: SGD().update([np.ones(1), read_only(np.ones(3))], [np.ones(1), np.ones(3)]),
        "SGD.update: params[1] must be writeable, got a read-only array. Train a copy of it.",
    ),
]


@pytest.mark.parametrize(("call", "text"), SHAPES)
def test_shapes(call, text):
    advice = {
        "table": "Reshape x to (N, C), with one row a sample.",
        "some": "Give one sample or more.",
        "dout": "Give one number for each output of forward.",
    }
    with pytest.raises(ValueError) as raised:
        call()
    assert str(raised.value) == text.format(**advice)


def test_parameters_that_no_longer_fit():
    layer = called(affine(), X)
    layer.W = np.ones((4, 3))
    text = (
        "Affine.forward: b must have shape (3,) to match W (4, 3), got b.shape=(2,). "
        "Assign W and b of the same M."
    )
    with pytest.raises(ValueError) as raised:
        layer.forward(X)
    assert str(raised.value) == text
    layer.b = np.ones(3)
    layer.W = np.ones((5, 3))  # not forward's any more
    with pytest.raises(ValueError) as raised:
        layer.backward(np.ones((3, 3)))
    assert str(raised.value) == (
        "Affine.backward: x must have 5 features to match W (5, 3), got x.shape=(3, 4). "
        "Give x of shape (N, 5)."
    )
    layer = called(affine(), X)
    layer.params[1] = np.ones(3)  # past the property
    with pytest.raises(ValueError, match=r"^Affine\.forward: b must have shape \(2,\) to match"):
        layer.forward(X)
    with pytest.raises(ValueError) as raised:
        layer.backward(np.ones((3, 2)))
    assert str(raised.value) == (
        "Affine.backward: grads[1] must have shape (3,) to match params[1], got (2,). "
        "Assign layer.W and layer.b, which remake the gradients."
    )
    layer.params[0] = np.ones((4, 3))
    layer.forward(X)
    with pytest.raises(ValueError) as raised:
        layer.backward(np.ones((3, 3)))
    assert str(raised.value) == (
        "Affine.backward: grads[0] must have shape (4, 3) to match params[0], got (4, 2). "
        "Assign layer.W and layer.b, which remake the gradients."
    )


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "tanh"])
@pytest.mark.parametrize("m", [1, 300])
def test_another_width_between_forward_and_backward(m, activation):
    layer = called(dense(activation), X)
    layer.W, layer.b = np.ones((4, m)), np.ones(m)
    with pytest.raises(ValueError) as raised:
        layer.backward(np.ones((3, m)))
    assert str(raised.value) == (
        f"Dense.backward: out must have shape (3, {m}), got out.shape=(3, 2). "
        "Call forward first, and leave its out as it is."
    )
    layer.forward(X)
    assert layer.backward(np.ones((3, m))).shape == X.shape


@pytest.mark.parametrize("m", [1, 300])
def test_a_bias_left_behind_between_forward_and_backward(m):
    layer = called(affine(), X)
    layer.W = np.ones((4, m))
    with pytest.raises(ValueError) as raised:
        layer.backward(np.ones((3, m)))
    assert str(raised.value) == (
        f"Affine.backward: b must have shape ({m},) to match W (4, {m}), got b.shape=(2,). "
        "Assign W and b of the same M."
    )


# What forward leaves in public for backward, replaced by an array of another shape.
REPLACED = [
    ("MatMul", "x", lambda: called(MatMul(W), X), np.ones((3, 2))),
    ("MatMul", "x", lambda: called(MatMul(W), X.reshape(3, 2, 2)), np.ones((3, 2))),
    ("MatMul", "x", lambda: called(MatMul(W), X[0]), np.ones(2)),
    ("Affine", "x", lambda: called(affine(), X), np.ones((3, 2))),
    ("Affine", "x", lambda: called(affine(), X[0]), np.ones(2)),
    ("Affine", "x", lambda: called(affine(), X.reshape(3, 2, 2)), np.ones((3, 2))),
    ("Dense", "out", lambda: called(dense("relu"), X), np.ones((3, 2))),
    ("SoftmaxWithLoss", "y", lambda: called(SoftmaxWithLoss(), X, [0, 1, 2]), 1),
    ("SoftmaxCrossEntropy", "y", lambda: called(SoftmaxCrossEntropy(), X, [0, 1, 2]), 1),
    ("MeanSquaredError", "y", lambda: called(MeanSquaredError(), X, X), 1),
    ("MeanSquaredError", "t", lambda: called(MeanSquaredError(), X, X), 1),
    ("Huber", "y", lambda: called(Huber(), X, X * 2), 1),
    ("Huber", "t", lambda: called(Huber(), X, X * 2), 1),
    ("CategoricalHinge", "y", lambda: called(CategoricalHinge(), X, [0, 1, 2]), 1),
    ("SigmoidWithLoss", "y", lambda: called(SigmoidWithLoss(), X, X > 0.5), 1),
    ("SigmoidWithLoss", "t", lambda: called(SigmoidWithLoss(), X, X > 0.5), 1),
]


@pytest.mark.parametrize(("name", "attribute", "make", "dout"), REPLACED)
def test_what_forward_left_must_keep_its_shape(name, attribute, make, dout):
    layer = make()
    kept = getattr(layer, attribute)
    for other in (np.ones((1, 1)), np.ones((300, 4)), np.ones(kept.size), kept.T, [[1, 2]]):
        setattr(layer, attribute, other)
        with pytest.raises(ValueError) as raised:
            layer.backward(dout)
        assert str(raised.value) == (
            f"{name}.backward: {attribute} must have shape {kept.shape}, got "
            f"{attribute}.shape={np.shape(other)}. Call forward first, and leave its {attribute} "
            "as it is."
        )
    setattr(layer, attribute, "text")
    with pytest.raises(TypeError, match=rf"^{name}\.backward: {attribute} must be an array of"):
        layer.backward(dout)
    for other in (kept.copy(), np.asfortranarray(kept), kept.tolist()):  # that is allowed
        setattr(layer, attribute, kept)
        expected = layer.backward(dout)
        setattr(layer, attribute, other)
        assert_array_equal(layer.backward(dout), expected)


def test_rows_that_were_given_without_their_axis_or_as_images():
    for x, dout in [(X[0], np.ones((4, 2))), (X.reshape(3, 2, 2), np.ones((3, 2)))]:
        layer = called(MatMul(W), x)
        layer.x = x.copy()  # of the shape of x, not of its rows
        layer.W = np.ones((2, 2)) if x.ndim == 3 else W
        with pytest.raises(ValueError, match=r"^MatMul\.backward: x must have shape"):
            layer.backward(dout)


@pytest.mark.parametrize("kind", [Sigmoid, Relu, Tanh])
def test_an_activations_out_may_be_replaced(kind):
    layer = called(kind(), X)
    layer.out = np.full((2, 5), 0.5).tolist()
    assert layer.backward(np.ones((2, 5))).shape == (2, 5)
    with pytest.raises(ValueError, match=r"dout must have shape \(2, 5\), got"):
        layer.backward(X)


@pytest.mark.parametrize("kind", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_probabilities_reshaped_in_place(kind):
    loss = called(kind(), X, [0, 1, 2])
    loss.y.shape = (12, 1)
    with pytest.raises(ValueError, match=r"y must have shape \(3, 4\), got y.shape=\(12, 1\)"):
        loss.backward()


@pytest.mark.parametrize(
    ("make", "count"), [(lambda: MatMul(W), 1), (affine, 2), (lambda: dense("relu"), 2)]
)
def test_lists_that_lost_or_got_an_array(make, count):
    name = type(make()).__name__
    for change, number in [(list.pop, count - 1), (lambda held: held.append(X), count + 1)]:
        text = (
            f" must hold {count} array{'s' * (count > 1)}, got {number}. "
            "Assign to its entries; add and remove none."
        )
        layer = called(make(), X)
        change(layer.params)
        for method, argument in [("forward", X), ("backward", np.ones((3, 2)))]:
            with pytest.raises(ValueError) as raised:
                getattr(layer, method)(argument)
            assert str(raised.value) == f"{name}.{method}: params{text}"
        layer = called(make(), X)
        change(layer.grads)
        with pytest.raises(ValueError) as raised:
            layer.backward(np.ones((3, 2)))
        assert str(raised.value) == f"{name}.backward: grads{text}"


def test_units_are_set_before_build():
    layer = Dense(2)
    layer.units = np.int64(3)
    assert type(layer.units) is int
    for bad in ("a", 2.5, 0):
        with pytest.raises((TypeError, ValueError), match=r"^Dense\.units: units must be "):
            layer.units = bad
    layer.build(4, RNG, "float64")
    assert layer.W.shape == (4, 3)
    with pytest.raises(RuntimeError) as raised:
        layer.units = 5
    assert str(raised.value) == (
        "Dense.units: units must be set before build, got 5 for W (4, 3). "
        "Assign layer.W and layer.b, or make another Dense."
    )
    assert layer.units == 3
    layer.params[0] = np.ones((4, 7))  # past the property
    assert layer.units == 7


@pytest.mark.parametrize(
    ("dtype", "std"), [("float32", 1e39), ("float32", 1e38), ("float64", 1e308)]
)
def test_initial_weights_beyond_their_dtype(dtype, std):
    layer = Dense(2, weight_init_std=std)
    with pytest.raises(ValueError) as raised:
        layer.build(4, RNG, dtype)
    assert str(raised.value) == (
        f"Dense.build: weight_init_std must leave the weights finite in {dtype}, got {std}. "
        "Give a number such as 0.01."
    )
    assert not layer.params
    layer.weight_init_std = -1
    with pytest.raises(ValueError, match=r"^Dense\.build: weight_init_std must be finite and not"):
        layer.build(4, RNG, dtype)
    layer.weight_init_std = std / 16 if dtype == "float64" else 1e37
    layer.build(4, RNG, dtype)
    assert np.isfinite(layer.W).all()


@pytest.mark.parametrize(
    "kind",
    [
        SoftmaxWithLoss,
        SoftmaxCrossEntropy,
        MeanSquaredError,
        MeanAbsoluteError,
        SparseCategoricalCrossEntropy,
        SigmoidWithLoss,
    ],
)
@pytest.mark.parametrize(
    ("dtype", "dout"), [("float32", 1e300), ("float32", -1e39), ("float16", 1e5)]
)
def test_a_dout_beyond_the_dtype_of_the_loss(kind, dtype, dout):
    x = X.astype(dtype)
    t = [0, 1, 2]
    if kind in (MeanSquaredError, MeanAbsoluteError):
        t = x / 2
    elif kind is SigmoidWithLoss:
        t = x > 0.5
    loss = called(kind(), x, t)
    with pytest.raises(ValueError) as raised:
        loss.backward(dout)
    assert str(raised.value) == (
        f"{kind.__name__}.backward: dout must be finite in {dtype}, got {dout}. "
        "Give a number such as 1."
    )
    dx = loss.backward(np.nan)  # as NumPy's
    assert not np.isfinite(dx[loss.backward() != 0]).any()


ORDER = [
    (lambda: affine().backward(X), "Affine.backward: call forward first."),
    (lambda: MatMul(W).backward(X), "MatMul.backward: call forward first."),
    (lambda: built().backward(X), "Dense.backward: call forward first."),
    (lambda: Sigmoid().backward(X), "Sigmoid.backward: call forward first."),
    (lambda: Relu().backward(X), "Relu.backward: call forward first."),
    (lambda: Relu().mask, "Relu.mask: call forward first."),
    (lambda: Tanh().backward(X), "Tanh.backward: call forward first."),
    (lambda: Softmax().backward(X), "Softmax.backward: call forward first."),
    (lambda: SoftmaxWithLoss().backward(), "SoftmaxWithLoss.backward: call forward first."),
    (lambda: SoftmaxCrossEntropy().backward(), "SoftmaxCrossEntropy.backward: call forward first."),
    (lambda: MeanSquaredError().backward(), "MeanSquaredError.backward: call forward first."),
    (lambda: SigmoidWithLoss().backward(), "SigmoidWithLoss.backward: call forward first."),
    (
        lambda: WeightedLosses([MeanSquaredError()]).backward(),
        "WeightedLosses.backward: call forward first.",
    ),
    *[
        (kind().backward, f"{kind.__name__}.backward: call forward first.")
        for kind in LOSSES.values()
    ],
    (lambda: Dense(2).forward(X), "Dense.forward: {build}"),
    (lambda: Dense(2).backward(X), "Dense.backward: call forward first."),
    (lambda: Dense(2).W, "Dense.W: {build}"),
    (lambda: Dense(2).b, "Dense.b: {build}"),
    (lambda: Dense(2).dW, "Dense.dW: {build}"),
    (lambda: Dense(2).db, "Dense.db: {build}"),
    (lambda: assign(Dense(2), "W", W), "Dense.W: {build}"),
    (lambda: assign(Dense(2), "b", B), "Dense.b: {build}"),
]


@pytest.mark.parametrize(("call", "text"), ORDER)
def test_order_of_calls(call, text):
    with pytest.raises(RuntimeError) as raised:
        call()
    build = (
        "call build(n_in, rng, dtype) first, or put the layer into a Sequential and build or "
        "fit that."
    )
    assert str(raised.value) == text.format(build=build)


SHARED = MeanSquaredError()


ARGUMENTS = [
    (lambda: Dense(2.5), TypeError, "Dense: units must be a whole number, got 2.5. Give an int."),
    (lambda: Dense(True), TypeError, "Dense: units must be a whole number, got True. Give an int."),
    (lambda: Dense(0), ValueError, "Dense: units must be at least 1, got 0. Give a positive int."),
    (
        lambda: Dense(2, activation="relux"),
        ValueError,
        f"Dense: activation must be one of {len(ACTIVATIONS)} names, got 'relux'. "
        "Did you mean 'relu'?",
    ),
    (
        lambda: Dense(2, activation=Relu),
        ValueError,
        f"Dense: activation must be one of {ACTIVATION_NAMES}, got "
        "<class 'fastnet.layers.Relu'>. Give one of these names.",
    ),
    (
        lambda: Dense(2, input_shape=()),
        ValueError,
        "Dense: input_shape must have a dimension, got (). Give the shape of one sample, such as "
        "(784,).",
    ),
    (
        lambda: Dense(2, input_shape=(28, -28)),
        ValueError,
        "Dense: input_shape must be at least 1, got -28. Give a positive int.",
    ),
    (
        lambda: Dense(2, input_shape="784"),
        TypeError,
        "Dense: input_shape must be a whole number, got '784'. Give an int.",
    ),
    (
        lambda: Dense(2, weight_init_std=-1),
        ValueError,
        "Dense: weight_init_std must be finite and not negative, got -1.0. "
        "Give a number such as 0.01.",
    ),
    (
        lambda: Dense(2, weight_init_std=np.nan),
        ValueError,
        "Dense: weight_init_std must be finite and not negative, got nan. "
        "Give a number such as 0.01.",
    ),
    (
        lambda: Dense(2, weight_init_std=np.inf),
        ValueError,
        "Dense: weight_init_std must be finite and not negative, got inf. "
        "Give a number such as 0.01.",
    ),
    (
        lambda: Dense(2, weight_init_std="He"),
        ValueError,
        "Dense: weight_init_std must be one of 'he', 'xavier', 'glorot', 'lecun', 'zeros', got "
        "'He'. Give one of these names.",
    ),
    (
        lambda: Dense(2).build(0, RNG, "float32"),
        ValueError,
        "Dense.build: n_in must be at least 1, got 0. Give a positive int.",
    ),
    (
        lambda: Dense(2).build(4, 0, "float32"),
        TypeError,
        "Dense.build: rng must be a numpy.random.Generator, got 0. "
        "Give numpy.random.default_rng(seed).",
    ),
    (
        lambda: Dense(2).build(4, RNG, "float16"),
        TypeError,
        "Dense.build: dtype must be float32 or float64, got 'float16'. "
        'Give dtype="float32" or dtype="float64".',
    ),
    (
        lambda: Dense(2).build(4, RNG, None),
        TypeError,
        "Dense.build: dtype must be float32 or float64, got None. "
        'Give dtype="float32" or dtype="float64".',
    ),
    (
        lambda: Dense(2).build(4, RNG, "no such dtype"),
        TypeError,
        "Dense.build: dtype must be float32 or float64, got 'no such dtype'. "
        'Give dtype="float32" or dtype="float64".',
    ),
    (
        lambda: called(SoftmaxWithLoss(), X, [0, 1, 2]).backward(X),
        TypeError,
        "SoftmaxWithLoss.backward: dout must be a real number, got an array of shape (3, 4) and "
        "dtype float64. Give a float.",
    ),
    (
        lambda: called(SoftmaxCrossEntropy(), X, [0, 1, 2]).backward("1"),
        TypeError,
        "SoftmaxCrossEntropy.backward: dout must be a real number, got '1'. Give a float.",
    ),
    (
        lambda: called(MeanSquaredError(), X, X).backward(None),
        TypeError,
        "MeanSquaredError.backward: dout must be a real number, got None. Give a float.",
    ),
    *[
        (
            lambda bad=bad: Huber(bad),
            ValueError,
            f"Huber: delta must be finite and positive, got {float(bad)}. Give a number such as 1.",
        )
        for bad in (0, -1, np.inf, np.nan)
    ],
    (
        lambda: Huber("1"),
        TypeError,
        "Huber: delta must be a real number, got '1'. Give a float.",
    ),
    (
        lambda: Huber(1e39).forward(X.astype(np.float32), X.astype(np.float32)),
        ValueError,
        "Huber.forward: delta must be finite in float32, got 1e+39. Give a number such as 1.",
    ),
    (
        lambda: WeightedLosses(MeanSquaredError()),
        TypeError,
        "WeightedLosses: losses must be a list of at least one loss, got MeanSquaredError(). "
        "Give one for each output.",
    ),
    (
        lambda: WeightedLosses([]),
        TypeError,
        "WeightedLosses: losses must be a list of at least one loss, got []. "
        "Give one for each output.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError(), "hinge"]),
        TypeError,
        "WeightedLosses: losses[1] must have forward and backward, got 'hinge'. "
        "Give a loss object, such as MeanSquaredError().",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError]),
        TypeError,
        "WeightedLosses: losses[0] must have forward and backward, got "
        "<class 'fastnet.losses.MeanSquaredError'>. "
        "Give a loss object, such as MeanSquaredError().",
    ),
    (
        lambda: WeightedLosses([SHARED, Hinge(), SHARED]),
        ValueError,
        "WeightedLosses: losses[2] must be an object of its own, got losses[0] again. "
        "Make one for each output: a loss remembers what it was given.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError()], [1, 2]),
        ValueError,
        "WeightedLosses: weights must be a list of 1, one for each loss, got 2. "
        "Give as many as there are losses.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError()], 1),
        ValueError,
        "WeightedLosses: weights must be a list of 1, one for each loss, got 1. "
        "Give as many as there are losses.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError()], [None]),
        TypeError,
        "WeightedLosses: weights[0] must be a real number, got None. Give a float.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError(), Hinge()], [1, -1]),
        ValueError,
        "WeightedLosses: weights[1] must be finite and not negative, got -1.0. "
        "Give 0 to leave a loss out.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError()], [0]),
        ValueError,
        "WeightedLosses: weights must have a finite sum above 0, got 0.0. Give weights such as 1.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError()]).forward([X, X], [X]),
        ValueError,
        "WeightedLosses.forward: xs must be a list of 1, one for each loss, got 2. "
        "Give as many as there are losses.",
    ),
    (
        lambda: WeightedLosses([MeanSquaredError()]).forward([X], []),
        ValueError,
        "WeightedLosses.forward: ts must be a list of 1, one for each loss, got 0. "
        "Give as many as there are losses.",
    ),
    (
        lambda: called(WeightedLosses([MeanSquaredError()]), [X], [X]).backward("1"),
        TypeError,
        "WeightedLosses.backward: dout must be a real number, got '1'. Give a float.",
    ),
    (
        lambda: SGD(np.nan),
        ValueError,
        "SGD: lr must be finite, got nan. Give a number such as 0.1.",
    ),
    (
        lambda: SGD(lr=-np.inf),
        ValueError,
        "SGD: lr must be finite, got -inf. Give a number such as 0.1.",
    ),
    (lambda: SGD("0.1"), TypeError, "SGD: lr must be a real number, got '0.1'. Give a float."),
    (lambda: SGD(1j), TypeError, "SGD: lr must be a real number, got 1j. Give a float."),
    (
        lambda: SGD(np.ones(1)),
        TypeError,
        "SGD: lr must be a real number, got an array of shape (1,) and dtype float64. "
        "Give a float.",
    ),
    (
        lambda: SGD(-0.1),
        ValueError,
        "SGD: lr must not be negative, got -0.1. Give a number such as 0.1.",
    ),
    (
        lambda: SGD(weight_decay=-1),
        ValueError,
        "SGD: weight_decay must not be negative, got -1.0. Give a number such as 1e-4.",
    ),
    (
        lambda: SGD(clip_norm=0),
        ValueError,
        "SGD: clip_norm must be above 0, got 0.0. Give a number such as 1.",
    ),
    (
        lambda: SGD(lambda step: -1.0).update([X.copy()], [X]),
        ValueError,
        "SGD.update: lr must not be negative, got -1.0. Give a number such as 0.1.",
    ),
    (
        lambda: Momentum(momentum=1.0),
        ValueError,
        "Momentum: momentum must be in [0, 1), got 1.0. Give a number such as 0.9.",
    ),
    (
        lambda: RMSprop(decay_rate=-0.5),
        ValueError,
        "RMSprop: decay_rate must be in [0, 1), got -0.5. Give a number such as 0.9.",
    ),
    (
        lambda: AdaGrad(eps=-1e-7),
        ValueError,
        "AdaGrad: eps must not be negative, got -1e-07. Give a number such as 1e-7.",
    ),
    (
        lambda: AdaGrad(eps=1e39).update([X.astype(np.float32)], [X]),
        ValueError,
        "AdaGrad.update: eps must be finite in float32, got 1e+39. Give a number such as 1e-7.",
    ),
    (
        lambda: Adam(beta1=1),
        ValueError,
        "Adam: beta1 must be in [0, 1), got 1.0. Give a number such as 0.9.",
    ),
    (
        lambda: AdamW(beta2="0.9"),
        TypeError,
        "AdamW: beta2 must be a real number, got '0.9'. Give a float.",
    ),
    (
        lambda: Adam(clip_value=np.nan),
        ValueError,
        "Adam: clip_value must be above 0, got nan. Give a number such as 1.",
    ),
    (
        lambda: Adam().update({"W": X}, [X]),
        TypeError,
        "Adam.update: params and grads must be two lists or two dicts, got dict and list. "
        "Give layer.params and layer.grads, or a network's params and gradient.",
    ),
    (
        lambda: stepped(Adam()).update({"W": X.copy()}, {"W": X}),
        TypeError,
        "Adam.update: m must be a dict like params, got a list. "
        "Make another optimizer for other parameters.",
    ),
    (
        lambda: stepped(Momentum()).update([X[0].copy()], [X[0]]),
        ValueError,
        "Momentum.update: params[0] must be the array of which it has v, got another one. Give all "
        "parameters at each step, in one list or dict, and change them in place; for others make a "
        "new optimizer, or call reset().",
    ),
    (
        lambda: SGD().update({"W": X.copy(), "b": X.copy()}, {"W": X}),
        KeyError,
        "SGD.update: grads must have every key of params, got none for 'b'. "
        "Compute its gradient, or leave it out of params.",
    ),
    (
        lambda: SGD().update({"W": X}, [X]),
        TypeError,
        "SGD.update: params and grads must be two lists or two dicts, got dict and list. "
        "Give layer.params and layer.grads, or a network's params and gradient.",
    ),
    (
        lambda: SGD().update(X, X),
        TypeError,
        "SGD.update: params and grads must be two lists or two dicts, got ndarray and ndarray. "
        "Give layer.params and layer.grads, or a network's params and gradient.",
    ),
    (
        lambda: SGD().update([np.ones(3, int)], [np.ones(3)]),
        TypeError,
        "SGD.update: params[0] must be an array of float16, float32 or float64, got dtype int64. "
        "Convert it before training.",
    ),
    (
        lambda: SGD().update(["W"], [1.0]),
        TypeError,
        "SGD.update: params[0] must be a real number, got 'W'. Give a float.",
    ),
    (
        lambda: SGD().update({"x": 1.0}, {"x": None}),
        TypeError,
        "SGD.update: grads['x'] must be a real number, got None. Give a float.",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), ARGUMENTS)
def test_arguments(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.args == (text,)


# --------------------------------------------------------------------------- nothing changes


@pytest.mark.parametrize("layer", [affine, lambda: MatMul(W), built, Sigmoid, Softmax])
def test_a_refused_call_leaves_a_layer_as_it_was(layer):
    layer, twin = layer(), layer()
    for each in (layer, twin):
        out = each.forward(X)
        each.backward(np.ones_like(out))
    for bad in (X.astype(complex), "text", None, [[1], [2, 3]]):
        for method in (layer.forward, layer.backward):
            with pytest.raises((TypeError, ValueError)):
                method(bad)
    if layer.params:
        for shape in [(3, 5), (0, 4), (4, 4)]:
            with pytest.raises(ValueError):
                layer.backward(np.ones(shape))
            if shape != (4, 4):
                with pytest.raises(ValueError):
                    layer.forward(np.ones(shape))
    for grad, kept in zip(layer.grads, twin.grads, strict=True):
        assert_array_equal(grad, kept)
    assert_array_equal(layer.backward(out), twin.backward(out))


@pytest.mark.parametrize("kind", [SoftmaxWithLoss, SoftmaxCrossEntropy])
def test_refused_labels_leave_a_loss_as_it_was(kind):
    loss = kind()
    value, t = loss.forward(X, [0, 1, 2]), loss.t
    dx, y = loss.backward(), loss.y
    for bad in ([0, 1, 4], [0, 1], np.zeros((3, 4))):
        with pytest.raises((IndexError, ValueError)):
            loss.forward(2 * X, bad)
        with pytest.raises(TypeError):
            loss.backward("1")
    assert loss.loss == value and loss.y is y and loss.t is t
    assert_array_equal(loss.backward(), dx)


@pytest.mark.parametrize(
    "bad",
    [
        (np.ones(3), np.ones(2)),
        (np.ones(3), None),
        (np.ones(3, int), np.ones(3)),
        (np.ones(3, complex), np.ones(3)),
        (read_only(np.ones(3)), np.ones(3)),
        ("W", 1.0),
    ],
)
def test_a_refused_update_changes_no_parameter(bad):
    first = np.ones(3)
    with pytest.raises((TypeError, ValueError)):
        SGD(1).update([first, bad[0]], [np.ones(3), bad[1]])
    with pytest.raises((TypeError, ValueError)):
        SGD(1).update({"a": first, "b": bad[0]}, {"a": np.ones(3), "b": bad[1]})
    with pytest.raises(KeyError):
        SGD(1).update({"a": first, "b": bad[0]}, {"a": np.ones(3)})
    optimizer = SGD(1)
    optimizer.lr = np.nan
    with pytest.raises(ValueError, match=r"^SGD\.update: lr must be finite, got nan\. Give"):
        optimizer.update([first], [np.ones(3)])
    assert_array_equal(first, np.ones(3))


@pytest.mark.parametrize(
    ("dtype", "lr"), [("float16", 1e5), ("float32", 1e300), (">f4", 1e39), ("float64", None)]
)
def test_a_learning_rate_beyond_the_parameters_dtype(dtype, lr):
    first, small = np.ones(3), np.ones(3, dtype)
    if lr is None:
        SGD(1e300).update([first, small], [np.ones(3), np.ones(3)])
        assert_array_equal(small, np.full(3, -1e300))
        return
    with pytest.raises(ValueError) as raised:
        SGD(lr).update([first, small], [np.ones(3), np.ones(3, dtype)])
    assert str(raised.value) == (
        f"SGD.update: lr must be finite in {small.dtype.name}, got {lr}. Give a number such as 0.1."
    )
    assert_array_equal(first, np.ones(3))
    assert_array_equal(small, np.ones(3))


def test_a_dense_whose_activation_was_set_to_no_name():
    layer = built()
    layer.forward(np.ones((1, layer.W.shape[0])))
    layer.activation = "nothing"
    with pytest.raises(ValueError) as raised:
        layer.forward(np.ones((1, layer.W.shape[0])))
    assert str(raised.value) == (
        f"Dense.forward: activation must be one of {ACTIVATION_NAMES}, got "
        "'nothing'. Give one of these names."
    )


def test_a_refused_dense_build_leaves_its_weights():
    layer = built()
    kept = layer.W.copy()
    with pytest.raises(TypeError):
        layer.build(4, np.random.default_rng(0), "float16")
    with pytest.raises(ValueError, match=r"^Dense\.W: W must be \(D, M\)"):
        layer.W = np.zeros(3)
    assert_array_equal(layer.W, kept)
    assert layer.units == 2
