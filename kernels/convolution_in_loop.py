"""Convolution as a layer of the compiled loop, and how much scratch it asks for."""

from .convolution import forward_parts
from .convolution_input import input_parts
from .convolution_weights import weights_parts
from .geometry import ALIGNED


def scratch_size(g):
    """Return how many elements of scratch a convolution of a Geometry asks for."""
    parts = [f.py_func(g) for f in (forward_parts, input_parts, weights_parts)]
    return max(sum(sizes) + ALIGNED * len(sizes) for sizes in parts)
