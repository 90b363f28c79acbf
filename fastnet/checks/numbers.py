"""Checks of numbers and flags."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from fastnet.checks.arrays import COMPUTED, FLOAT16, FLOAT32, FLOAT64, LARGEST, _shown

__all__ = [
    "count",
    "deviation",
    "epsilon",
    "factor",
    "finite_positive",
    "flag",
    "float_dtype",
    "fraction",
    "generator",
    "learning_rate",
    "matrix_shape",
    "momentum",
    "not_negative",
    "number",
    "positive",
    "scalar",
    "seed",
    "shape",
    "share",
    "slope",
    "strength",
    "verbosity",
]


def number(where: str, name: str, value: Any) -> float:
    """Return one real number as a float: Python's, NumPy's, or an array of no dimension."""
    if type(value) is float:
        return value
    if type(value) is int and -(2**53) <= value <= 2**53:  # the usual dout, 1, is one
        return float(value)
    found = np.asarray(value) if np.isscalar(value) or isinstance(value, np.ndarray) else None
    if found is None or found.ndim or found.dtype.kind not in "iuf":  # True is a slip
        raise TypeError(
            f"{where}: {name} must be a real number, got {_shown(value)}. Give a float."
        )
    return float(found)


def scalar(where: str, name: str, value: Any, computed: np.dtype[Any], dtype: np.dtype[Any]) -> Any:
    """Return a number as a kernel's scalar; it must not overflow in dtype. inf and NaN go on."""
    if type(value) is int and -LARGEST[2] <= value <= LARGEST[2]:  # the usual dout, 1, is one
        return float(value) if computed is FLOAT64 else computed.type(value)
    found = number(where, name, value)
    if LARGEST[dtype.itemsize] < abs(found) < math.inf:
        raise ValueError(
            f"{where}: {name} must be finite in {dtype.name}, got {found}. Give a number such as 1."
        )
    # Numba takes a Python float for a float64.
    return found if computed is FLOAT64 else computed.type(found)


def finite_positive(where: str, name: str, value: Any) -> float:
    """Return a number as a float; it must be finite and above 0."""
    found = number(where, name, value)
    if not 0 < found < math.inf:
        raise ValueError(
            f"{where}: {name} must be finite and positive, got {found}. Give a number such as 1."
        )
    return found


def learning_rate(where: str, value: Any, dtypes: Iterable[np.dtype[Any]] = ()) -> float:
    """Return a learning rate as a float; see `not_negative`."""
    return not_negative(where, "lr", value, dtypes)


def not_negative(
    where: str,
    name: str,
    value: Any,
    dtypes: Iterable[np.dtype[Any]] = (),
    example: str = "0.1",
) -> float:
    """Return a rate as a float; it must be finite, and may be 0.

    `dtypes` are those of the parameters, in each of which it must be finite too.
    """
    found = number(where, name, value)
    advice = f"Give a number such as {example}."
    if not math.isfinite(found):
        raise ValueError(f"{where}: {name} must be finite, got {found}. {advice}")
    if found < 0:
        raise ValueError(f"{where}: {name} must not be negative, got {found}. {advice}")
    if found > LARGEST[2]:
        for dtype in dtypes:
            if found > LARGEST[dtype.itemsize]:
                raise ValueError(
                    f"{where}: {name} must be finite in {dtype.name}, got {found}. {advice}"
                )
    return found


def fraction(where: str, name: str, value: Any) -> float:
    """Return a momentum or another rate of decay as a float; it must be in [0, 1)."""
    found = number(where, name, value)
    if not 0 <= found < 1:
        raise ValueError(
            f"{where}: {name} must be in [0, 1), got {found}. Give a number such as 0.9."
        )
    return found


def factor(where: str, name: str, value: Any) -> float:
    """Return a factor by which a learning rate falls as a float; it must be in (0, 1]."""
    found = number(where, name, value)
    if not 0 < found <= 1:
        raise ValueError(
            f"{where}: {name} must be in (0, 1], got {found}. Give a number such as 0.1."
        )
    return found


def positive(where: str, name: str, value: Any) -> float:
    """Return a number above 0 as a float; it may be infinite."""
    found = number(where, name, value)
    if not found > 0:
        raise ValueError(f"{where}: {name} must be above 0, got {found}. Give a number such as 1.")
    return found


def slope(where: str, value: Any) -> float:
    """Return an alpha as a float; it must be finite and not negative."""
    alpha = number(where, "alpha", value)
    if not 0 <= alpha < math.inf:
        raise ValueError(
            f"{where}: alpha must be finite and not negative, got {alpha}. "
            "Give a number such as 0.01."
        )
    return alpha


def share(where: str, name: str, value: Any) -> float:
    """Return a share of what is dropped as a float, from 0 to below 1."""
    found = number(where, name, value)
    if not 0 <= found < 1:
        raise ValueError(
            f"{where}: {name} must be at least 0 and below 1, got {found}. "
            "Give a number such as 0.5."
        )
    return found


def momentum(where: str, value: Any) -> float:
    """Return the momentum of running statistics as a float, from 0 to 1."""
    found = number(where, "momentum", value)
    if not 0 <= found <= 1:
        raise ValueError(
            f"{where}: momentum must be in 0..1, got {found}. Give a number such as 0.9."
        )
    return found


def epsilon(where: str, value: Any, dtype: np.dtype[Any] = FLOAT64) -> float:
    """Return what keeps a variance from 0 as a float; it must be above 0 and finite in dtype."""
    found = number(where, "eps", value)
    if not 0 < dtype.type(min(found, 1)) or not found <= LARGEST[dtype.itemsize]:
        raise ValueError(
            f"{where}: eps must be above 0 and finite in {dtype.name}, got {found}. "
            "Give a number such as 1e-6."
        )
    return found


def strength(where: str, value: Any, dtype: np.dtype[Any]) -> Any:
    """Return a penalty's strength as a kernel's scalar; it must not be negative."""
    found = number(where, "strength", value)
    if not 0 <= found <= LARGEST[dtype.itemsize]:
        raise ValueError(
            f"{where}: strength must be finite in {dtype.name} and not negative, got {found}. "
            "Give a number such as 0.01."
        )
    return found if dtype is FLOAT64 else dtype.type(found)


def deviation(
    where: str, value: Any, dtype: np.dtype[Any] | None = None, name: str = "weight_init_std"
) -> float:
    """Return a standard deviation as a float; it must be finite and not negative.

    Where dtype is given, weights drawn with it must be finite in that: NumPy's normal numbers
    stay below 16, as their tail is the logarithm of 53 random bits.
    """
    std = number(where, name, value)
    if not 0 <= std < math.inf:
        raise ValueError(
            f"{where}: {name} must be finite and not negative, got {std}. "
            "Give a number such as 0.01."
        )
    if dtype is not None and std > LARGEST[dtype.itemsize] / 16:
        raise ValueError(
            f"{where}: {name} must leave the weights finite in {dtype.name}, got {std}. "
            "Give a number such as 0.01."
        )
    return std


def count(where: str, name: str, value: Any, least: int = 1) -> int:
    """Return a whole number of at least 1, Python's or NumPy's; or of at least another one."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(
            f"{where}: {name} must be a whole number, got {_shown(value)}. Give an int."
        )
    if value < least:
        advice = "a positive int" if least == 1 else "such a number"
        raise ValueError(f"{where}: {name} must be at least {least}, got {value}. Give {advice}.")
    return int(value)


def seed(where: str, value: Any) -> int | None:
    """Return a seed for numpy.random.default_rng: a whole number of at least 0, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(
            f"{where}: seed must be a whole number or None, got {_shown(value)}. Give an int."
        )
    if value < 0:
        raise ValueError(f"{where}: seed must be at least 0, got {value}. Give such a number.")
    return int(value)


def verbosity(where: str, value: Any, most: int = 2) -> Any:
    """Return value, which must say how much is shown: 0, 1 or, where there is that, 2."""
    if not isinstance(value, (int, np.integer, np.bool_)) or not 0 <= value <= most:
        rule, ways = "0, 1 or 2", "0 for nothing, 1 for a bar, or 2 for a line an epoch"
        if most == 1:
            rule, ways = "0 or 1", "0 for nothing, or 1 for a line"
        raise ValueError(f"{where}: verbose must be {rule}, got {_shown(value)}. Give {ways}.")
    return value


def flag(where: str, name: str, value: Any) -> Any:
    """Return value, which must be True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(
            f"{where}: {name} must be True or False, got {_shown(value)}. Give one of the two."
        )
    return value


def shape(where: str, value: Any) -> tuple[int, ...]:
    """Return input_shape as a tuple of whole numbers of at least 1; a number is one dimension."""
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    if not sizes:
        raise ValueError(
            f"{where}: input_shape must have a dimension, got (). Give the shape of one sample, "
            "such as (784,)."
        )
    return tuple(count(where, "input_shape", size) for size in sizes)


def matrix_shape(where: str, value: Any) -> tuple[int, int]:
    """Return the shape of weights, (D, M), as two whole numbers of at least 1."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{where}: shape must be (D, M), got {_shown(value)}. Give two ints.")
    return count(where, "shape", value[0]), count(where, "shape", value[1])


def float_dtype(where: str, value: Any) -> np.dtype[Any]:
    """Return float32 or float64, by any of the names that NumPy has for them."""
    try:
        found = np.dtype(value)
    except (TypeError, ValueError, SyntaxError):
        found = FLOAT16
    if value is None or found not in COMPUTED:  # NumPy takes None for float64
        raise TypeError(
            f"{where}: dtype must be float32 or float64, got {_shown(value)}. "
            'Give dtype="float32" or dtype="float64".'
        )
    return FLOAT32 if found == FLOAT32 else FLOAT64


def generator(where: str, rng: Any) -> Any:
    """Return rng, which must draw random numbers."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{where}: rng must be a numpy.random.Generator, got {_shown(rng)}. "
            "Give numpy.random.default_rng(seed)."
        )
    return rng
