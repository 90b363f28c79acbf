"""Dropout: the mask is given, or drawn by a hash of seed, step and element.

`draw_mask` and `drop` work on pointers, for the compiled training loop.  An element's number
depends on its index alone, so any number of threads draw the same mask.
"""

import numpy as np
from llvmlite import ir
from numba import float64, int64, types, uint8
from numba.extending import intrinsic

from ._compile import AnyShape, entry, helper, jit, matrix, real
from .blocking import BITS
from .loop.calls import LayerBackward, LayerForward, address_in
from .simd import (
    INT32,
    get,
    lanes,
    load,
    load_as,
    offset,
    pointer,
    pointer_at,
    put,
    scalar,
    splat,
    stack_buffer,
    store,
)

MASK_LANES = BITS // 32  # elements of a mask that are drawn at a time
BLOCK = 512  # elements whose mask the loop draws at a time: it has no room for that of a batch


@helper
def _splitmix(key):
    """The output function of splitmix64."""
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@helper
def mask_key(seed, step):
    """64 well-mixed bits of seed and step."""
    return _splitmix(_splitmix(np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15)) + np.uint64(step))


@helper
def layer_seed(seed, update, layer):
    """Another int64 for each update and layer."""
    return np.int64(mask_key(mask_key(seed, update), layer))


def _mixed(builder, bits):
    """A bijection of 32 bits in each lane: each bit of the input flips half of the output's."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
        by = ir.Constant(bits.type, [shift] * bits.type.count)
        bits = builder.xor(bits, builder.lshr(bits, by))
        bits = builder.mul(bits, ir.Constant(bits.type, [factor] * bits.type.count))
    return bits


@intrinsic
def _put_mask(typingctx, mask, i, first, low, high, dropped):
    """mask[i : i + MASK_LANES] of the elements from number `first` on."""
    vector = ir.VectorType(INT32, MASK_LANES)

    def codegen(context, builder, sig, args):
        address = builder.gep(args[0], [args[1]])
        start, *numbers = (splat(builder, value, MASK_LANES) for value in args[2:])
        low, high, dropped = numbers
        bits = builder.add(start, ir.Constant(vector, list(range(MASK_LANES))))
        bits = _mixed(builder, builder.xor(_mixed(builder, builder.xor(bits, low)), high))
        kept = builder.icmp_unsigned(">=", bits, dropped)
        kept = builder.zext(kept, ir.VectorType(ir.IntType(8), MASK_LANES))
        builder.store(kept, builder.bitcast(address, kept.type.as_pointer())).align = 1
        return context.get_dummy_value()

    return types.void(mask, types.int64, *(types.uint32,) * 4), codegen


@helper
def draw_mask(key, ratio, first, size, mask):
    """mask[:size] of the elements from number `first` on, a pointer to uint8: 1 is kept."""
    low, high = np.uint32(key), np.uint32(key >> np.uint64(32))
    dropped = np.uint32(ratio * 4294967296.0)
    full = size - size % MASK_LANES
    for i in range(0, full, MASK_LANES):
        _put_mask(mask, i, np.uint32(first + i), low, high, dropped)
    if full < size:
        rest = stack_buffer(mask, 64)
        _put_mask(rest, 0, np.uint32(first + full), low, high, dropped)
        for i in range(full, size):
            put(mask, i, get(rest, i - full))


@helper
def drop(x, mask, scale, out, size):
    """out[:size] = x * mask * scale on pointers; out may be x."""
    step = lanes(x)
    full = size - size % step
    for i in range(0, full, step):
        store(out, i, load(x, i) * (scale * load_as(mask, i, x)))
    for i in range(full, size):
        kept = scalar(x, scale) if get(mask, i) > 0 else scalar(x, 0.0)
        put(out, i, get(x, i) * kept)


@jit(int64, int64, float64, AnyShape(uint8[:, ::1]))
def dropout_mask(seed, step, ratio, mask):
    """Draw a mask of which a share of about `ratio` is 0 and the rest 1.

        mask[i] = hash(seed, step, i) >= ratio, the hash even between 0 and 1

    Parameters
    ----------
    seed, step : int64
        Any two numbers; each pair gives another mask.
    ratio : float64
        0 <= ratio < 1.
    mask : uint8, C-contiguous
        Overwritten. Any shape of at most 2**32 elements.

    Notes
    -----
    The hash is Wellons' lowbias32 of the index, twice, with 64 bits of key.
    """
    draw_mask(mask_key(seed, step), ratio, 0, mask.size, pointer(mask))


@jit(AnyShape(matrix), AnyShape(uint8[:, ::1]), real, AnyShape(matrix))
def dropout_forward(x, mask, scale, out):
    """Dropout with a mask.

        out = x * mask * scale

    Parameters
    ----------
    x : array of float32 or float64, C-contiguous
        Any shape. NaN and infinity become NaN where they are dropped, as in NumPy.
    mask : uint8, same shape, C-contiguous
        1 where an element is kept, else 0.
    scale : scalar of x.dtype
        1, or 1 / (1 - ratio) for inverted dropout.
    out : array, same shape and dtype as x
        Overwritten. May be x.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.4.3.
    """
    drop(pointer(x), pointer(mask), scale, pointer(out), x.size)


@jit(AnyShape(uint8[:, ::1]), real, AnyShape(matrix), AnyShape(matrix))
def dropout_backward(mask, scale, dout, dx):
    """Gradient of dropout.

        dx = dout * mask * scale

    Parameters
    ----------
    mask : uint8, C-contiguous
        That of the forward pass.
    scale : scalar of dout.dtype
    dout : array of float32 or float64, same shape, C-contiguous
        Upstream gradient.
    dx : array, same shape and dtype
        Overwritten. May be dout.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 6.4.3.
    """
    drop(pointer(dout), pointer(mask), scale, pointer(dx), dout.size)


@helper
def _draw_and_drop(seed, start, size, x, ratio, scale, out):
    """out[:size] = x * mask * scale for the elements of a batch from number `start` on."""
    mask = pointer_at(address_in(stack_buffer(x, BLOCK), 0), uint8(0))
    key = mask_key(seed, 0)
    for i in range(0, size, BLOCK):
        count = min(BLOCK, size - i)
        draw_mask(key, ratio, start + i, count, mask)
        drop(offset(x, i), mask, scale, offset(out, i), count)


# The state of a dropout in the loop: the ratio, the factor of what is kept in training, and the
# factor of all elements after it.
RATIO, KEPT, AFTER = range(3)


@entry(LayerForward)
def dropout_in_loop(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
    """Dropout: in training with a mask that the seed draws, else a product with a number."""
    p, numbers, target = pointer_at(x, like), pointer_at(state, like), pointer_at(out, like)
    if learn:
        ratio, scale = get(numbers, RATIO), get(numbers, KEPT)
        _draw_and_drop(seed, first * d, n * d, p, ratio, scale, target)
    else:
        factor = get(numbers, AFTER)
        for i in range(n * d):
            put(target, i, get(p, i) * factor)
    return 0


@entry(LayerBackward)
def dropout_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """The gradient of dropout: the mask is drawn again, by the same seed."""
    if dx != 0:
        numbers = pointer_at(state, like)
        ratio, scale = get(numbers, RATIO), get(numbers, KEPT)
        p, target = pointer_at(dout, like), pointer_at(dx, like)
        _draw_and_drop(seed, first * d, n * d, p, ratio, scale, target)
    return 0
