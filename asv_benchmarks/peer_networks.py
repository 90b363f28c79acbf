"""Networks that peers.py measures: widths, weights, data, and the rows of each batch."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

TABLE = (
    "3-4-2/4 64-32-10/32 784-16-16-10/32 784-50-10/100 784-100-100-100-100-10/100 "
    "784-512-512-10/128 784-1024-1024-10/256"
).split()
XOR = "3-4-1/1"  # the textbook's, in float64

GRID = """
1-1-2/1 1-16-2/32 2-3-2/7 3-4-1/1 3-4-2/1 3-4-2/4 4-10-3/16 5-1-3/13 7-7-7/7 13-7-3/5 13-13-1/64
8-8-8-8-8/8 10-50-2/10 16-16-4/1 30-100-2/57 32-1-10/100 50-50-50/50 64-32-10/32 64-32-10/1
64-64-64-10/64 7-255-2/33 99-13-7/99 99-99-10/1 99-99-99-99-10/17 100-7-100/20 128-64-10/256
13-1000-3/11 255-50-10/25 255-255-10/3 255-255-255-10/200 1000-1-2/50 1000-7-5/64 1000-13-10/1
1000-99-10/99 1000-255-50-10/127 784-10/1 784-10/100 784-16-16-10/32 784-32-10/1 784-50-10/10
784-50-10/100 784-50-10/1000 784-100-10/1 784-100-100-100-100-10/100 784-128-64-10/64
784-255-99-13-10/31 784-512-512-10/128 784-1000-10/50 784-1024-1024-10/256 3-2048-2/16
2048-1-2/1 2048-7-3/255 2048-50-10/1024 2048-2048-10/1 2048-2048-10/7 2048-2048-10/512
512-512-512-512-512-10/64 1000-1000-1000/100 50-1000-50/1024 10-10-10/1024 1-1-2/1024 3-50-50-1/1024
13-99-255-99-13/512 20-2048-1000/4 256-256-256-256-10/1024 511-513-257-9/65
""".split()


class Network(NamedTuple):
    name: str  # such as 784-50-10/100
    widths: tuple
    batch_size: int
    dtype: np.dtype
    activation: str
    weights: list  # W (D, M) and b (M,) of each layer
    x: np.ndarray
    t: np.ndarray  # labels (N,), or targets (N, 1) of the squared error

    @property
    def squared(self):
        return self.widths[-1] == 1

    @property
    def flops(self):
        """Of forward and dW for every layer, and dx for all but the first."""
        products = [d * m for d, m in pairwise(self.widths)]
        return 2.0 * self.batch_size * (3 * sum(products) - products[0])


def network(name, dtype, activation):
    """Return the network of this name, with its weights and data."""
    stack, _, batch = name.partition("/")
    widths, batch_size, dtype = tuple(map(int, stack.split("-"))), int(batch), np.dtype(dtype)
    rng = np.random.default_rng(0)
    weights = []
    for d, m in pairwise(widths):
        scale = math.sqrt((2 if activation == "relu" else 1) / d)
        weights.append((rng.standard_normal((d, m)) * scale).astype(dtype))
        weights.append((rng.standard_normal(m) * 0.1).astype(dtype))
    # At most 16 MB, whole batches.
    rows = min(max(4096, 64 * batch_size), int(16e6) // (widths[0] * dtype.itemsize))
    rows = max(1, rows // batch_size) * batch_size
    x = rng.standard_normal((rows, widths[0])).astype(dtype)
    t = rng.integers(max(2, widths[-1]), size=rows)
    if widths[-1] == 1:
        t = t.astype(dtype).reshape(-1, 1)
    return Network(name, widths, batch_size, dtype, activation, weights, x, t)


def order_of(net, steps):
    """Return the rows of about so many batches, shuffled: whole epochs, or a part of the first."""
    batches = len(net.x) // net.batch_size
    rows = np.random.default_rng(1).permutation(len(net.x)).reshape(batches, net.batch_size)
    return np.tile(rows[:steps], (max(1, round(steps / batches)), 1))


class LeftOut(Exception):
    """A contender that cannot do the work; the message says why."""
