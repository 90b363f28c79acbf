"""Files of parameters as the first book writes them, and what else its `common.util` has."""

from __future__ import annotations

import os
import pickle
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks

# What a pickle of a dict of arrays asks for, in all versions of NumPy.
ARRAYS = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    *((f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")),
    *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
}


class _OfArrays(pickle.Unpickler):
    """A reader of pickles that runs nothing: of anything but arrays it raises UnpicklingError."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAYS:
            raise pickle.UnpicklingError(f"{module}.{name}")
        # NumPy 2 has renamed the module.
        head, _, rest = module.partition("core.")
        core = "numpy._core" if hasattr(np, "_core") else "numpy.core"
        return super().find_class(f"{core}.{rest}" if rest else head, name)


def read_arrays(where: str, file_name: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Return the dict of arrays in a pickle; ValueError where there is anything else in it."""
    with open(file_name, "rb") as file:
        try:
            found = _OfArrays(file).load()
            problem = "" if isinstance(found, dict) else f"a {type(found).__name__}"
        except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError) as error:
            found, problem = {}, str(error) or type(error).__name__
    for name, array in found.items() if isinstance(found, dict) else ():
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            problem = f"{name!r}, which is no array of floats"
    if problem:
        raise ValueError(
            f"{where}: file_name must hold a pickle of a dict of arrays, got {problem} in "
            f"{os.fspath(file_name)!r}. Give a file that save_params wrote."
        )
    return found


def smooth_curve(x: ArrayLike) -> NDArray[Any]:
    """Return a curve (N,) smoothed by a Kaiser window of 11 points, to be drawn.

    Parameters
    ----------
    x : (N,)
        At least 11 numbers, such as losses.

    Returns
    -------
    (N,) float64

    Raises
    ------
    TypeError
        x holds no real numbers.
    ValueError
        x is no vector of 11 numbers or more.

    Notes
    -----
    At its ends the curve goes on as its mirror image. Source: Saitoh, Deep Learning from Scratch,
    common/util.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.first import smooth_curve
    >>> smooth_curve(np.ones(12)).round(12)
    array([1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.])
    """
    where, width = "smooth_curve", 11
    curve = checks.array(where, "x", x)
    if curve.ndim != 1 or len(curve) < width:
        raise ValueError(
            f"{where}: x must have {width} numbers or more, got x.shape={curve.shape}. "
            "Give a vector, or draw it as it is."
        )
    mirrored = np.concatenate([curve[width - 1 : 0 : -1], curve, curve[-1:-width:-1]])
    window = np.kaiser(width, 2)
    smooth = np.convolve(window / window.sum(), mirrored, mode="valid")
    half = width // 2
    result: NDArray[Any] = smooth[half : len(smooth) - half]
    return result


def shuffle_dataset(x: ArrayLike, t: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return samples and targets in one random order, drawn by numpy.random.permutation.

    Parameters
    ----------
    x, t : (N, ...)
        One target for each sample, at least one.

    Returns
    -------
    x, t : copies in the new order

    Raises
    ------
    TypeError, ValueError
        They hold no numbers, or are not equally long.

    Notes
    -----
    `numpy.random.seed` fixes it, as in the book. Source: Saitoh, Deep Learning from Scratch,
    common/util.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.first import shuffle_dataset
    >>> np.random.seed(0)
    >>> x, t = shuffle_dataset(np.arange(8).reshape(4, 2), [0, 1, 2, 3])
    >>> bool((x[:, 0] == 2 * t).all())
    True
    """
    samples, targets = checks.equally_long("shuffle_dataset", {"x": x, "t": t})
    order = np.random.permutation(len(samples))  # noqa: NPY002
    return samples[order], targets[order]
