"""Layers in a row."""

import copy
import time
from typing import Any

import numpy as np

from ..functions import _are_soft, softmax
from ..gradient import _gradient
from ..layers import Affine, Dense, Embedding, MatMul, Softmax
from ..losses import (
    CategoricalCrossEntropy,
    MeanSquaredError,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SparseCategoricalCrossEntropy,
)
from ..optimizer import SGD
from ..penalties import l1_penalty, l1_penalty_gradient, l2_penalty, l2_penalty_gradient
from .history import History
from .measures import DEFAULTS, is_counted, measure


class Sequential:
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

    optimizer: Any = None

    def __init__(
        self,
        layers: list | None = None,
        loss: str = "softmax_cross_entropy",
        dtype: str = "float32",
        seed: int | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        losses: dict = {
            "softmax_cross_entropy": SoftmaxCrossEntropy,
            "mean_squared_error": MeanSquaredError,
            "sigmoid_cross_entropy": SigmoidCrossEntropy,
            "categorical_cross_entropy": CategoricalCrossEntropy,
            "sparse_categorical_cross_entropy": SparseCategoricalCrossEntropy,
        }
        self.layers: list = []
        self.loss = loss
        self.dtype = np.dtype(dtype)
        self.l1, self.l2 = l1, l2
        self._loss = losses[loss]()
        self._rng = np.random.default_rng(seed)
        self._shape: tuple = ()  # of the targets of the last training
        self._parameters = self._gradients = np.zeros(0, self.dtype)
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: object) -> None:
        """Append a layer; the size of its input is inferred when the model is built."""
        self.layers.append(layer)

    def build(self, n_in: int) -> None:
        """Give every Dense its weights, for n_in features, and gather all in one vector."""
        for layer in self.layers:
            if isinstance(layer, Dense) and not layer.params:
                layer.build(n_in, self._rng, self.dtype)
            if isinstance(layer, Embedding):
                n_in *= layer.W.shape[1]
            elif layer.params:
                n_in = layer.W.shape[1]
        flat = [np.ravel(array) for layer in self.layers for array in layer.params]
        self._parameters = np.concatenate([np.zeros(0), *flat]).astype(self.dtype)
        self._gradients = np.zeros_like(self._parameters)
        start = 0
        for layer in self.layers:
            for i, array in enumerate(layer.params):
                end = start + array.size
                layer.params[i] = self._parameters[start:end].reshape(array.shape)
                layer.grads[i] = self._gradients[start:end].reshape(array.shape)
                start = end

    def _ready(self, n_in: int = 0) -> None:
        """Build what is not built, and take in a W or b that somebody assigned to a layer."""
        arrays = [array for layer in self.layers for array in layer.params]
        unbuilt = [layer for layer in self.layers if isinstance(layer, Dense) and not layer.params]
        if unbuilt or any(array.base is not self._parameters for array in arrays):
            if not n_in and unbuilt and self.layers[0] is unbuilt[0]:
                n_in = int(np.prod(unbuilt[0].input_shape))
            self.build(n_in)

    @property
    def params(self) -> list[np.ndarray]:
        """Parameters of all layers in order, but frozen ones: views of ``parameter_vector``."""
        self._ready()
        return [array for layer in self.layers if layer.trainable for array in layer.params]

    @property
    def grads(self) -> list[np.ndarray]:
        """Gradients in the order of ``params``: views of ``gradient_vector``."""
        self._ready()
        return [array for layer in self.layers if layer.trainable for array in layer.grads]

    @property
    def parameter_vector(self) -> np.ndarray:
        """All parameters in one flat vector; writing into it changes the layers."""
        self._ready()
        return self._parameters

    @property
    def gradient_vector(self) -> np.ndarray:
        """All gradients in one flat vector, as the last backward left them."""
        self._ready()
        return self._gradients

    @property
    def parameter_count(self) -> int:
        """How many numbers the layers hold, frozen ones too."""
        return self.parameter_vector.size

    @property
    def trainable(self) -> bool:
        """Whether any layer learns; assigned, it freezes all layers, or lets all learn."""
        return any(layer.trainable for layer in self.layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        """Freeze it, or let it learn."""
        for layer in self.layers:
            layer.trainable = value

    def forward(self, x: np.ndarray, t: np.ndarray | None = None) -> Any:
        """Return the loss of the batch, without targets the outputs; backward can follow."""
        self._has_loss = t is not None
        rows = self._inputs(np.asarray(x) if t is not None else np.atleast_2d(x))
        self._ready(rows.shape[1])
        if t is None:
            y = self._forward(rows, self.layers)
            return y[0] if np.ndim(x) == 1 else y
        self._shape = np.shape(t)
        return self._run(rows, self._targets(t))[0] + self._penalty()

    def _run(self, x: np.ndarray, t: np.ndarray) -> tuple[float, np.ndarray]:
        """Return loss and outputs; where the loss takes a Softmax along, that one is left out."""
        last, self._taken = self.layers[-1], self._loss
        if isinstance(last, Softmax) and "categorical" in self.loss:
            self._taken = SoftmaxCrossEntropy()
            logits = self._forward(x, self.layers[:-1])
            loss = self._taken.forward(logits, t)
            last.out = self._taken.y
            return loss, last.out
        y = self._forward(x, self.layers)
        return self._taken.forward(y, t), y

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

    def gradient(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        """Return the gradient of the loss for every array of ``params``, as fresh arrays."""
        self.forward(x, t)
        self.backward()
        return [grad.copy() for grad in self.grads]

    def numerical_gradient(self, x: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
        """Return the gradient of the loss by central differences, computed in float64."""
        x = self._inputs(x)
        self._ready(x.shape[1])
        model = copy.deepcopy(self)
        model.dtype = np.dtype(np.float64)
        model.build(x.shape[1])
        x, t = x.astype(np.float64), self._targets(t)

        def loss(W: np.ndarray) -> float:
            return model.forward(x, t)

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
        self.optimizer = optimizer = optimizer or self.optimizer or SGD()
        columns: dict = {name: [] for name in ["loss", *names]}
        for _ in range(epochs):
            start = time.perf_counter()
            order = self._rng.permutation(len(x)) if shuffle else np.arange(len(x))
            loss, outputs = 0.0, []
            for i in range(0, len(x), batch_size):
                batch = order[i : i + batch_size]
                batch_loss, y = self._step(x[batch], t[batch], optimizer)
                loss += batch_loss * len(batch)
                outputs.append(y)
            seconds = time.perf_counter() - start
            columns["loss"].append(float(loss / len(x)))
            before, after = np.concatenate(outputs), self._forward(x, self.layers)
            for name in names:
                counted = is_counted(name, self.loss, before.shape[1])
                wanted, y = (t[order], before) if counted else (t, after)
                columns[name].append(measure(name, self.loss, wanted, y))
            if validation_data is not None:
                seen = self.evaluate(*validation_data, names)
                for name in seen:
                    columns.setdefault(f"val_{name}", []).append(seen[name])
            columns.setdefault("seconds", []).append(seconds)
        return History(columns)

    def _step(self, x: np.ndarray, t: np.ndarray, optimizer: SGD) -> tuple[float, np.ndarray]:
        """Forward, backward and update on one batch; return its loss and outputs."""
        loss, y = self._run(x, t)
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
        self, x: np.ndarray, t: np.ndarray, metrics: list | None = None
    ) -> dict[str, float]:
        """Return {"loss": mean loss} and the metrics, "accuracy" where the loss has answers."""
        x, t = self._inputs(x), self._targets(t)
        self._ready(x.shape[1])
        loss, y = self._run(x, t)
        loss += self._penalty()
        names = DEFAULTS.get(self.loss, []) if metrics is None else metrics
        return {"loss": float(loss), **{name: measure(name, self.loss, t, y) for name in names}}

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
        products = [layer for layer in self.layers if isinstance(layer, (Dense, Affine, MatMul))]
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
