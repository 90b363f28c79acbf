"""Optimizers: update(params, grads) changes the arrays of params in place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels import sgd_update
from fastnet.kernels.checked import (
    affine_sgd_update,
    array_sgd_update,
    three_layer_sgd_update,
    two_layer_sgd_update,
)

__all__ = ["SGD"]

FLOAT32, FLOAT64 = checks.COMPUTED
LARGEST = checks.LARGEST[2]  # finite in every dtype
# Those that check their arguments, by the number of parameters: W of a layer, b, the next W ...
KERNELS = {
    1: array_sgd_update,
    2: affine_sgd_update,
    4: two_layer_sgd_update,
    6: three_layer_sgd_update,
}


class SGD:
    """Stochastic gradient descent, param -= lr * grad.

    Parameters
    ----------
    lr : float
        Learning rate, read anew at every call of update; Sequential.fit reads it once.

    Raises
    ------
    TypeError
        lr is not a number.
    ValueError
        lr is NaN or infinite.

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

    def __init__(self, lr: float = 0.01) -> None:
        checks.learning_rate("SGD", lr)
        self.lr = lr

    def update(
        self,
        params: list[NDArray[Any]] | dict[Any, Any],
        grads: list[NDArray[Any]] | dict[Any, Any],
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
        where, lr = "SGD.update", self.lr
        small = type(lr) is float and -LARGEST <= lr <= LARGEST
        if small and _update_at_once(params, grads, lr):
            return
        pairs = checks.pairs(where, params, grads)
        if not small:
            dtypes = (param.dtype for _, param, _, _ in pairs if isinstance(param, np.ndarray))
            lr = checks.learning_rate(where, lr, dtypes)
        # A kernel's scalar is of the dtype; made for each array, it would take 0.15 us.
        single = np.float32(lr) if abs(lr) <= checks.LARGEST[4] else None
        for key, param, grad, fits in pairs:
            if fits:
                sgd_update(grad.ravel(), lr if param.itemsize == 8 else single, param.ravel())
            elif isinstance(param, np.ndarray):
                # Else NumPy's two passes, where copies for the kernel take three.
                param -= lr * grad
            else:
                params[key] = param - lr * grad

    def __repr__(self) -> str:
        return f"SGD(lr={self.lr})"


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
