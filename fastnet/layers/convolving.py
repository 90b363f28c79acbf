"""What Conv2D and Conv1D have in common: their settings, arrays, geometry and steps by hand."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.activations import IDENTITY
from fastnet.kernels.geometry import Geometry, geometry_of
from fastnet.layers.base import Layer
from fastnet.layers.convolution import convolved, gradients
from fastnet.layers.dense import _BACKWARD, ACTIVATIONS, _fused, _named


def _declared(check: Any) -> Any:
    """Return an attribute that must not change once W is there."""

    def checked(layer: Any, where: str, name: str, value: Any) -> Any:
        checks.unbuilt(where, name, value, layer.__dict__.get("params", []))
        return check(layer, where, name, value)

    return checks.Checked(checked)


def _count(layer: Any, where: str, name: str, value: Any) -> int:
    return checks.count(where, name, value)


def _sizes(layer: Any, where: str, name: str, value: Any) -> tuple[int, ...]:
    return checks.axis_sizes(where, name, value, layer._axes)


class Convolving(Layer):
    """A convolution by its filters, over images of `_axes` axes and channels, which stand last."""

    x: NDArray[Any]
    out: NDArray[Any]
    filters: Any = _declared(_count)
    kernel_size: Any = _declared(_sizes)
    groups: Any = _declared(_count)
    use_bias: Any = _declared(lambda layer, where, name, value: checks.flag(where, name, value))
    strides: Any = checks.Checked(_sizes)
    dilation: Any = checks.Checked(_sizes)
    padding: Any = checks.Checked(
        lambda layer, where, name, value: checks.padding(where, value, layer._axes)
    )
    array_names: ClassVar[tuple[str, ...]] = ("W", "b")
    argument_names: ClassVar[tuple[str, ...]] = (
        *("filters", "kernel_size", "strides", "padding", "dilation", "groups"),
        *("activation", "use_bias", "weight_init_std"),
    )
    decays = 1
    takes_shape = True
    activation: str | None
    _axes: ClassVar[int] = 2
    _named_axes: ClassVar[str] = "height, width, channels"

    @property
    def W(self) -> NDArray[Any]:
        """Weights: `params[0]`."""
        checks.built(self._name("W"), self.params)
        return self.params[0]

    @W.setter
    def W(self, W: ArrayLike) -> None:
        """Use another W of the same shape from the next call on."""
        self._assign(0, "W", W)

    @property
    def b(self) -> NDArray[Any]:
        """Bias (M,): `params[1]`; AttributeError where there is none."""
        checks.biased(self._name("b"), self.use_bias)
        checks.built(self._name("b"), self.params)
        return self.params[1]

    @b.setter
    def b(self, b: ArrayLike) -> None:
        """Use another b of the same shape from the next call on."""
        checks.biased(self._name("b"), self.use_bias)
        self._assign(1, "b", b)

    @property
    def dW(self) -> NDArray[Any]:
        """Gradient of the weights: `grads[0]`, overwritten by backward."""
        checks.built(self._name("dW"), self.params)
        return self.grads[0]

    @property
    def db(self) -> NDArray[Any]:
        """Gradient of the bias: `grads[1]`, overwritten by backward."""
        checks.biased(self._name("db"), self.use_bias)
        checks.built(self._name("db"), self.params)
        return self.grads[1]

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return activation(the convolution of x with W, plus b).

        Parameters
        ----------
        x : samples of the shape that the layer takes, channels last

        Returns
        -------
        as many samples of `output_shape`

        Raises
        ------
        RuntimeError
            The layer is not built.
        TypeError
            x is complex, object, string or wider than float64.
        ValueError
            x has other axes or channels, or is smaller than the kernel.
        """
        where = self._name("forward")
        checks.built(where, self.params)
        x = checks.array(where, "x", x)
        self._check_shapes(where)
        W, axes = self.params[0], f"N, {self._named_axes}"
        checks.images(where, "x", x, W.shape[-2] * self.groups, -1, axes, W.shape)
        g = self._geometry(where, "x", x.shape[1:])
        code, activation = _fused(where, self.activation), None
        dtype = checks.result_dtype(x, *self.params)
        images = checks.contiguous(x, dtype)
        kernel, *bias = (checks.contiguous(array, dtype) for array in self.params)
        b = bias[0] if bias else np.zeros(self.filters, images.dtype)
        out = convolved(g, _images(images), _kernel(kernel), b, IDENTITY if code is None else code)
        out = checks.returned(
            out.reshape(len(x), *self._shape_of((g.out_height, g.out_width))), dtype
        )
        if code is None:
            activation = ACTIVATIONS[_named(where, self.activation)]()
            out = activation.forward(out)
        self.x, self.out, self._applied = images, out, (x.shape, g, code, activation)
        result: NDArray[Any] = out
        return result

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return dx in the shape of x; write dW and db, all through the activation.

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
        x = checks.array(where, "x", checks.remembered(where, self, "x"))
        shape, g, code, activation = self._applied
        out, grads, W = checks.array(where, "out", self.out), tuple(self.grads), self.params[0]
        self._check_arrays(where, self.params, self.grads)
        checks.unchanged(where, "x", x, shape)
        dout = checks.array(where, "dout", dout)
        checks.same_shape(where, "dout", dout, out.shape)
        dtype = checks.result_dtype(x, W, dout)
        upstream = checks.contiguous(dout, dtype)
        if activation is not None:
            upstream = checks.contiguous(activation.backward(upstream), dtype)
        elif (backward := _BACKWARD.get(code)) is not None:
            given, upstream = upstream, empty(out.shape, upstream.dtype)
            known = checks.contiguous(out, dtype)
            # As matrices: of four axes the kernels would be compiled anew.
            backward(*(array.reshape(1, -1) for array in (known, given, upstream)))
        images, kernel = checks.contiguous(x, dtype), checks.contiguous(W, dtype)
        dx, *found = gradients(g, _images(images), _kernel(kernel), _images(upstream))
        for grad, array in zip(grads, found, strict=False):
            grad[...] = array.reshape(grad.shape)
        result: NDArray[Any] = checks.returned(dx.reshape(shape), checks.result_dtype(W, dout))
        return result

    @classmethod
    def _saved_names(cls, arguments: dict[str, Any]) -> tuple[str, ...]:
        return cls.array_names if arguments.get("use_bias", True) else cls.array_names[:1]

    @classmethod
    def _saved_shapes(
        cls,
        input_shape: tuple[int, ...],
        arguments: dict[str, Any],
        shapes: list[tuple[int, ...]],
    ) -> tuple[list[tuple[int, ...]], tuple[int, ...]]:
        layer = cls(**{name: arguments[name] for name in cls.argument_names if name in arguments})
        arrays = [layer._kernel_shape(cls.__name__, input_shape), (layer.filters,)]
        return arrays[: len(shapes)], layer.output_shape(input_shape)

    @classmethod
    def _from_saved(cls, arguments: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Any:
        layer = cls(**arguments)
        layer._keep(list(arrays.values()))  # in place of `build`, which would draw others first
        return layer

    def _word(self, where: str, activation: Any) -> str:
        """Return the name that an activation has here."""
        word = _named(where, activation)
        checks.elementwise(where, word)
        return word

    def _kernel_shape(self, where: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of W for samples of a shape, which is checked."""
        checks.sample_of_image(where, shape, self._named_axes)
        channels = shape[-1]
        if self.params:
            W = self.params[0].shape
            checks.sample_channels(where, shape, W[-2] * self.groups, W)
        checks.channels_of_groups(where, shape, self.groups)
        return (*self.kernel_size, channels // self.groups, self.filters)

    def _windows(
        self, where: str, name: str, shape: tuple[int, ...]
    ) -> tuple[tuple[tuple[int, int], ...], tuple[int, ...]]:
        """Return the zeros before and behind each axis, and how many windows lie along it."""
        zeros: Any = self.padding
        if zeros == "valid":
            zeros = ((0, 0),) * self._axes
        elif zeros == "same":
            moves = zip(shape, self.kernel_size, self.strides, self.dilation, strict=False)
            whole = [max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0) for n, k, s, d in moves]
            zeros = tuple((n // 2, n - n // 2) for n in whole)
        out = checks.windows(
            where, name, shape, self.kernel_size, self.strides, self.dilation, zeros
        )
        return zeros, out

    def _geometry(self, where: str, name: str, shape: tuple[int, ...]) -> Geometry:
        """Return what the kernels go by, for samples of a shape; a sequence is a row."""
        zeros, out = self._windows(where, name, shape)
        one, none = (1,) * (2 - self._axes), (0,) * (2 - self._axes)
        return geometry_of(
            (*one, *shape),
            (*one, *self.kernel_size, self.filters),
            (*one, *self.strides),
            (*one, *self.dilation),
            (*none, *(before for before, _ in zeros)),
            (*one, *out),
            self.groups,
        )

    def _shape_of(self, out: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of a sample of so many windows."""
        return (*out, self.filters)

    def _keep(self, arrays: list[NDArray[Any]]) -> None:
        self.params[:] = arrays
        self.grads[:] = [np.zeros(array.shape, checks.result_dtype(array)) for array in arrays]

    def _assign(self, i: int, name: str, value: ArrayLike) -> None:
        where = self._name(name)
        checks.built(where, self.params)
        array, shape = checks.array(where, name, value), self.params[i].shape
        checks.of_shape(where, name, array, shape)
        self.params[i] = array if array.dtype in checks.COMPUTED else array.astype(np.float64)
        dtype = checks.result_dtype(self.params[i])
        if self.grads[i].dtype != dtype:
            self.grads[i] = np.zeros(shape, dtype)

    def _check_settings(self, where: str) -> None:
        _fused(where, self.activation)

    def _check_shapes(self, where: str) -> None:
        if self.params:
            checks.lengths(where, "params", self.params, 1 + self.use_bias)
            W = self.params[0].shape
            known = (*self.kernel_size, W[-2], self.filters)
            checks.of_shape(where, "W", self.params[0], known)
            if self.use_bias:
                checks.of_shape(where, "b", self.params[1], known[-1:])

    def _check_arrays(self, where: str, params: list[Any], grads: list[Any]) -> None:
        checks.lengths(where, "params", params, 1 + self.use_bias)
        checks.lengths(where, "grads", grads, 1 + self.use_bias)
        checks.gradient_shapes(where, tuple(params), tuple(grads))

    def __repr__(self) -> str:
        activation = "" if self.activation is None else f", activation={self.activation!r}"
        return f"{type(self).__name__}({self.filters}, {self.kernel_size}{activation})"


def _images(array: NDArray[Any]) -> NDArray[Any]:
    """Return samples as images; those of one axis have one row."""
    return array if array.ndim == 4 else array[:, None]


def _kernel(W: NDArray[Any]) -> NDArray[Any]:
    return W if W.ndim == 4 else W[None]
