"""What the layers share."""

import numpy as np


class Layer:
    """A layer without parameters; the two lists are what optimizers and models go by."""

    def __init__(self) -> None:
        self.params: list[np.ndarray] = []
        self.grads: list[np.ndarray] = []
