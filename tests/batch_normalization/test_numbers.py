"""Batch normalization: numbers against the reference, central differences and PyTorch."""

import copy
import pickle

import numpy as np
import pytest
from differences import central_difference
from in_turn import every_dtype, with_each
from normalizations import SIZES
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.layers import BatchNormalization
from fastnet.reference import layers as reference_layers


def layer_of(rng, d, dtype=np.float64, module=BatchNormalization, **options):
    gamma, beta = (rng.standard_normal(d).astype(dtype) for _ in range(2))
    return module(gamma, beta, **options)


@every_dtype
@with_each("size", SIZES)
def test_it_equals_the_reference(size, dtype, rng):
    n, d = size
    x, dout = (rng.standard_normal(size).astype(dtype) for _ in range(2))
    x[::2] += 1  # a batch of two has a variance, too
    ours = layer_of(rng, d, dtype)
    exact = reference_layers.BatchNormalization(*[p.astype(np.longdouble) for p in ours.params])
    for flag in (True, True, False):
        out, wanted = ours.forward(x, flag), exact.forward(x.astype(np.longdouble), flag)
        # Sums of n terms, then a few roundings; the smallest deviation divides them.
        bound = (n + 12) * np.finfo(dtype).eps * max(1, 1 / float(exact.std.min()))
        assert_allclose(out, wanted, rtol=0, atol=bound * np.abs(wanted).max())
        assert out.dtype == dtype
    for name in ("running_mean", "running_var"):
        kept = getattr(ours, name)
        assert kept.dtype == dtype
        assert_allclose(kept, getattr(exact, name), rtol=0, atol=bound)
    dx, wanted = ours.backward(dout), exact.backward(dout.astype(np.longdouble))
    bound *= max(1, 1 / float(exact.std.min())) * n
    assert_allclose(dx, wanted, rtol=0, atol=bound)
    assert_allclose(ours.dgamma, exact.dgamma, rtol=0, atol=bound)
    assert_allclose(ours.dbeta, exact.dbeta, rtol=0, atol=bound)
    assert dx.dtype == ours.dgamma.dtype == dtype


@pytest.mark.parametrize("shape", [(6, 5), (4, 2, 3, 1)], ids=str)
def test_gradients_equal_central_differences(shape, rng):
    layer = layer_of(rng, int(np.prod(shape[1:])))
    x, dout = rng.standard_normal(shape), rng.standard_normal(shape)

    def objective():
        return np.sum(layer.forward(x) * dout)

    objective()
    found = [(x, layer.backward(dout))]
    found += [(p, g.copy()) for p, g in zip(layer.params, layer.grads, strict=True)]
    assert found[0][1].shape == shape
    for array, grad in found:
        expected = central_difference(objective, array)
        assert np.abs(expected).max() > 1e-3
        assert_allclose(grad, expected, rtol=1e-6, atol=1e-8)


@every_dtype
def test_torch_agrees(dtype, rng):
    torch = pytest.importorskip("torch")
    x, dout = (rng.standard_normal((32, 20)).astype(dtype) for _ in range(2))
    ours = layer_of(rng, 20, dtype, momentum=0.9, running_var=np.ones(20), eps=1e-5)
    theirs = torch.nn.BatchNorm1d(20, eps=1e-5, momentum=0.1, dtype=getattr(torch, x.dtype.name))
    with torch.no_grad():
        theirs.weight[:], theirs.bias[:] = (torch.tensor(p) for p in ours.params)
    tensor = torch.tensor(x, requires_grad=True)
    expected = theirs(tensor)
    expected.backward(torch.tensor(dout))
    close = {"rtol": 0, "atol": 500 * np.finfo(dtype).eps}  # 32 terms a sum, of sizes up to 3
    assert_allclose(ours.forward(x), expected.detach().numpy(), **close)
    assert_allclose(ours.backward(dout), tensor.grad.numpy(), **close)
    assert_allclose(ours.dgamma, theirs.weight.grad.numpy(), **close)
    assert_allclose(ours.dbeta, theirs.bias.grad.numpy(), **close)
    assert_allclose(ours.running_mean, theirs.running_mean.numpy(), **close)
    # PyTorch keeps the unbiased variance: a factor of N / (N - 1) on what is new in it.
    new = (ours.running_var - 0.9) * 32 / 31 + 0.9
    assert_allclose(new, theirs.running_var.numpy(), **close)


def test_four_dimensions_are_features(rng):
    x, dout = rng.standard_normal((2, 5, 3, 2, 2))
    flat, cube = layer_of(np.random.default_rng(1), 12), layer_of(np.random.default_rng(1), 12)
    assert_array_equal(cube.forward(x), flat.forward(x.reshape(5, 12)).reshape(x.shape))
    assert_array_equal(cube.backward(dout), flat.backward(dout.reshape(5, 12)).reshape(x.shape))
    assert_array_equal(cube.dgamma, flat.dgamma)
    assert_array_equal(cube.forward(x, train_flg=False).shape, x.shape)


def test_normalized_columns_have_mean_0_and_variance_1(rng):
    layer = BatchNormalization(np.ones(3), np.zeros(3))
    out = layer.forward(7 + 5 * rng.standard_normal((1000, 3)))
    assert_allclose(out.mean(axis=0), 0, atol=1e-13)
    assert_allclose(out.var(axis=0), 1, rtol=1e-6)  # eps


def test_running_statistics_by_hand():
    layer = BatchNormalization(np.ones(1), np.zeros(1), momentum=0.75)
    assert layer.running_mean is None and layer.running_var is None
    x = np.array([[1.0], [3.0]])
    assert_allclose(layer.forward(x, train_flg=False), x * 1e3)  # zeros, as in the textbook
    layer.forward(x)
    assert_allclose([layer.running_mean, layer.running_var], [[0.5], [0.25]])
    kept = layer.running_mean
    layer.forward(x)
    assert layer.running_mean is kept
    assert_allclose([layer.running_mean, layer.running_var], [[0.875], [0.4375]])
    mean, var = np.array([2.0]), np.array([4.0])
    layer = BatchNormalization(np.ones(1), np.zeros(1), 0.5, mean, var, eps=1e-12)
    assert_allclose(layer.forward(x, train_flg=False), [[-0.5], [0.5]])
    layer.forward(x)
    assert_array_equal([mean, var], [[2], [4]])  # the caller's own
    assert_allclose([layer.running_mean, layer.running_var], [[2], [2.5]])


def test_inference_changes_nothing(rng):
    layer = layer_of(rng, 3)
    layer.forward(rng.standard_normal((5, 3)))
    kept = layer.running_mean.copy(), layer.running_var.copy()
    dx = layer.backward(np.eye(5, 3))
    layer.forward(rng.standard_normal((9, 3)), train_flg=False)
    assert_array_equal(layer.running_mean, kept[0])
    assert_array_equal(layer.running_var, kept[1])
    assert_array_equal(layer.backward(np.eye(5, 3)), dx)


def test_parameters_are_kept_by_reference_and_gradients_keep_their_identity(rng):
    gamma, beta = np.ones(3), np.zeros(3)
    layer = BatchNormalization(gamma, beta)
    grads = layer.dgamma, layer.dbeta
    assert layer.gamma is gamma is layer.params[0] and layer.beta is beta is layer.params[1]
    x = rng.standard_normal((4, 3))
    layer.forward(x)
    layer.backward(x)
    assert layer.dgamma is grads[0] is layer.grads[0] and layer.dbeta is grads[1]
    gamma[...] = 0
    assert_array_equal(layer.forward(x), np.zeros((4, 3)))
    layer.gamma = other = np.ones(3, np.float32)
    assert layer.gamma is other and layer.dgamma.dtype == np.float32
    with_lists = BatchNormalization([1, 1], [0, 0])
    assert with_lists.gamma.dtype == np.float64


def test_mixed_dtypes(rng):
    """As NumPy: float64 where one is; what is kept stays of its own dtype."""
    layer = layer_of(rng, 4, np.float32)
    x = rng.standard_normal((6, 4))
    assert layer.forward(x).dtype == np.float64
    assert layer.running_mean.dtype == np.float32
    assert_allclose(layer.running_mean, 0.1 * x.mean(axis=0), rtol=1e-6)
    assert layer.backward(x.astype(np.float32)).dtype == np.float64  # x has its part in dx
    assert layer.dgamma.dtype == np.float32
    assert layer.forward(x.astype(np.float16)).dtype == np.float32
    assert layer.forward((10 * x).astype(int)).dtype == np.float64


def test_build_makes_the_parameters():
    layer = BatchNormalization(momentum=0.5)
    assert layer.params == [] and repr(layer) == "BatchNormalization()"
    layer.build(3, np.random.default_rng(0), "float32")
    assert_array_equal(layer.gamma, np.ones(3, np.float32), strict=True)
    assert_array_equal(layer.beta, np.zeros(3, np.float32), strict=True)
    assert layer.forward(np.eye(3, dtype=np.float32)).dtype == np.float32
    assert repr(layer) == "BatchNormalization(3)"
    other = pickle.loads(pickle.dumps(layer))
    assert_array_equal(copy.deepcopy(layer).backward(np.eye(3)), other.backward(np.eye(3)))
