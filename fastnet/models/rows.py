"""Samples as the compiled loop reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.kernels.checked import address_of
from fastnet.kernels.loop.record import FLOAT32, FLOAT64, UINT8
from fastnet.kernels.sparse import MOST
from fastnet.models.mapped import check_indices, is_mapped, rows_a_part

KINDS = {np.dtype("float32"): FLOAT32, np.dtype("float64"): FLOAT64, np.dtype("uint8"): UINT8}
# What others become, but the model's own dtype.
KINDS_READ: dict[Any, np.dtype[Any]] = {dtype: dtype for dtype in map(np.dtype, ("f4", "f8", "u1"))}
KINDS_READ[np.dtype("float16")] = np.dtype("float32")
LOOKS = 64  # rows of a sample


class Rows(NamedTuple):
    """Samples as the compiled loop reads them: by the address of rows that `array` keeps alive."""

    array: NDArray[Any]  # (N, D)
    kind: int
    vocabulary: int  # they are numbers of so many rows; 0: features
    shape: tuple[int, ...]  # of one sample, whose product D is
    # What they become as they are read, part by part, where `array` lies in a file that may be
    # larger than memory; None where the loop reads it in place.
    reads: np.dtype[Any] | None = None

    @property
    def part(self) -> int:
        """How many rows are read at a time."""
        assert self.reads is not None
        return rows_a_part(self.array, self.reads)

    def taken(self, order: NDArray[np.int64]) -> Rows:
        """Return the rows that `order` names, in memory."""
        array = np.ascontiguousarray(self.array[order], self.reads)
        return self._replace(array=array, reads=None)

    def arguments(self) -> tuple[int, int, int]:
        """Return address, kind, and bytes from row to row."""
        array = self.array
        # The dictionary takes 0.9 us, the kernel 0.1; to refuse others, such as views, takes it 5.
        address: int = array.flags.carray and address_of(array)
        address = address or array.__array_interface__["data"][0]
        return address, self.kind, array.strides[0]

    def are_mostly_zero(self, rescaled: Callable[[NDArray[Any]], NDArray[Any]] | None) -> bool:
        """Tell whether skipping zeros gains once they are rescaled, from a sample of them.

        Two rows of a batch share a list of the columns where one of them is not zero. Where the
        sample deceives, the products find out and stop skipping.
        """
        sample = self.array[:: max(1, len(self.array) // LOOKS)]
        sample = sample[: min(LOOKS, len(self.array)) // 2 * 2]
        nonzero = (sample if rescaled is None else rescaled(sample)) != 0
        listed = nonzero[0::2] | nonzero[1::2]
        return bool(np.count_nonzero(listed) <= MOST * listed.size)


def rows_of(
    where: str,
    name: str,
    x: ArrayLike,
    known: tuple[int, ...] | None,
    dtype: np.dtype[Any],
    table: tuple[int, ...] | None = None,
    in_shape: bool = False,
) -> Rows:
    """Return x as rows that the compiled loop can read, the user's own memory if possible.

    Where a table (V, H) is given they are numbers of its rows. Where the model takes samples in
    their shape, x must have it, as far as it is known; else they are flattened.
    """
    given = checks.array(where, name, x)
    if in_shape:
        checks.shaped_samples(where, name, given.shape, known)
        array = given.reshape(len(given), -1)
    else:
        features = None if known is None else known[0]
        array = checks.samples(where, name, given, features)
        if features is not None:
            checks.features(where, name, array.shape[1], features, given.shape)
    mapped = table is not None or array.dtype not in KINDS or array.strides[1] != array.itemsize
    if mapped and is_mapped(array):
        if table is not None:
            check_indices(where, array, table, name)
        made = dtype if table is not None else KINDS_READ.get(array.dtype, dtype)
        shape = given.shape[1:] if in_shape else array.shape[1:]
        return Rows(array, KINDS[made], 0 if table is None else table[0], shape, made)
    if table is not None:
        array = checks.indices(where, array, table, name).astype(dtype)
    kind = KINDS.get(array.dtype)  # None for the other byte order, too
    if kind is None:
        array = array.astype(np.float32 if array.dtype == np.float16 else dtype, order="C")
        kind = KINDS[array.dtype]
    elif not array.flags.aligned or array.strides[1] != array.itemsize:
        array = np.ascontiguousarray(array)
    shape = given.shape[1:] if in_shape else array.shape[1:]
    return Rows(array, kind, 0 if table is None else table[0], shape)
