"""What a layer tells of itself: the range and shape of its outputs, its steps in the loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from fastnet.kernels.activations import IDENTITY

__all__ = ["ANYWHERE", "LoopLayer", "Outputs", "Steps", "along"]


class Outputs(NamedTuple):
    """The range of a layer's outputs, whatever its parameters are: a loss may ask for one.

    Parameters
    ----------
    low, high : float
        The least and the largest output that there can be, both included.
    adds_up : bool
        Whether the outputs of a sample add up to 1, as a softmax's do.

    Examples
    --------
    >>> from fastnet.layers import Dense, Softmax
    >>> Softmax().outputs(None)
    Outputs(low=0.0, high=1.0, adds_up=True)
    >>> Dense(3, "tanh").outputs(None)
    Outputs(low=-1.0, high=1.0, adds_up=False)
    """

    low: float = -math.inf
    high: float = math.inf
    adds_up: bool = False


ANYWHERE = Outputs()  # made anew it takes 0.3 us


class Steps(tuple[int, ...]):
    """The shape (steps, features) of a sequence that has an answer for each of its steps.

    A Dense behind such a layer is applied to each step, where any other shape is flattened for it.
    A model that ends in one is compared with targets (N, steps), or one-hot rows (N, steps, C).
    Conv1D and recurrent layers that return sequences give this shape; an Embedding does not, so
    that a Dense behind it takes all words of a sample at once.

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
        Of one sample's output.
    parameters : tuple of shapes
        Of the arrays that the step learns, in the layer's order: for a product W, and then b if it
        has one.
    kernels : (forward, backward) or (forward, backward, gradient), optional
        Functions for `fastnet.kernels.loop.calls.LayerForward`, `LayerBackward` and
        `LayerGradient`, made with `fastnet.kernels.entry`. Without them the step is a product,
        x @ W + b, where it has parameters, and an activation alone where it has none.
    activation : int
        Of a step without kernels: IDENTITY, SIGMOID, RELU or TANH of `fastnet.kernels`.
    numbers : tuple of float
        The constants that stand first in the kernels' `state`.
    memories : dict of name -> shape
        Arrays of the layer that follow the numbers there, and that training changes.
    row_scratch, scratch, own : int
        How many numbers of scratch memory the kernels ask for: a row of a batch, a batch, and a
        thread, which loses its own when it calls another layer.
    whole : bool
        Whether the kernels take all rows of a batch at once, because `backward` writes gradients
        of parameters or the numbers depend on the whole batch: threads do not divide its rows.
    rescales : bool
        Whether the step is x * numbers[0] + numbers[1] and no more. As the first of a network it
        costs nothing: the loop does it as it reads the rows of x.
    steps : int
        Of a product: into how many rows a sample is cut, each of which is multiplied by W.
    joins : function, optional
        Takes the step before this one; returns the one step that both are, or None.
    activated : function, optional
        Takes the code of an activation; returns the step with that activation behind it.
    products : int
        Multiply-adds for one sample, which say how many threads are worth it; 0 stands for one a
        parameter and row.

    Examples
    --------
    >>> from fastnet.layers import MatMul, Steps
    >>> import numpy as np
    >>> (step,) = MatMul(np.ones((5, 3))).in_loop((5,))
    >>> step.output_shape, step.parameters, step.steps
    ((3,), ((5, 3),), 1)
    >>> (step,) = MatMul(np.ones((5, 3))).in_loop(Steps((7, 5)))
    >>> step.output_shape, step.parameters, step.steps
    ((7, 3), ((5, 3),), 7)
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
        """Whether the step leaves all numbers as they are, and changes their shape at most."""
        return self.kernels is None and not self.parameters and self.activation == IDENTITY


def along(input_shape: tuple[int, ...], units: int) -> tuple[int, ...]:
    """Return (units,), or of Steps (steps, units)."""
    return Steps((input_shape[0], units)) if isinstance(input_shape, Steps) else (units,)
