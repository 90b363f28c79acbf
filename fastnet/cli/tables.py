"""Reading tables: CSV and Parquet, column by column, as numbers or as text."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnet.cli.messages import BadInput, listed, near

ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".pq")
PACKED = (".gz", ".bz2", ".xz", ".zip")
EXTRA = "Run pip install 'fastnet-numba[tables]'."


class Column(NamedTuple):
    """A column: numbers, float64 with NaN where one is missing; or text, None where it is missing.

    `kind` is "number", "whole" for numbers without a fraction, "bool" or "text".
    """

    kind: str
    values: NDArray[Any]

    def missing(self) -> NDArray[np.bool_]:
        """Return where a value is missing."""
        if self.kind == "text":
            return np.array([value is None for value in self.values], bool)
        return np.isnan(self.values)


def is_table(path: str) -> bool:
    """Tell whether a path is that of a table, by its name."""
    return path == "-" or _ending(path) in ENDINGS


def _ending(path: str) -> str:
    parts = [one.lower() for one in Path(path).suffixes]
    while parts and parts[-1] in PACKED:
        parts.pop()
    return parts[-1] if parts else ""


def read_table(path: str, text: Sequence[str] = ()) -> dict[str, Column]:
    """Read a table; the columns that `text` names stay text, "007" too."""
    shown = "standard input" if path == "-" else repr(path)
    if path != "-" and not Path(path).is_file():
        raise BadInput(f"DATA must be a file that exists, got {path!r}. Give another path.")
    try:
        import pandas
    except ImportError:
        if _ending(path) in (".parquet", ".pq"):
            raise BadInput(
                f"DATA must be read by pandas, which is missing: {shown}. {EXTRA}"
            ) from None
        columns = _numbers_alone(path, shown)
    else:
        columns = _by_pandas(pandas, path, shown, text)
    if not columns or not len(next(iter(columns.values())).values):
        raise BadInput(f"DATA must have a row of values, got none in {shown}. Give another file.")
    return columns


def _by_pandas(pandas: Any, path: str, shown: str, text: Sequence[str]) -> dict[str, Column]:
    try:
        if _ending(path) in (".parquet", ".pq"):
            frame = pandas.read_parquet(path)
            names = [str(name) for name in frame.columns]
        else:
            frame, names = _read_csv(pandas, path, text)
    except ImportError as error:  # pyarrow
        message = " ".join(str(error).split())
        raise BadInput(f"DATA must be read by pyarrow, got {message!r}. {EXTRA}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"DATA must be UTF-8, got {error} in {shown}. Save it as UTF-8.") from None
    except Exception as error:  # pandas and pyarrow have a dozen classes of their own
        message = " ".join(str(error).split()).rstrip(".")
        raise BadInput(
            f"DATA must be a table, got {shown}: {message}. Give another file."
        ) from None
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(
            f"DATA must have a name of its own for each column, got {listed(twice)} twice in "
            f"{shown}. Give each another name in the first row."
        )
    if _ending(path) not in (".parquet", ".pq") and not isinstance(frame.index, pandas.RangeIndex):
        raise BadInput(
            f"DATA must have a name in the first row for each column, got {len(names)} names for "
            f"more in {shown}. Name them all."
        )
    return {
        name: _column(pandas, frame.iloc[:, i], name, name in text) for i, name in enumerate(names)
    }


def _read_csv(pandas: Any, path: str, text: Sequence[str]) -> tuple[Any, list[str]]:
    """Return the frame of a CSV file, and its names as they stand in the first row.

    What stands between columns is whatever the first row has most of: comma, semicolon or tab.
    """
    from pandas.io.common import get_handle

    if path == "-":
        whole = sys.stdin.read()
        head = whole.partition("\n")[0]
    else:
        with get_handle(path, "r", compression="infer", encoding="utf-8-sig") as opened:
            head = opened.handle.readline()
    mark = max(",;\t", key=lambda one: (head.count(one), one == ","))
    row = next(csv.reader([head.rstrip("\r\n")], delimiter=mark, skipinitialspace=True), [])
    names = [name.strip() or f"Unnamed: {i}" for i, name in enumerate(row)]
    kinds = {i: str for i, name in enumerate(names) if name in text}
    frame = pandas.read_csv(
        io.StringIO(whole) if path == "-" else path,
        sep=mark,
        header=0,
        names=list(range(len(names))) or None,
        dtype=kinds,
        skipinitialspace=True,
        low_memory=False,  # else a column's kind may change on the way
    )
    return frame, names


def _column(pandas: Any, series: Any, name: str, as_text: bool) -> Column:
    types = pandas.api.types
    missing = series.isna().to_numpy()
    if types.is_datetime64_any_dtype(series.dtype) or types.is_timedelta64_dtype(series.dtype):
        raise BadInput(
            f"column {name!r} must be numbers or text, got {series.dtype}. Leave it out by "
            f"--drop {name}, or make numbers of it, such as days, before."
        )
    if isinstance(series.dtype, pandas.CategoricalDtype) or as_text:
        series = series.astype(object)
    if types.is_bool_dtype(series.dtype) and not as_text:
        return Column("bool", series.to_numpy(np.float64, na_value=np.nan))
    if types.is_numeric_dtype(series.dtype) and not types.is_complex_dtype(series.dtype):
        values = series.to_numpy(np.float64, na_value=np.nan)
        known = values[~missing]
        whole = bool(np.all(known == np.floor(known))) and bool(np.isfinite(known).all())
        return Column("whole" if whole else "number", values)
    found = np.empty(len(series), object)
    found[:] = [
        None if gone else text_of(value) for value, gone in zip(series, missing, strict=True)
    ]
    kinds = {type(value) for value in series[~missing]}
    if kinds == {bool} and not as_text:  # True, False and what is missing
        return Column(
            "bool", np.array([{"True": 1.0, "False": 0.0, None: np.nan}[v] for v in found])
        )
    return Column("text", found)


def text_of(value: Any) -> str:
    """Return a value as a category is called: of 3.0 it is "3"."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _numbers_alone(path: str, shown: str) -> dict[str, Column]:
    """Read a CSV file of numbers without pandas."""
    try:
        lines = sys.stdin if path == "-" else Path(path).read_text("utf-8-sig").splitlines()
        rows = [row for row in csv.reader(lines) if row]
        values = np.array(
            [[float(cell) if cell.strip() else np.nan for cell in row] for row in rows[1:]]
        ).reshape(len(rows) - 1, -1)
        if values.size and values.shape[1] != len(rows[0]):
            raise ValueError
    except (OSError, ValueError, IndexError):
        raise BadInput(
            f"DATA must be numbers with commas between them where pandas is missing, got {shown}. "
            f"{EXTRA}"
        ) from None
    whole = np.all((values == np.floor(values)) | np.isnan(values), axis=0)
    return {
        name.strip(): Column("whole" if one else "number", column)
        for name, one, column in zip(rows[0], whole, values.T, strict=False)
    }


def as_categories(column: Column) -> NDArray[Any]:
    """Return a column as text, None where a value is missing."""
    if column.kind == "text":
        return column.values
    named = {1.0: "True", 0.0: "False"} if column.kind == "bool" else {}
    found = np.empty(len(column.values), object)
    found[:] = [
        None if np.isnan(value) else named.get(value) or text_of(value) for value in column.values
    ]
    return found


def as_numbers(column: Column, name: str) -> NDArray[np.float64]:
    """Return a column as float64, NaN where a value is missing."""
    values = column.values
    if column.kind == "text":
        found = np.full(len(values), np.nan)
        for i, value in enumerate(values):
            try:
                found[i] = np.nan if value is None else float(value)
            except ValueError:
                raise BadInput(
                    f"column {name!r} must be numbers, got {value!r} in row {i + 1}. Put a number "
                    "there, or leave the cell empty."
                ) from None
        values = found
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0]) + 1
        raise BadInput(
            f"column {name!r} must be finite, got {values[row - 1]} in row {row}. Put a number "
            "there, or leave the cell empty."
        )
    return np.asarray(values, np.float64)


def picked(columns: dict[str, Column], names: Sequence[str], option: str) -> None:
    """Check that a table has the columns that an option names."""
    for name in names:
        if name not in columns:
            has = f"It has {listed(list(columns))}."
            raise BadInput(
                f"{option} must be a column of the table, got {name!r}. {has} "
                f"{near(name, list(columns))}"
            )
