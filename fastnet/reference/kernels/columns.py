"""The windows of images (N, C, H, W) as rows of a matrix, and back."""

from ..functions import col2im, im2col


def im2col_forward(x, rows, columns, stride, pad, out):
    """Write the windows of x, one a row."""
    out[...] = im2col(x, rows, columns, stride, pad)


def col2im_forward(col, rows, columns, stride, pad, out):
    """Write images in which each window was added where it lay."""
    out[...] = col2im(col, out.shape, rows, columns, stride, pad)
