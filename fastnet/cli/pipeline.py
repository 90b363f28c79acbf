"""What stands between raw data and a network, kept in the model's file as its metadata.

A pipeline says what the task is, what the labels are called, and how x and t are made of a file: of
the columns of a table, or of images of a size. `fastnet predict`, `evaluate`, `compare` and
`inspect` read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet.cli import columns as of_columns
from fastnet.cli.messages import BadInput, listed, near
from fastnet.cli.tables import Column, as_categories, as_numbers, text_of

MOST_CLASSES = 20  # values of whole numbers that are classes, unless --task says otherwise
WHOLE = {"text": "text", "bool": "true or false", "whole": "whole numbers", "number": "numbers"}


@dataclass
class Pipeline:
    """What is kept of the data that a network was trained on."""

    kind: str  # "table" or "images"
    task: str  # "classification" or "regression"
    labels: list[Any] = field(default_factory=list)
    target: str = ""
    columns: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    mean: float = 0.0  # of the target of a regression, which the network learns in deviations
    deviation: float = 1.0
    shape: tuple[int, int, int] = (0, 0, 0)  # height, width, channels of an image
    top: int = 255  # the largest pixel
    resized: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as a file keeps it."""
        found: dict[str, Any] = {"kind": self.kind, "task": self.task, "target": self.target}
        if self.task == "classification":
            found["labels"] = self.labels
        else:
            found |= {"mean": self.mean, "deviation": self.deviation}
        if self.kind == "table":
            return found | {"columns": self.columns, "dropped": self.dropped}
        return found | {"shape": list(self.shape), "top": self.top, "resized": self.resized}

    def label_indices(self, column: Column) -> NDArray[np.int64]:
        """Return the labels (N,) of a target column."""
        places: dict[Any, int]
        if isinstance(self.labels[0], str):
            values: Any = as_categories(column)
            places = {label: i for i, label in enumerate(self.labels)}
        else:
            values = as_numbers(column, self.target).tolist()
            places = {float(label): i for i, label in enumerate(self.labels)}
        found = np.array([places.get(value, -1) for value in values], np.int64)
        if (found < 0).any():
            row = int(np.flatnonzero(found < 0)[0])
            raise BadInput(
                f"column {self.target!r} must have labels of the training, "
                f"{listed([str(label) for label in self.labels])}, got {text_of(values[row])!r} "
                f"in row {row + 1}. Leave such rows out."
            )
        return found

    def t_of(self, columns: dict[str, Column]) -> NDArray[Any]:
        """Return the targets of a table, in their own units: labels (N,), or numbers (N,)."""
        if self.target not in columns:
            raise BadInput(
                f"DATA must have the column {self.target!r}, which was the target at training, got "
                f"the columns {listed(list(columns))}. {near(self.target, list(columns))}"
            )
        column = columns[self.target]
        complete_target(column, self.target)
        if self.task == "classification":
            return self.label_indices(column)
        return as_numbers(column, self.target)

    def x_of(
        self,
        columns: dict[str, Column],
        dtype: str,
        drop: Sequence[str] = (),
        allow_unseen: bool = False,
        notes: list[str] | None = None,
    ) -> NDArray[Any]:
        """Return (N, D), the rows of a table whose columns are those of the training."""
        wanted = [one["name"] for one in self.columns]
        missing = [name for name in wanted if name not in columns]
        if missing:
            raise BadInput(
                f"DATA must have the columns of the training, got none called {listed(missing)}. "
                f"It has {listed(list(columns))}."
            )
        others = set(columns) - {*wanted, *self.dropped, *drop, self.target}
        unknown = [name for name in columns if name in others]
        if unknown:
            raise BadInput(
                f"DATA must have the columns of the training alone, got {listed(unknown)}, too. "
                f"Leave them out by --drop {','.join(unknown)}."
            )
        notes = [] if notes is None else notes
        return of_columns.inputs(self.columns, columns, dtype, allow_unseen, notes)

    def text_columns(self) -> list[str]:
        """Return the columns that are read as text, so that "007" is no 7."""
        found = [one["name"] for one in self.columns if one["kind"] == "category"]
        if self.labels and isinstance(self.labels[0], str) and self.target:
            found.append(self.target)
        return found


def complete_target(column: Column, name: str) -> None:
    """Check that each row has a target."""
    gone = np.flatnonzero(column.missing())
    if len(gone):
        others = f" and {len(gone) - 1} others" if len(gone) > 1 else ""
        raise BadInput(
            f"column {name!r} must have a value in each row, as it is the target, got none in row "
            f"{gone[0] + 1}{others}. Remove these rows, or fill them in."
        )


def task_of(column: Column, name: str, asked: str | None) -> tuple[str, str]:
    """Return the task of a target, and why it is that."""
    complete_target(column, name)
    count = len(set(column.values.tolist()))
    shown = f"{WHOLE[column.kind]} of {count:,} value{'s' * (count != 1)}"
    if asked is not None:
        return asked, f"{shown}, by --task"
    if column.kind in ("text", "bool") or (column.kind == "whole" and count <= MOST_CLASSES):
        other = "" if column.kind == "text" else "; --task regression for a number"
        return "classification", shown + other
    return "regression", f"{shown}; --task classification for classes"


def labels_of(column: Column, name: str) -> list[Any]:
    """Return the labels of a target, in order, of the kind that they have."""
    if column.kind == "bool":
        labels: list[Any] = [False, True]
    elif column.kind == "text":
        labels = sorted(set(column.values))
    else:
        values = sorted(set(as_numbers(column, name).tolist()))
        labels = [int(value) for value in values] if column.kind == "whole" else values
    found = len(set(column.values.tolist()))
    if found < 2:
        raise BadInput(
            f"--target must have two values or more, got only {as_categories(column)[0]!r} in "
            f"column {name!r}. Give another column."
        )
    if found > max(MOST_CLASSES, len(column.values) // 2):
        raise BadInput(
            f"--target must have classes that come again, got {found:,} values in "
            f"{len(column.values):,} rows of column {name!r}. Give another column, or, for "
            "numbers, --task regression."
        )
    return labels


def read_pipeline(described: Any) -> Pipeline:
    """Return the pipeline that a file describes, checked; ValueError where it is none."""
    try:
        kind, task = described["kind"], described["task"]
        if kind not in ("table", "images") or task not in ("classification", "regression"):
            raise ValueError
        made = Pipeline(kind, task, target=str(described["target"]))
        if task == "classification":
            made.labels = list(described["labels"])
            kinds = {type(label) for label in made.labels}
            if len(made.labels) < 2 or len(kinds) > 1 or not kinds <= {str, int, float, bool}:
                raise ValueError
        else:
            made.mean, made.deviation = float(described["mean"]), float(described["deviation"])
        if kind == "table":
            made.columns = of_columns.checked(described["columns"])
            made.dropped = [str(name) for name in described["dropped"]]
        else:
            height, width, channels = map(int, described["shape"])
            made.shape, made.top = (height, width, channels), int(described["top"])
            made.resized = bool(described["resized"])
            if min(height, width) < 1 or channels not in (1, 3) or made.top < 1:
                raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError("its pipeline is not one that this fastnet knows") from None
    return made
