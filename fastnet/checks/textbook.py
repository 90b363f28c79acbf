"""Checks of what the textbooks' classes are given."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet.checks.arrays import INT64, UINT64, _shown, array
from fastnet.checks.numbers import count

__all__ = ["equally_long", "members", "no_matplotlib", "options", "sizes", "word_numbers"]


def sizes(where: str, name: str, value: Any) -> list[int]:
    """Return a list of whole numbers of at least 1; it may be empty."""
    if not isinstance(value, (list, tuple)):
        raise TypeError(
            f"{where}: {name} must be a list of whole numbers, got {_shown(value)}. "
            "Give one for each hidden layer, such as [100, 100]."
        )
    return [count(where, f"{name}[{i}]", size) for i, size in enumerate(value)]


def members(where: str, name: str, value: Any, needed: tuple[str, ...]) -> None:
    """Check that an object has what is needed of it."""
    for member in needed:
        if isinstance(value, type) or not hasattr(value, member):
            raise TypeError(
                f"{where}: {name} must be an object with {', '.join(needed)}, got {_shown(value)}. "
                "Make one of a class that has these."
            )


def equally_long(where: str, given: dict[str, ArrayLike]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return samples and targets, given by their names, as arrays: one target for each sample."""
    x, t = (array(where, name, value) for name, value in given.items())
    if x.ndim == 0 or t.ndim == 0 or len(x) == 0 or len(x) != len(t):
        first, second = given
        raise ValueError(
            f"{where}: {second} must have a target for each sample, and {first} a sample, got "
            f"{first}.shape={x.shape} and {second}.shape={t.shape}. Give equally many."
        )
    return x, t


def options(where: str, name: str, value: Any, kind: type) -> None:
    """Check that value is a dict of arguments that a class takes."""
    known = inspect.signature(kind).parameters
    if not isinstance(value, dict) or not value.keys() <= known.keys():
        raise TypeError(
            f"{where}: {name} must be a dict of arguments of {kind.__name__} "
            f"({', '.join(known)}), got {_shown(value)}. Give a dict such as {{'lr': 0.01}}."
        )


def word_numbers(
    where: str, name: str, value: ArrayLike, vocab_size: int | None = None, ndim: int = 1
) -> NDArray[np.int64]:
    """Return numbers of words as a fresh int64 array of at most ndim dimensions, one at least."""
    found = array(where, name, value)
    if found.dtype.kind not in "iu":
        raise TypeError(
            f"{where}: {name} must be integers, got {name}.dtype={found.dtype}. Give the numbers "
            "of words, as preprocess returns them."
        )
    if not 1 <= found.ndim <= ndim or not found.size:
        wanted = "(N,) or (N, C)" if ndim == 2 else "(N,)"
        raise ValueError(
            f"{where}: {name} must be {wanted} with at least one word, got "
            f"{name}.shape={found.shape}. Give an array {wanted}."
        )
    result = found.astype(INT64, "C")
    bad = result.view(UINT64) >= (vocab_size or 2**63)  # negative ones are huge
    if bad.any():
        i = tuple(int(k) for k in np.argwhere(bad)[0])
        rule, advice = "not be negative", "Count words from 0"
        if vocab_size is not None:
            rule = f"be in 0..{vocab_size - 1} for vocab_size={vocab_size}"
            advice += ", or give a larger vocab_size"
        raise IndexError(
            f"{where}: {name} must {rule}, got {name}[{', '.join(map(str, i))}]={found[i]}. "
            f"{advice}."
        )
    return result


def no_matplotlib(where: str, error: ImportError) -> ImportError:
    """Return the error for matplotlib that cannot be imported."""
    return ImportError(
        f"{where}: matplotlib must be installed, got {str(error)!r}. Run pip install matplotlib."
    )
