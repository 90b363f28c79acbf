"""Batches of samples that come from an iterable, epoch by epoch."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from fastnet import checks

__all__ = [
    "Batches",
    "CheckedAnew",
    "batches_of",
    "gives_batches",
    "gives_once",
    "held_out_batches",
]

Batch = tuple[Any, Any, Any]  # x, t, sample_weight
NUMBERS = int, float, np.number, np.bool_


def gives_batches(value: Any) -> bool:
    """Tell whether a value in the place of an array of samples gives batches of them."""
    return (
        not hasattr(value, "__array__")
        and not isinstance(value, (list, tuple))
        and (callable(value) or hasattr(value, "__iter__") or hasattr(value, "__getitem__"))
    )


def batches_of(
    where: str, x: Any, t: Any, steps: int | None, drop_last: bool = False, **others: Any
) -> Batches:
    """Return the batches that x gives; all that goes with arrays alone must be left out."""
    if hasattr(x, "__array__"):
        raise TypeError(
            f"{where}: t must be given with x, got a {type(x).__name__} alone. Give targets t, or "
            "for x an iterable of batches (x, t)."
        )
    if drop_last:
        raise ValueError(
            f"{where}: drop_last must be False where x gives batches, got True. Let x leave the "
            "smaller batch out."
        )
    for name, value in {"t": t, **others}.items():
        if value is not None and not (isinstance(value, NUMBERS) and value == 0):
            got, way = f"a {type(value).__name__}", "(x, t), or (x, t, sample_weight)"
            if name in ("batch_size", "shuffle"):
                got, way = repr(value), "batches of that size and order"
            raise ValueError(
                f"{where}: {name} must be left out where x gives batches, got {got}. "
                f"Let x give {way}."
            )
    if not gives_batches(x) and not isinstance(x, (list, tuple)):
        raise TypeError(
            f"{where}: x must be an array, an iterable of batches or a function that returns one, "
            f"got a {type(x).__name__}. Give an array with t, or batches (x, t)."
        )
    return Batches(where, "x", x, steps)


def held_out_batches(where: str, given: Any) -> Batches | None:
    """Return validation data as batches; None where they are a pair, or no data at all."""
    of_tuples = isinstance(given, list) and given and all(isinstance(g, tuple) for g in given)
    if not of_tuples and not gives_batches(given):
        return None
    found = Batches(where, "validation_data", given)
    if found.is_iterator:
        raise ValueError(
            f"{where}: validation_data must begin anew for each epoch, got a "
            f"{type(given).__name__}, which ends once. Give a function that returns it, or a list."
        )
    return found


class Batches:
    """Batches (x, t) or (x, t, sample_weight) of an iterable, or of a function that makes one."""

    def __init__(self, where: str, name: str, given: Any, steps: int | None = None) -> None:
        self.where, self.name, self.given, self.steps = where, name, given, steps
        self.is_iterator = hasattr(given, "__next__")
        self.stream: Iterator[Any] | None = None
        self.kept: list[Batch] = []  # looked at, and not yet taken
        self.ran_out = False

    def check_epochs(self, count: int) -> None:
        """Check that there is something for each of some epochs."""
        if self.is_iterator and self.steps is None and count > 1:
            raise ValueError(
                f"{self.where}: {self.name} must begin anew for each of {count} epochs, got a "
                f"{type(self.given).__name__}, which ends once. Give a function that returns it, "
                "a list, or steps_per_epoch."
            )

    def first(self, epoch: int) -> Batch:
        """Return the batch that comes first, and keep it for `of_epoch`."""
        if not self.kept:
            found = self._next(epoch, self.steps is not None)
            if found is None:
                raise ValueError(
                    f"{self.where}: {self.name} must give a batch, got a "
                    f"{type(self.given).__name__} that gives none. Give batches (x, t)."
                )
            self.kept = [found]
        return self.kept[0]

    def of_epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch: all, or `steps` from where the last one ended."""
        self.first(epoch)
        yield self.kept.pop()
        count = 1
        while count != self.steps:
            found = self._next(epoch, self.steps is not None)
            if found is None:
                break
            yield found
            count += 1

    def over(self, epochs_left: int) -> bool:
        """Tell whether the next epoch has no batch; with a warning, where one was asked for."""
        if not epochs_left or not self.is_iterator:
            return False
        found = None if self.ran_out else self._next(0)
        if found is not None:
            self.kept = [found]
            return False
        left = f"{epochs_left} epoch{'s' * (epochs_left > 1)}"
        checks.warn(f"{self.where}: {self.name} ran out of batches, {left} before the end.")
        return True

    def _next(self, epoch: int, anew: bool = False) -> Batch | None:
        """Return the next batch; None where there is none, and none anew."""
        if self.stream is None:
            if self.ran_out and self.is_iterator:
                return None
            self.stream = iter(self._opened(epoch))
        for found in self.stream:
            return self._checked(found)
        self.stream, self.ran_out = None, True
        if not anew or self.is_iterator:
            return None
        self.stream = iter(self._opened(epoch))
        for found in self.stream:
            return self._checked(found)
        return None

    def _opened(self, epoch: int) -> Any:
        given = self.given
        if callable(given) and not hasattr(given, "__iter__"):
            given = given(epoch) if _takes_one(given) else given()
        if not hasattr(given, "__iter__") and hasattr(given, "__len__"):
            return (given[i] for i in range(len(given)))
        if not hasattr(given, "__iter__") and not hasattr(given, "__getitem__"):
            raise TypeError(
                f"{self.where}: {self.name} must return an iterable of batches, got a "
                f"{type(given).__name__}. Write a function that yields (x, t)."
            )
        return given

    def _checked(self, found: Any) -> Batch:
        if not isinstance(found, (tuple, list)) or len(found) not in (2, 3):
            got = f"a {type(found).__name__}"
            if isinstance(found, (tuple, list)):
                got += f" of {len(found)}"
            raise TypeError(
                f"{self.where}: {self.name} must give batches (x, t) or (x, t, sample_weight), "
                f"got {got}. Give pairs; samples in one array need t beside them."
            )
        x, t, *weight = found
        return x, t, weight[0] if weight else None


def gives_once(value: Any) -> bool:
    """Tell whether a value is an iterator or a function, which are never samples themselves."""
    return hasattr(value, "__next__") or (callable(value) and not hasattr(value, "__array__"))


class CheckedAnew:
    """An iterable that calls a function anew each time that it is gone through."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __iter__(self) -> Iterator[Any]:
        return iter(self.function(*self.arguments))


def _takes_one(function: Any) -> bool:
    """Tell whether a function takes the number of the epoch."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.default is p.empty and p.kind <= p.POSITIONAL_OR_KEYWORD for p in parameters)
