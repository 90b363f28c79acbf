"""Layers that give samples another shape, and leave their numbers as they are."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.layers.base import Layer
from fastnet.layers.told import LoopLayer, Outputs

__all__ = ["Flatten", "Reshape"]


class Reshape(Layer):
    """Samples in another shape: their numbers stay in order, and nothing is computed.

    Parameters
    ----------
    target_shape : tuple of int
        Of one sample; one of its numbers may be -1, and then follows from the others.
    input_shape : tuple of int, optional
        Shape of one sample, for the first layer of a model that is built before it sees data.

    Raises
    ------
    TypeError, ValueError
        target_shape or input_shape is no tuple of positive whole numbers, or has several -1.

    Notes
    -----
    Source: Keras, Reshape. In a `Sequential` it costs nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Reshape
    >>> layer = Reshape((2, 2, 1))
    >>> layer.forward(np.arange(8.0).reshape(2, 4)).shape
    (2, 2, 2, 1)
    >>> Reshape((-1, 3)).output_shape((12,))
    (4, 3)
    """

    takes_shape = True
    argument_names: ClassVar[tuple[str, ...]] = ("target_shape",)
    target_shape: Any = checks.Checked(lambda layer, *value: checks.target_shape(*value))

    def __init__(
        self, target_shape: tuple[int, ...], input_shape: tuple[int, ...] | None = None
    ) -> None:
        super().__init__()
        self.input_shape = checks.input_shape(type(self).__name__, input_shape)
        self.target_shape = target_shape

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return x in the new shape: a view where its memory allows it.

        Parameters
        ----------
        x : (N, ...)

        Returns
        -------
        (N, *target_shape)

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64.
        ValueError
            x has no rows, or samples of another size.
        """
        where = self._name("forward")
        x = checks.array(where, "x", x)
        if x.ndim < 2:
            raise ValueError(
                f"{where}: x must have samples of one axis and more, got x.shape={x.shape}. "
                "Give an array (N, ...)."
            )
        shape = self._made(where, x.shape[1:])
        self._shape = x.shape
        return x.reshape(len(x), *shape)

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dout in the shape of x.

        Parameters
        ----------
        dout : array of the shape that forward returned

        Returns
        -------
        array of the shape of x

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError, ValueError
            dout holds no real numbers, or has another shape.
        """
        where = self._name("backward")
        shape = checks.remembered(where, self, "_shape")
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, (shape[0], *self._made(where, shape[1:])))
        return dout.reshape(shape)

    def _made(self, where: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape that a sample of another one gets."""
        size, target = math.prod(shape), self.target_shape
        known = math.prod(n for n in target if n > 0)
        if size % known if -1 in target else size != known:
            raise ValueError(
                f"{where}: target_shape must have as many numbers as a sample of shape {shape}, "
                f"{size}, got {target}. Give such a shape, or -1 for one of its numbers."
            )
        return tuple(size // known if n < 0 else n for n in target)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return target_shape; ValueError where samples have another size."""
        return self._made(type(self).__name__, input_shape)

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: that of its inputs."""
        return None if inputs is None else Outputs(inputs.low, inputs.high)

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return no step for the compiled loop: the numbers of a sample are where they were."""
        return [LoopLayer(self.output_shape(input_shape))]

    def __repr__(self) -> str:
        return f"Reshape({self.target_shape})"


class Flatten(Reshape):
    """Samples of any shape as rows: images (height, width, channels) in that order.

    Parameters
    ----------
    input_shape : tuple of int, optional
        Shape of one sample, for the first layer of a model that is built before it sees data.

    Raises
    ------
    TypeError, ValueError
        input_shape is no tuple of positive whole numbers.

    Notes
    -----
    Source: Keras, Flatten. In a `Sequential` it costs nothing; a Dense takes images without it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Flatten
    >>> Flatten().forward(np.ones((5, 4, 4, 2))).shape
    (5, 32)
    """

    argument_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, input_shape: tuple[int, ...] | None = None) -> None:
        super().__init__((-1,), input_shape)

    def __repr__(self) -> str:
        return "Flatten()"
