"""What all layers have."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastnet import checks
from fastnet.layers.told import LoopLayer, Outputs, Steps

__all__ = ["Layer"]


class Layer(checks.Hinted):
    """A layer: forward(x) returns its output, backward(dout) the gradient dx, and fills grads.

    A layer of your own derives from it. With `forward` and `backward` in plain NumPy it goes into
    steps by hand and into `Sequential`'s; with `in_loop` also into `Sequential.fit`.

    Attributes
    ----------
    params, grads : list of arrays
        What it learns, and their gradients: backward writes into grads[i].
    trainable : bool
        True at first; False freezes it. `Sequential.fit` then leaves its arrays as they are and
        sends no gradient below the lowest layer that learns, `Sequential.params` and `grads` leave
        them out, and a file keeps it. An optimizer updates what it is given: in a loop of your own
        over layers give it the params of those that are trainable. A frozen BatchNormalization goes
        by its running statistics, in training too. A layer without parameters is not changed by it.
    array_names : tuple of str, of the class
        What `params` are called, in their order: arguments of the constructor, and in a file.
    memory_names : tuple of str, of the class
        Arrays that it keeps besides, and that a file keeps, too.
    argument_names : tuple of str, of the class
        The other arguments of the constructor, which a file keeps and the loop goes by.
    least_rows : int, of the class
        How many rows a batch in training must have, unless the layer is frozen.
    takes_row_numbers, draws, stateful : bool, of the class
        Whether it takes row numbers in place of features, draws random numbers in training, or
        carries states from batch to batch.
    decays : int, of the class
        How many of its arrays, the first ones, are weights that l1 and l2 penalties count.
    takes_shape : bool, of the class
        Whether samples keep their shape on the way to it, images (height, width, channels) and
        sequences (steps, features), which `build` then gets; else they are flattened to a size.
    unstacked : str, of the class
        Why it cannot stand in a `Sequential`, and what to do; empty where it can.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Layer
    >>> class Scale(Layer):
    ...     array_names = ("factor",)
    ...
    ...     def __init__(self, factor):
    ...         super().__init__()
    ...         self.params = [np.asarray(factor, float)]
    ...         self.grads = [np.zeros_like(self.params[0])]
    ...
    ...     def forward(self, x):
    ...         self.x = x
    ...         return x * self.params[0]
    ...
    ...     def backward(self, dout):
    ...         self.grads[0][...] = (dout * self.x).sum(0)
    ...         return dout * self.params[0]
    >>> layer = Scale([1.0, 2.0])
    >>> layer.forward(np.array([[3.0, 4.0]]))
    array([[3., 8.]])
    >>> layer.backward(np.ones((1, 2))), layer.grads[0]
    (array([[1., 2.]]), array([3., 4.]))
    """

    array_names: ClassVar[tuple[str, ...]] = ()
    memory_names: ClassVar[tuple[str, ...]] = ()
    argument_names: ClassVar[tuple[str, ...]] = ()
    least_rows: ClassVar[int] = 1
    takes_row_numbers: ClassVar[bool] = False  # in place of features: only the first layer can
    draws: ClassVar[bool] = False  # random numbers, in training
    stateful: bool = False
    decays: ClassVar[int] = 0  # so many of its arrays, the first, penalties go by
    takes_shape: ClassVar[bool] = False  # samples in their shape, not flattened
    unstacked: ClassVar[str] = ""  # why it cannot stand in a Sequential, and what to do

    _trainable = True
    _model: Any = None  # a weak reference to the `Sequential` that has taken it over

    def __getstate__(self) -> dict[str, Any]:
        # A copy, or what a pickle brings back, is free.
        return {name: value for name, value in self.__dict__.items() if name != "_model"}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.__module__.startswith(f"{__package__}.") and not cls.__name__.startswith("_"):
            cls.__module__ = __package__  # as pickles and messages have them
        if "__init__" in vars(cls):
            cls.__init__ = checks.keywords_of(cls.__name__)(cls.__init__)  # type: ignore[method-assign]
        if "_settings" not in vars(cls) and cls.argument_names:
            cls._settings = staticmethod(attrgetter(*cls.argument_names))
        own = vars(cls).keys()
        if not cls.__module__.startswith("fastnet.") and not own & {"outputs", "output_range"}:
            if own & {"forward", "in_loop", "kernels"}:  # computes what its base does not
                cls.outputs = Layer.outputs  # type: ignore[method-assign]

    # Settings on which the loop's program depends, besides arrays: read at each call, in 0.1 us.
    _settings: ClassVar[staticmethod[[Any], Any]] = staticmethod(id)

    @checks.no_arguments
    def __init__(self) -> None:
        self.params: list[NDArray[Any]] = []
        self.grads: list[NDArray[Any]] = []

    @property
    def trainable(self) -> bool:
        """Whether it learns."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        """Freeze it, or let it learn, from the next call on."""
        self._trainable = bool(checks.flag(self._name("trainable"), "trainable", value))

    def features(self) -> int | None:
        """Return how many features of a sample it takes; None where it takes any number."""
        return None

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one sample's output; ValueError for a shape that it does not take."""
        return input_shape

    @classmethod
    def rows_in(cls, input_shape: tuple[int, ...]) -> int:
        """Return into how many rows it cuts one sample of a shape: the steps of Steps, else 1."""
        return input_shape[0] if isinstance(input_shape, Steps) else 1

    @classmethod
    def width_in(cls, input_shape: tuple[int, ...]) -> int:
        """Return how many features such a row has."""
        return math.prod(input_shape) // cls.rows_in(input_shape)

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return the range of its outputs, given that of its inputs; None where it is not known.

        Where the loss takes probabilities, `Sequential` refuses a last layer whose outputs can be
        none. Outputs of a range that is not known are taken as they come.
        """
        return None

    def table_shape(self) -> tuple[int, ...]:
        """Return the shape (rows, width) of its table, where it takes row numbers."""
        return tuple(self.params[0].shape)

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return the steps that the layer is in the compiled loop.

        Parameters
        ----------
        input_shape : tuple of int
            Of one sample: (features,), which `features` has allowed, an image (height, width,
            channels) or a sequence (steps, features), in C order.

        Returns
        -------
        list of LoopLayer
            In the order of forward.

        Raises
        ------
        TypeError
            The class has no in_loop of its own: it goes into steps by hand alone.
        """
        raise TypeError(
            f"{type(self).__name__}.in_loop: the class must say what the layer is to the compiled "
            "loop, got no in_loop beside its forward and backward. Write it, or step by hand: "
            "model.forward, model.backward, optimizer.update."
        )

    @classmethod
    def _saved_names(cls, arguments: dict[str, Any]) -> tuple[str, ...]:
        """Return the names of the arrays that it learns, made with these arguments."""
        return cls.array_names

    @classmethod
    def _kept_names(cls, arguments: dict[str, Any]) -> tuple[str, ...]:
        """Return the names of those that it keeps besides."""
        return cls.memory_names

    @classmethod
    def _saved_shapes(
        cls,
        input_shape: tuple[int, ...],
        arguments: dict[str, Any],
        shapes: list[tuple[int, ...]],
    ) -> tuple[list[tuple[int, ...]], tuple[int, ...]]:
        """Return what the shapes of its arrays in a file must be, and that of what it makes."""
        if not shapes and cls.output_shape is not Layer.output_shape:
            given = {name: arguments[name] for name in cls.argument_names if name in arguments}
            return [], cls(**given).output_shape(input_shape)
        return [(cls.width_in(input_shape),)] * len(shapes), input_shape

    @classmethod
    def _from_saved(cls, arguments: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Any:
        """Return the layer that a file describes; both were checked."""
        return cls(**arrays, **arguments)

    def _check_settings(self, where: str) -> None:
        """Check the settings that a user may have set since it was made."""

    def _check_shapes(self, where: str) -> None:
        """Check that its parameters fit each other."""

    def _check_arrays(self, where: str, params: list[Any], grads: list[Any]) -> None:
        """Check that what is in params and grads still fits."""
        checks.lengths(where, "params", params, len(self.array_names))
        checks.lengths(where, "grads", grads, len(self.array_names))

    def _rebind(self, i: int, array: NDArray[Any]) -> None:
        """Rebind a parameter; its gradient keeps its identity where it still fits."""
        self.params[i] = array
        dtype = checks.result_dtype(array)
        if self.grads[i].shape != array.shape or self.grads[i].dtype != dtype:
            self.grads[i] = np.zeros(array.shape, dtype)

    def _name(self, member: str) -> str:
        return f"{type(self).__name__}.{member}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
