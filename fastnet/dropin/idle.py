"""Numbers of a script's class that a small example says nothing of.

The slope of a Relu that is 0 until it is set, or the decay of an SGD: the book has none, and so
kernels would go on without it.
"""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["Watched"]


def _is_neutral(value: Any) -> bool:
    return type(value) in (bool, float, int) and value in (0, 1)


class Watched:
    """In the place of a class: makes its objects, and remembers them as they were made."""

    def __init__(self, own: type) -> None:
        self.own = own
        self.made: list[tuple[Any, dict[str, Any], list[Any]]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return an object of the class."""
        found = self.own(*args, **kwargs)
        self.made.append((found, dict(vars(found)), [*args, *kwargs.values()]))
        return found

    def idle(self) -> str:
        """Return the name of a number, 0 or 1, that methods read, and nothing gave or changed."""
        kinds = self.own.__mro__[-2::-1]  # from the first below object to the class itself
        of_class = {name: value for kind in kinds for name, value in vars(kind).items()}
        methods = [f for name, f in of_class.items() if inspect.isfunction(f) if name != "__init__"]
        read = {name for f in methods for name in inspect.unwrap(f).__code__.co_names}
        defaults = [p.default for p in inspect.signature(self.own).parameters.values()]
        for found, before, given in self.made:
            numbers = [value for value in given + defaults if _is_neutral(value)]
            for name, value in {**of_class, **before}.items():
                if name in read and _is_neutral(value) and value not in numbers:
                    if getattr(found, name) == value:
                        return name
        return ""
