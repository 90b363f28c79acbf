"""Depthwise convolution on pointers: as many groups as channels and filters, one tap a channel.

As any other groups each channel would be a product of one column. Here channels lie along the
vector, four pixels side by side share what is read of W, and taps outside the image are left out:
32 x 28 x 28 by 3 x 3 took 5 to 7 times as long as groups. Channels go vector by vector, and what
remains as a whole vector that begins earlier; pixels of less than a vector have one under a mask.
"""

from ._compile import helper, shared
from .activations import activate
from .simd import fill, fma, lanes, load, offset, scalar, store
from .sliding import Axis, taps_inside, windows_inside
from .sweep import put_all, put_scaled
from .windows import read, write


@helper
def is_depthwise(g):
    """Whether each channel is a group, and has one filter."""
    return g.groups == g.channels and g.groups == g.filters and g.groups > 1


@helper
def _axes(g):
    """How windows slide down and across."""
    return (
        Axis(g.out_height, g.row_stride, g.kernel_height, g.row_dilation, g.top, g.height),
        Axis(g.out_width, g.column_stride, g.kernel_width, g.column_dilation, g.left, g.width),
    )


@helper
def _pixels(four, taps, steps, x, w, start, out, j, c, count):
    """A vector of channels of one pixel, or of four side by side, from the first tap inside on.

    steps: from one row of taps to the next in x and in W, from tap to tap in both, and from one
    pixel's window to the next in x.
    """
    down, w_down, across, w_across, move = steps
    p, q, r, s = start, start, start, start
    for ky in range(taps[0]):
        for kx in range(taps[1]):
            at = ky * down + kx * across + j
            weight = read(w, ky * w_down + kx * w_across + j, count)
            p = fma(read(x, at, count), weight, p)
            if four:
                q = fma(read(x, at + move, count), weight, q)
                r = fma(read(x, at + 2 * move, count), weight, r)
                s = fma(read(x, at + 3 * move, count), weight, s)
    write(out, j, p, count)
    if four:
        write(out, j + c, q, count)
        write(out, j + 2 * c, r, count)
        write(out, j + 3 * c, s, count)


@helper
def _windows(n, down, across, c, x, w, turned, b, has_bias, out):
    """All windows of n images; where W is `turned` round, w points to its last tap."""
    step, line, way = lanes(x), across.size * c, -c if turned else c
    steps = (
        down.dilation * line, way * across.taps, across.dilation * c, way, across.stride * c
    )  # fmt: skip
    for i in range(n * down.windows):
        y = i % down.windows
        up, below = taps_inside(down, y)
        row = i // down.windows * down.size + y * down.stride - down.before + up * down.dilation
        k = 0
        while k < across.windows:
            left, end = taps_inside(across, k)
            four = k + 3 < across.windows and end - left == across.taps
            if four:
                first, last = taps_inside(across, k + 3)
                four = last - first == across.taps
            start = k * across.stride - across.before + left * across.dilation
            p, q = offset(x, row * line + start * c), offset(out, (i * across.windows + k) * c)
            weights, taps = offset(w, way * (up * across.taps + left)), (below - up, end - left)
            none = fill(x, scalar(x, 0.0))
            if c < step:
                begin = read(b, 0, c) if has_bias else none
                _pixels(four, taps, steps, p, weights, begin, q, 0, c, c)
            else:
                for at in range(0, c, step):
                    j = min(at, c - step)
                    begin = read(b, j, None) if has_bias else none
                    _pixels(four, taps, steps, p, weights, begin, q, j, c, None)
            k += 4 if four else 1


@shared
def depthwise(g, n, x, W, b, has_bias, activation, out):
    """`convolution_forward`, an image at a time."""
    down, across = _axes(g)
    size = g.out_height * g.out_width * g.channels
    for i in range(n):
        p, q = offset(x, i * g.height * g.width * g.channels), offset(out, i * size)
        _windows(1, down, across, g.channels, p, W, False, b, has_bias, q)
        activate(activation, q, size, 1, size)


@helper
def _spread(x, w, target, j, count):
    write(target, j, fma(read(x, j, count), read(w, j, count), read(target, j, count)), count)


@shared
def depthwise_input(g, n, W, dout, dx):
    """`convolution_backward_input`: a convolution with W turned round where windows move by one."""
    c, step, (down, across) = g.channels, lanes(dx), _axes(g)
    if g.row_stride == 1 and g.column_stride == 1:
        before = (down.taps - 1) * down.dilation - g.top
        over = (across.taps - 1) * across.dilation - g.left
        rows = Axis(g.height, 1, down.taps, down.dilation, before, g.out_height)
        columns = Axis(g.width, 1, across.taps, across.dilation, over, g.out_width)
        last = offset(W, (down.taps * across.taps - 1) * c)
        _windows(n, rows, columns, c, dout, last, True, W, False, dx)
        return
    put_all(dx, n * g.height * g.width * c, scalar(dx, 0.0))
    for i in range(n * g.out_height):
        y, image = i % g.out_height, i // g.out_height * g.height
        up, below = taps_inside(down, y)
        for k in range(g.out_width):
            left, end = taps_inside(across, k)
            upstream = offset(dout, (i * g.out_width + k) * c)
            for ky in range(up, below):
                row = image + y * down.stride - down.before + ky * down.dilation
                for kx in range(left, end):
                    column = k * across.stride - across.before + kx * across.dilation
                    target = offset(dx, (row * g.width + column) * c)
                    w, whole = offset(W, (ky * across.taps + kx) * c), c // step * step
                    for j in range(0, whole, step):
                        _spread(upstream, w, target, j, None)
                    if whole < c:
                        _spread(
                            offset(upstream, whole), offset(w, whole), offset(target, whole), 0,
                            c - whole,
                        )  # fmt: skip


@helper
def _products(rows, columns, x, line, move, dout, width, c, ones, count):
    """The sum over some pixels of x * dout, or of dout alone for `ones`: in four parts."""
    none = fill(x, scalar(x, 0.0))
    one = fill(x, scalar(x, 1.0))
    p, q, r, s = none, none, none, none
    for y in range(rows):
        a, d, k = offset(x, y * line), offset(dout, y * width), 0
        while k + 3 < columns:
            if ones:
                p, q = p + read(d, 0, count), q + read(d, c, count)
                r, s = r + read(d, 2 * c, count), s + read(d, 3 * c, count)
            else:
                p = fma(read(a, 0, count), read(d, 0, count), p)
                q = fma(read(a, move, count), read(d, c, count), q)
                r = fma(read(a, 2 * move, count), read(d, 2 * c, count), r)
                s = fma(read(a, 3 * move, count), read(d, 3 * c, count), s)
            a, d, k = offset(a, 4 * move), offset(d, 4 * c), k + 4
        while k < columns:
            p = fma(one if ones else read(a, 0, count), read(d, 0, count), p)
            a, d, k = offset(a, move), offset(d, c), k + 1
    return (p + q) + (r + s)


@helper
def _add_products(part, x, line, move, dout, width, c, ones, sums):
    """Add to the sums of all channels, vector by vector, what some pixels have of a tap."""
    step = lanes(x)
    if c < step:
        found = _products(*part, x, line, move, dout, width, c, ones, c)
        store(sums, 0, load(sums, 0) + found)
    else:
        for at in range(0, c, step):
            j = min(at, c - step)
            found = _products(
                *part, offset(x, j), line, move, offset(dout, j), width, c, ones, None
            )
            store(sums, at, load(sums, at) + found)


@shared
def depthwise_weights(g, n, x, dout, factor, add, own, line, first, stop, dW, db, has_bias):
    """`backward_weights` of rows of W, which are taps; `line` is room for a row."""
    c, step, (down, across) = g.channels, lanes(x), _axes(g)
    rows, pitch = stop - first, (c + step - 1) // step * step
    has_bias = has_bias and first == 0
    put_all(own, (rows + 1) * pitch, scalar(x, 0.0))
    for i in range(n):
        image = offset(x, i * g.height * g.width * c)
        upstream = offset(dout, i * g.out_height * g.out_width * c)
        for tap in range(first, stop):
            ky, kx = tap // across.taps, tap % across.taps
            y, bottom = windows_inside(down, ky)
            k, right = windows_inside(across, kx)
            row = y * down.stride - down.before + ky * down.dilation
            column = k * across.stride - across.before + kx * across.dilation
            if y < bottom and k < right:
                _add_products(
                    (bottom - y, right - k), offset(image, (row * g.width + column) * c),
                    down.stride * g.width * c, across.stride * c,
                    offset(upstream, (y * g.out_width + k) * c), g.out_width * c, c, False,
                    offset(own, (tap - first) * pitch),
                )  # fmt: skip
        if has_bias:
            _add_products(
                (1, g.out_height * g.out_width), upstream, 0, 0, upstream, 0, c, True,
                offset(own, rows * pitch),
            )  # fmt: skip
    for r in range(rows + has_bias):
        for at in range(0, c, step):  # the last vector of a row may begin earlier
            store(line, max(0, min(at, c - step)), load(own, r * pitch + at))
        put_scaled(c, line, factor, add, offset(dW, (first + r) * c) if r < rows else db)
