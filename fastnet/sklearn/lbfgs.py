"""The objective of solver "lbfgs": the loss over all samples and its gradient, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet.kernels.estimators import gradient_sum_in_loop
from fastnet.models.zeros import skipping_zeros
from fastnet.sklearn.network import Weights
from fastnet.sklearn.samples import Targets, rows_of

BATCH = 256  # samples at a time: their activations stay in the L2 cache


class Objective:
    """The mean loss plus the penalty as a function of all parameters, with its gradient.

    Batches of BATCH samples add up their gradients; what a sample weighs makes their sum that of
    the mean over all.
    """

    def __init__(
        self, weights: Weights, X: Any, targets: Targets, sample_weight: Any, alpha: float
    ) -> None:
        network = weights.network
        self.network, self.targets, self.alpha = network, targets, alpha
        self.n = X.shape[0]
        self.coefs = sum(W.size for W in weights.coefs)
        dtype = network.params.dtype
        total = float(self.n if sample_weight is None else sample_weight.sum())
        self.total = total
        sizes = np.minimum(BATCH, self.n - np.arange(0, self.n, BATCH))
        self.of_samples = np.repeat(sizes / total, sizes).astype(dtype)
        if sample_weight is not None:
            self.of_samples *= sample_weight
        self.gradient, self.hyper = np.zeros(network.params.size, dtype), np.zeros(2)
        self.program = network.program.copy()
        record = self.program[0]
        record["rule"] = gradient_sum_in_loop.address(dtype)
        record["hyper"], record["slots"] = self.hyper.ctypes.data, self.gradient.ctypes.data
        self.rows = rows_of(X, dtype)
        skipping = skipping_zeros(network, self.rows, 16 * self.n, BATCH)
        for name in ("sparse_forward", "sparse_backward"):
            record[name] = skipping.program[0][name]

    def __call__(self, packed: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the loss at a vector of parameters, and its gradient."""
        params, gradient = self.network.params, self.gradient
        params[:] = packed
        gradient[:] = 0.0
        loss = self._run()
        W, found = params[: self.coefs], gradient.copy()
        found[: self.coefs] += self.alpha / self.total * W
        return loss + 0.5 * self.alpha / self.total * float(W @ W), found

    def _run(self) -> float:
        """Return the loss of all samples, each times its weight; add up their gradients."""
        n, loss = self.n, 0.0
        self.program[0]["weights"] = self.of_samples.ctypes.data
        order, full = np.arange(n, dtype=np.int64), n - n % BATCH
        # Each batch is an epoch, whose total comes alone: sizes differ.
        for part in (order[:full].reshape(-1, BATCH), order[full:].reshape(1, -1)):
            if part.size:
                totals = self.network.run(self.rows, self.targets, part, BATCH, 0.0, self.program)
                if not totals[:, 2].all():
                    self.gradient[:] = np.nan
                    return float("nan")
                loss += float(totals[:, 0].sum()) / part.shape[1]
        return loss
