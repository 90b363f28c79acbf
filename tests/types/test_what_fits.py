"""Types that fit a kernel: labels of any dtype, what is only read, rows and columns."""

import inspect
import re

import numba
import numpy as np
import pytest
from numba import types
from typed_calls import PUBLIC, arrays_of, every_kernel

from fastnet import kernels
from fastnet.kernels._compile import AnyShape, labels, matrix, real

# Whose numbers are several a row, or go with others: test_sampling.py has theirs.
OF_SEVERAL = {"embedding_dot_forward", "embedding_dot_backward", "unigram_sampler_forward"}


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "uint64"])
def test_labels_of_any_integer_dtype(dtype):
    rng = np.random.default_rng(0)
    y, t = rng.random((9, 7)), rng.integers(0, 7, 9)
    for name, kernel in PUBLIC.items():
        signature = kernel._given[0]
        if labels not in signature or name in OF_SEVERAL:
            continue
        results = []
        for given in (t, t.astype(dtype)):
            arguments = [
                given if kind is labels else y.copy() if kind is matrix else np.ones(9)
                for kind in signature
            ]
            arguments = [
                1.0 if kind is real else a for kind, a in zip(signature, arguments, strict=True)
            ]
            kernel(*arguments)
            results.append(
                [a for a, kind in zip(arguments, signature, strict=True) if kind is not labels]
            )
        for one, other in zip(*results, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=name)


def test_numbers_and_arrays_that_cannot_be_written():
    """Python's and NumPy's numbers of any kind, and what is only read."""
    grad = np.full(3, 2.0, "float32")
    grad.flags.writeable = False
    for lr in (1, 1.0, np.int32(1), np.float32(1), np.float64(1)):
        param = np.ones(3, "float32")
        kernels.sgd_update(grad, lr, param)
        np.testing.assert_array_equal(param, [-1, -1, -1])
    x, out = np.ones((3, 4)), np.empty((3, 2))
    for code in (kernels.RELU, np.int32(kernels.RELU), np.uint8(kernels.RELU)):
        kernels.affine_forward(x, np.ones((4, 2)), np.zeros(2), code, out)
        np.testing.assert_array_equal(out, np.full((3, 2), 4.0))


@every_kernel
def test_what_is_only_read_may_be_read_only(name):
    """The others may not: what is written there is in bytes, in a file, or part of a program."""
    kernel = PUBLIC[name]
    version = kernel.versions[-1]
    written = []
    for at, argument, kind in arrays_of(kernel, version):
        types_given = list(version)
        types_given[at] = kind.copy(readonly=True)
        message = kernel._refusal(types_given)
        if message is not None:
            written.append(argument)
            assert message == (
                f"{name}: {argument} must be an array that can be written, got one that is "
                "read-only. Copy it, or make a new one."
            )
    arrays = [argument for _, argument, _ in arrays_of(kernel, version)]
    reads = {"t", "x", "W", "labels", "grad", "dout", "idx", "programs"} & set(arrays[:1])
    assert name == "work_size" or (written and arrays[-len(written) :] == written)
    assert not reads & set(written) or "update" in name
    assert kernel._refusal(version) is None


def test_an_output_that_is_read_only():
    x = np.ones((2, 3))
    fixed = np.frombuffer(bytes(48)).reshape(2, 3)
    message = "relu_forward: out must be an array that can be written, got one that is read-only."
    with pytest.raises(TypeError, match=f"^{message} Copy it, or make a new one\\.$"):
        kernels.relu_forward(x, fixed)
    assert not fixed.any()

    @numba.njit
    def into_a_global(x):
        kernels.relu_forward(x, fixed)

    with pytest.raises(numba.TypingError, match=message):
        into_a_global(x)
    kernels.relu_forward(fixed, x)
    assert not x.any()


def test_a_row_and_a_column_are_contiguous():
    """One column, or one row, is in C order whatever it was made of."""
    whole = np.ones((4, 5))
    kernels.relu_forward(whole[:, :1].T[:1].copy().T, out := np.empty((4, 1)))
    kernels.relu_forward(np.asfortranarray(np.ones((1, 5))), out := np.empty((1, 5)))
    assert out.all()


@every_kernel
def test_the_types_are_those_of_the_docstring(name):
    """An array whose shape it gives has that many dimensions, one of any shape any."""
    kernel = PUBLIC[name]
    text = inspect.getdoc(kernel).partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    shapes = {}
    for line in re.sub(r"\n +", " | ", text).splitlines():
        heads, _, rest = line.partition(" : ")
        shapes |= {head: rest for head in heads.split(", ")}
    for argument, kind in zip(
        inspect.signature(kernel.py_func).parameters, kernel._given[0], strict=True
    ):
        plain = kind.like if hasattr(kind, "like") else kind
        plain = plain.of(types.float64) if hasattr(plain, "of") else plain
        if not isinstance(plain, types.Array) or not shapes[argument]:
            continue
        shape = re.match(r"\(([^)]*(?:\([^)]*\)[^)]*)?)\)", shapes[argument])
        if isinstance(kind, AnyShape):
            assert shape is None or shape[1].startswith("..."), (argument, shapes[argument])
        elif "work_size" in shapes[argument]:
            assert plain.ndim == 1
        elif shape is not None:
            assert len([d for d in shape[1].split(",") if d.strip()]) == plain.ndim, argument
        else:
            assert shape is not None or "work_size" in shapes[argument], (
                argument,
                shapes[argument],
            )
