"""Optimizers: update(params, grads) changes the arrays of params in place."""

from math import inf, sqrt
from typing import Any

import numpy as np

from . import kernels


class _Optimizer:
    """Calls the class's kernel for every parameter, with numbers and states in its order."""

    lr: Any
    weight_decay: float
    clip_value: float | None
    clip_norm: float | None

    def __init__(self, kernel, states=(), counts=False, **numbers):
        self.__dict__.update(numbers)
        self._kernel, self._states, self._counts = kernel, states, counts
        self._names = [name for name in numbers if name not in ("lr", "clip_value", "clip_norm")]
        self.iter = 0
        for name in states:
            setattr(self, name, None)

    def update(self, params: list | dict, grads: list | dict) -> None:
        """Do the rule to every entry of a list, or of a dict by its keys."""
        grads = _once(params, grads)
        keys = list(grads)
        lr = self.lr(self.iter) if callable(self.lr) else self.lr
        limit = inf if self.clip_value is None else self.clip_value
        scale = 1.0
        if self.clip_norm is not None:
            scale = _scale(_norm([grads[key] for key in keys]), self.clip_norm)
        numbers = [float(lr), *(getattr(self, name) for name in self._names), limit, scale]
        self.iter += 1
        if self._counts:
            numbers.append(self.iter)
        for name in self._states:
            if getattr(self, name) is None:
                setattr(self, name, {})
        for key in keys:
            param = np.asanyarray(params[key])
            if not isinstance(params[key], np.ndarray):
                param = param.astype(float)
            held = [getattr(self, name) for name in self._states]
            states = [column.setdefault(key, np.zeros_like(param)) for column in held]
            self._kernel(grads[key], *numbers, *states, param)
            if param is not params[key]:
                params[key] = param[()]


class SGD(_Optimizer):
    """Stochastic gradient descent; ``lr`` is read anew at every update."""

    def __init__(self, lr=0.01, *, weight_decay=0.0, clip_value=None, clip_norm=None):
        super().__init__(
            kernels.clip_decay_sgd_update, lr=lr, weight_decay=weight_decay,
            clip_value=clip_value, clip_norm=clip_norm,
        )  # fmt: skip

    def update(self, params: list | dict, grads: list | dict) -> None:
        """Do param -= lr * grad; as in the textbook where nothing more is wanted, for speed."""
        if callable(self.lr) or self.weight_decay or (self.clip_value or self.clip_norm):
            super().update(params, grads)
            return
        self.iter += 1
        for key in params if isinstance(params, dict) else range(len(params)):
            params[key] -= self.lr * grads[key]


class Momentum(_Optimizer):
    """Stochastic gradient descent with momentum."""

    def __init__(self, lr=0.01, momentum=0.9, *, weight_decay=0.0, clip_value=None, clip_norm=None):
        super().__init__(
            kernels.momentum_update, ["v"], lr=lr, momentum=momentum, weight_decay=weight_decay,
            clip_value=clip_value, clip_norm=clip_norm,
        )  # fmt: skip


class Nesterov(_Optimizer):
    """Nesterov's accelerated gradient."""

    def __init__(self, lr=0.01, momentum=0.9, *, weight_decay=0.0, clip_value=None, clip_norm=None):
        super().__init__(
            kernels.nesterov_update, ["v"], lr=lr, momentum=momentum, weight_decay=weight_decay,
            clip_value=clip_value, clip_norm=clip_norm,
        )  # fmt: skip


class AdaGrad(_Optimizer):
    """AdaGrad: each entry's rate falls with the squares of its gradients."""

    def __init__(
        self, lr=0.01, *, eps=1e-7, weight_decay=0.0, clip_value=None, clip_norm=None
    ):  # fmt: skip
        super().__init__(
            kernels.adagrad_update, ["h"], lr=lr, eps=eps, weight_decay=weight_decay,
            clip_value=clip_value, clip_norm=clip_norm,
        )  # fmt: skip


class RMSprop(_Optimizer):
    """RMSprop: AdaGrad that forgets."""

    def __init__(
        self, lr=0.01, decay_rate=0.99, *, eps=1e-7, weight_decay=0.0, clip_value=None,
        clip_norm=None,
    ):  # fmt: skip
        super().__init__(
            kernels.rmsprop_update, ["h"], lr=lr, decay_rate=decay_rate, eps=eps,
            weight_decay=weight_decay, clip_value=clip_value, clip_norm=clip_norm,
        )  # fmt: skip


class AdaDelta(_Optimizer):
    """AdaDelta: steps in the unit of the parameter."""

    def __init__(
        self, lr=1.0, decay_rate=0.95, *, eps=1e-6, weight_decay=0.0, clip_value=None,
        clip_norm=None,
    ):  # fmt: skip
        super().__init__(
            kernels.adadelta_update, ["h", "s"], lr=lr, decay_rate=decay_rate, eps=eps,
            weight_decay=weight_decay, clip_value=clip_value, clip_norm=clip_norm,
        )  # fmt: skip


class Adam(_Optimizer):
    """Adam: momentum, over the root of an average of squares."""

    def __init__(
        self, lr=0.001, beta1=0.9, beta2=0.999, *, eps=1e-7, weight_decay=0.0, clip_value=None,
        clip_norm=None,
    ):  # fmt: skip
        super().__init__(
            kernels.adam_update, ["m", "v"], True, lr=lr, beta1=beta1, beta2=beta2, eps=eps,
            weight_decay=weight_decay, clip_value=clip_value, clip_norm=clip_norm,
        )  # fmt: skip


class Nadam(_Optimizer):
    """Nadam: Adam with Nesterov's momentum."""

    def __init__(
        self, lr=0.002, beta1=0.9, beta2=0.999, *, eps=1e-8, weight_decay=0.0, clip_value=None,
        clip_norm=None,
    ):  # fmt: skip
        super().__init__(
            kernels.nadam_update, ["m", "v"], True, lr=lr, beta1=beta1, beta2=beta2, eps=eps,
            weight_decay=weight_decay, clip_value=clip_value, clip_norm=clip_norm,
        )  # fmt: skip


class AdamW(_Optimizer):
    """AdamW: Adam with a weight decay apart from the gradient."""

    def __init__(
        self, lr=0.001, beta1=0.9, beta2=0.999, *, eps=1e-8, weight_decay=0.01, clip_value=None,
        clip_norm=None,
    ):  # fmt: skip
        super().__init__(
            kernels.adamw_update, ["m", "v"], True, lr=lr, beta1=beta1, beta2=beta2, eps=eps,
            weight_decay=weight_decay, clip_value=clip_value, clip_norm=clip_norm,
        )  # fmt: skip


def _once(params, grads):
    """Return {key: gradient}; of an array that stands there again, or transposed, the sum.

    Examples
    --------
    >>> W = np.zeros((2, 1))
    >>> _once([W, W.T], [np.ones((2, 1)), np.array([[1.0, 2.0]])])
    {0: array([[2.],
           [3.]])}
    """
    keys = list(params) if isinstance(params, dict) else range(len(params))
    first: dict[Any, Any] = {}
    found: dict[Any, Any] = {}
    for key in keys:
        param, grad = params[key], grads[key]
        if isinstance(param, np.ndarray):
            layouts = [(array.shape, array.strides) for array in (param, param.T)]
            place = param.ctypes.data, param.dtype, min(layouts)
            if place in first:
                other = first[place]
                same = (params[other].shape, params[other].strides) == layouts[0]
                found[other] = found[other] + (grad if same else grad.T)
                continue
            first[place] = key
        found[key] = grad
    return found


def clip_by_norm(grads, max_norm):
    """Scale gradients until the norm of all together is max_norm; return what it was."""
    arrays = list(grads.values()) if isinstance(grads, dict) else list(grads)
    norm = _norm(arrays)
    for grad in arrays:
        grad *= _scale(norm, max_norm)
    return norm


def clip_by_value(grads, clip_value):
    """Clip every entry of gradients to -clip_value..clip_value."""
    for grad in grads.values() if isinstance(grads, dict) else grads:
        np.clip(grad, -clip_value, clip_value, out=grad)


def _norm(arrays):
    return sqrt(sum(float(np.sum(np.square(grad, dtype=np.float64))) for grad in arrays))


def _scale(norm, max_norm):
    scale = max_norm / (norm + 1e-6)
    return scale if scale < 1 else 1.0
