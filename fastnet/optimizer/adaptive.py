"""Rates that fall with the squares of the gradients."""

from __future__ import annotations

from typing import Any

from fastnet import kernels
from fastnet.optimizer.base import Rate, _Optimizer

__all__ = [
    "AdaDelta",
    "AdaGrad",
    "RMSprop",
]


class AdaGrad(_Optimizer):
    """AdaGrad: each entry's rate falls with the squares of its gradients.

        h += grad**2
        param -= lr * grad / (sqrt(h) + eps)

    Parameters
    ----------
    lr : float or callable
        As for `SGD`, and read at every update like all of these.
    eps : float, keyword only
        Keeps the division from one by 0.
    weight_decay, clip_value, clip_norm : keyword only
        As for `SGD`.

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
        As for `SGD`, and read at every update like all of these.
    decay_rate : float
        In [0, 1): how much the averages keep at each update.
    eps : float, keyword only
        Keeps the division from one by 0.
    weight_decay, clip_value, clip_norm : keyword only
        As for `SGD`.

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
        As for `SGD`, and read at every update like all of these.
    decay_rate : float
        In [0, 1): how much the averages keep at each update.
    eps : float, keyword only
        Sets the size of the first steps.
    weight_decay, clip_value, clip_norm : keyword only
        As for `SGD`.

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
