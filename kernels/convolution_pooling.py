"""Convolution, activation and the maximum of windows of 2 x 2 as one layer of the compiled loop.

Some images at a time, so that what the convolution makes of them stays in the cache: it is not kept
but for which pixel of each window won, a byte each. The activations are monotonic, so the pixel
that wins is the one that would win before them, and the gradient goes through them at a quarter of
the pixels. SimpleConvNet with batch 100 has 0.5 MB of its maps in memory where it had 14 MB.

param and state are those of convolution_in_loop.py; row_scratch holds the bytes.
"""

from numba import uint8

from ._compile import entry, helper
from .activations import differentiate
from .convolution import convolve
from .convolution_in_loop import ACTIVATION, BIAS, block_of_taps, scratch_size, taps_of
from .convolution_input import backward_input
from .convolution_weights import backward_weights
from .geometry import ALIGNED, behind, geometry_at
from .loop.calls import LayerBackward, LayerForward, LayerGradient, address_in
from .simd import get, offset, pointer_at
from .windows import gradient_of_four, largest_of_four

# Elements of the maps of some images: weights are packed once for so many. 128 KB of float32; with
# a quarter as many 64 channels of 8 x 8 took 1.1 times as long.
MAPS = 2**15


@helper
def map_size(g):
    """Elements that the convolution makes of an image."""
    return g.out_height * g.out_width * g.filters


@helper
def images_at_a_time(g):
    """Images whose maps are in the cache together."""
    return max(1, MAPS // max(g.out_height * g.out_width * g.filters, 1))


def own_size(g):
    """Return how many elements of scratch a thread needs: for maps, and the convolution's."""
    return images_at_a_time.py_func(g) * map_size.py_func(g) + ALIGNED + scratch_size(g)


@helper
def code_at(scratch, row, m, like):
    """Where the bytes of a row of the batch are, of m outputs: rows of whole float32."""
    p = pointer_at(scratch, like)
    return pointer_at(address_in(p, row * ((m + 3) // 4)), uint8(0))


@entry(LayerForward)
def convolution_pooling_in_loop(
    learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like
):
    """Largest of the convolution, of some images of a batch."""
    numbers, W, maps = pointer_at(state, like), pointer_at(param, like), pointer_at(own, like)
    g = geometry_at(numbers)
    count = images_at_a_time(g)
    work = behind(maps, count * map_size(g))
    p, results = pointer_at(x, like), pointer_at(out, like)
    for i in range(0, n, count):
        some = min(count, n - i)
        convolve(
            g, some, offset(p, i * d), W, offset(W, taps_of(g) * g.filters),
            get(numbers, BIAS) != 0, int(get(numbers, ACTIVATION)), work, maps,
        )  # fmt: skip
        for k in range(i, i + some):
            largest_of_four(
                1, g.out_height, g.out_width, g.filters, offset(maps, (k - i) * map_size(g)),
                offset(results, k * m), code_at(scratch, first + k, m, like), False,
            )  # fmt: skip
    return 0


@helper
def _spread(g, n, row, m, dout, scratch, maps, like):
    """The gradient of the convolution's outputs, of n images from one of the batch on."""
    for k in range(n):
        gradient_of_four(
            1, g.out_height, g.out_width, g.filters, offset(dout, k * m),
            code_at(scratch, row + k, m, like), offset(maps, k * map_size(g)), False,
        )  # fmt: skip


@entry(LayerBackward)
def convolution_pooling_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """The gradient of the same images; that before the activation takes the place of dout."""
    numbers, upstream = pointer_at(state, like), pointer_at(dout, like)
    differentiate(int(get(numbers, ACTIVATION)), pointer_at(out, like), upstream, n * m, 1, n * m)
    if dx != 0:
        g, maps, target = geometry_at(numbers), pointer_at(own, like), pointer_at(dx, like)
        count = images_at_a_time(g)
        work = behind(maps, count * map_size(g))
        for i in range(0, n, count):
            some = min(count, n - i)
            _spread(g, some, first + i, m, offset(upstream, i * m), scratch, maps, like)
            backward_input(g, some, pointer_at(param, like), work, maps, offset(target, i * d))
    return 0


@entry(LayerGradient)
def convolution_pooling_weights_in_loop(
    block, blocks, n, d, m, x, out, param, state, scratch, own, dout, add, target, like
):
    """The gradient of some rows of W, of all images of a batch; b goes with the first."""
    numbers, W = pointer_at(state, like), pointer_at(target, like)
    g, maps = geometry_at(numbers), pointer_at(own, like)
    first, stop = block_of_taps(g, block, blocks)
    if stop > first:
        count = images_at_a_time(g)
        work, upstream = behind(maps, count * map_size(g)), pointer_at(dout, like)
        for i in range(0, n, count):
            some = min(count, n - i)
            _spread(g, some, i, m, offset(upstream, i * m), scratch, maps, like)
            backward_weights(
                g, some, offset(pointer_at(x, like), i * d), maps, like, add != 0 or i > 0, work,
                first, stop, W, offset(W, taps_of(g) * g.filters), get(numbers, BIAS) != 0,
            )  # fmt: skip
    return 0
