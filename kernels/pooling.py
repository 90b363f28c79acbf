"""Max pooling of images (N, H, W, C): the largest pixel of each window, channel by channel."""

from numba import boolean, int64, uint8

from ._compile import entry, helper, jit, real
from .loop.calls import LayerBackward, LayerForward, address_in
from .simd import get, offset, pointer, pointer_at
from .windows import gradient_of_four, largest, largest_gradient, largest_of_four

images, codes = real[:, :, :, ::1], uint8[:, :, :, ::1]


@jit(images, images, codes)
def max_pooling_2x2_forward(x, out, code):
    """The largest pixel of each window of 2 x 2, which stand side by side.

        out[n, y, k, c] = max over i, j of x[n, 2 y + i, 2 k + j, c]
        code[n, y, k, c] = the first 2 i + j where it stands

    Parameters
    ----------
    x : (N, H, W, C) float32 or float64, C-contiguous
        NaN is the largest, as in NumPy. A last row or column of an odd number is in no window.
    out : (N, H // 2, W // 2, C), same dtype, C-contiguous
        Overwritten, like code.
    code : (N, H // 2, W // 2, C) uint8, C-contiguous

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 7.4.4.
    """
    n, h, w, c = x.shape
    largest_of_four(n, h, w, c, pointer(x), pointer(out), pointer(code), True)


@jit(images, codes, images)
def max_pooling_2x2_backward(dout, code, dx):
    """Gradient of the largest pixel of each window of 2 x 2.

        dx[n, 2 y + i, 2 k + j, c] = dout[n, y, k, c] where code[n, y, k, c] = 2 i + j, else 0

    Parameters
    ----------
    dout : (N, H // 2, W // 2, C) float32 or float64, C-contiguous
        Upstream gradient.
    code : (N, H // 2, W // 2, C) uint8, C-contiguous
        As the forward pass left it.
    dx : (N, H, W, C), same dtype as dout, C-contiguous
        Overwritten.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 7.4.4.
    """
    n, h, w, c = dx.shape
    gradient_of_four(n, h, w, c, pointer(dout), pointer(code), pointer(dx), True)


@jit(
    (images, *[int64] * 6, boolean, images, codes), (images, *[int64] * 6, boolean, images, images)
)
def max_pooling_forward(x, pool_h, pool_w, stride_h, stride_w, pad_top, pad_left, zeros, out, code):
    """The largest pixel of each window.

        out[n, y, k, c] = max over i < pool_h, j < pool_w of
            x[n, stride_h y + i - pad_top, stride_w k + j - pad_left, c]
        code[n, y, k, c] = the first pool_w i + j where it stands

    Parameters
    ----------
    x : (N, H, W, C) float32 or float64, C-contiguous
        NaN is the largest, as in NumPy.
    pool_h, pool_w, stride_h, stride_w : int64
        At least 1.
    pad_top, pad_left : int64
        Rows above and columns left of the image that windows reach over.
    zeros : bool
        Whether what is outside the image counts as 0. Else it does not count, and every window must
        have a pixel inside.
    out : (N, OH, OW, C), same dtype, C-contiguous
        Overwritten, like code. Windows may reach over the image at its end, too.
    code : (N, OH, OW, C) uint8, or the dtype of x, C-contiguous
        uint8 holds the numbers of up to 256 pixels.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 7.4.4.
    """
    n, h, w, c = x.shape
    largest(
        n, (h, w), c, (pool_h, pool_w), (stride_h, stride_w), (pad_top, pad_left), zeros,
        (out.shape[1], out.shape[2]), pointer(x), pointer(out), pointer(code),
    )  # fmt: skip


@jit((images, codes, *[int64] * 6, images), (images, images, *[int64] * 6, images))
def max_pooling_backward(dout, code, pool_h, pool_w, stride_h, stride_w, pad_top, pad_left, dx):
    """Gradient of the largest pixel of each window.

        dx[n, y, k, c] = sum of dout over the windows whose code names that pixel

    Parameters
    ----------
    dout : (N, OH, OW, C) float32 or float64, C-contiguous
        Upstream gradient.
    code : (N, OH, OW, C) uint8, or the dtype of dout, C-contiguous
        As the forward pass left it.
    pool_h, pool_w, stride_h, stride_w, pad_top, pad_left : int64
        As for the forward pass.
    dx : (N, H, W, C), same dtype as dout, C-contiguous
        Overwritten.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 7.4.4.
    """
    n, h, w, c = dx.shape
    largest_gradient(
        n, (h, w), c, (pool_h, pool_w), (stride_h, stride_w), (pad_top, pad_left),
        (dout.shape[1], dout.shape[2]), pointer(dout), pointer(code), pointer(dx),
    )  # fmt: skip


@helper
def _whole(p, i):
    return int64(get(p, i))


@helper
def geometry_at(state, like):
    """The pairs that stand in the state of a pooling layer, and the channels.

    Size, window, stride, pad and count of windows: `Windowed._numbers` of fastnet.layers has them.
    """
    p = pointer_at(state, like)
    return (
        (_whole(p, 0), _whole(p, 1)),
        _whole(p, 2),
        (_whole(p, 3), _whole(p, 4)),
        (_whole(p, 5), _whole(p, 6)),
        (_whole(p, 7), _whole(p, 8)),
        (_whole(p, 9), _whole(p, 10)),
    )


@helper
def _bytes_of(scratch, first, m, like):
    """Where the codes of row number `first` stand, a byte each: rows of whole words of float32."""
    p = pointer_at(scratch, like)
    return pointer_at(address_in(p, first * ((m + 3) // 4)), uint8(0))


@entry(LayerForward)
def max_pooling_2x2_in_loop(
    learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like
):
    """`max_pooling_2x2_forward` of rows of a batch, whose codes stay in the scratch."""
    (h, w), c, _, _, _, _ = geometry_at(state, like)
    code = _bytes_of(scratch, first, m, like)
    largest_of_four(n, h, w, c, pointer_at(x, like), pointer_at(out, like), code, True)
    return 0


@entry(LayerBackward)
def max_pooling_2x2_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """`max_pooling_2x2_backward` of rows of a batch."""
    if dx != 0:
        (h, w), c, _, _, _, _ = geometry_at(state, like)
        code = _bytes_of(scratch, first, m, like)
        gradient_of_four(n, h, w, c, pointer_at(dout, like), code, pointer_at(dx, like), True)
    return 0


@entry(LayerForward)
def max_pooling_in_loop(
    learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like
):
    """`max_pooling_forward` of rows of a batch, in windows of up to 256 pixels."""
    shape, c, window, stride, pad, counts = geometry_at(state, like)
    code, p, q = _bytes_of(scratch, first, m, like), pointer_at(x, like), pointer_at(out, like)
    largest(n, shape, c, window, stride, pad, False, counts, p, q, code)
    return 0


@entry(LayerBackward)
def max_pooling_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """`max_pooling_backward` of rows of a batch, in windows of up to 256 pixels."""
    if dx != 0:
        shape, c, window, stride, pad, counts = geometry_at(state, like)
        code, g = _bytes_of(scratch, first, m, like), pointer_at(dout, like)
        largest_gradient(n, shape, c, window, stride, pad, counts, g, code, pointer_at(dx, like))
    return 0


@entry(LayerForward)
def wide_max_pooling_in_loop(
    learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like
):
    """`max_pooling_forward` of rows of a batch, whose codes are numbers of the dtype."""
    shape, c, window, stride, pad, counts = geometry_at(state, like)
    code, q = offset(pointer_at(scratch, like), first * m), pointer_at(out, like)
    largest(n, shape, c, window, stride, pad, False, counts, pointer_at(x, like), q, code)
    return 0


@entry(LayerBackward)
def wide_max_pooling_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """`max_pooling_backward` of rows of a batch, whose codes are numbers of the dtype."""
    if dx != 0:
        shape, c, window, stride, pad, counts = geometry_at(state, like)
        code, g = offset(pointer_at(scratch, like), first * m), pointer_at(dout, like)
        largest_gradient(n, shape, c, window, stride, pad, counts, g, code, pointer_at(dx, like))
    return 0
