"""Affine and MatMul in the place of the books': products, whatever x is, and whose gradients."""

import inspect
import pickle

import numpy as np
import pytest
from books_classes import DOUT, RNG, B, W, X, on_kernels, who_answers
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.dropin.examples import EXAMPLES, _layer


def test_all_is_replaced(either):
    for module in (either.layers, either.optimizer):
        for name, kind in vars(module).items():
            if inspect.isclass(kind):
                assert bool(on_kernels(kind)) == either.ours, name
                for method, by_kernels in who_answers(kind, on_kernels(kind)).items():
                    assert any(by_kernels), (name, method)  # else it is right, and slow


def test_float32_is_answered_by_kernels(either, monkeypatch):
    """Of layers in float64 the test above tells."""
    x, dout, w, b = (array.astype("f4") for array in (X, DOUT, W, B))
    for name, params in (("Affine", (w, b)), ("MatMul", (w,))):
        if either.ours and hasattr(either.layers, name):
            monkeypatch.setitem(EXAMPLES, name, _layer(x, dout, *params))
            kind = getattr(either.layers, name)
            for method, by_kernels in who_answers(kind, on_kernels(kind)).items():
                assert all(by_kernels), (name, method)


def test_affine_of_the_first(first):
    layer = first.layers.Affine(W.copy(), B.copy())
    layer.W, layer.b = W, B  # as load_params does
    assert layer.W is W and layer.b is B
    out = layer.forward(X)
    assert_allclose(out, X @ W + B, 1e-12)
    dx = layer.backward(DOUT)
    assert_allclose(dx, DOUT @ W.T, 1e-12)
    assert_allclose(layer.dW, X.T @ DOUT, 1e-12)
    assert_allclose(layer.db, DOUT.sum(axis=0), 1e-12)
    dW, kept = layer.dW, layer.dW.copy()
    layer.forward(2 * X)
    layer.backward(DOUT)
    assert layer.dW is not dW  # fresh: what the script took before is as it was
    assert_array_equal(dW, kept)


@pytest.mark.parametrize("dtype", ["u1", "i4", "f2", "f4", "f8", "?"])
@pytest.mark.parametrize("shape", [(5, 6), (5, 2, 3), (5, 3, 1, 2)])
def test_affine_takes_any_x(first, dtype, shape):
    x = (10 * np.abs(X)).astype(dtype).reshape(shape)
    layer = first.layers.Affine(W, B)
    rows = x.reshape(5, 6).astype("f8")
    out = layer.forward(x)
    assert_allclose(out, rows @ W + B, 1e-12)
    assert out.dtype == np.float64
    dx = layer.backward(DOUT)
    assert dx.shape == shape and dx.dtype == np.float64
    assert_allclose(dx.reshape(5, 6), DOUT @ W.T, 1e-12)
    assert_allclose(layer.dW, rows.T @ DOUT, 1e-12)


def test_affine_of_float32_and_of_views(first):
    for x, w in ((X.astype("f4"), W.astype("f4")), (np.asfortranarray(X), W), (X[::-1, ::-1], W)):
        layer = first.layers.Affine(w, B.astype(w.dtype))
        out = layer.forward(x)
        assert out.dtype == w.dtype
        assert_allclose(out, x @ w + B.astype(w.dtype), 1e-5 if w.dtype == "f4" else 1e-12)
        assert_allclose(layer.backward(DOUT.astype(w.dtype)), DOUT @ w.T, 1e-4)
    mixed = first.layers.Affine(W.astype("f4"), B)  # NumPy goes on in float64
    assert mixed.forward(X).dtype == mixed.backward(DOUT).dtype == np.float64


@pytest.mark.parametrize("n", [256, 257, 700])  # taken 256 rows at a time
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_products_of_many_rows(either, n, dtype):
    x = RNG.standard_normal((n, 6)).astype(dtype)
    expected = x.astype("f8") @ W
    assert_allclose(either.layers.Affine(W, B).forward(x), expected + B, 1e-12, 1e-12)
    if either.edition == "second":
        assert_allclose(either.layers.MatMul(W).forward(x), expected, 1e-12, 1e-12)


def test_affine_reads_x_and_w_when_it_needs_them(first):
    x, w = X.copy(), W.copy()
    layer = first.layers.Affine(w, B)
    layer.forward(x)
    x *= 3
    w[0] = 5.0
    assert_allclose(layer.backward(DOUT), DOUT @ w.T, 1e-12)
    assert_allclose(layer.dW, x.T @ DOUT, 1e-12)


def test_a_gradient_of_a_wide_layer_is_that_of_the_call(first):
    """Whether it is computed at once or when it is looked at."""
    n, d, m = 100, 784, 50
    x, w, dout = (RNG.standard_normal(shape) for shape in ((n, d), (d, m), (n, m)))
    expected, given = dout @ w.T, dout.copy()
    for shape in ((n, d), (n, 28, 28)):
        layer = first.layers.Affine(w.copy(), np.zeros(m))
        layer.forward(x.reshape(shape))
        dx = layer.backward(given)
        layer.W -= 0.1 * layer.dW
        given *= 2
        assert isinstance(dx, np.ndarray)
        assert dx.shape == shape
        assert_allclose(dx, expected.reshape(shape), 1e-9, 1e-9)
        given /= 2
        again = layer.backward(given)
        assert type(again) is np.ndarray  # from now on somebody wants it
        assert_allclose(again, (given @ layer.W.T).reshape(shape), 1e-9, 1e-9)


def test_parameters_out_of_a_pickle_go_on_kernels(either, monkeypatch):
    """As load_params has them: their dtype is another object, and so is that of all results."""
    w, b, x = pickle.loads(pickle.dumps((W, B, X)))
    assert w.dtype is not W.dtype
    layer = either.layers.Affine(w, b)
    kernel = on_kernels(type(layer)) if either.ours else {}
    for name in kernel:
        monkeypatch.setitem(getattr(type(layer), name).__kwdefaults__, "own", None)
    out = layer.forward(x)
    assert_allclose(out, X @ W + B, 1e-12)
    assert_allclose(layer.backward(2 * out), 2 * out @ W.T, 1e-12)


@pytest.mark.parametrize("name", ["Affine", "MatMul"])
def test_products_of_the_second(second, name):
    w, b = W.copy(), B.copy()
    params = [w, b] if name == "Affine" else [w]
    layer = getattr(second.layers, name)(*params)
    assert all(a is b for a, b in zip(layer.params, params, strict=True))
    grads = list(layer.grads)
    for factor in (1, 3):  # overwritten, not added up, and in the same arrays
        out = layer.forward(factor * X)
        assert_allclose(out, factor * X @ W + (B if name == "Affine" else 0), 1e-12)
        assert_allclose(layer.x, factor * X)
        assert_allclose(layer.backward(DOUT), DOUT @ W.T, 1e-12)
        assert all(a is b for a, b in zip(layer.grads, grads, strict=True))
        assert_allclose(grads[0], factor * X.T @ DOUT, 1e-12)
    if name == "Affine":
        assert_allclose(grads[1], DOUT.sum(axis=0), 1e-12)


def test_products_of_the_second_take_what_numpy_takes(second):
    one_hot = np.eye(6, dtype=np.int32)
    layer = second.layers.MatMul(W.astype("f4"))
    out = layer.forward(one_hot)
    assert out.dtype == np.float64
    assert_allclose(out, W.astype("f4"))
    layer.backward(np.ones((6, 3)))
    assert layer.grads[0].dtype == np.float32
    tied = W.T  # an embedding's transpose, in Fortran's order
    layer = second.layers.MatMul(tied)
    assert layer.params[0] is tied
    assert_allclose(layer.forward(DOUT), DOUT @ W.T, 1e-12)
    assert_allclose(layer.backward(X), X @ W, 1e-12)
    assert_allclose(layer.grads[0], DOUT.T @ X, 1e-12)
    layer = second.layers.Affine(W, B)
    assert_allclose(layer.forward(X.reshape(5, 1, 6)), (X @ W + B).reshape(5, 1, 3), 1e-12)
