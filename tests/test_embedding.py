"""Embedding: rows by number, duplicates accumulate, bad numbers are refused."""

import numpy as np
import pytest
from differences import central_difference
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal
from refused import refused

from fastnet import kernels
from fastnet.layers import Dense, Embedding
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam
from fastnet.reference import kernels as reference
from fastnet.reference import layers as reference_layers


@every_dtype
@with_each("width", [1, 3, 4, 8, 16, 17, 40])
def test_kernels_equal_the_reference(width, dtype, rng):
    """To the bit: rows are added in the order of idx."""
    W, idx = rng.standard_normal((6, width)).astype(dtype), rng.integers(5, size=50)
    dout = rng.standard_normal((50, width)).astype(dtype)
    framed, expected = np.full((52, width), -7, dtype), np.empty((50, width), dtype)
    kernels.embedding_forward(W, idx, framed[1:-1])
    reference.embedding_forward(W, idx, expected)
    assert_array_equal(framed[1:-1], expected)
    table, wanted = np.full((8, width), np.nan, dtype), np.empty((6, width), dtype)
    table[[0, -1]] = -7
    kernels.embedding_backward(idx, dout, table[1:-1])
    reference.embedding_backward(idx, dout, wanted)
    assert_array_equal(table[1:-1], wanted)
    assert (wanted[5] == 0).all() and (table[[0, -1]] == -7).all() and (framed[[0, -1]] == -7).all()


@with_each("shape", [(), (7,), (2, 5), (0,)])
@with_each("kind", ["int64", "int32", "uint8"])
def test_the_layer_equals_the_reference(shape, kind, rng):
    W = rng.standard_normal((9, 4))
    idx = np.asarray(rng.integers(9, size=shape), kind)
    ours, theirs = Embedding(W), reference_layers.Embedding(W)
    out = ours.forward(idx)
    assert_array_equal(out, theirs.forward(idx), strict=True)
    dout = rng.standard_normal(out.shape)
    assert ours.backward(dout) is None
    theirs.backward(dout)
    assert_array_equal(ours.dW, theirs.dW)
    assert_array_equal(ours.idx, idx)


def test_gradient_equals_central_differences(rng):
    W, idx, dout = rng.standard_normal((4, 3)), [1, 3, 1, 1], rng.standard_normal((4, 3))
    layer = Embedding(W)
    layer.forward(idx)
    layer.backward(dout)
    expected = central_difference(lambda: np.sum(layer.forward(idx) * dout), W, 0.5)
    assert_allclose(layer.dW, expected, rtol=0, atol=1e-13)
    assert np.abs(expected[1]).max() > 0.1 and (expected[0] == 0).all()


def test_parameters_keep_their_identity(rng):
    W = rng.standard_normal((5, 4)).astype(np.float32)
    layer = Embedding(W)
    dW = layer.dW
    layer.forward([0, 0])
    layer.backward(np.ones((2, 4)))  # float64, into float32
    assert layer.W is W is layer.params[0] and layer.dW is dW is layer.grads[0]
    assert dW.dtype == np.float32
    assert_array_equal(dW[0], np.full(4, 2))
    layer.backward(np.ones((2, 4), np.float32))
    assert_array_equal(dW[0], np.full(4, 2))  # overwritten
    W[0] = 9
    assert_array_equal(layer.forward(0), np.full(4, 9))
    layer.W = tied = rng.standard_normal((4, 7)).T
    assert layer.W is tied and layer.dW.shape == (7, 4)
    assert_array_equal(layer.forward([6]), tied[[6]])
    assert repr(layer) == "Embedding(7, 4)"


def test_idx_is_a_copy():
    layer = Embedding(np.eye(3))
    idx = np.array([2, 0])
    layer.forward(idx)
    idx[0] = layer.idx[0] = 1000
    layer.backward(np.ones((2, 3)))
    assert_array_equal(layer.dW[:, 0], [1, 0, 1])


def called():
    layer = Embedding(np.ones((3, 2)))
    layer.forward([0, 2])
    return layer


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: Embedding(np.ones((5, 3))).forward([0, 4, 5]),
            IndexError,
            "Embedding.forward: idx must be in 0..4 for W (5, 3), got idx[2]=5. Count rows from 0.",
        ),
        (
            lambda: Embedding(np.ones((5, 3))).forward(np.array([[0, 4], [-1, 2]], np.int16)),
            IndexError,
            "Embedding.forward: idx must be in 0..4 for W (5, 3), got idx[1, 0]=-1. "
            "Count rows from 0.",
        ),
        (
            lambda: Embedding(np.ones((5, 3))).forward([0.0, 1.0]),
            TypeError,
            "Embedding.forward: idx must be integers, got list of dtype float64. "
            "Give numpy.asarray(idx, int).",
        ),
        (
            lambda: Embedding(np.ones(5)),
            ValueError,
            "Embedding: W must be (D, M) with at least one entry, got W.shape=(5,). "
            "Give an array (D, M).",
        ),
        (
            lambda: Embedding(np.ones((5, 3))).backward(1.0),
            RuntimeError,
            "Embedding.backward: call forward first.",
        ),
        (
            lambda: called().backward(np.ones((3, 2))),
            ValueError,
            "Embedding.backward: dout must have shape (2, 2), got dout.shape=(3, 2). "
            "Give one number for each output of forward.",
        ),
        (
            lambda: called().backward("text"),
            TypeError,
            "Embedding.backward: dout must be an array of integers, float16, float32 or float64, "
            "got str of dtype <U4. Give an array of numbers.",
        ),
    ],
)
def test_errors(call, error, text):
    refused(call, error, text)


def test_a_smaller_table_between_forward_and_backward():
    layer = called()
    layer.W = np.ones((2, 2))
    with pytest.raises(IndexError, match=r"^Embedding\.backward: idx must be in 0\.\.1 for W \(2"):
        layer.backward(np.ones((2, 2)))
    layer = called()
    layer.grads[0] = np.ones((1, 2))
    with pytest.raises(ValueError, match=r"^Embedding\.backward: grads\[0\] must have shape \(3, "):
        layer.backward(np.ones((2, 2)))


def test_torch_agrees(rng):
    torch = pytest.importorskip("torch")
    W, idx, dout = rng.standard_normal((9, 5)), rng.integers(9, size=30), np.ones((30, 5))
    tensor = torch.tensor(W, requires_grad=True)
    expected = torch.nn.functional.embedding(torch.tensor(idx), tensor)
    expected.backward(torch.tensor(dout))
    layer = Embedding(W)
    assert_array_equal(layer.forward(idx), expected.detach().numpy())
    layer.backward(dout)
    assert_array_equal(layer.dW, tensor.grad.numpy())


# --------------------------------------------------------------------------- by its sizes


def test_a_table_by_its_sizes_comes_with_the_model():
    layer = Embedding(7, 3)
    assert repr(layer) == "Embedding(7, 3)"
    for attribute in ("W", "dW"):
        with pytest.raises(RuntimeError, match=rf"^Embedding\.{attribute}: call build"):
            getattr(layer, attribute)
    with pytest.raises(RuntimeError, match=r"^Embedding\.forward: call build"):
        layer.forward([1])
    model = Sequential([layer, Dense(2)], dtype="float64", seed=0)
    assert model.predict([[1, 2], [6, 0]]).shape == (2, 2)
    wanted = np.random.default_rng(0).standard_normal((7, 3)) * 0.01
    assert_array_equal(layer.W, wanted)
    assert model.layers[1].W.shape == (6, 2)


def test_sizes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"^Embedding: output_dim must come with a number"):
        Embedding(np.ones((2, 3)), 3)
    with pytest.raises(ValueError, match=r"^Embedding: output_dim must be at least 1, got 0"):
        Embedding(7, 0)
    with pytest.raises(IndexError, match=r"x"):
        Sequential([Embedding(7, 3), Dense(2)], seed=0).predict([[1, 7]])


@pytest.mark.parametrize("rule", [SGD, Adam])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_loop_adds_up_as_by_hand(rule, threads, team_of):
    """Rows that are taken twice in a batch get both gradients, whoever adds which rows."""
    rng = np.random.default_rng(0)
    x, t = rng.integers(0, 9, (64, 5)), rng.integers(0, 2, 64)
    models = [Sequential([Embedding(9, 4), Dense(2)], dtype="float64", seed=0) for _ in range(3)]
    for model, number in zip(models, (1, threads), strict=False):
        team_of(number)
        model.fit(x, t, 2, 32, rule(0.1), shuffle=False, verbose=0)
    assert_array_equal(models[0].parameter_vector, models[1].parameter_vector)
    optimizer = rule(0.1)
    for _ in range(2):
        for part in (slice(32), slice(32, 64)):
            models[2].forward(x[part], t[part])
            models[2].backward()
            optimizer.update(models[2].params, models[2].grads)
    assert_allclose(models[0].parameter_vector, models[2].parameter_vector, rtol=1e-9, atol=1e-12)
