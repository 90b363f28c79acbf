"""Layers: what they keep of parameters, gradients and calls, and how Dense begins."""

import copy
import pickle
import sys
import threading

import numpy as np
import pytest
from every_layer import ACTIVATIONS, LAYERS, PRODUCTS, every_layer, make
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import layers, losses
from fastnet.layers import Affine, Dense, MatMul, Relu
from fastnet.optimizer import SGD
from fastnet.reference import layers as reference


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


@pytest.mark.parametrize("bad", [object, complex, str])
def test_what_is_refused_leaves_the_last_forward(bad, rng):
    layer = make("Affine", rng.standard_normal((4, 3)), rng.standard_normal(3))
    x, dout = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    layer.forward(x)
    dx = layer.backward(dout)
    with pytest.raises(TypeError, match="x must"):
        layer.forward(x.astype(bad))
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


@with_each(
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


@every_dtype_name
@with_each("std", [None, 0.01, 0])
@with_each("activation", ACTIVATIONS)
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


@pytest.mark.parametrize("shape", [(400, 300), (400, 3, 10, 10)])
def test_two_threads_on_one_layer_get_right_numbers_or_an_error(shape, rng):
    """Each should have its own; x is copied here, and the last one let go before."""
    layer = Affine(rng.standard_normal((300, 20)), np.zeros(20))
    xs = [rng.standard_normal(shape[::-1]).T for _ in range(2)]
    expected = [layer.forward(x) for x in xs]
    dxs = [layer.backward(out) for out in expected]
    told, wrong, interval = set(), [], sys.getswitchinterval()

    def step(i):
        for _ in range(60):
            try:
                wrong.append(not np.array_equal(layer.forward(xs[i]), expected[i]))
                wrong.append(not np.array_equal(layer.backward(expected[i]), dxs[i]))
            except Exception as error:
                told.add(str(error))

    threads = [threading.Thread(target=step, args=(i,)) for i in range(2)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not any(wrong) and len(wrong) >= 120
    assert told <= {"Affine.backward: call forward first."}
