"""Layers in a row."""

import copy
import time
from typing import Any

import numpy as np

from ..functions import _are_soft, softmax
from ..gradient import _gradient
from ..layers import Affine, Dense, Embedding, MatMul, Softmax
from ..losses import SoftmaxCrossEntropy
from ..optimizer import SGD
from ..penalties import l1_penalty, l1_penalty_gradient, l2_penalty, l2_penalty_gradient
from .history import History
from .measures import DEFAULTS, is_counted, measure
from .stack import Stack

ARGUMENTS = ("label_smoothing", "ignore_index")


class Sequential(Stack):
    """Layers in a row, with every parameter in one flat vector that the layers view.

    loss is "softmax_cross_entropy" (t: labels (N,), one-hot rows or probabilities (N, C)),
    "sparse_categorical_cross_entropy" (t: labels or one-hot), "categorical_cross_entropy" (t: (N,
    C)), "mean_squared_error" or "sigmoid_cross_entropy" (t: (N, C), or (N,) where C is 1). A
    Softmax that is the last layer before one of the two of probabilities is left to the softmax
    cross entropy, of what it takes. The loss counts penalties on the W of
    all products, of strengths l1 and l2. One generator, ``default_rng(seed)``, draws the weights at
    build, then one permutation an epoch; fastnet draws the same. ``fit`` goes on with the optimizer
    of the last one where none is given.
    """

    def forward(
        self, x: np.ndarray, t: np.ndarray | None = None, sample_weight: np.ndarray | None = None
    ) -> Any:
        """Return the loss of the batch, without targets the outputs; backward can follow."""
        self._has_loss = t is not None
        rows = self._inputs(np.asarray(x) if t is not None else np.atleast_2d(x))
        self._ready(rows.shape[1])
        if t is None:
            y = self._forward(rows, self.layers)
            return y[0] if np.ndim(x) == 1 else y
        self._shape = np.shape(t)
        return self._run(rows, self._targets(t), sample_weight)[0] + self._penalty()

    def _run(
        self, x: np.ndarray, t: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """Return loss and outputs; where the loss takes a Softmax along, that one is left out."""
        last, self._taken = self.layers[-1], self._loss
        if isinstance(last, Softmax) and "categorical" in self.loss:
            options = {k: v for k, v in vars(self._loss).items() if k in ARGUMENTS}
            self._taken = SoftmaxCrossEntropy(**options)
            logits = self._forward(x, self.layers[:-1])
            loss = self._taken.forward(logits, t, sample_weight)
            last.out = self._taken.y
            return loss, last.out
        y = self._forward(x, self.layers)
        return self._taken.forward(y, t, sample_weight), y

    def _passed(self) -> list:
        """Return the layers that the loss's gradient goes through, from last to first."""
        return self.layers[-1 if self._taken is self._loss else -2 :: -1]

    def backward(self, dout: Any = 1) -> np.ndarray:
        """Return dx of the last forward times dout; fill ``grads``.

        Where forward had no targets, dout is the gradient of its outputs.
        """
        if self._has_loss:
            alone, dx, layers = False, self._taken.backward(dout), self._passed()
        else:
            alone, dx, layers = np.ndim(dout) == 1, np.atleast_2d(dout), self.layers[::-1]
            dout = 1
        for layer in layers:
            if isinstance(layer, Embedding):
                dx = dx.reshape(*layer.idx.shape, -1)
            dx = layer.backward(dx)
        self._add_penalty_gradients(dout)
        return dx[0] if alone else dx

    def gradient(
        self, x: np.ndarray, t: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> list[np.ndarray]:
        """Return the gradient of the loss for every array of ``params``, as fresh arrays."""
        self.forward(x, t, sample_weight)
        self.backward()
        return [grad.copy() for grad in self.grads]

    def numerical_gradient(
        self, x: np.ndarray, t: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> list[np.ndarray]:
        """Return the gradient of the loss by central differences, computed in float64."""
        x = self._inputs(x)
        self._ready(x.shape[1])
        model = copy.deepcopy(self)
        model.dtype = np.dtype(np.float64)
        model.build(x.shape[1])
        x, t = x.astype(np.float64), self._targets(t)

        def loss(W: np.ndarray) -> float:
            return model.forward(x, t, sample_weight)

        return [_gradient(loss, W, 0).astype(self.dtype) for W in model.params]

    def fit(
        self,
        x: np.ndarray,
        t: np.ndarray,
        epochs: int = 1,
        batch_size: int = 32,
        optimizer: SGD | None = None,
        validation_data: tuple[np.ndarray, np.ndarray] | None = None,
        shuffle: bool = True,
        verbose: int = 1,
        metrics: list | None = None,
        sample_weight: np.ndarray | None = None,
        class_weight: dict[int, float] | None = None,
    ) -> History:
        """Train on x (N, D), t for some epochs and return a History; call again to go on.

        Each epoch visits all rows in a new order, in batches of consecutive rows of that
        order, the last one smaller where N is no multiple. Loss and accuracy of an epoch are
        those of its batches, each before its update; other metrics, by their names in
        ``metrics``, are those of predictions after it. verbose is ignored: nothing is printed.
        """
        self._shape = np.shape(t)
        x, t = self._inputs(x), self._targets(t)
        self._ready(x.shape[1])
        names = DEFAULTS.get(self.loss, []) if metrics is None else metrics
        weights: np.ndarray | None = sample_weight
        if class_weight is not None:
            classes = t if t.ndim == 1 else t.argmax(axis=1) if t.shape[1] > 1 else t[:, 0] > 0.5
            own = np.array([class_weight.get(int(label), 1) for label in classes])
            weights = own if weights is None else np.multiply(weights, own)
        self.optimizer = optimizer = optimizer or self.optimizer or SGD()
        columns: dict = {name: [] for name in ["loss", *names]}
        for _ in range(epochs):
            start = time.perf_counter()
            order = self._rng.permutation(len(x)) if shuffle else np.arange(len(x))
            loss, outputs = 0.0, []
            for i in range(0, len(x), batch_size):
                batch = order[i : i + batch_size]
                of_batch = None if weights is None else np.asarray(weights)[batch]
                batch_loss, y = self._step(x[batch], t[batch], optimizer, of_batch)
                loss += batch_loss * np.count_nonzero(self._counted(t[batch]))
                outputs.append(y)
            seconds = time.perf_counter() - start
            columns["loss"].append(float(loss / np.count_nonzero(self._counted(t))))
            before, after = np.concatenate(outputs), self._forward(x, self.layers)
            for name in names:
                counted = is_counted(name, self.loss, before.shape[1])
                wanted, y = (t[order], before) if counted else (t, after)
                counts = self._counted(wanted)
                columns[name].append(measure(name, self.loss, wanted[counts], y[counts]))
            if validation_data is not None:
                seen = self.evaluate(*validation_data, names)
                for name in seen:
                    columns.setdefault(f"val_{name}", []).append(seen[name])
            columns.setdefault("seconds", []).append(seconds)
        return History(columns)

    def _counted(self, t: np.ndarray) -> np.ndarray:
        """Return which samples count: those whose label is not the ignored one."""
        ignored = getattr(self._loss, "ignore_index", None)
        return np.ones(len(t), bool) if ignored is None or t.ndim > 1 else t != ignored

    def _step(
        self,
        x: np.ndarray,
        t: np.ndarray,
        optimizer: SGD,
        sample_weight: np.ndarray | None = None,
    ) -> tuple[float, np.ndarray]:
        """Forward, backward and update on one batch; return its loss and outputs."""
        loss, y = self._run(x, t, sample_weight)
        loss += self._penalty()
        if not np.isfinite(loss):
            raise FloatingPointError(
                f"Sequential.fit: loss must stay finite, got {loss}. "
                "Lower the learning rate, or look for NaN in x and t."
            )
        dout = self._taken.backward()
        for layer in self._passed()[:-1]:
            dout = layer.backward(dout)
        if self.layers[0].params:
            self.layers[0]._backward_params(dout)
        self._add_penalty_gradients()
        if all(layer.trainable for layer in self.layers):
            # One update of the flat vector is every layer's update.
            optimizer.update([self._parameters], [self._gradients])
        else:
            optimizer.update(self.params, self.grads)
        return loss, y

    def predict(self, x: np.ndarray, check_finite: bool = False) -> np.ndarray:
        """Return the outputs of the last layer, before the softmax of a loss, (N, C).

        (C,) for a row (D,); (N,) where C is 1 and the last training was on targets (N,).
        """
        if np.ndim(x) == 1:
            return self.predict(np.asarray(x)[None], check_finite)[0]
        x = self._inputs(x)
        if check_finite and not np.isfinite(x).all():
            raise ValueError("Sequential.predict: x must be finite.")
        self._ready(x.shape[1])
        y = self._forward(x, self.layers)
        return y.reshape(-1) if y.shape[1] == len(self._shape) == 1 else y

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Return the softmax of ``predict``, (N, C), or what it is where a Softmax is the last."""
        y = self.predict(x)
        return y if isinstance(self.layers[-1], Softmax) else softmax(y)

    def evaluate(
        self,
        x: np.ndarray,
        t: np.ndarray,
        metrics: list | None = None,
        sample_weight: np.ndarray | None = None,
    ) -> dict[str, float]:
        """Return {"loss": mean loss} and the metrics, "accuracy" where the loss has answers."""
        x, t = self._inputs(x), self._targets(t)
        self._ready(x.shape[1])
        loss, y = self._run(x, t, sample_weight)
        loss += self._penalty()
        names = DEFAULTS.get(self.loss, []) if metrics is None else metrics
        counts = self._counted(t)
        found = {name: measure(name, self.loss, t[counts], y[counts]) for name in names}
        return {"loss": float(loss), **found}

    def summary(self) -> None:
        """Print a table of layers, shapes and parameter counts."""
        self._ready()
        for layer in self.layers:
            shapes = " ".join(str(array.shape) for array in layer.params)
            count = sum(array.size for array in layer.params)
            print(f"{type(layer).__name__:<12}{shapes:<28}{count:>12,}")
        print(f"{'total':<40}{self.parameter_count:>12,}")

    def _forward(self, x: np.ndarray, layers: list) -> np.ndarray:
        for layer in layers:
            x = layer.forward(x)
            if isinstance(layer, Embedding):
                x = x.reshape(len(x), -1)
        return x

    def _weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        products = [layer for layer in self._within() if isinstance(layer, (Dense, Affine, MatMul))]
        return [(layer.W, layer.dW) for layer in products]

    def _penalty(self) -> float:
        weights = [W for W, _ in self._weights()]
        return sum(l1_penalty(W, self.l1) + l2_penalty(W, self.l2) for W in weights)

    def _add_penalty_gradients(self, dout: float = 1) -> None:
        for W, dW in self._weights():
            dW += dout * (l1_penalty_gradient(W, self.l1) + l2_penalty_gradient(W, self.l2))

    def _inputs(self, x: np.ndarray) -> np.ndarray:
        """Rows of the model's dtype."""
        x = np.asarray(x)
        x = x.reshape(len(x), -1)
        if isinstance(self.layers[0], Embedding):
            return x
        return x.astype(self.dtype, copy=False)

    def _targets(self, t: np.ndarray) -> np.ndarray:
        t = np.asarray(t)
        if self.loss == "softmax_cross_entropy" or "categorical" in self.loss:
            return t.argmax(axis=1) if t.ndim == 2 and not _are_soft(t, t) else t
        return t.reshape(len(t), -1).astype(self.dtype, copy=False)
