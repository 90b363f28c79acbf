"""What batch normalization refuses."""

import numpy as np
import pytest
from in_turn import every_dtype, with_each
from normalizations import SIZES
from numpy.testing import assert_allclose, assert_array_equal
from refused import refused

from fastnet import kernels
from fastnet.layers import BatchNormalization
from fastnet.reference import kernels as reference


@every_dtype
@with_each("size", SIZES)
def test_kernels_write_only_their_outputs(size, dtype, rng):
    n, d = size
    x, dout = (rng.standard_normal(size).astype(dtype) for _ in range(2))
    gamma, beta, mean, var = (np.abs(rng.standard_normal(d)).astype(dtype) for _ in range(4))
    x[::2] += 2
    framed = np.full((4, n + 2, d), -7, dtype)
    out, dx = framed[0, 1:-1], framed[1, 1:-1]
    small = np.full((8, 3, d), -7, dtype)
    stats, inverse, dgamma, dbeta = small[:4, 1]
    running = small[4:6, 1]
    running[:] = mean, var
    eps, momentum = dtype(1e-6), dtype(0.9)
    kernels.batch_normalization_forward(
        x, gamma, beta, momentum, eps, *running, stats, inverse, out
    )
    kernels.batch_normalization_backward(x, gamma, stats, inverse, dout, dx, dgamma, dbeta)
    assert (framed[:, [0, -1]] == -7).all() and (small[:, [0, 2]] == -7).all()
    wide = [np.empty_like(a) for a in (out, stats, inverse, dx, dgamma, dbeta)]
    kept = mean.copy(), var.copy()
    reference.batch_normalization_forward(
        x, gamma, beta, momentum, eps, *kept, wide[1], wide[2], wide[0]
    )
    reference.batch_normalization_backward(x, gamma, wide[1], wide[2], dout, *wide[3:])
    found = (out, stats, inverse, dx, dgamma, dbeta)
    for ours, theirs in zip((*found, *running), (*wide, *kept), strict=True):
        scale = max(1, np.abs(theirs).max()) * max(1, np.abs(wide[2]).max()) ** 2
        assert_allclose(ours, theirs, rtol=0, atol=4 * (n + 12) * np.finfo(dtype).eps * scale)
    kernels.batch_normalization_inference_forward(x, gamma, beta, eps, mean, var, out)
    reference.batch_normalization_inference_forward(x, gamma, beta, eps, mean, var, wide[0])
    bound = 8 * np.finfo(dtype).eps * np.abs(wide[0]).max()
    assert_allclose(out, wide[0], rtol=0, atol=bound)
    assert (framed[:, [0, -1]] == -7).all()


def test_nan_stays_in_its_column(rng):
    x = rng.standard_normal((5, 20))
    clean = BatchNormalization(np.ones(20), np.zeros(20)).forward(x)
    x[3, 7] = np.nan
    layer = BatchNormalization(np.ones(20), np.zeros(20))
    out = layer.forward(x)
    assert np.isnan(out[:, 7]).all()
    assert_array_equal(np.delete(out, 7, axis=1), np.delete(clean, 7, axis=1))
    assert np.isnan(layer.running_mean).sum() == 1


ONES = np.ones(3)


def called(n=4):
    layer = BatchNormalization(np.ones(3), np.zeros(3))
    layer.forward(np.arange(3.0 * n).reshape(n, 3))
    return layer


@with_each(
    "call, error, text",
    [
        (
            lambda: BatchNormalization(ONES),
            TypeError,
            "BatchNormalization: beta must be given where gamma is, got None. "
            "Give both, or neither.",
        ),
        (
            lambda: BatchNormalization(beta=ONES),
            TypeError,
            "BatchNormalization: gamma must be given where beta is, got None. "
            "Give both, or neither.",
        ),
        (
            lambda: BatchNormalization(ONES, np.ones(2)),
            ValueError,
            "BatchNormalization: beta must have shape (3,), got beta.shape=(2,). "
            "Give one number for each feature.",
        ),
        (
            lambda: BatchNormalization(ONES, ONES, running_var=np.ones(4)),
            ValueError,
            "BatchNormalization: running_var must have shape (3,), got running_var.shape=(4,). "
            "Give one number for each feature.",
        ),
        (
            lambda: BatchNormalization(np.ones((3, 1)), ONES),
            ValueError,
            "BatchNormalization: gamma must be (M,) with at least one entry, got "
            "gamma.shape=(3, 1). Give an array (M,).",
        ),
        (
            lambda: BatchNormalization("text", ONES),
            TypeError,
            "BatchNormalization: gamma must be an array of integers, float16, float32 or float64, "
            "got str of dtype <U4. Give an array of numbers.",
        ),
        (
            lambda: BatchNormalization(momentum=1.5),
            ValueError,
            "BatchNormalization: momentum must be in 0..1, got 1.5. Give a number such as 0.9.",
        ),
        (
            lambda: BatchNormalization(eps=0),
            ValueError,
            "BatchNormalization: eps must be above 0 and finite in float64, got 0.0. "
            "Give a number such as 1e-6.",
        ),
        (
            lambda: BatchNormalization(np.ones(3, "f"), np.ones(3, "f"), eps=1e-50).forward(
                np.ones((2, 3), "f")
            ),
            ValueError,
            "BatchNormalization.forward: eps must be above 0 and finite in float32, got 1e-50. "
            "Give a number such as 1e-6.",
        ),
        (
            lambda: called().forward(np.ones((4, 5))),
            ValueError,
            "BatchNormalization.forward: x must have 3 features to match gamma (3,), got "
            "x.shape=(4, 5). Give samples of 3 numbers.",
        ),
        (
            lambda: called().forward(ONES),
            ValueError,
            "BatchNormalization.forward: x must be (N, D) with at least one sample and one "
            "feature, got x.shape=(3,). Reshape samples of one feature to (N, 1): "
            "x.reshape(-1, 1); one sample to (1, D): x.reshape(1, -1).",
        ),
        (
            lambda: called().backward(np.ones((3, 4))),
            ValueError,
            "BatchNormalization.backward: dout must have shape (4, 3), got dout.shape=(3, 4). "
            "Give one number for each output of forward.",
        ),
        (
            lambda: BatchNormalization(ONES, ONES).backward(ONES),
            RuntimeError,
            "BatchNormalization.backward: call forward first.",
        ),
        (
            lambda: BatchNormalization().forward(ONES),
            RuntimeError,
            "BatchNormalization.forward: call build(n_in, rng, dtype) first, or put the layer into "
            "a Sequential and build or fit that.",
        ),
        (
            lambda: BatchNormalization().gamma,
            RuntimeError,
            "BatchNormalization.gamma: call build(n_in, rng, dtype) first, or put the layer into "
            "a Sequential and build or fit that.",
        ),
        (
            lambda: setattr(called(), "beta", np.ones(4)),
            ValueError,
            "BatchNormalization.beta: beta must have shape (3,), got beta.shape=(4,). "
            "Give one number for each feature.",
        ),
        (
            lambda: BatchNormalization(running_mean=ONES).build(4, None, "float32"),
            ValueError,
            "BatchNormalization.build: running_mean must have shape (4,), got "
            "running_mean.shape=(3,). Give one number for each feature.",
        ),
        (
            lambda: BatchNormalization().build(0, None, "float32"),
            ValueError,
            "BatchNormalization.build: n_in must be at least 1, got 0. Give a positive int.",
        ),
    ],
)
def test_errors(call, error, text):
    refused(call, error, text)


def test_errors_of_a_layer_in_use():
    layer = called()
    layer.x = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"^BatchNormalization\.backward: x must have shape \(4, "):
        layer.backward(np.ones((4, 3)))
    for name in ("params", "grads"):
        layer = called()
        getattr(layer, name).pop()
        with pytest.raises(ValueError, match=rf"backward: {name} must hold 2 arrays, got 1\."):
            layer.backward(np.ones((4, 3)))
    layer = called()
    layer.grads[1] = np.ones(200)
    with pytest.raises(ValueError, match=r"backward: dbeta must have shape \(3,\), got"):
        layer.backward(np.ones((4, 3)))
    layer = called()
    layer.params[1] = np.ones(1)
    with pytest.raises(ValueError, match=r"forward: beta must have shape \(3,\), got"):
        layer.forward(np.ones((4, 3)))
