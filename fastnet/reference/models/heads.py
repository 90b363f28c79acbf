"""A stack that ends in Branches: several outputs with a loss each."""

from typing import Any

import numpy as np

from ..layers import Branches
from ..optimizer import SGD
from .history import History
from .measures import DEFAULTS, measure
from .sequential import Sequential


class Heads(Sequential):
    """A Sequential whose last layer is a Branches, with a loss for each of its heads.

    The loss is sum(weight * loss) / sum(weight). ``fit`` and ``evaluate`` tell that, and of each
    head its loss and what the loss gives unasked. Targets are a list, in the order of the heads.
    """

    def __init__(
        self,
        layers: list,
        loss: list[str],
        dtype: str = "float32",
        seed: int | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        loss_weights: list[float] | None = None,
    ) -> None:
        super().__init__(layers, "mean_squared_error", dtype, seed, l1, l2)
        self._of_heads = [Sequential([], name, dtype) for name in loss]  # their losses, and targets
        weights = np.array(loss_weights or [1.0] * len(loss), np.float64)
        self._shares = weights / weights.sum()

    @property
    def branches(self) -> Branches:
        """The last layer."""
        return self.layers[-1]

    def _losses(self, x: np.ndarray, ts: list[np.ndarray], weight: Any) -> tuple[list, list]:
        """Return the losses of a batch, and the outputs, of each head."""
        ys = self.branches._split(self._forward(x, self.layers))
        found = [
            head._loss.forward(y, t, weight)
            for head, y, t in zip(self._of_heads, ys, ts, strict=True)
        ]
        return found, ys

    def gradient(self, x: np.ndarray, t: Any, sample_weight: Any = None) -> list[np.ndarray]:
        """Return the gradient of the loss for every array of ``params``, as fresh arrays."""
        x = self._inputs(x)
        self._ready(x.shape[1])
        ts = [head._targets(each) for head, each in zip(self._of_heads, t, strict=True)]
        self._losses(x, ts, sample_weight)
        parts = [
            share * head._loss.backward()
            for share, head in zip(self._shares, self._of_heads, strict=True)
        ]
        dout = np.concatenate(parts, axis=1)
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        self._add_penalty_gradients()
        return [grad.copy() for grad in self.grads]

    def fit(  # type: ignore[override]
        self,
        x: np.ndarray,
        t: list,
        epochs: int = 1,
        batch_size: int = 32,
        optimizer: SGD | None = None,
        shuffle: bool = True,
        sample_weight: Any = None,
    ) -> History:
        """Train, as ``Sequential.fit`` does."""
        x = self._inputs(x)
        self._ready(x.shape[1])
        ts = [head._targets(each) for head, each in zip(self._of_heads, t, strict=True)]
        self.optimizer = optimizer = optimizer or self.optimizer or SGD()
        columns: dict = {}
        for _ in range(epochs):
            order = self._rng.permutation(len(x)) if shuffle else np.arange(len(x))
            total, sums = 0.0, np.zeros(len(ts))
            outputs = []
            for i in range(0, len(x), batch_size):
                batch = order[i : i + batch_size]
                weight = None if sample_weight is None else np.asarray(sample_weight)[batch]
                penalty, of_batch = self._penalty(), [each[batch] for each in ts]
                losses, ys = self._losses(x[batch], of_batch, weight)
                self.gradient(x[batch], of_batch, weight)
                optimizer.update(self.params, self.grads)
                total += len(batch) * (np.dot(self._shares, losses) + penalty)
                sums += len(batch) * np.array(losses)
                outputs.append(ys)
            columns.setdefault("loss", []).append(float(total / len(x)))
            before = [np.concatenate(of_head) for of_head in zip(*outputs, strict=True)]
            told = self._told(sums / len(x), [each[order] for each in ts], before)
            for name, value in told.items():
                columns.setdefault(name, []).append(value)
        return History(columns)

    def _told(self, losses: Any, ts: list, ys: list) -> dict[str, float]:
        """Return the losses of the heads, and what judges their answers."""
        names = self.branches.names
        found = {f"{name}_loss": float(v) for name, v in zip(names, losses, strict=True)}
        for name, head, t, y in zip(names, self._of_heads, ts, ys, strict=True):
            for metric in DEFAULTS.get(head.loss, []):
                found[f"{name}_{metric}"] = measure(metric, head.loss, t, y)
        return found

    def predict(self, x: np.ndarray, check_finite: bool = False) -> list[np.ndarray]:  # type: ignore[override]
        """Return the outputs of each head, (N, C)."""
        x = self._inputs(x)
        self._ready(x.shape[1])
        return self.branches._split(self._forward(x, self.layers))

    def evaluate(self, x: np.ndarray, t: list, sample_weight: Any = None) -> dict[str, float]:  # type: ignore[override]
        """Return the loss, and of each head its loss and what judges its answers."""
        ys, x = self.predict(x), self._inputs(x)
        ts = [head._targets(each) for head, each in zip(self._of_heads, t, strict=True)]
        losses, _ = self._losses(x, ts, sample_weight)
        loss = float(np.dot(self._shares, losses) + self._penalty())
        return {"loss": loss, **self._told(losses, ts, ys)}
