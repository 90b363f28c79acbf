"""Adam and its kin."""

from __future__ import annotations

from typing import Any

from fastnet.kernels import updates
from fastnet.optimizer.base import Optimizer, Rate

__all__ = [
    "Adam",
    "AdamW",
    "Lion",
    "Nadam",
]


class Adam(Optimizer):
    """Adam: momentum, divided by the root of an average of squared gradients.

        m += (1 - beta1) * (grad - m)
        v += (1 - beta2) * (grad**2 - v)
        param -= lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + eps)

    Parameters
    ----------
    lr : float or callable
        As for `SGD`.
    beta1, beta2 : float
        In [0, 1): how much the averages of the gradient and of its square keep at each update.
    eps : float, keyword only
        Keeps the division from one by 0.
    weight_decay, clip_value, clip_norm : keyword only
        As for `SGD`, like the attribute iter and the errors.

    Attributes
    ----------
    m, v : dict or list of arrays, None before the first update
        Averages of the gradients and their squares, by the keys or indices of params.

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

    kernel = staticmethod(updates.adam_update)
    entry = updates.adam_in_loop
    state_names = ("m", "v")
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
        super().__init__(lr, weight_decay, clip_value, clip_norm, beta1=beta1, beta2=beta2, eps=eps)


class Nadam(Optimizer):
    """Nadam: Adam with Nesterov's momentum.

        m += (1 - beta1) * (grad - m)
        v += (1 - beta2) * (grad**2 - v)
        d = beta1 * m / (1 - beta1**(t + 1)) + (1 - beta1) * grad / (1 - beta1**t)
        param -= lr * d / (sqrt(v / (1 - beta2**t)) + eps)

    Parameters
    ----------
    lr : float or callable
        As for `SGD`.
    beta1, beta2 : float
        In [0, 1): how much the averages of the gradient and of its square keep at each update.
    eps : float, keyword only
        Keeps the division from one by 0.
    weight_decay, clip_value, clip_norm : keyword only
        As for `SGD`, like the attribute iter and the errors.

    Attributes
    ----------
    m, v : dict or list of arrays, None before the first update
        Averages of the gradients and their squares, by the keys or indices of params.

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

    kernel = staticmethod(updates.nadam_update)
    entry = updates.nadam_in_loop
    state_names = ("m", "v")
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
        super().__init__(lr, weight_decay, clip_value, clip_norm, beta1=beta1, beta2=beta2, eps=eps)


class AdamW(Optimizer):
    """AdamW: Adam with a weight decay apart from the gradient.

        m += (1 - beta1) * (grad - m)
        v += (1 - beta2) * (grad**2 - v)
        param *= 1 - lr * weight_decay
        param -= lr * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps)

    Parameters
    ----------
    lr : float or callable
        As for `SGD`.
    beta1, beta2 : float
        In [0, 1): how much the averages of the gradient and of its square keep at each update.
    eps : float, keyword only
        Keeps the division from one by 0.
    weight_decay : float, keyword only
        As in the equations: this times lr is taken off the parameter.
    clip_value, clip_norm : keyword only
        As for `SGD`, like the attribute iter and the errors.

    Attributes
    ----------
    m, v : dict or list of arrays, None before the first update
        Averages of the gradients and their squares, by the keys or indices of params.

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

    kernel = staticmethod(updates.adamw_update)
    entry = updates.adamw_in_loop
    state_names = ("m", "v")
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
        super().__init__(lr, weight_decay, clip_value, clip_norm, beta1=beta1, beta2=beta2, eps=eps)


class Lion(Optimizer):
    """Lion: steps of one size, by the sign of an average.

        param *= 1 - lr * weight_decay
        param -= lr * sign(beta1 * m + (1 - beta1) * grad)
        m = beta2 * m + (1 - beta2) * grad

    Parameters
    ----------
    lr : float or callable
        As for `SGD`; a third to a tenth of what Adam would take.
    beta1, beta2 : float
        In [0, 1): how much of the average is in a step, and how much it keeps at each update.
    weight_decay : float, keyword only
        As for `AdamW`.
    clip_value, clip_norm : keyword only
        As for `SGD`, like the attribute iter and the errors.

    Attributes
    ----------
    m : dict or list of arrays, None before the first update
        Averages of the gradients, by the keys or indices of params.

    Notes
    -----
    Source: Chen et al., Symbolic Discovery of Optimization Algorithms, algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import Lion
    >>> params, grads = {"W": np.array([1.0, 2.0])}, {"W": np.array([2.0, -4.0])}
    >>> optimizer = Lion(lr=0.25)
    >>> for _ in range(2):
    ...     optimizer.update(params, grads)
    >>> params["W"]
    array([0.5, 2.5])
    """

    kernel = staticmethod(updates.lion_update)
    entry = updates.lion_in_loop
    state_names = ("m",)
    m: Any

    def __init__(
        self,
        lr: Rate = 0.0001,
        beta1: float = 0.9,
        beta2: float = 0.99,
        *,
        weight_decay: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(lr, weight_decay, clip_value, clip_norm, beta1=beta1, beta2=beta2)
