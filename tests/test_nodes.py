"""Add, Multiply, Repeat, Sum: against NumPy, the book's examples and central differences."""

import numpy as np
import pytest
from differences import central_difference
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal
from refused import refused

from fastnet import kernels
from fastnet.layers import Add, Multiply, Repeat, Sum
from fastnet.reference import kernels as reference
from fastnet.reference import layers as reference_layers

PAIRS = [
    ((3, 4), (3, 4)),
    ((5, 4), (4,)),
    ((5, 4), (1, 4)),
    ((5, 4), (5, 1)),
    ((4,), (5, 4)),
    ((5, 1), (1, 3)),
    ((2, 1, 3), (4, 1)),
    ((), (2, 3)),
    ((), ()),
    ((0, 3), (3,)),
    ((7, 33), (33,)),
]
AXES = [((3,), 0), ((1, 5), 0), ((4, 5), 0), ((4, 5), 1), ((4, 5), -1), ((2, 3, 4), 1)]
AXES += [((2, 3, 40), -2), ((1000, 3), 0), ((3, 1000), 1)]


@every_dtype
@with_each("shapes", PAIRS)
@with_each("kind", [Add, Multiply])
def test_nodes_of_two_equal_the_reference(kind, shapes, dtype, rng):
    x, y = (np.asarray(rng.standard_normal(shape), dtype) for shape in shapes)
    ours, theirs = kind(), getattr(reference_layers, kind.__name__)()
    out = ours.forward(x, y)
    assert_array_equal(out, theirs.forward(x, y), strict=True)
    dout = np.asarray(rng.standard_normal(np.shape(out)), dtype)
    for got, wanted, array in zip(ours.backward(dout), theirs.backward(dout), (x, y), strict=True):
        assert np.shape(got) == array.shape and got.dtype == dtype
        # a sum of up to 20 terms of size up to 9
        assert_allclose(got, wanted, rtol=0, atol=200 * np.finfo(dtype).eps)
        assert got is not dout and not np.shares_memory(got, dout)


@with_each("shapes", PAIRS[:8])
@with_each("kind", [Add, Multiply])
def test_gradients_of_two_equal_central_differences(kind, shapes, rng):
    inputs = [np.asarray(rng.standard_normal(shape)) for shape in shapes]
    node = kind()
    dout = rng.standard_normal(node.forward(*inputs).shape)
    for array, grad in zip(inputs, node.backward(dout), strict=True):
        slopes = central_difference(lambda: np.sum(node.forward(*inputs) * dout), array, 0.5)
        assert_allclose(grad, slopes, rtol=0, atol=1e-12)


@every_dtype
@with_each("shape, axis", AXES)
def test_repeat_and_sum_equal_numpy(shape, axis, dtype, rng):
    x = rng.standard_normal(shape).astype(dtype)
    terms = 3 * np.sqrt(max(shape)) * max(shape) * np.finfo(dtype).eps
    for times in (1, 2, 17):
        node, theirs = Repeat(times, axis), reference_layers.Repeat(times, axis)
        out = node.forward(x)
        assert_array_equal(out, np.repeat(x, times, axis), strict=True)
        theirs.forward(x)
        dout = rng.standard_normal(out.shape).astype(dtype)
        dx = node.backward(dout)
        assert dx.shape == shape and dx.dtype == dtype
        assert_allclose(dx, theirs.backward(dout), rtol=0, atol=100 * np.finfo(dtype).eps)
    node = Sum(axis)
    out = node.forward(x)
    expected = x.astype(np.longdouble).sum(axis=axis, keepdims=True)
    assert out.dtype == dtype and out.shape == expected.shape
    assert_allclose(out, expected, rtol=0, atol=terms)
    dout = rng.standard_normal(out.shape).astype(dtype)
    dx = node.backward(dout)
    assert_array_equal(dx, np.broadcast_to(dout, shape), strict=True)
    assert not np.shares_memory(dx, dout)


def test_the_books_examples():
    x = np.arange(8.0).reshape(1, 8)
    node = Repeat(7)
    assert_array_equal(node.forward(x), np.repeat(x, 7, axis=0))
    assert_array_equal(node.backward(np.ones((7, 8))), np.full((1, 8), 7))
    node = Sum()
    assert_array_equal(node.forward(np.ones((7, 8))), np.full((1, 8), 7))
    assert_array_equal(node.backward(x), np.repeat(x, 7, axis=0))
    # the shop of the first book, section 5.4
    apples, oranges, both, tax = Multiply(), Multiply(), Add(), Multiply()
    price = tax.forward(both.forward(apples.forward(100, 2), oranges.forward(150, 3)), 1.1)
    assert_allclose(price, 715)
    dsum, dtax = tax.backward(1)
    dapples, doranges = both.backward(dsum)
    found = [*apples.backward(dapples), *oranges.backward(doranges), dtax]
    assert_allclose(found, [2.2, 110, 3.3, 165, 650])


def test_dtypes(rng):
    x, y = rng.standard_normal((2, 3, 4))
    assert Add().forward(x.astype("f"), y).dtype == np.float64
    assert Multiply().forward(x.astype("e"), y.astype("e")).dtype == np.float16
    assert Add().forward([1, 2], [3, 4]).dtype == np.float64
    node = Multiply()
    node.forward(x.astype("f"), y)
    dx, dy = node.backward(np.ones((3, 4), "f"))
    assert (dx.dtype, dy.dtype) == (np.float64, np.float32)
    assert repr([Add(), Multiply(), Repeat(3), Sum(1)]) == (
        "[Add(), Multiply(), Repeat(3, axis=0), Sum(axis=1)]"
    )


# --------------------------------------------------------------------------- kernels


@every_dtype
def test_kernels_write_only_their_outputs(dtype, rng):
    for size in (*range(18), 31, 32, 33, 65, 200):
        x, y, dout = rng.standard_normal((3, size)).astype(dtype)
        frame = np.full((7, size + 80), -7, dtype)
        out, product, dx, dy, one, other, _ = frame[:, 40 : 40 + size]
        kernels.add_forward(x, y, out)
        kernels.multiply_forward(x, y, product)
        kernels.multiply_backward(x, y, dout, dx, dy)
        kernels.add_backward(dout, one, other)
        wanted = x + y, x * y, dout * y, dout * x, dout, dout
        for got, expected in zip((out, product, dx, dy, one, other), wanted, strict=True):
            assert_array_equal(got, expected)
        assert (frame[:, :40] == -7).all() and (frame[:, 40 + size :] == -7).all()


@every_dtype
@with_each("a", [1, 3])
@with_each("b", [1, 2, 5, 70, 300])
@with_each("c", [1, 2, 16, 37])
def test_kernels_along_the_middle_axis(a, b, c, dtype, rng):
    x = rng.standard_normal((a, b, c)).astype(dtype)
    out, expected = np.full((a + 2, c), -7, dtype), np.empty((a, c), dtype)
    for name in ("sum_forward", "repeat_backward"):
        getattr(kernels, name)(x, out[1:-1])
        getattr(reference, name)(x, expected)
        exact = x.astype(np.longdouble).sum(axis=1)
        bound = b * np.finfo(dtype).eps * np.abs(x).sum(axis=1)
        assert (np.abs(out[1:-1] - exact) <= bound).all()
        assert_allclose(expected, exact, rtol=0, atol=bound.max())
        assert (out[[0, -1]] == -7).all()
    copies = np.full((a + 2, b, c), -7, dtype)
    for name in ("sum_backward", "repeat_forward"):
        getattr(kernels, name)(x[:, 0].copy(), copies[1:-1])
        assert_array_equal(copies[1:-1], np.broadcast_to(x[:, :1], (a, b, c)))
        assert (copies[[0, -1]] == -7).all()


def test_nan_and_infinity_are_copied():
    x = np.array([[np.nan], [np.inf], [-0.0]])
    out = Repeat(5, axis=1).forward(x)
    assert_array_equal(out, np.repeat(x, 5, axis=1))
    assert_array_equal(Sum().forward(np.array([[np.nan, 1.0]])), [[np.nan, 1]])


# --------------------------------------------------------------------------- errors

X = np.ones((3, 4))


@with_each(
    "call, error, text",
    [
        *[
            (
                lambda kind=kind: kind().forward(X, np.ones(3)),
                ValueError,
                f"{kind.__name__}.forward: y must have a shape that broadcasts with x (3, 4), got "
                "y.shape=(3,). Make their lengths equal, or 1.",
            )
            for kind in (Add, Multiply)
        ],
        *[
            (
                lambda make=make: make().backward(X),
                RuntimeError,
                f"{make().__class__.__name__}.backward: call forward first.",
            )
            for make in (Add, Multiply, lambda: Repeat(2), Sum)
        ],
        (
            lambda: Add().forward(X, "text"),
            TypeError,
            "Add.forward: y must be an array of integers, float16, float32 or float64, got str of "
            "dtype <U4. Give an array of numbers.",
        ),
        (
            lambda: Repeat(0),
            ValueError,
            "Repeat: times must be at least 1, got 0. Give a positive int.",
        ),
        (
            lambda: Repeat(2, axis=0.5),
            TypeError,
            "Repeat: axis must be a whole number, got 0.5. Give an int.",
        ),
        (
            lambda: Sum(True),
            TypeError,
            "Sum: axis must be a whole number, got True. Give an int.",
        ),
        (
            lambda: Sum(2).forward(X),
            ValueError,
            "Sum.forward: axis must be one of x, got 2 for x.shape=(3, 4). "
            "Give x more dimensions, or another axis.",
        ),
        (
            lambda: Repeat(2, -3).forward(X),
            ValueError,
            "Repeat.forward: axis must be one of x, got -3 for x.shape=(3, 4). "
            "Give x more dimensions, or another axis.",
        ),
        (
            lambda: Sum().forward(np.ones((0, 3))),
            ValueError,
            "Sum.forward: x must have an entry along axis 0, got x.shape=(0, 3). Give one or more.",
        ),
    ],
)
def test_errors(call, error, text):
    refused(call, error, text)


def test_a_wrong_upstream_shape():
    nodes = [Add(), Multiply(), Repeat(2), Sum()]
    for node in nodes:
        two = isinstance(node, Add | Multiply)
        out = node.forward(X, X[0]) if two else node.forward(X)
        with pytest.raises(ValueError) as raised:
            node.backward(np.ones((2, 2)))
        assert str(raised.value) == (
            f"{type(node).__name__}.backward: dout must have shape {out.shape}, got "
            "dout.shape=(2, 2). Give one number for each output of forward."
        )
    nodes[1].x = np.ones((9, 9))
    with pytest.raises(ValueError, match=r"^Multiply\.backward: x must have shape \(3, 4\), got"):
        nodes[1].backward(X)
