"""What `fit` returns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks

__all__ = ["History", "columns_of"]


class History:
    """What `fit` saw: a list for each number that was asked for, with one entry an epoch.

    Parameters
    ----------
    columns : dict of lists, optional
        By name, all of one length.

    Attributes
    ----------
    loss : list of float
        Mean over the training samples, each batch counted before its update, with what
        `Sequential(l1=..., l2=...)` adds to it.
    seconds : list of float
        Time of the epoch's training, without compiling, metrics and validation.
    accuracy, f1, ... : list of float
        The metrics, as `Sequential.fit` has them, and no others.
    val_loss, val_accuracy, ... : list of float
        After the epoch, on the validation data; where there is none, these are missing.
    interrupted : bool
        Whether Ctrl-C ended the fit. A second Ctrl-C within a second, and any outside of a fit, is
        Python's KeyboardInterrupt.

    Raises
    ------
    AttributeError
        `fit` was not asked for that number; the error names those that there are.

    Examples
    --------
    >>> from fastnet.models import History
    >>> history = History({"loss": [0.5, 0.25], "accuracy": [0.75, 1.0]})
    >>> history
    <History: 2 epochs, at last loss 0.2500, accuracy 1.0000>
    >>> history.accuracy
    [0.75, 1.0]
    >>> history.to_dict()  # pandas.DataFrame takes it
    {'loss': [0.5, 0.25], 'accuracy': [0.75, 1.0]}
    """

    interrupted = False

    def __init__(self, columns: dict[str, list[float]] | None = None) -> None:
        vars(self).update(columns or {})

    def __getattr__(self, name: str) -> list[float]:
        # Only what is missing comes here; copies and pickles ask for some __names__.
        if name.startswith("__"):
            raise AttributeError(name)
        checks.not_another_s("History", "History", name)
        raise AttributeError(
            f"History.{name}: the name must be one of {', '.join(self.to_dict()) or 'none'}, got "
            f"{name!r}. Ask fit for it: metrics=[...], and validation_data=(x, t) for val_..."
        )

    def to_dict(self) -> dict[str, list[float]]:
        """Return the lists by name, as copies: all of one length."""
        return {name: list(found) for name, found in vars(self).items() if isinstance(found, list)}

    def __repr__(self) -> str:
        columns = self.to_dict()
        seen = {name: values for name, values in columns.items() if values and name != "seconds"}
        last = ", ".join(f"{name} {_shown(values[-1])}" for name, values in seen.items())
        epochs = len(columns.get("loss", []))
        shown = f", at last {last}" if last else ""
        return f"<History: {epochs} epochs{', interrupted' * self.interrupted}{shown}>"


def _shown(value: Any) -> str:
    """Return a number with four digits; what else a callback has put into the logs, as it is."""
    return f"{value:.4f}" if isinstance(value, (int, float, np.number)) else str(value)


def columns_of(
    seen: list[tuple[NDArray[np.float64], dict[str, float]]], names: dict[str, int | None]
) -> dict[str, list[float]]:
    """Return the columns of a history: what is counted, what is found later, seconds.

    `names` has in which column of the means a number stands, or None.
    """
    table: list[list[float]] = []
    if seen:
        tables = [means for means, _ in seen]
        table = (np.concatenate(tables) if len(tables) > 1 else tables[0]).T.tolist()
    columns = {}
    for name, column in names.items():
        if seen and (name in seen[0][1] or name in seen[-1][1]):
            columns[name] = [found.get(name, math.nan) for _, found in seen]
        else:
            columns[name] = table[column][:] if seen and column is not None else []
    columns["seconds"] = table[2] if seen else []
    return columns
