"""Batch normalization: against the textbook's code, central differences and PyTorch."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.layers import BatchNormalization, Dense
from fastnet.models import Sequential
from fastnet.optimizer import SGD
from fastnet.reference import kernels as reference
from fastnet.reference import layers as reference_layers

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SIZES = [(2, 1), (3, 5), (4, 16), (5, 33), (17, 8), (100, 50), (64, 512)]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def layer_of(rng, d, dtype=np.float64, module=BatchNormalization, **options):
    gamma, beta = (rng.standard_normal(d).astype(dtype) for _ in range(2))
    return module(gamma, beta, **options)


@every_dtype
@pytest.mark.parametrize("size", SIZES, ids=str)
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
        expected, h = np.zeros_like(array), 1e-5
        for i in np.ndindex(array.shape):
            kept = array[i]
            array[i] = kept + h
            above = objective()
            array[i] = kept - h
            expected[i] = (above - objective()) / (2 * h)
            array[i] = kept
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


# --------------------------------------------------------------------------- kernels


@every_dtype
@pytest.mark.parametrize("size", SIZES, ids=str)
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


# --------------------------------------------------------------------------- errors

ONES = np.ones(3)


def called(n=4):
    layer = BatchNormalization(np.ones(3), np.zeros(3))
    layer.forward(np.arange(3.0 * n).reshape(n, 3))
    return layer


@pytest.mark.parametrize(
    ("call", "error", "text"),
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
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == text


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


def one_row_models():
    x, t = np.random.default_rng(0).standard_normal((33, 4)), np.arange(33) % 2
    model = Sequential([Dense(8), BatchNormalization(), Dense(2)], seed=0)
    model.build(4)
    return model, x, t


@pytest.mark.parametrize(("n", "batch_size"), [(33, 1), (1, 32), (1, 1)])
def test_batches_of_one_row_are_refused(n, batch_size):
    model, x, t = one_row_models()
    before = model.parameter_vector.copy()
    with pytest.raises(ValueError) as caught:
        model.fit(x[:n], t[:n], batch_size=batch_size, verbose=0)
    assert str(caught.value) == (
        "Sequential.fit: batch_size must be at least 2 for BatchNormalization to learn, got "
        f"batches of 1 of {n} samples. Give larger batches, or freeze the layer: trainable = False."
    )
    assert_array_equal(model.parameter_vector, before)
    model.layers[1].trainable = False
    assert len(model.fit(x[:n], t[:n], batch_size=batch_size, verbose=0).loss) == 1


@pytest.mark.parametrize("batch_size", [4, 16, 32])
def test_a_last_batch_of_one_row_is_left_out(batch_size):
    model, x, t = one_row_models()
    expected, _, _ = one_row_models()
    seen = model.fit(x, t, 3, batch_size, shuffle=False, verbose=0)
    wanted = expected.fit(x[:-1], t[:-1], 3, batch_size, shuffle=False, verbose=0)
    assert seen.loss == wanted.loss and seen.accuracy == wanted.accuracy
    assert_array_equal(model.parameter_vector, expected.parameter_vector)
    model.fit(x, t, 3, batch_size, validation_data=(x, t), verbose=0)  # another one each epoch
    # A model without it visits all.
    model, expected = (Sequential([Dense(2, input_shape=4)], seed=0) for _ in range(2))
    model.fit(x, t, 1, batch_size, shuffle=False, verbose=0)
    expected.fit(x[:-1], t[:-1], 1, batch_size, shuffle=False, verbose=0)
    assert not np.array_equal(model.parameter_vector, expected.parameter_vector)


def test_what_is_learnt_by_heart_is_evaluated_alike():
    model, x, t = one_row_models()
    seen = model.fit(x, t, 200, 16, SGD(0.1), verbose=0)
    assert abs(model.evaluate(x, t)["loss"] - seen.loss[-1]) < 0.5


def test_one_row_by_hand_is_warned_of():
    norm = BatchNormalization(np.ones(2), np.zeros(2))
    with pytest.warns(RuntimeWarning) as warned:
        assert_array_equal(norm.forward([[3.0, 4.0]]), 0)
    assert str(warned[0].message) == (
        "BatchNormalization.forward: x should have more than one row in training, got one, which "
        "becomes beta whatever it holds, as its variance is 0. Give a batch, train_flg=False, or "
        "freeze the layer (trainable = False)."
    )
    assert warned[0].filename == __file__
    norm.forward([[3.0, 4.0]], train_flg=False)
    norm.trainable = False
    norm.forward([[3.0, 4.0]])
