"""Several stacks on the output of one layer, each with a loss of its own.

To the loop they are one layer by address, the last, whose outputs of a sample are those of all
heads, one after the other, and one loss by address. Inside they are what the loop is made of: each
head goes through `stages` with records of its own, behind a copy of its input.

The layer's `state` lies outside of what layers remember: it is the address of the first HEAD. So is
what the loss has for its numbers.
"""

from numba import float64, int64

from .._compile import entry, helper
from ..simd import fill, get, offset, pointer_at, put, scalar, stack_buffer
from ..sweep import copy, sweep
from .calls import LayerBackward, LayerForward, LayerGradient, Loss, address_in
from .record import head_at, layer_at, padded, steps_of, width_out
from .scratch import scratch_after
from .stages import backward, forward, losses_of, sum_of_losses, update
from .weights import count_rows, weighted_losses_of


@helper
def _outputs_at(head, size, d):
    """Where in a head's scratch its last output stands, behind its input and all the others."""
    at = padded(size * d)
    for i in range(head.depth - 1):
        at += padded(size * width_out(layer_at(head.layers, i)))
    return at


@helper
def _gradients(head, size, d):
    """Elements from an output in a head's scratch to its gradient."""
    return _outputs_at(head, size, d) + padded(size * head.columns)


@helper
def _scratch_size(head, size, d):
    """Elements of scratch that a head works in, for a batch of `size`."""
    count = 2 * _gradients(head, size, d)
    for i in range(head.depth):
        count += scratch_after(layer_at(head.layers, i), size)
    return count


@helper
def _copy_rows(source, source_row, target, target_row, n, columns):
    """Copy n rows of so many columns, which stand so many elements apart."""
    for i in range(n):
        if columns == 1:
            put(target, i * target_row, get(source, i * source_row))
        else:
            copy(offset(source, i * source_row), offset(target, i * target_row), columns)


@entry(LayerForward)
def branches_in_loop(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
    """Rows through each head, whose outputs are written side by side."""
    rows, results, column = pointer_at(x, like), pointer_at(out, like), 0
    work, alone = pointer_at(scratch, like), pointer_at(own, like)
    for j in range(head_at(state, 0).count):
        head = head_at(state, j)
        columns, last = head.columns, offset(work, _outputs_at(head, size, d))
        copy(rows, offset(work, first * d), n * d)
        forward(
            first, n, size, head.layers, head.depth, size,
            offset(pointer_at(param, like), -head.start), work, last,
            offset(work, 2 * _gradients(head, size, d)), alone, pointer_at(head.states, like),
            seed, j, learn, 0,
        )  # fmt: skip
        rows_out = offset(last, first * columns)
        _copy_rows(rows_out, columns, offset(results, column), m, n, columns)
        column += columns
        work = offset(work, _scratch_size(head, size, d))
    return 0


@helper
def _sum(x, y):
    return x + y


@entry(LayerBackward)
def branches_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """The sum of the heads' gradients, in their order; where nobody wants it, down to their own."""
    work, alone, column = pointer_at(scratch, like), pointer_at(own, like), 0
    target = pointer_at(dx, like)
    for j in range(head_at(state, 0).count):
        head = head_at(state, j)
        columns, gradients = head.columns, _gradients(head, size, d)
        last = offset(work, _outputs_at(head, size, d))
        if dx != 0 or head.lowest < head.depth:
            of_last = offset(last, gradients + first * columns)
            _copy_rows(offset(pointer_at(dout, like), column), m, of_last, columns, n, columns)
            # Below its first layer there is the record that is none, and the gradient of its input.
            backward(
                first, n, size, head.layers, head.depth, size,
                offset(pointer_at(param, like), -head.start), last, gradients,
                offset(work, 2 * gradients), alone, offset(pointer_at(grad, like), -head.start),
                pointer_at(head.states, like), seed, j, head.lowest if dx == 0 else -1,
            )  # fmt: skip
        if dx != 0:
            own_dx = offset(work, gradients + first * d)
            if j == 0:
                copy(own_dx, target, n * d)
            else:
                sweep(_sum, (target,), (target, own_dx), 0, n * d, ())
        column += columns
        work = offset(work, _scratch_size(head, size, d))
    return 0


@entry(LayerGradient)
def branches_update_in_loop(
    block, blocks, n, d, m, x, out, param, state, scratch, own, dout, add, target, like
):
    """The gradient of all heads' parameters, or their update."""
    work, alone = pointer_at(scratch, like), pointer_at(own, like)
    for j in range(head_at(state, 0).count):
        head = head_at(state, j)
        gradients = _gradients(head, n, d)
        update(
            block, blocks, n, head.layers, head.depth, n,
            offset(pointer_at(param, like), -head.start), work, gradients, -like, add != 0,
            pointer_at(head.grads, like), offset(work, 2 * gradients), alone,
            pointer_at(head.states, like), 0,
        )  # fmt: skip
        work = offset(work, _scratch_size(head, n, d))
    return 0


@helper
def _times(x, weight):
    return x * weight


@helper
def _counted(head, like, rows, size):
    """How many rows of a head's loss count, in the whole batch of which `rows` are some."""
    if head.weights == 0:
        return size * steps_of(head)
    if head.order != 0:
        first = pointer_at(head.order, int64(0))
        element = address_in(first, 1) - address_in(first, 0)
        place = (address_in(rows, 0) - head.order) // element % head.samples
        rows = offset(rows, -(place % head.batch_size))
    return count_rows(head, like, rows, size)


ROWS, ELEMENTS = 128, 1024  # of a head that go through its loss at a time, in 20 KB of the stack


@entry(Loss)
def branches_loss_in_loop(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """The losses of samples, each the sum of the heads', times their shares.

    The outputs of a head do not stand side by side: some samples' at a time are copied together.
    One by one 64-32 with heads of 10 and 1 took 2.9 times as long as 64-32-10, so 1.6 times.
    """
    order, mean = pointer_at(rows, int64(0)), pointer_at(losses, like)
    own_y, own_dx = stack_buffer(mean, 8192), stack_buffer(mean, 8192)
    costs, own_rows = stack_buffer(mean, 1024), stack_buffer(order, 1024)
    for i in range(n):
        put(mean, i, like - like)
    column, right = 0, 0
    for j in range(head_at(numbers, 0).count):
        head = head_at(numbers, j)
        steps, width = steps_of(head), head.columns // steps_of(head)
        counted, share = _counted(head, like, order, size), scalar(mean, head.loss_weight)
        of_labels, of_targets = pointer_at(head.labels, int64(0)), pointer_at(head.targets, like)
        results = pointer_at(head.results + (rows - head.order) * 2, float64(0))
        # In an epoch as if all counted: whoever has its totals knows how many do.
        factor = head.loss_weight / (steps if head.order != 0 else max(counted, 1) / size)
        most = max(1, min(ROWS // steps, ELEMENTS // head.columns))
        start = 0
        while start < n:
            count, correct = min(most, n - start), 0
            there = start * columns + column
            from_y, to_dx = offset(pointer_at(y, like), there), offset(pointer_at(dx, like), there)
            out, gradient = from_y, to_dx
            if count > 1:
                out, gradient = own_y, own_dx
                _copy_rows(from_y, columns, out, head.columns, count, head.columns)
            for i in range(count if head.order != 0 else 0):
                put(results, 2 * (start + i), 0.0)
                put(results, 2 * (start + i) + 1, 0.0)
            step = 0
            while step < steps:  # once, where there are several samples
                some, of_loss = min(steps - step, ROWS), offset(order, start)
                if steps > 1:
                    of_loss = own_rows
                    for i in range(count * some):
                        sample = get(order, start + i // some)
                        put(of_loss, i, sample * steps + step + i % some)
                out_of, dx_of = offset(out, step * width), offset(gradient, step * width)
                if head.weights == 0:
                    correct += losses_of(
                        head, count * some, counted, width, out_of, of_targets, of_labels, of_loss,
                        dx_of, costs,
                    )  # fmt: skip
                else:
                    correct += weighted_losses_of(
                        head, count * some, counted, width, out_of, of_targets, of_labels, of_loss,
                        dx_of, costs,
                    )  # fmt: skip
                for i in range(count):
                    total = sum_of_losses(offset(costs, i * some), some)
                    before = get(mean, start + i)
                    put(mean, start + i, before + scalar(mean, factor * total))
                    if head.order != 0:
                        at = 2 * (start + i)
                        put(results, at, get(results, at) + total)
                step += some
            if head.order != 0:
                put(results, 2 * start + 1, float64(correct))  # of all of these samples
            if head.loss_weight != 1.0:
                elements = count * head.columns
                sweep(_times, (gradient,), (gradient,), 0, elements, (fill(costs, share),))
            if count > 1:
                _copy_rows(gradient, head.columns, to_dx, columns, count, head.columns)
            right += correct
            start += count
        column += head.columns
    return right
