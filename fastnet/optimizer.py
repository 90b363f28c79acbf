"""Optimizers: update(params, grads) changes the arrays of params in place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, is_
from types import NoneType
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

from fastnet import checks, kernels
from fastnet.kernels import sgd_update
from fastnet.kernels.checked import (
    affine_sgd_update,
    array_sgd_update,
    three_layer_sgd_update,
    two_layer_sgd_update,
)

__all__ = [
    "SGD",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nadam",
    "Nesterov",
    "RMSprop",
    "clip_by_norm",
    "clip_by_value",
]

Rate = float | Callable[[int], float]
Arrays = list[NDArray[Any]] | dict[Any, Any]

FLOAT32, FLOAT64 = checks.COMPUTED
LARGEST = checks.LARGEST[2]  # finite in every dtype
# Those that check their arguments, by the number of parameters: W of a layer, b, the next W ...
KERNELS = {
    1: array_sgd_update,
    2: affine_sgd_update,
    4: two_layer_sgd_update,
    6: three_layer_sgd_update,
}
EXAMPLES = {"eps": "1e-7", "weight_decay": "1e-4"}


class _Optimizer:
    """What the optimizers share: how numbers are checked, states kept, and kernels called."""

    lr: Rate
    weight_decay: float
    clip_value: float | None
    clip_norm: float | None
    iter: int
    _kernel: Any
    _states: tuple[str, ...] = ()  # the attributes that hold an array for each parameter
    _counts = False  # whether the kernel takes the number of the update

    def __init__(self, **numbers: Any) -> None:
        self.__dict__.update(numbers)
        self._names = tuple(numbers)  # in the kernel's order: lr first, clip_norm last
        self._values = attrgetter(*numbers)
        self._checked: tuple[Any, list[float]] = ((), [])  # values, and the numbers made of them
        values = self._values(self)
        rate = 0.0 if callable(self.lr) else self.lr
        self._numbers(type(self).__name__, (rate, *values[1:]), ())
        self.iter = 0
        for name in self._states:
            setattr(self, name, None)

    def update(self, params: Arrays, grads: Arrays) -> None:
        """Do the equations of the class for every entry of a list, or of a dict by its keys.

        Parameters
        ----------
        params : list or dict
            Arrays, changed in place, strided views too; an entry that is a plain number is
            replaced. An array that stands in it twice is updated twice.
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
            is out of its range or not finite in the dtype of a parameter.

        Notes
        -----
        Everything is checked before the first array changes. Each array is passed over once; those
        that a kernel does not take, of two dtypes or strided, are copied for it and back.
        """
        where = f"{type(self).__name__}.update"
        pairs = checks.pairs(where, params, grads)
        values, (known, numbers) = self._values(self), self._checked
        if callable(values[0]):
            values = (values[0](self.iter), *values[1:])
        if not (known and all(map(is_, values, known))):
            numbers = self._numbers(where, values, pairs)
        rows, fresh = self._state_rows(where, dict if isinstance(params, dict) else list, pairs)
        *numbers, max_norm = numbers
        scale = 1.0
        if max_norm < math.inf:
            scale = _scale(_norm(grad for _, _, grad, _ in pairs), max_norm)
        # All is checked: from here on things change.
        self.iter += 1
        for name, held, key, zeros in fresh:
            held[key if type(held) is not list else slice(key, None)] = zeros
            setattr(self, name, held)
        count = (self.iter,) if self._counts else ()
        for (key, param, grad, fits), states in zip(pairs, rows, strict=True):
            if fits and all([checks.fits(state, param.dtype) for state in states]):
                flat = [state.ravel() for state in states]
                self._kernel(grad.ravel(), *numbers, scale, *count, *flat, param.ravel())
            else:
                found = _update_copies(self._kernel, grad, (*numbers, scale, *count), states, param)
                if not isinstance(param, ndarray):
                    params[key] = found[()]

    def _numbers(self, where: str, values: tuple[Any, ...], pairs: Iterable[Any]) -> list[float]:
        """Return the numbers in the kernel's order, checked; infinity stands for no limit."""
        dtypes = {param.dtype for _, param, _, _ in pairs if isinstance(param, ndarray)}
        found = [checks.learning_rate(where, values[0], dtypes)]
        for name, value in zip(self._names[1:], values[1:], strict=True):
            if name in ("clip_value", "clip_norm"):
                found.append(math.inf if value is None else checks.positive(where, name, value))
            elif name in EXAMPLES:
                found.append(checks.not_negative(where, name, value, dtypes, EXAMPLES[name]))
            else:
                found.append(checks.fraction(where, name, value))
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
        for name in self._states:
            held = getattr(self, name)
            if held is None:
                held = kind()
            elif type(held) is not kind:
                checks.state_kind(where, name, kind, held)
            for row, (key, param, _, fits) in zip(rows, pairs, strict=True):
                if key in held if kind is dict else key < len(held):
                    state = held[key]
                    if not (
                        fits and checks.fits(state, param.dtype) and state.shape == param.shape
                    ):
                        checks.state(where, name, key, state, np.shape(param))
                else:
                    single = isinstance(param, ndarray) and param.itemsize < 8
                    state = np.zeros(np.shape(param), FLOAT32 if single else FLOAT64)
                    fresh.append((name, held, key, state if kind is dict else [state]))
                row.append(state)
        return rows, fresh

    def __repr__(self) -> str:
        default = {"weight_decay": 0.0, "clip_value": None, "clip_norm": None}
        if isinstance(self, AdamW):
            del default["weight_decay"]
        numbers = {name: getattr(self, name) for name in self._names}
        shown = [f"{k}={v}" for k, v in numbers.items() if k not in default or v != default[k]]
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


class SGD(_Optimizer):
    """Stochastic gradient descent, param -= lr * grad.

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a schedule: lr(step) is that of the update number step, from 0. Read anew
        at every update, like all of these; Sequential.fit reads it
        once.
    weight_decay : float, keyword only
        This times the parameter is added to the gradient, after clipping.
    clip_value, clip_norm : float, optional, keyword only
        The largest size of an entry of the gradients, and of their norm over all arrays together;
        what is larger is scaled to the norm first, then clipped to the value.

    Attributes
    ----------
    iter : int
        How many updates were done.

    Raises
    ------
    TypeError
        An argument is not a number; lr may be a callable, too.
    ValueError
        A rate is negative or not finite, or a limit is not above 0.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.1.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import SGD
    >>> params, grads = {"W": np.array([1.0, 2.0])}, {"W": np.array([2.0, -4.0])}
    >>> SGD(lr=0.5).update(params, grads)
    >>> params["W"]
    array([0., 4.])
    """

    _kernel = staticmethod(kernels.clip_decay_sgd_update)

    def __init__(
        self,
        lr: Rate = 0.01,
        *,
        weight_decay: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(
            lr=lr, weight_decay=weight_decay, clip_value=clip_value, clip_norm=clip_norm
        )

    def update(
        self,
        params: Arrays,
        grads: Arrays,
    ) -> None:
        """Do param -= lr * grad for every entry of a list, or of a dict by its keys.

        Parameters
        ----------
        params : list or dict
            Arrays, changed in place, strided views too; an entry that is a plain number is
            replaced. An array that stands in it twice is updated twice.
        grads : list, or dict with at least the keys of params
            Gradients of the same shapes, in any dtype that holds real numbers.

        Raises
        ------
        KeyError
            grads lacks a key of params.
        TypeError
            An entry, or lr, is of a kind that cannot be learned or multiplied.
        ValueError
            Shapes or lengths differ, params holds a read-only array, or lr is not finite in the
            dtype of one.

        Notes
        -----
        Everything is checked before the first array changes.
        """
        lr: Any = self.lr
        plain = not self.weight_decay and self.clip_value is self.clip_norm is None
        small = type(lr) is float and 0.0 <= lr <= LARGEST
        if plain and small and _update_at_once(params, grads, lr):
            self.iter += 1
            return
        if not plain:
            super().update(params, grads)
            return
        where = "SGD.update"
        if callable(lr):
            lr, small = lr(self.iter), False
        pairs = checks.pairs(where, params, grads)
        if not small:
            dtypes = (param.dtype for _, param, _, _ in pairs if isinstance(param, np.ndarray))
            lr = checks.learning_rate(where, lr, dtypes)
        self.iter += 1
        # A kernel's scalar is of the dtype; made for each array, it would take 0.15 us.
        single = np.float32(lr) if lr <= checks.LARGEST[4] else None
        for key, param, grad, fits in pairs:
            if fits:
                sgd_update(grad.ravel(), lr if param.itemsize == 8 else single, param.ravel())
            elif isinstance(param, np.ndarray):
                # Else NumPy's two passes, where copies for the kernel take three.
                param -= lr * grad
            else:
                params[key] = param - lr * grad


def _update_at_once(params: Any, grads: Any, lr: float) -> bool:
    """Update the arrays of up to three layers, or one array, by one kernel; return whether it did.

    Takes 0.7, 1.3 and 1.7 us for one, two and three layers; one array after the other, checked in
    Python, takes 1.7, 2.5 and 5.3.
    """
    if type(params) is type(grads) is dict:
        arrays = [*map(grads.get, params), *params.values()]
    elif type(params) is type(grads) is list and len(params) == len(grads):
        arrays = [*grads, *params]
    else:
        return False
    kernel = KERNELS.get(len(params))
    if kernel is None:
        return False
    dtype = getattr(arrays[0], "dtype", None)
    if not (dtype is FLOAT64 or dtype is FLOAT32):
        return False
    for array in arrays:
        if type(array) is not ndarray or array.dtype is not dtype:
            return False
    return kernel(lr, *arrays)


class Momentum(_Optimizer):
    """Stochastic gradient descent with momentum.

        v = momentum * v - lr * grad
        param += v

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a schedule: lr(step) is that of the update number step, from 0. Read anew
        at every update, like all of these.
    momentum : float
        In [0, 1): what is left of a step in the next one.
    weight_decay : float, keyword only
        This times the parameter is added to the gradient, after clipping.
    clip_value, clip_norm : float, optional, keyword only
        The largest size of an entry of the gradients, and of their norm over all arrays together;
        what is larger is scaled to the norm first, then clipped to the value.

    Attributes
    ----------
    v : dict or list of arrays, None before the first update
        The steps, by the keys or indices of params.
    iter : int
        How many updates were done.

    Raises
    ------
    TypeError
        An argument is not a number; lr may be a callable, too.
    ValueError
        A rate is negative or not finite, momentum is outside [0, 1), or a limit is not above 0.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.1.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import Momentum
    >>> params, grads = {"W": np.array([1.0, 2.0])}, {"W": np.array([2.0, -4.0])}
    >>> optimizer = Momentum(lr=0.5)
    >>> for _ in range(2):
    ...     optimizer.update(params, grads)
    >>> params["W"]
    array([-1.9,  7.8])
    """

    _kernel = staticmethod(kernels.momentum_update)
    _states = ("v",)
    v: Any

    def __init__(
        self,
        lr: Rate = 0.01,
        momentum: float = 0.9,
        *,
        weight_decay: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(
            lr=lr,
            momentum=momentum,
            weight_decay=weight_decay,
            clip_value=clip_value,
            clip_norm=clip_norm,
        )


class Nesterov(_Optimizer):
    """Nesterov's accelerated gradient.

        param += momentum**2 * v - (1 + momentum) * lr * grad
        v = momentum * v - lr * grad

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a schedule: lr(step) is that of the update number step, from 0. Read anew
        at every update, like all of these.
    momentum : float
        In [0, 1): what is left of a step in the next one.
    weight_decay : float, keyword only
        This times the parameter is added to the gradient, after clipping.
    clip_value, clip_norm : float, optional, keyword only
        The largest size of an entry of the gradients, and of their norm over all arrays together;
        what is larger is scaled to the norm first, then clipped to the value.

    Attributes
    ----------
    v : dict or list of arrays, None before the first update
        The steps, by the keys or indices of params.
    iter : int
        How many updates were done.

    Raises
    ------
    TypeError
        An argument is not a number; lr may be a callable, too.
    ValueError
        A rate is negative or not finite, momentum is outside [0, 1), or a limit is not above 0.

    Notes
    -----
    Source: Bengio et al., Advances in Optimizing Recurrent Networks, equation 7, in the order of
    Saitoh, Deep Learning from Scratch.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import Nesterov
    >>> params, grads = {"W": np.array([1.0, 2.0])}, {"W": np.array([2.0, -4.0])}
    >>> optimizer = Nesterov(lr=0.5)
    >>> for _ in range(2):
    ...     optimizer.update(params, grads)
    >>> params["W"]
    array([-3.61, 11.22])
    """

    _kernel = staticmethod(kernels.nesterov_update)
    _states = ("v",)
    v: Any

    def __init__(
        self,
        lr: Rate = 0.01,
        momentum: float = 0.9,
        *,
        weight_decay: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(
            lr=lr,
            momentum=momentum,
            weight_decay=weight_decay,
            clip_value=clip_value,
            clip_norm=clip_norm,
        )


class AdaGrad(_Optimizer):
    """AdaGrad: each entry's rate falls with the squares of its gradients.

        h += grad**2
        param -= lr * grad / (sqrt(h) + eps)

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a schedule: lr(step) is that of the update number step, from 0. Read anew
        at every update, like all of these.
    eps : float, keyword only
        Keeps the division from one by 0.
    weight_decay : float, keyword only
        This times the parameter is added to the gradient, after clipping.
    clip_value, clip_norm : float, optional, keyword only
        The largest size of an entry of the gradients, and of their norm over all arrays together;
        what is larger is scaled to the norm first, then clipped to the value.

    Attributes
    ----------
    h : dict or list of arrays, None before the first update
        Sums of the squares, by the keys or indices of params.
    iter : int
        How many updates were done.

    Raises
    ------
    TypeError
        An argument is not a number; lr may be a callable, too.
    ValueError
        A rate is negative or not finite, or a limit is not above 0.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.1.5; Duchi et al., Adaptive Subgradient
    Methods.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import AdaGrad
    >>> params, grads = {"W": np.array([1.0, 2.0])}, {"W": np.array([2.0, -4.0])}
    >>> optimizer = AdaGrad(lr=0.5)
    >>> for _ in range(2):
    ...     optimizer.update(params, grads)
    >>> params["W"]
    array([0.14644665, 2.85355337])
    """

    _kernel = staticmethod(kernels.adagrad_update)
    _states = ("h",)
    h: Any

    def __init__(
        self,
        lr: Rate = 0.01,
        *,
        eps: float = 1e-7,
        weight_decay: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(
            lr=lr, eps=eps, weight_decay=weight_decay, clip_value=clip_value, clip_norm=clip_norm
        )


class RMSprop(_Optimizer):
    """RMSprop: AdaGrad that forgets.

        h = decay_rate * h + (1 - decay_rate) * grad**2
        param -= lr * grad / (sqrt(h) + eps)

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a schedule: lr(step) is that of the update number step, from 0. Read anew
        at every update, like all of these.
    decay_rate : float
        In [0, 1): how much the averages keep at each update.
    eps : float, keyword only
        Keeps the division from one by 0.
    weight_decay : float, keyword only
        This times the parameter is added to the gradient, after clipping.
    clip_value, clip_norm : float, optional, keyword only
        The largest size of an entry of the gradients, and of their norm over all arrays together;
        what is larger is scaled to the norm first, then clipped to the value.

    Attributes
    ----------
    h : dict or list of arrays, None before the first update
        Averages of the squares, by the keys or indices of params.
    iter : int
        How many updates were done.

    Raises
    ------
    TypeError
        An argument is not a number; lr may be a callable, too.
    ValueError
        A rate is negative or not finite, decay_rate is outside [0, 1), or a limit is not
        above 0.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, common/optimizer.py; Hinton, Neural Networks for
    Machine Learning, lecture 6e.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import RMSprop
    >>> params, grads = {"W": np.array([1.0, 2.0])}, {"W": np.array([2.0, -4.0])}
    >>> optimizer = RMSprop(lr=0.5)
    >>> for _ in range(2):
    ...     optimizer.update(params, grads)
    >>> params["W"]
    array([-7.54440227, 10.54440415])
    """

    _kernel = staticmethod(kernels.rmsprop_update)
    _states = ("h",)
    h: Any

    def __init__(
        self,
        lr: Rate = 0.01,
        decay_rate: float = 0.99,
        *,
        eps: float = 1e-7,
        weight_decay: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(
            lr=lr,
            decay_rate=decay_rate,
            eps=eps,
            weight_decay=weight_decay,
            clip_value=clip_value,
            clip_norm=clip_norm,
        )


class AdaDelta(_Optimizer):
    """AdaDelta: steps in the unit of the parameter.

        h = decay_rate * h + (1 - decay_rate) * grad**2
        d = sqrt((s + eps) / (h + eps)) * grad
        s = decay_rate * s + (1 - decay_rate) * d**2
        param -= lr * d

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a schedule: lr(step) is that of the update number step, from 0. Read anew
        at every update, like all of these.
    decay_rate : float
        In [0, 1): how much the averages keep at each update.
    eps : float, keyword only
        Sets the size of the first steps.
    weight_decay : float, keyword only
        This times the parameter is added to the gradient, after clipping.
    clip_value, clip_norm : float, optional, keyword only
        The largest size of an entry of the gradients, and of their norm over all arrays together;
        what is larger is scaled to the norm first, then clipped to the value.

    Attributes
    ----------
    h, s : dict or list of arrays, None before the first update
        Averages of the squares of gradients and steps, by the keys or indices of params.
    iter : int
        How many updates were done.

    Raises
    ------
    TypeError
        An argument is not a number; lr may be a callable, too.
    ValueError
        A rate is negative or not finite, decay_rate is outside [0, 1), or a limit is not
        above 0.

    Notes
    -----
    Source: Zeiler, ADADELTA: An Adaptive Learning Rate Method, algorithm 1, where lr is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import AdaDelta
    >>> params, grads = {"W": np.array([1.0, 2.0])}, {"W": np.array([2.0, -4.0])}
    >>> optimizer = AdaDelta()
    >>> for _ in range(2):
    ...     optimizer.update(params, grads)
    >>> params["W"]
    array([0.99099878, 2.00900124])
    """

    _kernel = staticmethod(kernels.adadelta_update)
    _states = ("h", "s")
    h: Any
    s: Any

    def __init__(
        self,
        lr: Rate = 1.0,
        decay_rate: float = 0.95,
        *,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(
            lr=lr,
            decay_rate=decay_rate,
            eps=eps,
            weight_decay=weight_decay,
            clip_value=clip_value,
            clip_norm=clip_norm,
        )


class Adam(_Optimizer):
    """Adam: momentum, over the root of an average of squares.

        m += (1 - beta1) * (grad - m)
        v += (1 - beta2) * (grad**2 - v)
        param -= lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + eps)

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a schedule: lr(step) is that of the update number step, from 0. Read anew
        at every update, like all of these.
    beta1, beta2 : float
        In [0, 1): how much the averages of the gradient and of its square keep at each update.
    eps : float, keyword only
        Keeps the division from one by 0.
    weight_decay : float, keyword only
        This times the parameter is added to the gradient, after clipping.
    clip_value, clip_norm : float, optional, keyword only
        The largest size of an entry of the gradients, and of their norm over all arrays together;
        what is larger is scaled to the norm first, then clipped to the value.

    Attributes
    ----------
    m, v : dict or list of arrays, None before the first update
        Averages of the gradients and their squares, by the keys or indices of params.
    iter : int
        How many updates were done.

    Raises
    ------
    TypeError
        An argument is not a number; lr may be a callable, too.
    ValueError
        A rate is negative or not finite, a beta is outside [0, 1), or a limit is not above 0.

    Notes
    -----
    t counts updates from 1. PyTorch and Keras divide eps, too, by sqrt(1 - beta2**t).
    Source: Saitoh, Deep Learning from Scratch, section 6.1.6; Kingma and Ba, Adam, section 2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import Adam
    >>> params, grads = {"W": np.array([1.0, 2.0])}, {"W": np.array([2.0, -4.0])}
    >>> optimizer = Adam(lr=0.25)
    >>> for _ in range(2):
    ...     optimizer.update(params, grads)
    >>> params["W"]
    array([0.50000067, 2.49999966])
    """

    _kernel = staticmethod(kernels.adam_update)
    _states = ("m", "v")
    _counts = True
    m: Any
    v: Any

    def __init__(
        self,
        lr: Rate = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        eps: float = 1e-7,
        weight_decay: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(
            lr=lr,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            weight_decay=weight_decay,
            clip_value=clip_value,
            clip_norm=clip_norm,
        )


class Nadam(_Optimizer):
    """Nadam: Adam with Nesterov's momentum.

        m += (1 - beta1) * (grad - m)
        v += (1 - beta2) * (grad**2 - v)
        d = beta1 * m / (1 - beta1**(t + 1)) + (1 - beta1) * grad / (1 - beta1**t)
        param -= lr * d / (sqrt(v / (1 - beta2**t)) + eps)

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a schedule: lr(step) is that of the update number step, from 0. Read anew
        at every update, like all of these.
    beta1, beta2 : float
        In [0, 1): how much the averages of the gradient and of its square keep at each update.
    eps : float, keyword only
        Keeps the division from one by 0.
    weight_decay : float, keyword only
        This times the parameter is added to the gradient, after clipping.
    clip_value, clip_norm : float, optional, keyword only
        The largest size of an entry of the gradients, and of their norm over all arrays together;
        what is larger is scaled to the norm first, then clipped to the value.

    Attributes
    ----------
    m, v : dict or list of arrays, None before the first update
        Averages of the gradients and their squares, by the keys or indices of params.
    iter : int
        How many updates were done.

    Raises
    ------
    TypeError
        An argument is not a number; lr may be a callable, too.
    ValueError
        A rate is negative or not finite, a beta is outside [0, 1), or a limit is not above 0.

    Notes
    -----
    t counts updates from 1. PyTorch and Keras let beta1 grow during the first updates.
    Source: Dozat, Incorporating Nesterov Momentum into Adam, algorithm 2, with one beta1 for all
    updates.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import Nadam
    >>> params, grads = {"W": np.array([1.0, 2.0])}, {"W": np.array([2.0, -4.0])}
    >>> optimizer = Nadam(lr=0.5)
    >>> for _ in range(2):
    ...     optimizer.update(params, grads)
    >>> params["W"]
    array([-0.31549815,  3.31549815])
    """

    _kernel = staticmethod(kernels.nadam_update)
    _states = ("m", "v")
    _counts = True
    m: Any
    v: Any

    def __init__(
        self,
        lr: Rate = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(
            lr=lr,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            weight_decay=weight_decay,
            clip_value=clip_value,
            clip_norm=clip_norm,
        )


class AdamW(_Optimizer):
    """AdamW: Adam with a weight decay apart from the gradient.

        m += (1 - beta1) * (grad - m)
        v += (1 - beta2) * (grad**2 - v)
        param *= 1 - lr * weight_decay
        param -= lr * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps)

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a schedule: lr(step) is that of the update number step, from 0. Read anew
        at every update, like all of these.
    beta1, beta2 : float
        In [0, 1): how much the averages of the gradient and of its square keep at each update.
    eps : float, keyword only
        Keeps the division from one by 0.
    weight_decay : float, keyword only
        As in the equations: this times lr is taken off the parameter.
    clip_value, clip_norm : float, optional, keyword only
        The largest size of an entry of the gradients, and of their norm over all arrays together;
        what is larger is scaled to the norm first, then clipped to the value.

    Attributes
    ----------
    m, v : dict or list of arrays, None before the first update
        Averages of the gradients and their squares, by the keys or indices of params.
    iter : int
        How many updates were done.

    Raises
    ------
    TypeError
        An argument is not a number; lr may be a callable, too.
    ValueError
        A rate is negative or not finite, a beta is outside [0, 1), or a limit is not above 0.

    Notes
    -----
    t counts updates from 1.
    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, algorithm 2; the decay is
    times lr, as in PyTorch.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import AdamW
    >>> params, grads = {"W": np.array([1.0, 2.0])}, {"W": np.array([2.0, -4.0])}
    >>> optimizer = AdamW(lr=0.5)
    >>> for _ in range(2):
    ...     optimizer.update(params, grads)
    >>> params["W"]
    array([-0.007475,  2.97755 ])
    """

    _kernel = staticmethod(kernels.adamw_update)
    _states = ("m", "v")
    _counts = True
    m: Any
    v: Any

    def __init__(
        self,
        lr: Rate = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(
            lr=lr,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            weight_decay=weight_decay,
            clip_value=clip_value,
            clip_norm=clip_norm,
        )


# --------------------------------------------------------------------------- clipping


def clip_by_norm(grads: Arrays | tuple[NDArray[Any], ...], max_norm: float) -> float:
    """Scale gradients down, in place, until the norm of all of them together is max_norm.

        norm = sqrt(sum over the arrays of sum(grad**2))
        grad *= max_norm / (norm + 1e-6) where that is less than 1

    Parameters
    ----------
    grads : list, tuple or dict of float arrays
        Changed in place, strided views too.
    max_norm : float
        Above 0.

    Returns
    -------
    float
        The norm before.

    Raises
    ------
    TypeError
        grads holds something else, or max_norm is not a number.
    ValueError
        An array is read-only, or max_norm is not above 0.

    Notes
    -----
    A norm of NaN changes nothing. Source: Saitoh, Deep Learning from Scratch 2, section 6.1.4;
    Pascanu et al., On the Difficulty of Training Recurrent Neural Networks, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import clip_by_norm
    >>> grads = [np.array([3.0, 0.0]), np.array([4.0])]
    >>> clip_by_norm(grads, max_norm=0.5)
    5.0
    >>> np.round(grads[0], 3), np.round(grads[1], 3)
    (array([0.3, 0. ]), array([0.4]))
    """
    arrays = checks.clippable("clip_by_norm", grads)
    scale = _scale(norm := _norm(arrays), checks.positive("clip_by_norm", "max_norm", max_norm))
    if scale != 1:
        for array in arrays:  # NumPy's one pass is as fast as a kernel's
            array *= scale
    return norm


def clip_by_value(grads: Arrays | tuple[NDArray[Any], ...], clip_value: float) -> None:
    """Clip every entry of gradients to -clip_value..clip_value, in place.

    Parameters
    ----------
    grads : list, tuple or dict of float arrays
        Changed in place, strided views too. NaN stays.
    clip_value : float
        Above 0.

    Raises
    ------
    TypeError
        grads holds something else, or clip_value is not a number.
    ValueError
        An array is read-only, or clip_value is not above 0.

    Notes
    -----
    Source: Goodfellow et al., Deep Learning, section 10.11.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import clip_by_value
    >>> grads = {"W": np.array([3.0, -0.5, -2.0])}
    >>> clip_by_value(grads, 1.0)
    >>> grads["W"]
    array([ 1. , -0.5, -1. ])
    """
    arrays = checks.clippable("clip_by_value", grads)
    limit = checks.positive("clip_by_value", "clip_value", clip_value)
    for array in arrays:
        if limit <= checks.LARGEST[array.itemsize]:  # a larger one is infinite in the dtype
            np.clip(array, -limit, limit, out=array)


def _norm(grads: Iterable[Any]) -> float:
    """Return the norm of all gradients together, added in float64."""
    total, squares = 0.0, np.empty(1)
    for grad in grads:
        array = np.asarray(grad)
        array = checks.contiguous(array, checks.result_dtype(array))
        kernels.squared_norm_forward(array.ravel(), squares)
        total += float(squares[0])
    return math.sqrt(total)


def _scale(norm: float, max_norm: float) -> float:
    """Return the factor that clips by norm; 1 where the norm is small enough, or NaN."""
    scale = max_norm / (norm + 1e-6)
    return scale if scale < 1 else 1.0
