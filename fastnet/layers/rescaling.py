"""Rescaling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions.activations import apply
from fastnet.kernels.rescaling import (
    rescaling_backward,
    rescaling_forward,
    rescaling_gradient_in_loop,
    rescaling_in_loop,
)
from fastnet.layers.base import Layer
from fastnet.layers.told import LoopLayer, Outputs

__all__ = ["Rescaling"]


class Rescaling(Layer):
    """Every element times a number, plus another, out = x * scale + offset, of any shape.

    `Rescaling(1 / 255)` as the first layer of a model brings pixels of 0..255 to 0..1, and
    `Rescaling(2 / 255, offset=-1)` to -1..1: it is a part of the model, saved with it, so that
    `fit`, `evaluate` and `predict` agree on it. There it costs nothing: the compiled loop does it
    as it reads the rows, uint8 ones too, without a float copy of x.

    Parameters
    ----------
    scale : float
        Finite, and not 0.
    offset : float

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    Its gradient is dx = dout * scale. In a model it is computed in the model's dtype: scale and
    offset are rounded to it, and so are the product and the sum, as in NumPy.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Dense, Rescaling
    >>> from fastnet.models import Sequential
    >>> Rescaling(0.5, offset=-1).forward(np.array([0.0, 2.0, 4.0]))
    array([-1.,  0.,  1.])
    >>> pixels = np.array([[0, 51], [102, 255]], np.uint8)
    >>> model = Sequential([Rescaling(1 / 255), Dense(3)], seed=0)
    >>> same = Sequential([Dense(3)], seed=0)
    >>> bool((model.predict(pixels) == same.predict(pixels * np.float32(1 / 255))).all())
    True
    """

    argument_names = "scale", "offset"
    scale: Any = checks.Checked(lambda layer, *value: checks.rescaling(*value))
    offset: Any = checks.Checked(lambda layer, *value: checks.rescaling(*value))

    def __init__(self, scale: float, offset: float = 0.0) -> None:
        super().__init__()
        self.scale = scale
        self.offset = offset

    def _numbers(self) -> tuple[float, float]:
        """Return both as kernels take them: no offset is -0.0, which leaves zeros their sign."""
        return self.scale, self.offset or -0.0

    def forward(self, x: ArrayLike) -> Any:
        """Return x * scale + offset.

        Parameters
        ----------
        x : array of any shape, or a number

        Returns
        -------
        array of x.shape, or a scalar for a number
            Fresh; integers give float64.

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64.
        ValueError
            scale or offset is not finite in the dtype of x.
        """
        where, (scale, offset) = "Rescaling.forward", self._numbers()

        def kernel(x: NDArray[Any], out: NDArray[Any]) -> None:
            factor = checks.scalar(where, "scale", scale, x.dtype, x.dtype)
            summand = checks.scalar(where, "offset", offset, x.dtype, x.dtype)
            rescaling_forward(x, factor, summand, out)

        out = apply(kernel, where, x)
        self._forwarded = np.shape(out), scale  # `scale` may be another one in backward
        return out

    def backward(self, dout: ArrayLike) -> Any:
        """Return dx = dout * scale.

        Parameters
        ----------
        dout : array of the shape that forward returned

        Returns
        -------
        array of that shape
            Fresh.

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError, ValueError
            dout holds no real numbers, or has another shape.
        """
        where = "Rescaling.backward"
        shape, scale = checks.remembered(where, self, "_forwarded")
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, shape)

        def kernel(dout: NDArray[Any], dx: NDArray[Any]) -> None:
            factor = checks.scalar(where, "scale", scale, dout.dtype, dout.dtype)
            rescaling_backward(dout, factor, dx)

        return apply(kernel, where, dout)

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return the steps that it is in the compiled loop.

        input_shape is that of `Layer.in_loop`.
        """
        kernels = rescaling_in_loop, rescaling_gradient_in_loop
        return [LoopLayer(input_shape, (), kernels, numbers=self._numbers(), rescales=True)]

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: that of its inputs, rescaled."""
        if inputs is None:
            return None
        ends = sorted(end * self.scale + self.offset for end in (inputs.low, inputs.high))
        same = self.scale == 1 and self.offset == 0
        return Outputs(ends[0], ends[1], inputs.adds_up and same)

    def __repr__(self) -> str:
        offset = f", offset={float(self.offset)}" if self.offset else ""
        return f"Rescaling({float(self.scale)}{offset})"
