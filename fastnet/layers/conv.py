"""Convolutions declared by their number of filters, for `Sequential`: Conv2D and Conv1D."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from fastnet import checks, initializers
from fastnet.kernels.activations import IDENTITY
from fastnet.kernels.convolution_in_loop import (
    convolution_gradient_in_loop,
    convolution_in_loop,
    convolution_weights_in_loop,
    scratch_size,
)
from fastnet.kernels.depthwise import is_depthwise
from fastnet.kernels.depthwise_in_loop import (
    depthwise_gradient_in_loop,
    depthwise_in_loop,
    depthwise_weights_in_loop,
)
from fastnet.layers.convolution import is_product
from fastnet.layers.convolving import Convolving
from fastnet.layers.dense import ACTIVATIONS, ALIASES, RANGES, _fused, _named
from fastnet.layers.told import LoopLayer, Outputs, Steps

__all__ = ["Conv1D", "Conv2D"]

CONVOLUTION = convolution_in_loop, convolution_gradient_in_loop, convolution_weights_in_loop
DEPTHWISE = depthwise_in_loop, depthwise_gradient_in_loop, depthwise_weights_in_loop


class Conv2D(Convolving):
    """Convolution and activation of images (N, height, width, channels), as Keras has it.

        out[n, y, x, m] = activation(b[m] + sum over i, j, c of
            x[n, y * strides[0] + i * dilation[0], x * strides[1] + j * dilation[1], c]
            * W[i, j, c, m])

    Its weights come with `build`, which `Sequential` calls once it knows the images' shape.

    Parameters
    ----------
    filters : int
        M, the number of outputs of each window, a multiple of groups.
    kernel_size, strides, dilation : int, or one for each axis
        Rows and columns of a window; by how many windows move; how far its taps lie apart.
    padding : "valid", "same", int, or one or a pair (before, behind) for each axis
        Rows and columns of zeros around an image: none; as many as give ceil(size / stride)
        windows, as in Keras; or so many.
    groups : int
        Channels and filters are divided into so many groups, each of which sees its own channels
        alone. As many as there are channels: a depthwise convolution.
    activation : str, optional
        The name of an activation, as for `Dense`; no softmax.
    use_bias : bool
        Whether b is added.
    input_shape : tuple of int, optional
        Shape of one image, for the first layer of a model that is built before it sees data.
    weight_init_std : float, or "he", "xavier", "glorot", "lecun" or "zeros", optional
        As for `Dense`, of the inputs of a window.

    Attributes
    ----------
    W : (rows, columns, channels / groups, M)
    b : (M,)
    x, out : arrays
        What forward was given last, and what it returned.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    Source: Keras; Saitoh, Deep Learning from Scratch, section 7.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Conv2D
    >>> layer = Conv2D(16, 3, padding="same", activation="relu")
    >>> layer.build((28, 28, 1), np.random.default_rng(0), "float32")
    >>> layer.W.shape, layer.output_shape((28, 28, 1))
    ((3, 3, 1, 16), (28, 28, 16))
    >>> layer.forward(np.ones((2, 28, 28, 1), np.float32)).shape
    (2, 28, 28, 16)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, ...],
        strides: int | tuple[int, ...] = 1,
        padding: Any = "valid",
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        activation: str | None = None,
        use_bias: bool = True,
        input_shape: tuple[int, ...] | None = None,
        weight_init_std: float | str | None = None,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides
        self.padding, self.dilation, self.groups = padding, dilation, groups
        self.use_bias = use_bias
        checks.filters_of_groups(where, self.filters, self.groups)
        self.activation = None if activation is None else self._word(where, activation)
        self.input_shape = None if input_shape is None else checks.shape(where, input_shape)
        if self.input_shape is not None:
            self.output_shape(self.input_shape)
        self.weight_init_std = initializers._deviation_or_name(where, weight_init_std)

    def build(
        self, input_shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike
    ) -> None:
        """Make W from normal random numbers, and b of zeros, for images of a shape.

        Parameters
        ----------
        input_shape : (height, width, channels)
        rng : numpy.random.Generator
        dtype : "float32" or "float64"

        Raises
        ------
        TypeError, ValueError
            An argument is of another kind, or out of range.
        """
        where = self._name("build")
        shape = self._kernel_shape(where, checks.shape(where, input_shape))
        dtype = checks.float_dtype(where, dtype)
        checks.generator(where, rng)
        std = self.weight_init_std
        if std is None:
            std = "he" if self.activation == "relu" else "xavier"
        if isinstance(std, str):
            checks.choice(where, "weight_init_std", std, initializers.NAMES)
            fan_out = math.prod(self.kernel_size) * self.filters
            std = initializers.deviation(std, math.prod(shape[:-1]), fan_out)
        else:
            std = checks.deviation(where, std, dtype)
        W = (rng.standard_normal(shape) * std).astype(dtype)
        self._keep([W, np.zeros(self.filters, dtype)][: 1 + self.use_bias])

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (rows, columns, M); ValueError for what is no such image, or too small."""
        where = type(self).__name__
        self._kernel_shape(where, input_shape)
        _, out = self._windows(where, "input_shape", input_shape)
        return self._shape_of(out)

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: that of the activation."""
        return RANGES.get(ALIASES.get(self.activation, self.activation))  # type: ignore[arg-type]

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return the convolution and its activation: one step, or two where no kernel has both."""
        g = self._geometry(type(self).__name__, "input_shape", input_shape)
        code = _fused(type(self).__name__, self.activation)
        shape = self.output_shape(input_shape)
        W = self._kernel_shape(type(self).__name__, input_shape)
        parameters = (W, (self.filters,))[: 1 + self.use_bias]
        if is_product(g):
            step = LoopLayer(
                shape,
                parameters,
                activation=IDENTITY if code is None else code,
                steps=g.out_height * g.out_width,
            )
            return [step, *self._apart(code, shape)]
        step = LoopLayer(
            shape,
            parameters,
            DEPTHWISE if is_depthwise.py_func(g) else CONVOLUTION,
            numbers=(*g, int(self.use_bias), IDENTITY if code is None else code),
            own=scratch_size(g),
            products=math.prod(shape) * math.prod(W[:-1]),
        )
        if code == IDENTITY:

            def activated(code: int) -> LoopLayer:
                return step._replace(numbers=(*step.numbers[:-1], code), activated=None)

            return [step._replace(activated=activated)]
        return [step, *self._apart(code, shape)]

    def _apart(self, code: int | None, shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return the activation as a layer of its own, where the kernels have no code of it."""
        if code is not None:
            return []
        activation = ACTIVATIONS[_named(type(self).__name__, self.activation)]()
        return list(activation.in_loop(shape))


class Conv1D(Conv2D):
    """Convolution and activation of sequences (N, steps, features), as Keras has it.

        out[n, t, m] = activation(b[m] + sum over i, c of
            x[n, t * strides + i * dilation, c] * W[i, c, m])

    Parameters
    ----------
    filters, kernel_size, strides, padding, dilation, groups
        As for `Conv2D`, along the steps.
    activation, use_bias, input_shape, weight_init_std
        As for `Conv2D`; input_shape is (steps, features).

    Attributes
    ----------
    W : (kernel_size, features / groups, M)
    b : (M,)
    x, out : arrays
        What forward was given last, and what it returned.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    What it gives is a sequence: a `Dense` behind it goes along its steps.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Conv1D
    >>> layer = Conv1D(8, 3, activation="tanh")
    >>> layer.build((20, 5), np.random.default_rng(0), "float64")
    >>> layer.W.shape, layer.forward(np.ones((2, 20, 5))).shape
    ((3, 5, 8), (2, 18, 8))
    """

    _axes: ClassVar[int] = 1
    _named_axes: ClassVar[str] = "steps, features"

    def _shape_of(self, out: tuple[int, ...]) -> tuple[int, ...]:
        return Steps((out[-1], self.filters))
