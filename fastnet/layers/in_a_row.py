"""Layers one after the other: the shapes on the way, and the way through and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Shapes", "back_through", "fitted", "shapes_of", "through"]

# Of each layer: into how many rows a sample is cut for it, 0 where it keeps its shape, and the
# shapes of what it takes and gives.
Shapes = tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...]


def shapes_of(layers: list[Any], input_shape: tuple[int, ...]) -> Shapes:
    """Return the shapes of a sample, on its way through the layers."""
    shape, shapes = input_shape, []
    for layer in layers:
        taken, shape = shape, layer.output_shape(shape)
        shapes.append((0 if layer.takes_shape else layer.rows_in(taken), taken, shape))
    return tuple(shapes)


def fitted(x: NDArray[Any], n: int, rows: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return n samples as a layer takes them: in a shape, or where `rows` is given in so many."""
    if not rows:
        return x.reshape(n, *shape)
    return x if x.ndim == 2 and len(x) == n * rows else x.reshape(n * rows, -1)


def through(layers: list[Any], shapes: Shapes, x: NDArray[Any], n: int) -> NDArray[Any]:
    """Return what layers make of n samples."""
    for layer, (rows, taken, _) in zip(layers, shapes, strict=False):
        taken_as = x.astype(np.int64) if layer.takes_row_numbers else fitted(x, n, rows, taken)
        x = layer.forward(taken_as)
    return x


def back_through(layers: list[Any], shapes: Shapes, dout: NDArray[Any], n: int) -> NDArray[Any]:
    """Return the gradient of what the first layer took."""
    for layer, (rows, _, given) in zip(reversed(layers), reversed(shapes), strict=True):
        given_as = 0 if layer.takes_row_numbers else rows
        dout = layer.backward(fitted(dout, n, given_as, given))
    return dout
