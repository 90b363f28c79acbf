"""The products of `sparse.py` for the compiled loop: of a first layer whose x is mostly zeros.

Functions by address, so that only a network with such data compiles them. The rest of a product,
and all of it where they return 0, is for the loop to make as of any x.
"""

from .._compile import entry
from ..simd import pointer_at
from ..sparse import sparse_backward_params, sparse_forward
from .calls import SparseBackward, SparseForward


@entry(SparseForward)
def forward(n, d, m, x, W, b, activation, out, like):
    """Return how many rows of out = activation(x @ W + b) it made. See `sparse.sparse_forward`."""
    return sparse_forward(
        n, d, m, pointer_at(x, like), pointer_at(W, like), pointer_at(b, like),
        activation, pointer_at(out, like),
    )  # fmt: skip


@entry(SparseBackward)
def backward_params(n, rows, m, x, d, dout, add, dW, db, like):
    """Return how many rows of dW it made. See `sparse.sparse_backward_params`."""
    return sparse_backward_params(
        n, rows, m, pointer_at(x, like), d, pointer_at(dout, like), like, add != 0,
        pointer_at(dW, like), pointer_at(db, like), db != 0,
    )  # fmt: skip
