import numpy as np


def im2col(input_data, filter_h, filter_w, stride=1, pad=0):
    """Windows of images (N, C, H, W) as rows (N * OH * OW, C * filter_h * filter_w), in float64."""
    N, C, H, W = input_data.shape
    rows = (H + 2 * pad - filter_h) // stride + 1
    columns = (W + 2 * pad - filter_w) // stride + 1
    framed = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    framed[:, :, pad : pad + H, pad : pad + W] = input_data
    col = np.empty((N, rows, columns, C, filter_h, filter_w))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            col[:, i, j] = framed[:, :, top : top + filter_h, left : left + filter_w]
    return col.reshape(N * rows * columns, -1)


def col2im(col, input_shape, filter_h, filter_w, stride=1, pad=0):
    """The sums of what windows have of each pixel (N, C, H, W)."""
    N, C, H, W = input_shape
    rows = (H + 2 * pad - filter_h) // stride + 1
    columns = (W + 2 * pad - filter_w) // stride + 1
    col = col.reshape(N, rows, columns, C, filter_h, filter_w)
    framed = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            framed[:, :, top : top + filter_h, left : left + filter_w] += col[:, i, j]
    return framed[:, :, pad : pad + H, pad : pad + W]
