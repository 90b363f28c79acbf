"""Kernels that check their own arguments: what they compute, and what they refuse untouched."""

import inspect
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastnet import kernels
from fastnet.kernels import checked
from fastnet.kernels.checked import (
    address_of,
    affine_layer_backward,
    affine_layer_forward,
    affine_sgd_update,
    all_between,
    all_either,
    array_sgd_update,
    copy_labels,
    one_hot_labels,
    softmax_with_loss_forward,
    three_layer_sgd_update,
    two_layer_gradient,
    two_layer_sgd_update,
)

N, D, H, C = 5, 7, 6, 4
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def numbers(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def layers(dtype=np.float64, d=D, h=H, c=C, seed=0):
    """W1, b1, W2, b2 or their gradients."""
    return three_layers(dtype, d, h, c, seed)[:4]


def three_layers(dtype=np.float64, d=D, h=H, c=C, seed=0):
    shapes = [(d, h), (h,), (h, c), (c,), (c, d), (d,)]
    return [numbers(*shape, seed=seed + i, dtype=dtype) for i, shape in enumerate(shapes)]


def gradient_arguments(n=N, d=D, h=H, c=C):
    outputs = [(n, h), (n, c)]
    return [
        numbers(n, d, seed=9),
        np.arange(n) % c,
        *layers(np.float64, d, h, c),
        *[np.full_like(array, -7.25) for array in layers(np.float64, d, h, c)],
        *[np.full(shape, -7.25) for shape in outputs],
        np.full(n, -7),
        np.full(n * (h + c) + 1, -7.25),
    ]


def loss_arguments(dtype=np.float64, n=N, c=C):
    x = numbers(n, c, dtype=dtype)
    return [x, np.arange(n) % c, np.full_like(x, -7.25), np.full(1, -7.25, dtype), np.full(n, -7)]


def forward_arguments(dtype=np.float64, n=N, d=D, m=H, activation=kernels.TANH):
    x, W, b = (numbers(*shape, seed=m, dtype=dtype) for shape in ((n, d), (d, m), (m,)))
    return [x, W, b, activation, np.full((n, m), -7.25, dtype)]


def backward_arguments(dtype=np.float64, n=N, d=D, m=H):
    given = [numbers(*shape, seed=m, dtype=dtype) for shape in ((n, d), (d, m), (n, m))]
    return given + [np.full(shape, -7.25, dtype) for shape in ((n, d), (d, m), m)]


# Kernel -> function that makes arguments it takes. The outputs hold what no result is.
ARGUMENTS = {
    address_of: lambda: [numbers(N, D)],
    copy_labels: lambda: [np.arange(N) % C, C, np.full(N, -7)],
    all_between: lambda: [np.abs(numbers(N, D)), 0.0, 9.0],
    all_either: lambda: [np.sign(numbers(N, D)), -1.0, 1.0],
    one_hot_labels: lambda: [np.eye(C)[np.arange(N) % C], np.full(N, -7)],
    softmax_with_loss_forward: loss_arguments,
    affine_layer_forward: forward_arguments,
    affine_layer_backward: backward_arguments,
    two_layer_gradient: gradient_arguments,
    array_sgd_update: lambda: [0.1, numbers(D, H), numbers(D, H, seed=5)],
    affine_sgd_update: lambda: [0.1, *layers()[:2], *layers(seed=5)[:2]],
    two_layer_sgd_update: lambda: [0.1, *layers(), *layers(seed=5)],
    three_layer_sgd_update: lambda: [0.1, *three_layers(), *three_layers(seed=5)],
}


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array):
    memory = bytearray(1 + array.nbytes)
    memory[1:] = array.tobytes()
    return np.frombuffer(memory, array.dtype, offset=1).reshape(array.shape)


OTHERS = {
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "Fortran": lambda a: np.asfortranarray(a) if a.ndim > 1 else np.repeat(a, 2)[::2],
    "read-only": read_only,
    "unaligned": unaligned,
    "another dtype": lambda a: a.astype(np.int32 if a.dtype.kind == "i" else np.float16),
    "another of the dtypes": lambda a: a.astype(np.float64 if a.dtype.kind == "i" else np.float32),
    "complex": lambda a: a.astype(complex),
    "object": lambda a: a.astype(object),
    "more dimensions": lambda a: a[np.newaxis],
    "fewer dimensions": lambda a: a[0],
    "a list": lambda a: a.tolist(),
    "None": lambda a: None,
}


def same(arguments, before):
    for one, two in zip(arguments, before, strict=True):
        assert_array_equal(np.asarray(one), np.asarray(two))


def test_every_checked_kernel_is_here():
    found = {
        name
        for name, value in vars(checked).items()
        if name[0] != "_" and hasattr(value, "py_func")
    }
    found.remove("weighted_loss")  # whose arguments its one caller makes itself
    assert found == {kernel.__name__ for kernel in ARGUMENTS}


@pytest.mark.parametrize("kernel", ARGUMENTS, ids=lambda kernel: kernel.__name__)
def test_other_arrays_are_refused_and_nothing_is_compiled_for_them(kernel):
    assert kernel(*ARGUMENTS[kernel]())
    compiled = list(kernel.signatures)
    for i, argument in enumerate(ARGUMENTS[kernel]()):
        for name, change in OTHERS.items():
            arguments = ARGUMENTS[kernel]()
            if not isinstance(argument, np.ndarray):
                arguments[i] = "text"
            elif kernel is address_of and name in ("another of the dtypes", "unaligned"):
                continue  # these it takes
            elif kernel in (all_between, all_either) and name == "another of the dtypes":
                continue
            elif kernel is one_hot_labels and (i, name) == (0, "another of the dtypes"):
                continue  # this, too
            else:
                arguments[i] = change(argument)
            if isinstance(argument, np.ndarray) and argument.size == 1:
                if name in ("strided", "Fortran"):
                    continue  # one number has no gaps
            before = [np.copy(a) for a in arguments]
            assert kernel(*arguments) is False, (i, name)
            same(arguments, before)
    assert kernel.signatures == compiled


@pytest.mark.parametrize("kernel", ARGUMENTS, ids=lambda kernel: kernel.__name__)
def test_arrays_out_of_a_pickle_are_taken(kernel):
    assert kernel(*pickle.loads(pickle.dumps(ARGUMENTS[kernel]())))


# Those that have no second array take every shape.
OF_ONE_ARRAY = {address_of, all_between, all_either}


OF_MORE = [kernel for kernel in ARGUMENTS if kernel not in OF_ONE_ARRAY]


@pytest.mark.parametrize("kernel", OF_MORE, ids=lambda kernel: kernel.__name__)
def test_another_shape_is_refused(kernel):
    for i, argument in enumerate(ARGUMENTS[kernel]()):
        if not isinstance(argument, np.ndarray):
            continue
        for axis in range(argument.ndim):
            for size in (0, argument.shape[axis] - 1, argument.shape[axis] + 1):
                if kernel is one_hot_labels and (i, axis) == (0, 1) and size == C + 1:
                    continue  # one more class is no other shape
                arguments = ARGUMENTS[kernel]()
                shape = list(argument.shape)
                shape[axis] = size
                arguments[i] = np.resize(argument, shape)
                before = [np.copy(a) for a in arguments]
                assert kernel(*arguments) is False, (i, axis, size)
                if kernel is one_hot_labels:  # it reads as it writes
                    arguments, before = arguments[:1], before[:1]
                same(arguments, before)


@pytest.mark.parametrize("label", [-1, C, 2**62, -(2**63)])
@pytest.mark.parametrize("row", [0, N - 1])
@pytest.mark.parametrize("kernel", [copy_labels, softmax_with_loss_forward, two_layer_gradient])
def test_labels_out_of_range_are_refused(kernel, row, label):
    arguments = ARGUMENTS[kernel]()
    names = list(inspect.signature(kernel.py_func).parameters)
    arguments[names.index("t")][row] = label
    before = [np.copy(a) for a in arguments]
    assert kernel(*arguments) is False
    k = names.index("labels")
    same(arguments[:k] + arguments[k + 1 :], before[:k] + before[k + 1 :])


# --------------------------------------------------------------------------- results


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_address_of(dtype):
    x = np.ones((3, 5), dtype)
    assert address_of(x) == x.ctypes.data == address_of(x[1:]) - 5 * x.itemsize


def test_labels_are_copied():
    t, labels = np.array([0, 3, 1]), np.full(3, -1)
    assert copy_labels(t, 4, labels)
    assert_array_equal(labels, t)
    assert one_hot_labels(np.eye(4)[t], labels[::-1].copy()) is True
    for dtype in (np.float32, np.float64):
        labels[...] = -1
        assert one_hot_labels(np.eye(4, dtype=dtype)[t], labels) is True
        assert_array_equal(labels, t)


@pytest.mark.parametrize(
    "row",
    [
        [0, 0, 0, 0],
        [0, 1, 0, 1],
        [0, 0, 2, 0],
        [0.5, 0.5, 0, 0],
        [1, 0, 0, np.nan],
        [np.nan, 1, 0, 0],
        [1, -1, 0, 0],
        [np.inf, 1, 0, 0],
        [0, 1, 5e-324, 0],
    ],
    ids=str,
)
@pytest.mark.parametrize("at", [0, 2])
@every_dtype
def test_rows_that_are_not_one_hot_are_refused(dtype, row, at):
    t = np.eye(4, dtype=dtype)[[1, 0, 3]]
    t[at] = row
    expected = dtype is np.float32 and row[2] == 5e-324  # which is 0 there
    assert one_hot_labels(t, np.zeros(3, np.int64)) is expected


@every_dtype
@pytest.mark.parametrize(("n", "c"), [(1, 1), (3, 4), (5, 10), (2, 33)])
def test_softmax_with_loss_has_the_bits_of_its_parts(n, c, dtype):
    x, t, y, loss, labels = loss_arguments(dtype, n, c)
    kept = x.copy()
    assert softmax_with_loss_forward(x, t, y, loss, labels) is True
    expected, total = np.empty_like(x), np.empty(1, dtype)
    kernels.softmax_forward(x, expected)
    kernels.cross_entropy_forward(expected, t, total)
    same([y, loss, labels, x], [expected, total, t, kept])


@every_dtype
@pytest.mark.parametrize("activation", range(4))
@pytest.mark.parametrize("size", [(1, 1, 1), (1, 4, 64), (3, 2, 9), (33, 64, 75)])
def test_affine_layer_has_the_bits_of_its_parts(size, activation, dtype):
    arguments = forward_arguments(dtype, *size, activation)
    kept = [a.copy() for a in arguments[:3]]
    expected = np.empty_like(arguments[-1])
    kernels.affine_forward(*arguments[:-1], expected)
    assert affine_layer_forward(*arguments) is True
    same([*arguments[:3], arguments[-1]], [*kept, expected])
    arguments = backward_arguments(dtype, *size)
    kept, expected = ([a.copy() for a in part] for part in (arguments[:3], arguments[3:]))
    kernels.affine_backward(*kept, *expected)
    assert affine_layer_backward(*arguments) is True
    same(arguments, kept + expected)


@pytest.mark.parametrize("n, d, m", [(0, D, H), (N, 0, H), (N, D, 0)])
def test_an_affine_layer_without_rows_or_numbers_is_refused(n, d, m):
    for kernel, make in (
        (affine_layer_forward, forward_arguments),
        (affine_layer_backward, backward_arguments),
    ):
        arguments = make(np.float64, n, d, m)
        before = [np.copy(a) for a in arguments]
        assert kernel(*arguments) is False
        same(arguments, before)


@pytest.mark.parametrize("size", [(1, 1, 1, 1), (3, 2, 9, 17), (32, 64, 32, 10), (4, 30, 50, 8)])
def test_gradient_has_the_bits_of_its_parts(size):
    n, d, h, c = size
    arguments = gradient_arguments(*size)
    x, t, W1, b1, W2, b2, dW1, db1, dW2, db2, hidden, y, labels, work = arguments
    kept = [a.copy() for a in arguments[:6]]
    assert two_layer_gradient(*arguments) is True
    same(arguments[:6], kept)
    h1, scores, p, total = np.empty((n, h)), np.empty((n, c)), np.empty((n, c)), np.empty(1)
    dy, dout, unused = np.empty((n, c)), np.empty((n, h)), np.empty((n, d))
    kernels.affine_forward(x, W1, b1, kernels.IDENTITY, h1)
    kernels.relu_forward(h1, h1)
    kernels.affine_forward(h1, W2, b2, kernels.IDENTITY, scores)
    kernels.softmax_forward(scores, p)
    kernels.cross_entropy_forward(p, t, total)
    kernels.softmax_cross_entropy_backward(p, t, 1.0, dy)
    grads = [np.empty_like(a) for a in (W1, b1, W2, b2)]
    kernels.affine_backward(h1, W2, dy, dout, *grads[2:])
    kernels.relu_backward(h1, dout, dout)
    kernels.affine_backward(x, W1, dout, unused, *grads[:2])
    same([hidden, y, work[-1:], labels, dW1, db1, dW2, db2], [h1, p, total, t, *grads])


UPDATES = {
    array_sgd_update: 1,
    affine_sgd_update: 2,
    two_layer_sgd_update: 4,
    three_layer_sgd_update: 6,
}


@every_dtype
@pytest.mark.parametrize("lr", [0.1, -3.7, 0.0])
@pytest.mark.parametrize("kernel", UPDATES, ids=lambda kernel: kernel.__name__)
def test_updates_have_numpys_bits(kernel, lr, dtype):
    count = UPDATES[kernel]
    grads = three_layers(dtype, 3, 17, 33)[:count]
    # In the middle of sentinels.
    memory = [np.full(grad.size + 80, -7.25, dtype) for grad in grads]
    params = [m[40:-40].reshape(g.shape) for m, g in zip(memory, grads, strict=True)]
    for i, param in enumerate(params):
        param[...] = numbers(*param.shape, seed=20 + i)
    expected = [p - dtype(lr) * g for p, g in zip(params, grads, strict=True)]
    kept = [grad.copy() for grad in grads]
    assert kernel(lr, *grads, *params) is True
    same(params, expected)
    same(grads, kept)
    assert all((m[:40] == -7.25).all() and (m[-40:] == -7.25).all() for m in memory)


@pytest.mark.parametrize(
    ("kernel", "i"), [(kernel, i) for kernel, count in UPDATES.items() for i in range(count)]
)
@pytest.mark.parametrize("shift", [1, -1, 3, 0, None])
def test_a_gradient_that_overlaps_its_parameter_is_refused(shift, kernel, i):
    """Element by element the very same array is read and written at one place; NumPy's bits."""
    count = UPDATES[kernel]
    params, grads = three_layers()[:count], three_layers(seed=5)[:count]
    size = params[i].size
    memory = numbers(3 * size)
    start = 2 * size if shift is None else size + shift  # None: side by side
    params[i] = memory[size : 2 * size].reshape(params[i].shape)
    grads[i] = memory[start : start + size].reshape(params[i].shape)
    expected = [p - 0.5 * g for p, g in zip(params, grads, strict=True)]
    before = [p.copy() for p in params]
    done = kernel(0.5, *grads, *params)
    assert done is (shift in (0, None))
    same(params, expected if done else before)


def test_one_array_may_be_a_vector():
    for dtype in (np.float32, np.float64):
        param, grad = numbers(17, dtype=dtype), numbers(17, seed=1, dtype=dtype)
        expected = param - dtype(0.3) * grad
        assert array_sgd_update(0.3, grad, param) is True
        assert_array_equal(param, expected)
        assert array_sgd_update(0.3, grad[:16], param) is False
        assert_array_equal(param, expected)


def test_a_layer_that_stands_twice_is_updated_twice():
    (W, b), grads = layers()[:2], layers()[:2]
    expected = W - 0.5 * grads[0] - 0.5 * grads[0]
    assert two_layer_sgd_update(0.5, *grads, *grads, W, b, W, b) is True
    assert_array_equal(W, expected)


@every_dtype
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 8), (3, 11), (5, 33)], ids=str)
def test_targets_are_looked_at_one_by_one(shape, dtype):
    rng = np.random.default_rng(0)
    inside, signs = rng.random(shape).astype(dtype), rng.choice([-1, 1], shape).astype(dtype)
    assert all_between(inside, 0.0, 1.0) and all_between(inside * 1e9, 0.0, np.inf)
    assert all_between(np.round(inside), 0.0, 1.0) and all_either(signs, -1.0, 1.0)
    for i in np.ndindex(shape):
        for bad in (-0.5, 1.5, np.nan, np.inf):
            t = inside.copy()
            t[i] = bad
            assert not all_between(t, 0.0, 1.0)
            assert all_between(t, -1.0, np.inf) == (not np.isnan(bad))
            t = signs.copy()
            t[i] = bad
            assert not all_either(t, -1.0, 1.0)
