"""Dense: a product with a bias and an activation, declared by its number of units."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar

import numpy as np
from numpy import empty, ndarray
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnet import checks, initializers
from fastnet.kernels.activations import (
    IDENTITY,
    RELU,
    SIGMOID,
    TANH,
    relu_backward,
    sigmoid_backward,
    tanh_backward,
)
from fastnet.kernels.affine import affine_backward
from fastnet.layers import activations, gates
from fastnet.layers.affine import Affine
from fastnet.layers.base import Layer
from fastnet.layers.softmax import Softmax
from fastnet.layers.told import ANYWHERE, LoopLayer, Outputs, along

__all__ = ["Dense"]


def _word(name: str) -> str:
    """Return the word by which Dense is asked for an activation: LeakyRelu is "leaky_relu"."""
    return re.sub("(?<!^)(?=[A-Z])", "_", name).lower()


# What the product's kernel applies itself, and all activations that Dense may be given.
FUSED = {"identity": IDENTITY, "sigmoid": SIGMOID, "relu": RELU, "tanh": TANH}
ACTIVATIONS: dict[str, Any] = dict.fromkeys(FUSED) | {
    _word(name): getattr(file, name) for file in (activations, gates) for name in file.__all__
}
ACTIVATIONS["softmax"] = Softmax
RANGES: dict[str | None, Outputs | None] = {None: ANYWHERE} | {
    name: kind().outputs(ANYWHERE) for name, kind in ACTIVATIONS.items()
}
_BACKWARD: dict[int | None, Callable[..., None]] = {
    SIGMOID: sigmoid_backward,
    RELU: relu_backward,
    TANH: tanh_backward,
}
# Names that Keras, PyTorch and scikit-learn have for them.
ALIASES = {
    "leakyrelu": "leaky_relu",
    "linear": "identity",
    "logistic": "sigmoid",
    "swish": "silu",
}


def _named(where: str, activation: Any) -> str:
    """Return the name that an activation has here."""
    return checks.choice(where, "activation", activation, ACTIVATIONS, ALIASES)


def _fused(where: str, activation: str | None) -> int | None:
    """Return the kernels' code of an activation; None where a layer of its own does it."""
    if activation is None:
        return IDENTITY
    if type(activation) is not str or activation not in ACTIVATIONS:
        activation = _named(where, activation)
    return FUSED.get(activation)


class Dense(Affine):
    """Affine and activation in one, declared by its number of units.

    Its weights come with `build`, which `Sequential` calls once it knows the number of inputs.

    Parameters
    ----------
    units : int
        M, the number of outputs. It may be assigned until the layer is built.
    activation : str, optional
        "identity", "sigmoid", "relu", "tanh", "gelu", "silu" ...: the name of an activation of
        `fastnet.layers`, which has its default arguments, or "softmax". Other libraries' names are
        understood: "linear" is "identity", "logistic" "sigmoid", "swish" "silu".
    input_shape : tuple of int, or int, optional
        Shape of one sample, for the first layer of a model that is built before it sees data.
    weight_init_std : float, or "he", "xavier", "glorot", "lecun" or "zeros", optional
        Standard deviation of the initial weights, or its name in `fastnet.initializers`. Default:
        sqrt(2 / D) for "relu" (He), else sqrt(1 / D) (Xavier).

    Attributes
    ----------
    x : (N, D)
        The rows that forward was given last.
    out : (N, M)
        What it returned: backward computes the activation's gradient from it.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, sections 5.6.2 and 6.2 (initial weights).

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Dense
    >>> layer = Dense(3, activation="relu")
    >>> layer.build(4, np.random.default_rng(0), "float32")
    >>> layer.W.shape, layer.b
    ((4, 3), array([0., 0., 0.], dtype=float32))
    >>> layer.forward(np.ones((2, 4), np.float32)).shape
    (2, 3)
    """

    out: NDArray[Any]
    argument_names: ClassVar[tuple[str, ...]] = ("units", "activation", "weight_init_std")
    _settings: ClassVar[staticmethod[[Any], Any]] = staticmethod(attrgetter("activation"))

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        input_shape: tuple[int, ...] | None = None,
        weight_init_std: float | str | None = None,
    ) -> None:
        Layer.__init__(self)
        self._units = checks.count("Dense", "units", units)
        self.activation = None if activation is None else _named("Dense", activation)
        self.input_shape = None if input_shape is None else checks.shape("Dense", input_shape)
        self.weight_init_std = initializers._deviation_or_name("Dense", weight_init_std)

    @property
    def units(self) -> int:
        """Number of outputs: that of W, once the layer is built."""
        return int(self.params[0].shape[1]) if self.params else self._units

    @units.setter
    def units(self, units: int) -> None:
        """Declare another number; RuntimeError once the layer is built."""
        checks.unbuilt("Dense.units", "units", units, self.params)
        self._units = checks.count("Dense.units", "units", units)

    def build(self, n_in: int, rng: np.random.Generator, dtype: DTypeLike) -> None:
        """Make W (n_in, units) from normal random numbers, and b of zeros.

        Parameters
        ----------
        n_in : int
            D, the number of features.
        rng : numpy.random.Generator
        dtype : "float32" or "float64"

        Raises
        ------
        TypeError, ValueError
            An argument is of another kind, or out of range.
        """
        n_in = checks.count("Dense.build", "n_in", n_in)
        dtype = checks.float_dtype("Dense.build", dtype)
        checks.generator("Dense.build", rng)
        std = self.weight_init_std
        if std is None:
            std = "he" if self.activation == "relu" else "xavier"
        if isinstance(std, str):
            checks.choice("Dense.build", "weight_init_std", std, initializers.NAMES)
            std = initializers.deviation(std, n_in, self.units)
        else:
            std = checks.deviation("Dense.build", std, dtype)
        units = self.units
        W = (rng.standard_normal((n_in, units)) * std).astype(dtype)
        self.params.clear()
        self.grads.clear()
        self._keep(W)
        self._keep(np.zeros(units, dtype))

    def features(self) -> int | None:
        """Return D, from W or input_shape."""
        if self.params or self.input_shape is None:
            return super().features()
        return math.prod(self.input_shape)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (units,), or for Steps (steps, units); ValueError for a softmax of one unit."""
        shape = along(input_shape, self.units)
        return Softmax().output_shape(shape) if self.activation == "softmax" else shape

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: that of the activation."""
        name = self.activation
        if name is not None and type(name) is not str:
            return None
        return RANGES.get(ALIASES.get(name, name))  # type: ignore[arg-type]  # None has one, too

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return the product and its activation: one step, or two where no kernel has both."""
        (product,), code = super().in_loop(input_shape), _fused("Dense", self.activation)
        if code is not None:
            return [product._replace(activation=code)]
        activation = ACTIVATIONS[_named("Dense", self.activation)]()
        return [product, *activation.in_loop(product.output_shape)]

    @classmethod
    def _from_saved(cls, arguments: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Any:
        dense = cls(**arguments)
        for array in arrays.values():  # in place of `build`, which would draw others first
            dense._keep(array)
        return dense

    def _check_settings(self, where: str) -> None:
        _fused(where, self.activation)

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return activation(x @ W + b), (N, M), or (M,) for one row.

        x and the errors are those of `Affine.forward`; also RuntimeError where the layer is not
        built, and ValueError where `activation` was set to another name.
        """
        checks.built("Dense.forward", self.params)
        code, activation = _fused("Dense.forward", self.activation), None
        out, shape = self._activated("Dense.forward", x, IDENTITY if code is None else code)
        if code is None:
            activation = ACTIVATIONS[_named("Dense.forward", self.activation)]()
            out = activation.forward(out)
        self.out = out
        self._applied = code, activation  # `activation` may be another one in backward
        return out[0] if len(shape) == 1 else out

    def _logits(self, x: ArrayLike) -> NDArray[Any]:
        """Return what the softmax would take, which the loss takes along; backward goes by it."""
        checks.built("Dense.forward", self.params)
        logits, _ = self._activated("Dense.forward", x, IDENTITY)
        self._applied = IDENTITY, None
        return logits

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx in the shape of x; write dW and db, all through the activation.

        dout and the errors are those of `MatMul.backward`.
        """
        wanted, x, W, upstream, dx, dW, db = self._before_backward("Dense.backward", dout)
        code, activation = self._applied
        backward = _BACKWARD.get(code)
        if activation is not None:
            upstream = activation.backward(upstream)
        elif backward is not None:
            out, given, dtype = self.out, upstream, dx.dtype
            if not (type(out) is ndarray and out.dtype is dtype and out.flags.carray):
                out = checks.contiguous(checks.array("Dense.backward", "out", out), dtype)
            shape = given.shape
            if out.shape != shape:
                # The kernel goes by the size of out, which is that of forward's W, or the caller's.
                checks.unchanged("Dense.backward", "out", out, shape)
            upstream = empty(shape, dtype)
            backward(out, given, upstream)
        affine_backward(x, W, upstream, dx, dW, db)
        return dx if wanted is None else self._after_backward(*wanted, dx, dW, db)

    def __repr__(self) -> str:
        activation = "" if self.activation is None else f", activation={self.activation!r}"
        return f"Dense({self.units}{activation})"
