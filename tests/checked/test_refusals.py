"""Kernels that check their arguments refuse others, and compile nothing for them."""

import inspect
import pickle

import numpy as np
import pytest
from checked_arguments import (
    C,
    D,
    H,
    N,
    backward_arguments,
    forward_arguments,
    gradient_arguments,
    layers,
    loss_arguments,
    numbers,
    same,
    three_layers,
)
from in_turn import with_each
from made_layers import read_only

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


@with_each("kernel", ARGUMENTS)
def test_arrays_out_of_a_pickle_are_taken(kernel):
    assert kernel(*pickle.loads(pickle.dumps(ARGUMENTS[kernel]())))


# Those that have no second array take every shape.
OF_ONE_ARRAY = {address_of, all_between, all_either}


OF_MORE = [kernel for kernel in ARGUMENTS if kernel not in OF_ONE_ARRAY]


@with_each("kernel", OF_MORE)
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


@with_each("label", [-1, C, 2**62, -(2**63)])
@with_each("row", [0, N - 1])
@with_each("kernel", [copy_labels, softmax_with_loss_forward, two_layer_gradient])
def test_labels_out_of_range_are_refused(kernel, row, label):
    arguments = ARGUMENTS[kernel]()
    names = list(inspect.signature(kernel.py_func).parameters)
    arguments[names.index("t")][row] = label
    before = [np.copy(a) for a in arguments]
    assert kernel(*arguments) is False
    k = names.index("labels")
    same(arguments[:k] + arguments[k + 1 :], before[:k] + before[k + 1 :])
