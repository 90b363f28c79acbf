"""Rates that fall with the squares of the gradients."""

from __future__ import annotations

from typing import Any

from fastnet.kernels import updates
from fastnet.optimizer.base import Optimizer, Rate

__all__ = [
    "AdaDelta",
    "AdaGrad",
    "RMSprop",
]


class AdaGrad(Optimizer):
    """AdaGrad: each entry's rate falls with the squares of its gradients.

        h += grad**2
        param -= lr * grad / (sqrt(h) + eps)

    Parameters
    ----------
    lr : float or callable
        As for `SGD`.
    eps : float, keyword only
        Keeps the division from one by 0.
    weight_decay, clip_value, clip_norm : keyword only
        As for `SGD`, like the attribute iter and the errors.

    Attributes
    ----------
    h : dict or list of arrays, None before the first update
        Sums of the squares, by the keys or indices of params.

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

    kernel = staticmethod(updates.adagrad_update)
    entry = updates.adagrad_in_loop
    state_names = ("h",)
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
        super().__init__(lr, weight_decay, clip_value, clip_norm, eps=eps)


class RMSprop(Optimizer):
    """RMSprop: AdaGrad that forgets.

        h = decay_rate * h + (1 - decay_rate) * grad**2
        param -= lr * grad / (sqrt(h) + eps)

    Parameters
    ----------
    lr : float or callable
        As for `SGD`.
    decay_rate : float
        In [0, 1): how much the averages keep at each update.
    eps : float, keyword only
        Keeps the division from one by 0.
    weight_decay, clip_value, clip_norm : keyword only
        As for `SGD`, like the attribute iter and the errors.

    Attributes
    ----------
    h : dict or list of arrays, None before the first update
        Averages of the squares, by the keys or indices of params.

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

    kernel = staticmethod(updates.rmsprop_update)
    entry = updates.rmsprop_in_loop
    state_names = ("h",)
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
        super().__init__(lr, weight_decay, clip_value, clip_norm, decay_rate=decay_rate, eps=eps)


class AdaDelta(Optimizer):
    """AdaDelta: steps in the unit of the parameter.

        h = decay_rate * h + (1 - decay_rate) * grad**2
        d = sqrt((s + eps) / (h + eps)) * grad
        s = decay_rate * s + (1 - decay_rate) * d**2
        param -= lr * d

    Parameters
    ----------
    lr : float or callable
        As for `SGD`.
    decay_rate : float
        In [0, 1): how much the averages keep at each update.
    eps : float, keyword only
        Sets the size of the first steps.
    weight_decay, clip_value, clip_norm : keyword only
        As for `SGD`, like the attribute iter and the errors.

    Attributes
    ----------
    h, s : dict or list of arrays, None before the first update
        Averages of the squares of gradients and steps, by the keys or indices of params.

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

    kernel = staticmethod(updates.adadelta_update)
    entry = updates.adadelta_in_loop
    state_names = ("h", "s")
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
        super().__init__(lr, weight_decay, clip_value, clip_norm, decay_rate=decay_rate, eps=eps)
