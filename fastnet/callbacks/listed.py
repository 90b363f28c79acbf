"""The callbacks of one fit, by what each asks for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from fastnet.callbacks.base import HOOKS, Callback, LambdaCallback

__all__ = ["Listed"]

OF_EPOCHS = "on_epoch_begin", "on_epoch_end", "on_batch_end"
# Keras' name of a method -> the name here; "" where nothing here calls it.
OTHERS = {
    "on_train_batch_end": "on_batch_end",
    "on_train_batch_begin": "",
    "on_batch_begin": "",
    "on_test_begin": "",
    "on_test_end": "",
    "on_test_batch_begin": "",
    "on_test_batch_end": "",
}


class Listed:
    """The callbacks of one fit, by what each asks for."""

    def __init__(self, where: str, given: Any) -> None:
        self.all: list[Any] = []
        self.hooks: dict[str, list[Callable[..., Any]]] = {}  # of those that do something
        self.of_epochs = self.of_batches = False  # whether an epoch is a call, and a batch
        if given is None:
            return
        if not isinstance(given, (list, tuple)):
            raise TypeError(
                f"{where}: callbacks must be a list, got {_shown(given)}. Give [callback, ...]."
            )
        self.all = [_callback(where, f"callbacks[{i}]", one) for i, one in enumerate(given)]
        for name in HOOKS:
            if found := [getattr(one, name) for one in self.all if _defines(one, name)]:
                self.hooks[name] = found
        self.of_batches = "on_batch_end" in self.hooks
        self.of_epochs = not self.hooks.keys().isdisjoint(OF_EPOCHS)

    def check(
        self, where: str, names: dict[str, str], of_batches: set[str], optimizer: Any
    ) -> None:
        """Check that fit gives each what it needs; `of_batches` are names in logs of batches."""
        counted = {name: own for name, own in names.items() if name in of_batches}
        for one in self.all:
            if isinstance(one, Callback):
                one._check(where, counted if one._of_batches else names, optimizer)

    def begin(self, model: Any, params: dict[str, Any]) -> None:
        """Give each the model and the parameters, and tell it that training begins."""
        for one in self.all:
            with contextlib.suppress(AttributeError):  # of an object with slots
                one.model, one.params = model, params
        self.call("on_train_begin", {})

    def call(self, name: str, *arguments: Any) -> None:
        """Call the method of that name of all that define it."""
        for hook in self.hooks.get(name, ()):
            hook(*arguments)

    def end_quietly(self, epoch: int, message: str) -> bool:
        """Tell whether a callback lets the fit end without an error."""
        return any([hook(epoch, message) for hook in self.hooks.get("on_not_finite", ())])


def _callback(where: str, name: str, given: Any) -> Any:
    """Return a callback of what was given: itself, or one of a function."""
    if isinstance(given, type):
        raise TypeError(
            f"{where}: {name} must be an object, got the class {given.__name__}. "
            f"Give {given.__name__}(...)."
        )
    if type(given).__module__.partition(".")[0] == "keras" or hasattr(given, "set_model"):
        raise TypeError(
            f"{where}: {name} must be one of fastnet.callbacks, or of a class of your own, got "
            f"{_shown(given)}, which is Keras'. Derive it from fastnet.callbacks.Callback."
        )
    for other, own in OTHERS.items():
        if hasattr(given, other):
            way = f"Call it {own}" if own else "Leave it out"
            raise TypeError(
                f"{where}: {name} must have methods such as {', '.join(HOOKS[:5])}, got "
                f"{_shown(given)} with {other}. {way}."
            )
    if any(hasattr(given, hook) for hook in HOOKS):
        return given
    if callable(given):
        return LambdaCallback(on_epoch_end=given)
    raise TypeError(
        f"{where}: {name} must have methods such as {', '.join(HOOKS[:5])}, or be a function of "
        f"(epoch, logs), got {_shown(given)}. Derive it from fastnet.callbacks.Callback."
    )


def _defines(callback: Any, name: str) -> bool:
    """Tell whether a callback does something there."""
    if name in getattr(callback, "__dict__", {}):
        return True
    own = getattr(type(callback), name, None)
    return own is not None and own is not getattr(Callback, name)


def _shown(value: Any) -> str:
    return f"a {type(value).__name__}"
