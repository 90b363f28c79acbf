"""Callbacks that go by whether a number improves."""

from __future__ import annotations

from typing import Any

from fastnet import checks
from fastnet.callbacks.base import Callback

__all__ = ["EarlyStopping", "Monitor", "ReduceLROnPlateau"]

MODES = "auto", "min", "max"


class Monitor(Callback):
    """What callbacks have in common that go by whether a number improves, as Keras' have."""

    best: float | None = None

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        where = type(self).__name__
        if not isinstance(monitor, str):
            raise TypeError(
                f"{where}: monitor must be a name, got {monitor!r}. Give one such as 'val_loss'."
            )
        self.monitor = monitor
        self.mode = checks.choice(where, "mode", mode, MODES)
        self.min_delta = abs(checks.not_nan(where, "min_delta", min_delta))
        self._sign = 0

    def _check(self, where: str, names: dict[str, str], optimizer: Any) -> None:
        if self.monitor not in names:
            way = "Give fit metrics=[...] that have it"
            if self._of_batches:
                way = "Give one of these, or save_freq='epoch'"
            elif self.monitor.removeprefix("val_") in names:
                way = "Give fit validation_data=(x, t) or validation_split"
            elif f"val_{self.monitor}" in names:
                way = f"Give monitor='val_{self.monitor}'"
            known = f"{', '.join(map(repr, names))}, got {self.monitor!r}"
            raise ValueError(f"{type(self).__name__}: monitor must be one of {known}. {way}.")
        self._direction(names[self.monitor])

    def _direction(self, name: str = "") -> int:
        """Return 1 where more is better, -1 where less is."""
        if not self._sign and self.mode == "auto":
            self._sign = _sign_of(self, name or self.monitor.removeprefix("val_"))
        elif not self._sign:
            self._sign = 1 if self.mode == "max" else -1
        return self._sign

    def _improves(self, value: float, reference: float | None) -> bool:
        if reference is None or (reference != reference and value == value):  # NaN gives way
            return True
        if self._direction() > 0:
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def _value(self, logs: dict[str, float] | None) -> float | None:
        """Return the number that it goes by; with a warning None, where an epoch has none."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            checks.warn(
                f"{type(self).__name__}: monitor {self.monitor!r} is not in the logs of the epoch, "
                f"which have {', '.join(logs or {}) or 'nothing'}."
            )
        return value


def _sign_of(monitor: Monitor, name: str) -> int:
    """Return whether more or less of a known number is better."""
    from fastnet.metrics.named import METRICS

    if name == "loss":
        return -1
    metric = METRICS.get(name)
    if metric is None:
        raise ValueError(
            f"{type(monitor).__name__}: mode must be 'min' or 'max' for a monitor that is no name "
            f"of fastnet.metrics, got 'auto' for {name!r}. Give mode='max' where more is better."
        )
    return -1 if metric.numbers is not None and name != "r2" else 1


class EarlyStopping(Monitor):
    """Ends training when a number has stopped improving.

    Parameters
    ----------
    monitor : str
        A name in the logs of an epoch: "loss", "accuracy", "val_loss" ...
    min_delta : float
        What an improvement must exceed.
    patience : int
        After how many epochs without an improvement training ends.
    verbose : 0 or 1
        Whether it prints when it ends training, and which weights it puts back.
    mode : "auto", "min" or "max"
        Whether less or more is better; "auto" knows it of "loss" and of the names in
        `fastnet.metrics`, also behind the name of a head.
    baseline : float, optional
        Training also ends where the number is not better than this after `patience` epochs.
    restore_best_weights : bool
        Whether the model gets the weights of the best epoch back at the end, also after Ctrl-C;
        else it keeps those of the last one.
    start_from_epoch : int
        Epochs before this one, counted from 0, are not looked at.

    Attributes
    ----------
    best : float or None
        The best number so far, of the epoch `best_epoch`, counted from 0.
    stopped_epoch : int
        The epoch that was the last, counted from 0; 0 where training was not ended.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind or out of range; and in fit, where the logs will not have the
        number, or "auto" does not know whether less of it is better.

    Notes
    -----
    Source: Keras' `EarlyStopping`, with its decisions to the epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.callbacks import EarlyStopping
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> rng = np.random.default_rng(0)
    >>> x, t = rng.standard_normal((60, 20)), rng.integers(0, 2, 60)  # nothing to be learnt
    >>> model = Sequential([Dense(30, activation="relu"), Dense(2)], seed=0)
    >>> stop = EarlyStopping(patience=3, restore_best_weights=True)
    >>> history = model.fit(x, t, 500, validation_split=0.5, callbacks=[stop], verbose=0)
    >>> len(history.loss) == stop.best_epoch + 4
    True
    >>> model.evaluate(x[30:], t[30:])["loss"] == min(history.val_loss)
    True
    """

    @checks.keywords_of("EarlyStopping")
    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        where = "EarlyStopping"
        self.verbose = checks.verbosity(where, verbose, 1)
        self.patience = checks.count(where, "patience", patience, 0)
        self.baseline = None if baseline is None else checks.not_nan(where, "baseline", baseline)
        checks.flag(where, "restore_best_weights", restore_best_weights)
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = checks.count(where, "start_from_epoch", start_from_epoch, 0)
        self.on_train_begin({})

    def on_train_begin(self, logs: dict[str, float]) -> None:
        """Forget the fit before."""
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = None
        self.best_weights: Any = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """End training where the number has not improved for too long."""
        current = self._value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self._improves(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._improves(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, float]) -> None:
        """Put the best weights back."""
        if self.stopped_epoch > 0 and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                print(f"Restoring the weights of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(Monitor):
    """Lowers the learning rate, `model.optimizer.lr`, when a number has stopped improving.

    Parameters
    ----------
    monitor, mode : str
        As for `EarlyStopping`.
    factor : float
        In (0, 1): what the learning rate is multiplied by.
    patience : int
        After how many epochs without an improvement the learning rate is lowered.
    verbose : 0 or 1
        Whether it prints each reduction.
    min_delta : float
        What an improvement must exceed.
    cooldown : int
        Epochs after a reduction in which nothing is counted.
    min_lr : float
        The learning rate goes no lower.

    Raises
    ------
    TypeError, ValueError
        As for `EarlyStopping`; in fit, too, where the optimizer's lr is a schedule.

    Notes
    -----
    The logs, and so the History, have the learning rate of each epoch, "lr". Source: Keras'
    `ReduceLROnPlateau`, with its decisions to the epoch; its "learning_rate" is "lr" here.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.callbacks import ReduceLROnPlateau
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> from fastnet.optimizer import SGD
    >>> model = Sequential([Dense(2)], seed=0)
    >>> reduce = ReduceLROnPlateau("loss", factor=0.5, patience=2, min_delta=10.0)
    >>> history = model.fit(
    ...     np.eye(4), [0, 1, 0, 1], 6, optimizer=SGD(lr=0.4), callbacks=[reduce], verbose=0
    ... )
    >>> history.lr
    [0.4, 0.4, 0.4, 0.2, 0.2, 0.1]
    """

    @checks.keywords_of("ReduceLROnPlateau")
    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        where = "ReduceLROnPlateau"
        self.factor = checks.number(where, "factor", factor)
        if not 0 < self.factor < 1:
            raise ValueError(f"{where}: factor must be in (0, 1), got {factor}. Give 0.1 or 0.5.")
        self.patience = checks.count(where, "patience", patience, 0)
        self.verbose = checks.verbosity(where, verbose, 1)
        self.cooldown = checks.count(where, "cooldown", cooldown, 0)
        self.min_lr = checks.not_negative(where, "min_lr", min_lr)
        self.on_train_begin({})

    def _check(self, where: str, names: dict[str, str], optimizer: Any) -> None:
        super()._check(where, names, optimizer)
        if callable(optimizer.lr):
            raise TypeError(
                f"ReduceLROnPlateau: the optimizer's lr must be a number, got {optimizer.lr!r}. "
                "Leave one of the two out."
            )

    def on_train_begin(self, logs: dict[str, float]) -> None:
        """Forget the fit before."""
        self.best = None
        self.wait = self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Lower the learning rate where the number has not improved for too long."""
        optimizer = self.model.optimizer
        rate = logs["lr"] = float(optimizer.lr)
        current = self._value(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._improves(current, self.best):
            self.best, self.wait = current, 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience and rate > self.min_lr:
                optimizer.lr = max(rate * self.factor, self.min_lr)
                self.cooldown_counter, self.wait = self.cooldown, 0
                if self.verbose:
                    print(f"Epoch {epoch + 1}: lr is reduced to {optimizer.lr:g}.")
