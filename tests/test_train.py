"""The compiled epochs: against the reference, whatever the stack, the loss and the rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.kernels import (
    FLOAT32,
    FLOAT64,
    IDENTITY,
    MEAN_SQUARED_ERROR,
    RELU,
    SIGMOID,
    SOFTMAX_CROSS_ENTROPY,
    TANH,
    UINT8,
)
from fastnet.reference import kernels as reference
from fastnet.reference.kernels.record import layers_of, program_of

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_loss = pytest.mark.parametrize("loss", [SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR])

KINDS = {"f4": FLOAT32, "f8": FLOAT64, "u1": UINT8}
ONLY = "activation only"
SENTINEL = -7.25
ALONE = np.zeros(1, np.int64)  # no team

# Inputs, then a layer each: (outputs, activation), (outputs, activation, "no bias") or
# (ONLY, activation).
STACKS = {
    "one layer": (5, (3, IDENTITY)),
    "sigmoid": (5, (9, SIGMOID), (3, IDENTITY)),
    "relu": (5, (16, RELU), (3, IDENTITY)),
    "tanh": (5, (4, TANH), (3, IDENTITY)),
    "three layers": (5, (17, TANH), (8, RELU), (3, SIGMOID)),
    "no bias": (5, (9, SIGMOID, "no bias"), (7, RELU), (3, IDENTITY, "no bias")),
    "activations apart": (5, (9, IDENTITY), (ONLY, SIGMOID), (6, TANH), (ONLY, RELU), (3, TANH)),
    "activations in a row": (5, (9, RELU), (ONLY, TANH), (ONLY, SIGMOID), (3, IDENTITY)),
    "activations at the ends": (5, (ONLY, TANH), (8, IDENTITY), (3, TANH), (ONLY, SIGMOID)),
    "wide": (70, (75, RELU), (33, SIGMOID), (10, IDENTITY)),
    "many classes": (5, (4, TANH), (37, IDENTITY)),
    "deep sums": (300, (5, RELU), (3, IDENTITY)),
}
every_stack = pytest.mark.parametrize("stack", STACKS)


def build(stack, dtype, seed=0):
    """Return the records of the layers and the flat parameters, Xavier with small biases."""
    rng = np.random.default_rng(seed)
    table, pieces, d, at = [], [], stack[0], 0
    for width, activation, *no_bias in stack[1:]:
        if width == ONLY:
            table.append((d, d, -1, -1, activation))
            continue
        pieces.append(rng.standard_normal(d * width) / np.sqrt(d))
        if not no_bias:
            pieces.append(rng.standard_normal(width) / 10)
        table.append((d, width, at, -1 if no_bias else at + d * width, activation))
        at += d * width + (0 if no_bias else width)
        d = width
    return layers_of(table), np.concatenate(pieces).astype(dtype)


def data(stack, dtype, n=37, seed=1):
    """Return x, labels, targets (one-hot)."""
    rng = np.random.default_rng(seed)
    classes = build(stack, dtype)[0]["outputs"][-1]
    labels = rng.integers(0, classes, n)
    x = rng.standard_normal((n, stack[0])).astype(dtype)
    return x, labels, np.eye(classes, dtype=dtype)[labels]


def rows_of(x):
    """Return the three arguments that describe x."""
    address = x.__array_interface__["data"][0]
    return address, KINDS[x.dtype.str[1:]], x.strides[0]


def framed(size, dtype):
    buffer = np.full(size + 80, SENTINEL, dtype)
    return buffer, buffer[40 : 40 + size]


def assert_frame(buffer):
    assert (buffer[:40] == SENTINEL).all() and (buffer[-40:] == SENTINEL).all()


def epoch(
    module, x, labels, targets, layers, params, loss,
    order=None, batch_size=8, lr=0.3, learn=True, scale=1, offset=-0.0,
):  # fmt: skip
    """Train params in place and return the totals; check what must stay as it is.

    `order` names the rows of one epoch, or of several: (n,) with totals (3,), or (E, n) and (E, 3).
    """
    dtype = params.dtype.type
    order = np.arange(len(x)) if order is None else np.asarray(order, np.int64)
    epochs = np.atleast_2d(order)
    if loss == SOFTMAX_CROSS_ENTROPY:
        targets = np.empty((0, 0), dtype)
    else:
        labels = np.empty(0, np.int64)
    programs = program_of(layers, loss, x_scale=scale, x_offset=offset)
    work_buffer, work = framed(module.work_size(programs, batch_size), dtype)
    work[:] = np.nan
    totals_buffer, totals = framed(3 * len(epochs), np.float64)
    totals = totals.reshape(-1, 3)
    kept = [a.copy() for a in (x, labels, targets, epochs)]
    described = programs.base.tobytes()
    result = module.train_epochs(
        *rows_of(x), labels, targets, epochs, batch_size, params, programs,
        dtype(lr), learn, work, totals, ALONE, 0,
    )  # fmt: skip
    assert result is None
    assert_frame(work_buffer)
    assert_frame(totals_buffer)
    for array, copy in zip((x, labels, targets, epochs), kept, strict=True):
        assert np.array_equal(array, copy, equal_nan=array.dtype.kind == "f")
    assert programs.base.tobytes() == described
    return totals.reshape(*order.shape[:-1], 3)


def predict(module, x, layers, params, order=None, batch_size=8, scale=1, offset=-0.0):
    dtype = params.dtype.type
    order = np.arange(len(x)) if order is None else np.asarray(order, np.int64)
    columns = int(layers["outputs"][-1])
    programs = program_of(layers, x_scale=scale, x_offset=offset)
    work_buffer, work = framed(module.work_size(programs, batch_size), dtype)
    work[:] = np.nan
    out_buffer, out = framed(len(order) * columns, dtype)
    out = out.reshape(len(order), columns)
    kept = params.copy()
    module.predict_rows(
        *rows_of(x), order, params, programs, work, batch_size, out, ALONE, 0,
    )  # fmt: skip
    assert_frame(work_buffer)
    assert_frame(out_buffer)
    assert_array_equal(params, kept)
    return out


@every_loss
@every_stack
@every_dtype
def test_epochs_equal_the_reference(stack, loss, dtype):
    """Three epochs of 37 shuffled rows, 8 a batch, the last of 5."""
    layers, start = build(STACKS[stack], dtype)
    x, labels, targets = data(STACKS[stack], dtype)
    params, expected = start.copy(), start.astype(np.float64)
    rng = np.random.default_rng(2)
    # float32 is held to the float64 reference: 15 updates, each a few roundings a term.
    eps = np.finfo(dtype).eps
    bound = 15 * eps * (np.sqrt(max(layers["inputs"].max(), 37)) + 4)
    for _ in range(3):
        order = rng.permutation(len(x))
        totals = epoch(kernels, x, labels, targets, layers, params, loss, order)
        wanted = epoch(
            reference, x.astype(np.float64), labels, targets.astype(np.float64), layers,
            expected, loss, order,
        )  # fmt: skip
        assert_allclose(params, expected, rtol=bound, atol=bound)
        assert_allclose(totals[0], wanted[0], rtol=bound)
        assert_array_equal(totals[1:], wanted[1:])
        assert totals[2] == 5
    assert np.abs(params - start).max() > 1e3 * bound  # something was learnt


@pytest.mark.parametrize("batch_size", [1, 2, 7, 36, 37, 38, 100])
@every_dtype
def test_batch_sizes(batch_size, dtype):
    stack = STACKS["three layers"]
    layers, start = build(stack, dtype)
    x, labels, targets = data(stack, dtype)
    params, expected = start.copy(), start.astype(np.float64)
    arguments = {"batch_size": batch_size, "lr": 0.05}
    totals = epoch(kernels, x, labels, targets, layers, params, SOFTMAX_CROSS_ENTROPY, **arguments)
    wanted = epoch(
        reference, x.astype(np.float64), labels, targets, layers, expected,
        SOFTMAX_CROSS_ENTROPY, **arguments,
    )  # fmt: skip
    bound = 200 * np.finfo(dtype).eps
    assert_allclose(params, expected, rtol=bound, atol=bound)
    assert_allclose(totals, wanted, rtol=bound)
    assert totals[2] == -(-37 // batch_size)


@every_loss
@every_dtype
def test_epochs_in_one_call_are_epochs_in_many(loss, dtype):
    stack = STACKS["three layers"]
    layers, params = build(stack, dtype)
    x, labels, targets = data(stack, dtype)
    rng = np.random.default_rng(2)
    order = np.stack([rng.permutation(37)[:30] for _ in range(4)])
    copied = params.copy()
    totals = epoch(kernels, x, labels, targets, layers, params, loss, order)
    assert totals.shape == (4, 3)
    for rows, one in zip(order, totals, strict=True):
        wanted = epoch(kernels, x, labels, targets, layers, copied, loss, rows)
        assert_array_equal(one, wanted)
    assert_array_equal(params, copied)
    assert len(np.unique(totals[:, 0])) == 4


@pytest.mark.parametrize("order", [[], [5], [3, 3, 3], [36, 0, 17, 5, 5, 9, 1, 2, 30]])
@every_loss
def test_order_names_the_rows(order, loss):
    """Some rows, one row often, none: as training on x[order]."""
    stack = STACKS["sigmoid"]
    layers, params = build(stack, np.float64)
    x, labels, targets = data(stack, np.float64)
    copied = params.copy()
    totals = epoch(kernels, x, labels, targets, layers, params, loss, order, batch_size=4)
    index = np.array(order, np.int64)
    wanted = epoch(
        kernels, x[index], labels[index], targets[index], layers, copied, loss, batch_size=4
    )
    assert_array_equal(params, copied)
    assert_array_equal(totals, wanted)
    assert totals[2] == -(-len(order) // 4)


# Rows


def pictures(kind, n=37, d=21):
    return np.random.default_rng(3).integers(0, 256, (n, d)).astype(kind)


@pytest.mark.parametrize("kind", ["u1", "f4", "f8"])
@every_dtype
def test_kinds_of_rows(kind, dtype):
    """Rows of any kind, scaled on the way, are rows converted before: to the bit."""
    stack = (21, (9, TANH), (3, IDENTITY))
    layers, params = build(stack, dtype)
    _, labels, targets = data(stack, dtype)
    x = pictures(kind)
    if kind != "u1":
        x = (x + x.dtype.type(0.1)).astype(kind)
    converted = x.astype(dtype) * dtype(1 / 255)
    copied = params.copy()
    arguments = labels, targets, layers
    totals = epoch(kernels, x, *arguments, params, SOFTMAX_CROSS_ENTROPY, scale=1 / 255)
    assert_array_equal(totals, epoch(kernels, converted, *arguments, copied, SOFTMAX_CROSS_ENTROPY))
    assert_array_equal(params, copied)
    assert_array_equal(
        predict(kernels, x, layers, params, scale=1 / 255),
        predict(kernels, converted, layers, params),
    )


@pytest.mark.parametrize("kind", ["u1", "f4", "f8"])
@pytest.mark.parametrize("columns", [*range(1, 18), 33, 64, 65])
@every_dtype
def test_widths_of_rows(columns, kind, dtype):
    """A layer without weights shows what was read, in every tail."""
    layers = layers_of([(columns, columns, -1, -1, IDENTITY)])
    x = pictures(kind, 5, columns)
    out = predict(kernels, x, layers, np.zeros(1, dtype), batch_size=2, scale=0.5)
    assert_array_equal(out, x.astype(dtype) * dtype(0.5))


@pytest.mark.parametrize("kind", ["u1", "f4", "f8"])
def test_strides_of_rows(kind):
    """Sliced and reversed views are read in place."""
    stack = (21, (9, TANH), (3, IDENTITY))
    _, labels, targets = data(stack, np.float32)
    whole = pictures(kind, 74, 40)
    for x in (whole[::2, 3:24], whole[73::-2, :21], whole[:37, 19:], whole[36::-1, 5:26]):
        assert x.shape == (37, 21) and not x.flags.c_contiguous
        layers, params = build(stack, np.float32)
        copied = params.copy()
        arguments = labels, targets, layers
        totals = epoch(kernels, x, *arguments, params, SOFTMAX_CROSS_ENTROPY, scale=1 / 255)
        wanted = epoch(kernels, x.copy(), *arguments, copied, SOFTMAX_CROSS_ENTROPY, scale=1 / 255)
        assert_array_equal(totals, wanted)
        assert_array_equal(params, copied)
        twin = predict(reference, x, layers, params, scale=1 / 255)
        assert_allclose(
            predict(kernels, x, layers, params, scale=1 / 255), twin, rtol=1e-5, atol=1e-6
        )


# Evaluation


@pytest.mark.parametrize("classes", [2, 10, 40])
@every_dtype
def test_an_answer_among_nan_is_not_right(classes, dtype):
    """Nor is a later one of equal ones; infinity may be right."""
    layers = layers_of([(classes, classes, -1, -1, IDENTITY)])  # what goes in comes out
    x = np.zeros((6, classes), dtype)
    x[0, 1] = x[1, 0] = np.nan
    x[2, 1] = np.inf
    x[3, :] = -np.inf
    labels = np.array([0, 1, 1, 0, 1, 0])
    arguments = x, labels, None, layers, np.empty(0, dtype), SOFTMAX_CROSS_ENTROPY
    assert epoch(kernels, *arguments, batch_size=6, learn=False)[1] == 3
    assert np.isnan(epoch(kernels, *arguments, batch_size=6, learn=False)[0])


@every_loss
@every_dtype
def test_without_learning_nothing_changes(loss, dtype):
    stack = STACKS["three layers"]
    layers, params = build(stack, dtype)
    x, labels, targets = data(stack, dtype)
    kept = params.copy()
    results = [
        epoch(kernels, x, labels, targets, layers, params, loss, batch_size=size, learn=False)
        for size in (1, 8, 37, 100)
    ]
    assert_array_equal(params, kept)
    for totals in results[1:]:  # the same loss and answers, whatever the batches
        assert_allclose(totals[0], results[0][0], rtol=4 * np.finfo(np.float64).eps * 37)
        assert totals[1] == results[0][1]
    out = predict(kernels, x, layers, params)
    assert results[0][1] == np.count_nonzero(out.argmax(axis=1) == labels)
    assert 0 < results[0][1] < 37
    if loss == MEAN_SQUARED_ERROR:
        expected = np.sum((out.astype(np.float64) - targets) ** 2) / 2
    else:
        out = out.astype(np.float64)
        expected = np.sum(np.log(np.exp(out).sum(axis=1)) - out[np.arange(37), labels])
    assert_allclose(results[0][0], expected, rtol=20 * np.finfo(dtype).eps)


def test_equal_outputs_answer_with_the_first_class():
    """As argmax does, over whole vectors and tails."""
    for classes in (2, 10, 16, 40):
        layers = layers_of([(3, classes, 0, -1, IDENTITY)])
        x, targets = np.ones((classes, 3)), np.eye(classes)

        def right(labels, params, loss, x=x, targets=targets, layers=layers):
            labels = np.broadcast_to(labels, len(x)).copy()
            t = targets[labels]
            return epoch(kernels, x, labels, t, layers, params, loss, learn=False)[1]

        for loss in (SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR):
            params = np.zeros(3 * classes)
            assert right(0, params, loss) == classes
            assert right(1, params, loss) == right(classes - 1, params, loss) == 0
            params[classes - 1] = 1.0
            assert right(classes - 1, params, loss) == classes
            assert right(0, params, loss) == 0
            params[classes // 2] = 1.0  # the last is no more the first of the largest
            assert right(classes // 2, params, loss) == classes
            assert right(np.arange(classes), params, loss) == 1


def test_one_output_is_right_on_the_same_side_of_a_half():
    layers = layers_of([(1, 1, -1, -1, IDENTITY)])
    x = np.array([[0.4], [0.6], [0.5], [0.9], [-3.0], [0.2]])
    targets = np.array([[0.0], [1.0], [1.0], [0.0], [0.0], [0.7]])
    for module in (kernels, reference):
        totals = epoch(
            module, x, None, targets, layers, np.zeros(1), MEAN_SQUARED_ERROR, learn=False
        )
        assert totals[1] == 3


# A loss that is not finite


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@every_loss
@every_dtype
def test_stops_before_the_update_of_a_loss_that_is_not_finite(value, loss, dtype):
    """In the fourth batch of the second of three epochs; what follows counts nothing."""
    stack = STACKS["relu"]
    layers, params = build(stack, dtype)
    x, labels, targets = data(stack, dtype)
    x[29] = value
    order = np.stack([np.arange(24), np.r_[:8, 29, 8:23], np.arange(24)])
    copied, twin = params.copy(), params.astype(np.float64)
    wanted = [
        epoch(kernels, x, labels, targets, layers, copied, loss, rows)
        for rows in (order[0], order[1, :8])
    ]
    totals = epoch(kernels, x, labels, targets, layers, params, loss, order)
    assert_array_equal(params, copied)
    assert np.isfinite(params).all()
    assert_array_equal(totals, [*wanted, [0, 0, 0]])
    assert_array_equal(totals[:, 2], [3, 1, 0])
    with np.errstate(invalid="ignore"):
        again = epoch(
            reference, x.astype(np.float64), labels, targets.astype(np.float64), layers, twin,
            loss, order,
        )  # fmt: skip
    assert_array_equal(again[:, 1:], totals[:, 1:])


@every_dtype
def test_a_loss_that_overflows_stops(dtype):
    """It is inf, of finite outputs."""
    stack = STACKS["one layer"]
    layers, params = build(stack, dtype)
    x, labels, targets = data(stack, dtype)
    copied = params.copy()
    epoch(kernels, x, labels, targets, layers, copied, MEAN_SQUARED_ERROR, np.arange(8))
    x[11] = np.sqrt(np.finfo(dtype).max) * 100
    totals = epoch(kernels, x, labels, targets, layers, params, MEAN_SQUARED_ERROR)
    assert_array_equal(params, copied)
    assert np.isfinite(totals).all() and totals[2] == 1
    assert np.isfinite(predict(kernels, x, layers, params)).all()


@every_loss
def test_evaluation_reports_a_loss_that_is_not_finite(loss):
    """It goes on to the end, and no parameter is in danger."""
    stack = STACKS["relu"]
    layers, params = build(stack, np.float64)
    x, labels, targets = data(stack, np.float64)
    x[11] = np.nan
    kept = params.copy()
    with np.errstate(invalid="ignore"):
        results = [
            epoch(module, x, labels, targets, layers, params, loss, learn=False)
            for module in (kernels, reference)
        ]
    for totals in results:
        assert np.isnan(totals[0]) and totals[2] == 5
    assert_array_equal(params, kept)


@every_dtype
def test_a_learning_rate_that_diverges_stops(dtype):
    stack = STACKS["relu"]
    layers, params = build(stack, dtype)
    x, labels, targets = data(stack, dtype)
    done = [
        epoch(kernels, x, labels, targets, layers, params, MEAN_SQUARED_ERROR, lr=1e6)[2]
        for _ in range(20)
    ]
    assert done[0] > 0 and done[-1] == 0


# Gradients


@pytest.mark.parametrize(
    "stack", ["three layers", "no bias", "activations apart", "activations at the ends"]
)
@every_loss
def test_gradients_equal_central_differences(stack, loss):
    """One update of one batch with lr = 1 moves the parameters by the gradient."""
    layers, params = build(STACKS[stack], np.float64)
    x, labels, targets = data(STACKS[stack], np.float64, n=6)
    arguments = x, labels, targets, layers
    moved = params.copy()
    epoch(kernels, *arguments, moved, loss, batch_size=6, lr=1.0)
    gradient = params - moved
    assert np.abs(gradient).max() > 0.02
    for i in range(len(params)):
        sides = []
        for change in (1e-6, -1e-6):
            at = params.copy()
            at[i] += change
            sides.append(epoch(kernels, *arguments, at, loss, batch_size=6, learn=False)[0] / 6)
        assert abs((sides[0] - sides[1]) / 2e-6 - gradient[i]) < 1e-8, i


# XOR: a third input of 1 stands for the bias.
XOR_STACK = (3, (4, SIGMOID, "no bias"), (1, SIGMOID, "no bias"))
XOR_X = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
XOR_T = np.array([[0.0], [1.0], [1.0], [0.0]])


def test_xor_equals_the_reference_after_1000_updates():
    layers, params = build(XOR_STACK, np.float64)
    start, expected = params.copy(), params.copy()
    order = np.tile(np.arange(4), 250)
    arguments = {"batch_size": 1, "lr": 0.9}
    for module, weights in ((kernels, params), (reference, expected)):
        totals = epoch(
            module, XOR_X, None, XOR_T, layers, weights, MEAN_SQUARED_ERROR, order, **arguments
        )
        assert totals[2] == 1000
    assert_allclose(params, expected, rtol=1e-11)
    assert np.abs(params - start).max() > 0.1


@every_dtype
def test_xor_is_learnt(dtype):
    layers, params = build(XOR_STACK, dtype)
    order = np.tile(np.arange(4), 10_000)
    x, t = XOR_X.astype(dtype), XOR_T.astype(dtype)
    epoch(kernels, x, None, t, layers, params, MEAN_SQUARED_ERROR, order, batch_size=1, lr=0.9)
    assert np.abs(predict(kernels, x, layers, params) - t).max() < 0.1


# One sample an update: kernels/loop/online.py

# Around its limits: vectors of 16 or fewer lanes, 128 rows of W and b.
TINY_STACKS = {
    "one number": (1, (1, SIGMOID)),
    "one class": (3, (1, IDENTITY)),
    "xor": (3, (4, SIGMOID), (1, SIGMOID)),
    "two": (2, (2, TANH), (2, IDENTITY)),
    "one in between": (7, (1, RELU), (3, TANH), (2, SIGMOID)),
    "no bias": (4, (1, SIGMOID, "no bias"), (5, RELU, "no bias"), (3, IDENTITY, "no bias")),
    "two lanes": (2, (2, SIGMOID), (2, IDENTITY)),
    "four lanes": (4, (4, SIGMOID), (4, IDENTITY)),
    "five lanes": (5, (5, SIGMOID), (5, IDENTITY)),
    "eight lanes": (8, (8, SIGMOID), (8, TANH), (8, IDENTITY)),
    "nine lanes": (9, (9, SIGMOID), (9, IDENTITY)),
    "sixteen lanes": (16, (16, SIGMOID), (16, IDENTITY)),
    "seventeen lanes": (17, (17, SIGMOID), (17, IDENTITY)),
    "many inputs": (100, (4, SIGMOID), (2, IDENTITY)),
    "many inputs of one": (100, (1, TANH), (2, IDENTITY)),
    "128 rows": (127, (2, IDENTITY)),
    "129 rows": (128, (2, IDENTITY)),
    "401 rows": (400, (2, SIGMOID)),
    "three to one": (5, (3, SIGMOID), (6, SIGMOID), (1, SIGMOID)),
    "an activation apart": (4, (3, IDENTITY), (ONLY, SIGMOID), (2, IDENTITY)),
}


@pytest.mark.parametrize("stack", TINY_STACKS)
@every_loss
@every_dtype
def test_one_sample_an_update(stack, loss, dtype):
    """Two epochs of 37 shuffled rows."""
    layers, start = build(TINY_STACKS[stack], dtype)
    x, labels, targets = data(TINY_STACKS[stack], dtype)
    order = np.stack([np.random.default_rng(seed).permutation(37) for seed in (3, 4)])
    arguments = {"batch_size": 1, "lr": 0.01}
    params, expected = framed(len(start), dtype)[1], start.astype(np.float64)
    params[:] = start
    totals = epoch(kernels, x, labels, targets, layers, params, loss, order, **arguments)
    assert_frame(params.base)
    wanted = epoch(
        reference, x.astype(np.float64), labels, targets.astype(np.float64), layers,
        expected, loss, order, **arguments,
    )  # fmt: skip
    eps = np.finfo(dtype).eps
    bound = 74 * eps * (np.sqrt(layers["inputs"].max()) + 4)
    assert_allclose(params, expected, rtol=bound, atol=bound)
    assert_allclose(totals[:, 0], wanted[:, 0], rtol=bound, atol=bound)
    assert_array_equal(totals[:, 1:], wanted[:, 1:])
    if (
        loss == MEAN_SQUARED_ERROR or layers["outputs"][-1] > 1
    ):  # of one class there is nothing to learn
        assert np.abs(params - start).max() > 100 * eps


@pytest.mark.parametrize("stack", ["four lanes", "five lanes", "sixteen lanes"])
@every_dtype
def test_one_sample_with_a_large_logit(stack, dtype):
    """The softmax subtracts the largest of all."""
    layers, params = build(TINY_STACKS[stack], dtype)
    x, labels, targets = data(TINY_STACKS[stack], dtype)
    params[-1] = 1000
    totals = epoch(
        kernels, x, labels, targets, layers, params, SOFTMAX_CROSS_ENTROPY, batch_size=1, lr=0.01
    )
    assert totals[2] == 37
    assert_allclose(totals[0], 1000 * (labels != labels.max()).sum(), rtol=0.01)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("stack", ["two", "many inputs", "sixteen lanes"])
@every_loss
@every_dtype
def test_one_sample_whose_loss_is_not_finite_stops(stack, value, loss, dtype):
    """The fourth of the second of three epochs; tanh and sigmoid of inf are finite, so a target."""
    layers, params = build(TINY_STACKS[stack], dtype)
    x, labels, targets = data(TINY_STACKS[stack], dtype)
    x[29] = np.nan
    if loss == MEAN_SQUARED_ERROR:
        x[29], targets[29, 0] = 0, value
    order = np.stack([np.arange(8), np.r_[:3, 29, 3:7], np.arange(8)])
    copied = params.copy()
    wanted = [
        epoch(kernels, x, labels, targets, layers, copied, loss, rows, batch_size=1)
        for rows in (order[0], order[1, :3])
    ]
    totals = epoch(kernels, x, labels, targets, layers, params, loss, order, batch_size=1)
    assert_array_equal(params, copied)
    assert np.isfinite(params).all()
    assert_array_equal(totals, [*wanted, [0, 0, 0]])
    assert_array_equal(totals[:, 2], [8, 3, 0])


# Prediction


@every_stack
@every_dtype
def test_predict(stack, dtype):
    layers, params = build(STACKS[stack], dtype)
    x, _, _ = data(STACKS[stack], dtype)
    order = np.random.default_rng(4).integers(0, 37, 50)
    exact = predict(reference, x.astype(np.float64), layers, params.astype(np.float64), order)
    out = predict(kernels, x, layers, params, order)
    bound = 4 * np.finfo(dtype).eps * np.sqrt(layers["inputs"].max())
    assert_allclose(out, exact, rtol=4 * bound, atol=4 * bound)
    for batch_size in (1, 7, 64):  # a batch is its rows, to the bit
        assert_array_equal(predict(kernels, x, layers, params, order, batch_size), out)
    assert predict(kernels, x, layers, params, []).shape == (0, layers["outputs"][-1])


@every_dtype
def test_predict_lets_nan_through(dtype):
    stack = STACKS["relu"]
    layers, params = build(stack, dtype)
    x, _, _ = data(stack, dtype)
    clean = predict(kernels, x, layers, params)
    x[11, 4] = np.nan
    out = predict(kernels, x, layers, params)
    assert np.isnan(out[11]).all()
    assert_array_equal(np.delete(out, 11, axis=0), np.delete(clean, 11, axis=0))


def test_the_same_call_gives_the_same_bits():
    stack = STACKS["wide"]
    x, labels, targets = data(stack, np.float32)
    runs = []
    for _ in range(2):
        layers, params = build(stack, np.float32)
        totals = epoch(kernels, x, labels, targets, layers, params, SOFTMAX_CROSS_ENTROPY)
        runs.append((params, totals))
    assert_array_equal(runs[0][0], runs[1][0])
    assert_array_equal(runs[0][1], runs[1][1])


def test_a_new_topology_compiles_nothing():
    """Stack, activations, loss, kind of rows and batch size are data."""
    for dtype in (np.float32, np.float64):
        layers, params = build(STACKS["one layer"], dtype)
        x, labels, targets = data(STACKS["one layer"], dtype)
        epoch(kernels, x, labels, targets, layers, params, SOFTMAX_CROSS_ENTROPY)
        predict(kernels, x, layers, params)
    dispatchers = kernels.train_epochs, kernels.predict_rows, kernels.work_size
    before = [len(dispatcher.signatures) for dispatcher in dispatchers]
    assert before == [2, 2, 1]
    for n, stack in enumerate(STACKS.values()):
        for dtype in (np.float32, np.float64):
            for kind in KINDS:
                layers, params = build(stack, dtype)
                x, labels, targets = data(stack, dtype)
                x = x.astype(kind) if kind != "u1" else (100 + 10 * x).astype(kind)
                settings = {"batch_size": n + 1, "scale": 0.1}
                epoch(kernels, x, labels, targets, layers, params, n % 2, **settings)
                predict(kernels, x, layers, params, **settings)
    assert [len(dispatcher.signatures) for dispatcher in dispatchers] == before
