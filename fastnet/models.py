"""Models: a stack of layers trained in a compiled loop, and the textbook's two-layer network."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions import softmax
from fastnet.kernels import (
    FLOAT32,
    FLOAT64,
    IDENTITY,
    MEAN_SQUARED_ERROR,
    RELU,
    SIGMOID,
    SOFTMAX_CROSS_ENTROPY,
    TANH,
    UINT8,
    predict_rows,
    train_epochs,
    work_size,
)
from fastnet.layers import (
    Affine,
    Dense,
    MatMul,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
    Tanh,
    _activation_code,
)
from fastnet.losses import MeanSquaredError, SoftmaxCrossEntropy
from fastnet.optimizer import SGD

__all__ = ["History", "Sequential", "TwoLayerNet"]

LOSSES: dict[str, tuple[int, type[SoftmaxCrossEntropy] | type[MeanSquaredError]]] = {
    "softmax_cross_entropy": (SOFTMAX_CROSS_ENTROPY, SoftmaxCrossEntropy),
    "mean_squared_error": (MEAN_SQUARED_ERROR, MeanSquaredError),
}
# Layers that the compiled loop knows. A subclass is not one of them: it may compute otherwise.
PRODUCTS = (Dense, Affine, MatMul)
ACTIVATION_LAYERS = {Sigmoid: SIGMOID, Relu: RELU, Tanh: TANH}

KINDS = {np.dtype("float32"): FLOAT32, np.dtype("float64"): FLOAT64, np.dtype("uint8"): UINT8}
PREDICT_ROWS = 256  # rows at a time: their activations stay in the L2 cache

# A compiled call does about 0.05 s of work at this rate, so that Ctrl-C and the progress bar
# wait no longer; a batch costs at least 10**5 FLOPs' time in overhead, and a sample 10**3: without
# them, 60,000 samples of one feature in one batch were shuffled 540 times ahead, in 600 MB.
FLOPS_A_CALL, FLOPS_A_BATCH, FLOPS_A_SAMPLE = 2e9, 1e5, 1e3


class History:
    """What `fit` saw: lists with one entry an epoch.

    Attributes
    ----------
    loss, accuracy : list of float
        Means over the training samples, each batch counted before its update.
    val_loss, val_accuracy : list of float
        After the epoch, on the validation data; empty without it.
    seconds : list of float
        Time of the epoch's training, without compiling and validation.
    """

    def __init__(self) -> None:
        self.loss: list[float] = []
        self.accuracy: list[float] = []
        self.val_loss: list[float] = []
        self.val_accuracy: list[float] = []
        self.seconds: list[float] = []


class _Rows(NamedTuple):
    """Samples as the compiled loop reads them: by the address of rows that `array` keeps alive."""

    array: NDArray[Any]
    kind: int
    scale: Any

    def arguments(self) -> tuple[int, int, int, Any]:
        address: int = self.array.__array_interface__["data"][0]
        return address, self.kind, self.array.strides[0], self.scale


class Sequential:
    """Layers in a row, trained in one compiled call an epoch.

    All parameters lie in one flat vector, of which `layers[i].W` and `.b` are views: what the
    compiled loop learns is seen in the layers, and what is written into a layer, its activation
    and the list of layers too, is used at the next call.

    Parameters
    ----------
    layers : list of Dense, Affine, MatMul, Sigmoid, Relu and Tanh
        The model takes them over: the arrays of ready-made ones are copied into its vector.
    loss : "softmax_cross_entropy" or "mean_squared_error"
        For the first, targets t are labels (N,) or one-hot (N, C); for the second (N, C), or
        (N,) where C is 1. The squared error is halved and summed over the outputs.
    dtype : "float32" or "float64"
    seed : int, optional
        Seeds the initial weights and the order of the samples: the same seed gives the same bits.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    One generator, `numpy.random.default_rng(seed)`, draws the weights layer by layer and then a
    permutation an epoch; `fastnet.reference.models.Sequential` draws the same.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> from fastnet.optimizer import SGD
    >>> x, t = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0])
    >>> model = Sequential([Dense(8, activation="tanh"), Dense(2)], seed=0)
    >>> history = model.fit(x, t, epochs=500, batch_size=4, optimizer=SGD(lr=0.5), verbose=0)
    >>> model.predict(x).argmax(axis=1)
    array([0, 1, 1, 0])
    >>> model.evaluate(x, t)["accuracy"]
    1.0
    """

    def __init__(
        self,
        layers: list[Any] | None = None,
        loss: str = "softmax_cross_entropy",
        dtype: str = "float32",
        seed: int | None = None,
    ) -> None:
        checks.choice("Sequential", "loss", loss, LOSSES)
        self.loss = loss
        self.dtype = checks.float_dtype("Sequential", dtype)
        self._rng = np.random.default_rng(checks.seed("Sequential", seed))
        self._loss_code, loss_layer = LOSSES[loss]
        self._loss = loss_layer()
        self.layers: list[Any] = []
        self._vectors = np.zeros(0, self.dtype), np.zeros(0, self.dtype)
        # (layer, index, view of the parameters, view of the gradients) of every array
        self._views: list[tuple[Any, int, NDArray[Any], NDArray[Any]]] = []
        # What the compiled loop is told of the layers, and (layer, activation) when it was made.
        self._table = np.zeros((0, 5), np.int64)
        self._stack: list[tuple[Any, int]] = []
        if not isinstance(layers, (list, tuple, type(None))):
            raise TypeError(
                f"Sequential: layers must be a list of layers, got {type(layers).__name__}. "
                "Give [Dense(...), ...]."
            )
        for layer in layers or []:
            self.add(layer)

    def __getstate__(self) -> dict[str, Any]:
        # A copied view is no view: copies and pickles hold the layers' arrays alone ...
        if len(self._table):
            self._ready("Sequential")
        state = {**self.__dict__, "_views": [], "_stack": []}
        del state["_vectors"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._vectors = np.zeros(0, self.dtype), np.zeros(0, self.dtype)
        if len(self._table):  # ... and gather them anew.
            self._ready("Sequential")

    # ----------------------------------------------------------------- building

    def add(self, layer: Any) -> None:
        """Append a layer. It is built at once where the number of its inputs is known.

        Parameters
        ----------
        layer : Dense, Affine, MatMul, Sigmoid, Relu or Tanh

        Raises
        ------
        TypeError
            It is none of these.
        ValueError
            It does not take what the layer before it gives.
        """
        where, layers = "Sequential.add", [*self.layers, layer]
        self._activations(where, layers)
        n_in = self._inputs(layers)
        if n_in is not None:
            self._fits(where, layers, n_in)
        self.layers.append(layer)
        if n_in is not None:
            self._ready(where, n_in)

    def build(self, n_in: int) -> None:
        """Give every Dense its weights, for n_in features, and gather all in one vector.

        `fit` and `add` do it where they learn the number of features; a model that is built stays
        as it is.

        Parameters
        ----------
        n_in : int
            Features of a sample.

        Raises
        ------
        TypeError, ValueError
            n_in is not a positive int, or not what the layers take.
        """
        where = "Sequential.build"
        n_in, known = checks.count(where, "n_in", n_in), self._width()
        if known is not None:
            checks.features(where, "n_in", n_in, known)
        self._ready(where, n_in)

    def _width(self) -> int | None:
        """Return how many features the model takes; None where it does not know yet."""
        return int(self._table[0, 0]) if len(self._table) else self._inputs(self.layers)

    @staticmethod
    def _activations(where: str, layers: list[Any]) -> list[tuple[Any, int]]:
        """Check that the layers are of a known kind, and return each with its activation's code."""
        stack: list[tuple[Any, int]] = []
        for layer in layers:
            kind = type(layer)
            if kind in PRODUCTS:
                code = _activation_code(where, getattr(layer, "activation", None))
            elif kind in ACTIVATION_LAYERS:
                code = ACTIVATION_LAYERS[kind]
            else:
                names = ", ".join(kind.__name__ for kind in (*PRODUCTS, *ACTIVATION_LAYERS))
                advice = "Add one of these layers"
                if kind.__name__ in ("Softmax", "SoftmaxWithLoss"):
                    advice = 'Leave it out: loss="softmax_cross_entropy" includes the softmax'
                raise TypeError(
                    f"{where}: layer must be one of {names}, got {kind.__name__}. {advice}."
                )
            if any(layer is other for other, _ in stack):
                raise ValueError(
                    f"{where}: layer must be a new object, got one that is in the model already. "
                    "Make another layer with the same arguments."
                )
            stack.append((layer, code))
        return stack

    @staticmethod
    def _inputs(layers: list[Any]) -> int | None:
        """Return how many features the layers say they take; None where they do not say."""
        for layer in layers:
            if type(layer) in PRODUCTS:
                if layer.params:
                    return int(layer.W.shape[0])
                return None if layer.input_shape is None else math.prod(layer.input_shape)
        return None

    @staticmethod
    def _fits(where: str, layers: list[Any], n_in: int) -> int:
        """Check that each layer takes what the one before gives; return the number of outputs."""
        if not layers:
            raise RuntimeError(f"{where}: add a layer first.")
        for i, layer in enumerate(layers):
            if type(layer) in PRODUCTS:
                takes = Sequential._inputs([layer])
                if takes not in (None, n_in):
                    raise ValueError(
                        f"{where}: layers[{i}] must take {n_in} features, got "
                        f"{type(layer).__name__}, which takes {takes}. "
                        "Match each layer to the output of the one before it."
                    )
                if len(layer.params) == 2:
                    checks.bias(where, layer.params[1], layer.params[0])
                n_in = layer.W.shape[1] if layer.params else layer.units
        return n_in

    def _gather(self, n_in: int) -> None:
        """Build what is not built, and move all parameters into one vector."""
        start = 0
        for layer in self.layers:
            if type(layer) in PRODUCTS:
                if not layer.params:
                    layer.build(n_in, self._rng, self.dtype)
                n_in = layer.W.shape[1]
                start += sum(array.size for array in layer.params)
        self._vectors = np.empty(start, self.dtype), np.zeros(start, self.dtype)
        self._views = []
        start = 0
        for layer in self.layers:
            for i, array in enumerate(layer.params):
                end = start + array.size
                views = [vector[start:end].reshape(array.shape) for vector in self._vectors]
                views[0][...] = array
                views[1][...] = layer.grads[i]
                layer.params[i], layer.grads[i] = views
                self._views.append((layer, i, views[0], views[1]))
                start = end

    @staticmethod
    def _describe(stack: list[tuple[Any, int]], features: int) -> NDArray[np.int64]:
        """Return the table of layers that the compiled loop goes by."""
        table: list[list[int]] = []
        start = 0
        for layer, code in stack:
            if type(layer) in PRODUCTS:
                outputs = layer.W.shape[1]
                bias = start + layer.W.size if len(layer.params) == 2 else -1
                table.append([features, outputs, start, bias, code])
                start += sum(array.size for array in layer.params)
                features = outputs
            elif table and table[-1][4] == IDENTITY:
                table[-1][4] = code
            else:
                table.append([features, features, -1, -1, code])
        return np.array(table, np.int64)

    def _ready(self, where: str, n_in: int | None = None) -> None:
        """Build for n_in features, and take in what was changed in the layers and their list."""
        if n_in is None:
            n_in = self._width()
        if n_in is None:
            self._fits(where, self.layers, 0)
            raise RuntimeError(
                f"{where}: the number of inputs must be known. Call fit or build(n_in) first, or "
                "give the first Dense an input_shape."
            )
        stack = self._activations(where, self.layers)
        changed = not stack or stack != self._stack
        if changed:
            self._fits(where, self.layers, n_in)
            gathered = [layer for layer, i, _, _ in self._views if i == 0]
            if gathered != [layer for layer in self.layers if type(layer) in PRODUCTS]:
                self._gather(n_in)
        for layer, i, view, grad in self._views:
            if layer.params[i] is not view:
                if layer.params[i].shape != view.shape:
                    raise ValueError(
                        f"{where}: the arrays assigned to a layer must keep their shape "
                        f"{view.shape}, got {layer.params[i].shape}. Make a new model."
                    )
                view[...] = layer.params[i]
                layer.params[i] = view
            layer.grads[i] = grad
        if changed:
            self._table, self._stack = self._describe(stack, n_in), stack

    # ----------------------------------------------------------------- parameters

    @property
    def params(self) -> list[NDArray[Any]]:
        """Parameters of all layers in order: views of `parameter_vector`."""
        self._ready("Sequential.params")
        return [view for _, _, view, _ in self._views]

    @property
    def grads(self) -> list[NDArray[Any]]:
        """Gradients in the order of `params`: views of `gradient_vector`."""
        self._ready("Sequential.grads")
        return [grad for _, _, _, grad in self._views]

    @property
    def parameter_vector(self) -> NDArray[Any]:
        """All parameters in one flat vector; writing into it changes the layers."""
        self._ready("Sequential.parameter_vector")
        return self._vectors[0]

    @property
    def gradient_vector(self) -> NDArray[Any]:
        """All gradients in one flat vector, as the last `backward` left them."""
        self._ready("Sequential.gradient_vector")
        return self._vectors[1]

    @property
    def parameter_count(self) -> int:
        """How many numbers the model learns."""
        self._ready("Sequential.parameter_count")
        return self._vectors[0].size

    # ----------------------------------------------------------------- a step by hand

    def forward(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the loss of a batch, layer by layer; `backward` can follow.

        Parameters
        ----------
        x : (N, D) or (N, ...)
            uint8 is scaled to 0..1.
        t : targets, as the class describes them

        Returns
        -------
        scalar of the model's dtype

        Raises
        ------
        TypeError, ValueError, IndexError
            x or t does not fit.
        """
        where = "Sequential.forward"
        rows = self._rows(where, x)
        n, n_in = rows.array.shape
        labels, targets = self._targets(where, t, n, n_in)
        self._ready(where, n_in)
        out = rows.array * rows.scale if rows.kind == UINT8 else rows.array.astype(self.dtype)
        for layer in self.layers:
            out = layer.forward(out)
        cross_entropy = self._loss_code == SOFTMAX_CROSS_ENTROPY
        return self._loss.forward(out, labels if cross_entropy else targets)

    def backward(self, dout: float = 1) -> NDArray[Any]:
        """Fill `grads` with the gradient of the last `forward`, times dout.

        Parameters
        ----------
        dout : float

        Returns
        -------
        (N, D)
            Gradient with respect to x.

        Raises
        ------
        RuntimeError
            forward was not called.
        """
        checks.remembered("Sequential.backward", self._loss, "y")
        self._ready("Sequential.backward")
        dx: NDArray[Any] = self._loss.backward(dout)
        for layer in reversed(self.layers):
            dx = layer.backward(dx)
        return dx

    def gradient(self, x: ArrayLike, t: ArrayLike) -> list[NDArray[Any]]:
        """Return the gradient of the loss for every array of `params`, as fresh arrays.

        Parameters
        ----------
        x, t
            As for `forward`.

        Raises
        ------
        TypeError, ValueError, IndexError
            x or t does not fit.
        """
        self.forward(x, t)
        self.backward()
        return [grad.copy() for grad in self.grads]

    # ----------------------------------------------------------------- training

    def fit(
        self,
        x: ArrayLike,
        t: ArrayLike,
        epochs: int = 1,
        batch_size: int = 32,
        optimizer: SGD | None = None,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        shuffle: bool = True,
        verbose: int = 1,
    ) -> History:
        """Train for some epochs; call again to go on.

        Each epoch visits all samples in a new order, in batches of consecutive ones; the last
        batch is smaller where the number of samples is no multiple.

        Parameters
        ----------
        x : (N, D) or (N, ...)
            float32, float64 and uint8 (scaled to 0..1) are read in place, without a copy; other
            numbers are converted first.
        t : targets, as the class describes them
        epochs, batch_size : int
        optimizer : SGD, optional
            Default: SGD(lr=0.01).
        validation_data : (x, t), optional
            Evaluated after each epoch.
        shuffle : bool
        verbose : int
            0 for no progress bar; it is shown in terminals only.

        Returns
        -------
        History
            Of the epochs of this call. Ctrl-C ends it early: the model keeps what it has learnt,
            and the history has the epochs that were completed.

        Raises
        ------
        TypeError, ValueError, IndexError
            An argument does not fit; nothing has changed.
        FloatingPointError
            The loss, or a weight, is no longer finite; the model keeps its last finite weights.
        """
        where = "Sequential.fit"
        rows = self._rows(where, x)
        n, n_in = rows.array.shape
        targets = self._targets(where, t, n, n_in)
        epochs = checks.count(where, "epochs", epochs)
        batch_size = min(checks.count(where, "batch_size", batch_size), n)
        optimizer = SGD() if optimizer is None else optimizer
        checks.instance(where, "optimizer", optimizer, SGD)
        if type(optimizer).update is not SGD.update:
            raise TypeError(
                f"{where}: optimizer must update as SGD does, got a {type(optimizer).__name__} "
                "with an update of its own. Step by hand: forward, backward, "
                "optimizer.update(model.params, model.grads)."
            )
        lr = checks.learning_rate(where, optimizer.lr, [self.dtype])
        if validation_data is not None:
            checks.pair(where, "validation_data", validation_data)
            held_out = self._rows(where, validation_data[0], "validation_data[0]")
            checks.features(where, "validation_data[0]", held_out.array.shape[1], n_in)
            held_out_targets = self._targets(
                f"{where}: validation_data[1]", validation_data[1], len(held_out.array), n_in
            )
        self._ready(where, n_in)

        batches = -(-n // batch_size)
        cost = FLOPS_A_BATCH + batch_size * (FLOPS_A_SAMPLE + 6.0 * self._vectors[0].size)
        a_call = max(1, int(FLOPS_A_CALL / cost))  # batches
        many = 1 if validation_data is not None else max(1, a_call // batches)
        history = History()
        bar = _progress_bar(epochs, verbose)
        try:
            if bar is not None:
                bar.set_postfix_str("loading the kernels")  # 6 s where they are compiled
            # An epoch of no samples: what it loads or compiles is no part of the seconds.
            self._run(rows, targets, np.empty((1, 0), np.int64), batch_size, lr, learn=False)
            while len(history.loss) < epochs:
                count = min(many, epochs - len(history.loss))
                start = time.perf_counter()
                order = np.tile(np.arange(n, dtype=np.int64), (count, 1))
                if shuffle and n < 64:
                    self._rng.permuted(order, axis=1, out=order)
                elif shuffle:  # the same orders: 8 ns a row, where `permuted` takes 15
                    for row in order:
                        self._rng.shuffle(row)
                totals = np.zeros((count, 3))
                for first in range(0, n, n if count > 1 else a_call * batch_size):
                    part = order if count > 1 else order[:, first : first + a_call * batch_size]
                    totals += self._train(rows, targets, part, batch_size, lr)
                seconds = (time.perf_counter() - start) / count
                if validation_data is not None:  # first: Ctrl-C here leaves no half an entry
                    seen = self._evaluate(held_out, held_out_targets)
                    history.val_loss.append(seen["loss"])
                    history.val_accuracy.append(seen["accuracy"])
                history.loss += (totals[:, 0] / n).tolist()
                history.accuracy += (totals[:, 1] / n).tolist()
                history.seconds += [seconds] * count
                shown = {"loss": history.loss[-1], "accuracy": history.accuracy[-1]}
                if validation_data is not None:
                    shown["val_accuracy"] = seen["accuracy"]
                if bar is not None:
                    bar.set_postfix({key: f"{value:.4f}" for key, value in shown.items()}, False)
                    bar.update(count)
        except KeyboardInterrupt:
            pass
        finally:
            if bar is not None:
                bar.close()
        return history

    def _train(
        self,
        rows: _Rows,
        targets: tuple[NDArray[np.int64], NDArray[Any]],
        order: NDArray[np.int64],
        batch_size: int,
        lr: float,
    ) -> NDArray[np.float64]:
        """Train on the samples in order (E, n); return totals (E, 3), or stop with an error."""
        params = self._vectors[0]
        kept = params.copy()
        order = np.ascontiguousarray(order)
        batches = -(-order.shape[1] // batch_size)
        try:
            totals = self._run(rows, targets, order, batch_size, lr, learn=True)
            done = int(totals[:, 2].sum())
            finite = bool(np.isfinite(params).all())
            if finite and done == len(order) * batches:
                return totals
            if not finite:
                # A weight overflowed, perhaps long ago (an infinite one that saturates a sigmoid
                # leaves the loss finite). Training gives the same bits again: redo it in steps.
                params[...] = kept
                for step in range(done):
                    epoch, batch = divmod(step, batches)
                    part = order[epoch : epoch + 1, batch * batch_size : (batch + 1) * batch_size]
                    kept = params.copy()
                    self._run(rows, targets, part, batch_size, lr, learn=True)
                    if not np.isfinite(params).all():
                        params[...] = kept
                        break
        except KeyboardInterrupt:
            if not np.isfinite(params).all():
                params[...] = kept
            raise
        raise FloatingPointError(
            f"Sequential.fit: loss must stay finite, got {'weights' if done else 'a loss'} that "
            f"overflowed or NaN in the data at lr={lr:g}. The model keeps its last finite weights. "
            "Lower the learning rate, or look for NaN and large numbers in x and t."
        )

    def _run(
        self,
        rows: _Rows,
        targets: tuple[NDArray[np.int64], NDArray[Any]],
        order: NDArray[np.int64],
        batch_size: int,
        lr: float,
        learn: bool,
    ) -> NDArray[np.float64]:
        totals = np.empty((len(order), 3))
        train_epochs(
            *rows.arguments(),
            *targets,
            order,
            batch_size,
            self._table,
            self._vectors[0],
            self._loss_code,
            self.dtype.type(lr),
            learn,
            self._work(batch_size),
            totals,
        )
        return totals

    def _work(self, batch_size: int) -> NDArray[Any]:
        return np.empty(work_size(self._table, batch_size), self.dtype)

    # ----------------------------------------------------------------- use

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """Return the outputs of the last layer, before any softmax.

        Parameters
        ----------
        x : (N, D) or (N, ...)
            uint8 is scaled to 0..1.

        Returns
        -------
        (N, C) of the model's dtype

        Raises
        ------
        TypeError, ValueError
            x does not fit.
        RuntimeError
            The model has no layers.
        """
        where = "Sequential.predict"
        rows = self._rows(where, x)
        n, n_in = rows.array.shape
        self._ready(where, n_in)
        out = np.empty((n, int(self._table[-1, 1])), self.dtype)
        size = min(n, PREDICT_ROWS)
        arguments = rows.arguments()
        work = self._work(size)
        order = np.arange(n, dtype=np.int64)
        predict_rows(*arguments, order, self._table, self._vectors[0], work, size, out)
        return out

    def predict_proba(self, x: ArrayLike) -> NDArray[Any]:
        """Return the softmax of `predict`.

        Parameters
        ----------
        x : (N, D) or (N, ...)

        Returns
        -------
        (N, C), rows of which sum to 1

        Raises
        ------
        TypeError, ValueError
            x does not fit.
        RuntimeError
            The model's loss is not "softmax_cross_entropy": its outputs are no logits.
        """
        if self.loss != "softmax_cross_entropy":
            raise RuntimeError(
                'Sequential.predict_proba: loss must be "softmax_cross_entropy", got '
                f'"{self.loss}". Use predict.'
            )
        result: NDArray[Any] = softmax(self.predict(x))
        return result

    def evaluate(self, x: ArrayLike, t: ArrayLike) -> dict[str, float]:
        """Return the mean loss and the share of correct answers.

        Parameters
        ----------
        x : (N, D) or (N, ...)
        t : targets, as the class describes them
            An answer is correct where the largest output is at the label (at the largest target,
            for the squared error); where there is one output, if it and t are on the same side
            of 0.5.

        Returns
        -------
        {"loss": float, "accuracy": float}

        Raises
        ------
        TypeError, ValueError, IndexError
            x or t does not fit.
        """
        where = "Sequential.evaluate"
        rows = self._rows(where, x)
        n, n_in = rows.array.shape
        targets = self._targets(where, t, n, n_in)
        self._ready(where, n_in)
        return self._evaluate(rows, targets)

    def _evaluate(
        self, rows: _Rows, targets: tuple[NDArray[np.int64], NDArray[Any]]
    ) -> dict[str, float]:
        n = len(rows.array)
        order, size = np.arange(n, dtype=np.int64).reshape(1, n), min(n, PREDICT_ROWS)
        loss, correct, _ = self._run(rows, targets, order, size, 0.0, learn=False)[0].tolist()
        return {"loss": loss / n, "accuracy": correct / n}

    def summary(self) -> None:
        """Print the layers with their shapes and parameter counts.

        Raises
        ------
        RuntimeError
            The number of inputs is not known yet.
        """
        self._ready("Sequential.summary")
        print(f"{'layer':<14}{'activation':<12}{'W':<16}{'b':<10}{'parameters':>12}")
        for layer in self.layers:
            shapes = [str(array.shape) for array in layer.params] + ["", ""]
            activation = getattr(layer, "activation", None) or ""
            count = sum(array.size for array in layer.params)
            name = type(layer).__name__
            print(f"{name:<14}{activation:<12}{shapes[0]:<16}{shapes[1]:<10}{count:>12,}")
        print(f"{'total':<52}{self.parameter_count:>12,}")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one safetensors file, whole or not at all.

        See `fastnet.checkpoint.save_model`.
        """
        from fastnet.checkpoint import save_model

        self._ready("Sequential.save")
        save_model(self, path)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Sequential:
        """Read a model that `save` wrote: the same predictions, to the bit.

        See `fastnet.checkpoint.load_model`.
        """
        from fastnet.checkpoint import load_model

        return load_model(path)

    # ----------------------------------------------------------------- arguments

    def _rows(self, where: str, x: ArrayLike, name: str = "x") -> _Rows:
        """Return x as rows that the compiled loop can read, the user's own memory if possible."""
        array = checks.samples(where, name, checks.array(where, name, x))
        known = self._width()
        if known is not None:
            checks.features(where, name, array.shape[1], known)
        kind = KINDS.get(array.dtype)  # None for the other byte order, too
        if kind is None:
            dtype = np.float32 if array.dtype == np.float16 else self.dtype
            array = array.astype(dtype, order="C")
            kind = KINDS[array.dtype]
        elif not array.flags.aligned or array.strides[1] != array.itemsize:
            array = np.ascontiguousarray(array)
        scale = 1 / 255 if kind == UINT8 else 1
        return _Rows(array, kind, self.dtype.type(scale))

    def _targets(
        self, where: str, t: ArrayLike, n: int, n_in: int = 0
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Return labels (n,) and targets (n, C), the one that the loss does not use empty."""
        classes = self._outputs(where, n_in)
        if self._loss_code == SOFTMAX_CROSS_ENTROPY:
            return checks.labels(where, t, n, classes), np.empty((0, 0), self.dtype)
        found = checks.targets(where, checks.array(where, "t", t), (n, classes))
        return np.empty(0, np.int64), checks.contiguous(found, self.dtype)

    def _outputs(self, where: str, n_in: int) -> int:
        return self._fits(where, self.layers, n_in or self._inputs(self.layers) or 0)


def _progress_bar(epochs: int, verbose: int) -> Any:
    """Return tqdm's bar for a terminal, None elsewhere."""
    if not verbose or not hasattr(sys.stderr, "isatty") or not sys.stderr.isatty():
        return None
    from tqdm import tqdm

    return tqdm(total=epochs, unit="epoch", dynamic_ncols=True)


class TwoLayerNet:
    """The textbook's network: Affine, Relu, Affine, SoftmaxWithLoss, in float64.

    The weights are drawn from NumPy's global generator, so `numpy.random.seed` fixes them, as in
    the book.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
    weight_init_std : float
        Standard deviation of the initial weights.

    Attributes
    ----------
    params : dict
        W1 (input_size, hidden_size), b1, W2 (hidden_size, output_size), b2; the layers use these
        very arrays, so an optimizer that changes them changes the network.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.7.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.models import TwoLayerNet
    >>> from fastnet.optimizer import SGD
    >>> np.random.seed(0)
    >>> network, optimizer = TwoLayerNet(2, 8, 2, weight_init_std=1.0), SGD(lr=0.5)
    >>> x, t = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    >>> for _ in range(300):
    ...     optimizer.update(network.params, network.gradient(x, t))
    >>> float(network.accuracy(x, t))
    1.0
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float = 0.01,
    ) -> None:
        where = "TwoLayerNet"
        input_size = checks.count(where, "input_size", input_size)
        hidden_size = checks.count(where, "hidden_size", hidden_size)
        output_size = checks.count(where, "output_size", output_size)
        weight_init_std = checks.deviation(where, weight_init_std)
        randn = np.random.randn  # the global generator, in the book's order
        self.params: dict[str, NDArray[Any]] = {
            "W1": weight_init_std * randn(input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": weight_init_std * randn(hidden_size, output_size),
            "b2": np.zeros(output_size),
        }
        self.layers: dict[str, Any] = {
            "Affine1": Affine(self.params["W1"], self.params["b1"]),
            "Relu1": Relu(),
            "Affine2": Affine(self.params["W2"], self.params["b2"]),
        }
        self.lastLayer = SoftmaxWithLoss()

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """Return the scores (N, output_size) of x (N, input_size), before the softmax."""
        out: Any = x
        for layer in self.layers.values():
            out = layer.forward(out)
        result: NDArray[Any] = out
        return result

    def loss(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the mean cross entropy of x (N, input_size) and labels or one-hot rows t."""
        return self.lastLayer.forward(self.predict(x), t)

    def accuracy(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the share of rows of x (N, input_size) whose largest score is at the label."""
        where = "TwoLayerNet.accuracy"
        y = self.predict(checks.samples(where, "x", checks.array(where, "x", x)))
        labels = checks.labels(where, t, *y.shape)
        return np.sum(y.argmax(axis=1) == labels) / len(y)

    def numerical_gradient(self, x: ArrayLike, t: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return the gradient as a dict by central differences: slow, to check `gradient`."""

        def loss() -> float:
            return float(self.loss(x, t))

        return {key: _numerical_gradient(loss, W) for key, W in self.params.items()}

    def gradient(self, x: ArrayLike, t: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return the gradient as a dict of fresh arrays, by back propagation."""
        self.loss(x, t)
        dout = self.lastLayer.backward(1)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        first, second = self.layers["Affine1"], self.layers["Affine2"]
        return {
            "W1": first.dW.copy(),
            "b1": first.db.copy(),
            "W2": second.dW.copy(),
            "b2": second.db.copy(),
        }


def _numerical_gradient(f: Callable[[], float], x: NDArray[Any], h: float = 1e-4) -> NDArray[Any]:
    """Central differences (f(x + h) - f(x - h)) / 2h; x is changed in place and put back."""
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        kept = x[i]
        try:
            x[i] = kept + h
            above = f()
            x[i] = kept - h
            grad[i] = (above - f()) / (2 * h)
        finally:
            x[i] = kept
    return grad
