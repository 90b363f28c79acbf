"""Callbacks that write files."""

from __future__ import annotations

import contextlib
import csv
import os
from typing import Any

from fastnet import checks
from fastnet.callbacks.base import Callback
from fastnet.callbacks.monitors import Monitor

__all__ = ["CSVLogger", "ModelCheckpoint"]


class ModelCheckpoint(Monitor):
    """Saves the model after each epoch, each best epoch so far, or each so many batches.

    Each file is written by `Sequential.save`, whole or not at all, and `Sequential.load` reads it:
    with its optimizer, so that `fit(..., initial_epoch=k)` goes on where epoch k ended, to the bit.

    Parameters
    ----------
    filepath : str or path
        The file, with fields such as "{epoch:02d}-{val_loss:.2f}.safetensors": epoch, counted from
        1, and the numbers in the logs; with a number as save_freq, batch, too. Its folder is made
        where there is none.
    monitor, mode : str
        As for `EarlyStopping`; only used with save_best_only.
    verbose : 0 or 1
        Whether it prints what it saves.
    save_best_only : bool
        Whether it saves only when the number has improved.
    save_weights_only : bool
        Whether the optimizer is left out, whose states are two thirds of a file with Adam.
    save_freq : "epoch" or int
        After how many batches it saves, where it is no "epoch"; batches are counted across epochs.
        Each batch is then a call, and the logs are those of `on_batch_end`, without validation.
    initial_value_threshold : float, optional
        With save_best_only the number that the first file must be better than.

    Raises
    ------
    TypeError, ValueError
        As for `EarlyStopping`; and in fit, where filepath has a field that the logs have not.
    OSError
        In fit: a file cannot be written.

    Notes
    -----
    Source: Keras' `ModelCheckpoint`.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fastnet.callbacks import ModelCheckpoint
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> model = Sequential([Dense(2)], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save = ModelCheckpoint(os.path.join(folder, "{epoch:02d}.safetensors"))
    ...     history = model.fit(np.eye(4), [0, 1, 0, 1], 2, callbacks=[save], verbose=0)
    ...     print(sorted(os.listdir(folder)))
    ...     again = Sequential.load(os.path.join(folder, "02.safetensors"))
    ['01.safetensors', '02.safetensors']
    >>> bool((again.layers[0].W == model.layers[0].W).all())
    True
    """

    @checks.keywords_of("ModelCheckpoint")
    def __init__(
        self,
        filepath: str | os.PathLike[Any],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, 0.0)
        where = "ModelCheckpoint"
        self.filepath = checks.path(where, filepath)
        self.verbose = checks.verbosity(where, verbose, 1)
        self.save_best_only = checks.flag(where, "save_best_only", save_best_only)
        self.save_weights_only = checks.flag(where, "save_weights_only", save_weights_only)
        self.save_freq: Any = save_freq
        if not isinstance(save_freq, str) or save_freq != "epoch":
            self.save_freq = checks.count(where, "save_freq", save_freq)
            self._of_batches = True
            self._follow_batches()
        self._epoch = self._batches = 0
        self.best = None
        if initial_value_threshold is not None:
            threshold = initial_value_threshold
            self.best = checks.not_nan(where, "initial_value_threshold", threshold)

    def _follow_batches(self) -> None:
        # On the object: were it on the class, each batch would be a call, for epochs too.
        self.on_batch_end = self._after_batch  # type: ignore[method-assign]

    def __setstate__(self, state: dict[str, Any]) -> None:
        # In the state of a copy on_batch_end is the method of the original.
        self.__dict__ |= state
        if self._of_batches:
            self._follow_batches()

    def _check(self, where: str, names: dict[str, str], optimizer: Any) -> None:
        if self.save_best_only:
            super()._check(where, names, optimizer)
        some = {} if self.save_freq == "epoch" else {"batch": 1}
        self._path(0, dict.fromkeys(names, 0.0) | some)

    def _path(self, epoch: int, logs: dict[str, float]) -> str:
        """Return the path with its fields filled in."""
        try:
            return self.filepath.format(epoch=epoch + 1, **logs)
        except (LookupError, AttributeError, TypeError, ValueError) as error:
            raise ValueError(
                f"ModelCheckpoint: filepath must have no fields but epoch"
                f"{''.join(f', {name}' for name in logs)}, got {self.filepath!r} ({error}). "
                "Give one such as '{epoch:02d}.safetensors'."
            ) from None

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> None:
        """Remember the epoch: `on_batch_end` has no argument that tells it."""
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Save the model, unless it is saved after batches."""
        if self.save_freq == "epoch":
            self._save(self._path(epoch, logs), epoch, logs)

    def _after_batch(self, batch: int, logs: dict[str, float]) -> None:
        """Save the model after each save_freq batches."""
        path = self._path(self._epoch, logs | {"batch": batch + 1})
        self._batches += 1
        if self._batches >= self.save_freq:
            self._batches = 0
            self._save(path, self._epoch, logs)

    def _save(self, path: str, epoch: int, logs: dict[str, float]) -> None:
        said = ""
        if self.save_best_only:
            current = self._value(logs)
            if current is not None:
                if not self._improves(current, self.best):
                    return
                self.best, said = current, f"{self.monitor} improved to {current:.5f}, "
        if self.verbose:
            print(f"Epoch {epoch + 1}: {said}saving the model to {path}")
        if folder := os.path.dirname(path):
            os.makedirs(folder, exist_ok=True)
        kept = self.model.optimizer
        try:
            if self.save_weights_only:
                self.model.optimizer = None
            self.model.save(path)
        finally:
            self.model.optimizer = kept


class CSVLogger(Callback):
    """Writes a line of a CSV file after each epoch: its number, from 0, and those in the logs.

    Parameters
    ----------
    filename : str or path
        The file.
    separator : str
        Between two numbers.
    append : bool
        Whether lines are appended to a file that exists; else it is written anew.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind.
    OSError
        In fit: the file cannot be written.

    Notes
    -----
    Each line is in the file when its epoch has ended. Numbers are those of the logs, to the bit.
    Source: Keras' `CSVLogger`, whose columns are sorted; here they have the order of the logs.

    Examples
    --------
    >>> import os, pathlib, tempfile
    >>> import numpy as np
    >>> from fastnet.callbacks import CSVLogger
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> model = Sequential([Dense(2)], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = CSVLogger(os.path.join(folder, "log.csv"))
    ...     history = model.fit(np.eye(4), [0, 1, 0, 1], 2, callbacks=[log], verbose=0)
    ...     lines = pathlib.Path(log.filename).read_text().splitlines()
    >>> lines[0], lines[1].startswith("0,"), len(lines)
    ('epoch,loss,accuracy', True, 3)
    """

    @checks.keywords_of("CSVLogger")
    def __init__(
        self, filename: str | os.PathLike[Any], separator: str = ",", append: bool = False
    ) -> None:
        where = "CSVLogger"
        self.filename = checks.path(where, filename)
        given: Any = separator
        if not isinstance(given, str) or len(given) != 1 or given in '\r\n"':
            raise ValueError(
                f"{where}: separator must be one character, got {separator!r}. Give ',' or ';'."
            )
        self.separator = separator
        self.append = checks.flag(where, "append", append)
        self._names: list[str] | None = None

    def on_train_begin(self, logs: dict[str, float]) -> None:
        """Open the file; where lines are appended, read which columns it has."""
        self._names = None
        if not self.append:
            open(self.filename, "w").close()
            return
        with contextlib.suppress(FileNotFoundError), open(self.filename, newline="") as file:
            head = next(csv.reader(file, delimiter=self.separator), None)
            self._names = head[1:] if head else None

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Write a line."""
        with open(self.filename, "a", newline="") as file:
            writer = csv.writer(file, delimiter=self.separator, lineterminator="\n")
            if self._names is None:
                self._names = list(logs)
                writer.writerow(["epoch", *self._names])
            writer.writerow([epoch, *(logs.get(name, "NA") for name in self._names)])
