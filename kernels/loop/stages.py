"""What a batch goes through: a stack forward, its loss, the stack backward, and the update.

A batch has two stages. First each member of the team takes some of its rows through the whole
stack and back; then it updates some rows of the weights. Work is divided by output, so the results
are the same bits for any number of members.
"""

from .. import affine
from .._compile import helper, inline
from ..activations import IDENTITY, activate, differentiate
from ..dropout import layer_seed
from ..loss_family import is_right
from ..losses import squared_error_gradient_row, squared_error_row
from ..simd import get, offset, put, scalar
from ..softmax_rows import softmax_gradient
from ..sweep import copy
from ..updates import descend
from .blocks import W_UNIT, cut, vectors_of
from .calls import (
    LayerBackward,
    LayerForward,
    LayerGradient,
    Loss,
    SparseBackward,
    SparseForward,
    address_in,
    call,
)
from .record import (
    MEAN_SQUARED_ERROR,
    SOFTMAX_CROSS_ENTROPY,
    layer_at,
    padded,
    steps_of,
    width_out,
)
from .scratch import scratch_after

MANY_LOSSES = 256


@inline
def forward(
    first, n, size, layers, depth, batch_size, params, x, out, scratch, own, state, seed, update,
    learn, sparse,
):  # fmt: skip
    """Run rows first : first + n of a batch of `size` through the stack.

    Outputs follow each other after x; the last one goes to `out`. Where `sparse` is the address of
    a function, it makes as many rows of the first product as it can.
    """
    for i in range(depth):
        layer = layer_at(layers, i)
        d, m, steps = layer.inputs, layer.outputs, steps_of(layer)
        y = out if i == depth - 1 else offset(x, padded(batch_size * steps * d))
        rows, results = offset(x, first * steps * d), offset(y, first * steps * m)
        count = n * steps
        if layer.forward != 0:
            call(
                layer.forward,
                LayerForward(
                    learn=int(learn), seed=layer_seed(seed, update, i), first=first, n=n,
                    size=size, d=d, m=m, x=address_in(rows, 0),
                    param=address_in(params, layer.weight), state=address_in(state, layer.state),
                    scratch=address_in(scratch, 0), own=address_in(own, 0),
                    out=address_in(results, 0),
                ),
                scalar(x, 0.0),
            )  # fmt: skip
        elif layer.weight >= 0:
            W, b = offset(params, layer.weight), offset(params, layer.bias)
            done = 0
            if i == 0 and sparse != 0:
                done = call(
                    sparse,
                    SparseForward(
                        n=count, d=d, m=m, x=address_in(rows, 0), W=address_in(W, 0),
                        b=address_in(b, 0), activation=layer.activation,
                        out=address_in(results, 0),
                    ),
                    scalar(x, 0.0),
                )  # fmt: skip
            if done < count:
                affine.forward(
                    count - done, d, m, offset(rows, done * d), W, b, layer.bias >= 0,
                    layer.activation, offset(results, done * m),
                )  # fmt: skip
        else:
            copy(rows, results, count * d)
            activate(layer.activation, results, m, count, m)
        x = y
        scratch = offset(scratch, scratch_after(layer, batch_size))


@inline
def backward(
    first, n, size, layers, depth, batch_size, params, out, gradients, scratch, own, grads, state,
    seed, update, lowest,
):  # fmt: skip
    """Send the gradient at rows first : first + n of the last output down to the lowest layer's.

    `out` is the last output. The gradient at any output stands `gradients` elements after it.
    Layers by address leave the gradients of their parameters in `grads`.
    """
    y = out
    last = layer_at(layers, depth - 1)
    m, count = last.outputs, n * steps_of(last)
    rows = offset(y, first * width_out(last))
    differentiate(last.activation, rows, offset(rows, gradients), m, count, m)
    for i in range(depth):
        scratch = offset(scratch, scratch_after(layer_at(layers, i), batch_size))
    for i in range(depth - 1, lowest - 1, -1):
        layer = layer_at(layers, i)
        if i == lowest and layer.forward == 0:
            break
        d, m, steps = layer.inputs, layer.outputs, steps_of(layer)
        below = layer_at(layers, i - 1).activation if i > lowest else IDENTITY
        x = offset(y, -padded(batch_size * steps * d))
        rows, count = offset(x, first * steps * d), n * steps
        dout, dx = offset(y, gradients + first * steps * m), offset(rows, gradients)
        scratch = offset(scratch, -scratch_after(layer, batch_size))
        if layer.forward != 0:
            call(
                layer.backward,
                LayerBackward(
                    seed=layer_seed(seed, update, i), first=first, n=n, size=size, d=d, m=m,
                    x=address_in(rows, 0), out=address_in(offset(y, first * m), 0),
                    param=address_in(params, layer.weight), state=address_in(state, layer.state),
                    scratch=address_in(scratch, 0), own=address_in(own, 0),
                    dout=address_in(dout, 0), dx=0 if i == lowest else address_in(dx, 0),
                    grad=address_in(grads, layer.weight),
                ),
                scalar(x, 0.0),
            )  # fmt: skip
            differentiate(below, rows, dx, d, n, d)
        elif layer.weight >= 0:
            W = offset(params, layer.weight)
            affine.backward_input(count, d, m, dout, W, rows, below, dx)
        else:
            copy(dout, dx, count * d)
            differentiate(below, rows, dx, d, count, d)
        y = x


@inline
def update(
    block, blocks, n, layers, depth, batch_size, params, x, gradients, lr, fused, grads, scratch,
    own, state, sparse,
):  # fmt: skip
    """Update a part of the weights from the gradients that `backward` left, in one pass.

    Where that is not wanted, write their gradients to `grads` instead.

    The rows of all W, one layer's after the other's, are cut into blocks of about the same work:
    that of a row is its vectors, as 10 columns take as long as 16. A bias goes with its layer's
    first row. Layers by address cut theirs themselves. `sparse` as for `forward`.
    """
    target = params if fused else grads
    factor = -lr if fused else scalar(x, 1.0)
    start, end = 0, 0
    if blocks > 1:
        vectors = 0
        for i in range(depth):
            layer = layer_at(layers, i)
            if layer.weight >= 0 and layer.forward == 0 and layer.frozen == 0:
                vectors += layer.inputs * vectors_of(x, layer.outputs)
        start, end = block * vectors // blocks, (block + 1) * vectors // blocks
    for i in range(depth):
        layer = layer_at(layers, i)
        d, m, steps = layer.inputs, layer.outputs, steps_of(layer)
        y = offset(x, padded(batch_size * steps * d))
        if layer.frozen != 0:
            pass
        elif layer.gradient != 0:
            call(
                layer.gradient,
                LayerGradient(
                    block=block, blocks=blocks, n=n, d=d, m=m, x=address_in(x, 0),
                    out=address_in(y, 0), param=address_in(params, layer.weight),
                    state=address_in(state, layer.state), scratch=address_in(scratch, 0),
                    own=address_in(own, 0), dout=address_in(y, gradients), add=1 if fused else 0,
                    target=address_in(target, layer.weight),
                ),
                factor,
            )  # fmt: skip
        elif layer.forward != 0:
            if fused and block == 0:
                param, grad = offset(params, layer.weight), offset(grads, layer.weight)
                descend(param, grad, lr, layer.count)
        elif layer.weight >= 0:
            first, stop, width = 0, d, vectors_of(x, m)
            if blocks > 1:
                # One column is a row of the transpose, whose bits depend on its length: not cut.
                unit = W_UNIT if m > 1 else d
                first = cut(start // width, d, unit)
                stop = cut(end // width, d, unit)
            if stop > first:
                W = offset(target, layer.weight + first * m)
                b, has_bias = offset(target, layer.bias), layer.bias >= 0 and first == 0
                rows, dout = offset(x, first), offset(y, gradients)
                done = 0
                if i == 0 and sparse != 0:
                    done = call(
                        sparse,
                        SparseBackward(
                            n=n * steps, rows=stop - first, m=m, x=address_in(rows, 0), d=d,
                            dout=address_in(dout, 0), add=1 if fused else 0, dW=address_in(W, 0),
                            db=address_in(b, 0) if has_bias else 0,
                        ),
                        factor,
                    )  # fmt: skip
                affine.backward_params(
                    n * steps, d, m, offset(rows, done), dout, factor, fused,
                    offset(W, done * m), b, has_bias and done == 0, stop - first - done,
                )  # fmt: skip
            start, end = start - d * width, end - d * width
        x = y
        scratch = offset(scratch, scratch_after(layer, batch_size))


@helper
def _squared_error(n, size, columns, rows, targets, y, gradient, losses):
    """Write the losses of n rows, of a batch of `size`, and return how many answers are correct.

    gradient = d mean loss of the batch / d y
    """
    one, size = scalar(y, 1.0), scalar(y, size)
    correct = 0
    for i in range(n):
        out, target = offset(y, i * columns), offset(targets, get(rows, i) * columns)
        correct += is_right(out, target, columns)
        put(losses, i, squared_error_row(out, target, columns))
        dx = offset(gradient, i * columns)
        squared_error_gradient_row(out, target, columns, one, size, dx)
    return correct


@helper
def losses_of(program, n, size, columns, y, targets, labels, rows, gradient, losses):
    """Write the losses of n rows y, of a batch of `size`, and the gradient of its mean loss.

    All but numbers are pointers; the arguments are those of `calls.Loss`. Returns how many answers
    are right, as that does.
    """
    if program.loss == SOFTMAX_CROSS_ENTROPY:
        scale = scalar(y, 1.0) / scalar(y, size)
        return softmax_gradient(n, columns, y, labels, rows, scale, gradient, losses)
    if program.loss == MEAN_SQUARED_ERROR:
        return _squared_error(n, size, columns, rows, targets, y, gradient, losses)
    return call(
        program.loss,
        Loss(
            n=n, size=size, columns=columns, y=address_in(y, 0), targets=address_in(targets, 0),
            labels=address_in(labels, 0), rows=address_in(rows, 0), numbers=program.loss_numbers,
            dx=address_in(gradient, 0), losses=address_in(losses, 0),
        ),
        scalar(y, 0.0),
    )  # fmt: skip


@helper
def sum_of_losses(losses, n):
    """Sum of n losses, in float64 and in order; of many, four sums that do not wait for another."""
    total = second = third = fourth = 0.0
    fours = n // 4 * 4 if n >= MANY_LOSSES else 0
    for i in range(0, fours, 4):
        total += get(losses, i)
        second += get(losses, i + 1)
        third += get(losses, i + 2)
        fourth += get(losses, i + 3)
    total = (total + second) + (third + fourth)
    for i in range(fours, n):
        total += get(losses, i)
    return total
