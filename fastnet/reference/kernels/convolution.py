"""Convolution of images (N, H, W, C) with W (rows, columns, C / groups, M), a tap after the other.

`geometry` has the numbers of `fastnet.kernels.geometry.Geometry`; `work` is not needed.
"""

import numpy as np

from .activations import FORWARD


def convolution_forward(x, W, b, geometry, activation, work, out):
    """Write out = activation(b + the sum over the windows of x * W)."""
    out[...] = b
    source = _padded(x, geometry)
    for tap, seen in _taps(source, geometry):
        for channels, filters in _groups(geometry):
            out[..., filters] += seen[..., channels] @ W[tap][:, filters]
    FORWARD[activation](out, out)


def convolution_backward_input(dout, W, geometry, work, dx):
    """Write dx, in which each window has its part of dout."""
    source = _padded(np.zeros_like(dx), geometry)
    for tap, seen in _taps(source, geometry):
        for channels, filters in _groups(geometry):
            seen[..., channels] += dout[..., filters] @ W[tap][:, filters].T
    top, left = geometry[10], geometry[11]
    dx[...] = 0
    inside = source[:, top : top + dx.shape[1], left : left + dx.shape[2]]
    dx[:, : inside.shape[1], : inside.shape[2]] = inside


def convolution_backward_params(x, dout, geometry, work, dW, db):
    """Write dW, for each tap the product of what it saw with dout, and db = the sum of dout."""
    source = _padded(x, geometry)
    for tap, seen in _taps(source, geometry):
        for channels, filters in _groups(geometry):
            axes = [0, 1, 2], [0, 1, 2]
            dW[tap][:, filters] = np.tensordot(seen[..., channels], dout[..., filters], axes)
    np.sum(dout, axis=(0, 1, 2), out=db)


def _padded(x, geometry):
    """Return the images with zeros around, as far as windows reach, and a copy of them."""
    top, left, height, width = (int(geometry[i]) for i in (10, 11, 15, 16))
    source = np.zeros((len(x), max(height, top), max(width, left), x.shape[3]), x.dtype)
    inside = source[:, top : top + x.shape[1], left : left + x.shape[2]]
    inside[...] = x[:, : inside.shape[1], : inside.shape[2]]
    return source


def _taps(source, geometry):
    """Yield the place of each tap in W, and a view of what it sees of all windows."""
    rows, columns = geometry[3:5]
    strides, dilation, out = geometry[6:8], geometry[8:10], geometry[12:14]
    for i in range(rows):
        for j in range(columns):
            starts = i * dilation[0], j * dilation[1]
            y, x = (
                slice(start, start + (count - 1) * step + 1, step)
                for start, count, step in zip(starts, out, strides, strict=True)
            )
            yield (i, j), source[:, y, x]


def _groups(geometry):
    """Yield the channels and the filters of each group."""
    channels, filters, groups = geometry[2], geometry[5], geometry[14]
    for g in range(groups):
        c, m = channels // groups, filters // groups
        yield slice(g * c, (g + 1) * c), slice(g * m, (g + 1) * m)
