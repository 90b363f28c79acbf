"""What all layers have, and what they tell the compiled loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple

from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels import IDENTITY

__all__ = ["Layer", "LoopLayer", "Outputs", "Steps"]


class Outputs(NamedTuple):
    """Where the outputs of a layer lie, whatever its parameters are: by which losses go.

    Parameters
    ----------
    low, high : float
        Between them, both included.
    adds_up : bool
        Whether those of a sample add up to 1.
    """

    low: float = -math.inf
    high: float = math.inf
    adds_up: bool = False


ANYWHERE = Outputs()  # made anew it takes 0.3 us


class Steps(tuple[int, ...]):
    """The shape (steps, features) of a sample that is a sequence, of which each step is answered.

    A Dense that comes after it goes along the last axis, step by step, where any other shape is
    flattened for it; and a model that ends in it is compared with targets (N, steps), or one-hot
    rows (N, steps, C). Recurrent layers that return sequences give it, and Conv1D; an Embedding
    does not, so that a Dense behind it takes all words of a sample at once.

    Examples
    --------
    >>> from fastnet.layers import Dense, Steps
    >>> Dense(3).output_shape(Steps((7, 5))), Dense(3).output_shape((7, 5))
    ((7, 3), (3,))
    """


class LoopLayer(NamedTuple):
    """What a layer is to the compiled loop: one step of the stack.

    Parameters
    ----------
    output_shape : tuple of int
        Of what it makes of one sample.
    parameters : tuple of shapes
        Those of the layer's arrays that the step learns, in their order: for a product W and, if it
        has one, b.
    kernels : (forward, backward) or (forward, backward, gradient), optional
        Functions for `fastnet.kernels.loop.calls.LayerForward`, `LayerBackward` and
        `LayerGradient`, made with `fastnet.kernels.entry`. Without them the step is a product,
        x @ W + b, where it has parameters, and an activation alone where it has none.
    activation : int
        Of a step without kernels: IDENTITY, SIGMOID, RELU or TANH of `fastnet.kernels`.
    numbers : tuple of float
        The constants that stand first in the kernels' `state`.
    memories : dict of name -> shape
        Attributes of the layer that follow the numbers there, arrays which training changes.
    row_scratch, scratch, own : int
        Elements of scratch that the kernels ask for: for each row of a batch, for the batch, and
        for each thread, which loses them when it calls another layer.
    whole : bool
        Whether they take all rows of a batch at once: where `backward` writes gradients of
        parameters, or they go by the whole batch. Then threads do not divide this network's rows.
    rescales : bool
        Whether it is x * numbers[0] + numbers[1] and no more. Where it is the first of several, the
        loop does that to the rows of x as it reads them, at no cost.
    steps : int
        Of a product: rows that it makes of a sample, its input and output cut into so many.
    joins : function, optional
        What it and the step before it are as one, given that step; None where they stay two.
    activated : function, optional
        What it is with an activation behind it, given the code; None where that stays apart.
    products : int
        Multiply-adds for one sample, by which threads are asked for; 0: one a parameter and step.
    """

    output_shape: tuple[int, ...]
    parameters: tuple[tuple[int, ...], ...] = ()
    kernels: tuple[Any, ...] | None = None
    activation: int = IDENTITY
    numbers: tuple[float, ...] = ()
    memories: dict[str, tuple[int, ...]] = {}
    row_scratch: int = 0
    scratch: int = 0
    own: int = 0
    whole: bool = False
    rescales: bool = False
    steps: int = 1
    joins: Callable[[LoopLayer], LoopLayer | None] | None = None
    activated: Callable[[int], LoopLayer] | None = None
    products: int = 0

    @property
    def is_shape(self) -> bool:
        """Whether it leaves all numbers as they are."""
        return self.kernels is None and not self.parameters and self.activation == IDENTITY


def along(input_shape: tuple[int, ...], units: int) -> tuple[int, ...]:
    """Return the shape of so many units: of one sample, or of each of its steps."""
    return Steps((input_shape[0], units)) if isinstance(input_shape, Steps) else (units,)


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
        by its running statistics, in training too; without parameters it means nothing.
    array_names : tuple of str, of the class
        What `params` are called, in their order: arguments of the constructor, and in a file.
    memory_names : tuple of str, of the class
        Arrays that it keeps besides, and that a file keeps, too.
    argument_names : tuple of str, of the class
        The other arguments of the constructor, which a file keeps and the loop goes by.
    least_rows : int, of the class
        How many rows a batch in training must have, unless the layer is frozen.
    takes_row_numbers, draws, stateful : bool, of the class
        Row numbers in place of features; random numbers in training; states from batch to batch.
    decays : int, of the class
        How many of its arrays, the first ones, are weights that penalties go by.
    takes_shape : bool, of the class
        Whether samples go to it in their shape, images (height, width, channels) and sequences
        (steps, features), and `build` gets that shape; else flattened, and `build` their size.
    unstacked : str, of the class
        Why it cannot stand in a `Sequential`, and what to do; empty where it can.
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
        if "__init__" in vars(cls):
            cls.__init__ = checks.keywords_of(cls.__name__)(cls.__init__)  # type: ignore[method-assign]
        if "_settings" not in vars(cls) and cls.argument_names:
            cls._settings = staticmethod(attrgetter(*cls.argument_names))
        own = vars(cls).keys()
        if not cls.__module__.startswith("fastnet.") and not own & {"outputs", "output_range"}:
            if own & {"forward", "in_loop", "kernels"}:  # computes what its base does not
                cls.outputs = Layer.outputs  # type: ignore[method-assign]

    # What the loop's program goes by besides arrays: read at each call, in 0.1 us.
    _settings: ClassVar[staticmethod[[Any], Any]] = staticmethod(id)

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
        """Return the shape of what it makes of one sample; ValueError where that is nothing."""
        return input_shape

    @classmethod
    def rows_in(cls, input_shape: tuple[int, ...]) -> int:
        """Return how many rows it sees in one sample of a shape, where it takes them flattened."""
        return input_shape[0] if isinstance(input_shape, Steps) else 1

    @classmethod
    def width_in(cls, input_shape: tuple[int, ...]) -> int:
        """Return how many features such a row has."""
        return math.prod(input_shape) // cls.rows_in(input_shape)

    def outputs(self, inputs: Outputs | None) -> Outputs | None:
        """Return where its outputs lie where its inputs lie there; None where nobody knows.

        Some losses take probabilities, and `Sequential` refuses one whose outputs can be none.
        Those of a layer that does not say are taken as they come.
        """
        return None

    def table_shape(self) -> tuple[int, ...]:
        """Return the shape of the table whose rows the numbers are, where it takes row numbers."""
        return tuple(self.params[0].shape)

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return what the layer is to the compiled loop, step by step.

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
            It is nothing to the loop: steps by hand are all that it can do.
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

    def _name(self, member: str) -> str:
        return f"{type(self).__name__}.{member}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
