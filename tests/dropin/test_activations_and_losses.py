"""Activations and losses in the place of the books': values, gradients, labels, scores far off."""

import numpy as np
import pytest
from books_classes import DOUT, LABELS, ONE_HOT, RNG, Common, X, imported, own_of, same
from numpy.testing import assert_allclose, assert_array_equal


def test_relu_of_the_first(first):
    x = np.array([[1.5, -2.0, 0.0], [np.nan, -np.inf, np.inf]])
    layer = first.layers.Relu()
    out = layer.forward(x)
    assert_array_equal(out, [[1.5, 0, 0], [np.nan, 0, np.inf]])
    assert layer.mask.dtype == bool
    assert_array_equal(layer.mask, [[False, True, True], [False, True, False]])
    out += 100  # the script's to change
    x[...] = -1
    for dtype in ("f4", "f8", "i4"):
        dx = layer.backward(np.full((2, 3), 7, dtype))
        assert_array_equal(dx, [[7, 0, 0], [7, 0, 7]])
        assert dx.dtype == dtype
    dx = layer.backward(np.array([[np.inf, np.nan, -np.inf], [np.nan, 1, 2]]))
    assert_array_equal(dx, [[np.inf, 0, 0], [np.nan, 0, 2]])
    turned = RNG.standard_normal((2, 4, 4, 3)).transpose(0, 3, 1, 2)
    out = layer.forward(turned)
    assert out.shape == (2, 3, 4, 4)
    assert_array_equal(out, np.maximum(turned, 0))
    assert_array_equal(layer.backward(turned.copy()), np.where(turned <= 0, 0, turned))
    assert layer.forward(turned.astype("f4")).dtype == np.float32
    assert_array_equal(layer.forward(np.array([3, -3])), [3, 0])  # integers stay integers


def test_relu_leaves_dout_alone(root, monkeypatch):
    """The one difference: the book's writes into the dout that it was given."""
    with imported(root / "tests" / "dropin" / "first", monkeypatch, True):
        layer = Common("first", True).layers.Relu()
        layer.forward(X - 1)
        dout = np.ones_like(X)
        assert layer.backward(dout) is not dout
        assert_array_equal(dout, 1)


def test_sigmoid(either):
    layer = either.layers.Sigmoid()
    out = layer.forward(X)
    assert out is layer.out
    assert_allclose(out, 1 / (1 + np.exp(-X)), 1e-14)
    assert_allclose(layer.backward(2 * X), 2 * X * out * (1 - out), 1e-13)
    kept = layer.forward(X[0]).copy()
    layer.forward(X[1])
    assert_array_equal(kept, out[0])
    assert float(layer.forward(0.0)) == 0.5
    assert float(layer.backward(1.0)) == 0.25
    assert layer.forward(X.astype("f4")).dtype == np.float32


GIVEN = [
    LABELS,
    LABELS.astype("u1"),
    LABELS.astype("i4"),
    ONE_HOT,
    ONE_HOT.astype("i4"),
    ONE_HOT.astype("u1"),
]


GIVEN[1].setflags(write=False)
SOFT = np.full((5, 3), 0.25) + 0.25 * ONE_HOT


@pytest.mark.parametrize("t", GIVEN, ids=lambda t: f"{t.dtype}-{t.ndim}")
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_softmax_with_loss_of_the_first(first, t, dtype):
    layer, x = first.layers.SoftmaxWithLoss(), (3 * DOUT).astype(dtype)
    loss = layer.forward(x, t)
    y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    close = 1e-5 if dtype == "f4" else 1e-12
    assert (
        loss == layer.loss == pytest.approx(-np.log(y[range(5), LABELS] + 1e-7).mean(), rel=close)
    )
    assert layer.t is t
    assert_allclose(layer.y, y, close)
    dx = layer.backward(1)
    assert_allclose(dx, (y - ONE_HOT) / 5, close, 1e-7 if dtype == "f4" else 1e-15)
    assert_array_equal(layer.backward(17.0), dx)  # dout is not read
    assert dx.dtype == (dtype if t.ndim == 1 else np.result_type(dtype, t.dtype))


def test_softmax_with_loss_of_soft_targets(first):
    layer = first.layers.SoftmaxWithLoss()
    layer.forward(DOUT, SOFT)
    assert_allclose(layer.backward(), (layer.y - SOFT) / 5, 1e-12)


@pytest.mark.parametrize("t", GIVEN, ids=lambda t: f"{t.dtype}-{t.ndim}")
def test_softmax_with_loss_of_the_second(second, t):
    layer, x = second.layers.SoftmaxWithLoss(), 3 * DOUT
    given = t.copy()
    loss = layer.forward(x, given)
    y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    assert loss == pytest.approx(-np.log(y[range(5), LABELS] + 1e-7).mean(), rel=1e-12)
    assert not hasattr(layer, "loss") and layer.params == layer.grads == []
    assert_array_equal(layer.t, LABELS)  # one-hot rows become labels
    assert (layer.t is given) == (t.ndim == 1)
    dx = layer.backward()
    assert_allclose(dx, (y - ONE_HOT) / 5, 1e-12, 1e-15)
    for factor in (2, 0.5, np.float64(3.0), np.array(-1.0)):
        assert_allclose(layer.backward(factor), dx * factor, 1e-12)


def test_labels_out_of_range_as_in_numpy(either):
    layers = either.layers
    layer = layers.SoftmaxWithLoss()
    last = layer.forward(DOUT, np.array([2, 0, 1, 1, 2]))
    assert layer.forward(DOUT, np.array([2, 0, 1, 1, -1])) == pytest.approx(float(last), rel=1e-12)
    with pytest.raises(IndexError):
        layer.forward(DOUT, np.array([2, 0, 1, 1, 3]))
    t = LABELS.copy()
    layer.forward(DOUT, t)
    t[0] = 10**6  # no kernel writes there
    with pytest.raises(IndexError):
        layer.backward()


def test_softmax_of_the_second(second):
    layer = second.layers.Softmax()
    out = layer.forward(X)
    assert out is layer.out and layer.params == layer.grads == []
    assert_allclose(out, np.exp(X) / np.exp(X).sum(axis=1, keepdims=True), 1e-12)
    dout = X[::-1].copy()
    expected = out * (dout - (out * dout).sum(axis=1, keepdims=True))
    assert_allclose(layer.backward(dout), expected, 1e-12)


def test_functions(either):
    functions = either.functions
    assert_allclose(functions.sigmoid(X), 1 / (1 + np.exp(-X)), 1e-13)
    assert functions.sigmoid(0.0) == 0.5
    assert_array_equal(functions.relu(X), np.maximum(X, 0))
    assert functions.relu(-3) == 0
    for x in (X, X[0], X.astype("f4"), X.T):
        y = functions.softmax(x)
        assert y.dtype == x.dtype and y.shape == x.shape
        assert_allclose(y.sum(axis=-1), 1, 1e-6)
        assert_allclose(y, np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True), 1e-5)
    y = functions.softmax(DOUT)
    expected = -np.log(y[range(5), LABELS] + 1e-7).mean()
    for t in (*GIVEN, SOFT):
        assert functions.cross_entropy_error(y, t) == pytest.approx(expected, rel=1e-12)
    one = functions.cross_entropy_error(y[0], np.array([0, 0, 1]))
    assert one == pytest.approx(-np.log(y[0, 2] + 1e-7), rel=1e-12)
    with pytest.raises(IndexError):
        functions.cross_entropy_error(y, LABELS + 2)


@pytest.mark.parametrize("t", [[1, 0, 0, 1, 1], [1.0, 0, 0, 1, 1], [-1, 0, -2, 1, -1]])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_sigmoid_with_loss_of_the_second(second, t, dtype):
    layer = second.layers.SigmoidWithLoss()
    x, right = (3 * X[:, 0]).astype(dtype), np.array([1, 0, 0, 1, 1])
    if isinstance(t[1], float):
        right = right.astype("u1")
        right.setflags(write=False)
        t = right
    t = np.array(t, "i4") if isinstance(t, list) else t
    loss = layer.forward(x, t)
    y, close = 1 / (1 + np.exp(-x)), 1e-5 if dtype == "f4" else 1e-12
    expected = -np.log(np.where(right == 1, y, 1 - y) + 1e-7).mean()
    assert loss == layer.loss == pytest.approx(expected, rel=close)
    # Before NumPy 2 a float32 over an int is a float64 in the script's own code.
    assert loss.dtype in (dtype, own_of(type(layer))().forward(x, t).dtype)
    assert layer.t is t and layer.params == layer.grads == []
    assert_allclose(layer.y, y, close)
    for dout in (1, 0.5):
        assert_allclose(layer.backward(dout), (y - t) * dout / 5, close, 1e-7)
    with pytest.raises(IndexError):
        layer.forward(x, np.array([0, 1, 2, 0, 1]))
    for given in (x, x[::2], x[:, None]):
        own = own_of(type(layer))()
        found = [
            kind.forward(given, right[: given.size].reshape(-1)[: len(given)])
            for kind in (layer, own)
        ]
        same(*found, close)


def test_scores_far_off(second):
    layer = second.layers.SigmoidWithLoss()
    with np.errstate(over="ignore"):  # NumPy's exp
        loss = layer.forward(np.array([800.0, -800.0, 800.0, 0.0]), np.array([1, 0, 0, 1]))
    assert loss == pytest.approx((-np.log(1e-7) + np.log(2)) / 4, rel=1e-6)


def test_losses_and_slopes_of_the_first(first):
    functions = first.functions
    y = functions.softmax(DOUT)
    for given, t in ((y, ONE_HOT), (y[0], ONE_HOT[0]), (y.astype("f4"), ONE_HOT), (y, ONE_HOT[0])):
        expected = 0.5 * np.sum((given - t) ** 2)
        assert functions.sum_squared_error(given, t) == pytest.approx(expected, rel=1e-6)
    assert functions.sum_squared_error(y, ONE_HOT.astype(int)).dtype == np.float64
    s = 1 / (1 + np.exp(-X))
    assert_allclose(functions.sigmoid_grad(X), s * (1 - s), 1e-12)
    assert functions.sigmoid_grad(0.0) == 0.25
    assert functions.sigmoid_grad(X.T.astype("f4")).dtype == np.float32
    expected = functions.cross_entropy_error(y, LABELS)
    assert functions.softmax_loss(DOUT, LABELS) == pytest.approx(float(expected), rel=1e-12)
