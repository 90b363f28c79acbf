"""Gradients by definition: against exact derivatives, the textbook's numbers and NumPy's twin."""

# ruff: noqa: NPY002  TwoLayerNet draws from NumPy's global generator, as the book does

import itertools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastnet
from fastnet import models, reference, threads
from fastnet.functions import softmax
from fastnet.gradient import (
    gradient_check,
    gradient_descent,
    numerical_diff,
    numerical_gradient,
)
from fastnet.kernels.loop.team import HELPED
from fastnet.layers import Affine, Dense, MatMul, Relu, Rescaling, Sigmoid, Tanh
from fastnet.losses import SoftmaxCrossEntropy
from fastnet.models import Sequential, TwoLayerNet

SIDES = [fastnet.gradient, reference.gradient]
both_sides = pytest.mark.parametrize("side", SIDES, ids=["fastnet", "reference"])
EPS = 2.0**-52


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def refusal(call):
    """The text of the error that a call ends with, after its type."""
    with pytest.raises((TypeError, ValueError, IndexError, RuntimeError)) as caught:
        call()
    return f"{caught.type.__name__}: {caught.value}"


def bits(array):
    return array.tobytes()


# --------------------------------------------------------------------------- numerical_diff


@both_sides
def test_the_textbooks_derivatives(side):
    # Section 4.3.3 prints these digits.
    assert side.numerical_diff(lambda x: 0.01 * x**2 + 0.1 * x, 5) == 0.1999999999990898
    assert side.numerical_diff(lambda x: 0.01 * x**2 + 0.1 * x, 10) == 0.2999999999986347


@both_sides
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (7,), (2, 3), (2, 1, 2)])
def test_the_derivative_of_each_element(side, dtype, shape, rng):
    x = rng.standard_normal(shape).astype(dtype) if shape else np.array(0.5, dtype)
    kept = x.copy()
    found = side.numerical_diff(np.sin, x)
    assert found.dtype == dtype and found.shape == shape
    assert_array_equal(x, kept)
    # h**2 / 6, and what the rounding of two sines leaves
    eps, h = np.finfo(dtype).eps, {"float32": 2.0**-7, "float64": 1e-4}[dtype]
    assert_allclose(found, np.cos(x), rtol=0, atol=h * h / 6 + 4 * eps / h)


def test_numbers_stay_numbers():
    seen = []

    def f(x):
        seen.append(x)
        return math.sin(x)

    assert type(numerical_diff(f, 1)) is type(numerical_diff(f, 1.0)) is float
    assert {type(x) for x in seen} == {float}
    assert seen[:2] == [1.0001, 0.9999]
    assert type(numerical_diff(np.sin, np.float32(1))) is np.float32
    assert_array_equal(numerical_diff(lambda x: x > 0, np.array([1, 0])), [0, 5000])


def test_integers_and_float16():
    assert numerical_diff(np.square, np.array([1, 2])).dtype == np.float64
    slope = numerical_diff(np.square, np.array([1.0, 2.0], np.float16))
    assert slope.dtype == np.float16
    assert_array_equal(slope, [2, 4])  # in steps of 1/8 and 1/4


DIFF_REFUSALS = {
    "TypeError: numerical_diff: f must be a function, got 3. Give one that takes x.": (3, 1.0),
    "TypeError: numerical_diff: x must be an array of integers, float16, float32 or float64, got "
    "complex of dtype complex128. Give its real part, numpy.real(x).": (np.sin, 1j),
    "ValueError: numerical_diff: f(x) must have the shape of x (3,), got (). For a function that "
    "makes one number of many, use numerical_gradient.": (np.sum, np.ones(3)),
    "TypeError: numerical_diff: f(x) must be an array of integers, float16, float32 or float64, "
    "got NoneType of dtype object. Give an array of numbers.": (lambda x: None, 1.0),
}


@pytest.mark.parametrize("text", DIFF_REFUSALS)
def test_numerical_diff_refuses(text):
    assert refusal(lambda: numerical_diff(*DIFF_REFUSALS[text])) == text


# --------------------------------------------------------------------------- numerical_gradient


@both_sides
def test_the_textbooks_gradients(side):
    def f(x):
        return x[0] ** 2 + x[1] ** 2

    # Section 4.4 prints these digits before it rounds them.
    assert_array_equal(
        side.numerical_gradient(f, np.array([3.0, 4.0])), [6.00000000000378, 7.999999999999119]
    )
    assert_allclose(side.numerical_gradient(f, np.array([0.0, 2.0])), [0, 4], rtol=1e-11)
    assert_allclose(side.numerical_gradient(f, np.array([3.0, 0.0])), [6, 0], rtol=1e-11)


VIEWS = {
    "0-d": lambda x: x[0, :1].reshape(()),
    "1-d": lambda x: x[0],
    "matrix": lambda x: x,
    "4-d": lambda x: x.reshape(2, 1, 3, 2),
    "transposed": lambda x: x.T,
    "every other": lambda x: x[:, ::2],
    "backwards": lambda x: x[::-1],
    "empty": lambda x: x[:0],
    "bytes swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "Fortran order": np.asfortranarray,
}


@both_sides
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("view", VIEWS)
def test_any_shape_and_layout(side, dtype, view, rng):
    x = VIEWS[view](rng.standard_normal((3, 4)).astype(dtype))
    weights = rng.standard_normal(x.shape)
    kept = bits(x)

    def f(given):
        assert given is x
        return np.sum(weights * np.sin(x, dtype=np.float64))

    grad = side.numerical_gradient(f, x)
    assert bits(x) == kept
    assert grad.shape == x.shape and grad.dtype == x.dtype
    # h**2 / 6; the rounding of 12 terms over 2h; and of x + h, and the gradient, in float32
    h = {"float32": 2.0**-7, "float64": 1e-4}[dtype]
    tolerance = h * h / 6 + 12 * 12 * EPS / h + 4 * np.finfo(dtype).eps / h * (dtype == "float32")
    expected = weights * np.cos(x, dtype=np.float64)
    assert_allclose(grad, expected, rtol=0, atol=tolerance * np.abs(weights).max(initial=1))


# dtype, x, step: the textbook's, or the power of two above cbrt(eps) * max(1, |x|)
STEPS = [
    ("float64", 0.0, 1e-4),
    ("float64", -1.0, 1e-4),
    ("float64", 16.0, 1e-4),
    ("float64", 20.0, 2.0**-13),
    ("float64", 1e9, 2.0**13),
    ("float64", -1e300, 2.0**980),
    ("float32", 0.0, 2.0**-7),
    ("float32", 1.0, 2.0**-7),
    ("float32", -3.0, 2.0**-6),
    ("float32", 1e6, 2.0**13),
    ("float16", 1.0, 2.0**-3),
]


@both_sides
@pytest.mark.parametrize(("dtype", "value", "step"), STEPS)
def test_the_step_fits_dtype_and_size(side, dtype, value, step):
    x, seen = np.array([value], dtype), []
    side.numerical_gradient(lambda x: seen.append(x[0]) or 0.0, x)
    scale = np.cbrt(np.finfo(dtype).eps, dtype=np.float64) * max(1, abs(value))
    assert step == 1e-4 >= scale or (scale < step <= 2 * scale and math.frexp(step)[0] == 0.5)
    assert seen == [x.dtype.type(x[0] + step), x.dtype.type(x[0] - step)]
    diff = []
    side.numerical_diff(lambda x: diff.append(x) or x, x[0])
    assert [float(x) for x in diff] == [float(x) for x in seen]


@both_sides
def test_no_step_is_not_finite(side):
    """What C's frexp makes of NaN and infinity, nobody knows."""
    assert_array_equal(side._steps(np.array([np.nan, np.inf, -np.inf])), [1e-4] * 3)


def test_a_large_x_has_a_gradient():
    x = np.array([1e9, 1e15])  # 1e15 + 1e-4 is 1e15
    assert_allclose(numerical_gradient(lambda x: 3 * x[0] + 2 * x[1], x), [3, 2], rtol=1e-9)


def test_float32_takes_a_larger_step_than_the_textbooks(rng):
    """What the docstring says of 1e-4 in float32."""
    x, t = rng.random((32, 64)).astype(np.float32), np.arange(32) % 10
    model = Sequential([Dense(32, activation="sigmoid"), Dense(10)], seed=0)
    exact = model.gradient(x, t)[2]
    W = model.layers[1].W

    def error(numerical):
        return np.abs(numerical - exact).max() / np.abs(exact).max()

    textbook = np.zeros_like(W)
    for i in np.ndindex(W.shape):
        kept = W[i]
        W[i] = kept + 1e-4
        above = model.forward(x, t)
        W[i] = kept - 1e-4
        textbook[i] = (above - model.forward(x, t)) / 2e-4
        W[i] = kept
    assert error(textbook) > 3e-3
    assert error(numerical_gradient(lambda W: model.forward(x, t), W)) < 1e-3


SPECIAL = np.array([-0.0, np.nan, -np.nan, np.inf, -np.inf, 5e-324, 1.7e308, 0.1])


@both_sides
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", ">f4", "<f2"])
def test_x_is_put_back_to_the_bit(side, dtype):
    with np.errstate(all="ignore"):
        x = SPECIAL.astype(dtype)
        number = x.view(dtype.replace("f", "u"))
        number[1] |= number.dtype.type(1)  # a NaN that carries something
        kept = bits(x)
        side.numerical_gradient(lambda x: 0.0, x)
    assert bits(x) == kept


@both_sides
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("call", range(8))
def test_x_is_put_back_where_f_raises(side, error, call):
    x = np.array([[0.1, -0.0], [0.3, 1e-300]])
    kept, calls = bits(x), itertools.count()

    def f(x):
        assert bits(x) != kept
        if next(calls) == call:
            raise error
        return x.sum()

    with pytest.raises(error):
        side.numerical_gradient(f, x)
    assert bits(x) == kept
    with pytest.raises((TypeError, ValueError)):
        side.numerical_gradient(lambda x: "no number", x)
    assert bits(x) == kept


def test_f_may_ignore_its_argument_and_give_any_real_number(rng):
    layer, x = Affine(rng.standard_normal((3, 2)), np.zeros(2)), rng.standard_normal((4, 3))
    grad = numerical_gradient(lambda _: np.sum(layer.forward(x)), layer.W)
    assert_allclose(grad, np.repeat(x.sum(axis=0), 2).reshape(3, 2), rtol=1e-9)
    for kind in (float, np.float32, np.array, int):
        found = numerical_gradient(lambda x, kind=kind: kind(16384 * x[0]), np.ones(1))
        assert_allclose(found, [16384], rtol=1e-3 if kind is np.float32 else 0.4)


READ_ONLY = np.ones(2)
READ_ONLY.flags.writeable = False

GRADIENT_REFUSALS = {
    "TypeError: numerical_gradient: f must be a function, got an array of shape (2,) and "
    "dtype float64. Give one that takes x.": (
        np.ones(2),
        np.ones(2),
    ),
    "TypeError: numerical_gradient: x must be an array, as it is changed in place, got "
    "[3.0, 4.0]. Give numpy.array(x, float).": (sum, [3.0, 4.0]),
    "TypeError: numerical_gradient: x must be an array, as it is changed in place, got 3.0. Give "
    "numpy.array(x, float).": (abs, 3.0),
    "TypeError: numerical_gradient: x must be an array of float16, float32 or float64, got dtype "
    "int64. Give x.astype(float).": (np.sum, np.ones(2, np.int64)),
    "TypeError: numerical_gradient: x must be an array of float16, float32 or float64, got dtype "
    "complex128. Give x.astype(float).": (np.sum, np.ones(2, complex)),
    "ValueError: numerical_gradient: x must be writeable, as it is changed in place, got a "
    "read-only array. Give x.copy().": (np.sum, READ_ONLY),
    "TypeError: numerical_gradient: f(x) must be a real number, got an array of shape (2,) and "
    "dtype float64. Give a float.": (np.sin, np.ones(2)),
    "TypeError: numerical_gradient: f(x) must be a real number, got None. Give a float.": (
        lambda x: None,
        np.ones(2),
    ),
    "TypeError: numerical_gradient: f(x) must be a real number, got (1+0j). Give a float.": (
        lambda x: 1 + 0j,
        np.ones(2),
    ),
}


@pytest.mark.parametrize("text", GRADIENT_REFUSALS)
def test_numerical_gradient_refuses(text):
    assert refusal(lambda: numerical_gradient(*GRADIENT_REFUSALS[text])) == text


# --------------------------------------------------------------------------- gradient_descent


def bowl(x):
    return np.sum(x**2)


@both_sides
def test_the_textbooks_descent(side):
    # Section 4.4.1 prints these digits for the three learning rates.
    x, path = side.gradient_descent(bowl, np.array([-3.0, 4.0]), lr=0.1, step_num=100)
    assert_allclose(x, [-6.11110793e-10, 8.14814391e-10], rtol=1e-8)
    assert path.shape == (100, 2)
    assert_array_equal(path[0], [-3, 4])
    assert_allclose(path[1:], 0.8 * path[:-1], rtol=1e-9, atol=1e-11)
    assert_allclose(x, 0.8 * path[-1], rtol=1e-5)
    x, _ = side.gradient_descent(bowl, np.array([-3.0, 4.0]), lr=1e-10, step_num=100)
    assert_allclose(x, [-2.99999994, 3.99999992], rtol=1e-8)


@both_sides
@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_descent_changes_its_start(side, shape, dtype, rng):
    start = np.asarray(rng.standard_normal(shape), dtype)
    kept = start.copy()
    x, path = side.gradient_descent(bowl, start, lr=0.25, step_num=3)
    assert x is start and x.dtype == path.dtype == dtype and path.shape == (3, *shape)
    assert_array_equal(path[0], kept)
    assert_allclose(x, kept / 8, rtol=0, atol=1e-10 if dtype == "float64" else 1e-4)
    assert not np.shares_memory(x, path)


def test_the_two_descents_are_the_same():
    found = [side.gradient_descent(np.linalg.norm, np.array([0.3, -2.0]), 0.2) for side in SIDES]
    for ours, theirs in zip(*found, strict=True):
        assert_array_equal(ours, theirs)


def test_a_strided_start():
    table = np.array([[1.0, 7.0], [2.0, 7.0]])
    x, path = gradient_descent(bowl, table[:, 0], lr=0.5, step_num=2)
    assert x.base is table
    assert_allclose(table, [[0, 7], [0, 7]], rtol=0, atol=1e-10)
    assert_array_equal(path[0], [1, 2])


def test_a_descent_that_fails_stays_at_its_last_step():
    x, calls = np.array([1.0]), itertools.count()

    def f(x):
        if next(calls) == 3:  # the second of the second step
            raise ZeroDivisionError
        return bowl(x)

    with pytest.raises(ZeroDivisionError):
        gradient_descent(f, x, lr=0.25)
    assert_allclose(x, [0.5], rtol=1e-11)


DESCENT_REFUSALS = {
    "TypeError: gradient_descent: f must be a function, got None. Give one that takes x.": (
        None,
        np.ones(2),
    ),
    "TypeError: gradient_descent: init_x must be an array of float16, float32 or float64, got "
    "dtype int64. Give init_x.astype(float).": (bowl, np.ones(2, np.int64)),
    "TypeError: gradient_descent: init_x must be an array, as it is changed in place, got "
    "[1.0]. Give numpy.array(init_x, float).": (bowl, [1.0]),
    "ValueError: gradient_descent: init_x must be writeable, as it is changed in place, got a "
    "read-only array. Give init_x.copy().": (bowl, READ_ONLY),
    "ValueError: gradient_descent: lr must be finite, got nan. Give a number such as 0.1.": (
        bowl,
        np.ones(2),
        math.nan,
    ),
    "TypeError: gradient_descent: lr must be a real number, got '1'. Give a float.": (
        bowl,
        np.ones(2),
        "1",
    ),
    "ValueError: gradient_descent: step_num must be at least 1, got 0. Give a positive int.": (
        bowl,
        np.ones(2),
        0.1,
        0,
    ),
    "TypeError: gradient_descent: f(x) must be a real number, got 'x'. Give a float.": (
        lambda x: "x",
        np.ones(2),
    ),
}


@pytest.mark.parametrize("text", DESCENT_REFUSALS)
def test_gradient_descent_refuses(text):
    _, start, *_ = arguments = DESCENT_REFUSALS[text]
    assert refusal(lambda: gradient_descent(*arguments)) == text
    assert_array_equal(start, np.ones(len(start)))


# --------------------------------------------------------------------------- gradient_check


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", None])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sequential_is_right(dtype, activation, loss, rng):
    model = Sequential([Dense(6, activation), Dense(3)], loss=loss, dtype=dtype, seed=0)
    x = rng.standard_normal((7, 4))
    t = rng.integers(3, size=7) if loss == "softmax_cross_entropy" else rng.random((7, 3))
    errors = gradient_check(model, x, t)  # builds it
    assert list(errors) == ["layers[0].W", "layers[0].b", "layers[1].W", "layers[1].b"]
    assert 0 < max(errors.values()) < (1e-8 if dtype == "float64" else 2e-6)
    assert all(type(error) is float for error in errors.values())


def test_a_two_layer_net_is_right(rng):
    np.random.seed(3)
    net = TwoLayerNet(4, 5, 3, weight_init_std=1.0)
    kept = {key: bits(array) for key, array in net.params.items()}
    x, t = rng.standard_normal((6, 4)), rng.integers(0, 3, 6)
    errors = gradient_check(net, x, t)
    assert list(errors) == ["W1", "b1", "W2", "b2"]
    # Its loss has 1e-7 in the logarithm, of which its gradient knows nothing.
    assert 0 < max(errors.values()) < 1e-7 / softmax(net.predict(x))[np.arange(6), t].min()
    assert {key: bits(array) for key, array in net.params.items()} == kept


@both_sides
def test_both_sides_find_a_wrong_sign(side, rng):
    package = fastnet if side is SIDES[0] else reference

    class Wrong(package.models.Sequential):
        def gradient(self, x, t):
            first, *others = super().gradient(x, t)
            return [-first, *others]

    layers = [package.layers.Dense(5, "tanh"), package.layers.Dense(3)]
    model = Wrong(layers, dtype="float64", seed=0)
    errors = side.gradient_check(model, rng.standard_normal((7, 4)), rng.integers(3, size=7))
    assert list(errors) == ["layers[0].W", "layers[0].b", "layers[1].W", "layers[1].b"]
    wrong, *right = errors.values()
    assert wrong == pytest.approx(2, rel=1e-6) and max(right) < 1e-7


class Book:
    """A model of the second book's kind: lists, forward and backward."""

    def __init__(self, dtype=np.float64):
        rng = np.random.default_rng(1)
        weights = [rng.standard_normal(s).astype(dtype) for s in ((4, 5), (5,), (5, 3), (3,))]
        self.stack = self.layers = [Affine(*weights[:2]), Sigmoid(), Affine(*weights[2:])]
        self.last = SoftmaxCrossEntropy()
        self.params = [array for layer in self.layers for array in layer.params]
        self.grads = [array for layer in self.layers for array in layer.grads]
        self.factor = 1

    def forward(self, x, t):
        for layer in self.stack:
            x = layer.forward(x)
        return self.last.forward(x, t)

    def backward(self):
        dout = self.factor * self.last.backward()
        for layer in reversed(self.stack):
            dout = layer.backward(dout)


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-8), (np.float32, 1e-2)])
def test_an_object_with_lists(dtype, bound, rng):
    model, x, t = Book(dtype), rng.standard_normal((7, 4)).astype(dtype), rng.integers(3, size=7)
    kept = list(map(bits, model.params))
    errors = gradient_check(model, x, t)
    assert list(errors) == ["layers[0].W", "layers[0].b", "layers[2].W", "layers[2].b"]
    assert 0 < max(errors.values()) < bound
    assert list(map(bits, model.params)) == kept
    del model.layers
    assert list(gradient_check(model, x, t)) == [f"params[{i}]" for i in range(4)]


def test_half_a_gradient_is_half_wrong(rng):
    model = Book()
    model.factor = 0.5
    errors = gradient_check(model, rng.standard_normal((7, 4)), rng.integers(3, size=7))
    assert_allclose(list(errors.values()), 0.5, rtol=1e-8)


class Line:
    """loss = sum of W * x + 0 * b, with whatever gradient it is given."""

    def __init__(self, grad):
        self.params = {"W": np.array([1.0, 2.0]), "b": np.zeros(2)}
        self.grad = grad

    def loss(self, x, t):
        return np.sum(self.params["W"] * x)

    def gradient(self, x, t):
        return self.grad


def test_zeros_and_nan_and_infinity():
    x, zero = np.array([3.0, 4.0]), np.zeros(2)
    assert gradient_check(Line({"W": x, "b": zero}), x, None)["b"] == 0
    assert gradient_check(Line({"W": zero, "b": x}), x, None) == {
        "W": pytest.approx(1),
        "b": 1,
    }
    for bad in (math.nan, math.inf):
        errors = gradient_check(Line({"W": np.array([3.0, bad]), "b": zero}), x, None)
        assert math.isnan(errors["W"]) and errors["b"] == 0


def test_grads_that_a_loss_overwrites():
    class Eager(Line):
        def loss(self, x, t):
            self.grad["W"][:] = 0
            return super().loss(x, t)

        def gradient(self, x, t):
            self.grad["W"][:] = x
            return self.grad

    x = np.array([3.0, 4.0])
    assert max(gradient_check(Eager({"W": np.zeros(2), "b": np.zeros(2)}), x, None).values()) < 1e-8


class Random(Line):
    def loss(self, x, t):
        return next(x)


class Nothing:
    pass


class Lossy(Nothing):
    def forward(self, x, t):
        return 1.0


CHECK_REFUSALS = {
    "TypeError: gradient_check: model must have loss(x, t) or forward(x, t), and gradient(x, t) or "
    "backward(), got Nothing without loss and forward. Give a Sequential, a TwoLayerNet, or an "
    "object with these, params and grads.": (Nothing(), None),
    "TypeError: gradient_check: model must have loss(x, t) or forward(x, t), and gradient(x, t) or "
    "backward(), got Lossy without gradient and backward. Give a Sequential, a TwoLayerNet, or an "
    "object with these, params and grads.": (Lossy(), None),
    "ValueError: gradient_check: loss must be the same in every call, got 1.5 and then 2.5. Leave "
    "out what is random, such as Dropout.": (Random({}), iter([1.5, 2.5])),
    "KeyError: gradient_check: grads must have every key of params, got none for 'b'. Compute its "
    "gradient, or leave it out of params.": (Line({"W": np.ones(2)}), np.ones(2)),
    "ValueError: gradient_check: grads['W'] must have shape (2,) to match params['W'], got (3,). "
    "Give the gradient of that array.": (Line({"W": np.ones(3), "b": np.ones(2)}), np.ones(2)),
}


@pytest.mark.parametrize("text", CHECK_REFUSALS)
def test_gradient_check_refuses(text):
    model, x = CHECK_REFUSALS[text]
    with pytest.raises((KeyError, TypeError, ValueError)) as caught:
        gradient_check(model, x, None)
    assert f"{caught.type.__name__}: {caught.value.args[0]}" == text


# --------------------------------------------------------------------------- Sequential


STACKS = {
    "one layer": (5, lambda: [Dense(3)]),
    "sigmoid": (5, lambda: [Dense(9, "sigmoid"), Dense(3)]),
    "relu": (70, lambda: [Dense(75, "relu"), Dense(33, "tanh"), Dense(10)]),
    "no bias": (5, lambda: [MatMul(np.ones((5, 4)) / 5), Tanh(), Dense(7, "sigmoid"), Dense(3)]),
    "activations": (4, lambda: [Tanh(), Sigmoid(), Dense(6), Relu(), Tanh(), Dense(2), Tanh()]),
    "one output": (3, lambda: [Dense(4, "tanh"), Dense(1, "tanh")]),
}


def network(stack, dtype="float64", loss="softmax_cross_entropy"):
    n_in, layers = STACKS[stack]
    model = Sequential(layers(), loss=loss, dtype=dtype, seed=0)
    model.build(n_in)
    rng = np.random.default_rng(2)
    model.parameter_vector[...] += 0.1 * rng.standard_normal(model.parameter_count)
    x, outputs = rng.standard_normal((6, n_in)).astype(dtype), model.predict(np.ones((1, n_in)))
    t = rng.integers(outputs.size, size=6)
    return model, x, t if loss == "softmax_cross_entropy" else rng.random((6, outputs.size))


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stack", STACKS)
def test_the_numerical_gradient_of_a_network(stack, dtype, loss):
    model, x, t = network(stack, dtype, loss)
    kept = bits(model.parameter_vector)
    found, exact = model.numerical_gradient(x, t), model.gradient(x, t)
    assert bits(model.parameter_vector) == kept
    assert [g.shape for g in found] == [p.shape for p in model.params]
    for numerical, analytic in zip(found, exact, strict=True):
        assert numerical.dtype == dtype and numerical.flags.owndata
        tolerance = (1e-7 if dtype == "float64" else 2e-5) * np.abs(analytic).max()
        assert_allclose(numerical, analytic, rtol=0, atol=max(tolerance, 1e-10))


def test_float32_is_computed_in_float64():
    model, x, t = network("sigmoid", "float32")
    double = network("sigmoid")[0]
    double.parameter_vector[...] = model.parameter_vector
    found = model.numerical_gradient(x, t)
    for ours, theirs in zip(found, double.numerical_gradient(x, t), strict=True):
        assert_array_equal(ours, theirs.astype(np.float32))


def test_pixels_lists_images_and_one_hot_rows(rng):
    model, _, t = network("one output", "float32", "mean_squared_error")
    pixels = rng.integers(256, size=(6, 3), dtype=np.uint8)
    expected = model.numerical_gradient(np.multiply(pixels, np.float32(1 / 255)), t)
    model.layers.insert(0, Rescaling(1 / 255))
    for x in (pixels, pixels[:, ::-1].copy()[:, ::-1], pixels.reshape(6, 3, 1)):
        for ours, theirs in zip(model.numerical_gradient(x, t[:, 0]), expected, strict=True):
            assert_array_equal(ours, theirs)
    model, x, t = network("sigmoid")
    expected = model.numerical_gradient(x, t)
    for given in (np.asfortranarray(x), x.tolist()):
        for ours, theirs in zip(
            model.numerical_gradient(given, np.eye(3)[t]), expected, strict=True
        ):
            assert_array_equal(ours, theirs)


@pytest.mark.parametrize("stack", STACKS)
def test_the_same_bits_in_parts_and_in_threads(stack, monkeypatch):
    model, x, t = network(stack)
    before, teams, wake = fastnet.get_num_threads(), [], threads._wake
    fastnet.set_num_threads(1)
    try:
        expected = model.numerical_gradient(x, t)
        monkeypatch.setattr(models.progress, "FLOPS_A_CALL", 1e5)
        found = [model.numerical_gradient(x, t)]
        monkeypatch.setattr(threads, "FLOPS_A_THREAD", 1.0)
        monkeypatch.setattr(threads, "FLOPS_A_CALL", 0.0)
        fastnet.set_num_threads(3)

        def wake_some(kernel, arguments, team):
            teams.append(team)
            if len(teams) % 2:  # else the caller does all tasks of the team
                wake(kernel, arguments, team)

        monkeypatch.setattr(threads, "_wake", wake_some)
        found.append(model.numerical_gradient(x, t))
        monkeypatch.setattr(models.progress, "FLOPS_A_CALL", 2e9)
        found.append(model.numerical_gradient(x, t))
    finally:
        fastnet.set_num_threads(before)
    assert teams
    for one in found:
        for ours, theirs in zip(one, expected, strict=True):
            assert_array_equal(ours, theirs)


def test_helpers_do_help(monkeypatch):
    """Until they have done a task: a machine may be too busy to let them."""
    model, x, t = network("relu")
    before, teams, wake = fastnet.get_num_threads(), [], threads._wake
    monkeypatch.setattr(
        threads, "_wake", lambda *arguments: teams.append(arguments[-1]) or wake(*arguments)
    )
    fastnet.set_num_threads(2)
    try:
        for _ in range(200):
            model.numerical_gradient(np.tile(x, (20, 1)), np.tile(t, 20))
            if any(team[HELPED] for team in teams):
                break
    finally:
        fastnet.set_num_threads(before)
    assert any(team[HELPED] for team in teams)


def test_it_builds_a_model_and_refuses_what_does_not_fit():
    model = Sequential([Dense(3)], seed=0)
    x = np.ones((2, 4), np.float32)
    assert [g.shape for g in model.numerical_gradient(x, [0, 1])] == [(4, 3), (3,)]
    where = "Sequential.numerical_gradient"
    assert refusal(lambda: model.numerical_gradient(x, [0, 3])) == (
        f"IndexError: {where}: t must be in 0..2 for predict(x).shape=(2, 3), got t[1]=3. Give "
        "the last layer 4 units, one for each class."
    )
    assert refusal(lambda: model.numerical_gradient(x[:, :3], [0, 1])) == (
        f"ValueError: {where}: x must have 4 features, got 3. Give x the width that the first "
        "layer takes."
    )
    assert refusal(lambda: Sequential().numerical_gradient(x, [0, 1])) == (
        f"RuntimeError: {where}: add a layer first."
    )


def test_a_network_without_parameters():
    model = Sequential([Tanh()])
    assert model.numerical_gradient(np.ones((2, 3)), [0, 1]) == []
