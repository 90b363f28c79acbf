"""A gradient that is computed when somebody looks at it.

The first layer of a network returns dx like any other, and nobody looks: of the time that an update
of 784-50-10 takes on kernels, that product would be a quarter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Deferred", "settled"]


class Deferred(np.lib.mixins.NDArrayOperatorsMixin):
    """Stands for an array, and becomes it at the first use.

    Parameters
    ----------
    compute : callable
        Returns the array; called once at most. It keeps copies of what it needs.

    Notes
    -----
    `isinstance(x, numpy.ndarray)` is true of it; what asks for `type(x)` is told apart.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.dropin.deferred import Deferred
    >>> dx = Deferred(lambda: np.array([1.0, 2.0]))
    >>> dx * 2
    array([2., 4.])
    """

    __slots__ = ("_array", "_compute")
    _array: NDArray[Any] | None
    _compute: Callable[[], NDArray[Any]]

    def __init__(self, compute: Callable[[], NDArray[Any]]) -> None:
        object.__setattr__(self, "_compute", compute)
        object.__setattr__(self, "_array", None)

    __class__ = property(lambda self: np.ndarray)  # for isinstance

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        array = settled(self)
        if copy or (dtype is not None and np.dtype(dtype) != array.dtype):
            return array.astype(array.dtype if dtype is None else dtype)
        return array

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if "out" in options:
            options["out"] = tuple(map(settled, options["out"]))
        return getattr(ufunc, method)(*map(settled, inputs), **options)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return function(*_within(args), **_within(kwargs))

    def __getattr__(self, name: str) -> Any:
        return getattr(settled(self), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(settled(self), name, value)

    def __getitem__(self, key: Any) -> Any:
        return settled(self)[settled(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        settled(self)[settled(key)] = settled(value)

    def __len__(self) -> int:
        return len(settled(self))

    def __iter__(self) -> Iterator[Any]:
        return iter(settled(self))

    def __contains__(self, value: Any) -> bool:
        return value in settled(self)

    def __bool__(self) -> bool:
        return bool(settled(self))

    def __int__(self) -> int:
        return int(settled(self))

    def __float__(self) -> float:
        return float(settled(self))

    def __repr__(self) -> str:
        return repr(settled(self))

    def __str__(self) -> str:
        return str(settled(self))

    def __format__(self, how: str) -> str:
        return format(settled(self), how)

    def __copy__(self) -> NDArray[Any]:
        return settled(self).copy()

    def __deepcopy__(self, memo: Any) -> NDArray[Any]:
        return settled(self).copy()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return settled(self).__reduce_ex__(protocol)


def settled(value: Any) -> Any:
    """Return the array that a Deferred stands for, and anything else as it is.

    Examples
    --------
    >>> from fastnet.dropin.deferred import settled
    >>> settled(1.5)
    1.5
    """
    if type(value) is not Deferred:
        return value
    if value._array is None:
        object.__setattr__(value, "_array", value._compute())
        object.__setattr__(value, "_compute", None)  # and the copies that it kept
    return value._array


def _within(value: Any) -> Any:
    """Settle what stands in the arguments of a NumPy function, in lists of arrays too."""
    if type(value) in (list, tuple):
        return type(value)(map(_within, value))
    if type(value) is dict:
        return {key: _within(item) for key, item in value.items()}
    return settled(value)
