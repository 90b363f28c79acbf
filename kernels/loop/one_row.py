"""One sample an update, for dense layers of any width: each W goes by once a sample.

The update of a sample waits for the next one: a pass over W adds the outer product to its rows and
multiplies the rows, as they are now, by the next sample's input. W is in the second cache then,
and is read twice and written once where forward and update each have a pass: 784-100-10 takes 0.6
of that time.
"""

import math

from .._compile import helper
from ..activations import activate, differentiate
from ..dots import dots
from ..elementary import log
from ..loss_family import is_right
from ..losses import squared_error_gradient_row, squared_error_row
from ..simd import (
    fill,
    first_lane,
    fma,
    get,
    keep_first,
    lanes,
    load,
    load_first,
    offset,
    put,
    scalar,
    select,
    store,
    store_first,
    sum_lanes,
)
from ..softmax_rows import is_largest, softmax_gradient_row
from ..sweep import copy, fold, put_all, sweep
from .gather import gather
from .record import ALIGNMENT, SOFTMAX_CROSS_ENTROPY, layer_at, padded


@helper
def is_dense(layers, depth):
    """Whether all layers are dense, and learn."""
    for i in range(depth):
        layer = layer_at(layers, i)
        if layer.forward != 0 or layer.weight < 0 or layer.frozen != 0 or layer.steps > 1:
            return False
    return True


@helper
def rows_size(layers, depth):
    """Elements of scratch: inputs of all layers and the output, old and new, and gradients."""
    return 3 * _span(layers, depth) + ALIGNMENT


@helper
def _span(layers, depth):
    size = padded(layer_at(layers, 0).inputs)
    for i in range(depth):
        size += padded(layer_at(layers, i).outputs)
    return size


@helper
def _moved(w, step, factor):
    return fma(step, factor, w)


@helper
def _dot(total, w, x):
    return fma(w, x, total)


@helper
def _scaled(w, factor):
    return w * factor


@helper
def _step_column(d, W, x, factor, learns, x_new, out):
    """`_step` for one output, whose W is a vector; factor is times the gradient."""
    if learns:
        sweep(_moved, (W,), (W, x), 0, d, (factor,))
    put(out, 0, get(out, 0) + sum_lanes(fold(_dot, fill(W, 0.0), (W, x_new), 0, d, ())))


@helper
def _step_narrow(d, m, W, x, g, factor, learns, x_new, out):
    """`_step` for rows that do not fill a vector, which stands for a row and what is behind it.

    What is behind a row is written as it was, and the next row over it. The first of four rows is
    loaded before the last of the four before is stored: a load waits for a store that it shares
    some elements with, and not all.
    """
    step = lanes(W)
    whole = max(0, d - (step + m - 1) // m) // 4 * 4  # rows whose vectors, and the next, end in W
    is_ours, h = keep_first(fill(W, 1.0), m, 0.0) > 0.0, load(g, 0)
    s0 = load(out, 0)
    s1 = s2 = s3 = fill(W, 0.0)
    if whole > 0:
        w0 = load(W, 0)
        for k in range(0, whole, 4):
            p = offset(W, k * m)
            w1, w2, w3, head = load(p, m), load(p, 2 * m), load(p, 3 * m), load(p, 4 * m)
            if learns:
                w0 = select(is_ours, fma(h, get(x, k) * factor, w0), w0)
                w1 = select(is_ours, fma(h, get(x, k + 1) * factor, w1), w1)
                w2 = select(is_ours, fma(h, get(x, k + 2) * factor, w2), w2)
                w3 = select(is_ours, fma(h, get(x, k + 3) * factor, w3), w3)
                store(p, 0, w0)
                store(p, m, w1)
                store(p, 2 * m, w2)
                store(p, 3 * m, w3)
            s0, s1 = fma(w0, get(x_new, k), s0), fma(w1, get(x_new, k + 1), s1)
            s2, s3 = fma(w2, get(x_new, k + 2), s2), fma(w3, get(x_new, k + 3), s3)
            w0 = head
    for k in range(whole, d):
        w = load_first(W, k * m, m)
        if learns:
            w = fma(h, get(x, k) * factor, w)
            store_first(W, k * m, w, m)
        s0 = fma(w, get(x_new, k), s0)
    store(out, 0, keep_first((s0 + s1) + (s2 + s3), m, 0.0))


@helper
def _one_row(m, W, x, g, learns, x_new, out):
    """A row of W; x is times the factor."""
    step = lanes(W)
    full = m - m % step
    u, total = load(W, m - step), load(out, m - step)
    if learns:
        u = fma(load(g, m - step), x, u)
    for j in range(0, full, step):
        w = load(W, j)
        if learns:
            w = fma(load(g, j), x, w)
            store(W, j, w)
        store(out, j, fma(w, x_new, load(out, j)))
    if full < m:
        if learns:
            store(W, m - step, u)
        store(out, m - step, fma(u, x_new, total))


@helper
def _step_wide(d, m, W, x, g, factor, learns, x_new, out, end):
    """`_step` for rows of at least a vector, four at a time; `end` has room for a vector.

    The last vector of a row overlaps the one before: it is made before any other of these rows is
    written, and its sums stand in `end`.
    """
    step = lanes(W)
    full, last = m - m % step, m - step
    store(end, 0, load(out, last))
    for k in range(0, d - d % 4, 4):
        a0, a1 = fill(x, get(x, k) * factor), fill(x, get(x, k + 1) * factor)
        a2, a3 = fill(x, get(x, k + 2) * factor), fill(x, get(x, k + 3) * factor)
        c0, c1 = fill(x, get(x_new, k)), fill(x, get(x_new, k + 1))
        c2, c3 = fill(x, get(x_new, k + 2)), fill(x, get(x_new, k + 3))
        p0 = offset(W, k * m)
        p1, p2, p3 = offset(p0, m), offset(p0, 2 * m), offset(p0, 3 * m)
        u0, u1, u2, u3 = load(p0, last), load(p1, last), load(p2, last), load(p3, last)
        if learns:
            h = load(g, last)
            u0, u1, u2, u3 = fma(a0, h, u0), fma(a1, h, u1), fma(a2, h, u2), fma(a3, h, u3)
        for j in range(0, full, step):
            w0, w1, w2, w3 = load(p0, j), load(p1, j), load(p2, j), load(p3, j)
            if learns:
                h = load(g, j)
                w0, w1, w2, w3 = fma(a0, h, w0), fma(a1, h, w1), fma(a2, h, w2), fma(a3, h, w3)
                store(p0, j, w0)
                store(p1, j, w1)
                store(p2, j, w2)
                store(p3, j, w3)
            store(out, j, load(out, j) + (fma(c1, w1, c0 * w0) + fma(c3, w3, c2 * w2)))
        if full < m:
            if learns:
                store(p0, last, u0)
                store(p1, last, u1)
                store(p2, last, u2)
                store(p3, last, u3)
            store(end, 0, load(end, 0) + (fma(c1, u1, c0 * u0) + fma(c3, u3, c2 * u2)))
    if full < m:
        store(out, last, load(end, 0))
    for k in range(d - d % 4, d):
        p = offset(W, k * m)
        _one_row(m, p, get(x, k) * factor, g, learns, get(x_new, k), out)


@helper
def _step(layer, params, x, g, factor, learns, x_new, out, end):
    """W += factor * outer(x, g) and b += factor * g, if it `learns`; out = x_new @ W + b, then."""
    d, m, W = layer.inputs, layer.outputs, offset(params, layer.weight)
    if layer.bias >= 0:
        b = offset(params, layer.bias)
        if learns:
            sweep(_moved, (b,), (b, g), 0, m, (factor,))
        copy(b, out, m)
    else:
        put_all(out, m, scalar(out, 0.0))
    if m == 1:
        _step_column(d, W, x, factor * get(g, 0), learns, x_new, out)
    elif m < lanes(W):
        _step_narrow(d, m, W, x, g, factor, learns, x_new, out)
    else:
        _step_wide(d, m, W, x, g, factor, learns, x_new, out, end)
    activate(layer.activation, out, m, 1, m)


@helper
def _forward(layers, depth, params, x, g, factor, learns, x_new, end):
    """Update all layers from the last sample, and run the next one through them.

    Inputs and outputs follow each other behind x and x_new, and gradients behind g, where the input
    has none.
    """
    for i in range(depth):
        layer = layer_at(layers, i)
        size = padded(layer.inputs)
        g, out = offset(g, size), offset(x_new, size)
        _step(layer, params, x, g, factor, learns, x_new, out, end)
        x, x_new = offset(x, size), out


@helper
def _backward(layers, depth, params, y, g):
    """Send the gradient g at the last output y down to the first layer's output."""
    for i in range(depth - 1, -1, -1):
        layer = layer_at(layers, i)
        d, m, W = layer.inputs, layer.outputs, offset(params, layer.weight)
        differentiate(layer.activation, y, g, m, 1, m)
        if i == 0:
            break
        y, dx = offset(y, -padded(d)), offset(g, -padded(d))
        if m == 1:
            sweep(_scaled, (dx,), (W,), 0, d, (get(g, 0),))
        else:
            dots(d, 1, m, W, m, g, m, dx, 1, 1, scalar(g, 1.0), dx, 1, 1, False)
        g = dx


@helper
def train_rows(
    x_address, x_kind, x_row_stride, labels, targets, order, epochs, size, layers, depth, params,
    loss, work, totals, scale, shift, lr,
):  # fmt: skip
    """Train on one sample after the other. Arguments are those of `calls.OneByOne`, or pointers."""
    one, span = scalar(work, 1.0), _span(layers, depth)
    put_all(work, rows_size(layers, depth), scalar(work, 0.0))
    x, x_new, g = work, offset(work, span), offset(work, 2 * span)
    end = offset(work, 3 * span)
    d, m = layer_at(layers, 0).inputs, layer_at(layers, depth - 1).outputs
    last = span - padded(m)
    learns, epoch, start = False, 0, 0
    while epoch < epochs and size > 0:
        rows = offset(order, epoch * size + start)
        gather(
            x_address, x_kind, x_row_stride, scale, shift, rows, 1,
            (epochs - epoch) * size - start, d, x_new,
        )  # fmt: skip
        _forward(layers, depth, params, x, g, -lr, learns, x_new, end)
        y, gradient = offset(x_new, last), offset(g, last)
        if loss == SOFTMAX_CROSS_ENTROPY:
            label = get(labels, get(rows, 0))
            correct = is_largest(y, m, label)
            total, margin = softmax_gradient_row(y, m, label, one, gradient)
            cost = first_lane(log(fill(y, total))) - margin
        else:
            target = offset(targets, get(rows, 0) * m)
            correct = is_right(y, target, m)
            cost = squared_error_row(y, target, m)
            squared_error_gradient_row(y, target, m, one, one, gradient)
        learns = math.isfinite(cost)
        if not learns:
            break
        _backward(layers, depth, params, y, gradient)
        done = offset(totals, 3 * epoch)
        put(done, 0, get(done, 0) + cost)
        put(done, 1, get(done, 1) + correct)
        put(done, 2, get(done, 2) + 1.0)
        x, x_new = x_new, x
        start += 1
        if start == size:
            epoch, start = epoch + 1, 0
    if learns:
        _forward(layers, depth, params, x, g, -lr, learns, x_new, end)
