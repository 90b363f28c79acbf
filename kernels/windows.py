"""Parts of max pooling, on pointers: the largest pixel of each window, channel by channel.

Which pixel of its window won is kept, row by row from 0, in one byte or in a number of the dtype:
the gradient goes there.
"""

from ._compile import helper, shared
from .simd import (
    fill,
    get,
    lanes,
    load,
    load_as,
    load_first,
    offset,
    put,
    scalar,
    select,
    stack_buffer,
    store,
    store_as,
    store_first,
)
from .sweep import ask_for, put_all

# Channels go vector by vector, and what remains at the end of a pixel as a whole vector that begins
# earlier, over what was done already: on AVX2 a store under a mask takes as long as seven others.
# Pixels of less than a vector have one. `count` is None for a whole vector: Numba then compiles a
# version without masks.


@helper
def read(p, i, count):
    """The vector p[i : i + count]; a whole one where count is None."""
    if count is None:
        return load(p, i)
    return load_first(p, i, count)


@helper
def write(p, i, x, count):
    """p[i : i + count] = x; a whole vector where count is None."""
    if count is None:
        store(p, i, x)
    else:
        store_first(p, i, x, count)


@helper
def _read_code(code, i, like, count):
    if count is None:
        return load_as(code, i, like)
    rest = stack_buffer(like, 64)
    for j in range(count):
        put(rest, j, scalar(like, get(code, i + j)))
    return load(rest, 0)


@helper
def _write_code(code, i, x, like, count):
    if count is None:
        store_as(code, i, x)
    else:
        rest = stack_buffer(like, 64)
        store(rest, 0, x)
        for j in range(count):
            put(code, i + j, get(rest, j))


@helper
def _better(best, code, x, other):
    """The larger of best and x, lane by lane, and its code: of equal ones and NaN the first."""
    stays, is_number = x <= best, best == best
    best = select(stays, best, select(is_number, x, best))
    return best, select(stays, code, select(is_number, other, code))


@helper
def _four(right, below, x, i, out, code, at, count, code_count):
    zero, one = fill(x, scalar(x, 0.0)), fill(x, scalar(x, 1.0))
    a, b = read(x, i, count), read(x, i + right, count)
    above, first = _better(a, zero, b, one)
    a, b = read(x, i + below, count), read(x, i + below + right, count)
    under, second = _better(a, one + one, b, one + one + one)
    best, found = _better(above, first, under, second)
    write(out, at, best, count)
    _write_code(code, at, found, x, code_count)


@shared
def largest_of_four(n, h, w, c, x, out, code, asks):
    """Windows of 2 x 2 pixels side by side, of n images.

    Where it `asks` for the rows ahead, the maximum of 30 x 24 x 24 takes 0.38 of the time if the
    images are in no cache of this core, and the gradient 0.57; asked for window by window 0.5 and
    1.0. Where all is in L2 it takes 1.15 times as long.

    Codes of less than a vector are written as a whole one, whose end the next window writes again,
    while the image has so many left: byte by byte 1 channel took twice the time.
    """
    step, above, across, at = lanes(x), h // 2, w // 2, 0
    for image in range(n):
        last = (image + 1) * above * across * c - step
        for y in range(above):
            row = offset(x, (image * h + 2 * y) * w * c)
            if asks:
                ask_for(row, 2 * w * c, 2 * w * c)
            for k in range(across):
                i = 2 * k * c
                for j in range(0, c - step + 1, step):
                    _four(c, w * c, row, i + j, out, code, at + j, None, None)
                if c < step and at <= last:
                    _four(c, w * c, row, i, out, code, at, c, None)
                elif c < step:
                    _four(c, w * c, row, i, out, code, at, c, c)
                elif c % step:
                    _four(c, w * c, row, i + c - step, out, code, at + c - step, None, None)
                at += c


@helper
def _to_four(right, below, dout, code, at, dx, i, count, code_count):
    g, found = read(dout, at, count), _read_code(code, at, dout, code_count)
    none = scalar(dout, 0.0)
    write(dx, i, select(found == none, g, none), count)
    write(dx, i + right, select(found == scalar(dout, 1.0), g, none), count)
    write(dx, i + below, select(found == scalar(dout, 2.0), g, none), count)
    write(dx, i + below + right, select(found == scalar(dout, 3.0), g, none), count)


@shared
def gradient_of_four(n, h, w, c, dout, code, dx, asks):
    """The gradient of `largest_of_four`; pixels behind the last window get none."""
    step, above, across, at = lanes(dout), h // 2, w // 2, 0
    none = scalar(dout, 0.0)
    for image in range(n):
        last = (image + 1) * above * across * c - step
        for y in range(above):
            row = offset(dx, (image * h + 2 * y) * w * c)
            if asks:
                ask_for(row, 2 * w * c, 2 * w * c)
            for k in range(across):
                i = 2 * k * c
                for j in range(0, c - step + 1, step):
                    _to_four(c, w * c, dout, code, at + j, row, i + j, None, None)
                if c < step and at <= last:
                    _to_four(c, w * c, dout, code, at, row, i, c, None)
                elif c < step:
                    _to_four(c, w * c, dout, code, at, row, i, c, c)
                elif c % step:
                    end = c - step
                    _to_four(c, w * c, dout, code, at + end, row, i + end, None, None)
                at += c
            if w % 2:
                put_all(offset(row, (w - 1) * c), c, none)
                put_all(offset(row, (2 * w - 1) * c), c, none)
        if h % 2:
            put_all(offset(dx, (image * h + h - 1) * w * c), w * c, none)


@helper
def _largest_at(size, window, zeros, top, left, c, x, j, out, code, at, count):
    """One window, whose first pixel is (top, left): a vector of its channels, from j on."""
    h, w = size
    pool_h, pool_w = window
    none = fill(x, scalar(x, 0.0))
    best, found, begun = none, none, False
    for ky in range(pool_h):
        for kx in range(pool_w):
            y, k = top + ky, left + kx
            inside = 0 <= y < h and 0 <= k < w
            if inside or zeros:
                pixel = read(x, (y * w + k) * c + j, count) if inside else none
                number = fill(x, scalar(x, ky * pool_w + kx))
                if begun:
                    best, found = _better(best, found, pixel, number)
                else:
                    best, found, begun = pixel, number, True
    write(out, at + j, best, count)
    _write_code(code, at + j, found, x, count)


@shared
def largest(n, size, c, window, stride, pad, zeros, counts, x, out, code):
    """Windows of any size and stride, of n images.

    size, window, stride and pad (before the first row, and column) are pairs: rows and columns;
    counts are those of windows. Pixels outside are zeros where `zeros` is true, else they are none.
    """
    step, at = lanes(x), 0
    for image in range(n):
        p = offset(x, image * size[0] * size[1] * c)
        for y in range(counts[0]):
            top = y * stride[0] - pad[0]
            for k in range(counts[1]):
                left = k * stride[1] - pad[1]
                for j in range(0, c - step + 1, step):
                    _largest_at(size, window, zeros, top, left, c, p, j, out, code, at, None)
                if c < step:
                    _largest_at(size, window, zeros, top, left, c, p, 0, out, code, at, c)
                elif c % step:
                    j = c - step
                    _largest_at(size, window, zeros, top, left, c, p, j, out, code, at, None)
                at += c


@helper
def _gradient_at(window, stride, counts, down, across, c, dout, code, j, dx, at, count):
    """One pixel: the gradients of the windows that it won, by its place in them."""
    none = fill(dout, scalar(dout, 0.0))
    total = none
    for ky in range(down % stride[0], window[0], stride[0]):
        y = (down - ky) // stride[0]
        for kx in range(across % stride[1], window[1], stride[1]):
            k = (across - kx) // stride[1]
            if 0 <= y < counts[0] and 0 <= k < counts[1]:
                i = (y * counts[1] + k) * c + j
                won = _read_code(code, i, dout, count) == scalar(dout, ky * window[1] + kx)
                total = total + select(won, read(dout, i, count), none)
    write(dx, at + j, total, count)


@shared
def largest_gradient(n, size, c, window, stride, pad, counts, dout, code, dx):
    """The gradient of `largest`: pixel by pixel, so that each is written once."""
    step, at = lanes(dout), 0
    for image in range(n):
        start = image * counts[0] * counts[1] * c
        p, q = offset(dout, start), offset(code, start)
        for y in range(pad[0], pad[0] + size[0]):
            for k in range(pad[1], pad[1] + size[1]):
                for j in range(0, c - step + 1, step):
                    _gradient_at(window, stride, counts, y, k, c, p, q, j, dx, at, None)
                if c < step:
                    _gradient_at(window, stride, counts, y, k, c, p, q, 0, dx, at, c)
                elif c % step:
                    _gradient_at(window, stride, counts, y, k, c, p, q, c - step, dx, at, None)
                at += c
