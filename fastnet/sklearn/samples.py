"""Samples and targets of an estimator as the compiled loop reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from fastnet.models.rows import KINDS, Rows

DENSE = 2**26  # bytes: so much of a sparse matrix is made dense at once
NO_LABELS = np.empty(0, np.int64)

Targets = tuple[NDArray[np.int64], NDArray[Any]]


def rows_of(X: NDArray[Any], dtype: np.dtype[Any]) -> Rows:
    """Return dense samples as rows, the caller's own memory where the loop can read that."""
    kind = KINDS.get(X.dtype)
    if kind is None:
        X = np.asarray(X, dtype, order="C")
        kind = KINDS[X.dtype]
    elif not X.flags.aligned or X.strides[1] != X.itemsize:
        X = np.ascontiguousarray(X)
    return Rows(X, kind, 0, X.shape[1:])


def targets_of(y: NDArray[Any], out_activation: str, dtype: np.dtype[Any]) -> Targets:
    """Return labels and targets of y (N, C), the one that the loss does not use empty."""
    if out_activation == "softmax":  # one-hot rows
        return y.argmax(axis=1).astype(np.int64, copy=False), np.empty((0, 0), dtype)
    return NO_LABELS, np.require(
        y, dtype, ["C", "A", "W"]
    )  # of a read-only array Numba would compile more


def dense_once(X: Any) -> Any:
    """Return X, made dense if it is sparse and small enough for that."""
    if scipy.sparse.issparse(X) and X.shape[0] * X.shape[1] * X.dtype.itemsize <= DENSE:
        return X.toarray()
    return X.tocsr() if scipy.sparse.issparse(X) else X


def parts(shape: tuple[int, int], itemsize: int, batch_size: int) -> Iterator[slice]:
    """Yield slices of whole batches, each of as many rows as may be dense at once."""
    n, width = shape
    rows = max(1, DENSE // (width * itemsize) // batch_size) * batch_size
    yield from (slice(start, min(n, start + rows)) for start in range(0, n, rows))


def check_weights(where: str, sample_weight: NDArray[Any] | None) -> None:
    """Check what samples weigh: the loop leaves out those below 0."""
    if sample_weight is not None and (sample_weight < 0).any():
        i = int(np.argmax(sample_weight < 0))
        raise ValueError(
            f"{where}: sample_weight must be at least 0, got sample_weight[{i}]="
            f"{sample_weight[i]:g}. Give samples that do not count 0."
        )
