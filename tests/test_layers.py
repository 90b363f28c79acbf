"""Layers: numbers against the reference and central differences, and what they keep.

contract/ has dtypes and layouts, test_layer_losses.py the losses, checks/ the errors.
"""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import layers, losses
from fastnet.layers import Affine, Dense, MatMul, Relu, Sigmoid
from fastnet.optimizer import SGD
from fastnet.reference import layers as reference

ACTIVATIONS = [None, "identity", "sigmoid", "relu", "tanh"]
PRODUCTS = ["MatMul", "Affine", *(f"Dense {activation}" for activation in ACTIVATIONS)]
OF_OUTPUT = [name for name in layers.activations.__all__ if name != "Step"]  # without a gradient
LAYERS = [*PRODUCTS, *OF_OUTPUT, *layers.gates.__all__, "Softmax"]
# One row, one column, whole vectors of 4 to 16 lanes, and their tails.
SIZES = [(1, 1, 1), (1, 4, 3), (3, 1, 5), (5, 7, 1), (2, 16, 8), (6, 17, 33), (65, 5, 19)]

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_layer = pytest.mark.parametrize("name", LAYERS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def make(name, W, b, module=layers):
    """The layer of that name, of fastnet or of the reference; W and b where it takes them."""
    if name == "MatMul":
        return module.MatMul(W)
    if name == "Affine":
        return module.Affine(W, b)
    if name.startswith("Dense"):
        activation = name.removeprefix("Dense ")
        layer = module.Dense(W.shape[1], activation=None if activation == "None" else activation)
        layer.build(W.shape[0], np.random.default_rng(0), np.float64)
        layer.params[:] = [W, b]
        layer.grads[:] = [np.zeros_like(W), np.zeros_like(b)]
        return layer
    return getattr(module, name)()


def central_difference(f, x, h=1e-5):
    """Gradient of f(), which reads x; error about h**2 + 1e-16 / h, or 1e-10."""
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        kept = x[i]
        x[i] = kept + h
        above = f()
        x[i] = kept - h
        grad[i] = (above - f()) / (2 * h)
        x[i] = kept
    return grad


def assert_gradient(actual, f, x):
    expected = central_difference(f, x)
    assert np.abs(expected).max() > 1e-3  # a gradient of zeros would prove nothing
    assert_allclose(actual, expected, rtol=1e-7, atol=1e-9)


# --------------------------------------------------------------------------- numbers


@every_dtype
@pytest.mark.parametrize("size", SIZES, ids=str)
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
@pytest.mark.parametrize("shape", [(), (1,), (1, 33), (7, 1), (5, 7), (2, 3, 2, 5)], ids=str)
@pytest.mark.parametrize("name", OF_OUTPUT)
def test_activations_equal_the_reference(name, shape, dtype, rng):
    x, dout = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    layer, exact = make(name, None, None), make(name, None, None, reference)
    out = layer.forward(x)
    assert_allclose(out, exact.forward(x), rtol=4 * np.finfo(dtype).eps)
    assert layer.out is out
    exact.out = out  # the gradient is a function of the output: compare it there
    dx = layer.backward(dout)
    # 1 - out cancels: its rounding counts relative to 1.
    assert_allclose(dx, exact.backward(dout), rtol=0, atol=8 * np.finfo(dtype).eps)
    assert out.dtype == dx.dtype == dtype
    assert out.shape == dx.shape == shape


@every_dtype
@pytest.mark.parametrize("shape", [(1,), (33,), (1, 1), (1, 5), (7, 1), (6, 17)], ids=str)
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
@pytest.mark.parametrize("shape", [(5, 4), (4,), (1, 4)], ids=str)
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


@pytest.mark.parametrize("rows", [3, None])
@pytest.mark.parametrize("layout", ["as it is", "strided", "read-only", "byte-swapped"])
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
@pytest.mark.parametrize("which", ["W", "b", "dW", "db"])
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


# --------------------------------------------------------------------------- state


@pytest.mark.parametrize("name", PRODUCTS)
def test_params_and_grads_keep_their_identity_and_are_overwritten(name, rng):
    layer = make(name, rng.standard_normal((4, 3)), rng.standard_normal(3))
    before = [*layer.params, *layer.grads]
    x, dout = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    layer.forward(x)
    dx = layer.backward(dout)
    grads = [grad.copy() for grad in layer.grads]
    for again in (False, True):  # backward alone, then both
        if again:
            layer.forward(x)
        assert_array_equal(layer.backward(dout), dx)
        for grad, kept in zip(layer.grads, grads, strict=True):
            assert_array_equal(grad, kept)
    after = [*layer.params, *layer.grads]
    assert all(one is two for one, two in zip(before, after, strict=True))
    assert layer.W is layer.params[0] and layer.dW is layer.grads[0]
    if name != "MatMul":
        assert layer.b is layer.params[1] and layer.db is layer.grads[1]


@every_layer
def test_backward_is_linear_in_dout(name, rng):
    layer = make(name, rng.standard_normal((4, 3)), rng.standard_normal(3))
    dout = rng.standard_normal(layer.forward(rng.standard_normal((5, 4))).shape)
    dx, grads = layer.backward(dout), [grad.copy() for grad in layer.grads]
    assert_array_equal(layer.backward(4 * dout), 4 * dx)
    for grad, once in zip(layer.grads, grads, strict=True):
        assert_array_equal(grad, 4 * once)


def test_the_last_forward_counts(rng):
    layer = make("Dense tanh", rng.standard_normal((4, 3)), rng.standard_normal(3))
    x, dout = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    layer.forward(x)
    dx = layer.backward(dout)
    layer.forward(rng.standard_normal((9, 4)))
    layer.forward(x)
    assert_array_equal(layer.backward(dout), dx)


def test_assigned_parameters_are_used_by_reference():
    layer = Affine(np.ones((4, 3)), np.zeros(3))
    gradients = layer.dW, layer.db
    W, b = np.full((4, 3), 2.0), np.ones(3)
    layer.W, layer.b = W, b
    assert layer.W is W and layer.params[0] is W and layer.b is b and layer.params[1] is b
    assert layer.dW is gradients[0] and layer.db is gradients[1]  # they still fit
    W[...], b[...] = 3, 5
    assert_array_equal(layer.forward(np.ones((1, 4))), np.full((1, 3), 17.0))
    layer.W = W.astype(np.float32)  # of the same shape
    assert layer.dW.dtype == np.float32
    layer.W, layer.b = np.ones((2, 6), np.float32), np.zeros(6, np.float32)  # textbook: one by one
    assert layer.dW.shape == (2, 6) and layer.dW.dtype == np.float32
    assert layer.db.shape == (6,) and layer.db.dtype == np.float32
    assert layer.forward(np.ones((1, 2), np.float32)).dtype == np.float32
    layer.params[0] = np.full((2, 6), 9.0, np.float32)  # as a model that owns the arrays does
    assert_array_equal(layer.forward([[1, 1]]), np.full((1, 6), 18.0))


def test_parameters_that_are_no_float_arrays_become_such():
    layer = Affine([[1, 2], [3, 4]], np.array([1, 1], np.float16))
    assert layer.W.dtype == np.float64 and layer.b.dtype == np.float32
    assert_array_equal(layer.forward([[1, 1]]), [[5, 7]])


def test_a_tied_weight_stays_a_view(rng):
    embedding = rng.standard_normal((5, 4)).astype(np.float32)
    tied = embedding.T
    layer = MatMul(tied)
    assert layer.W is tied
    x, dout = (rng.standard_normal(shape).astype(np.float32) for shape in [(3, 4), (3, 5)])
    plain = MatMul(np.ascontiguousarray(tied))
    for _ in range(2):
        for each in (layer, plain):
            each.forward(x)
            each.backward(dout)
            SGD(lr=0.5).update(each.params, each.grads)
        assert_array_equal(layer.W, plain.W)
    assert_array_equal(embedding.T, plain.W)  # the optimizer wrote through the view
    assert layer.W.base is embedding


def test_a_caller_may_change_the_weights_between_forward_and_forward(rng):
    """The textbook's numerical gradient changes W in place: nothing of it may be cached."""
    W = rng.standard_normal((4, 3))
    for kept in (W, np.asfortranarray(W)):
        layer = Affine(kept, np.zeros(3))
        x = np.eye(4)
        layer.forward(x)
        kept[2, 1] = 100
        assert layer.forward(x)[2, 1] == 100


def test_layers_can_be_copied_and_pickled(rng):
    x, dout = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    layer = make("Dense relu", rng.standard_normal((4, 3)), rng.standard_normal(3))
    layer.forward(x)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert_array_equal(other.backward(dout), layer.backward(dout))
        assert not np.shares_memory(other.W, layer.W)


@pytest.mark.parametrize(
    "name",
    [
        *LAYERS,
        "SoftmaxWithLoss",
        "SoftmaxCrossEntropy",
        "MeanSquaredError",
        "CategoricalHinge",
        "SigmoidWithLoss",
    ],
)
def test_another_thread_may_call_the_layer(name, rng):
    """Its forward and backward run here whenever the layer is written to, the worst of moments."""
    layer = getattr(losses, name)() if hasattr(losses, name) else make(name, np.eye(4), np.ones(4))
    is_loss = hasattr(losses, name) or name == "SoftmaxWithLoss"
    kind, busy = type(layer), []

    class Interrupted(kind):
        def __setattr__(self, attribute, value):
            super().__setattr__(attribute, value)
            if not busy:
                busy.append(True)
                call(self, *others)
                busy.clear()

    def call(layer, x, t, dout):
        return layer.forward(x, t) if is_loss else layer.forward(x), lambda: layer.backward(dout)

    def arguments(n, dtype):
        x = rng.standard_normal((n, 4)).astype(dtype)
        t = np.arange(n) % 4
        if name == "MeanSquaredError":
            t = x[::-1].copy()
        elif name == "SigmoidWithLoss":
            t = x > 0
        return x, t, 2.0 if is_loss else x

    ours, others = arguments(5, np.float64), arguments(2, np.float32)
    expected, backward = call(layer, *ours)
    dx = backward()
    layer.__class__ = Interrupted
    out, _ = call(layer, *ours)
    assert_array_equal(out, expected, strict=True)
    busy.append(True)
    call(layer, *ours)
    busy.clear()
    assert_array_equal(layer.backward(ours[2]), dx, strict=True)


def test_layers_and_optimizers_show_what_they_are():
    built = Dense(50, activation="relu")
    built.build(784, np.random.default_rng(0), "float32")
    assert repr([built, Dense(10)]) == "[Dense(50, activation='relu'), Dense(10)]"
    assert repr(Affine(np.ones((784, 50)), np.ones(50))) == "Affine(784, 50)"
    assert repr(MatMul(np.ones((3, 2)))) == "MatMul(3, 2)"
    assert repr([Relu(), layers.SoftmaxWithLoss()]) == "[Relu(), SoftmaxWithLoss()]"
    assert repr(losses.MeanSquaredError()) == "MeanSquaredError()"
    assert repr(losses.WeightedLosses([losses.Huber(2), losses.Hinge()])) == (
        "WeightedLosses([Huber(delta=2.0), Hinge()], weights=[1.0, 1.0])"
    )
    assert repr(losses.SoftmaxCrossEntropy()) == "SoftmaxCrossEntropy()"
    assert repr(SGD(np.float32(0.5))) == "SGD(lr=0.5)"


# --------------------------------------------------------------------------- Dense


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("std", [None, 0.01, 0])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dense_draws_the_bits_of_the_reference(activation, std, dtype):
    ours, twin = (
        module.Dense(6, activation=activation, weight_init_std=std)
        for module in (layers, reference)
    )
    for layer in (ours, twin):
        layer.build(9, np.random.default_rng(3), dtype)
    assert_array_equal(ours.W, twin.W)
    assert ours.W.dtype == ours.b.dtype == ours.dW.dtype == ours.db.dtype == dtype
    assert_array_equal(ours.b, np.zeros(6))
    assert ours.W.shape == ours.dW.shape == (9, 6)


def test_dense_initial_weights_have_the_right_scale():
    for activation, scale in [("relu", 2), ("tanh", 1), (None, 1)]:
        layer = Dense(400, activation=activation)
        layer.build(100, np.random.default_rng(0), "float64")
        assert_allclose(layer.W.std(), np.sqrt(scale / 100), rtol=0.02)


@pytest.mark.parametrize(("activation", "name"), [("sigmoid", "Sigmoid"), ("relu", "Relu")])
def test_dense_equals_affine_and_activation(activation, name, rng):
    W, b = rng.standard_normal((4, 3)), rng.standard_normal(3)
    dense, affine, after = make(f"Dense {activation}", W, b), Affine(W, b), getattr(layers, name)()
    x, dout = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    assert_array_equal(dense.forward(x), after.forward(affine.forward(x)))
    assert_array_equal(dense.backward(dout), affine.backward(after.backward(dout)))
    assert_array_equal(dense.dW, affine.dW)
    assert_array_equal(dense.db, affine.db)


def test_dense_remembers_its_declaration():
    layer = Dense(np.int64(3), activation="tanh", input_shape=[28, 28], weight_init_std=1)
    assert (layer.units, layer.activation, layer.input_shape) == (3, "tanh", (28, 28))
    assert Dense(3, input_shape=784).input_shape == (784,)
    params, grads = layer.params, layer.grads
    layer.build(4, np.random.default_rng(0), "float32")
    layer.build(5, np.random.default_rng(0), "float64")  # again: other sizes, the same two lists
    assert layer.params is params and layer.grads is grads and len(params) == len(grads) == 2
    assert layer.W.shape == (5, 3) and layer.W.dtype == np.float64
    layer.W, layer.b = np.ones((2, 7)), np.ones(7)
    assert layer.units == 7
