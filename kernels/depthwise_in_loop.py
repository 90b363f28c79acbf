"""Depthwise convolution as a layer of the compiled loop; param and state are a convolution's."""

from ._compile import entry
from .activations import differentiate
from .convolution_in_loop import ACTIVATION, BIAS, block_of_taps, taps_of
from .convolution_weights import weights_parts
from .depthwise import depthwise, depthwise_input, depthwise_weights
from .geometry import behind, geometry_at
from .loop.calls import LayerBackward, LayerForward, LayerGradient
from .simd import get, offset, pointer_at


@entry(LayerForward)
def depthwise_in_loop(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
    """Depthwise convolution of some images of a batch, with its activation."""
    numbers, W = pointer_at(state, like), pointer_at(param, like)
    g = geometry_at(numbers)
    depthwise(
        g, n, pointer_at(x, like), W, offset(W, taps_of(g) * g.filters), get(numbers, BIAS) != 0,
        int(get(numbers, ACTIVATION)), pointer_at(out, like),
    )  # fmt: skip
    return 0


@entry(LayerBackward)
def depthwise_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """The gradient of the same images; that at the activation takes the place of dout."""
    numbers, upstream = pointer_at(state, like), pointer_at(dout, like)
    differentiate(int(get(numbers, ACTIVATION)), pointer_at(out, like), upstream, n * m, 1, n * m)
    if dx != 0:
        depthwise_input(
            geometry_at(numbers), n, pointer_at(param, like), upstream, pointer_at(dx, like)
        )
    return 0


@entry(LayerGradient)
def depthwise_weights_in_loop(
    block, blocks, n, d, m, x, out, param, state, scratch, own, dout, add, target, like
):
    """The gradient of some taps, of all images of a batch; b goes with the first."""
    numbers, W, sums = pointer_at(state, like), pointer_at(target, like), pointer_at(own, like)
    g = geometry_at(numbers)
    first, stop = block_of_taps(g, block, blocks)
    if stop > first:
        depthwise_weights(
            g, n, pointer_at(x, like), pointer_at(dout, like), like, add != 0, sums,
            behind(sums, weights_parts(g)[0]), first, stop, W, offset(W, taps_of(g) * g.filters),
            get(numbers, BIAS) != 0,
        )  # fmt: skip
    return 0
