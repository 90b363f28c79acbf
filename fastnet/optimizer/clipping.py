"""Gradient clipping."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels import clipping

__all__ = [
    "clip_by_norm",
    "clip_by_value",
]

Arrays = list[NDArray[Any]] | dict[Any, Any]


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
        clipping.squared_norm_forward(array.ravel(), squares)
        total += float(squares[0])
    return math.sqrt(total)


def _scale(norm: float, max_norm: float) -> float:
    """Return the factor that clips by norm; 1 where the norm is small enough, or NaN."""
    scale = max_norm / (norm + 1e-6)
    return scale if scale < 1 else 1.0
