"""Stacks of layers side by side, on one input."""

import numpy as np

from .base import Layer


class Branches(Layer):
    """Stacks of layers side by side, which all take the same x; their outputs stand side by side.

    heads are lists of layers, or one dict of such lists by name.
    """

    def __init__(self, *heads: list | dict) -> None:
        first = heads[0]
        named = first if isinstance(first, dict) else {f"head{j}": h for j, h in enumerate(heads)}
        self.names = tuple(named)
        self.heads: list = list(named.values())

    @property
    def layers(self) -> list:
        """Those of all heads, in order."""
        return [layer for head in self.heads for layer in head]

    @property
    def params(self) -> list[np.ndarray]:  # type: ignore[override]
        """What the layers of all heads learn."""
        return [array for layer in self.layers for array in layer.params]

    @property
    def grads(self) -> list[np.ndarray]:  # type: ignore[override]
        """The gradients of ``params``."""
        return [array for layer in self.layers for array in layer.grads]

    def build(self, input_shape: int | tuple, rng: np.random.Generator, dtype: np.dtype) -> None:
        """Give every Dense its weights, head by head."""
        for head in self.heads:
            width = int(np.prod(input_shape))
            for layer in head:
                if hasattr(layer, "build") and not layer.params:
                    layer.build(width, rng, dtype)
                width = layer.W.shape[1] if layer.params else width

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs of all heads, side by side."""
        outs = []
        for head in self.heads:
            out = x
            for layer in head:
                out = layer.forward(out)
            outs.append(out.reshape(len(x), -1))
        self._x_shape, self._widths = x.shape, [out.shape[1] for out in outs]
        return np.concatenate(outs, axis=1)

    def _split(self, y: np.ndarray) -> list[np.ndarray]:
        """Return what belongs to each head, of its outputs or their gradient."""
        return np.split(y, np.cumsum(self._widths)[:-1], axis=1)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return the sum of the heads' gradients; fill those of their layers."""
        dx: np.ndarray = np.zeros(self._x_shape, dout.dtype)
        for head, part in zip(self.heads, self._split(dout), strict=True):
            for layer in reversed(head):
                part = layer.backward(part)
            dx = dx + part.reshape(self._x_shape)
        return dx
