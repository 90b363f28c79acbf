"""What a callback is, one of functions, and one that ends a diverging fit quietly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnet import checks

__all__ = ["HOOKS", "Callback", "LambdaCallback", "TerminateOnNaN"]

HOOKS = (
    "on_train_begin",
    "on_train_end",
    "on_epoch_begin",
    "on_epoch_end",
    "on_batch_end",
    "on_not_finite",
)


class Callback:
    """What `Sequential.fit` calls between epochs and batches; derive from it and define methods.

    A callback may change weights, `model.layers[i].trainable`, `model.optimizer` and its numbers,
    `l1` and `l2`: the next epoch, or after `on_batch_end` the next batch, goes by them.
    `model.stop_training = True` ends the fit after the epoch, or the batch, that is done. Without
    callbacks one compiled call does many epochs; where a callback defines `on_batch_end`, each
    batch is a call, which costs some 20 us.

    Attributes
    ----------
    model : Sequential
        The one that is trained: `fit` assigns it.
    params : dict
        "epochs", "steps" (batches of an epoch, None where they are not known), "verbose" and
        "metrics", the names that the logs of an epoch have.

    Notes
    -----
    Source: Keras' `Callback`, whose `on_train_batch_end` is `on_batch_end` here. Epochs and batches
    are counted from 0. Any object that has some of these methods is a callback, too, and so is a
    function of (epoch, logs), which is called as `on_epoch_end` is.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.callbacks import Callback
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> class StopBelow(Callback):
    ...     def __init__(self, loss):
    ...         self.loss = loss
    ...     def on_epoch_end(self, epoch, logs):
    ...         self.model.stop_training = logs["loss"] < self.loss
    >>> x, t = np.eye(4), np.array([0, 1, 0, 1])
    >>> model = Sequential([Dense(2)], seed=0)
    >>> history = model.fit(x, t, 1000, callbacks=[StopBelow(0.5)], verbose=0)
    >>> len(history.loss) < 1000 and history.loss[-1] < 0.5 < history.loss[-2]
    True
    """

    model: Any = None
    params: dict[str, Any] = {}

    def on_train_begin(self, logs: dict[str, float]) -> None:
        """Called when training begins; the model is built, and logs are empty."""

    def on_train_end(self, logs: dict[str, float]) -> None:
        """Called when training has ended, by Ctrl-C too; logs are those of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> None:
        """Called when an epoch begins; logs are empty."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Called after an epoch; logs have its loss, metrics and val_...: floats.

        Callbacks that come after this one, and the History, see what it puts into logs.
        """

    def on_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Called after a batch; logs have loss, and accuracy if asked for, of the epoch so far."""

    def on_not_finite(self, epoch: int, message: str) -> bool:
        """Tell whether a fit that met a loss or weight that is not finite ends without an error.

        The model has its last finite weights again, and the History the epochs before this one.
        """
        return False

    _of_batches = False  # whether it goes by the logs of batches, which have fewer names

    # Checks what the callback needs of fit, before anything changes. `names` has the names in the
    # logs, each with what it is: "val_size_loss" a "loss".
    def _check(self, where: str, names: dict[str, str], optimizer: Any) -> None:
        pass


class LambdaCallback(Callback):
    """A callback made of functions.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : function of (epoch, logs), optional
    on_train_begin, on_train_end : function of (logs), optional
    on_batch_end : function of (batch, logs), optional

    Raises
    ------
    TypeError
        One is no function.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.callbacks import LambdaCallback
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> seen = []
    >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    >>> model = Sequential([Dense(2)], seed=0)
    >>> history = model.fit(np.eye(4), [0, 1, 0, 1], 3, callbacks=[callback], verbose=0)
    >>> seen
    [0, 1, 2]
    """

    @checks.keywords_of("LambdaCallback")
    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_batch_end: Callable[..., Any] | None = None,
    ) -> None:
        for name, function in [
            ("on_epoch_begin", on_epoch_begin),
            ("on_epoch_end", on_epoch_end),
            ("on_train_begin", on_train_begin),
            ("on_train_end", on_train_end),
            ("on_batch_end", on_batch_end),
        ]:
            if function is not None:
                if not callable(function):
                    raise TypeError(
                        f"LambdaCallback: {name} must be a function, got {function!r}. "
                        "Give one, or leave it out."
                    )
                setattr(self, name, function)


class TerminateOnNaN(Callback):
    """Ends a fit quietly where the loss, or a weight, is no longer finite.

    `Sequential.fit` raises FloatingPointError there. With this callback it returns the History of
    the epochs before, and the model has its last finite weights, where Keras' are NaN by then.
    Compiled calls still do many epochs.

    Parameters
    ----------
    verbose : 0 or 1
        Whether it prints a line, as Keras' does.

    Raises
    ------
    ValueError
        verbose is another value.

    Attributes
    ----------
    stopped_epoch : int or None
        The epoch, counted from 0, that was ended; None where none was.
    message : str
        What the error would have said.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.callbacks import TerminateOnNaN
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> from fastnet.optimizer import SGD
    >>> model = Sequential([Dense(1)], loss="mean_squared_error", seed=0)
    >>> terminate, far = TerminateOnNaN(), np.eye(3) * 1e9
    >>> history = model.fit(
    ...     far, np.ones(3), 50, optimizer=SGD(lr=10.0), callbacks=[terminate], verbose=0
    ... )
    >>> terminate.stopped_epoch == len(history.loss) < 50
    True
    >>> bool(np.isfinite(model.parameter_vector).all())
    True
    """

    @checks.keywords_of("TerminateOnNaN")
    def __init__(self, verbose: int = 0) -> None:
        self.verbose = checks.verbosity("TerminateOnNaN", verbose, 1)
        self.stopped_epoch: int | None = None
        self.message = ""

    def on_train_begin(self, logs: dict[str, float]) -> None:
        """Forget the fit before."""
        self.stopped_epoch, self.message = None, ""

    def on_not_finite(self, epoch: int, message: str) -> bool:
        """Say that the fit ends without an error."""
        self.stopped_epoch, self.message = epoch, message
        if self.verbose:
            print(f"Epoch {epoch + 1}: {message}")
        return True
