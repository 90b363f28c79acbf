"""Samples and targets of an estimator as the compiled loop reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from fastnet.checks import COMPUTED
from fastnet.kernels.estimators import SAMPLES
from fastnet.models.rows import KINDS, Rows

DENSE = 2**26  # bytes: so large a matrix is made dense, if many of its numbers are not zero
FEW = 0.1  # of them: 2,000 x 500 take 0.6 of the time sparse at 0.02, as long at 0.1, 1.8 at 0.2
NO_LABELS = np.empty(0, np.int64)

Targets = tuple[NDArray[np.int64], NDArray[Any]]


def is_plain(X: Any) -> bool:
    """Tell whether X is an array of finite numbers (N, D) that scikit-learn leaves as it is."""
    if not (type(X) is np.ndarray and X.ndim == 2 and X.dtype in COMPUTED and X.size):
        return False
    with np.errstate(all="ignore"):
        return bool(np.isfinite(X.sum()))


def rows_of(X: Any, dtype: np.dtype[Any]) -> Rows:
    """Return samples as rows, the caller's own memory where the loop can read that.

    Of a sparse X they are the numbers of its rows, two for each: see `kernels.estimators.SAMPLES`.
    """
    if scipy.sparse.issparse(X):
        numbers = np.divmod(np.arange(X.shape[0]), SAMPLES)
        return Rows(np.stack(numbers, axis=1).astype(dtype), KINDS[dtype], 0, (2,))
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


def dense_or_csr(where: str, X: Any, dtype: np.dtype[Any]) -> Any:
    """Return X, of a sparse one a CSR matrix of the dtype, or a dense array where that gains."""
    if not scipy.sparse.issparse(X):
        return X
    try:  # of a view: the check may replace arrays
        type(X)((X.data, X.indices, X.indptr), X.shape).check_format()
    except ValueError as error:
        raise ValueError(
            f"{where}: X must be a sparse matrix whose arrays fit, got one where {error}. Make it "
            "anew: its arrays were changed."
        ) from None
    size = X.shape[0] * X.shape[1]
    if size * dtype.itemsize <= DENSE and X.nnz >= FEW * size:
        return X.toarray()
    return X.tocsr().astype(dtype, copy=False)


def check_weights(where: str, sample_weight: NDArray[Any] | None) -> None:
    """Check what samples weigh: the loop leaves out those below 0."""
    if sample_weight is not None and (sample_weight < 0).any():
        i = int(np.argmax(sample_weight < 0))
        raise ValueError(
            f"{where}: sample_weight must be at least 0, got sample_weight[{i}]="
            f"{sample_weight[i]:g}. Give samples that do not count 0."
        )
