"""Checks of arrays: dtype, layout and shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike, NDArray

from fastnet.checks.foreign import no_numbers

__all__ = [
    "COMPUTED",
    "FLOAT16",
    "FLOAT32",
    "FLOAT64",
    "INT64",
    "LARGEST",
    "UINT64",
    "array",
    "axis",
    "broadcast",
    "common_dtype",
    "contiguous",
    "copy_back",
    "is_canonical",
    "promoted",
    "result_dtype",
    "returned",
    "rows",
    "same_shape",
    "summed",
    "table",
    "targets",
    "unchanged",
    "written_by_kernel",
]


FLOAT16, FLOAT32, FLOAT64 = np.dtype("float16"), np.dtype("float32"), np.dtype("float64")
INT64, UINT64 = np.dtype(np.int64), np.dtype(np.uint64)
COMPUTED = (FLOAT32, FLOAT64)  # what kernels are compiled for
LARGEST = {t.itemsize: float(np.finfo(t).max) for t in (FLOAT16, *COMPUTED)}  # in any byte order
# For either, the dtypes that NumPy promotes to it: a look takes 0.03 us, np.result_type 0.5.
_PROMOTED = {
    wide: frozenset(t for t in map(np.dtype, "?bBhHiIlLqQefd") if np.result_type(t, wide) == wide)
    for wide in COMPUTED
}


def array(where: str, name: str, value: ArrayLike) -> NDArray[Any]:
    """Return value as a plain ndarray of bool, integers, float16, float32 or float64."""
    if type(value) is np.ndarray and value.dtype in COMPUTED:
        return value
    try:
        found = np.asarray(value)
    except ValueError:
        raise ValueError(
            f"{where}: {name} must be an array, got a {type(value).__name__} whose parts differ in "
            "length. Give every row the same length."
        ) from None
    if found.dtype.kind not in "biuf" or found.dtype.itemsize > 8:
        raise no_numbers(where, name, value, found)
    return found


def result_dtype(*arrays: NDArray[Any]) -> np.dtype[Any]:
    """Return the dtype that NumPy would give a product of the arrays; integers alone give float64.

    The usual case, float32 and float64, is told apart first: 0.1 us, where np.result_type takes
    0.5.
    """
    dtype: np.dtype[Any] = FLOAT32
    for array in arrays:
        found = array.dtype
        if found is FLOAT64:
            dtype = FLOAT64
        elif found is not FLOAT32:
            break
    else:
        return dtype
    dtype = np.result_type(*[array.dtype for array in arrays])
    return np.dtype(dtype.type) if dtype.kind == "f" else FLOAT64


def common_dtype(first: Any, *others: Any) -> np.dtype[Any] | None:
    """Return the dtype that all share where kernels take them as they are, else None.

    It spares the usual call `array`, `result_dtype` and `contiguous`: 0.06 us an array, not 0.3.
    """
    if type(first) is not ndarray or not first.flags.carray:
        return None
    dtype = first.dtype
    if dtype is not FLOAT64 and dtype is not FLOAT32:
        # An array out of a pickle has a dtype of its own, and so has what is computed from it.
        if dtype not in COMPUTED:
            return None
        dtype = FLOAT64 if dtype == FLOAT64 else FLOAT32
    for array in others:
        if type(array) is not ndarray or not array.flags.carray:
            return None
        if array.dtype is not dtype and array.dtype != dtype:
            return None
    return dtype


def promoted(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any] | None:
    """Return the array as kernels of float32 or float64 take it, itself where it fits.

    None where NumPy would give a product of the two another dtype. It spares the usual mixture,
    images of float32 or integers and weights of float64, the looks of `result_dtype` and
    `contiguous`: 0.5 us, not 1.5.
    """
    if array.dtype in _PROMOTED[dtype]:
        return array.astype(dtype, "C", copy=not array.flags.carray)
    return None


def is_canonical(array: Any, dtype: np.dtype[Any]) -> bool:
    """Tell whether kernels take it: a C-contiguous, aligned, writeable ndarray of that dtype."""
    return (
        type(array) is np.ndarray
        # "is" alone would copy every array out of a pickle, whose dtype is another object.
        and (array.dtype is dtype or array.dtype == dtype)
        and array.flags.carray
    )


def contiguous(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the array if it fits a kernel, else a copy that does; float16 becomes float32.

    Read-only arrays are copied too: Numba would compile every kernel once more for them.
    """
    if dtype.itemsize == 2:  # "is FLOAT16" would not be true of one out of a pickle
        dtype = FLOAT32
    return array if is_canonical(array, dtype) else np.array(array, dtype, order="C")


def written_by_kernel(grad: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the gradient where a kernel can write it, else room for one: see `copy_back`."""
    return grad if is_canonical(grad, dtype) else np.empty(grad.shape, dtype)


def copy_back(grads: Iterable[NDArray[Any]], written: Iterable[NDArray[Any]]) -> None:
    """Copy what a kernel has written elsewhere into the arrays that it is for."""
    for grad, found in zip(grads, written, strict=True):
        if grad is not found:
            grad[...] = found


def returned(out: NDArray[Any], dtype: np.dtype[Any]) -> Any:
    """Return a kernel's output as NumPy would: of that dtype, a scalar where it has no shape."""
    if out.dtype is not dtype and out.dtype != dtype:
        out = out.astype(dtype)
    return out if out.ndim else out[()]


def rows(where: str, name: str, array: NDArray[Any], W: NDArray[Any] | None = None) -> NDArray[Any]:
    """Return the array as a matrix (N, D): (D,) is one row, (N, ...) is N rows to flatten.

    Where W (D, M) is given, D must be its D.
    """
    shape = array.shape
    if len(shape) == 0 or array.size == 0:
        raise ValueError(
            f"{where}: {name} must have at least one row and one feature, got {name}.shape={shape}."
            " Give an array (N, D)."
        )
    if len(shape) != 2:
        array = array.reshape(1 if len(shape) == 1 else shape[0], -1)
    if W is not None and array.shape[1] != W.shape[0]:
        features = W.shape[0]
        way = f"Give {name} of shape" if array.size % features else f"Reshape {name} to"
        raise ValueError(
            f"{where}: {name} must have {features} features to match W {W.shape}, got "
            f"{name}.shape={shape}. {way} (N, {features})."
        )
    return array


def table(where: str, name: str, array: NDArray[Any], *, single: bool = False) -> NDArray[Any]:
    """Check that the array is (N, C), or (C,) too where single is True, and is not empty."""
    if array.ndim == 2 or (single and array.ndim == 1):
        if array.size:
            return array
        rule, advice = "must have at least one row and one class", "Give one sample or more"
    else:
        rule = f"must be {'(C,) or ' * single}(N, C)"
        advice = f"Reshape {name} to (N, C), with one row a sample"
    raise ValueError(f"{where}: {name} {rule}, got {name}.shape={array.shape}. {advice}.")


def same_shape(where: str, name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Check that a gradient or a target has the shape of the output that it belongs to."""
    if array.shape != shape:
        raise ValueError(
            f"{where}: {name} must have shape {shape}, got {name}.shape={array.shape}. "
            "Give one number for each output of forward."
        )


def unchanged(where: str, name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Check that what forward left for backward, which a caller may assign to, still fits."""
    if array.shape != shape:
        raise ValueError(
            f"{where}: {name} must have shape {shape}, got {name}.shape={array.shape}. "
            f"Call forward first, and leave its {name} as it is."
        )


def targets(where: str, t: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return targets in the shape (N, C) of the outputs; (N,) will do where C is 1."""
    if t.shape == shape or (t.shape == shape[:1] and shape[1] == 1):
        return t.reshape(shape)
    n, outputs = shape
    advice = "Give one target for each output"
    whole = t.shape == (n,) and t.dtype.kind in "biu"
    if whole and 0 <= t.min() and t.max() < outputs:
        advice = f"Make one-hot rows of labels, numpy.eye({outputs})[t]"
    elif where.startswith("Sequential") and t.size and t.shape[:1] == (n,) and t.ndim < 3:
        advice = f"Give the last layer {t.size // n} unit{'s' * (t.size > n)}"
    raise ValueError(
        f"{where}: t must have shape {shape} to match x, got t.shape={t.shape}. {advice}."
    )


def axis(where: str, value: Any, shape: tuple[int, ...] | None = None) -> int:
    """Return an axis as an int; where a shape is given, one of its axes, counted from 0."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{where}: axis must be a whole number, got {_shown(value)}. Give an int.")
    if shape is None:
        return int(value)
    if not -len(shape) <= value < len(shape):
        raise ValueError(
            f"{where}: axis must be one of x, got {value} for x.shape={shape}. "
            "Give x more dimensions, or another axis."
        )
    return int(value) % len(shape)


def summed(where: str, shape: tuple[int, ...], axis: int) -> None:
    """Check that there is something to sum."""
    if shape[axis] == 0:
        raise ValueError(
            f"{where}: x must have an entry along axis {axis}, got x.shape={shape}. "
            "Give one or more."
        )


def broadcast(where: str, x: tuple[int, ...], y: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape to which two shapes broadcast."""
    try:
        return np.broadcast_shapes(x, y)
    except ValueError:
        raise ValueError(
            f"{where}: y must have a shape that broadcasts with x {x}, got y.shape={y}. "
            "Make their lengths equal, or 1."
        ) from None


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
