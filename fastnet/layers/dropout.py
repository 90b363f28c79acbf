"""Dropout."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.dropout import (
    dropout_backward,
    dropout_forward,
    dropout_gradient_in_loop,
    dropout_in_loop,
)
from fastnet.layers.base import Layer
from fastnet.layers.told import LoopLayer, Outputs

__all__ = ["Dropout"]


class Dropout(Layer):
    """Drop elements at random in training: the textbook's, which is not inverted.

    In training out = x * mask, where the mask is False for a share of about `dropout_ratio`; after
    it out = x * (1 - dropout_ratio). Inverted dropout is out = x * mask / (1 - dropout_ratio) in
    training, as in Keras and PyTorch, and out = x after it.

    Parameters
    ----------
    dropout_ratio : float
        0 <= dropout_ratio < 1.
    inverted : bool
        Whether the elements that are kept are scaled in training, and not all of them after it.
    rng : numpy.random.Generator, optional
        Draws the mask, by `rng.random`. Default: NumPy's global generator, by `np.random.rand` as
        in the textbook, so that `np.random.seed` fixes it.

    Attributes
    ----------
    mask : bool array of the shape of x
        True where the last forward in training let an element through.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Dropout
    >>> layer = Dropout(0.5, rng=np.random.default_rng(0))
    >>> layer.forward(np.array([1.0, 2.0, 3.0]))
    array([1., 0., 0.])
    >>> layer.backward(np.ones(3))
    array([1., 0., 0.])
    >>> layer.forward(np.array([1.0, 2.0, 3.0]), train_flg=False)
    array([0.5, 1. , 1.5])
    """

    mask: NDArray[np.bool_]
    dropout_ratio: Any = checks.Checked(lambda layer, *value: checks.share(*value))
    inverted: Any = checks.Checked(lambda layer, *value: checks.flag(*value))
    rng: Any = checks.Checked(
        lambda layer, where, name, value: None if value is None else checks.generator(where, value)
    )

    argument_names: ClassVar[tuple[str, ...]] = ("dropout_ratio", "inverted")
    draws = True

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: that of its inputs and 0, scaled as in training."""
        if inputs is None:
            return None
        scale = self._scales()[0]
        return Outputs(min(0.0, scale * inputs.low), max(0.0, scale * inputs.high))

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return its step in the compiled loop, which draws masks of its own."""
        kernels, numbers = (dropout_in_loop, dropout_gradient_in_loop), self._scales()
        return [LoopLayer(input_shape, (), kernels, numbers=(self.dropout_ratio, *numbers))]

    def __init__(
        self,
        dropout_ratio: float = 0.5,
        inverted: bool = False,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.dropout_ratio = dropout_ratio
        self.inverted = inverted
        self.rng = rng

    def forward(self, x: ArrayLike, train_flg: bool = True) -> Any:
        """Return x with elements dropped, or, after training, scaled.

        Parameters
        ----------
        x : array of any shape
        train_flg : bool
            False after training: nothing is drawn, and ``mask`` stays as it is.

        Returns
        -------
        array of x.shape
            Fresh.

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64; train_flg is not True or False.
        """
        where, ratio = self._name("forward"), self.dropout_ratio
        checks.flag(where, "train_flg", train_flg)
        x = checks.array(where, "x", x)
        dtype = checks.result_dtype(x)
        x = checks.contiguous(x, dtype)
        if not train_flg:
            return checks.returned(x * x.dtype.type(1 if self.inverted else 1 - ratio), dtype)
        draw = np.random.rand if self.rng is None else _by(self.rng)
        mask = np.asarray(draw(*x.shape) > ratio)
        out = np.empty(x.shape, x.dtype)
        scale = self._scale(x.dtype, ratio)
        dropout_forward(_matrix(x), _matrix(mask.view(np.uint8)), scale, _matrix(out))
        self.mask, self._ratio = mask, ratio  # the ratio may be another one in backward
        return checks.returned(out, dtype)

    def backward(self, dout: ArrayLike) -> Any:
        """Return dx = dout where the last forward in training let x through, else 0.

        Parameters
        ----------
        dout : array of the shape that forward returned

        Returns
        -------
        array of that shape

        Raises
        ------
        RuntimeError
            forward was not called in training.
        TypeError, ValueError
            dout holds no real numbers, or has another shape.
        """
        where = self._name("backward")
        mask = np.asarray(checks.remembered(where, self, "mask"), bool, order="C")
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, mask.shape)
        dtype = checks.result_dtype(dout)
        dout = checks.contiguous(dout, dtype)
        dx = np.empty(dout.shape, dout.dtype)
        scale = self._scale(dout.dtype, self._ratio)
        dropout_backward(_matrix(mask.view(np.uint8)), scale, _matrix(dout), _matrix(dx))
        return checks.returned(dx, dtype)

    def _scales(self) -> tuple[float, float]:
        """Return the factor of what is kept in training, and that of all after it."""
        kept = 1 - self.dropout_ratio
        return (1 / kept, 1.0) if self.inverted else (1.0, kept)

    def _scale(self, dtype: np.dtype[Any], ratio: float) -> Any:
        return dtype.type(1 / (1 - ratio) if self.inverted else 1)

    def __repr__(self) -> str:
        inverted = ", inverted=True" if self.inverted else ""
        return f"Dropout({float(self.dropout_ratio)}{inverted})"


def _by(rng: np.random.Generator) -> Any:
    return lambda *shape: rng.random(shape)


def _matrix(array: NDArray[Any]) -> NDArray[Any]:
    """One row: a kernel is compiled once a dtype, not once a number of dimensions."""
    return array if array.ndim == 2 else array.reshape(1, -1)
