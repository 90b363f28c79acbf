"""Arguments whose types do not fit a kernel are refused, from Python and from jitted code."""

import inspect
import re

import numba
import numpy as np
import pytest
from in_turn import with_each
from numba import types
from typed_calls import PUBLIC, arrays_of, every_kernel

from fastnet.kernels._compile import AnyShape, cube, jit, labels, matrix, real, vector
from fastnet.kernels.loop.record import PROGRAM


def make(kind):
    """An argument of a type: all dimensions are 4 long, so that any two arrays fit each other."""
    if isinstance(kind, types.Array):
        dtype = PROGRAM if isinstance(kind.dtype, types.Record) else str(kind.dtype)
        return np.ones((4,) * kind.ndim, dtype)
    return (
        True if kind is types.boolean else 1 if kind is types.int64 else np.dtype(str(kind)).type(1)
    )


def twice_as_long(array):
    return np.zeros([2 * n for n in array.shape], array.dtype)


# Each makes of a right array one that must be refused; None where there is no such array.
WRONG = {
    "Fortran-ordered": lambda a: np.asfortranarray(a) if a.ndim > 1 else None,
    "transposed": lambda a: np.ascontiguousarray(a.T).T if a.ndim > 1 else None,
    "strided": lambda a: twice_as_long(a)[(slice(None, None, 2),) * a.ndim],
    "backwards": lambda a: a[::-1],
    "columns of a wider one": lambda a: twice_as_long(a)[:4, :4] if a.ndim == 2 else None,
    "another dtype": lambda a: (
        a.astype("float32" if a.dtype == "float64" else "float64")
        if a.dtype.names is None
        else np.ones(4)
    ),
    "complex": lambda a: np.ones(a.shape, "complex128"),
    "more dimensions": lambda a: np.ascontiguousarray(a[None]),
    "fewer dimensions": lambda a: np.ascontiguousarray(a[0]) if a.ndim > 1 else None,
}


def message_of(kernel, call, error):
    with pytest.raises(error) as caught:
        call()
    said = re.sub(r"\x1b\[\d+m", "", str(caught.value))  # Numba's colours, where colorama is
    (line,) = [text for text in said.splitlines() if text.startswith(f"{kernel}: ")]
    assert "LLVM" not in said
    return line


def wrong_arguments(kernel):
    """Yield (arguments, name of the wrong one, form) for each array and form."""
    version = kernel.versions[-1]  # of float64, where there are two
    for at, name, _ in arrays_of(kernel, version):
        for form, change in WRONG.items():
            arguments = [make(t) for t in version]
            wrong = change(arguments[at])
            if wrong is not None:
                arguments[at] = wrong
                yield arguments, at, name, form


def named_in(line):
    return re.match(r"\w+: (\w+) must be ", line)[1]


@every_kernel
def test_from_python(name):
    kernel, names = PUBLIC[name], list(inspect.signature(PUBLIC[name].py_func).parameters)
    seen, before = set(), list(kernel.signatures)
    for arguments, at, argument, form in wrong_arguments(kernel):
        copies = [np.copy(a) for a in arguments]
        if not is_wrong(kernel, arguments):
            continue
        line = message_of(name, lambda: kernel(*arguments), TypeError)  # noqa: B023
        assert re.fullmatch(
            rf"{name}: \w+ must be a C-contiguous .*array of [\w ]+, got a .+\. [A-Z].+\.", line
        ), line
        # Of two arrays that do not fit each other the second is named.
        assert names.index(named_in(line)) >= at or named_in(line) == argument, (line, form)
        for array, copy in zip(arguments, copies, strict=True):
            np.testing.assert_array_equal(array, copy)
        seen.add((argument, form))
    assert kernel.signatures == before
    for _, argument, kind in arrays_of(kernel, kernel.versions[-1]):
        assert (argument, "strided") in seen and (argument, "complex") in seen
        if kind.ndim > 1:
            assert (argument, "Fortran-ordered") in seen and (argument, "transposed") in seen
    assert seen or not list(arrays_of(kernel, kernel.versions[-1]))


def is_wrong(kernel, arguments):
    """Whether no version takes them, told by their shapes and dtypes alone.

    A lone array of any shape may have more dimensions, that of a kernel of two dtypes the other.
    """
    if any(isinstance(a, np.ndarray) and not a.flags.c_contiguous for a in arguments):
        return True
    for signature in kernel._given:
        for dtype in ("float32", "float64"):
            ndims, fits = set(), True
            for kind, argument in zip(signature, arguments, strict=True):
                plain = kind.like if hasattr(kind, "like") else kind
                plain = plain.of(getattr(types, dtype)) if hasattr(plain, "of") else plain
                if not isinstance(plain, types.Array):
                    continue
                if isinstance(plain.dtype, types.Record):
                    fits &= argument.dtype == PROGRAM
                elif kind is labels:
                    fits &= argument.dtype.kind in "iu"
                else:
                    fits &= argument.dtype == str(plain.dtype)
                if isinstance(kind, AnyShape):
                    ndims.add(argument.ndim)
                    fits &= argument.ndim >= kind.least
                else:
                    fits &= argument.ndim == plain.ndim
            if fits and len(ndims) < 2:
                return False
    return True


def jitted_call(kernel, count):
    """A jitted function that calls a kernel."""
    names = ", ".join(f"a{i}" for i in range(count))
    exec(f"def call({names}):\n    kernel({names})", made := {"kernel": kernel})
    return numba.njit(made["call"])


@every_kernel
def test_from_jitted_code(name):
    kernel = PUBLIC[name]
    tried = set()
    for arguments, _, argument, form in wrong_arguments(kernel):
        if form not in ("transposed", "strided", "another dtype") or (argument, form) in tried:
            continue
        if not is_wrong(kernel, arguments):
            continue
        call = jitted_call(kernel, len(arguments))
        line = message_of(name, lambda: call(*arguments), numba.TypingError)  # noqa: B023
        assert re.fullmatch(rf"{name}: \w+ must be .+, got .+\. .+\.", line), line
        tried.add((argument, form))
    assert tried or not list(arrays_of(kernel, kernel.versions[-1]))


def forward(x, t, n, y):
    pass


X, T = np.ones((2, 3)), np.zeros(2, np.int64)
MATRIX = "a C-contiguous 2-D array of"


@with_each(
    "arguments, message",
    [
        (
            (X.T, T, 1, X),
            f"x must be {MATRIX} float32 or float64, got a Fortran-ordered 2-D array of float64. "
            "Allocate it in C order, or copy what is only read: numpy.ascontiguousarray(x).",
        ),
        (
            (X, T, 1, X[:, ::2]),
            f"y must be {MATRIX} float64, got a strided 2-D array of float64. Allocate it in C "
            "order, or copy what is only read: numpy.ascontiguousarray(y).",
        ),
        (
            (X, T, 1, X.astype("f4")),
            f"y must be {MATRIX} float64, got a C-contiguous 2-D array of float32. Convert it: "
            "y.astype(numpy.float64).",
        ),
        (
            (X, T.astype("f4"), 1, X),
            "t must be a C-contiguous 1-D array of integers, got a C-contiguous 1-D array of "
            "float32. Convert it: t.astype(numpy.int64).",
        ),
        (
            (X, T[:, None], 1, X),
            "t must be a C-contiguous 1-D array of integers, got a C-contiguous 2-D array of "
            "int64. Reshape it.",
        ),
        (
            (X[0], T, 1, X),
            f"x must be {MATRIX} float32 or float64, got a C-contiguous 1-D array of float64. "
            "Reshape it.",
        ),
        (
            (X.astype(">f8"), T, 1, X),
            f"x must be {MATRIX} float32 or float64, got ndarray of >f8. Convert it: "
            "x.astype(numpy.float32).",
        ),
        (
            (X.tolist(), T, 1, X),
            f"x must be {MATRIX} float32 or float64, got a value of type list. Give such an array.",
        ),
        ((X, T, 1.5, X), "n must be an integer, got 1.5. Give one."),
        ((X, T, "1", X), "n must be an integer, got '1'. Give one."),
        ((X, T, None, X), "n must be an integer, got a value of type none. Give one."),
    ],
)
def test_what_is_said(arguments, message):
    kernel = jit(matrix, labels, types.int64, matrix)(forward)
    with pytest.raises(TypeError) as caught:
        kernel(*arguments)
    assert str(caught.value) == f"forward: {message}"


def test_of_any_shape_are_all_of_the_same():
    def forward(x, lr, y):
        pass

    kernel = jit(AnyShape(matrix, 1), real, AnyShape(matrix, 1))(forward)
    for shape in ((2,), (2, 3), (2, 3, 4)):
        kernel(np.ones(shape), 0.1, np.ones(shape))
    rule = "forward: {} must be a C-contiguous {}array of {}, got a C-contiguous {}-D array of {}."
    for x, y, words in (
        (X, X[0], ("y", "2-D ", "float64", 1, "float64")),
        (np.array(1.0), X, ("x", "at least 1-D ", "float32 or float64", 0, "float64")),
    ):
        with pytest.raises(TypeError) as caught:
            kernel(x, 0.1, y)
        assert str(caught.value) == f"{rule.format(*words)} Reshape it."
    with pytest.raises(TypeError, match=r"^forward: lr must be a number, got 'a'\. Give one\.$"):
        kernel(X, "a", X)


def test_the_version_that_fits_furthest_says_what_is_right():
    def forward(x, y):
        pass

    kernel = jit((vector, vector), (cube, matrix))(forward)
    kernel(X[0], X[0])
    kernel(X[None], X)
    with pytest.raises(TypeError, match=r"^forward: y must be a C-contiguous 2-D array of float64"):
        kernel(X[None], X[0])
    with pytest.raises(TypeError, match=r"x must be a C-contiguous 1-D or 3-D array of float32 or"):
        kernel(X, X)
