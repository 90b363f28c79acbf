"""Kernels that compile in a tenth of a second, for tests of the cache in processes of their own.

python -c "import tiny_kernels; tiny_kernels.call('twice', 'thrice')"
"""

import json

import numpy as np

from fastnet.kernels import _cache
from fastnet.kernels._compile import jit, vector


@jit(vector, vector)
def twice(x, out):
    """out = 2 x, in float32; and 3 x in float64, so that one that is taken for the other shows."""
    for i in range(x.size):
        out[i] = x[i] * (x.itemsize / 4 + 1)


@jit(vector, vector)
def thrice(x, out):
    """out = 3 x."""
    for i in range(x.size):
        out[i] = 3 * x[i]


@jit(vector, vector)
def squared(x, out):
    """out = x**2."""
    for i in range(x.size):
        out[i] = x[i] * x[i]


@jit(vector, vector)
def negated(x, out):
    """out = -x."""
    for i in range(x.size):
        out[i] = -x[i]


KERNELS = {"twice": twice, "thrice": thrice, "squared": squared, "negated": negated}


def result(name, dtype="float32"):
    """Call a kernel; return what it made of 3."""
    x = np.full(1, 3, dtype)
    KERNELS[name](x, out := np.empty_like(x))
    return float(out[0])


def call(*names, dtypes=("float32",)):
    """Call kernels; print what they computed, and what the cache did."""
    results = [result(name, dtype) for name in names for dtype in dtypes]
    print(
        json.dumps(
            {
                "results": results,
                "hits": [sum(KERNELS[name].stats.cache_hits.values()) for name in names],
                "folder": str(_cache.cache_directory()),
            }
        )
    )
