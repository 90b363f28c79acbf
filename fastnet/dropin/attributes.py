"""Attributes of a script's class that have other names than in the book: self.w, self.inputs.

What the constructor keeps is told by what it was given, and what the methods leave by its value in
a small example. Where two attributes might be meant, or the script's own reads something that it
has made of one, the class stays the script's own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnet.dropin.examples import alike, outcome
from fastnet.dropin.idle import Watched

__all__ = ["other_names"]


class _Changed:
    """In the place of a class: makes its objects, with other numbers in their attributes."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return an object of the class."""
        found = self.kind(*args, **kwargs)
        for i, (name, value) in enumerate(list(vars(found).items())):
            is_array = isinstance(value, np.ndarray) and value.dtype.kind == "f"
            if is_array or isinstance(value, float):
                setattr(found, name, value * (0.5 + i / 16))
        return found


def other_names(
    arguments: str, example: Any, watched: Watched, made: Callable[[dict[str, str]], Any]
) -> dict[str, str]:
    """Return the book's names -> those of the script's attributes; empty if not all are clear.

    Parameters
    ----------
    arguments : str
        The constructor's, in the book, which keeps them by these names.
    example : callable
    watched : Watched
        The objects that the script's own class has made in the example.
    made : callable
        Takes such names, and returns a class of fastnet's methods with them.
    """
    try:
        names = _left_as(example, made, watched, _given_as(arguments, watched))
        own, ours = (outcome(example, _Changed(kind)) for kind in (watched.own, made(names)))
        return names if alike(own, ours) else {}
    except Exception:
        return {}


def _given_as(arguments: str, watched: Watched) -> dict[str, str]:
    """Return the book's name of each argument -> the one attribute that is what was given."""
    _, before, given = watched.made[-1]
    parameters = list(inspect.signature(watched.own).parameters.values())
    values = [*given, *[parameter.default for parameter in parameters[len(given) :]]]
    names, known = {}, arguments.replace("[", "").replace("]", "").split()
    for name, value in zip(known, values, strict=False):
        holders = [own for own, held in before.items() if held is value]
        if name not in before and len(holders) == 1:
            names[name] = holders[0]
    return names


def _left_as(
    example: Any, made: Callable[[dict[str, str]], Any], watched: Watched, names: dict[str, str]
) -> dict[str, str]:
    """Return also the names of what fastnet's methods leave -> the one attribute of that value."""
    ours, own = Watched(made(names)), vars(watched.made[-1][0])
    outcome(example, ours)
    left = vars(ours.made[-1][0])
    fresh = {name: value for name, value in left.items() if name not in own}
    found = dict(names)
    for name, value in own.items():
        if name not in names.values() and not alike(value, left.get(name)):
            fits = [other for other, held in fresh.items() if alike(value, held)]
            if len(fits) == 1:
                found[fits[0]] = name
    return found
