"""A TwoLayerNet, its gradient at once, and that of its layers one by one."""

import numpy as np

from fastnet.models import TwoLayerNet
from fastnet.reference import models as reference_models


def two_networks(*sizes, seed=0, **options):
    for network in (TwoLayerNet, reference_models.TwoLayerNet):
        np.random.seed(seed)  # noqa: NPY002 - the book's generator
        yield network(*sizes, **options)


def layer_grads(network):
    return [grad for layer in network.layers.values() for grad in layer.grads]


class LayerByLayer(TwoLayerNet):
    """A subclass may override a method: its gradient goes through the layers."""


def two_ways(*sizes, seed=0, **options):
    """The same network twice: one whose gradient is one kernel's, and one that calls the layers."""
    for kind in (TwoLayerNet, LayerByLayer):
        np.random.seed(seed)  # noqa: NPY002 - the book's generator
        yield kind(*sizes, **options)
