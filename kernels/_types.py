"""The types that stand on kernels, and the refusal of calls with others.

    @jit(matrix, vector, int64)              once in float32, once in float64
    @jit(AnyShape(vector), real, AnyShape(vector))

Kernels go through memory by address, in C order and in elements of one dtype: any other array gave
wrong numbers, or pages of LLVM's errors. Dimensions, dtype and layout are parts of Numba's types,
so a call is looked at where a new version would be compiled for it, and costs nothing otherwise.
"""

import inspect

import numpy as np
from numba import types


class Real:
    """A type of the dtype that a kernel is called in: `real[:, ::1]`, as Numba's `float32[:, ::1]`.

    Everything `real` in the types of a kernel is float32 in one version, float64 in the other.
    """

    def __init__(self, dimensions=None):
        self._dimensions = dimensions

    def __getitem__(self, dimensions):
        return Real(dimensions)

    def of(self, dtype):
        """Return the type with float32 or float64 in place of `real`."""
        return dtype if self._dimensions is None else dtype[self._dimensions]


class AnyShape:
    """An array of any shape, that of the others of any shape; compiled ahead is the type `like`."""

    def __init__(self, like, least=0):
        self.like, self.least = like, least  # dimensions

    def of(self, dtype):
        """Return it with float32 or float64 in place of `real`."""
        return AnyShape(_of(self.like, dtype), self.least)


class Integers:
    """An array of integers of any width; compiled ahead is the type `like`."""

    def __init__(self, like):
        self.like = like


real = Real()
vector, matrix, cube = real[::1], real[:, ::1], real[:, :, ::1]
labels = Integers(types.int64[::1])


def _of(kind, dtype):
    return kind.of(dtype) if isinstance(kind, Real | AnyShape) else kind


def _ahead(kind):
    """Return the type that is compiled ahead."""
    return kind.like if isinstance(kind, AnyShape | Integers) else kind


def _in_each_dtype(signature):
    """Return what a signature stands for: itself, or the same in float32 and in float64."""
    both = any(isinstance(_ahead(kind), Real) for kind in signature)
    dtypes = (types.float32, types.float64) if both else (None,)
    return [tuple(_of(kind, dtype) for kind in signature) for dtype in dtypes]


def versions_of(signatures):
    """Return the types of the arguments of each version that is compiled ahead."""
    return [
        tuple(map(_ahead, version))
        for signature in signatures
        for version in _in_each_dtype(signature)
    ]


def refusal(kernel, names, signatures, given, values=None):
    """Return in one line why a kernel takes no such arguments, None where it does.

    Of more than one version, the one that fits furthest says what would be right.

    Parameters
    ----------
    kernel : object with the name and the docstring of a kernel
    names : tuple of str
        Of its arguments.
    signatures : sequence of tuples
        The types that stand on it; where there are none, all are taken.
    given : sequence of Numba types
    values : sequence, optional
        The arguments, where Python called.
    """
    furthest, wanted = -1, []
    for version in (v for signature in signatures for v in _in_each_dtype(signature)):
        if len(version) != len(given):
            return None
        at = _first_wrong(version, given)
        if at is None:
            return _refusal_to_write(kernel, names, given)
        if at > furthest:
            furthest, wanted = at, []
        if at == furthest:
            wanted.append(version[at])
    if not wanted:
        return None
    name, found = names[furthest], given[furthest]
    value = None if values is None else values[furthest]
    before = [t.ndim for t in given[:furthest] if isinstance(t, types.Array)]
    rule, got = _rule(wanted, before), _seen(found, value)
    advice = _advice(name, wanted, found, value)
    return f"{kernel.__name__}: {name} must be {rule}, got {got}. {advice}"


def _refusal_to_write(kernel, names, given):
    """Return in one line which array cannot be written; outputs come last, behind all inputs."""
    fixed = [i for i, t in enumerate(given) if isinstance(t, types.Array) and not t.mutable]
    if not fixed or fixed[-1] < _first_output(kernel.__doc__ or "", names):
        return None
    return (
        f"{kernel.__name__}: {names[fixed[-1]]} must be an array that can be written, got one that "
        "is read-only. Copy it, or make a new one."
    )


def _first_output(document, names):
    """Return the position of the first argument that a docstring says is written."""
    head = ""
    for line in inspect.cleandoc(document).partition("Parameters\n")[2].splitlines():
        if line[:1].strip():
            head = line.partition(" : ")[0].partition(", ")[0]
        elif head in names and ("overwritten" in line.lower() or "in place" in line):
            return names.index(head)
    return len(names)


def _first_wrong(version, given):
    dimensions = None  # of the first array of any shape
    for i, (kind, found) in enumerate(zip(version, given)):
        if isinstance(kind, AnyShape):
            if not _is_array_of(kind, found) or found.ndim < kind.least:
                return i
            if dimensions not in (None, found.ndim):
                return i
            dimensions = found.ndim
        elif not _fits(kind, found):
            return i
    return None


def _is_array_of(kind, found):
    return isinstance(found, types.Array) and found.layout == "C" and _has_dtype(kind, found)


def _has_dtype(kind, found):
    if isinstance(kind, Integers):
        return isinstance(found.dtype, types.Integer)
    return found.dtype == _ahead(kind).dtype


def _fits(kind, found):
    """Whether an argument is of a type, or a number that Numba converts to it."""
    if isinstance(_ahead(kind), types.Array):
        return _is_array_of(kind, found) and found.ndim == _ahead(kind).ndim
    if isinstance(kind, types.Float):
        return isinstance(found, types.Integer) or found in (types.float32, types.float64)
    return isinstance(found, types.Integer | types.Boolean)


# --------------------------------------------------------------------------- in words

LAYOUTS = {"C": "C-contiguous", "F": "Fortran-ordered", "A": "strided"}


def _joined(words):
    return " or ".join(dict.fromkeys(words))


def _dtype(kind):
    if isinstance(kind, Integers):
        return "integers"
    dtype = _ahead(kind).dtype
    return "records" if isinstance(dtype, types.Record) else str(dtype)


def _rule(wanted, before):
    """Say what an argument must be, behind arrays of so many dimensions."""
    first = wanted[0]
    if isinstance(_ahead(first), types.Array):
        shape = _joined(f"{_ahead(kind).ndim}-D" for kind in wanted) + " "
        if isinstance(first, AnyShape):
            least = f"at least {first.least}-D " if first.least else ""
            shape = f"{before[0]}-D " if before else least
        return f"a C-contiguous {shape}array of {_joined(map(_dtype, wanted))}"
    if isinstance(first, types.Float):
        return "a number"
    return "True or False" if isinstance(first, types.Boolean) else "an integer"


def _seen(found, value):
    """Say what an argument is; Numba may know no type of a value of Python's."""
    if isinstance(found, types.Array):
        return f"a {LAYOUTS[found.layout]} {found.ndim}-D array of {_dtype(found)}"
    if isinstance(value, np.ndarray):
        return f"{type(value).__name__} of {value.dtype}"
    if isinstance(value, int | float | complex | str | np.generic):
        return repr(value)[:60]
    return f"a value of type {found if value is None else type(value).__name__}"


def _advice(name, wanted, found, value):
    """Say what leads to the right argument; an output that is copied would be lost."""
    kind = _ahead(wanted[0])
    if not isinstance(kind, types.Array):
        return "Give one."
    if not isinstance(found, types.Array) and not isinstance(value, np.ndarray):
        return "Give such an array."
    if isinstance(kind.dtype, types.Record):
        return "See fastnet.kernels.loop.record."
    if not isinstance(found, types.Array) or not any(_has_dtype(kind, found) for kind in wanted):
        return f"Convert it: {name}.astype(numpy.{kind.dtype})."
    if found.layout != "C":
        return (
            f"Allocate it in C order, or copy what is only read: numpy.ascontiguousarray({name})."
        )
    return "Reshape it."
