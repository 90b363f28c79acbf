"""Arrays that hold no real numbers, and the dtype that numbers get."""

import numpy as np
import pytest
from in_turn import with_each
from made_layers import NUMBERS, B, W, X, affine, assign, built, called

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
    Affine,
    MatMul,
    Relu,
    Sigmoid,
    Softmax,
    SoftmaxWithLoss,
    Tanh,
)
from fastnet.losses import (
    CategoricalHinge,
    Hinge,
    Huber,
    MeanSquaredError,
    SigmoidWithLoss,
    SoftmaxCrossEntropy,
)
from fastnet.optimizer import SGD, Adam

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


@with_each("name", TAKES_ARRAYS)
def test_arrays_that_hold_no_real_numbers(name):
    for bad, text in KINDS:
        with pytest.raises(TypeError) as raised:
            TAKES_ARRAYS[name](bad)
        argument = name.rpartition(": ")[2]
        assert str(raised.value) == f"{name} {NUMBERS} {text.format(argument)}"


@with_each("kind", "?bBhHiIlLqQefdgFDGOSUVmM")
@with_each("wide", checks.COMPUTED)
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


@with_each("kinds", ["f", "d", "fd", "df", "ff", "fdf", "fe", "ed", "Bf", "Bd", "BB"])
def test_result_dtype_follows_numpy(kinds):
    found = checks.result_dtype(*[np.zeros(2, kind) for kind in kinds])
    expected = np.result_type(*kinds)
    assert found is np.dtype(expected if expected.kind == "f" else float)


@with_each("name", TAKES_ARRAYS)
def test_ragged_lists(name):
    with pytest.raises(ValueError) as raised:
        TAKES_ARRAYS[name]([[1, 2], [3]])
    assert str(raised.value) == (
        f"{name} must be an array, got a list whose parts differ in length. "
        "Give every row the same length."
    )
