"""Gradient descent, and with momentum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from fastnet import checks
from fastnet.kernels import updates
from fastnet.kernels.checked import (
    affine_sgd_update,
    array_sgd_update,
    three_layer_sgd_update,
    two_layer_sgd_update,
)
from fastnet.optimizer.base import FLOAT32, FLOAT64, LARGEST, Optimizer, Rate
from fastnet.optimizer.clipping import Arrays

__all__ = [
    "SGD",
    "Momentum",
    "Nesterov",
]


# Those that check their arguments, by the number of parameters: W of a layer, b, the next W ...
# All arrays go into one call, for nothing may change where one is refused. Two tuples of arrays, of
# which one kernel could take any number, cost the dispatcher 0.53 us where these take 0.43.
KERNELS = {
    1: array_sgd_update,
    2: affine_sgd_update,
    4: two_layer_sgd_update,
    6: three_layer_sgd_update,
}


class SGD(Optimizer):
    """Stochastic gradient descent, param -= lr * grad.

    Parameters
    ----------
    lr : float or callable
        Learning rate, or a schedule: a function that is given the number of the update, from 0, and
        returns its learning rate. Every update reads this and the other numbers; `Sequential.fit`
        reads the others once, at its start.
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

    kernel = staticmethod(updates.clip_decay_sgd_update)
    entry = updates.sgd_in_loop

    def __init__(
        self,
        lr: Rate = 0.01,
        *,
        weight_decay: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(lr, weight_decay, clip_value, clip_norm)

    def update(
        self,
        params: Arrays,
        grads: Arrays,
    ) -> None:
        """Compute param -= lr * grad for every entry of a list, or of a dict by its keys.

        Parameters
        ----------
        params : list or dict
            Arrays, changed in place, strided views too; an entry that is a plain number is
            replaced. An array that stands in it again, as it is or transposed (tied weights), is
            updated with the sum of its gradients; where nothing is limited or decays, by one
            gradient after the other.
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
        if (type(lr) is int or type(lr) is np.float64) and abs(lr) <= LARGEST:
            lr = float(lr)
        plain = not self.weight_decay and self.clip_value is self.clip_norm is None
        small = type(lr) is float and 0.0 <= lr <= LARGEST
        if plain and small and update_at_once(params, grads, lr):
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
        for key, param, grad, fits in pairs:
            if fits and not 0 < param.ndim < 3:
                grad, param = grad.ravel(), param.ravel()
            if fits and array_sgd_update(lr, grad, param):
                continue
            if isinstance(param, np.ndarray):
                # Else NumPy's two passes, where copies for the kernel take three.
                param -= lr * grad
            else:
                params[key] = param - lr * grad


def update_at_once(params: Any, grads: Any, lr: float) -> bool:
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
    # A second matrix is no bias. The dispatcher would find that out, too, in 11 us.
    return (len(params) == 1 or arrays[1].ndim == 1) and kernel(lr, *arrays)


class _WithMomentum(Optimizer):
    """What Momentum and Nesterov share: all but the kernel."""

    state_names = ("v",)
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
        super().__init__(lr, weight_decay, clip_value, clip_norm, momentum=momentum)


class Momentum(_WithMomentum):
    """Stochastic gradient descent with momentum.

        v = momentum * v - lr * grad
        param += v

    Parameters
    ----------
    lr : float or callable
        As for `SGD`.
    momentum : float
        In [0, 1): what is left of a step in the next one.
    weight_decay, clip_value, clip_norm : keyword only
        As for `SGD`, like the attribute iter and the errors.

    Attributes
    ----------
    v : dict or list of arrays, None before the first update
        The steps, by the keys or indices of params.

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

    kernel = staticmethod(updates.momentum_update)
    entry = updates.momentum_in_loop


class Nesterov(_WithMomentum):
    """Nesterov's accelerated gradient.

        param += momentum**2 * v - (1 + momentum) * lr * grad
        v = momentum * v - lr * grad

    Parameters
    ----------
    lr : float or callable
        As for `SGD`.
    momentum : float
        In [0, 1): what is left of a step in the next one.
    weight_decay, clip_value, clip_norm : keyword only
        As for `SGD`, like the attribute iter and the errors.

    Attributes
    ----------
    v : dict or list of arrays, None before the first update
        The steps, by the keys or indices of params.

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

    kernel = staticmethod(updates.nesterov_update)
    entry = updates.nesterov_in_loop
