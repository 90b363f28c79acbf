"""The mean pixel of each window, or of all, of images (N, H, W, C), and its gradient."""

from .pooling import _windows


def average_pooling_forward(x, pool_h, pool_w, stride_h, stride_w, pad_top, pad_left, out):
    """Write the mean of the pixels inside, window by window."""
    shape = x.shape[1:3] + out.shape[1:3]
    geometry = (pool_h, pool_w), (stride_h, stride_w), (pad_top, pad_left)
    for y, k, inside in _windows(shape, *geometry):
        out[:, y, k] = sum(x[:, row, column] for _, row, column in inside) / len(inside)


def average_pooling_backward(dout, pool_h, pool_w, stride_h, stride_w, pad_top, pad_left, dx):
    """Write the gradient: each pixel inside gets its share."""
    dx[...] = 0
    shape = dx.shape[1:3] + dout.shape[1:3]
    geometry = (pool_h, pool_w), (stride_h, stride_w), (pad_top, pad_left)
    for y, k, inside in _windows(shape, *geometry):
        for _, row, column in inside:
            dx[:, row, column] += dout[:, y, k] / len(inside)


def global_average_pooling_forward(x, out):
    """Write the mean of each image's pixels."""
    out[...] = x.sum(axis=1) / x.shape[1]


def global_average_pooling_backward(dout, dx):
    """Write the gradient: the same for every pixel."""
    dx[...] = dout[:, None] / dx.shape[1]
