"""What SimpleRNN, LSTM, GRU and Bidirectional have in common: settings, arrays, files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnet import checks, initializers
from fastnet.layers.base import Layer
from fastnet.layers.in_directions import InDirections
from fastnet.layers.time_layer import scratch_sizes
from fastnet.layers.told import LoopLayer, Outputs, Steps


def _declared(check: Callable[[str, str, Any], Any]) -> Any:
    """Return an attribute that must not change once the weights are there."""

    def checked(layer: Any, where: str, name: str, value: Any) -> Any:
        checks.unbuilt(where, name, value, layer.__dict__.get("params", []))
        return check(where, name, value)

    return checks.Checked(checked)


def array(i: int, text: str, gradient: bool = False) -> Any:
    """Return a property for an entry of `params`, which may be assigned, or of `grads`."""

    def get(layer: Any) -> NDArray[Any]:
        checks.built(type(layer).__name__, layer.params)
        found: NDArray[Any] = (layer.grads if gradient else layer.params)[i]
        return found

    def put(layer: Any, value: ArrayLike) -> None:
        layer._assign(i, value)

    return property(get, None if gradient else put, doc=text)


class Recurring(InDirections):
    """A recurrent layer by its units, over sequences (N, steps, features)."""

    units: Any = _declared(checks.count)
    return_sequences: Any = checks.Checked(lambda _, *given: bool(checks.flag(*given)))
    array_names: ClassVar[tuple[str, ...]] = ("Wx", "Wh", "b")
    argument_names: ClassVar[tuple[str, ...]] = (
        *("units", "return_sequences", "stateful", "batch_size", "weight_init_std"),
    )
    decays: ClassVar[Any] = 2
    takes_shape = True
    input_shape: tuple[int, ...] | None
    stateful: bool
    batch_size: int | None

    def _begin(
        self,
        units: int,
        return_sequences: bool,
        stateful: bool,
        batch_size: int | None,
        input_shape: tuple[int, ...] | None,
        weight_init_std: float | str | None,
    ) -> None:
        """Do what the constructors have in common."""
        Layer.__init__(self)
        where = type(self).__name__
        self.units, self.return_sequences = units, return_sequences
        self.stateful = bool(checks.flag(where, "stateful", stateful))
        if batch_size is not None:
            batch_size = checks.count(where, "batch_size", batch_size)
        checks.batch_of_states(where, self.stateful, batch_size)
        self.batch_size = batch_size
        self.input_shape = None if input_shape is None else checks.shape(where, input_shape)
        if self.input_shape is not None:
            self.output_shape(self.input_shape)
        self.weight_init_std = initializers._deviation_or_name(where, weight_init_std)
        self.reset_state()

    def reset_state(self) -> None:
        """Let the next batch begin with states of zeros."""
        for name in self._state_names:
            setattr(self, name, None)

    def build(
        self, input_shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike
    ) -> None:
        """Make Wx from normal random numbers, Wh with orthonormal rows, and b.

        Parameters
        ----------
        input_shape : (steps, features)
        rng : numpy.random.Generator
        dtype : "float32" or "float64"

        Raises
        ------
        TypeError, ValueError
            An argument is of another kind, or out of range.
        """
        where = self._name("build")
        shapes = self._shapes(where, checks.shape(where, input_shape))
        dtype = checks.float_dtype(where, dtype)
        checks.generator(where, rng)
        std = self.weight_init_std
        if std is None:
            std = "xavier"
        if isinstance(std, str):
            checks.choice(where, "weight_init_std", std, initializers.NAMES)
            std = initializers.deviation(std, shapes[0][0], self.units)
        else:
            std = checks.deviation(where, std, dtype)
        arrays = []
        for name, shape in zip(self.array_names, shapes, strict=True):
            if name[0] == "b":
                made = self._initial_bias(shape)
            elif name[1] == "x":
                made = rng.standard_normal(shape) * std
            else:
                made = np.linalg.qr(rng.standard_normal(shape[::-1]))[0].T
            arrays.append(np.ascontiguousarray(made, dtype))
        self._keep(arrays)

    def _initial_bias(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return np.zeros(shape)

    def _shapes(self, where: str, input_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Return the shapes of the arrays for samples of a shape, which is checked."""
        checks.sample_of_steps(where, input_shape)
        d, h, m = input_shape[1], self.units, self._gates * self.units
        if self.params:
            checks.sample_features(where, input_shape, self.params[0].shape)
        b = (2, m) if self._bias_rows == 2 else (m,)
        return [*[(d, m), (h, m)] * self._directions, *[b] * self._directions]

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return Steps((steps, units)) or (units,); ValueError for what is no sequence."""
        self._shapes(type(self).__name__, input_shape)
        width = self._directions * self.units
        return Steps((input_shape[0], width)) if self.return_sequences else (width,)

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs: between -1 and 1."""
        return Outputs(-1.0, 1.0)

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return the layer as one step of the compiled loop."""
        (steps, d), h, k = input_shape, self.units, self._directions
        shapes = self._shapes(type(self).__name__, input_shape)
        carried = self.batch_size or 0
        setting = (*self._setting(), 0)[0]
        numbers = steps, h, setting, self.return_sequences, False, k, carried
        memories: dict[str, tuple[int, ...]] = {}
        if self.stateful:
            memories = {name: (carried, h) for name in self._state_names}
        return [
            LoopLayer(
                self.output_shape(input_shape),
                tuple(shapes),
                self._in_loop,
                numbers=tuple(map(float, numbers)),
                memories=memories,
                row_scratch=k * (steps * (d + 7 * h) + 4 * h),
                scratch=k * 160,
                own=scratch_sizes(1, steps, d, h, self._gates)[1],
                products=k * steps * (d + h) * self._gates * h,
            )
        ]

    def _keep(self, arrays: list[NDArray[Any]]) -> None:
        self.params[:] = arrays
        self.grads[:] = [np.zeros(each.shape, checks.result_dtype(each)) for each in arrays]

    def _assign(self, i: int, value: ArrayLike) -> None:
        where = self._name(self.array_names[i])
        checks.built(where, self.params)
        found, shape = checks.array(where, self.array_names[i], value), self.params[i].shape
        checks.of_shape(where, self.array_names[i], found, shape)
        self.params[i] = found if found.dtype in checks.COMPUTED else found.astype(np.float64)
        dtype = checks.result_dtype(self.params[i])
        if self.grads[i].dtype != dtype:
            self.grads[i] = np.zeros(shape, dtype)

    def _check_shapes(self, where: str) -> None:
        if self.params:
            checks.lengths(where, "params", self.params, len(self.array_names))
            wanted = self._shapes(where, (1, len(self.params[0])))
            for name, each, shape in zip(self.array_names, self.params, wanted, strict=True):
                checks.of_shape(where, name, each, shape)

    def _check_arrays(self, where: str, params: list[Any], grads: list[Any]) -> None:
        super()._check_arrays(where, params, grads)
        checks.gradient_shapes(where, tuple(params), tuple(grads))

    @classmethod
    def _kept_names(cls, arguments: dict[str, Any]) -> tuple[str, ...]:
        return cls._state_names if arguments.get("stateful") else ()

    @classmethod
    def _saved_shapes(
        cls,
        input_shape: tuple[int, ...],
        arguments: dict[str, Any],
        shapes: list[tuple[int, ...]],
    ) -> tuple[list[tuple[int, ...]], tuple[int, ...]]:
        given = {name: arguments[name] for name in cls.argument_names if name in arguments}
        layer = cls._of_arguments(given)
        states = [(layer.batch_size, layer.units)] * len(cls._kept_names(given))
        return [*layer._shapes(cls.__name__, input_shape), *states], layer.output_shape(input_shape)

    @classmethod
    def _from_saved(cls, arguments: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Any:
        layer = cls._of_arguments(arguments)
        layer._keep([arrays.pop(name) for name in cls.array_names])
        for name, state in arrays.items():
            setattr(layer, name, state)
        return layer

    @classmethod
    def _of_arguments(cls, arguments: dict[str, Any]) -> Any:
        return cls(**arguments)

    def __repr__(self) -> str:
        sequences = ", return_sequences=True" if self.return_sequences else ""
        return f"{type(self).__name__}({self.units}{sequences})"
