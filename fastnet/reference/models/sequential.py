"""Layers in a row."""

import copy
import time

import numpy as np

from ..functions import softmax
from ..gradient import _gradient
from ..layers import Affine, Dense, Embedding, MatMul
from ..losses import MeanSquaredError, SigmoidCrossEntropy, SoftmaxCrossEntropy
from ..optimizer import SGD
from ..penalties import l1_penalty, l1_penalty_gradient, l2_penalty, l2_penalty_gradient
from .history import History


class Sequential:
    """Layers in a row, with every parameter in one flat vector that the layers view.

    loss is "softmax_cross_entropy" (t: labels (N,) or one-hot (N, C)), "mean_squared_error" or
    "sigmoid_cross_entropy" (t: (N, C), or (N,) where C is 1). The loss counts penalties on the W of
    all products, of strengths l1 and l2. One generator, ``default_rng(seed)``, draws the weights at
    build, then one permutation an epoch; fastnet draws the same.
    """

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
        }
        self.layers: list = []
        self.loss = loss
        self.dtype = np.dtype(dtype)
        self.l1, self.l2 = l1, l2
        self._loss = losses[loss]()
        self._rng = np.random.default_rng(seed)
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
        """Parameters of all layers in order: views of ``parameter_vector``."""
        self._ready()
        return [array for layer in self.layers for array in layer.params]

    @property
    def grads(self) -> list[np.ndarray]:
        """Gradients in the order of ``params``: views of ``gradient_vector``."""
        self._ready()
        return [array for layer in self.layers for array in layer.grads]

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
        """How many numbers the model learns."""
        return self.parameter_vector.size

    def forward(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return the loss of the batch; backward can follow."""
        return self._loss.forward(self.predict(x), self._targets(t)) + self._penalty()

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return dx of the last forward times dout; fill ``grads``."""
        dx = self._loss.backward(dout)
        for layer in reversed(self.layers):
            if isinstance(layer, Embedding):
                dx = dx.reshape(*layer.idx.shape, -1)
            dx = layer.backward(dx)
        self._add_penalty_gradients(dout)
        return dx

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
    ) -> History:
        """Train on x (N, D), t for some epochs and return a History; call again to go on.

        Each epoch visits all rows in a new order, in batches of consecutive rows of that
        order, the last one smaller where N is no multiple. Loss and accuracy of an epoch are
        those of its batches, each before its update. verbose is ignored: nothing is printed.
        """
        x, t = self._inputs(x), self._targets(t)
        self._ready(x.shape[1])
        optimizer = SGD() if optimizer is None else optimizer
        history = History()
        for _ in range(epochs):
            start = time.perf_counter()
            order = self._rng.permutation(len(x)) if shuffle else np.arange(len(x))
            loss, correct = 0.0, 0
            for i in range(0, len(x), batch_size):
                batch = order[i : i + batch_size]
                batch_loss, batch_correct = self._step(x[batch], t[batch], optimizer)
                loss += batch_loss * len(batch)
                correct += batch_correct
            history.seconds.append(time.perf_counter() - start)
            history.loss.append(float(loss / len(x)))
            history.accuracy.append(float(correct / len(x)))
            if validation_data is not None:
                seen = self.evaluate(*validation_data)
                history.val_loss.append(seen["loss"])
                history.val_accuracy.append(seen["accuracy"])
        return history

    def _step(self, x: np.ndarray, t: np.ndarray, optimizer: SGD) -> tuple[float, int]:
        """Forward, backward and update on one batch; return its loss and correct answers."""
        y = self._forward(x)
        loss = self._loss.forward(y, t) + self._penalty()
        if not np.isfinite(loss):
            raise FloatingPointError(
                f"Sequential.fit: loss must stay finite, got {loss}. "
                "Lower the learning rate, or look for NaN in x and t."
            )
        dout = self._loss.backward()
        for layer in reversed(self.layers[1:]):
            dout = layer.backward(dout)
        if self.layers[0].params:
            self.layers[0]._backward_params(dout)
        self._add_penalty_gradients()
        # One update of the flat vector is every layer's update.
        optimizer.update([self._parameters], [self._gradients])
        return loss, self._correct(y, t)

    def predict(self, x: np.ndarray, check_finite: bool = False) -> np.ndarray:
        """Return the outputs of the last layer, (N, C), before any softmax."""
        x = self._inputs(x)
        if check_finite and not np.isfinite(x).all():
            raise ValueError("Sequential.predict: x must be finite.")
        self._ready(x.shape[1])
        return self._forward(x)

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Return the softmax of ``predict``, (N, C)."""
        return softmax(self.predict(x))

    def evaluate(self, x: np.ndarray, t: np.ndarray) -> dict[str, float]:
        """Return {"loss": mean loss, "accuracy": share of correct answers}."""
        y, t = self.predict(x), self._targets(t)
        loss = self._loss.forward(y, t) + self._penalty()
        return {"loss": float(loss), "accuracy": float(self._correct(y, t) / len(y))}

    def summary(self) -> None:
        """Print a table of layers, shapes and parameter counts."""
        self._ready()
        for layer in self.layers:
            shapes = " ".join(str(array.shape) for array in layer.params)
            count = sum(array.size for array in layer.params)
            print(f"{type(layer).__name__:<12}{shapes:<28}{count:>12,}")
        print(f"{'total':<40}{self.parameter_count:>12,}")

    def _forward(self, x: np.ndarray) -> np.ndarray:
        for layer in self.layers:
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
        """Rows of the model's dtype; uint8 pixels become 0 to 1."""
        x = np.asarray(x)
        x = x.reshape(len(x), -1)
        if isinstance(self.layers[0], Embedding):
            return x
        if x.dtype == np.uint8:
            return np.multiply(x, self.dtype.type(1 / 255), dtype=self.dtype)
        return x.astype(self.dtype, copy=False)

    def _targets(self, t: np.ndarray) -> np.ndarray:
        t = np.asarray(t)
        if self.loss == "softmax_cross_entropy":
            return t.argmax(axis=1) if t.ndim == 2 else t
        return t.reshape(len(t), -1).astype(self.dtype, copy=False)

    def _correct(self, y: np.ndarray, t: np.ndarray) -> int:
        if self.loss == "softmax_cross_entropy":
            return int(np.count_nonzero(y.argmax(axis=1) == t))
        if y.shape[1] == 1:
            middle = 0 if self.loss == "sigmoid_cross_entropy" else 0.5
            return int(np.count_nonzero((y > middle) == (t > 0.5)))
        return int(np.count_nonzero(y.argmax(axis=1) == t.argmax(axis=1)))
