"""What all layers have, and what they tell the compiled loop."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from numpy.typing import NDArray

from fastnet.kernels import IDENTITY

__all__ = ["Layer", "LoopLayer"]


class LoopLayer(NamedTuple):
    """What a layer is to the compiled loop: one step of the stack.

    Parameters
    ----------
    output_shape : tuple of int
        Of what it makes of one sample.
    kernels : (forward, backward), optional
        Functions for `fastnet.kernels.loop.calls.LayerForward` and `LayerBackward`, made with
        `fastnet.kernels.entry`. Without them the step is a product, x @ W + b, where the layer has
        arrays (W, then b if any), and an activation alone where it has none.
    activation : int
        Of a step without kernels: IDENTITY, SIGMOID, RELU or TANH of `fastnet.kernels`.
    numbers : tuple of float
        The constants that stand first in the kernels' `state`.
    memories : dict of name -> shape
        Attributes of the layer that follow the numbers there, arrays which training changes.
    row_scratch, scratch : int
        Elements of scratch that the kernels ask for: for each row of a batch, and for the batch.
    whole : bool
        Whether they take all rows of a batch at once: where they write gradients of parameters, or
        go by the whole batch. Then this network's rows are not divided among threads.
    """

    output_shape: tuple[int, ...]
    kernels: tuple[Any, Any] | None = None
    activation: int = IDENTITY
    numbers: tuple[float, ...] = ()
    memories: dict[str, tuple[int, ...]] = {}  # noqa: RUF012  never changed
    row_scratch: int = 0
    scratch: int = 0
    whole: bool = False


class Layer:
    """A layer: forward(x) returns its output, backward(dout) the gradient dx, and fills grads.

    A layer of your own derives from it. With `forward` and `backward` in plain NumPy it goes into
    steps by hand and into `Sequential`'s; with `in_loop` also into `Sequential.fit`.

    Attributes
    ----------
    params, grads : list of arrays
        What it learns, and their gradients: backward writes into grads[i].
    array_names : tuple of str, of the class
        What `params` are called, in their order: arguments of the constructor, and in a file.
    memory_names : tuple of str, of the class
        Arrays that it keeps besides, and that a file keeps, too.
    argument_names : tuple of str, of the class
        The other arguments of the constructor, which a file keeps and the loop goes by.
    """

    array_names: ClassVar[tuple[str, ...]] = ()
    memory_names: ClassVar[tuple[str, ...]] = ()
    argument_names: ClassVar[tuple[str, ...]] = ()
    takes_row_numbers: ClassVar[bool] = False  # in place of features: only the first layer can
    draws: ClassVar[bool] = False  # random numbers, in training

    def __init__(self) -> None:
        self.params: list[NDArray[Any]] = []
        self.grads: list[NDArray[Any]] = []

    def features(self) -> int | None:
        """Return how many features of a sample it takes; None where it takes any number."""
        return None

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return what the layer is to the compiled loop, step by step.

        Parameters
        ----------
        input_shape : tuple of int
            Of one sample: (features,), which `features` has allowed.

        Raises
        ------
        TypeError
            It is nothing to the loop: steps by hand are all that it can do.
        """
        raise TypeError(
            f"{type(self).__name__} must say what it is to the compiled loop, got no in_loop. "
            "Step by hand: model.forward, model.backward, optimizer.update."
        )

    def _name(self, member: str) -> str:
        return f"{type(self).__name__}.{member}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
