"""Dropout, batch normalization, embedding and functions in the place of the books'."""

import inspect
import pickle

import numpy as np
import pytest
from books_classes import LABELS, RNG, B, W, X, own_of, same
from numpy.testing import assert_allclose, assert_array_equal


def test_dropout(either):
    kind = either.layers.Dropout
    x = np.where(np.arange(30).reshape(5, 6) == 7, np.nan, X)
    layer = kind(0.3)
    assert isinstance(layer, kind) and layer.dropout_ratio == 0.3 and kind().dropout_ratio == 0.5
    np.random.seed(4)  # noqa: NPY002
    expected = [np.random.rand(*x.shape) > 0.3 for _ in "ab"]  # noqa: NPY002
    after = np.random.rand()  # noqa: NPY002
    np.random.seed(4)  # noqa: NPY002
    first = layer.forward(x)
    assert layer.mask.dtype == bool
    assert_array_equal(first, x * expected[0])
    kept = first.copy()
    assert_array_equal(layer.forward(x, True), x * expected[1])  # twice before backward
    assert_array_equal(first, kept)
    assert np.random.rand() == after  # noqa: NPY002
    assert_allclose(layer.forward(x, False), 0.7 * x, 1e-15)
    mask = layer.mask
    assert_array_equal(mask, expected[1])  # of the last call in training
    assert_array_equal(layer.backward(2 * X), 2 * X * mask)
    if either.edition == "second":
        assert layer.params == layer.grads == []
    for given in (X.astype("f4"), np.asfortranarray(X), X[:, ::2], np.arange(8), X[0], X[None]):
        out = layer.forward(given, train_flg=True)
        assert out.dtype == (given * np.True_).dtype and layer.mask.shape == given.shape
        assert_array_equal(out, given * layer.mask)
        assert_array_equal(layer.backward(given), given * layer.mask)
    layer.mask = layer.mask[0, :1]  # the script's to change: NumPy broadcasts
    assert_array_equal(layer.backward(X), X * layer.mask[0])


@pytest.mark.parametrize("shape", [(5, 6), (5, 1, 2, 3)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_batch_normalization_of_the_first(first, shape, dtype):
    kind = first.layers.BatchNormalization
    gamma, beta = X[0].astype(dtype), X[1].astype(dtype)
    layers = [kind(gamma, beta, momentum=0.8), own_of(kind)(gamma.copy(), beta.copy(), 0.8)]
    assert layers[0].gamma is gamma and layers[0].beta is beta
    close, rng = 1e-12 if dtype == "f8" else 1e-4, np.random.default_rng(3)
    before = layers[0].forward(X.astype(dtype).reshape(shape), False)  # statistics are zeros
    same(before, layers[1].forward(X.astype(dtype).reshape(shape), False), close)
    for step in range(4):
        x, dout = (rng.standard_normal(shape).astype(dtype) for _ in "ab")
        given = x.copy()
        running = layers[0].running_mean, layers[0].running_mean.copy()
        out, expected = (layer.forward(given, True) for layer in layers)
        same(out, expected, close)
        assert layers[0].running_mean is not running[0]
        assert_array_equal(*running)
        kept, given[...] = out.copy(), 0  # as the script may
        out += 1
        dx, expected = (layer.backward(dout) for layer in layers)
        same(dx, expected, close)
        same(vars(layers[0]), vars(layers[1]), close)
        same(*[layer.forward(x, train_flg=False) for layer in layers], close)
        same(*[layer.backward(dout) for layer in layers], close)  # of the last in training
        assert_allclose(out, kept + 1, 1e-6)
        dgamma, dbeta = layers[0].dgamma, layers[0].dbeta.copy()
        layers[0].backward(2 * dout)
        assert layers[0].dgamma is not dgamma
        assert_allclose(layers[0].dbeta, 2 * dbeta, close, close)
        for layer in layers:  # in place, as optimizers do, or another array, as load_params does
            layer.gamma -= 0.1
            layer.beta = layer.beta + 0.1 if step == 1 else layer.beta


def test_batch_normalization_takes_what_numpy_takes(first):
    kind = first.layers.BatchNormalization
    for gamma, x in (
        (1.5, X),
        (np.ones(1), X),
        (np.ones(6, "f4"), X),
        (np.ones(6), X.astype("f4")),
        (np.ones(6), np.asfortranarray(X)),
        (np.ones(6), np.arange(30).reshape(5, 6)),
    ):
        layers = [kind(gamma, gamma * 0.5, 0.9), own_of(kind)(gamma, gamma * 0.5, 0.9)]
        for _ in range(3):
            same(*[layer.forward(x) for layer in layers])
            same(*[layer.backward(X) for layer in layers])
        same(vars(layers[0]), vars(layers[1]))
    layer = kind(np.ones(6), np.zeros(6), running_mean=np.ones(6), running_var=np.full(6, 4.0))
    assert_allclose(layer.forward(X, False), (X - 1) / np.sqrt(4 + 1e-6), 1e-12)
    for wrong in (X[:, :4], X[0], X.reshape(5, 2, 3)):
        with pytest.raises(ValueError):
            layer.forward(wrong)
    one = np.ones(1)
    for changed, dout in (
        ({"gamma": one}, X),  # where NumPy broadcasts
        ({"gamma": one, "std": one}, X),
        ({"xc": X[:1].copy()}, X),
        ({}, X[:1]),
        ({}, X[:, :1].copy()),
    ):
        layers = [kind(np.ones(6), np.zeros(6)), own_of(kind)(np.ones(6), np.zeros(6))]
        found = []
        for layer in layers:
            layer.forward(X)
            layer.forward(X + 1)
            vars(layer).update(changed)
            found += [(layer.backward(dout), layer.dgamma, layer.dbeta)]
        same(*found)


@pytest.mark.parametrize("dtype", ["i4", "i8", "u1"])
def test_embedding_of_the_second(second, dtype):
    w = X.astype("f4")
    layer = second.layers.Embedding(w)
    assert layer.params[0] is w and layer.idx is None
    grad, idx = layer.grads[0], np.array([3, 0, 3, 2], dtype)
    idx.setflags(write=False)
    grad += 5  # overwritten
    for factor in (1, 2):
        out = layer.forward(idx)
        assert layer.idx is idx and out.dtype == np.float32
        assert_array_equal(out, w[idx])
        dout = (factor * RNG.standard_normal((4, 6))).astype("f4")
        assert layer.backward(dout) is None
        assert layer.grads[0] is grad
        expected = np.zeros_like(w)
        np.add.at(expected, idx, dout)  # rows that were taken twice get both
        assert_array_equal(grad, expected)
    out *= 0  # a copy, the script's to change
    assert_array_equal(w, X.astype("f4"))


def test_embedding_takes_what_numpy_takes(second):
    kind = second.layers.Embedding
    for idx in ([[3, 0], [3, 2]], [-1, 2, -3], [4, -5], 2, [True, False, True, True, False], []):
        idx = np.array(idx, None if np.size(idx) else int)
        layers = [kind(X), own_of(kind)(X)]
        same(*[layer.forward(idx) for layer in layers])
        dout = 1.0 + X[idx]
        for given in (dout, dout.astype("f4"), np.asfortranarray(dout), np.ones(6)):
            for layer in layers:
                layer.backward(given)
            same(*[layer.grads for layer in layers])
    layer = kind(X)
    layer.forward(idx := np.array([1, 2]))
    with pytest.raises(IndexError):
        layer.forward(np.array([5]))
    layer.forward(idx)
    idx[0] = 10**6  # no kernel writes there
    with pytest.raises(IndexError):
        layer.backward(np.ones((2, 6)))
    found = []
    for layer in (kind(X), own_of(kind)(X)):
        rows = np.arange(36.0).reshape(6, 6)
        layer.grads[0] = rows[1:]
        layer.forward(np.array([1, 0, 3]))
        layer.backward(rows[:3])  # what it reads, it writes
        found.append(rows)
    same(*found)
    tied = kind(X.T)  # a view, which stays one
    assert tied.params[0].base is X
    assert_array_equal(tied.forward(np.array([5, 0])), X.T[[5, 0]])
    assert_array_equal(
        tied.backward(np.ones((2, 5))) or tied.grads[0].sum(axis=1), [5] + [0] * 4 + [5]
    )


def test_a_numerical_gradient_sees_each_change_and_undoes_it(first):
    layer, last = first.layers.Affine(W.copy(), B.copy()), first.layers.SoftmaxWithLoss()
    loss = lambda _: last.forward(layer.forward(X), LABELS)  # noqa: E731
    by_definition = first.gradient.numerical_gradient(loss, layer.W)
    assert_array_equal(layer.W, W)
    loss(None)
    layer.backward(last.backward())
    # The loss adds 1e-7 to y, which its gradient leaves out; the book allows as much.
    assert np.abs(layer.dW - by_definition).mean() < 1e-5


def test_gradients_are_clipped_in_place_and_duplicates_merged(second):
    """What stands twice in params gets the sum of its gradients; transposed, too."""
    layers = second.layers
    w = RNG.standard_normal((6, 3))
    embed, twin, out = layers.Embedding(w), layers.Embedding(w), layers.MatMul(w.T)
    parts = [embed, twin, out]
    for layer, idx in ((embed, [0, 1]), (twin, [1, 1])):
        layer.forward(np.array(idx))
        layer.backward(np.ones((2, 3)))
    out.forward(np.ones((2, 3)))
    out.backward(np.ones((2, 6)))
    params = [param for layer in parts for param in layer.params]
    grads = [grad for layer in parts for grad in layer.grads]
    expected = grads[0] + grads[1] + grads[2].T
    merged, summed = second.trainer.remove_duplicate(params, grads)
    assert len(merged) == 1 and merged[0] is w and summed[0] is embed.grads[0]
    assert_allclose(summed[0], expected, 1e-14)
    for grad in summed:
        grad *= 0.5
    before = w.copy()
    second.optimizer.SGD(1.0).update(merged, summed)
    assert_allclose(out.params[0], (before - 0.5 * expected).T, 1e-12)  # still a view of it
    w[...] = before.astype("f2")  # as load_params does
    assert_array_equal(embed.forward(np.array([2])), before.astype("f2")[[2]])


def test_layers_can_be_pickled_subclassed_and_told(first):
    class Scaled(first.layers.Affine):
        def forward(self, x):
            return 2 * super().forward(x)

    layer = Scaled(W, B)
    assert isinstance(layer, first.layers.Affine) and type(layer).__name__ == "Scaled"
    assert_allclose(layer.forward(X), 2 * (X @ W + B), 1e-12)
    copied = pickle.loads(pickle.dumps(first.layers.Affine(W, B)))
    assert_allclose(copied.forward(X), X @ W + B, 1e-12)
    assert type(copied) is first.layers.Affine
    assert list(inspect.signature(first.layers.Affine).parameters) == ["W", "b"]


def test_star_imports_give_the_modules_own_names(first):
    scope = {}
    exec("from common.layers import *", scope)
    assert scope["np"] is np
    assert scope["Dropout"] is first.layers.Dropout and scope["softmax"] is first.functions.softmax
    assert "class Affine" in inspect.getsource(first.layers)
    for loader in (first.layers.__spec__.loader, first.layers.__loader__):
        assert type(loader).__name__ == "SourceFileLoader"
