"""A list that is made when somebody looks at it.

The second book's layers of sequences keep a layer for every step, with what its backward needs. The
kernels take all steps at once: those layers are made, by the script's own code, for whoever asks.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Later", "layers_of", "taken"]


class Later(list[Any]):
    """Stands for a list, and becomes it at the first use.

    Parameters
    ----------
    kept : anything
        What the kernels' backward takes in place of the list.
    make : callable
        Returns the list; called once at most.

    Examples
    --------
    >>> from fastnet.dropin.later import Later
    >>> steps = Later(None, lambda: [1, 2])
    >>> len(steps), steps[0], list(reversed(steps))
    (2, 1, [2, 1])
    """

    __slots__ = ("_make", "kept", "spare")
    kept: Any
    spare: Any  # arrays that the next call may work in, where nobody has taken them
    _make: Callable[[], list[Any]] | None

    def __init__(self, kept: Any, make: Callable[[], list[Any]]) -> None:
        super().__init__()
        self.kept, self.spare, self._make = kept, None, make

    def _made(self) -> list[Any]:
        """Fill the list, if nobody has; return it as one whose methods are plain."""
        if self._make is not None:
            make, self._make = self._make, None
            super().extend(make())
        return self

    def __len__(self) -> int:
        self._made()
        return super().__len__()

    def __bool__(self) -> bool:
        return len(self) > 0

    def __getitem__(self, key: Any) -> Any:
        self._made()
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[Any]:
        self._made()
        return super().__iter__()

    def __reversed__(self) -> Iterator[Any]:
        self._made()
        return super().__reversed__()

    def __contains__(self, value: Any) -> bool:
        self._made()
        return super().__contains__(value)

    def __repr__(self) -> str:
        self._made()
        return super().__repr__()

    def __eq__(self, other: object) -> bool:
        self._made()
        return super().__eq__(other)

    __hash__ = None

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(iter(self)),)


def _once_made(name: str, changes: bool) -> Callable[..., Any]:
    """Return list's method of that name, before which the list is made."""
    own = getattr(list, name)

    def method(self: Later, *arguments: Any, **options: Any) -> Any:
        self._made()
        if changes:
            self.kept = None  # its owner's backward goes by the list from here on
        return own(self, *arguments, **options)

    return method


CHANGE = ["__setitem__", "__delitem__", "__iadd__", "__imul__", "append", "clear", "extend"]
CHANGE += ["insert", "pop", "remove", "reverse", "sort"]
for _name in CHANGE:
    setattr(Later, _name, _once_made(_name, True))
for _name in ("__add__", "__mul__", "__rmul__", "copy", "count", "index"):
    setattr(Later, _name, _once_made(_name, False))


def taken(value: Any) -> Any:
    """Return what a Later was given for the kernels; None of anything else.

    Examples
    --------
    >>> from fastnet.dropin.later import Later, taken
    >>> taken(Later(5, list)), taken([1])
    (5, None)
    """
    return value.kept if type(value) is Later else None


def layers_of(own: Any, layer: Any, *arguments: Any, **state: Any) -> Callable[[], list[Any]]:
    """Return a function that makes the layers which the script's own forward would have left.

    Parameters
    ----------
    own : callable
        The script's forward.
    layer : object
        Its `self`; a copy does the work, with the attributes `state`.
    arguments : of forward
    """

    def make() -> list[Any]:
        other = copy.copy(layer)
        vars(other).update(state)
        own(other, *arguments)
        found: list[Any] = other.layers
        return found

    return make
