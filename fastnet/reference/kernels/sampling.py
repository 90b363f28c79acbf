"""Negative sampling: inner products with chosen rows of a table, and the draw of the rows."""

import numpy as np


def embedding_dot_forward(W, idx, h, out):
    """Write out[n, k] = W[idx[n K + k]] @ h[n]."""
    out[...] = np.einsum("nkh,nh->nk", W[idx.reshape(out.shape)], h)


def embedding_dot_backward(W, idx, h, dout, dh, dW):
    """Write the gradients of h and of the table; rows taken twice get both gradients."""
    rows = idx.reshape(dout.shape)
    dh[...] = np.einsum("nkh,nk->nh", W[rows], dout)
    dW[...] = 0
    np.add.at(dW, rows, dout[:, :, np.newaxis] * h[:, np.newaxis])


def unigram_sampler_forward(cumulated, p, target, uniform, state, sample):
    """Draw as numpy.random.choice does, from given uniform numbers; state as the kernel's."""
    n, size = sample.shape
    i, at, _ = state
    state[2] = 0
    while i < n:
        row: list[int] = []
        used, left = at, p.copy()
        left[target[i]] = 0
        left /= left.sum()
        while len(row) < size:
            asked = size - len(row)
            if used + asked > len(uniform):
                state[:] = i, at, used + asked - len(uniform) + (n - 1 - i) * size
                return
            left[row] = 0
            sums = np.cumsum(left)
            sums /= sums[-1]
            words = sums.searchsorted(uniform[used : used + asked], side="right")
            row += list(dict.fromkeys(words.tolist()))
            used += asked
        sample[i] = row
        i, at = i + 1, used
    state[:] = i, at, 0
