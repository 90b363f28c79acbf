"""From a network's last products to the outputs of an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from fastnet.kernels import sigmoid_forward, softmax_forward
from fastnet.models.network import PREDICT_ROWS
from fastnet.models.zeros import skipping_zeros
from fastnet.sklearn.network import Weights
from fastnet.sklearn.samples import dense_once, parts, rows_of


def activated(out_activation: str, z: NDArray[Any]) -> NDArray[Any]:
    """Return the outputs of z (N, C), which is overwritten."""
    if out_activation == "softmax":
        softmax_forward(z, z)
    elif out_activation == "logistic":
        sigmoid_forward(z.reshape(-1), z.reshape(-1))
    elif out_activation == "exp":
        with np.errstate(over="ignore"):
            np.exp(z, out=z)
    return z


def products_of(weights: Weights, X: Any) -> NDArray[Any]:
    """Return the last products (N, C) for samples, a sparse matrix of them in parts."""
    network = weights.network
    z = np.empty((X.shape[0], network.outputs), network.params.dtype)
    X = dense_once(X)
    if not scipy.sparse.issparse(X):
        _predict(weights, X, z)
    else:
        for part in parts(X.shape, z.itemsize, PREDICT_ROWS):
            _predict(weights, X[part].toarray(), z[part])
    return z


def _predict(weights: Weights, X: NDArray[Any], z: NDArray[Any]) -> None:
    n, network = len(X), weights.network
    rows = rows_of(X, network.params.dtype)
    network = skipping_zeros(network, rows, n, PREDICT_ROWS)
    network.predict(rows, np.arange(n, dtype=np.int64), z)
