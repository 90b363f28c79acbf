"""Layers: numbers against the reference and central differences, and by hand.

contract/ has dtypes and layouts, losses/ the losses, checks/ the errors.
"""

import numpy as np
import pytest
from differences import assert_gradient
from every_layer import OF_OUTPUT, PRODUCTS, every_layer, make
from in_turn import every_dtype, with_each
from layer_examples import LAYERS as EXAMPLES
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import checks, layers
from fastnet.layers import Affine, Outputs, Relu, Sigmoid
from fastnet.reference import layers as reference

# One row, one column, whole vectors of 4 to 16 lanes, and their tails.
SIZES = [(1, 1, 1), (1, 4, 3), (3, 1, 5), (5, 7, 1), (2, 16, 8), (6, 17, 33), (65, 5, 19)]


@every_dtype
@with_each("size", SIZES)
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_equal_the_reference(name, size, dtype, rng):
    n, d, m = size
    x, W, b = (rng.standard_normal(shape).astype(dtype) for shape in [(n, d), (d, m), (m,)])
    dout = rng.standard_normal((n, m)).astype(dtype)
    layer = make(name, W, b)
    results = [layer.forward(x), layer.backward(dout), *layer.grads]
    wide = [array.astype(np.longdouble) for array in (W, b, x, dout)]
    exact = make(name, wide[0], wide[1], reference)
    expected = [exact.forward(wide[2]), exact.backward(wide[3]), *exact.grads]
    # The rounding of a sum of k terms is at most k eps times the sum of their sizes. An activation
    # hands out's error on, times at most 2, to dout: hence the factor with the largest output.
    sizes = Affine(np.abs(W), np.abs(b))
    largest = [sizes.forward(np.abs(x)), sizes.backward(np.abs(dout)), *sizes.grads]
    terms = (d + 4) * (1 + 2 * largest[0].max()) + m + n + 8
    for result, wanted, bound in zip(results, expected, largest, strict=False):
        assert result.dtype == dtype and result.shape == wanted.shape
        assert (np.abs(result - wanted) <= terms * np.finfo(dtype).eps * bound).all()


@every_dtype
@with_each("shape", [(), (1,), (1, 33), (7, 1), (5, 7), (2, 3, 2, 5)])
@pytest.mark.parametrize("name", OF_OUTPUT)
def test_activations_equal_the_reference(name, shape, dtype, rng):
    x, dout = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    layer, exact = make(name, None, None), make(name, None, None, reference)
    out = layer.forward(x)
    assert_allclose(out, exact.forward(x), rtol=4 * np.finfo(dtype).eps)
    bits = name == "Relu" and len(shape) > 2  # are kept of images
    assert vars(layer).get("out") is (None if bits else out)
    exact.out = out  # the gradient is a function of the output: compare it there
    dx = layer.backward(dout)
    # 1 - out cancels: its rounding counts relative to 1.
    assert_allclose(dx, exact.backward(dout), rtol=0, atol=8 * np.finfo(dtype).eps)
    assert out.dtype == dx.dtype == dtype
    assert out.shape == dx.shape == shape


@every_dtype
@with_each("shape", [(1,), (33,), (1, 1), (1, 5), (7, 1), (6, 17)])
def test_softmax_equals_the_reference(shape, dtype, rng):
    x, dout = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    layer, exact = layers.Softmax(), reference.Softmax()
    out, dx = layer.forward(x), layer.backward(dout)
    eps = np.finfo(dtype).eps
    assert_allclose(out, exact.forward(x), rtol=(shape[-1] + 8) * eps)
    assert_allclose(dx, exact.backward(dout), rtol=0, atol=2 * (shape[-1] + 8) * eps)
    assert layer.out is out
    assert out.dtype == dx.dtype == dtype


@every_layer
@with_each("shape", [(5, 4), (4,), (1, 4)])
def test_gradients_equal_central_differences(name, shape, rng):
    layer = make(name, rng.standard_normal((4, 3)), np.array([0.3, -0.2, 2.0]))
    x = rng.standard_normal(shape)
    x += 0.01 * np.sign(x)  # relu's kink out of reach of the difference
    x[..., 0] = 1
    dout = rng.standard_normal(layer.forward(x).shape)

    def objective():
        return np.sum(layer.forward(x) * dout)

    dx = layer.backward(dout)
    assert dx.shape == x.shape
    grads = [grad.copy() for grad in layer.grads]
    assert_gradient(dx, objective, x)
    for param, grad in zip(layer.params, grads, strict=True):
        assert_gradient(grad, objective, param)


@every_layer
def test_a_batch_is_its_rows(name, rng):
    layer = make(name, rng.standard_normal((4, 3)), rng.standard_normal(3))
    x = rng.standard_normal((5, 4))
    out = layer.forward(x)
    dout = rng.standard_normal(out.shape)
    dx = layer.backward(dout)
    grads = [grad.copy() for grad in layer.grads]
    sums = [np.zeros_like(grad) for grad in grads]
    for n in range(5):
        assert_allclose(layer.forward(x[n]), out[n], rtol=1e-13, atol=1e-14)
        assert_allclose(layer.backward(dout[n]), dx[n], rtol=1e-13, atol=1e-14)
        for total, grad in zip(sums, layer.grads, strict=True):
            total += grad
    for total, grad in zip(sums, grads, strict=True):
        assert_allclose(total, grad, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", PRODUCTS)
def test_images_are_flattened_and_dx_has_their_shape(name, rng):
    images, dout = rng.standard_normal((5, 3, 2, 2)), rng.standard_normal((5, 3))
    one, two = (make(name, np.ones((12, 3)) * 0.1, np.ones(3)) for _ in range(2))
    assert_array_equal(one.forward(images), two.forward(images.reshape(5, 12)))
    assert_array_equal(one.backward(dout), two.backward(dout).reshape(images.shape))
    assert_array_equal(one.dW, two.dW)


@with_each("rows", [3, None])
@with_each("layout", ["as it is", "strided", "read-only", "byte-swapped"])
@pytest.mark.parametrize("kind", "?bBhHiIlLqQefd")
@every_dtype
def test_affine_of_two_dtypes_has_the_bits_of_one(dtype, kind, layout, rows, rng):
    """NumPy's result dtype, and the numbers and the memory of that dtype throughout."""
    W, b = (rng.standard_normal(shape).astype(dtype) for shape in ((4, 5), 5))
    x = rng.integers(0, 3, 4 if rows is None else (rows, 4)).astype(kind)
    wanted = np.result_type(x, W)
    expected = Affine(W.astype(wanted), b.astype(wanted))
    y = expected.forward(x.astype(wanted))
    if layout == "strided":
        x = np.repeat(x, 2, axis=-1)[..., ::2]
    elif layout == "read-only":
        x.flags.writeable = False
    elif layout == "byte-swapped":
        x = x.astype(x.dtype.newbyteorder())
    layer = Affine(W, b)
    out = layer.forward(x)
    assert (out.dtype, layer.x.dtype) == (wanted, wanted)
    assert np.shares_memory(layer.x, x) is (x.dtype is np.dtype(wanted) and x.flags.carray)
    assert_array_equal(out, y)
    dout = rng.standard_normal(out.shape).astype(wanted)
    assert_array_equal(layer.backward(dout), expected.backward(dout))
    assert_array_equal(layer.dW, expected.dW.astype(dtype))
    assert_array_equal(layer.db, expected.db.astype(dtype))
    transposed = Affine(np.asfortranarray(W), b)
    assert_array_equal(transposed.forward(x), y)
    assert_array_equal(transposed.backward(dout), expected.backward(dout))
    assert_array_equal(transposed.dW, layer.dW)


@pytest.mark.usefixtures("dispatcher_confused")
@with_each("which", ["W", "b", "dW", "db"])
@every_dtype
def test_affine_with_an_array_in_the_other_byte_order(dtype, which, rng):
    """Numba may take it for one in its own: it is told apart before."""
    W, b, x, dout = (
        rng.standard_normal(shape).astype(dtype) for shape in ((4, 5), 5, (3, 4), (3, 5))
    )
    layer, expected = Affine(W, b), Affine(W.copy(), b.copy())
    held = layer.params if which in ("W", "b") else layer.grads
    i = which in ("b", "db")
    held[i] = held[i].astype(held[i].dtype.newbyteorder())
    assert_array_equal(layer.forward(x), expected.forward(x))
    assert_array_equal(layer.backward(dout), expected.backward(dout))
    for found, wanted in zip(layer.grads, expected.grads, strict=True):
        assert_array_equal(found, wanted)


def test_affine_of_weights_that_became_float64(rng):
    x, dout = (rng.standard_normal(shape).astype(np.float32) for shape in ((3, 4), (3, 5)))
    layer = Affine(np.ones((4, 5), np.float32), np.ones(5, np.float32))
    layer.forward(x)
    layer.W, layer.b = rng.standard_normal((4, 5)), np.ones(5)
    dx = layer.backward(dout)
    expected = Affine(layer.W, layer.b)
    expected.forward(x.astype(float))
    assert_array_equal(dx, expected.backward(dout.astype(float)))
    assert_array_equal(layer.dW, expected.dW)


def test_affine_by_hand():
    layer = Affine(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 20.0]))
    assert_array_equal(layer.forward(np.array([[1.0, 2.0], [0.0, 1.0]])), [[17, 30], [13, 24]])
    assert_array_equal(layer.backward(np.array([[1.0, 0.0], [0.0, 2.0]])), [[1, 3], [4, 8]])
    assert_array_equal(layer.dW, [[1, 0], [2, 2]])
    assert_array_equal(layer.db, [1, 2])


def test_relu_stops_what_it_did_not_let_through():
    layer = Relu()
    x = np.array([[np.nan, -1.0, -0.0], [np.inf, -np.inf, 2.0]])
    assert_array_equal(layer.forward(x), [[np.nan, 0, 0], [np.inf, 0, 2]])
    assert_array_equal(layer.mask, [[False, True, True], [False, True, False]])
    assert_array_equal(layer.backward(np.full((2, 3), 7.0)), [[7, 0, 0], [7, 0, 7]])


def test_activations_take_a_number():
    layer = Sigmoid()
    assert type(layer.forward(0.0)) is np.float64
    assert layer.backward(1.0) == 0.25
    layer.out = np.array(0.5)
    assert type(layer.backward(np.array(2.0))) is np.float64


@every_dtype
@every_layer
def test_what_is_as_kernels_take_it_is_not_made_so_again(name, dtype, monkeypatch):
    """Else the numbers would be right all the same, and a small layer half as fast."""
    x, W, b = np.ones((3, 4), dtype), np.ones((4, 4), dtype), np.ones(4, dtype)
    layer = make(name, W, b)
    if name not in ("Gelu", "Softmax"):  # which look at whatever they are given

        def looked_at(where, *_):
            raise AssertionError(where)

        for check in ("array", "contiguous"):
            monkeypatch.setattr(checks, check, looked_at)
    layer.backward(layer.forward(x))


@with_each("name", [name for name, e in EXAMPLES.items() if hasattr(e.make("float64"), "outputs")])
def test_outputs_lie_in_the_range_that_is_said(name):
    """Of inputs of any range, and of such that a layer before has said."""
    example = EXAMPLES[name]
    for inputs in (None, Outputs(0.0, 1.0), Outputs(-2.0, 0.5)):
        given = example.inputs("float64")
        if inputs is not None:
            low, high = inputs.low, inputs.high
            given = [
                np.interp(x, (x.min(), x.max()), (low, high)) if x.dtype.kind == "f" else x
                for x in given
            ]
        layer = example.make("float64")
        out, said = layer.forward(*given), layer.outputs(inputs)
        low, high, adds_up = (-np.inf, np.inf, False) if said is None else said
        assert low - 1e-12 <= np.min(out) and np.max(out) <= high + 1e-12
        if adds_up:
            assert_allclose(np.sum(out, axis=-1), 1, rtol=1e-12)
