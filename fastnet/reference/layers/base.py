"""What the layers share."""

import numpy as np


class Layer:
    """A layer without parameters; the two lists are what optimizers and models go by.

    With trainable False it is frozen: a model leaves its parameters as they are.
    """

    _trainable = True

    def __init__(self) -> None:
        self.params: list[np.ndarray] = []
        self.grads: list[np.ndarray] = []

    @property
    def trainable(self) -> bool:
        """Whether it learns."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        """Freeze it, or let it learn."""
        self._trainable = value
