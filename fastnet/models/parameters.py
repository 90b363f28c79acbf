"""The parameters of a stack and their gradients: one vector each, and views of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.models.layer_list import walk
from fastnet.models.network import Network

__all__ = ["Parameters"]


class Parameters(checks.Hinted):
    """What a stack of layers has in one vector."""

    def _ready(self, where: str) -> Network:
        raise NotImplementedError

    @property
    def params(self) -> list[NDArray[Any]]:
        """Parameters of all layers in order, but frozen ones: views of `parameter_vector`."""
        network = self._ready("Sequential.params")
        return [view for layer, _, view, _ in network.views if layer.trainable]

    @property
    def grads(self) -> list[NDArray[Any]]:
        """Gradients in the order of `params`: views of `gradient_vector`."""
        network = self._ready("Sequential.grads")
        return [grad for layer, _, _, grad in network.views if layer.trainable]

    @property
    def parameter_vector(self) -> NDArray[Any]:
        """All parameters in one flat vector; writing into it changes the layers."""
        return self._ready("Sequential.parameter_vector").params

    @property
    def gradient_vector(self) -> NDArray[Any]:
        """All gradients in one flat vector, as the last `backward` left them."""
        return self._ready("Sequential.gradient_vector").grads

    @property
    def parameter_count(self) -> int:
        """How many numbers the layers hold, frozen ones too."""
        return self._ready("Sequential.parameter_count").params.size

    def get_weights(self) -> list[NDArray[Any]]:
        """Return copies of all arrays that the layers hold, layer by layer.

        Of each layer these are what it learns, frozen or not, and then what it remembers, such as
        the running statistics of a BatchNormalization.

        Raises
        ------
        RuntimeError
            The number of inputs is not known yet.

        Examples
        --------
        >>> from fastnet.layers import Dense
        >>> from fastnet.models import Sequential
        >>> model = Sequential([Dense(3, input_shape=(4,)), Dense(2)], seed=0)
        >>> kept = model.get_weights()
        >>> [array.shape for array in kept]
        [(4, 3), (3,), (3, 2), (2,)]
        >>> model.layers[0].W[...] = 0
        >>> model.set_weights(kept)
        >>> bool((model.layers[0].W == kept[0]).all())
        True
        """
        return [array.copy() for _, array in self._held("Sequential.get_weights")]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Write what `get_weights` returned into the layers: all of it or, after an error, nothing.

        Parameters
        ----------
        weights : list of arrays
            As many as `get_weights` gives, of the same shapes, converted to the model's dtype.

        Raises
        ------
        TypeError, ValueError
            They are no such list; nothing has changed.
        RuntimeError
            The number of inputs is not known yet.
        """
        where = "Sequential.set_weights"
        held = self._held(where)
        if not isinstance(weights, (list, tuple)):
            raise TypeError(
                f"{where}: weights must be a list of arrays, got {type(weights).__name__}. "
                "Give what get_weights returned."
            )
        if len(weights) != len(held):
            raise ValueError(
                f"{where}: weights must be {len(held)} arrays, got {len(weights)}. "
                "Give what get_weights returned, of a model with the same layers."
            )
        found = []
        for i, (given, (name, array)) in enumerate(zip(weights, held, strict=True)):
            made = checks.array(where, f"weights[{i}]", given)
            if made.shape != array.shape:
                raise ValueError(
                    f"{where}: weights[{i}] must have the shape of {name} {array.shape}, got "
                    f"{made.shape}. Give what get_weights returned, of a model with the same "
                    "layers."
                )
            found.append(checks.converted(where, f"weights[{i}]", made, np.empty_like(array)))
        for new, (_, array) in zip(found, held, strict=True):
            array[...] = new

    def _held(self, where: str) -> list[tuple[str, NDArray[Any]]]:
        """Return all arrays that the layers hold, each with its name."""
        network = self._ready(where)
        held = []
        for place, layer, _ in walk([layer for layer, _ in network.stack]):
            for of, i, view, _ in network.views:
                if of is layer:
                    held.append((f"{place}.{layer.array_names[i]}", view))
            for of, name, memory in network.memories:
                if of is layer:
                    held.append((f"{place}.{name}", memory))
        return held
