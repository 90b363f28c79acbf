"""The largest pixel of each window of images (N, H, W, C), where it stands, and its gradient."""

from collections.abc import Iterator

import numpy as np


def _windows(
    shape: tuple[int, ...], pool: tuple[int, int], stride: tuple[int, int], pad: tuple[int, int]
) -> Iterator[tuple[int, int, list[tuple[int, int, int]]]]:
    """Yield each window's row and column, and its pixels inside an image (H, W).

    A pixel is its number in the window, and its row and column in the image.
    """
    h, w, out_h, out_w = shape
    for y in range(out_h):
        for k in range(out_w):
            inside = []
            for i in range(pool[0]):
                for j in range(pool[1]):
                    row, column = stride[0] * y + i - pad[0], stride[1] * k + j - pad[1]
                    if 0 <= row < h and 0 <= column < w:
                        inside.append((pool[1] * i + j, row, column))
            yield y, k, inside


def max_pooling_forward(x, pool_h, pool_w, stride_h, stride_w, pad_top, pad_left, zeros, out, code):
    """Write the largest of each window and its first place there, by argmax."""
    shape = x.shape[1:3] + out.shape[1:3]
    geometry = (pool_h, pool_w), (stride_h, stride_w), (pad_top, pad_left)
    for y, k, inside in _windows(shape, *geometry):
        pixels = {number: x[:, row, column] for number, row, column in inside}
        if zeros:
            outside = np.zeros_like(x[:, 0, 0])
            pixels = {i: pixels.get(i, outside) for i in range(pool_h * pool_w)}
        stacked, numbers = np.stack(list(pixels.values())), np.array(list(pixels))
        out[:, y, k] = stacked.max(axis=0)
        code[:, y, k] = numbers[stacked.argmax(axis=0)]


def max_pooling_backward(dout, code, pool_h, pool_w, stride_h, stride_w, pad_top, pad_left, dx):
    """Write the gradient: that of each window goes where its largest pixel was."""
    dx[...] = 0
    shape = dx.shape[1:3] + dout.shape[1:3]
    geometry = (pool_h, pool_w), (stride_h, stride_w), (pad_top, pad_left)
    for y, k, inside in _windows(shape, *geometry):
        for number, row, column in inside:
            dx[:, row, column] += np.where(code[:, y, k] == number, dout[:, y, k], 0)


def max_pooling_2x2_forward(x, out, code):
    """Write the largest of 2 x 2 pixels and its first place there."""
    max_pooling_forward(x, 2, 2, 2, 2, 0, 0, False, out, code)


def max_pooling_2x2_backward(dout, code, dx):
    """Write the gradient of 2 x 2 pixels."""
    max_pooling_backward(dout, code, 2, 2, 2, 2, 0, 0, dx)
