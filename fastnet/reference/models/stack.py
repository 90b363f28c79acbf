"""What a Sequential is before it learns: layers, a loss, and all parameters in one vector."""

from typing import Any

import numpy as np

from ..layers import Branches, Dense, Embedding
from ..losses import (
    CategoricalCrossEntropy,
    MeanSquaredError,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SparseCategoricalCrossEntropy,
)


class ByLoss:
    """What a list of losses makes of a Sequential: one with several outputs."""

    def __new__(cls, layers: Any = None, loss: Any = "", *rest: Any, **named: Any) -> Any:
        """Return an object of ``Heads`` where loss is a list."""
        from .heads import Heads

        return object.__new__(Heads if isinstance(loss, list) else cls)


class Stack(ByLoss):
    """Layers in a row, with every parameter in one flat vector that the layers view."""

    optimizer: Any = None

    def __init__(
        self,
        layers: list | None = None,
        loss: str = "softmax_cross_entropy",
        dtype: str = "float32",
        seed: int | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        loss_weights: list[float] | None = None,
    ) -> None:
        losses: dict = {
            "softmax_cross_entropy": SoftmaxCrossEntropy,
            "mean_squared_error": MeanSquaredError,
            "sigmoid_cross_entropy": SigmoidCrossEntropy,
            "categorical_cross_entropy": CategoricalCrossEntropy,
            "sparse_categorical_cross_entropy": SparseCategoricalCrossEntropy,
        }
        self.layers: list = []
        self.loss = loss
        self.dtype = np.dtype(dtype)
        self.l1, self.l2 = l1, l2
        self._loss: Any = losses[loss]() if loss in losses else loss
        if loss not in losses:  # an object
            self.loss = next(name for name, kind in losses.items() if type(loss) is kind)
        self._rng = np.random.default_rng(seed)
        self._shape: tuple = ()  # of the targets of the last training
        self._parameters = self._gradients = np.zeros(0, self.dtype)
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: object) -> None:
        """Append a layer; the size of its input is inferred when the model is built."""
        self.layers.append(layer)

    def build(self, n_in: int) -> None:
        """Give every Dense its weights, for n_in features, and gather all in one vector."""
        for layer in self.layers:
            if isinstance(layer, Branches) or (isinstance(layer, Dense) and not layer.params):
                layer.build(n_in, self._rng, self.dtype)
            if isinstance(layer, Embedding):
                n_in *= layer.W.shape[1]
            elif layer.params and not isinstance(layer, Branches):
                n_in = layer.W.shape[1]
        flat = [np.ravel(array) for layer in self._within() for array in layer.params]
        self._parameters = np.concatenate([np.zeros(0), *flat]).astype(self.dtype)
        self._gradients = np.zeros_like(self._parameters)
        start = 0
        for layer in self._within():
            for i, array in enumerate(layer.params):
                end = start + array.size
                layer.params[i] = self._parameters[start:end].reshape(array.shape)
                layer.grads[i] = self._gradients[start:end].reshape(array.shape)
                start = end

    def _within(self) -> list:
        """Return the layers, those of its heads in the place of a Branches."""
        of_each = [each.layers if isinstance(each, Branches) else [each] for each in self.layers]
        return [layer for layers in of_each for layer in layers]

    def _ready(self, n_in: int = 0) -> None:
        """Build what is not built, and take in a W or b that somebody assigned to a layer."""
        arrays = [array for layer in self.layers for array in layer.params]
        dense = [layer for layer in self._within() if isinstance(layer, Dense)]
        unbuilt = [layer for layer in dense if not layer.params]
        if unbuilt or any(array.base is not self._parameters for array in arrays):
            if not n_in and unbuilt and self.layers[0] is unbuilt[0]:
                n_in = int(np.prod(unbuilt[0].input_shape))
            self.build(n_in)

    @property
    def params(self) -> list[np.ndarray]:
        """Parameters of all layers in order, but frozen ones: views of ``parameter_vector``."""
        self._ready()
        return [array for layer in self._within() if layer.trainable for array in layer.params]

    @property
    def grads(self) -> list[np.ndarray]:
        """Gradients in the order of ``params``: views of ``gradient_vector``."""
        self._ready()
        return [array for layer in self._within() if layer.trainable for array in layer.grads]

    @property
    def parameter_vector(self) -> np.ndarray:
        """All parameters in one flat vector; writing into it changes the layers."""
        self._ready()
        return self._parameters

    @property
    def gradient_vector(self) -> np.ndarray:
        """All gradients in one flat vector, as the last backward left them."""
        self._ready()
        return self._gradients

    @property
    def parameter_count(self) -> int:
        """How many numbers the layers hold, frozen ones too."""
        return self.parameter_vector.size

    @property
    def trainable(self) -> bool:
        """Whether any layer learns; assigned, it freezes all layers, or lets all learn."""
        return any(layer.trainable for layer in self.layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        """Freeze it, or let it learn."""
        for layer in self.layers:
            layer.trainable = value
