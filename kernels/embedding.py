"""Embedding: rows of a table by their numbers, and their gradient.

`take_rows` and `add_rows` work on pointers, for the compiled training loop.
"""

from ._compile import helper, jit, labels, matrix
from .nodes import add
from .simd import get, offset, pointer, scalar
from .sweep import copy, put_all, sweep


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
        sweep(add, (target,), (target, offset(dout, i * width)), 0, width, ())


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
