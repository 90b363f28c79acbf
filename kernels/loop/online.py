"""Online learning, one sample an update, for networks so small that a layer is a vector.

A step of 3-4-1 is some 30 vector operations, one waiting for the other. With stages, blocks and
products of matrices it took 0.17 us; here it takes 0.06. A sample's numbers stay in registers where
they can, and the parameters in a copy, a whole vector a row: where they lie packed, rows are
written under a mask, and the CPU does not forward such a store to the next sample's load, which
alone is 40 %.
"""

import math

from numba import float64, int64

from .._compile import entry, helper
from ..activations import activated, differentiated
from ..blocking import BITS
from ..elementary import exp, log
from ..loss_family import is_right
from ..simd import (
    few_lanes,
    fill,
    first_lane,
    fma,
    get,
    is_lane,
    keep_first,
    lanes,
    load,
    load_first,
    max_lanes,
    max_low,
    offset,
    pointer_at,
    put,
    scalar,
    select,
    stack_buffer,
    store,
    store_first,
    sum_lanes,
    sum_low,
)
from ..softmax_rows import is_largest
from .calls import OneByOne
from .gather import gather
from .one_row import is_dense, train_rows
from .record import MEAN_SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY, layer_at, padded

PARAMETER_ROWS = 128  # of all W and b
PARAMETER_BYTES = PARAMETER_ROWS * BITS // 8


@helper
def _sum(x, count):
    """Sum of the first lanes of a vector whose other lanes are 0."""
    return sum_low(x) if count <= few_lanes(x) else sum_lanes(x)


@helper
def _max(x, count):
    """Largest of the first lanes of a vector whose other lanes are -inf."""
    return max_low(x) if count <= few_lanes(x) else max_lanes(x)


@helper
def _shape(layer):
    """Rows and columns of the copy of W: its only column is a row."""
    return (1, layer.inputs) if layer.outputs == 1 else (layer.inputs, layer.outputs)


@helper
def is_plain(program):
    """Whether nothing but dense layers may be in it, a loss that the loop knows, and one rate."""
    return (
        program.loss <= MEAN_SQUARED_ERROR
        and program.rule == 0
        and program.rates == 0
        and program.sparse_forward == 0
        and program.weights == 0
        and program.steps <= 1
    )


@helper
def is_tiny(layers, depth, like):
    """Whether this module can train the network of dense layers: each from and to one vector.

    The first may have more inputs, as they are read one by one; not the only column of a W.
    """
    step, rows = lanes(like), 0
    for i in range(depth):
        layer = layer_at(layers, i)
        d, m = layer.inputs, layer.outputs
        if m > step or (d > step and (i > 0 or m == 1)):
            return False
        rows += _shape(layer)[0] + 1
    return rows <= PARAMETER_ROWS


@helper
def _copy_in(layers, depth, params, rows):
    """Copy each layer's W and b to rows of a vector; returns where they end."""
    step = lanes(rows)
    for i in range(depth):
        layer = layer_at(layers, i)
        d, m = _shape(layer)
        for k in range(d):
            store(rows, k * step, load_first(params, layer.weight + k * m, m))
        rows = offset(rows, d * step)
        store(rows, 0, fill(rows, 0.0))
        if layer.bias >= 0:
            store(rows, 0, load_first(params, layer.bias, layer.outputs))
        rows = offset(rows, step)
    return rows


@helper
def _copy_out(layers, depth, params, rows):
    step = lanes(rows)
    for i in range(depth):
        layer = layer_at(layers, i)
        d, m = _shape(layer)
        for k in range(d):
            store_first(params, layer.weight + k * m, load(rows, k * step), m)
        rows = offset(rows, d * step)
        if layer.bias >= 0:
            store_first(params, layer.bias, load(rows, 0), layer.outputs)
        rows = offset(rows, step)


@helper
def _forward(layers, depth, rows, x):
    """Run the sample at x through the network; outputs follow it, a buffer a layer."""
    step = lanes(x)
    out = load(x, 0)
    for i in range(depth):
        layer = layer_at(layers, i)
        d, m = layer.inputs, layer.outputs
        bias = offset(rows, _shape(layer)[0] * step)
        out = load(bias, 0)
        for k in range(d):
            if m == 1:
                out = fma(fill(x, get(rows, k)), get(x, k), out)
            else:
                out = fma(load(rows, k * step), get(x, k), out)
        out = activated(layer.activation, out)
        x = offset(x, padded(d))
        store(x, 0, out)
        rows = offset(bias, step)
    return out


@helper
def _update(layers, depth, rows, y, gradient, lr):
    """Send the gradient at the last output, at y, down to the first layer; `rows` end there."""
    step, factor = lanes(y), -lr
    for i in range(depth - 1, -1, -1):
        layer = layer_at(layers, i)
        d, m = layer.inputs, layer.outputs
        x = offset(y, -padded(d))
        g = differentiated(layer.activation, load(y, 0), gradient)
        rows = offset(rows, -step)
        if layer.bias >= 0:
            store(rows, 0, fma(g, factor, load(rows, 0)))
        rows = offset(rows, -_shape(layer)[0] * step)
        if m == 1:
            column, one = load(rows, 0), fill(x, first_lane(g))
            gradient = column * one
            store(rows, 0, fma(keep_first(load(x, 0), d, 0.0) * one, factor, column))
        else:
            gradient = fill(x, 0.0)
            for k in range(d):
                row = load(rows, k * step)
                if i > 0:
                    gradient = select(is_lane(x, k), fill(x, _sum(row * g, m)), gradient)
                store(rows, k * step, fma(g * fill(x, get(x, k)), factor, row))
        y = x


@entry(OneByOne)
def one_by_one(
    x_address, x_kind, x_row_stride, labels, targets, order, epochs, size, layers, depth, param,
    loss, scratch, totals, like,
):  # fmt: skip
    """Train on one sample after the other, if all layers are dense. See `calls.OneByOne`.

    By address, so that only who trains so compiles it: it is a tenth of the first training step.
    """
    params, x = pointer_at(param, like), pointer_at(scratch, like)
    if not is_dense(layers, depth):
        return 0
    scale, shift, lr = get(x, 0), get(x, 1), get(x, 2)
    labels, targets = pointer_at(labels, int64(0)), pointer_at(targets, like)
    order, totals = pointer_at(order, int64(0)), pointer_at(totals, float64(0))
    if not is_tiny(layers, depth, x):
        train_rows(
            x_address, x_kind, x_row_stride, labels, targets, order, epochs, size, layers, depth,
            params, loss, x, totals, scale, shift, lr,
        )  # fmt: skip
        return 1
    d, m = layer_at(layers, 0).inputs, layer_at(layers, depth - 1).outputs
    y = x
    for i in range(depth):
        y = offset(y, padded(layer_at(layers, i).inputs))
    parameter_rows = stack_buffer(x, PARAMETER_BYTES)
    end = _copy_in(layers, depth, params, parameter_rows)
    epoch, start = 0, 0
    while epoch < epochs and size > 0:
        rows = offset(order, epoch * size + start)
        gather(
            x_address, x_kind, x_row_stride, scale, shift, rows, 1,
            (epochs - epoch) * size - start, d, x,
        )  # fmt: skip
        out = _forward(layers, depth, parameter_rows, x)
        if loss == SOFTMAX_CROSS_ENTROPY:
            label = get(labels, get(rows, 0))
            logits = keep_first(out, m, -math.inf)
            largest = _max(logits, m)
            e = exp(logits - largest)
            total = _sum(e, m)
            softmax = e * (scalar(x, 1.0) / total)
            gradient = select(is_lane(x, label), softmax - 1.0, softmax)
            cost = first_lane(log(fill(x, total))) - (get(y, label) - largest)
            correct = is_largest(y, m, label)
        else:
            target = offset(targets, get(rows, 0) * m)
            gradient = keep_first(out - load_first(target, 0, m), m, 0.0)
            cost = _sum(0.5 * gradient * gradient, m)
            correct = is_right(y, target, m)
        if not math.isfinite(cost):
            break
        _update(layers, depth, end, y, gradient, lr)
        done = offset(totals, 3 * epoch)
        put(done, 0, get(done, 0) + cost)
        put(done, 1, get(done, 1) + correct)
        put(done, 2, get(done, 2) + 1.0)
        start += 1
        if start == size:
            epoch, start = epoch + 1, 0
    _copy_out(layers, depth, params, parameter_rows)
    return 1
