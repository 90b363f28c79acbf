"""Activations: elementwise layers without parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import empty, ndarray
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions import _gradient, _map, _row
from fastnet.kernels import (
    elu_backward,
    elu_forward,
    gelu_backward,
    gelu_forward,
    gelu_tanh_backward,
    gelu_tanh_forward,
    identity_backward,
    identity_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    silu_backward,
    silu_forward,
    softplus_backward,
    softplus_forward,
    step_backward,
    step_forward,
    tanh_backward,
    tanh_forward,
)
from fastnet.layers.base import Layer, LoopLayer

__all__ = [
    "Elu",
    "Gelu",
    "Identity",
    "LeakyRelu",
    "Relu",
    "Sigmoid",
    "Silu",
    "Softplus",
    "Step",
    "Tanh",
]

GELUS = {"none": (gelu_forward, gelu_backward), "tanh": (gelu_tanh_forward, gelu_tanh_backward)}
FLOAT32, FLOAT64 = checks.FLOAT32, checks.FLOAT64


class _Activation(Layer):
    """An elementwise layer whose gradient is computed from its output."""

    out: Any
    _forward_kernel: Callable[..., None]
    _backward_kernel: Callable[..., None]
    _forward_name: str
    _backward_name: str

    _word = ""

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return what it is to the compiled loop."""
        from fastnet import kernels
        from fastnet.kernels import loop_layers

        word = type(self).__name__.lower().replace("leakyr", "leaky_r")
        if word in ("sigmoid", "relu", "tanh"):
            return [LoopLayer(input_shape, activation=getattr(kernels, word.upper()))]
        if getattr(self, "approximate", "none") != "none":
            word = "gelu_tanh"
        pair = getattr(loop_layers, word), getattr(loop_layers, word + "_gradient")
        numbers = (self.alpha,) if hasattr(self, "alpha") else ()
        return [LoopLayer(input_shape, (), pair, numbers=numbers)]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # For errors; made at each call, a name takes 0.1 us.
        cls._forward_name = f"{cls.__name__}.forward"
        cls._backward_name = f"{cls.__name__}.backward"

    def forward(self, x: ArrayLike) -> Any:
        """Apply the function to every element, and keep the result as ``out``.

        Parameters
        ----------
        x : array of any shape, or a number

        Returns
        -------
        array of x.shape, or a scalar for a number
            ``out`` itself.

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64.
        """
        if (  # as `_map` does, in line: 0.69 us, not 0.74
            type(x) is ndarray
            and x.ndim == 2
            and ((dtype := x.dtype) is FLOAT32 or dtype is FLOAT64)
            and x.flags.carray
        ):
            out = empty(x.shape, dtype)
            self._forward_kernel(x, out)
        else:
            out = _map(self._forward_kernel, self._forward_name, x)
        self.out = out
        return out

    def backward(self, dout: ArrayLike) -> Any:
        """Return dx = dout times the derivative, computed from ``out``.

        Parameters
        ----------
        dout : array of the shape that forward returned

        Returns
        -------
        array of that shape

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError, ValueError
            dout holds no real numbers, or has another shape.
        """
        out: Any = self.__dict__.get("out")
        if (  # as `_gradient` does, in line: 0.9 us, not 1
            type(out) is type(dout) is ndarray
            and ((dtype := out.dtype) is FLOAT64 or dtype is FLOAT32)
            and dout.dtype is dtype
            and (shape := out.shape) == dout.shape
            and out.flags.carray
            and dout.flags.carray
            and shape
        ):
            dx = empty(shape, dtype)
            if len(shape) == 2:
                self._backward_kernel(out, dout, dx)
            elif len(shape) == 1:  # a view by None takes 0.06 us, by reshape 0.1
                self._backward_kernel(out[None], dout[None], dx[None])
            else:
                self._backward_kernel(_row(out), _row(dout), _row(dx))
            return dx
        where = self._backward_name
        return _gradient(self._backward_kernel, where, checks.remembered(where, self, "out"), dout)


class Sigmoid(_Activation):
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

    _forward_kernel = staticmethod(sigmoid_forward)
    _backward_kernel = staticmethod(sigmoid_backward)


class Relu(_Activation):
    """Rectified linear unit, out = 0 where x <= 0, else x; NaN stays NaN. Of any shape.

    Its gradient is dx = 0 where x <= 0, else dout.

    Notes
    -----
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

    _forward_kernel = staticmethod(relu_forward)
    _backward_kernel = staticmethod(relu_backward)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """True where x <= 0, where the gradient is stopped."""
        mask: NDArray[np.bool_] = checks.remembered(self._name("mask"), self, "out") <= 0
        return mask


class Tanh(_Activation):
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

    _forward_kernel = staticmethod(tanh_forward)
    _backward_kernel = staticmethod(tanh_backward)


class Identity(_Activation):
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

    _forward_kernel = staticmethod(identity_forward)
    _backward_kernel = staticmethod(identity_backward)


class Step(_Activation):
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

    _forward_kernel = staticmethod(step_forward)
    _backward_kernel = staticmethod(step_backward)


class Softplus(_Activation):
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

    _forward_kernel = staticmethod(softplus_forward)
    _backward_kernel = staticmethod(softplus_backward)


class _Sloped(_Activation):
    """An activation with a number, alpha: of what is below 0."""

    argument_names = ("alpha",)

    alpha: Any = checks.Checked(lambda layer, where, name, value: checks.slope(where, value))

    def __init__(self, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, x: ArrayLike) -> Any:
        """Apply the function to every element, and keep the result as ``out``.

        Parameters
        ----------
        x : array of any shape, or a number

        Returns
        -------
        array of x.shape, or a scalar for a number
            ``out`` itself.

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64.
        ValueError
            alpha is not finite in the dtype of x.
        """
        where, alpha = self._forward_name, self.alpha

        def kernel(x: NDArray[Any], out: NDArray[Any]) -> None:
            number = checks.scalar(where, "alpha", alpha, x.dtype, x.dtype)
            self._forward_kernel(x, number, out)

        out = _map(kernel, where, x)
        self.out, self._alpha = out, alpha  # `alpha` may be another one in backward
        return out

    def backward(self, dout: ArrayLike) -> Any:
        """Return dx = dout times the derivative, computed from ``out``.

        dout and the errors are those of `Sigmoid.backward`.
        """
        where = self._backward_name
        out, alpha = checks.remembered(where, self, "out"), self._alpha

        def kernel(out: NDArray[Any], dout: NDArray[Any], dx: NDArray[Any]) -> None:
            self._backward_kernel(out, out.dtype.type(alpha), dout, dx)

        return _gradient(kernel, where, out, dout)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(alpha={float(self.alpha)})"


class LeakyRelu(_Sloped):
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

    _forward_kernel = staticmethod(leaky_relu_forward)
    _backward_kernel = staticmethod(leaky_relu_backward)

    def __init__(self, alpha: float = 0.01) -> None:
        super().__init__(alpha)


class Elu(_Sloped):
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

    _forward_kernel = staticmethod(elu_forward)
    _backward_kernel = staticmethod(elu_backward)

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(alpha)


class _OfInput(_Activation):
    """An activation whose gradient is computed from its input."""

    x: Any

    def forward(self, x: ArrayLike) -> Any:
        """Apply the function to every element, and keep x as ``x``.

        Parameters
        ----------
        x : array of any shape, or a number

        Returns
        -------
        array of x.shape, or a scalar for a number

        Raises
        ------
        TypeError
            x is complex, object, string or wider than float64.
        """
        x = checks.array(self._forward_name, "x", x)
        out = _map(self._forward_kernel, self._forward_name, x)
        self.x = x
        return out

    def backward(self, dout: ArrayLike) -> Any:
        """Return dx = dout times the derivative, computed from ``x``.

        dout and the errors are those of `Sigmoid.backward`.
        """
        where = self._backward_name
        x = checks.remembered(where, self, "x")
        return _gradient(self._backward_kernel, where, x, dout)


class Silu(_OfInput):
    """Sigmoid linear unit, or swish, out = x * sigmoid(x), of any shape.

    Its gradient is dx = dout * (s + x * s * (1 - s)) with s = sigmoid(x).

    Attributes
    ----------
    x : array
        What forward was given last: not a copy, so changing it in place before backward changes
        dx, as in NumPy code.

    Notes
    -----
    Source: Elfwing, Uchibe and Doya, Sigmoid-weighted linear units, 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Silu
    >>> layer = Silu()
    >>> layer.forward(np.array([-1e3, 0.0, 1e3]))
    array([  -0.,    0., 1000.])
    >>> layer.backward(np.ones(3))
    array([0. , 0.5, 1. ])
    """

    _forward_kernel = staticmethod(silu_forward)
    _backward_kernel = staticmethod(silu_backward)


class Gelu(_OfInput):
    """Gaussian error linear unit, out = x * cdf(x) of the normal distribution, of any shape.

        cdf(x) = (1 + erf(x / sqrt(2))) / 2

    Its gradient is dx = dout * (cdf(x) + x * exp(-x**2 / 2) / sqrt(2 pi)).

    Parameters
    ----------
    approximate : "none" or "tanh"
        "tanh" for x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))), which is at most
        0.0005 from it: what GPT-2 and BERT's first code used. It takes two thirds of the time.

    Attributes
    ----------
    x : array
        What forward was given last: not a copy, as in `Silu`.

    Raises
    ------
    ValueError
        approximate is another word.

    Notes
    -----
    Source: Hendrycks and Gimpel, Gaussian error linear units, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Gelu
    >>> layer = Gelu()
    >>> layer.forward(np.array([-30.0, 0.0, 1.0])).round(4)
    array([-0.    ,  0.    ,  0.8413])
    >>> layer.backward(np.ones(3)).round(4)
    array([-0.    ,  0.5   ,  1.0833])
    """

    argument_names = ("approximate",)
    approximate: Any = checks.Checked(
        lambda layer, where, name, value: checks.choice(where, name, value, GELUS)
    )

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, x: ArrayLike) -> Any:
        """Apply the function to every element, and keep x as ``x``.

        x and the errors are those of `Silu.forward`.
        """
        where = self._forward_name
        x = checks.array(where, "x", x)
        out = _map(GELUS[self.approximate][0], where, x)
        self.x, self._form = x, self.approximate  # that may be another one in backward
        return out

    def backward(self, dout: ArrayLike) -> Any:
        """Return dx = dout times the derivative, computed from ``x``.

        dout and the errors are those of `Sigmoid.backward`.
        """
        where = self._backward_name
        x = checks.remembered(where, self, "x")
        return _gradient(GELUS[self._form][1], where, x, dout)

    def __repr__(self) -> str:
        return "Gelu()" if self.approximate == "none" else "Gelu(approximate='tanh')"
