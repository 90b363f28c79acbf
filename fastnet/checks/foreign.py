"""What is said of a value that is no array of numbers: the way to one that leads there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["no_numbers"]


def no_numbers(where: str, name: str, value: Any, found: NDArray[Any]) -> TypeError:
    """Return the error for a value of which NumPy made an array that holds no real numbers.

    What to do is told from what the value has: pandas' frames and SciPy's sparse matrices are known
    by their attributes, so that neither has to be there.
    """
    advice = _advice(name, value, found)
    got, advice = advice if isinstance(advice, tuple) else (_kind(value, found), advice)
    return TypeError(
        f"{where}: {name} must be an array of integers, float16, float32 or float64, got {got}. "
        f"{advice}"
    )


def _advice(name: str, value: Any, found: NDArray[Any]) -> str | tuple[str, str]:
    """Return what to do, or what was got and what to do."""
    kind = type(value).__name__
    if callable(getattr(value, "toarray", None)):
        return f"a sparse {kind}", f"Give {name}.toarray()."
    if hasattr(value, "columns") and hasattr(value, "dtypes"):
        columns = [column for column in value.columns if not _is_numeric(np.asarray(value[column]))]
        if columns:
            shown = ", ".join(map(repr, columns[:8])) + ", ..." * (len(columns) > 8)
            return (
                f"a {kind} with columns that are no numbers: {shown}",
                "Leave them out, or encode them as numbers.",
            )
    if found.dtype.kind == "c":
        return f"Give its real part, numpy.real({name})."
    if found.dtype.kind in "mM":
        return f"Give numbers: numpy.asarray({name}).astype(float) counts its units."
    if found.dtype.names:
        flat = "numpy.lib.recfunctions.structured_to_unstructured"
        return f"Give its fields as columns: {flat}({name})."
    if _is_numeric(found):
        numbers = np.asarray(found, float)
        whole = np.abs(numbers).max(initial=0) < 2**53 and (numbers == np.floor(numbers)).all()
        return f"Give numpy.asarray({name}, {'int' if whole else 'float'})."
    bad = next((i for i in np.ndindex(found.shape) if not _is_number(found[i])), None)
    if not found.ndim or bad is None:
        return "Give an array of numbers."
    entry = found[bad].item() if isinstance(found[bad], np.generic) else found[bad]
    got = f"{_kind(value, found)} with {name}[{', '.join(map(str, bad))}]={_short(entry)}"
    if not isinstance(entry, (str, bytes)):
        return got, "Give a real number there, or leave out what is not known."
    if found.ndim > 1:
        return got, f"Leave column {bad[-1]} out, or encode it as numbers."
    numbered = f"numpy.unique({name}, return_inverse=True)[1]"
    return got, f"Number what are names, of all {name} at once: {numbered}."


def _kind(value: Any, found: NDArray[Any]) -> str:
    if isinstance(value, np.ndarray):
        return f"dtype {found.dtype}"
    return f"{type(value).__name__} of dtype {found.dtype}"


def _is_number(value: Any) -> bool:
    return value is not None and _is_numeric(np.asarray(value))


def _is_numeric(array: Any) -> bool:
    """Tell whether the values are numbers, or can be read as such, all of them."""
    if array.dtype.kind in "biuf":
        return True
    if array.dtype.kind not in "OUS" or (array.dtype.kind == "O" and None in array.ravel()):
        return False  # None would become NaN, and dates nanoseconds
    try:
        np.asarray(array, float)
    except (TypeError, ValueError):
        return False
    return True


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
