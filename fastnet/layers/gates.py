"""Activations that multiply x by a gate, a number between 0 and 1: their gradient reads x."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from fastnet import checks
from fastnet.functions.activations import apply, apply_backward
from fastnet.kernels import gates
from fastnet.layers.elementwise import Activation
from fastnet.layers.told import LoopLayer, Outputs

__all__ = ["Gelu", "Mish", "Silu"]

GELUS = {"none": gates.gelu_kernels, "tanh": gates.gelu_tanh_kernels}


class Silu(Activation):
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

    kernels = gates.silu_kernels
    output_range = Outputs(-0.2785)  # the least output, at x = -1.28


class Gelu(Activation):
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

    kernels = gates.gelu_kernels
    output_range = Outputs(-0.1701)
    argument_names = ("approximate",)
    approximate: Any = checks.Checked(
        lambda layer, where, name, value: checks.choice(where, name, value, GELUS)
    )

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, x: ArrayLike) -> Any:
        """Apply the function to every element, and keep x as ``x``.

        x and the errors are those of `Activation.forward`.
        """
        where = self._forward_name
        x = checks.array(where, "x", x)
        out = apply(GELUS[self.approximate].forward, where, x)
        self.x, self._form = x, self.approximate  # that may be another one in backward
        return out

    def backward(self, dout: ArrayLike) -> Any:
        """Return dx = dout times the derivative, computed from ``x``.

        dout and the errors are those of `Activation.backward`.
        """
        where = self._backward_name
        x = checks.remembered(where, self, "x")
        return apply_backward(GELUS[self._form].backward, where, x, dout)

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return the steps that the layer is in the compiled loop.

        input_shape is that of `Layer.in_loop`.
        """
        return [LoopLayer(input_shape, (), GELUS[self.approximate][2:])]

    def __repr__(self) -> str:
        return "Gelu()" if self.approximate == "none" else "Gelu(approximate='tanh')"


class Mish(Activation):
    """Mish, out = x * tanh(softplus(x)), of any shape.

    Its gradient is dx = dout * (g + x * (1 - g**2) * sigmoid(x)) with g = tanh(softplus(x)).

    Attributes
    ----------
    x : array
        What forward was given last: not a copy, as in `Silu`.

    Notes
    -----
    Source: Misra, Mish: A Self Regularized Non-Monotonic Activation Function, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Mish
    >>> layer = Mish()
    >>> layer.forward(np.array([-1e3, 0.0, 1e3]))
    array([  -0.,    0., 1000.])
    >>> layer.backward(np.ones(3))
    array([0. , 0.6, 1. ])
    """

    kernels = gates.mish_kernels
    output_range = Outputs(-0.3089)
