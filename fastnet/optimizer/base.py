"""What the optimizers have in common."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, is_
from types import NoneType
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

from fastnet import checks
from fastnet.optimizer.arrays import each_array_once, followed
from fastnet.optimizer.clipping import Arrays, _norm, _scale

__all__ = ["Optimizer"]


Rate = float | Callable[[int], float]
FLOAT32, FLOAT64 = checks.COMPUTED
LARGEST = checks.LARGEST[2]  # finite in every dtype
NOT_NEGATIVE = {"eps": "1e-7", "weight_decay": "1e-4"}  # and a number such as that
FRACTIONS = {"beta1", "beta2", "decay_rate", "momentum"}


class Optimizer(checks.Hinted):
    """An optimizer: update(params, grads) changes the arrays of params in place.

    An optimizer of your own derives from it. With an `update` in plain NumPy it does steps by hand;
    with `entry`, or an `in_loop` that returns one, `Sequential.fit` takes it, too. With `kernel`
    its update is the one below.

    Parameters
    ----------
    lr : float or callable
        As for `SGD`, like weight_decay, clip_value and clip_norm.
    **numbers : float
        The rule's other numbers, in the kernel's order: attributes, which may be changed.

    Attributes
    ----------
    kernel : function, of the class
        kernel(grad, lr, *numbers, weight_decay, clip_value, scale, t, *states, param) changes the
        states and the parameter, 1-dimensional arrays. Without a limit clip_value is infinity, the
        scale of the gradient clips by norm, and t, the number of the update, may be left out.
    entry : made with fastnet.kernels.entry, of the class
        The same for the compiled loop, by the convention `fastnet.kernels.loop.calls.Rule`.
    state_names : tuple of str, of the class
        The attributes that hold an array for each parameter, in the kernel's order: a list or a
        dict, None before the first update.
    iter : int
        How many updates were done.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import Optimizer
    >>> class SignDescent(Optimizer):
    ...     def update(self, params, grads):
    ...         self.iter += 1
    ...         for param, grad in zip(params, grads):
    ...             param -= self.lr * np.sign(grad)
    >>> W = np.array([1.0, 2.0])
    >>> SignDescent(lr=0.5).update([W], [np.array([3.0, -4.0])])
    >>> W
    array([0.5, 2.5])
    """

    lr: Rate
    weight_decay: float
    clip_value: float | None
    clip_norm: float | None
    iter: int
    kernel: ClassVar[Any] = None
    entry: ClassVar[Any] = None
    state_names: ClassVar[tuple[str, ...]] = ()
    _kernel_counts: ClassVar[bool] = False  # whether the kernel takes the number of the update
    _params: Any = None  # the arrays that the states belong to, in their list or dict

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__ = checks.keywords_of(cls.__name__)(cls.__init__)  # type: ignore[method-assign]
        if cls.kernel is not None:
            cls._kernel_counts = "t" in inspect.signature(cls.kernel).parameters

    def __init__(
        self,
        lr: Rate,
        weight_decay: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        **numbers: float,
    ) -> None:
        last = {"weight_decay": weight_decay, "clip_value": clip_value, "clip_norm": clip_norm}
        named: dict[str, Any] = {"lr": lr, **numbers, **last}
        self.__dict__.update(named)
        self._names = tuple(named)
        self._values = attrgetter(*named)
        self._checked: tuple[Any, list[float]] = ((), [])  # values, and the numbers made of them
        values = self._values(self)
        rate = 0.0 if callable(self.lr) else self.lr
        self._numbers(type(self).__name__, (rate, *values[1:]), ())
        self.iter = 0
        for name in self.state_names:
            setattr(self, name, None)

    def in_loop(self) -> Any:
        """Return what the compiled loop calls: the class's `entry`.

        Raises
        ------
        TypeError
            The class has none: it does steps by hand alone.
        """
        if self.entry is None:
            raise TypeError(
                f"{type(self).__name__} must say what it is to the compiled loop, got no entry. "
                "Step by hand: model.forward, model.backward, optimizer.update."
            )
        return self.entry

    def update(self, params: Arrays, grads: Arrays) -> None:
        """Compute the class's equations for every entry of a list, or of a dict by its keys.

        Parameters
        ----------
        params : list or dict
            Arrays, changed in place, strided views too; an entry that is a plain number is
            replaced. An array that stands in it again, as it is or transposed (tied weights), is
            updated once, with the sum of its gradients; its states are those of its first place.
            The states belong to the arrays of the first update: later ones may leave some out or
            add some, or put others into the same list or dict.
        grads : list, or dict with at least the keys of params
            Gradients of the same shapes, in any dtype that holds real numbers.

        Raises
        ------
        KeyError
            grads lacks a key of params.
        TypeError
            An entry, or a number of the optimizer, is of a kind that cannot be learned or
            multiplied; or params is a list where it was a dict at first.
        ValueError
            Shapes or lengths differ, params holds a read-only array, or a number of the optimizer
            is out of its range or not finite in the dtype of a parameter; or the states are of
            other arrays: a copy of the optimizer, `copy.deepcopy`, takes any of the same shapes.

        Notes
        -----
        Everything is checked before the first array changes. Each array is passed over once; those
        that a kernel does not take, of two dtypes or strided, are copied for it and back.
        """
        where = f"{type(self).__name__}.update"
        pairs = each_array_once(where, checks.pairs(where, params, grads))
        known = self._params
        if params is not known and not (  # 0.2 us, where `_others` takes 1.5
            type(params) is type(known) is list
            and len(params) == len(known)
            and all(map(is_, params, known))
        ):
            others = self._others(params)
            if others:
                raise checks.other_array(where, others[0], self.state_names)
        values, (checked, numbers) = self._values(self), self._checked
        if callable(values[0]):
            values = (values[0](self.iter), *values[1:])
        if not (checked and all(map(is_, values, checked))):
            numbers = self._numbers(where, values, pairs)
        rows, fresh = self._state_rows(where, dict if isinstance(params, dict) else list, pairs)
        *numbers, max_norm = numbers
        scale = 1.0
        if max_norm < math.inf:
            scale = _scale(_norm(grad for _, _, grad, _ in pairs), max_norm)
        # All is checked: from here on things change.
        self.iter += 1
        if self._params is None and self.state_names:
            self._params = params
        for name, held, key, zeros in fresh:
            if type(held) is list:
                held.extend([None] * (key + 1 - len(held)))  # those between are tied
            held[key] = zeros
            setattr(self, name, held)
        count = (self.iter,) if self._kernel_counts else ()
        for (key, param, grad, fits), states in zip(pairs, rows, strict=True):
            if fits and all([checks.is_canonical(state, param.dtype) for state in states]):
                flat = [state.ravel() for state in states]
                self.kernel(grad.ravel(), *numbers, scale, *count, *flat, param.ravel())
            else:
                found = _update_copies(self.kernel, grad, (*numbers, scale, *count), states, param)
                if not isinstance(param, ndarray):
                    params[key] = found[()]

    def reset(self) -> None:
        """Forget the states and the count: a new optimizer with the same numbers, for any arrays.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnet.optimizer import Momentum
        >>> optimizer = Momentum(lr=0.5)
        >>> optimizer.update([np.ones(2)], [np.ones(2)])
        >>> optimizer.reset()
        >>> optimizer.iter, optimizer.v
        (0, None)
        """
        self.iter, self._params = 0, None
        for name in self.state_names:
            setattr(self, name, None)

    def __getstate__(self) -> dict[str, Any]:
        # The states of a copy, or of a pickle, are those of whatever it is given first.
        return {**self.__dict__, "_params": None}

    def _others(self, params: Any) -> list[Any]:
        """Return the key of a parameter in another's place, where states or a schedule go on."""
        if all(getattr(self, name) is None for name in self.state_names):
            if not (self.iter and callable(self.lr)):
                self._params = None
        return [] if self._params is None else followed(self, params)

    def _numbers(self, where: str, values: tuple[Any, ...], pairs: Iterable[Any]) -> list[float]:
        """Return the numbers in the kernel's order, checked; infinity stands for no limit."""
        dtypes = {param.dtype for _, param, _, _ in pairs if isinstance(param, ndarray)}
        found = [checks.learning_rate(where, values[0], dtypes)]
        for name, value in zip(self._names[1:], values[1:], strict=True):
            if name in ("clip_value", "clip_norm"):
                found.append(math.inf if value is None else checks.positive(where, name, value))
            elif name in NOT_NEGATIVE:
                found.append(checks.not_negative(where, name, value, dtypes, NOT_NEGATIVE[name]))
            elif name in FRACTIONS:
                found.append(checks.fraction(where, name, value))
            else:
                found.append(checks.number(where, name, value))
        # Numbers that cannot change in place, and that all dtypes can hold, need no second look.
        if all(type(value) in (float, int, NoneType) for value in values):
            if max(found[:-2]) <= LARGEST:
                self._checked = values, found
        return found

    def _state_rows(
        self, where: str, kind: type, pairs: list[Any]
    ) -> tuple[list[list[NDArray[Any]]], list[tuple[str, Any, Any, Any]]]:
        """Return the states of every parameter, and those to put into their places: zeros."""
        rows: list[list[NDArray[Any]]] = [[] for _ in pairs]
        fresh: list[tuple[str, Any, Any, Any]] = []
        for name in self.state_names:
            held = getattr(self, name)
            if held is None:
                held = kind()
            elif type(held) is not kind:
                checks.state_kind(where, name, kind, held)
            for row, (key, param, _, fits) in zip(rows, pairs, strict=True):
                state = held.get(key) if kind is dict else held[key] if key < len(held) else None
                if state is not None:
                    suits = fits and checks.is_canonical(state, param.dtype)
                    if not suits or state.shape != param.shape:
                        checks.state(where, name, key, state, np.shape(param))
                else:
                    single = isinstance(param, ndarray) and param.itemsize < 8
                    state = np.zeros(np.shape(param), FLOAT32 if single else FLOAT64)
                    fresh.append((name, held, key, state))
                row.append(state)
        return rows, fresh

    def __repr__(self) -> str:
        """Show the numbers, but for those by default that do nothing."""
        arguments = inspect.signature(type(self)).parameters
        shown = []
        for name in self._names:
            value = getattr(self, name)
            default = arguments[name].default if name in arguments else inspect.Parameter.empty
            if default not in (None, 0.0) or value != default:
                shown.append(f"{name}={value}")
        return f"{type(self).__name__}({', '.join(shown)})"


def _update_copies(
    kernel: Any, grad: Any, numbers: Sequence[float], states: list[NDArray[Any]], param: Any
) -> NDArray[Any]:
    """Update by copies of what the kernel does not take as it is; return the parameter's."""
    own = param if type(param) is ndarray else np.array(param)  # a masked array's data is its own
    originals = [np.asarray(grad), own, *states]
    dtype = checks.result_dtype(*originals[:2])
    copies = [checks.contiguous(array, dtype) for array in originals]
    if copies[0] is originals[0] and np.may_share_memory(copies[0], copies[1]):
        copies[0] = copies[0].copy()  # else the kernel would read what it has written
    grad, updated, *held = [array.ravel() for array in copies]
    kernel(grad, *numbers, *held, updated)
    for original, copy in zip(states, copies[2:], strict=True):
        if copy is not original:
            original[...] = copy
    if isinstance(param, np.ndarray) and copies[1] is not param:
        # NumPy leaves the masked entries of a masked array alone, too.
        np.copyto(np.ma.getdata(param), copies[1], where=~np.ma.getmaskarray(param))
    return copies[1]
