"""From a network's last products to the outputs of an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from fastnet.kernels.activations import sigmoid_forward
from fastnet.kernels.softmax import softmax_forward
from fastnet.models.network import PREDICT_ROWS, Network
from fastnet.models.zeros import skipping_zeros
from fastnet.sklearn.network import Weights
from fastnet.sklearn.samples import rows_of

# Of a call on 1,100 digits, 400 us, a look at some samples takes 22, and skipping saves 120.
LOOKS = 4  # times as much as samples alone say


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
    """Return the last products (N, C) for samples; of a sparse X the first ones by SciPy."""
    network = weights.network
    if scipy.sparse.issparse(X):
        X = X @ weights.coefs[0]
        X += weights.intercepts[0]
        if len(weights.coefs) == 1:
            return np.asarray(X, network.params.dtype)
        network = after_first_product(network)
    n = len(X)
    z = np.empty((n, network.outputs), network.params.dtype)
    rows = rows_of(X, network.params.dtype)
    network = skipping_zeros(network, rows, LOOKS * n, PREDICT_ROWS)
    network.predict(rows, np.arange(n, dtype=np.int64), z)
    return z


def after_first_product(network: Network) -> Network:
    """Return the network without its first product, but with the activation behind that."""
    table, program = network.table.copy(), network.program.copy()
    first = table[0]
    first["inputs"] = first["outputs"]
    first["weight"] = first["bias"] = -1
    program[0]["layers"] = table.ctypes.data
    return network._replace(
        inputs=int(first["outputs"]), table=table, program=program, whole_program=program,
        work_sizes={},
    )  # fmt: skip
