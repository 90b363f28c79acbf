"""Optimizers: update(params, grads) changes the arrays of params in place."""


class SGD:
    """Stochastic gradient descent; ``lr`` is read anew at every update."""

    def __init__(self, lr: float = 0.01) -> None:
        self.lr = lr

    def update(self, params: list | dict, grads: list | dict) -> None:
        """Do param -= lr * grad for every entry of a list, or of a dict by its keys."""
        for key in params if isinstance(params, dict) else range(len(params)):
            params[key] -= self.lr * grads[key]
