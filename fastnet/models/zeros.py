"""Zeros of x that the product of the first layer skips, where that gains."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnet.kernels.blocking import BITS
from fastnet.kernels.sparse import LEAST_ROWS, LEAST_SIZE, LEAST_VECTORS
from fastnet.models.network import Network
from fastnet.models.rows import Rows

__all__ = ["skipping_zeros"]

LOOKS_PAY = 4096  # samples in a call from which looking at some of them is not felt: 0.5 %


def _addresses(dtype: np.dtype[Any]) -> tuple[int, int]:
    from fastnet.kernels.loop import sparse

    return sparse.forward.address(dtype), sparse.backward_params.address(dtype)


def skipping_zeros(network: Network, rows: Rows, samples: int, batch_size: int) -> Network:
    """Return the network for a call on `samples` of the rows, which skips zeros if it gains.

    That is, in the product of its first layer; results stay the same but for the sign of a
    zero. The functions that do it are compiled, and cached, when x first has enough zeros.
    """
    if samples < LOOKS_PAY or batch_size < LEAST_ROWS:
        return network  # at once: to read the record takes 0.5 us
    first = network.table[0]
    inputs, outputs = first["inputs"], first["outputs"]
    dtype = network.params.dtype
    if (
        batch_size * inputs < LEAST_SIZE
        or outputs * dtype.itemsize < LEAST_VECTORS * (BITS // 8)
        or first["bias"] < 0  # products without one, and layers that are none
        or not rows.are_mostly_zero(network.rescaled if network.scaling[1] else None)
    ):
        return network
    program, whole = network.program.copy(), network.whole_program.copy()
    for record in (program, whole):
        record["sparse_forward"], record["sparse_backward"] = _addresses(dtype)
    return network._replace(program=program, whole_program=whole)
