"""Addresses in the records of a network: of kernels for a dtype, and of heads."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnet.kernels.loop.record import HEAD

__all__ = ["HeadRows", "addressed", "head_records", "lowest", "told_of"]


class HeadRows(NamedTuple):
    """Where in a network's table the rows of a head stand."""

    branches: int  # row of the layer that has it
    first: int
    depth: int
    start: int  # where in params the first parameter of all its heads stands
    columns: int  # numbers that it gives for a sample


def addressed(
    table: NDArray[Any], called: list[tuple[int, tuple[Any, ...]]], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Return the table with the addresses of the kernels for a dtype written into it."""
    for i, kernels in called:
        for field, kernel in zip(("forward", "backward", "gradient"), kernels, strict=False):
            table[field][i] = kernel.address(dtype)
    return table


def head_records(
    heads: tuple[HeadRows, ...], table: NDArray[Any], state: NDArray[Any], grads: NDArray[Any]
) -> NDArray[Any]:
    """Return the records of heads, and tell the table's layers that have them where they are.

    Such a layer's state are they, so many elements after what other layers remember.
    """
    records = np.zeros(len(heads), HEAD)
    for j, (head, record) in enumerate(zip(heads, records, strict=True)):
        of_layer = [k for k, other in enumerate(heads) if other.branches == head.branches]
        if j == of_layer[0]:
            distance = records[j:].ctypes.data - state.ctypes.data
            table["state"][head.branches] = distance // state.itemsize
        rows = table[head.first :][: head.depth]
        learns = np.flatnonzero((rows["count"] > 0) & (rows["frozen"] == 0))
        record["count"], record["depth"] = len(of_layer), head.depth
        record["layers"] = rows.ctypes.data
        record["lowest"] = learns[0] if learns.size else head.depth
        record["start"], record["columns"] = head.start, head.columns
        record["states"], record["grads"] = state.ctypes.data, grads.ctypes.data
    return records


def told_of(
    heads: NDArray[Any] | None, order: NDArray[np.int64], batch_size: int
) -> NDArray[np.float64] | None:
    """Tell the records of heads of a call's order; return where loss and right answers will be."""
    if heads is None:
        return None
    results = np.zeros((len(heads), *order.shape, 2))  # batches that are not done stay 0
    heads["order"], heads["results"] = order.ctypes.data, results.ctypes.data
    heads["results"] += np.arange(len(heads)) * (results.nbytes // len(heads))
    heads["samples"], heads["batch_size"] = order.shape[1], batch_size
    return results


def lowest(depth: int, heads: tuple[HeadRows, ...], table: NDArray[Any]) -> int:
    """Return the lowest layer of a stack that learns, by itself or in a head; `depth`: none."""
    learns = (table["count"] > 0) & (table["frozen"] == 0)
    for head in heads:
        learns[head.branches] = False
    for head in heads:
        learns[head.branches] |= learns[head.first :][: head.depth].any()
    found = np.flatnonzero(learns[:depth])
    return int(found[0]) if found.size else depth
