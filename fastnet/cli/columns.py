"""Columns of a table as inputs of a network: what was learnt from the training part, kept in files.

Numbers are standardized, (x - mean) / deviation, by the training part's mean and deviation, unless
scaling is off. A missing number is the training part's median; where the training part misses some,
a column of 0 and 1 beside it says so. Text is one-hot, a column for each value of the training
part, in their sorted order; missing is a value like any other, where the training part has it. What
the training part does not have is refused, or, when that is allowed, a row of zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet.cli.messages import BadInput, listed
from fastnet.cli.tables import Column, as_categories, as_numbers


def fitted(
    columns: dict[str, Column],
    rows: NDArray[np.int64],
    numeric: Sequence[str],
    categorical: Sequence[str],
    most: int,
    scaled: bool,
) -> list[dict[str, Any]]:
    """Return what is kept of each column, by the rows of the training part."""
    found: list[dict[str, Any]] = []
    many = []
    for name, column in columns.items():
        if name in categorical or (column.kind == "text" and name not in numeric):
            values = set(as_categories(column)[rows])
            known = sorted(value for value in values if value is not None)
            if len(known) > most:
                many.append(f"{name} ({len(known):,})")
            found.append({"name": name, "kind": "category", "values": known})
            found[-1]["missing"] = None in values
        else:
            found.append(_number(name, as_numbers(column, name)[rows], scaled))
    if many:
        raise BadInput(
            f"columns of text must have at most {most} values, got more in {listed(many)}. Leave "
            f"them out by --drop {','.join(one.rpartition(' ')[0] for one in many)}, or allow more "
            "by --max-categories."
        )
    return found


def _number(name: str, values: NDArray[np.float64], scaled: bool) -> dict[str, Any]:
    gone = np.isnan(values)
    if gone.all():
        raise BadInput(
            f"column {name!r} must have a value in the training part, got none. Leave it out by "
            f"--drop {name}."
        )
    median = float(np.median(values[~gone]))
    full = np.where(gone, median, values)
    mean, deviation = spread(name, full) if scaled else (0.0, 1.0)
    return {
        "name": name,
        "kind": "number",
        "mean": mean,
        "deviation": deviation or 1.0,  # a constant column becomes zeros
        "median": median,
        "indicator": bool(gone.any()),
    }


def spread(name: str, values: NDArray[Any]) -> tuple[float, float]:
    """Return mean and deviation of a column's numbers, which are small enough for both."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(values.mean()), float(values.std())
    if not np.isfinite([mean, deviation]).all():
        raise BadInput(
            f"column {name!r} must have numbers of which squares can be added up, got up to "
            f"{np.abs(values).max():g}. Divide them by a power of ten."
        )
    return mean, deviation


def input_names(known: list[dict[str, Any]]) -> list[str]:
    """Return what each input of the network is."""
    found = []
    for one in known:
        name = one["name"]
        if one["kind"] == "number":
            found += [name, f"{name} is missing"] if one["indicator"] else [name]
        else:
            found += [f"{name}={value}" for value in one["values"]]
            found += [f"{name} is missing"] * one["missing"]
    return found


def inputs(
    known: list[dict[str, Any]],
    columns: dict[str, Column],
    dtype: str,
    allow_unseen: bool,
    notes: list[str],
) -> NDArray[Any]:
    """Return (N, D), the rows of a table as the network takes them.

    `notes` gets a line for each thing that was read as another.
    """
    n = len(next(iter(columns.values())).values)
    out = np.zeros((n, len(input_names(known))), dtype)
    at = 0
    for one in known:
        name, column = one["name"], columns[one["name"]]
        if one["kind"] == "number":
            values = as_numbers(column, name)
            gone = np.isnan(values)
            if gone.any() and not one["indicator"]:
                notes.append(
                    f"{gone.sum()} missing in {name!r}, of which the training had none: read as "
                    f"its median, {one['median']:g}"
                )
            out[:, at] = (np.where(gone, one["median"], values) - one["mean"]) / one["deviation"]
            at += 1
            if one["indicator"]:
                out[:, at] = gone
                at += 1
        else:
            places: dict[Any, int] = {value: i for i, value in enumerate(one["values"])}
            if one["missing"]:
                places[None] = len(places)
            found = np.array([places.get(value, -1) for value in as_categories(column)], np.int64)
            _unseen(name, as_categories(column), found, one, allow_unseen, notes)
            seen = np.flatnonzero(found >= 0)
            out[seen, at + found[seen]] = 1
            at += len(places)
    if not np.isfinite(out).all():
        column_at = int(np.flatnonzero(~np.isfinite(out).all(axis=0))[0])
        raise BadInput(
            f"column {input_names(known)[column_at]!r} must be finite in {dtype} after scaling, "
            "got a number that is not. Correct it, or give --dtype float64."
        )
    return out


def _unseen(
    name: str,
    values: NDArray[Any],
    found: NDArray[np.int64],
    one: dict[str, Any],
    allow: bool,
    notes: list[str],
) -> None:
    unknown = np.flatnonzero(found < 0)
    if not len(unknown):
        return
    first = values[unknown[0]]
    shown = "a missing value" if first is None else repr(first)
    if not allow:
        raise BadInput(
            f"column {name!r} must have values of the training, {listed(one['values'])}, got "
            f"{shown} in row {unknown[0] + 1}. Correct it, or give --allow-unseen, which takes it "
            "for none of them."
        )
    notes.append(f"{len(unknown)} in {name!r} not seen in training, such as {shown}: read as none")


def checked(described: Any) -> list[dict[str, Any]]:
    """Return what a file says of columns; KeyError, TypeError, ValueError where it is not that."""
    found = []
    for one in described:
        name, kind = one["name"], one["kind"]
        if type(name) is not str or kind not in ("number", "category"):
            raise ValueError(name)
        if kind == "number":
            numbers = {key: float(one[key]) for key in ("mean", "deviation", "median")}
            if not np.isfinite(list(numbers.values())).all() or not numbers["deviation"] > 0:
                raise ValueError(name)
            found.append(
                {"name": name, "kind": kind, **numbers, "indicator": bool(one["indicator"])}
            )
        else:
            values = [str(value) for value in one["values"]]
            found.append({"name": name, "kind": kind, "values": values})
            found[-1]["missing"] = bool(one["missing"])
    if len({one["name"] for one in found}) != len(found):
        raise ValueError("names")
    return found
