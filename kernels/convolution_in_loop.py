"""Convolution as a layer of the compiled loop, and how much scratch it asks for.

param: W and, if it has one, b. state: the numbers of its Geometry, whether it has a b, and its
activation.
"""

from ._compile import entry, helper
from .activations import differentiate
from .convolution import convolve, forward_parts
from .convolution_input import backward_input, input_parts
from .convolution_weights import backward_weights, weights_parts
from .geometry import ALIGNED, Geometry, geometry_at
from .loop.calls import LayerBackward, LayerForward, LayerGradient
from .simd import get, offset, pointer_at

BIAS = len(Geometry._fields)  # where in `state` it says whether there is one,
ACTIVATION = BIAS + 1  # and which activation


def scratch_size(g):
    """Return how many elements of scratch a convolution of a Geometry asks for."""
    parts = [f.py_func(g) for f in (forward_parts, input_parts, weights_parts)]
    return max(sum(sizes) + ALIGNED * len(sizes) for sizes in parts)


@helper
def taps_of(g):
    """Rows of W."""
    return g.kernel_height * g.kernel_width * (g.channels // g.groups)


@helper
def block_of_taps(g, block, blocks):
    """The first row of W that a block has the gradient of, and the one behind its last."""
    taps = taps_of(g)
    first, stop = taps * block // blocks, taps * (block + 1) // blocks
    if taps >= 16 * blocks:  # whole tiles
        first, stop = first // 8 * 8, stop // 8 * 8 if block + 1 < blocks else taps
    return first, stop


@entry(LayerForward)
def convolution_in_loop(
    learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like
):
    """Convolution of some images of a batch, with its activation."""
    numbers, W = pointer_at(state, like), pointer_at(param, like)
    g = geometry_at(numbers)
    convolve(
        g, n, pointer_at(x, like), W, offset(W, taps_of(g) * g.filters), get(numbers, BIAS) != 0,
        int(get(numbers, ACTIVATION)), pointer_at(own, like), pointer_at(out, like),
    )  # fmt: skip
    return 0


@entry(LayerBackward)
def convolution_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """The gradient of the same images; that at the activation takes the place of dout."""
    numbers, upstream = pointer_at(state, like), pointer_at(dout, like)
    differentiate(int(get(numbers, ACTIVATION)), pointer_at(out, like), upstream, n * m, 1, n * m)
    if dx != 0:
        backward_input(
            geometry_at(numbers), n, pointer_at(param, like), pointer_at(own, like), upstream,
            pointer_at(dx, like),
        )  # fmt: skip
    return 0


@entry(LayerGradient)
def convolution_weights_in_loop(
    block, blocks, n, d, m, x, out, param, state, scratch, own, dout, add, target, like
):
    """The gradient of some rows of W, of all images of a batch; b goes with the first."""
    numbers, W = pointer_at(state, like), pointer_at(target, like)
    g = geometry_at(numbers)
    first, stop = block_of_taps(g, block, blocks)
    if stop > first:
        backward_weights(
            g, n, pointer_at(x, like), pointer_at(dout, like), like, add != 0,
            pointer_at(own, like), first, stop, W, offset(W, taps_of(g) * g.filters),
            get(numbers, BIAS) != 0,
        )  # fmt: skip
    return 0
