"""Average pooling of images (N, H, W, C), in windows and of the whole image, channel by channel.

Pixels outside an image do not count: a window that reaches over it is the mean of those inside.
"""

from numba import int64

from ._compile import cube, entry, helper, jit, matrix, shared
from .loop.calls import LayerBackward, LayerForward
from .nodes import repeat, sum_middle
from .pooling import geometry_at, images
from .simd import fill, lanes, offset, pointer, pointer_at, scalar
from .sweep import sweep
from .windows import read, write


@helper
def _span(start, length, size):
    """Where the part of start : start + length inside 0 : size begins and ends."""
    return max(start, 0), min(start + length, size)


@helper
def _mean_at(top, bottom, left, right, w, c, x, j, out, at, count):
    """The mean of the pixels in the rows top : bottom and columns left : right."""
    total = fill(x, scalar(x, 0.0))
    for y in range(top, bottom):
        for k in range(left, right):
            total = total + read(x, (y * w + k) * c + j, count)
    write(out, at + j, total / scalar(x, (bottom - top) * (right - left)), count)


@shared
def mean_of_windows(n, size, c, window, stride, pad, counts, x, out):
    """Windows of n images; the pairs are those of `windows.largest`."""
    step, at = lanes(x), 0
    h, w = size
    for image in range(n):
        p = offset(x, image * h * w * c)
        for y in range(counts[0]):
            top, bottom = _span(y * stride[0] - pad[0], window[0], h)
            for k in range(counts[1]):
                left, right = _span(k * stride[1] - pad[1], window[1], w)
                for j in range(0, c - step + 1, step):
                    _mean_at(top, bottom, left, right, w, c, p, j, out, at, None)
                if c < step:
                    _mean_at(top, bottom, left, right, w, c, p, 0, out, at, c)
                elif c % step:
                    _mean_at(top, bottom, left, right, w, c, p, c - step, out, at, None)
                at += c


@helper
def _share_at(size, window, stride, pad, counts, down, across, c, dout, j, dx, at, count):
    """One pixel: what it gets of each window that it is in."""
    total = fill(dout, scalar(dout, 0.0))
    for ky in range(down % stride[0], window[0], stride[0]):
        y = (down - ky) // stride[0]
        top, bottom = _span(y * stride[0] - pad[0], window[0], size[0])
        for kx in range(across % stride[1], window[1], stride[1]):
            k = (across - kx) // stride[1]
            if 0 <= y < counts[0] and 0 <= k < counts[1]:
                left, right = _span(k * stride[1] - pad[1], window[1], size[1])
                g = read(dout, (y * counts[1] + k) * c + j, count)
                total = total + g / scalar(dout, (bottom - top) * (right - left))
    write(dx, at + j, total, count)


@shared
def mean_gradient(n, size, c, window, stride, pad, counts, dout, dx):
    """The gradient of `mean_of_windows`: pixel by pixel, so that each is written once."""
    step, at = lanes(dout), 0
    for image in range(n):
        p = offset(dout, image * counts[0] * counts[1] * c)
        for y in range(pad[0], pad[0] + size[0]):
            for k in range(pad[1], pad[1] + size[1]):
                for j in range(0, c - step + 1, step):
                    _share_at(size, window, stride, pad, counts, y, k, c, p, j, dx, at, None)
                if c < step:
                    _share_at(size, window, stride, pad, counts, y, k, c, p, 0, dx, at, c)
                elif c % step:
                    j = c - step
                    _share_at(size, window, stride, pad, counts, y, k, c, p, j, dx, at, None)
                at += c


@helper
def _over(x, number):
    return x / number


@helper
def mean_of_images(n, pixels, c, x, out):
    """out[:n * c], the mean of each channel of n images."""
    sum_middle(x, out, n, pixels, c)
    sweep(_over, (out,), (out,), 0, n * c, (scalar(x, pixels),))


@helper
def mean_of_images_gradient(n, pixels, c, dout, dx):
    """The gradient of `mean_of_images`: every pixel gets what the first one is given."""
    for i in range(n):
        first = offset(dx, i * pixels * c)
        sweep(_over, (first,), (offset(dout, i * c),), 0, c, (scalar(dx, pixels),))
        repeat(first, offset(first, c), 1, pixels - 1, c)


@jit(images, *[int64] * 6, images)
def average_pooling_forward(x, pool_h, pool_w, stride_h, stride_w, pad_top, pad_left, out):
    """The mean pixel of each window.

        out[n, y, k, c] = mean over i < pool_h, j < pool_w of
            x[n, stride_h y + i - pad_top, stride_w k + j - pad_left, c]

    Parameters
    ----------
    x : (N, H, W, C) float32 or float64, C-contiguous
    pool_h, pool_w, stride_h, stride_w : int64
        At least 1.
    pad_top, pad_left : int64
        Rows above and columns left of the image that windows reach over. What is outside does not
        count; every window must have a pixel inside.
    out : (N, OH, OW, C), same dtype, C-contiguous
        Overwritten. Windows may reach over the image at its end, too.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 7.3; Keras' AveragePooling2D.
    """
    n, h, w, c = x.shape
    mean_of_windows(
        n, (h, w), c, (pool_h, pool_w), (stride_h, stride_w), (pad_top, pad_left),
        (out.shape[1], out.shape[2]), pointer(x), pointer(out),
    )  # fmt: skip


@jit(images, *[int64] * 6, images)
def average_pooling_backward(dout, pool_h, pool_w, stride_h, stride_w, pad_top, pad_left, dx):
    """Gradient of the mean pixel of each window.

        dx[n, y, k, c] = sum of dout / pixels inside, over the windows that the pixel is in

    Parameters
    ----------
    dout : (N, OH, OW, C) float32 or float64, C-contiguous
        Upstream gradient.
    pool_h, pool_w, stride_h, stride_w, pad_top, pad_left : int64
        As for the forward pass.
    dx : (N, H, W, C), same dtype, C-contiguous
        Overwritten.
    """
    n, h, w, c = dx.shape
    mean_gradient(
        n, (h, w), c, (pool_h, pool_w), (stride_h, stride_w), (pad_top, pad_left),
        (dout.shape[1], dout.shape[2]), pointer(dout), pointer(dx),
    )  # fmt: skip


@jit(cube, matrix)
def global_average_pooling_forward(x, out):
    """The mean pixel of each image.

        out[n, c] = sum over p of x[n, p, c] / P

    Parameters
    ----------
    x : (N, P, C) float32 or float64, C-contiguous
        Images of P pixels, at least one.
    out : (N, C), same dtype, C-contiguous
        Overwritten. Must not overlap x.

    Notes
    -----
    Source: Lin, Chen and Yan, Network in Network, 2013, section 3.2.
    """
    n, pixels, c = x.shape
    mean_of_images(n, pixels, c, pointer(x), pointer(out))


@jit(matrix, cube)
def global_average_pooling_backward(dout, dx):
    """Gradient of the mean pixel of each image.

        dx[n, p, c] = dout[n, c] / P

    Parameters
    ----------
    dout : (N, C) float32 or float64, C-contiguous
        Upstream gradient.
    dx : (N, P, C), same dtype, C-contiguous
        Overwritten. Must not overlap dout.
    """
    n, pixels, c = dx.shape
    mean_of_images_gradient(n, pixels, c, pointer(dout), pointer(dx))


@entry(LayerForward)
def average_pooling_in_loop(
    learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like
):
    """`average_pooling_forward` of rows of a batch."""
    shape, c, window, stride, pad, counts = geometry_at(state, like)
    p, q = pointer_at(x, like), pointer_at(out, like)
    mean_of_windows(n, shape, c, window, stride, pad, counts, p, q)
    return 0


@entry(LayerBackward)
def average_pooling_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """`average_pooling_backward` of rows of a batch."""
    if dx != 0:
        shape, c, window, stride, pad, counts = geometry_at(state, like)
        g, p = pointer_at(dout, like), pointer_at(dx, like)
        mean_gradient(n, shape, c, window, stride, pad, counts, g, p)
    return 0


@entry(LayerForward)
def global_average_pooling_in_loop(
    learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like
):
    """`global_average_pooling_forward` of rows of a batch: m channels of d numbers."""
    mean_of_images(n, d // m, m, pointer_at(x, like), pointer_at(out, like))
    return 0


@entry(LayerBackward)
def global_average_pooling_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """`global_average_pooling_backward` of rows of a batch."""
    if dx != 0:
        mean_of_images_gradient(n, d // m, m, pointer_at(dout, like), pointer_at(dx, like))
    return 0
