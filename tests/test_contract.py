"""What every function and layer promises about the arrays that it takes and returns.

Any layout gives the same bits; inputs are not modified; results are fresh and of NumPy's dtype;
and all of that compiles each kernel once for float32 and once for float64.
"""

import pickle
import sys
from functools import partial

import children
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet import functions, kernels, layers, losses, optimizer, penalties
from fastnet.textbook import second

T = np.array([0, 3, 1, 2, 2, 0])
N, D = 6, 4


def weights(dtype=np.float64):
    rng = np.random.default_rng(5)
    return rng.standard_normal((D, D)).astype(dtype), rng.standard_normal(D).astype(dtype)


def scales(dtype=np.float64):
    b = weights(dtype)[1]
    return b, b[::-1].copy()


def function(f):
    return lambda x, dout, dtype: [f(x)]


def layer(make):
    """Call both ways; return all that comes out, gradients as copies."""

    def call(x, dout, dtype):
        made = make(dtype)
        results = [made.forward(x), made.backward(dout)]
        return results + [grad.copy() for grad in made.grads]

    return call


def loss(make):
    def call(x, dout, dtype):
        made = make()
        return [made.forward(x, T), made.backward()]

    return call


def of_targets(make, change):
    """Call a loss with targets that fit it, made of dout."""

    def call(x, dout, dtype):
        made = make()
        return [made.forward(x, change(dout)), made.backward()]

    return call


def given(dout):
    return dout


def signs(dout):
    return np.where(np.asarray(dout) > 0, 1, -1).astype(np.int8)


def yes_or_no(dout):
    return np.asarray(dout) > 0


def weighted(x, dout, dtype):
    made = losses.WeightedLosses([losses.MeanSquaredError(), losses.MeanAbsoluteError()], [1, 2])
    return [made.forward([x, dout], [dout, x]), *made.backward()]


def sgd(x, dout, dtype):
    W = np.ones((N, D), dtype)
    optimizer.SGD(lr=0.1).update([W], [dout])
    return [W]


def updated(make):
    """Do two updates: the second finds states."""

    def call(x, dout, dtype):
        W, made = np.ones((N, D), dtype), make(clip_norm=1.0)
        made.update([W], [dout])
        made.update([W], [dout])
        return [W]

    return call


UPDATES = {
    kind.__name__: updated(kind)
    for kind in vars(optimizer).values()
    if isinstance(kind, type) and kind not in (optimizer.Optimizer, optimizer.SGD)
} | {"SGD": sgd, "SGD with a limit": updated(optimizer.SGD)}


def dense(activation):
    def make(dtype):
        made = layers.Dense(D, activation=activation)
        made.build(D, np.random.default_rng(0), dtype)
        return made

    return make


ACTIVATIONS = [*layers.activations.__all__, *layers.gates.__all__]
PENALTIES = ["l1_penalty", "l1_penalty_gradient", "l2_penalty", "l2_penalty_gradient"]


def repeat(x, dout, dtype):
    made = layers.Repeat(2, axis=1)
    return [made.forward(x), made.backward(np.concatenate([dout, dout], axis=1))]


def sum_of(x, dout, dtype):
    made = layers.Sum()
    return [made.forward(x), made.backward(dout[:1])]


def two(kind):
    def call(x, dout, dtype):
        made = kind()
        return [made.forward(x, dout), *made.backward(dout)]

    return call


def of_steps(make, forward, backward):
    """Call a layer of sequences: x and dout are one of six steps, or six of one."""

    def call(x, dout, dtype):
        made = make(dtype)
        results = [made.forward(*forward(x, dout)), made.backward(*backward(x, dout))]
        flat = [each for one in results for each in (one if type(one) is tuple else (one,))]
        return [each for each in flat if each is not None] + [grad.copy() for grad in made.grads]

    return call


def negative_sampling(dtype):
    W, rng = weights(dtype)[0], np.random.default_rng(0)
    return layers.NegativeSamplingLoss(W, [0, 1, 2, 3], sample_size=2, rng=rng)


SEQUENCES = {
    "TimeEmbedding": of_steps(
        lambda dtype: layers.TimeEmbedding(weights(dtype)[0]),
        lambda x, dout: [[T]],
        lambda x, dout: [[dout]],
    ),
    "TimeAffine": of_steps(
        lambda dtype: layers.TimeAffine(*weights(dtype)),
        lambda x, dout: [[x]],
        lambda x, dout: [[dout]],
    ),
    "TimeAffine tied": of_steps(
        lambda dtype: layers.TimeAffine(weights(dtype)[0].T, weights(dtype)[1]),
        lambda x, dout: [[x]],
        lambda x, dout: [[dout]],
    ),
    "TimeDropout": of_steps(
        lambda dtype: layers.TimeDropout(rng=np.random.default_rng(0)),
        lambda x, dout: [[x]],
        lambda x, dout: [[dout]],
    ),
    "TimeSoftmaxWithLoss": of_steps(
        lambda dtype: layers.TimeSoftmaxWithLoss(),
        lambda x, dout: ([x], [T - 1]),
        lambda x, dout: (),
    ),
    "TimeSigmoidWithLoss": of_steps(
        lambda dtype: layers.TimeSigmoidWithLoss(),
        lambda x, dout: (x, yes_or_no(dout)),
        lambda x, dout: (),
    ),
    "WeightSum": of_steps(
        lambda dtype: layers.WeightSum(),
        lambda x, dout: ([x], np.asarray(dout).T[:1]),
        lambda x, dout: [dout[:1]],
    ),
    "AttentionWeight": of_steps(
        lambda dtype: layers.AttentionWeight(),
        lambda x, dout: ([x], dout[:1]),
        lambda x, dout: [np.asarray(dout).T[:1]],
    ),
    "Attention": of_steps(
        lambda dtype: layers.Attention(),
        lambda x, dout: ([x], dout[:1]),
        lambda x, dout: [dout[:1]],
    ),
    "TimeAttention": of_steps(
        lambda dtype: layers.TimeAttention(),
        lambda x, dout: ([x], [dout]),
        lambda x, dout: [[dout]],
    ),
    "EmbeddingDot": of_steps(
        lambda dtype: layers.EmbeddingDot(weights(dtype)[0]),
        lambda x, dout: (x, T),
        lambda x, dout: [np.ones(N, np.float32)],
    ),
    "NegativeSamplingLoss": of_steps(negative_sampling, lambda x, dout: (x, T), lambda x, dout: ()),
}


# Name -> call(x, dout, dtype of the parameters): all its results. x and dout are (N, D).
CALLS = {
    "sigmoid": function(functions.sigmoid),
    "relu": function(functions.relu),
    "sigmoid_grad": function(functions.sigmoid_grad),
    "relu_grad": function(functions.relu_grad),
    "softmax": function(functions.softmax),
    "cross_entropy_error": function(lambda x: functions.cross_entropy_error(x, T)),
    "softmax_loss": function(lambda x: functions.softmax_loss(x, T)),
    "Softmax": layer(lambda dtype: layers.Softmax()),
    **{name: layer(lambda dtype, name=name: getattr(layers, name)()) for name in ACTIVATIONS},
    "Gelu tanh": layer(lambda dtype: layers.Gelu("tanh")),
    "Rescaling": layer(lambda dtype: layers.Rescaling(0.5, -0.25)),
    "Dropout": layer(lambda dtype: layers.Dropout(rng=np.random.default_rng(0))),
    "BatchNormalization": layer(lambda dtype: layers.BatchNormalization(*scales(dtype))),
    "Repeat": repeat,
    "Sum": sum_of,
    "Add": two(layers.Add),
    "Multiply": two(layers.Multiply),
    **{name: function(partial(getattr(penalties, name), strength=0.5)) for name in PENALTIES},
    "MatMul": layer(lambda dtype: layers.MatMul(weights(dtype)[0])),
    "Affine": layer(lambda dtype: layers.Affine(*weights(dtype))),
    "Dense": layer(dense(None)),
    "Dense sigmoid": layer(dense("sigmoid")),
    "Dense relu": layer(dense("relu")),
    "Dense tanh": layer(dense("tanh")),
    **{kind.__name__: of_targets(kind, given) for kind in losses.LOSSES.values()},
    "SoftmaxWithLoss": loss(layers.SoftmaxWithLoss),
    "SoftmaxCrossEntropy": loss(losses.SoftmaxCrossEntropy),
    "sum_squared_error": lambda x, dout, dtype: [functions.sum_squared_error(x, dout)],
    "CategoricalHinge": loss(losses.CategoricalHinge),
    "SparseCategoricalCrossEntropy": loss(losses.SparseCategoricalCrossEntropy),
    "MeanSquaredLogarithmicError": of_targets(losses.MeanSquaredLogarithmicError, yes_or_no),
    "Poisson": of_targets(losses.Poisson, yes_or_no),
    "CategoricalCrossEntropy": of_targets(losses.CategoricalCrossEntropy, yes_or_no),
    "BinaryCrossEntropy": of_targets(losses.BinaryCrossEntropy, yes_or_no),
    "SigmoidCrossEntropy": of_targets(losses.SigmoidCrossEntropy, yes_or_no),
    "KullbackLeiblerDivergence": of_targets(losses.KullbackLeiblerDivergence, yes_or_no),
    "Hinge": of_targets(losses.Hinge, signs),
    "SquaredHinge": of_targets(losses.SquaredHinge, signs),
    "SigmoidWithLoss": of_targets(losses.SigmoidWithLoss, yes_or_no),
    "WeightedLosses": weighted,
    **SEQUENCES,
    **UPDATES,
}
PRODUCTS = {"MatMul", "Affine", "Dense", "Dense sigmoid", "Dense relu", "Dense tanh"}
PRODUCTS |= {"BatchNormalization"}
# Of sequences and words: their results have the dtype of x and the parameters, too.
HELD = {"TimeAffine", "TimeAffine tied", "EmbeddingDot", "NegativeSamplingLoss"}


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def sliced(array):
    big = np.zeros((2 * N, D + 3), array.dtype)
    big[::2, 1 : D + 1] = array
    return big[::2, 1 : D + 1]


def unaligned(array):
    memory = bytearray(1 + array.nbytes)
    memory[1:] = array.tobytes()
    found = np.frombuffer(memory, array.dtype, offset=1).reshape(array.shape)
    assert not found.flags.aligned or array.itemsize == 1
    return found


LAYOUTS = {
    "contiguous": np.copy,
    "Fortran": np.asfortranarray,
    "sliced": sliced,
    "every other column": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
    "negative strides": lambda array: array[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": read_only,
    "unaligned": unaligned,
    "byte-swapped": lambda array: array.astype(array.dtype.newbyteorder()),
    "unpickled": lambda array: pickle.loads(pickle.dumps(array)),
    "masked": np.ma.array,  # a subclass, which Numba does not take; the mask is not looked at
}


def inputs(dtype=np.float64):
    rng = np.random.default_rng(0)
    x = rng.uniform(0.05, 1.5, (N, D)).astype(dtype)  # cross_entropy_error wants it positive
    return x, rng.standard_normal((N, D)).astype(dtype)


def arrays(value):
    return [array for array in value if isinstance(array, np.ndarray)]


@pytest.mark.usefixtures("dispatcher_confused")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CALLS)
def test_any_layout_gives_the_same_bits_and_is_not_modified(name, layout, dtype):
    x, dout = inputs(dtype)
    given = LAYOUTS[layout](x), LAYOUTS[layout](dout)
    results = CALLS[name](*given, dtype)
    for result, expected in zip(results, CALLS[name](x, dout, dtype), strict=True):
        assert_array_equal(result, expected, strict=True)
        assert type(result) in (np.ndarray, dtype)
    for array, before in zip(given, (x, dout), strict=True):
        assert_array_equal(array, before)
    assert_array_equal(T, [0, 3, 1, 2, 2, 0])


@pytest.mark.parametrize("name", sorted(CALLS.keys() - UPDATES.keys()))
def test_lists_are_float64(name):
    x, dout = inputs()
    results = CALLS[name](x.tolist(), dout.tolist(), np.float64)
    for result, expected in zip(results, CALLS[name](x, dout, np.float64), strict=True):
        assert_array_equal(result, expected, strict=True)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_of_any_layout_are_kept_and_used(layout, dtype):
    x, dout = inputs(dtype)
    W, b = weights(dtype)
    plain = layers.Affine(W, b)
    tall = np.zeros((N, D), dtype)
    tall[:D] = W
    kept = LAYOUTS[layout](tall)[:D]  # sliced() makes N rows
    ours = layers.Affine(kept, b)
    assert ours.W is kept
    assert_array_equal(ours.forward(x), plain.forward(x), strict=True)
    assert_array_equal(ours.backward(dout), plain.backward(dout), strict=True)
    assert_array_equal(ours.dW, plain.dW, strict=True)
    assert_array_equal(kept, W)


@pytest.mark.parametrize("layout", ["Fortran", "sliced", "byte-swapped", "contiguous"])
def test_gradients_are_written_into_whatever_array_stands_in_grads(layout):
    x, dout = inputs()
    W, b = weights()
    plain, ours = layers.Affine(W, b), layers.Affine(W, b)
    mine = LAYOUTS[layout](np.zeros((N, D)))[:D]
    ours.grads[0] = mine
    for each in (plain, ours):
        each.forward(x)
        each.backward(dout)
        each.backward(dout)  # overwrites
    assert ours.dW is mine
    assert_array_equal(mine, plain.dW)


@pytest.mark.parametrize("name", CALLS)
def test_results_are_fresh(name):
    x, dout = inputs()
    first = arrays(CALLS[name](x, dout, np.float64))
    kept = [array.copy() for array in first]
    second = arrays(CALLS[name](x, dout, np.float64))
    every = [x, dout, *first, *second]
    for i, one in enumerate(every):
        assert not any(np.shares_memory(one, other) for other in every[:i])
    for array in second:
        array[...] = 99
    for array, before in zip(first, kept, strict=True):
        assert_array_equal(array, before)


@pytest.mark.parametrize(
    "name", sorted(PRODUCTS | {"Softmax", "Dropout", "Rescaling", *ACTIVATIONS})
)
def test_one_layer_returns_another_array_at_every_call(name):
    made = []

    def spy(make):
        def call(dtype):
            made.append(make(dtype))
            return made[-1]

        return call

    # The call closes over the function that makes the layer.
    make = CALLS[name].__closure__[0].cell_contents
    layer(spy(make))(*inputs(), np.float64)
    x, dout = inputs()
    outs = [made[0].forward(x), made[0].forward(x)]
    gradients = [made[0].backward(dout), made[0].backward(dout)]
    every = [x, dout, *outs, *gradients, *made[0].params, *made[0].grads]
    for i, one in enumerate(every):
        assert not any(np.shares_memory(one, other) for other in every[:i])


# dtype of x -> dtype of an elementwise result: NumPy's, and float64 for integers.
ALONE = {
    "float16": "float16",
    "float32": "float32",
    "float64": "float64",
    "bool": "float64",
    "uint8": "float64",
    "int16": "float64",
    "int64": "float64",
}


@pytest.mark.parametrize("given", ALONE)
# Not BinaryCrossEntropy: these x are no probabilities.
@pytest.mark.parametrize(
    "name",
    sorted(
        CALLS.keys() - PRODUCTS - HELD - UPDATES.keys() - {"BinaryCrossEntropy", "TimeEmbedding"}
    ),
)
def test_results_have_numpys_dtype(name, given):
    x, dout = ((10 * array).astype(given) for array in inputs())
    wide = np.float32 if given == "float16" else np.float64
    # float16 is computed in float32; each result is rounded once, and backward reads a rounded
    # output, so compare forward to the bit and backward closely.
    computed = CALLS[name](x.astype(wide), dout.astype(wide), wide)
    results = CALLS[name](x, dout, wide)
    for i, (result, expected) in enumerate(zip(results, computed, strict=True)):
        assert result.dtype == ALONE[given]
        if i == 0 or given != "float16":
            expected = computed[i].astype(ALONE[given])
            if given in ("float32", "float64"):
                expected = CALLS[name](x, dout, wide)[i]
            assert_array_equal(result, expected)
        else:
            assert np.abs(result - expected).max() < 0.02 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("given", ALONE)
@pytest.mark.parametrize("held", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(PRODUCTS | HELD))
def test_products_have_numpys_dtype(name, held, given):
    x, dout = ((10 * array).astype(given) for array in inputs())
    out, dx, *grads = CALLS[name](x, dout, held)
    expected = np.result_type(given, held)
    assert out.dtype == dx.dtype == expected
    for grad in grads:
        assert grad.dtype == held
    wide = CALLS[name](x.astype(expected), dout.astype(expected), held)
    for result, wanted in zip([out, dx, *grads], wide, strict=True):
        assert_array_equal(result, wanted, strict=True)


@pytest.mark.parametrize("name", ["MatMul", "Affine"])
def test_a_gradient_of_another_dtype_than_x(name):
    x, dout = inputs()
    held = CALLS[name](x, dout.astype(np.float32), np.float32)
    assert [array.dtype for array in held[:3]] == ["float64", "float32", "float32"]
    held = CALLS[name](x.astype(np.float32), dout, np.float32)
    assert [array.dtype for array in held[:3]] == ["float32", "float64", "float32"]


# --------------------------------------------------------------------------- compiled signatures


def call_everything():
    """Run in a process of its own, where no other test has compiled a kernel."""
    # First, because Numba refuses a masked array only while a kernel is not compiled.
    masked = [np.ma.array(array) for array in weights()]
    layers.Affine(*masked).forward(masked[0])
    optimizer.SGD().update(masked, list(weights()))
    labels = [T, T.astype(np.uint8), read_only(T), T[::-1], T.tolist(), np.eye(D)[T]]
    for call in CALLS.values():
        for dtype in ("float16", "float32", "float64", "int64", "uint8"):
            for make in LAYOUTS.values():
                x, dout = (make(array.astype(dtype)) for array in inputs())
                held = np.float32 if dtype == "float32" else np.float64
                call(x, dout, held)
                if call not in UPDATES.values():
                    call(x, dout.astype(np.float64), np.float32)
    for x in inputs(np.float32):
        for shape in [(-1,), (N, D), (2, 3, D)]:
            for f in (functions.sigmoid, functions.relu):
                f(x.reshape(shape))
            for node in (layers.Add(), layers.Multiply()):
                node.backward(node.forward(x.reshape(shape), x.reshape(shape)))
        normalization = layers.BatchNormalization(*scales(np.float32))
        for each in (x, x.astype(np.float64), x.reshape(N, 2, 2), x.tolist()):
            normalization.forward(each, train_flg=False)
            layers.Dropout().forward(each)
            for dtype in ("float32", "float64"):
                convolution = layers.Convolution(np.ones((2, 1, 2, 2), dtype), np.zeros(2, dtype))
                convolution.backward(convolution.forward(np.reshape(each, (-1, 1, 2, 2))))
            embedding = layers.Embedding(each[:, :D] if each is x else x.astype(np.float64))
            for idx in (T, T.reshape(2, 3), T.tolist()):
                embedding.backward(embedding.forward(idx))
        for dtype in ("float32", "float64"):
            steps, rng = np.ones((2, 3, D), dtype), np.random.default_rng(0)
            for name, gates in (("TimeRNN", 1), ("TimeLSTM", 4), ("TimeGRU", 3)):
                arrays = [np.ones(s, dtype) for s in ((D, gates), (1, gates), (gates,))]
                recurrent = getattr(layers, name)(*arrays)
                recurrent.backward(recurrent.forward(steps))
            for recurrent in (layers.GRU(2), layers.Bidirectional(layers.LSTM(2))):
                recurrent.build(steps.shape[1:], rng, dtype)
                recurrent.backward(recurrent.forward(steps))
            pixels = np.ones((2, 4, 4, 3), dtype)
            pooling = layers.MaxPooling2D(2), layers.MaxPooling2D(3, strides=1)
            for pool in (*pooling, layers.AveragePooling2D(2), layers.GlobalAveragePooling2D()):
                pool.backward(pool.forward(pixels))
            functions.col2im(functions.im2col(pixels, 2, 2), pixels.shape, 2, 2)
            second.ppmi(second.create_co_matrix([0, 1, 0, 2], 3).astype(dtype))
        functions.softmax(x[0])
        functions.sigmoid(x[0, 0])
        layers.Affine(*weights(np.float32)).forward(x[0])
        layers.Affine(weights(np.float32)[0].T, weights()[1]).forward(x.reshape(2, 3, 2, 2)[0])
        for t in labels:
            losses.SoftmaxCrossEntropy().forward(x, t)
        for soft in (np.full((N, D), 1 / D), np.full((N, D), 1 / D, np.float32)):
            loss = losses.SoftmaxCrossEntropy()
            loss.forward(x, soft), loss.backward()
        params = [np.ones(shape, np.float32) for shape in [(), (3,), (3, 2), (2, 2, 2)]]
        optimizer.SGD(1).update(params, [param.copy() for param in params])
        optimizer.SGD(1.0).update(params, [param.copy() for param in params])
        optimizer.SGD(np.float64(1)).update([params[2].T], [params[2].T])
    return {
        name: len(getattr(kernels, name).signatures)
        for name in kernels.__all__
        if hasattr(getattr(kernels, name), "signatures")
    }


def test_each_kernel_is_compiled_once_a_dtype():
    code = f"import runpy; print(runpy.run_path({__file__!r})['call_everything']())"
    # What is compiled also counts the kernels that it calls, so the second run is looked at.
    for _ in range(2):
        run = children.run([sys.executable, "-c", code])
        assert run.returncode == 0, run.stderr
    counts = eval(run.stdout)
    assert max(counts.values()) == 2, {name: n for name, n in counts.items() if n > 2}
    unused = {name for name, n in counts.items() if n == 0}
    assert unused == {  # not the layers' kernels; else the limit above would mean little
        "affine_backward_sgd_update",
        "central_differences",
        "dropout_mask",
        "exp_forward",
        "log_forward",
        "sgd_update",  # by those of kernels.checked alone
        *(name for name in counts if name in ("predict_rows", "train_epochs", "work_size")),
    }
