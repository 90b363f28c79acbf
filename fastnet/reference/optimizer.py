"""Optimizers: update(params, grads) changes the arrays of params in place."""

import inspect
from math import inf, sqrt
from typing import Any

import numpy as np

from . import kernels


class Optimizer:
    """Calls the class's kernel for every parameter, with numbers and states in its order."""

    kernel: Any = None
    state_names: tuple[str, ...] = ()

    def __init__(self, lr, weight_decay=0.0, clip_value=None, clip_norm=None, **numbers):
        self.lr, self.weight_decay = lr, weight_decay
        self.clip_value, self.clip_norm = clip_value, clip_norm
        self.__dict__.update(numbers)
        self._names = [*numbers, "weight_decay"]
        self.iter = 0
        for name in self.state_names:
            setattr(self, name, None)

    def reset(self) -> None:
        """Forget the states and the count."""
        self.iter = 0
        for name in self.state_names:
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
        if "t" in inspect.signature(self.kernel).parameters:
            numbers.append(self.iter)
        for name in self.state_names:
            if getattr(self, name) is None:
                setattr(self, name, {})
        for key in keys:
            param = np.asanyarray(params[key])
            if not isinstance(params[key], np.ndarray):
                param = param.astype(float)
            held = [getattr(self, name) for name in self.state_names]
            states = [column.setdefault(key, np.zeros_like(param)) for column in held]
            self.kernel(grads[key], *numbers, *states, param)
            if param is not params[key]:
                params[key] = param[()]


class SGD(Optimizer):
    """Stochastic gradient descent; ``lr`` is read anew at every update."""

    kernel = staticmethod(kernels.clip_decay_sgd_update)

    def __init__(self, lr=0.01, *, weight_decay=0.0, clip_value=None, clip_norm=None):
        super().__init__(lr, weight_decay, clip_value, clip_norm)

    def update(self, params: list | dict, grads: list | dict) -> None:
        """Do param -= lr * grad; as in the textbook where nothing more is wanted, for speed."""
        if callable(self.lr) or self.weight_decay or self.clip_value or self.clip_norm:
            super().update(params, grads)
            return
        self.iter += 1
        for key in params if isinstance(params, dict) else range(len(params)):
            params[key] -= self.lr * grads[key]


class Momentum(Optimizer):
    """Stochastic gradient descent with momentum."""

    kernel = staticmethod(kernels.momentum_update)
    state_names = ("v",)

    def __init__(self, lr=0.01, momentum=0.9, *, weight_decay=0.0, clip_value=None, clip_norm=None):
        super().__init__(lr, weight_decay, clip_value, clip_norm, momentum=momentum)


class Nesterov(Optimizer):
    """Nesterov's accelerated gradient."""

    kernel = staticmethod(kernels.nesterov_update)
    state_names = ("v",)

    def __init__(self, lr=0.01, momentum=0.9, *, weight_decay=0.0, clip_value=None, clip_norm=None):
        super().__init__(lr, weight_decay, clip_value, clip_norm, momentum=momentum)


class AdaGrad(Optimizer):
    """AdaGrad: each entry's rate falls with the squares of its gradients."""

    kernel = staticmethod(kernels.adagrad_update)
    state_names = ("h",)

    def __init__(
        self, lr=0.01, *, eps=1e-7, weight_decay=0.0, clip_value=None, clip_norm=None
    ):  # fmt: skip
        super().__init__(lr, weight_decay, clip_value, clip_norm, eps=eps)


class RMSprop(Optimizer):
    """RMSprop: AdaGrad that forgets."""

    kernel = staticmethod(kernels.rmsprop_update)
    state_names = ("h",)

    def __init__(
        self, lr=0.01, decay_rate=0.99, *, eps=1e-7, weight_decay=0.0, clip_value=None,
        clip_norm=None,
    ):  # fmt: skip
        super().__init__(lr, weight_decay, clip_value, clip_norm, decay_rate=decay_rate, eps=eps)


class AdaDelta(Optimizer):
    """AdaDelta: steps in the unit of the parameter."""

    kernel = staticmethod(kernels.adadelta_update)
    state_names = ("h", "s")

    def __init__(
        self, lr=1.0, decay_rate=0.95, *, eps=1e-6, weight_decay=0.0, clip_value=None,
        clip_norm=None,
    ):  # fmt: skip
        super().__init__(lr, weight_decay, clip_value, clip_norm, decay_rate=decay_rate, eps=eps)


class Adam(Optimizer):
    """Adam: momentum, over the root of an average of squares."""

    kernel = staticmethod(kernels.adam_update)
    state_names = ("m", "v")

    def __init__(
        self, lr=0.001, beta1=0.9, beta2=0.999, *, eps=1e-7, weight_decay=0.0, clip_value=None,
        clip_norm=None,
    ):  # fmt: skip
        super().__init__(lr, weight_decay, clip_value, clip_norm, beta1=beta1, beta2=beta2, eps=eps)


class Nadam(Optimizer):
    """Nadam: Adam with Nesterov's momentum."""

    kernel = staticmethod(kernels.nadam_update)
    state_names = ("m", "v")

    def __init__(
        self, lr=0.002, beta1=0.9, beta2=0.999, *, eps=1e-8, weight_decay=0.0, clip_value=None,
        clip_norm=None,
    ):  # fmt: skip
        super().__init__(lr, weight_decay, clip_value, clip_norm, beta1=beta1, beta2=beta2, eps=eps)


class AdamW(Optimizer):
    """AdamW: Adam with a weight decay apart from the gradient."""

    kernel = staticmethod(kernels.adamw_update)
    state_names = ("m", "v")

    def __init__(
        self, lr=0.001, beta1=0.9, beta2=0.999, *, eps=1e-8, weight_decay=0.01, clip_value=None,
        clip_norm=None,
    ):  # fmt: skip
        super().__init__(lr, weight_decay, clip_value, clip_norm, beta1=beta1, beta2=beta2, eps=eps)


class Lion(Optimizer):
    """Lion: steps of one size, by the sign of an average."""

    kernel = staticmethod(kernels.lion_update)
    state_names = ("m",)

    def __init__(
        self, lr=0.0001, beta1=0.9, beta2=0.99, *, weight_decay=0.0, clip_value=None, clip_norm=None
    ):  # fmt: skip
        super().__init__(lr, weight_decay, clip_value, clip_norm, beta1=beta1, beta2=beta2)


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
