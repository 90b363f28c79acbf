"""Parameter updates, in place."""


def sgd_update(grad, lr, param):
    """Do param -= lr * grad."""
    param -= lr * grad
