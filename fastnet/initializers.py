"""Initial weights (D, M), drawn from normal random numbers; Dense takes them by name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastnet import checks

__all__ = ["glorot", "he", "lecun", "normal", "xavier", "zeros"]


def deviation(name: str, n_in: int, n_out: int) -> float:
    """Return the standard deviation that a name of `NAMES` stands for, of weights (n_in, n_out).

    Examples
    --------
    >>> from fastnet.initializers import deviation
    >>> deviation("he", 8, 3)
    0.5
    """
    if name == "zeros":
        return 0.0
    if name == "he":
        return math.sqrt(2 / n_in)
    return math.sqrt(2 / (n_in + n_out) if name == "glorot" else 1 / n_in)


NAMES = ("he", "xavier", "glorot", "lecun", "zeros")


def _deviation_or_name(where: str, value: Any) -> float | str | None:
    """Check what a layer draws its weights with: a number, a name of `NAMES`, or None."""
    if type(value) is str:
        return checks.choice(where, "weight_init_std", value, NAMES)
    return None if value is None else checks.deviation(where, value)


def normal(
    shape: tuple[int, int],
    std: float = 0.01,
    rng: np.random.Generator | None = None,
    dtype: DTypeLike = "float64",
) -> NDArray[Any]:
    """Normal random numbers with mean 0, W = std * randn(D, M).

    Parameters
    ----------
    shape : (int, int)
        D and M: the numbers of inputs and outputs.
    std : float
        Standard deviation.
    rng : numpy.random.Generator, optional
        Default: NumPy's global generator, by `np.random.randn` as in the textbook.
    dtype : "float32" or "float64"

    Returns
    -------
    (D, M)

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 4.5.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.initializers import normal
    >>> normal((2, 3), 0.01, np.random.default_rng(0)).shape
    (2, 3)
    """
    where = "normal"
    std = checks.deviation(where, std, checks.float_dtype(where, dtype), "std")
    return _draw(where, shape, std, rng, dtype)


def xavier(
    shape: tuple[int, int],
    rng: np.random.Generator | None = None,
    dtype: DTypeLike = "float64",
) -> NDArray[Any]:
    """Normal random numbers of standard deviation sqrt(1 / D): the textbook's Xavier.

    The parameters and errors are those of `normal`. Glorot and Bengio's own formula, which looks at
    the outputs too, is `glorot`; PyTorch and Keras call that Xavier as well.

    Notes
    -----
    For sigmoid, tanh and identity. Source: Saitoh, Deep Learning from Scratch, section 6.2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.initializers import xavier
    >>> round(float(xavier((100, 50), np.random.default_rng(0)).std()), 2)
    0.1
    """
    return _scaled("xavier", shape, rng, dtype)


def glorot(
    shape: tuple[int, int],
    rng: np.random.Generator | None = None,
    dtype: DTypeLike = "float64",
) -> NDArray[Any]:
    """Normal random numbers of standard deviation sqrt(2 / (D + M)).

    The parameters and errors are those of `normal`.

    Notes
    -----
    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
    networks, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.initializers import glorot
    >>> round(float(glorot((150, 50), np.random.default_rng(0)).std()), 2)
    0.1
    """
    return _scaled("glorot", shape, rng, dtype)


def he(
    shape: tuple[int, int],
    rng: np.random.Generator | None = None,
    dtype: DTypeLike = "float64",
) -> NDArray[Any]:
    """Normal random numbers of standard deviation sqrt(2 / D), for ReLU and its kin.

    The parameters and errors are those of `normal`.

    Notes
    -----
    Source: He et al., Delving deep into rectifiers, 2015; Saitoh, Deep Learning from Scratch,
    section 6.2.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.initializers import he
    >>> round(float(he((200, 50), np.random.default_rng(0)).std()), 2)
    0.1
    """
    return _scaled("he", shape, rng, dtype)


def lecun(
    shape: tuple[int, int],
    rng: np.random.Generator | None = None,
    dtype: DTypeLike = "float64",
) -> NDArray[Any]:
    """Normal random numbers of standard deviation sqrt(1 / D), as the textbook's Xavier.

    The parameters and errors are those of `normal`.

    Notes
    -----
    Source: LeCun et al., Efficient BackProp, 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.initializers import lecun
    >>> round(float(lecun((100, 50), np.random.default_rng(0)).std()), 2)
    0.1
    """
    return _scaled("lecun", shape, rng, dtype)


def zeros(shape: tuple[int, int], dtype: DTypeLike = "float64") -> NDArray[Any]:
    """Zeros (D, M): for a bias, or a last layer; in a hidden layer all units would learn the same.

    The parameters and errors are those of `normal`.

    Examples
    --------
    >>> from fastnet.initializers import zeros
    >>> zeros((1, 2))
    array([[0., 0.]])
    """
    return np.zeros(checks.matrix_shape("zeros", shape), checks.float_dtype("zeros", dtype))


def _scaled(name: str, shape: Any, rng: Any, dtype: Any) -> NDArray[Any]:
    return _draw(name, shape, deviation(name, *checks.matrix_shape(name, shape)), rng, dtype)


def _draw(where: str, shape: Any, std: float, rng: Any, dtype: Any) -> NDArray[Any]:
    shape, dtype = checks.matrix_shape(where, shape), checks.float_dtype(where, dtype)
    if rng is None:
        draw = np.random.randn  # the textbook's
        return (std * draw(*shape)).astype(dtype, copy=False)
    checks.generator(where, rng)
    W: NDArray[Any] = (rng.standard_normal(shape) * std).astype(dtype, copy=False)
    return W
