"""Conv2D and Conv1D: against their twins, PyTorch, steps by hand, and in the compiled loop."""

import numpy as np
import pytest
from differences import central_difference
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal

import fastnet
from fastnet.layers import Conv1D, Conv2D, Dense, Steps
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam
from fastnet.reference import layers as reference

# Arguments, and the shape of a sample.
CASES = {
    "valid": (Conv2D, {"filters": 5, "kernel_size": 3, "activation": "relu"}, (9, 8, 3)),
    "same": (Conv2D, {"filters": 18, "kernel_size": 4, "padding": "same"}, (7, 6, 2)),
    "same, strides": (
        Conv2D,
        {"filters": 4, "kernel_size": (5, 2), "padding": "same", "strides": (3, 2)},
        (10, 7, 4),
    ),
    "explicit": (
        Conv2D,
        {"filters": 3, "kernel_size": 2, "padding": ((4, 0), (1, 3)), "activation": "tanh"},
        (5, 4, 1),
    ),
    "one number": (Conv2D, {"filters": 3, "kernel_size": 3, "padding": 5}, (2, 1, 33)),
    "dilation": (
        Conv2D,
        {"filters": 7, "kernel_size": 3, "dilation": (2, 3), "activation": "sigmoid"},
        (9, 8, 3),
    ),
    "groups": (
        Conv2D,
        {"filters": 8, "kernel_size": 3, "groups": 4, "strides": 2, "use_bias": False},
        (9, 8, 8),
    ),
    "depthwise": (
        Conv2D,
        {"filters": 20, "kernel_size": 3, "groups": 20, "padding": "same"},
        (6, 5, 20),
    ),
    "1x1": (Conv2D, {"filters": 20, "kernel_size": 1}, (6, 5, 17)),
    "sequence": (
        Conv1D,
        {"filters": 9, "kernel_size": 4, "strides": 2, "padding": "same", "activation": "relu"},
        (11, 5),
    ),
    "one step": (Conv1D, {"filters": 2, "kernel_size": 1, "dilation": 3}, (1, 3)),
}
every_case = pytest.mark.parametrize("case", CASES)


def layer_of(case, dtype=np.float64, module=None, **options):
    """Return a layer with numbers in its bias, and the shape of a sample."""
    kind, arguments, shape = CASES[case]
    if module is not None:
        kind = getattr(module, kind.__name__)
    layer = kind(**arguments, **options)
    layer.build(shape, np.random.default_rng(1), dtype)
    for b in layer.params[1:]:
        b[...] = np.linspace(-0.5, 0.5, b.size)
    return layer, shape


@every_case
def test_they_equal_their_twins(case, rng):
    (ours, shape), (twin, _) = layer_of(case), layer_of(case, module=reference)
    x = rng.standard_normal((4, *shape))
    out = ours.forward(x)
    assert out.shape[1:] == ours.output_shape(shape)
    assert_allclose(out, twin.forward(x), rtol=1e-12, atol=1e-12)
    dout = rng.standard_normal(out.shape)
    assert_allclose(ours.backward(dout), twin.backward(dout), rtol=1e-12, atol=1e-12)
    for mine, exact in zip(ours.grads, twin.grads, strict=True):
        assert_allclose(mine, exact, rtol=1e-12, atol=1e-12)


@every_case
def test_the_twins_gradients_equal_central_differences(case, rng):
    layer, shape = layer_of(case, module=reference)
    x = rng.standard_normal((2, *shape))
    dout = rng.standard_normal(layer.forward(x).shape)
    found = [(x, layer.backward(dout))]
    found += [(p, g.copy()) for p, g in zip(layer.params, layer.grads, strict=True)]
    for array, grad in found:
        some = rng.choice(array.size, min(20, array.size), replace=False)
        at = [np.unravel_index(i, array.shape) for i in some]
        slopes = central_difference(lambda: np.sum(layer.forward(x) * dout), array, 1e-6, at)
        for i in at:
            assert abs(grad[i] - slopes[i]) < 1e-6


@every_case
@with_each("activation", ["relu", "gelu", None])
def test_the_loop_steps_as_by_hand(case, activation, rng):
    kind, arguments, shape = CASES[case]
    arguments = arguments | {"activation": activation}
    x = rng.standard_normal((21, *shape))
    t = rng.integers(0, 3, (21, *([layer_of(case)[0].output_shape(shape)[0]] * (len(shape) == 2))))

    def model():
        return Sequential([kind(**arguments), Dense(3)], seed=3, dtype="float64", l2=0.1)

    looped, stepped = model(), model()
    looped.fit(x, t, epochs=2, batch_size=8, optimizer=SGD(0.05), shuffle=False)
    optimizer = SGD(0.05)
    stepped.build(shape)
    for _ in range(2):
        for start in range(0, 21, 8):
            stepped.forward(x[start : start + 8], t[start : start + 8])
            stepped.backward()
            optimizer.update(stepped.params, stepped.grads)
    for ours, theirs in zip(looped.params, stepped.params, strict=True):
        assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
    assert_allclose(looped.predict(x), stepped.predict(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("case", ["valid", "groups", "sequence"])
def test_central_differences_of_a_model(case, rng):
    kind, arguments, shape = CASES[case]
    model = Sequential(
        [kind(**arguments | {"activation": "tanh"}), Dense(3)], seed=3, dtype="float64"
    )
    x = rng.standard_normal((3, *shape))
    t = rng.integers(0, 3, (3, *([layer_of(case)[0].output_shape(shape)[0]] * (len(shape) == 2))))
    for ours, exact in zip(model.gradient(x, t), model.numerical_gradient(x, t), strict=True):
        assert_allclose(ours, exact, rtol=0, atol=1e-8)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
@every_dtype_name
def test_any_number_of_threads_gives_the_same_bits(optimizer, dtype, rng):
    x, t = rng.standard_normal((90, 13, 11, 3)), rng.integers(0, 4, 90)
    found, before = [], fastnet.get_num_threads()
    for threads in (1, 2, 3, 5):
        fastnet.set_num_threads(threads)
        model = Sequential(
            [
                Conv2D(40, 5, padding="same", activation="relu"),
                Conv2D(33, 3, strides=2, activation="tanh"),
                Conv2D(16, 1, groups=1, activation="silu"),
                Dense(4),
            ],
            seed=0,
            dtype=dtype,
        )
        model.fit(x, t, epochs=2, batch_size=40, optimizer=optimizer(0.01))
        found.append([p.copy() for p in model.params])
    fastnet.set_num_threads(before)
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            assert_array_equal(one, same)


@every_case
def test_files_keep_all_of_it(case, rng, tmp_path):
    kind, arguments, shape = CASES[case]
    model = Sequential([kind(**arguments), Dense(3)], seed=3)
    x = rng.standard_normal((6, *shape)).astype(np.float32)
    t = rng.integers(0, 3, (6, *([layer_of(case)[0].output_shape(shape)[0]] * (len(shape) == 2))))
    model.fit(x, t, optimizer=Adam(0.01))
    model.save(tmp_path / "model.safetensors")
    again = Sequential.load(tmp_path / "model.safetensors")
    layer = again.layers[0]
    for name in kind.argument_names:
        assert getattr(layer, name) == getattr(model.layers[0], name)
    assert_array_equal(again.predict(x), model.predict(x))
    for each in (model, again):
        each.fit(x, t, optimizer=each.optimizer)
    for ours, theirs in zip(again.params, model.params, strict=True):
        assert_array_equal(ours, theirs)


def test_torch_agrees(rng):
    torch = pytest.importorskip("torch")
    layer = Conv2D(12, (3, 2), strides=(2, 1), padding=((1, 1), (2, 2)), groups=2)
    layer.build((9, 8, 6), rng, "float64")
    x = rng.standard_normal((3, 9, 8, 6))
    theirs = torch.nn.Conv2d(6, 12, (3, 2), (2, 1), (1, 2), groups=2, dtype=torch.float64)
    with torch.no_grad():
        theirs.weight[:] = torch.tensor(layer.W.transpose(3, 2, 0, 1))
        theirs.bias[:] = torch.tensor(layer.b)
    images = torch.tensor(x.transpose(0, 3, 1, 2), requires_grad=True)
    out = theirs(images)
    dout = rng.standard_normal(tuple(out.shape))
    out.backward(torch.tensor(dout))
    wanted = out.detach().numpy().transpose(0, 2, 3, 1)
    assert np.abs(layer.forward(x) - wanted).max() < 1e-12 * np.abs(wanted).max()
    dx = layer.backward(dout.transpose(0, 2, 3, 1))
    assert_allclose(dx.transpose(0, 3, 1, 2), images.grad.numpy(), rtol=0, atol=1e-12)
    assert_allclose(layer.dW.transpose(3, 2, 0, 1), theirs.weight.grad.numpy(), rtol=0, atol=1e-12)
    assert_allclose(layer.db, theirs.bias.grad.numpy(), rtol=0, atol=1e-12)


def test_a_dense_layer_behind_a_sequence_goes_along_its_steps(rng):
    model = Sequential([Conv1D(4, 3), Dense(2)], seed=0)
    assert isinstance(Conv1D(4, 3).output_shape((7, 5)), Steps)
    x, t = rng.standard_normal((9, 7, 5)), rng.integers(0, 2, (9, 5))
    model.fit(x, t)
    assert model.predict(x).shape == (9, 5, 2)


def test_a_depthwise_convolution_has_kernels_of_its_own():
    model = Sequential([Conv2D(6, 3, groups=6), Conv2D(6, 3, groups=3), Dense(3)], seed=0)
    model.build((7, 8, 6))
    names = [kernels[0].__name__ for _, kernels in model._network.called]
    assert names == ["depthwise_in_loop", "convolution_in_loop"]
