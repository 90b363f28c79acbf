"""An estimator's weights as the compiled loop is told of them: records, one vector, addresses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnet.kernels.activations import IDENTITY
from fastnet.kernels.embedding import embedding_nothing_in_loop
from fastnet.kernels.estimators import (
    STATE,
    half_poisson_deviance_in_loop,
    half_squared_error_in_loop,
    logistic_log_loss_in_loop,
    softmax_log_loss_in_loop,
    sparse_samples_gradient_in_loop,
    sparse_samples_in_loop,
)
from fastnet.kernels.loop.record import LAYER, PROGRAM
from fastnet.layers import Dropout
from fastnet.layers.dense import ACTIVATIONS, ALIASES, FUSED
from fastnet.models.assembly import on_a_cache_line
from fastnet.models.network import Network, addressed

# What Dense may be asked for and scikit-learn's own names; softmax looks at a row as a whole.
NAMES = sorted({*ACTIVATIONS, "logistic"} - {"softmax"})

# By the activation of the outputs, as scikit-learn names it.
LOSSES = {
    "softmax": softmax_log_loss_in_loop,
    "logistic": logistic_log_loss_in_loop,
    "identity": half_squared_error_in_loop,
    "exp": half_poisson_deviance_in_loop,
}

# Of samples that are rows of a CSR matrix. They have no gradient, as row numbers have none.
SPARSE = sparse_samples_in_loop, embedding_nothing_in_loop, sparse_samples_gradient_in_loop

Arrays = list[NDArray[Any]]


class Weights(NamedTuple):
    """A network whose parameters lie in one vector: all weights, then all intercepts."""

    network: Network
    coefs: Arrays  # views of network.params, and
    intercepts: Arrays
    activation: str
    kept: tuple[NDArray[Any], ...]  # what the records have the addresses of

    def are(self, coefs: Sequence[Any], intercepts: Sequence[Any], activation: str) -> bool:
        """Tell whether the arrays of an estimator are these views, and nothing else changed."""
        return (
            len(coefs) == len(self.coefs)
            and activation == self.activation
            and all(map(_is, coefs, self.coefs))
            and all(map(_is, intercepts, self.intercepts))
        )


def _is(one: Any, other: Any) -> bool:
    return one is other


def check_shapes(where: str, coefs: Sequence[Any], features: int) -> None:
    """Check that each product takes what comes before it, where arrays were changed by hand."""
    inputs: Any = features
    for k, W in enumerate(coefs):
        shape = np.shape(W)
        if len(shape) != 2 or shape[0] != inputs:
            raise ValueError(
                f"{where}: coefs_[{k}] must have shape ({inputs}, outputs), got {shape}. Assign "
                "arrays that take what comes before them."
            )
        inputs = shape[1]


def check_hidden_layers(where: str, sizes: Any, coefs: Sequence[Any], solver: str) -> None:
    """Check that a fit may go on with these weights: as many hidden layers as are asked for.

    scikit-learn fails there, too, with other words; other widths it leaves as they are, but for
    "lbfgs", where narrower ones let it write behind its arrays.
    """
    asked, widths = np.ravel(sizes).tolist(), [np.shape(W)[1] for W in coefs[:-1]]
    if len(asked) != len(widths) or (solver == "lbfgs" and asked != widths):
        raise ValueError(
            f"{where}: hidden_layer_sizes must stay {tuple(widths)}, as the weights by now have "
            f"it, got {tuple(asked)}. Make a new estimator, or fit anew with warm_start=False."
        )


def weights_of(
    coefs: Sequence[Any],
    intercepts: Sequence[Any],
    activation: str,
    out_activation: str,
    dtype: np.dtype[Any],
    dropout: float = 0.0,
    sparse: Any = None,
) -> Weights:
    """Return a network of copies of these arrays; without an optimizer, for outputs before theirs.

    The activation of the outputs is left to the loss, and to `fastnet.sklearn.outputs`. With
    `sparse`, a CSR matrix of the dtype, the network takes the numbers of its rows, see
    `samples.rows_of`.
    """
    shapes = [np.shape(W) for W in coefs]
    sizes = [math.prod(shape) for shape in shapes]
    starts = np.cumsum([0, *sizes, *(shape[1] for shape in shapes)]).tolist()
    params, grads = (on_a_cache_line(starts[-1], dtype) for _ in range(2))
    depth, views = len(shapes), []
    for k, array in enumerate((*coefs, *intercepts)):
        view = params[starts[k] : starts[k + 1]]
        view = view.reshape(shapes[k]) if k < depth else view
        view[...] = array
        views.append(view)
    rows: list[dict[str, int]] = []
    called: list[tuple[int, tuple[Any, ...]]] = []
    kept: tuple[NDArray[Any], ...] = ()
    if sparse is not None:
        kept = sparse.indptr.astype(np.int64), sparse.indices.astype(np.int64)
        kept = *kept, np.ascontiguousarray(sparse.data)
    numbers = [0.0] * (8 * STATE // dtype.itemsize if kept else 0)  # int64, filled in below

    def call(kind: Any, width: int) -> None:
        (step,) = kind.in_loop((width,))
        called.append((len(rows), step.kernels))
        own = {"row_scratch": step.row_scratch, "scratch": step.scratch, "own": step.own}
        rows.append({"inputs": width, "outputs": width, "bias": -1, "state": len(numbers), **own})
        numbers.extend(step.numbers)

    name = ALIASES.get(activation, activation)
    for k, (inputs, outputs) in enumerate(shapes):
        row = {"inputs": inputs, "outputs": outputs, "weight": starts[k]}
        row |= {"bias": starts[depth + k], "count": sizes[k] + outputs, "activation": IDENTITY}
        rows.append(row)
        if k == 0 and kept:
            called.append((0, SPARSE))
            row |= {"inputs": 2, "bias": -1, "count": sizes[0], "decays": sizes[0]}
        if k < depth - 1:
            if name in FUSED:
                row["activation"] = FUSED[name]
            else:
                call(ACTIVATIONS[name](), outputs)
            if dropout:
                call(Dropout(dropout, inverted=True), outputs)
    records = np.array([[row.get(field, 0) for field in LAYER.names or ()] for row in rows])
    table = addressed(records.astype(np.int64, copy=False).view(LAYER).reshape(-1), called, dtype)
    state = np.array(numbers, dtype)
    products = sum(sizes)
    if kept:
        own = starts[depth], shapes[0][0], table["activation"][0]
        arrays = [array.ctypes.data for array in kept]
        state[: 8 * STATE // dtype.itemsize].view(np.int64)[:] = [*arrays, *own]
        products += math.ceil(sparse.nnz / sparse.shape[0]) * shapes[0][1] - sizes[0]
    eps = float(np.finfo(dtype).eps)
    bounds = np.array([-math.log1p(-eps), -math.log(eps)])
    program = np.zeros(1, PROGRAM)
    record = program[0]
    record["layers"], record["depth"] = table.ctypes.data, len(table)
    record["x_scale"], record["x_offset"] = 1.0, -0.0
    record["states"], record["grads"] = state.ctypes.data, grads.ctypes.data
    record["loss"], record["loss_numbers"] = (
        LOSSES[out_activation].address(dtype),
        bounds.ctypes.data,
    )
    loss: Any = None  # the record says all
    network = Network(
        loss, int(table["inputs"][0]), shapes[-1][1], table, params, grads, [], [], state, [],
        called, program, program, None, bounds, {}, (1.0, -0.0), products=products,
    )  # fmt: skip
    return Weights(network, views[:depth], views[depth:], activation, (state, *kept))
