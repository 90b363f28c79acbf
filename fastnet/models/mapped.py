"""Samples in a mapped file, of a dtype that the loop does not read: converted part by part."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks

if TYPE_CHECKING:
    from fastnet.models.network import Network
    from fastnet.models.rows import Rows

PART = 2**24  # bytes of a part once it is converted: 0.2 us a row of 784 beside what it trains


def is_mapped(array: Any) -> bool:
    """Tell whether an array lies in a file: a numpy.memmap, or a view of one."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return isinstance(array, mmap.mmap)


def rows_a_part(array: NDArray[Any], dtype: np.dtype[Any]) -> int:
    """Return how many rows (N, D) make a part."""
    return max(1, PART // max(1, array.shape[1] * dtype.itemsize))


def check_indices(where: str, array: NDArray[Any], table: tuple[int, ...], name: str) -> None:
    """Check row numbers, part by part."""
    size = rows_a_part(array, checks.INT64)
    for start in range(0, len(array), size):
        part = array[start : start + size]
        checks.indices(where, part, table, f"{name}[{start}:{start + len(part)}]")


def run(
    network: Network,
    rows: Rows,
    targets: tuple[NDArray[np.int64], NDArray[Any]],
    order: NDArray[np.int64],
    batch_size: int,
    lr: float | None,
    program: NDArray[Any] | None,
) -> NDArray[np.float64]:
    """Do what `Network.run` does, on the rows that `order` names.

    To train, all of them are taken into memory: whoever trains asks for no more than a part.
    """
    if lr is None and order.size > (size := rows.part // batch_size * batch_size or batch_size):
        parts = [order[:, i : i + size] for i in range(0, order.shape[1], size)]
        found = [run(network, rows, targets, part, batch_size, lr, program) for part in parts]
        return np.sum(found, axis=0)
    flat = order.reshape(-1)
    if network.asked_heads is not None:
        network, program, kept = _heads_taken(network, program, flat)
    else:
        answers = _answers(flat, network.answers)
        kept = [array[answers] if array.size else array for array in targets]
        targets = kept[0], kept[1]
        if network.of_samples is not None:
            weights = network.of_samples[answers]
            program = (network.current_program() if program is None else program).copy()
            program["weights"] = weights.ctypes.data
    own = np.arange(flat.size, dtype=np.int64).reshape(order.shape)
    return network.run(rows.taken(flat), targets, own, batch_size, lr, program)


def _answers(flat: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    """Return the answers of samples that have so many each."""
    return flat if steps == 1 else (flat[:, None] * steps + np.arange(steps)).reshape(-1)


def _heads_taken(
    network: Network, program: NDArray[Any] | None, flat: NDArray[np.int64]
) -> tuple[Network, NDArray[Any], list[Any]]:
    """Return the network and its program with the targets of some samples, and those."""
    assert network.asked_heads is not None
    records, kept = network.asked_heads.copy(), []
    for record, (numbers, labels, targets, weights) in zip(
        records, network.of_samples, strict=True
    ):
        answers, taken = _answers(flat, max(1, int(record["steps"]))), [numbers]
        for name, array in ("labels", labels), ("targets", targets), ("weights", weights):
            if array is not None:
                taken.append(array[answers] if array.size else array)
                record[name] = taken[-1].ctypes.data
        kept.append(taken)
    program = (network.current_program() if program is None else program).copy()
    program["loss_numbers"] = records.ctypes.data
    return network._replace(asked_heads=records), program, kept


def predict(network: Network, rows: Rows, order: NDArray[np.int64], out: NDArray[Any]) -> None:
    """Do what `Network.predict` does, part by part."""
    for start in range(0, len(order), rows.part):
        part = order[start : start + rows.part]
        own = np.arange(len(part), dtype=np.int64)
        network.predict(rows.taken(part), own, out[start : start + len(part)])
