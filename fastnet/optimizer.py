"""Optimizers: update(params, grads) changes the arrays of params in place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels import sgd_update

__all__ = ["SGD"]


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
        pairs = checks.pairs("SGD.update", params, grads)
        dtypes = (param.dtype for _, param, _, _ in pairs if isinstance(param, np.ndarray))
        lr = checks.learning_rate("SGD.update", self.lr, dtypes)
        for key, param, grad, fits in pairs:
            # Where they overlap, the kernel would read what it has written; NumPy looks ahead.
            # Two owners of their memory do not, which takes 0.03 us to see, not 0.18.
            if fits and (
                (param.base is None and grad.base is None) or not np.may_share_memory(param, grad)
            ):
                sgd_update(grad.reshape(-1), param.dtype.type(lr), param.reshape(-1))
            elif isinstance(param, np.ndarray):
                # Else NumPy's two passes, where copies for the kernel take three.
                param -= lr * grad
            else:
                params[key] = param - lr * grad

    def __repr__(self) -> str:
        return f"SGD(lr={self.lr})"
