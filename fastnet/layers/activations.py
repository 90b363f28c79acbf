"""Activations whose gradient is computed from their output."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels import activations, rectifiers
from fastnet.kernels.activations import RELU, SIGMOID, TANH
from fastnet.kernels.rectifiers import relu_bits_backward, relu_bits_forward
from fastnet.layers.elementwise import Activation, _Fused, _WithAlpha
from fastnet.layers.told import Outputs

__all__ = [
    "Elu",
    "Identity",
    "LeakyRelu",
    "Relu",
    "Sigmoid",
    "Softplus",
    "Step",
    "Tanh",
]


class Sigmoid(_Fused):
    """Logistic function, out = 1 / (1 + exp(-x)), of any shape; dx = dout * (1 - out) * out.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.5.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Sigmoid
    >>> layer = Sigmoid()
    >>> layer.forward(np.array([0.0, 1e3]))
    array([0.5, 1. ])
    >>> layer.backward(np.array([2.0, 2.0]))
    array([0.5, 0. ])
    """

    kernels = activations.sigmoid_kernels
    output_range = Outputs(0.0, 1.0)
    _code = SIGMOID


class Relu(_Fused):
    """Rectified linear unit, out = 0 where x <= 0, else x; NaN stays NaN. Of any shape.

    Its gradient is dx = 0 where x <= 0, else dout, in an array of its own: dout stays as it is,
    where the first book's backward sets it to 0 in place.

    Notes
    -----
    Of an array of more than two axes, such as images, a bit a number is kept in place of ``out``,
    which may be much: 7 MB of SimpleConvNet's 100 images. Of a matrix ``out`` is kept, as the x of
    the Affine behind it is in any case.

    Source: Saitoh, Deep Learning from Scratch, section 5.5.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Relu
    >>> layer = Relu()
    >>> layer.forward(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    >>> layer.backward(np.ones(3))
    array([0., 0., 1.])
    """

    kernels = activations.relu_kernels
    output_range = Outputs(0.0)
    _code = RELU
    _bits: tuple[NDArray[np.uint8], tuple[int, ...], Any, bool] | None = None

    @property
    def mask(self) -> NDArray[np.bool_]:
        """True where x <= 0, where the gradient is stopped."""
        if "out" in self.__dict__ or self._bits is None:
            mask: NDArray[np.bool_] = checks.remembered(self._name("mask"), self, "out") <= 0
            return mask
        bits, shape, _, last = self._bits
        passes = np.unpackbits(bits, count=math.prod(shape), bitorder="little").view(np.bool_)
        mask = ~passes.reshape(shape)
        return checks.channels_first(mask) if last else mask

    def _forward(self, x: Any) -> Any:
        x = checks.array(self._forward_name, "x", x)
        if x.ndim < 3:
            return super()._forward(x)
        last = checks.lies_channels_last(x)  # of a convolution, which is read without a copy
        dtype = checks.result_dtype(x)
        x = checks.contiguous(checks.channels_last(x) if last else x, dtype)
        out, bits = np.empty(x.shape, x.dtype), np.empty((x.size + 7) // 8, np.uint8)
        relu_bits_forward(x.reshape(-1), out.reshape(-1), bits)
        self.__dict__.pop("out", None)
        self._bits = bits, x.shape, dtype, last
        out = checks.returned(out, dtype)
        return checks.channels_first(out) if last else out

    def _backward(self, dout: Any) -> Any:
        if "out" in self.__dict__ or self._bits is None:
            return super()._backward(dout)
        (bits, shape, dtype, last), where = self._bits, self._backward_name
        dout = checks.array(where, "dout", dout)
        n, *rest = shape
        checks.same_shape(where, "dout", dout, (n, rest[-1], *rest[:-1]) if last else shape)
        dtype = np.result_type(dtype, checks.result_dtype(dout))
        dout = checks.contiguous(checks.channels_last(dout) if last else dout, dtype)
        dx = np.empty(shape, dout.dtype)
        relu_bits_backward(bits, dout.reshape(-1), dx.reshape(-1))
        dx = checks.returned(dx, dtype)
        return checks.channels_first(dx) if last else dx


class Tanh(_Fused):
    """Hyperbolic tangent, out = tanh(x), of any shape; dx = dout * (1 - out**2).

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Tanh
    >>> layer = Tanh()
    >>> layer.forward(np.array([0.0, -1e3]))
    array([ 0., -1.])
    >>> layer.backward(np.ones(2))
    array([1., 0.])
    """

    kernels = activations.tanh_kernels
    output_range = Outputs(-1.0, 1.0)
    _code = TANH


class Identity(Activation):
    """The identity, out = x, of any shape; dx = dout. Both are fresh arrays.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 3.4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Identity
    >>> Identity().forward(np.array([-1.0, 2.0]))
    array([-1.,  2.])
    """

    kernels = activations.identity_kernels

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: that of its inputs."""
        return inputs


class Step(Activation):
    """Step function, out = 1 where x > 0, else 0; NaN stays NaN. Of any shape.

    Its gradient is 0 everywhere, so nothing before it learns.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 3.2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Step
    >>> Step().forward(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 1.])
    """

    kernels = activations.step_kernels
    output_range = Outputs(0.0, 1.0)


class Softplus(Activation):
    """Softplus, out = log(1 + exp(x)), of any shape; dx = dout * sigmoid(x).

    Notes
    -----
    Source: Dugas et al., Incorporating second-order functional knowledge, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Softplus
    >>> Softplus().forward(np.array([-1e3, 0.0, 9.0])).round(4)
    array([0.    , 0.6931, 9.0001])
    """

    kernels = rectifiers.softplus_kernels
    output_range = Outputs(0.0)


class LeakyRelu(_WithAlpha):
    """Leaky rectified linear unit, out = alpha * x where x <= 0, else x; NaN stays NaN.

    Of any shape. Its gradient is dx = alpha * dout where x <= 0, else dout.

    Parameters
    ----------
    alpha : float
        Slope below 0, at least 0.

    Raises
    ------
    TypeError, ValueError
        alpha is not a number, or negative, or not finite.

    Notes
    -----
    Source: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models,
    2013.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import LeakyRelu
    >>> layer = LeakyRelu(0.5)
    >>> layer.forward(np.array([-1.0, 0.0, 2.0]))
    array([-0.5,  0. ,  2. ])
    >>> layer.backward(np.ones(3))
    array([0.5, 0.5, 1. ])
    """

    kernels = rectifiers.leaky_relu_kernels

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: any numbers, but for an alpha of 0 from 0 on."""
        return Outputs(-math.inf if self.alpha else 0.0)

    def __init__(self, alpha: float = 0.01) -> None:
        super().__init__(alpha)


class Elu(_WithAlpha):
    """Exponential linear unit, out = alpha * (exp(x) - 1) where x <= 0, else x.

    Of any shape; NaN stays NaN. Its gradient is dx = dout * alpha * exp(x) where x <= 0, else
    dout.

    Parameters
    ----------
    alpha : float
        Minus the limit at -infinity, at least 0.

    Raises
    ------
    TypeError, ValueError
        alpha is not a number, or negative, or not finite.

    Notes
    -----
    Source: Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by
    exponential linear units, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Elu
    >>> layer = Elu()
    >>> layer.forward(np.array([-1e3, 0.0, 2.0]))
    array([-1.,  0.,  2.])
    >>> layer.backward(np.ones(3))
    array([0., 1., 1.])
    """

    kernels = rectifiers.elu_kernels

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: -alpha and above."""
        return Outputs(0.0 - self.alpha)

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(alpha)
