"""Embedding: rows of a table by their numbers, and their gradient.

`take_rows` and `add_rows` work on pointers, for the compiled training loop.
"""

from ._jit import helper, jit
from .simd import fill, get, lanes, load, load_first, offset, pointer, store, store_first


@helper
def take_rows(n, width, W, idx, out):
    """out[i] = W[idx[i]] for n rows of `width` elements."""
    step = lanes(W)
    full = width - width % step
    for i in range(n):
        source, target = offset(W, get(idx, i) * width), offset(out, i * width)
        for j in range(0, full, step):
            store(target, j, load(source, j))
        if full < width:
            store_first(target, full, load_first(source, full, width - full), width - full)


@helper
def add_rows(n, width, idx, dout, dW):
    """dW[idx[i]] += dout[i] for n rows of `width` elements, in order."""
    step = lanes(dW)
    full = width - width % step
    for i in range(n):
        source, target = offset(dout, i * width), offset(dW, get(idx, i) * width)
        for j in range(0, full, step):
            store(target, j, load(target, j) + load(source, j))
        if full < width:
            rest = width - full
            row = load_first(target, full, rest) + load_first(source, full, rest)
            store_first(target, full, row, rest)


@helper
def clear(p, size):
    """p[:size] = 0."""
    step = lanes(p)
    zero = fill(p, 0.0)
    full = size - size % step
    for i in range(0, full, step):
        store(p, i, zero)
    if full < size:
        store_first(p, full, zero, size - full)


@jit
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


@jit
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
    clear(pointer(dW), dW.size)
    add_rows(n, width, pointer(idx), pointer(dout), pointer(dW))
