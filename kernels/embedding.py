"""Embedding: rows of a table by their numbers, and their gradient.

`take_rows` and `add_rows` work on pointers, for the compiled training loop.
"""

from numba import int64

from ._compile import entry, helper, inline, jit, labels, matrix
from .loop.calls import LayerBackward, LayerForward, LayerGradient, address_in
from .nodes import add as add_two
from .simd import get, offset, pointer, pointer_at, put, scalar, stack_buffer
from .sweep import copy, put_all, sweep
from .updates import descend


@helper
def take_rows(n, width, W, idx, out):
    """out[i] = W[idx[i]] for n rows of `width` elements."""
    for i in range(n):
        copy(offset(W, get(idx, i) * width), offset(out, i * width), width)


@helper
def add_rows(n, width, idx, dout, dW):
    """dW[idx[i]] += dout[i] for n rows of `width` elements, in order."""
    for i in range(n):
        target = offset(dW, get(idx, i) * width)
        sweep(add_two, (target,), (target, offset(dout, i * width)), 0, width, ())


@jit(matrix, labels, matrix)
def embedding_forward(W, idx, out):
    """Rows of a table.

        out[n] = W[idx[n]]

    Parameters
    ----------
    W : (V, H) float32 or float64, C-contiguous
    idx : (N,) int64, 0 <= idx[n] < V
        Row numbers; range checked by the caller.
    out : (N, H), same dtype, C-contiguous
        Overwritten. Must not overlap W.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 4.1.2.
    """
    n, width = out.shape
    take_rows(n, width, pointer(W), pointer(idx), pointer(out))


@jit(labels, matrix, matrix)
def embedding_backward(idx, dout, dW):
    """Gradient of the table: rows that were taken twice get both gradients.

        dW[v] = sum of dout[n] over the n with idx[n] == v

    Parameters
    ----------
    idx : (N,) int64, 0 <= idx[n] < V
        Row numbers; range checked by the caller.
    dout : (N, H) float32 or float64, C-contiguous
        Upstream gradient.
    dW : (V, H), same dtype, C-contiguous
        Overwritten. Must not overlap dout.

    Notes
    -----
    Added in the order of idx. Source: Saitoh, Deep Learning from Scratch 2, section 4.1.2.
    """
    n, width = dout.shape
    target = pointer(dW)
    put_all(target, dW.size, scalar(target, 0.0))
    add_rows(n, width, pointer(idx), pointer(dout), target)


# Row numbers that the loop converts at a time: it has them as numbers of the dtype.
BLOCK = 64
BLOCK_BYTES = 8 * BLOCK


@inline
def _row_numbers(x, start, count):
    """The numbers at x[start:], which are of the network's dtype, as integers."""
    idx = pointer_at(address_in(stack_buffer(x, BLOCK_BYTES), 0), int64(0))
    for k in range(count):
        put(idx, k, int64(get(x, start + k)))
    return idx


@entry(LayerForward)
def embedding_in_loop(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
    """Rows of param (V, m // d) by the row numbers in x; state: V."""
    W, numbers = pointer_at(param, like), pointer_at(x, like)
    target, width = pointer_at(out, like), m // d
    for i in range(0, n * d, BLOCK):
        count = min(BLOCK, n * d - i)
        idx = _row_numbers(numbers, i, count)
        take_rows(count, width, W, idx, offset(target, i * width))
    return 0


@entry(LayerBackward)
def embedding_nothing_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """Row numbers have no gradient: dx is not written, and the table's has its own function."""
    return 0


@entry(LayerGradient)
def embedding_gradient_in_loop(
    block, blocks, n, d, m, x, out, param, state, scratch, own, dout, add, target, like
):
    """The gradient of some rows of the table, times `like`; dout is overwritten.

    A row that is taken again adds its gradient to that of its first time in dout, so that added to
    the table itself, by SGD, it touches the rows alone that were taken: of 10,000 words 700 in a
    batch of 20 x 35. scratch: an int64 for each row of the table, where in the batch that was. What
    was there before means nothing: a place counts where it comes earlier and has the same number.
    """
    numbers, rows, dW = pointer_at(x, like), pointer_at(dout, like), pointer_at(target, like)
    places = pointer_at(scratch, int64(0))
    size, width = int64(get(pointer_at(state, like), 0)), m // d
    low, high = size * block // blocks, size * (block + 1) // blocks
    for i in range(n * d):
        row = int64(get(numbers, i))
        if low <= row < high:
            place = get(places, row)
            if 0 <= place < i and int64(get(numbers, place)) == row:
                p = offset(rows, place * width)
                sweep(add_two, (p,), (p, offset(rows, i * width)), 0, width, ())
            else:
                put(places, row, i)
    if not add:
        put_all(offset(dW, low * width), (high - low) * width, scalar(dW, 0.0))
    for i in range(n * d):
        row = int64(get(numbers, i))
        if low <= row < high and get(places, row) == i:
            descend(offset(dW, row * width), offset(rows, i * width), -like, width)
    return 0
