"""The parameters of a stack and their gradients: one vector each, and views of them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fastnet import checks
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
