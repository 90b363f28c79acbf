"""Penalties on large weights, L1 and L2: their value and their gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.penalties import (
    l1_penalty_backward,
    l1_penalty_forward,
    l2_penalty_backward,
    l2_penalty_forward,
)

__all__ = ["l1_penalty", "l1_penalty_gradient", "l2_penalty", "l2_penalty_gradient"]


def l1_penalty(W: ArrayLike, strength: float) -> Any:
    """L1 penalty, or lasso: strength * sum(|W|), to be added to the loss.

    Parameters
    ----------
    W : array of any shape
        Weights. float16 is computed in float32; integers become float64.
    strength : float
        At least 0.

    Returns
    -------
    scalar of the dtype of W

    Raises
    ------
    TypeError
        W is complex, object, string or wider than float64; strength is not a number.
    ValueError
        strength is negative, or not finite in the dtype of W.

    Notes
    -----
    Source: Tibshirani, Regression shrinkage and selection via the lasso, 1996.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.penalties import l1_penalty
    >>> float(l1_penalty(np.array([[1.0, -2.0], [0.0, 3.0]]), 0.5))
    3.0
    """
    return _penalty(l1_penalty_forward, "l1_penalty", W, strength)


def l1_penalty_gradient(W: ArrayLike, strength: float) -> NDArray[Any]:
    """Gradient of the L1 penalty: strength * sign(W), 0 where W is 0.

    The parameters and errors are those of `l1_penalty`.

    Returns
    -------
    array of W.shape
        Fresh. To add it to a gradient in one pass, call `fastnet.kernels.l1_penalty_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.penalties import l1_penalty_gradient
    >>> l1_penalty_gradient(np.array([1.0, -2.0, 0.0]), 0.5)
    array([ 0.5, -0.5,  0. ])
    """
    return _gradient(l1_penalty_backward, "l1_penalty_gradient", W, strength)


def l2_penalty(W: ArrayLike, strength: float) -> Any:
    """L2 penalty, or weight decay: strength / 2 * sum(W**2), to be added to the loss.

    The parameters, result and errors are those of `l1_penalty`.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.penalties import l2_penalty
    >>> float(l2_penalty(np.array([[1.0, -2.0], [0.0, 3.0]]), 0.5))
    3.5
    """
    return _penalty(l2_penalty_forward, "l2_penalty", W, strength)


def l2_penalty_gradient(W: ArrayLike, strength: float) -> NDArray[Any]:
    """Gradient of the L2 penalty: strength * W.

    The parameters and errors are those of `l1_penalty`.

    Returns
    -------
    array of W.shape
        Fresh. To add it to a gradient in one pass, call `fastnet.kernels.l2_penalty_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.penalties import l2_penalty_gradient
    >>> l2_penalty_gradient(np.array([1.0, -2.0, 0.0]), 0.5)
    array([ 0.5, -1. ,  0. ])
    """
    return _gradient(l2_penalty_backward, "l2_penalty_gradient", W, strength)


def _ready(where: str, W: Any, strength: Any) -> tuple[NDArray[Any], Any, np.dtype[Any]]:
    W = checks.array(where, "W", W)
    dtype = checks.result_dtype(W)
    W = checks.contiguous(W, dtype)
    return W, checks.strength(where, strength, W.dtype), dtype


def _penalty(kernel: Callable[..., None], where: str, W: Any, strength: Any) -> Any:
    W, strength, dtype = _ready(where, W, strength)
    loss = np.empty(1, W.dtype)
    kernel(W.reshape(-1), strength, loss)
    return checks.returned(loss, dtype)[0]


def _gradient(kernel: Callable[..., None], where: str, W: Any, strength: Any) -> NDArray[Any]:
    W, strength, dtype = _ready(where, W, strength)
    dW = np.zeros(W.shape, W.dtype)
    kernel(W.reshape(-1), strength, dW.reshape(-1))
    result: NDArray[Any] = checks.returned(dW, dtype)
    return result
