"""Stacks of layers side by side, on one input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.loop.branches import (
    branches_gradient_in_loop,
    branches_in_loop,
    branches_update_in_loop,
)
from fastnet.layers.base import Layer
from fastnet.layers.in_a_row import back_through, shapes_of, through
from fastnet.layers.told import LoopLayer

__all__ = ["Branches"]

KERNELS = branches_in_loop, branches_gradient_in_loop, branches_update_in_loop


class Branches(Layer):
    """Stacks of layers side by side, which all take the same input: heads on a shared trunk.

    Its output is the outputs of all heads, each flattened, side by side. As the last layer of a
    `Sequential` with a list of losses each head is an output of the model, with targets of its own.

    Parameters
    ----------
    *heads : lists of layers, or one dict of them
        A dict gives the heads names, by which losses, targets and metrics go; without they are
        "head0", "head1" ... Layers are those that a `Sequential` takes, but no Embedding, which
        comes first, and no Branches.

    Attributes
    ----------
    heads : list of lists of layers
    names : tuple of str
    layers : list
        Those of all heads, in order.
    trainable : bool
        Whether any learns; assigned, it freezes all, or lets all learn. Each has one of its own.

    Raises
    ------
    TypeError, ValueError
        No head is given, one is no list of layers, or has none; a name is no word.

    Notes
    -----
    The gradient with respect to the input is the sum of the heads'.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Branches, Dense
    >>> from fastnet.models import Sequential
    >>> heads = Branches({"kind": [Dense(3)], "size": [Dense(4, "relu"), Dense(1)]})
    >>> model = Sequential([Dense(8, "relu"), heads],
    ...     loss={"kind": "softmax_cross_entropy", "size": "mean_squared_error"}, seed=0)
    >>> x, kind, size = np.ones((6, 2)), np.array([0, 1, 2, 0, 1, 2]), np.linspace(0, 1, 6)
    >>> history = model.fit(x, {"kind": kind, "size": size}, epochs=3, verbose=0)
    >>> sorted(history.to_dict())
    ['kind_accuracy', 'kind_loss', 'loss', 'seconds', 'size_loss']
    >>> [y.shape for y in model.predict(x)]
    [(6, 3), (6,)]
    """

    takes_shape = True
    heads: list[list[Any]]

    def __init__(self, *heads: Any) -> None:
        given: Any = heads
        if len(heads) == 1 and isinstance(heads[0], dict):
            given = list(heads[0].values())
            self.names = checks.head_names("Branches", list(heads[0]))
        else:
            self.names = tuple(f"head{j}" for j in range(len(heads)))
        checks.heads("Branches", given)
        self.heads = [list(head) for head in given]

    @property
    def layers(self) -> list[Any]:
        """Those of all heads, in order."""
        return [layer for head in self.heads for layer in head]

    @property
    def params(self) -> list[NDArray[Any]]:  # type: ignore[override]
        """What the layers of all heads learn."""
        return [array for layer in self.layers for array in layer.params]

    @property
    def grads(self) -> list[NDArray[Any]]:  # type: ignore[override]
        """The gradients of `params`."""
        return [array for layer in self.layers for array in layer.grads]

    @property
    def trainable(self) -> bool:
        """Whether any layer learns."""
        return any(layer.trainable for layer in self.layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        """Freeze all layers, or let all learn."""
        for layer in self.layers:
            layer.trainable = value

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """The shape of a sample, if the first layer of a head has one."""
        for head in self.heads:
            if (shape := getattr(head[0], "input_shape", None)) is not None:
                return tuple(shape)
        return None

    @property
    def draws(self) -> bool:  # type: ignore[override]
        """Whether any layer draws random numbers."""
        return any(layer.draws for layer in self.layers)

    @staticmethod
    def _settings(layer: Any) -> Any:
        return tuple(
            tuple((each, each._settings(each)) for each in head) for head in layer.heads
        ), layer.names

    def build(self, input_shape: tuple[int, ...], rng: np.random.Generator, dtype: Any) -> None:
        """Give the layers of every head their weights, head by head.

        Parameters
        ----------
        input_shape : tuple of int
            Of one sample.
        rng : numpy.random.Generator
        dtype : float32 or float64
        """
        for head in self.heads:
            shape = input_shape
            for layer in head:
                if layer.array_names and not layer.params:
                    layer.build(shape if layer.takes_shape else layer.width_in(shape), rng, dtype)
                shape = layer.output_shape(shape)

    def output_shapes(self, input_shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Return the shape of each head's output for one sample."""
        return [shapes_of(head, input_shape)[-1][2] for head in self.heads]

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of its output for one sample: (numbers of all heads,)."""
        return (sum(map(math.prod, self.output_shapes(input_shape))),)

    def in_loop(self, input_shape: tuple[int, ...]) -> list[LoopLayer]:
        """Return its step in the compiled loop, which asks each layer of the heads for its own.

        input_shape is that of `Layer.in_loop`.
        """
        self._input_shape = input_shape  # a sequence's, which an array's does not tell from others
        return [LoopLayer(self.output_shape(input_shape), (), KERNELS)]

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Return the outputs of all heads, side by side.

        Parameters
        ----------
        x : (N, ...)

        Returns
        -------
        (N, numbers of all heads)

        Raises
        ------
        TypeError, ValueError
            x does not fit a layer.
        """
        array = checks.array("Branches.forward", "x", x)
        n, shape = len(array), array.shape[1:]
        known = getattr(self, "_input_shape", None)
        shape = known if known == shape else shape
        self._shapes = [shapes_of(head, shape) for head in self.heads]
        self._x_shape = array.shape
        made = [
            through(head, shapes, array, n).reshape(n, -1)
            for head, shapes in zip(self.heads, self._shapes, strict=True)
        ]
        return np.concatenate(made, axis=1)

    def backward(self, dout: ArrayLike) -> NDArray[Any]:
        """Return the sum of the heads' gradients, and fill the grads of their layers.

        Parameters
        ----------
        dout : (N, numbers of all heads)

        Returns
        -------
        array of x.shape

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError, ValueError
            dout is of another kind or shape.
        """
        where = "Branches.backward"
        shapes = checks.remembered(where, self, "_shapes")
        upstream, n = checks.array(where, "dout", dout), self._x_shape[0]
        widths = [math.prod(of_head[-1][2]) for of_head in shapes]
        checks.same_shape(where, "dout", upstream, (n, sum(widths)))
        total: Any = None
        for head, of_head, part in zip(
            self.heads, shapes, np.split(upstream, np.cumsum(widths)[:-1], axis=1), strict=True
        ):
            dx = back_through(head, of_head, np.ascontiguousarray(part), n).reshape(self._x_shape)
            total = dx if total is None else total + dx
        return total

    def __repr__(self) -> str:
        named = [f"{name}={head!r}" for name, head in zip(self.names, self.heads, strict=True)]
        return f"Branches({', '.join(named)})"
