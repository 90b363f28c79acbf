"""Functions of first.py and so on, as they take the place of a script's own."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Iterator
from typing import Any

__all__ = ["in_turn", "of_targets", "with_own"]


def in_turn(turns: Iterator[int], *methods: Any) -> Any:
    """Return a method that is one of two, by the count of all calls."""
    return lambda *args, **kwargs: methods[next(turns) % 2](*args, **kwargs)


def with_own(function: Any, own: Any, names: dict[str, str]) -> Any:
    """Return a function of first.py and so on with the script's own as its keyword `own`.

    So a call takes as long as the script's: 0.06 us less than by a function around it. Defaults are
    the script's, and where it has other names for arguments, these are taken, in 0.2 us more; so
    are its attributes `names`, the book's -> the script's.
    """
    parameters = inspect.signature(own).parameters
    code = function.__code__
    code = code.replace(co_names=tuple(names.get(name, name) for name in code.co_names))
    made = types.FunctionType(code, function.__globals__, own.__name__)
    given = [p.default for p in parameters.values() if p.default is not p.empty]
    made.__defaults__ = tuple(given)
    functools.update_wrapper(made, own, updated=())
    made.__kwdefaults__ = {"own": own}
    ours = dict(zip(parameters, function.__code__.co_varnames, strict=False))
    if all(theirs == name for theirs, name in ours.items()):
        return made

    @functools.wraps(made)
    def call(*args: Any, **kwargs: Any) -> Any:
        return made(*args, **{ours.get(name, name): value for name, value in kwargs.items()})

    return call


def of_targets(axes: int, function: Any, own: Any) -> Any:
    """Return a function for targets of so many axes, its last argument, and the own for others.

    The small example says nothing of those: there the script's own raises an error.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs or getattr(args[-1], "ndim", 0) != axes:
            return own(*args, **kwargs)
        return function(*args)

    return call
