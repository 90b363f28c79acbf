"""A stack of layers that is trained in a compiled loop."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks, gradient, threads
from fastnet.functions import softmax
from fastnet.kernels import (
    UINT8,
    central_differences,
    l1_penalty_backward,
    l2_penalty_backward,
    predict_rows,
    work_size,
)
from fastnet.kernels.checked import address_of
from fastnet.losses import LOSSES
from fastnet.models.history import History
from fastnet.models.network import LOSS_NAMES, Network, unbuilt
from fastnet.models.progress import interrupts_later, progress_bar
from fastnet.models.rows import KINDS, SCALES, Rows, rows_of
from fastnet.models.stack import (
    changed,
    gathered,
    inputs_of,
    output_count,
    recorded,
    stacked,
    take,
)
from fastnet.models.steps import Steps, rule_of
from fastnet.optimizer import SGD, _Optimizer

Model = TypeVar("Model", bound="Sequential")

FLOAT, LABEL = checks.FLOAT64, checks.INT64
PREDICT_ROWS = 256  # rows at a time: their activations stay in the L2 cache
FEW_ROWS = np.arange(31)  # and fewer: too few for a second thread, whatever the layers

# A compiled call does about 0.05 s of work at this rate, so that Ctrl-C and the progress bar
# wait no longer; a batch costs at least 10**5 FLOPs' time in overhead, and a sample 10**3: without
# them, 60,000 samples of one feature in one batch were shuffled 540 times ahead, in 600 MB.
FLOPS_A_CALL, FLOPS_A_BATCH, FLOPS_A_SAMPLE = 2e9, 1e5, 1e3


class Sequential:
    """Layers in a row, trained in a compiled loop.

    A compiled call does many short epochs, or a part of a long one: some 0.05 s of work, so that
    Ctrl-C is heard. All parameters lie in one flat vector, of which `layers[i].W` and `.b` are
    views: what the compiled loop learns is seen in the layers, and what is written into a layer,
    its activation and the list of layers too, is used at the next call. A call that is running in
    another thread goes on with the layers and the vector that it began with.

    Parameters
    ----------
    layers : list of Dense, Affine, MatMul, BatchNormalization, Dropout, Embedding, activations
        Activations are Sigmoid, Relu, Tanh, LeakyRelu, Elu, Softplus, Gelu, Silu, Identity and
        Step. An Embedding comes first, and x is then row numbers (N, L). `fit` trains with batch
        statistics and random masks, `predict` and `evaluate` go without. The model takes the layers
        over: the arrays of ready-made ones are copied into its vector, so two layers cannot share
        one (tied weights): step such layers by hand.
    loss : str, or an object of a class of fastnet.losses
        A name in `fastnet.losses.LOSSES`, where each is described: "softmax_cross_entropy",
        "mean_squared_error", "huber" ...; an object such as Huber(delta=2.0) is copied. Targets t
        are (N, C), or (N,) where C is 1; for "softmax_cross_entropy",
        "sparse_categorical_cross_entropy" and "categorical_hinge" they are labels (N,) or one-hot
        (N, C). "mean_squared_error" is halved and summed over the outputs.
    dtype : "float32" or "float64"
    seed : int, optional
        Seeds the initial weights and the order of the samples: the same seed gives the same bits.
    l1, l2 : float
        Strengths of penalties on large weights, which are a part of the loss: for each W of Dense,
        Affine and MatMul l1 * sum(|W|) + l2 / 2 * sum(W**2). Biases, an Embedding's table and what
        BatchNormalization learns go without.

    Attributes
    ----------
    layers : list
        May be changed: the next call builds what is new in it.
    l1, l2 : float
        May be changed: the next call goes by them.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.
    MemoryError
        The parameters do not fit in memory.

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
        loss: Any = "softmax_cross_entropy",
        dtype: str = "float32",
        seed: int | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        if type(loss) in LOSS_NAMES:
            self._loss: Any = copy.copy(loss)
        else:
            checks.choice("Sequential", "loss", loss, LOSSES)
            self._loss = LOSSES[loss]()
        self._dtype = checks.float_dtype("Sequential", dtype)
        self._rng = np.random.default_rng(checks.seed("Sequential", seed))
        self.l1, self.l2 = l1, l2
        self._penalties("Sequential")
        self.layers: list[Any] = []
        self._network = unbuilt(self._loss, self._dtype)
        if not isinstance(layers, (list, tuple, type(None))):
            raise TypeError(
                f"Sequential: layers must be a list of layers, got {type(layers).__name__}. "
                "Give [Dense(...), ...]."
            )
        self._extend("Sequential.add", list(layers or []))

    def __getstate__(self) -> dict[str, Any]:
        # A copied view is no view: copies and pickles hold the layers' arrays alone ...
        if self._network.inputs:
            self._ready("Sequential")
        return {**self.__dict__, "_network": self._network.inputs}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._network = unbuilt(self._loss, self._dtype)
        if state["_network"]:  # ... and gather them anew.
            self._ready("Sequential", state["_network"])

    def __repr__(self) -> str:
        names = [repr(layer) for layer in self.layers]
        if len(names) > 8:
            names[4:-3] = ["..."]
        stack = ", ".join(names) or "no layers"
        built = f"{self._network.params.size:,} parameters" if self._network.inputs else "not built"
        return f"<{type(self).__name__}: {stack}; {self.loss}, {self.dtype.name}, {built}>"

    @property
    def loss(self) -> str:
        """Name of the loss, one of `fastnet.losses.LOSSES`."""
        return LOSS_NAMES[type(self._loss)]

    @loss.setter
    def loss(self, value: Any) -> None:
        """Refuse: what is trained would be another loss than what is saved."""
        raise _read_only("loss", value)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the parameters and results: float32 or float64."""
        return self._dtype

    @dtype.setter
    def dtype(self, value: Any) -> None:
        """Refuse: the parameters are of the dtype that they were made in."""
        raise _read_only("dtype", value)

    # ----------------------------------------------------------------- building

    def add(self, layer: Any) -> None:
        """Append a layer. It is built at once where the number of its inputs is known.

        Parameters
        ----------
        layer : any that the constructor takes

        Raises
        ------
        TypeError
            It is none of these.
        ValueError
            It does not take what the layer before it gives, has arrays that are not its own, or is
            an Embedding that is not the first.
        MemoryError
            Its parameters do not fit in memory.

        Notes
        -----
        After an error the model is as it was.
        """
        self._extend("Sequential.add", [layer])

    def _extend(self, where: str, added: list[Any]) -> None:
        layers = [*self.layers, *added]
        n_in = inputs_of(layers)
        if n_in is None:
            stacked(where, layers)
        else:
            self._ready(where, n_in, layers=layers)
        self.layers += added

    def build(self, n_in: int) -> None:
        """Give every Dense its weights, for n_in features, and gather all in one vector.

        `add` does it where a layer says how many features it takes, and every method that is
        given samples (`fit`, `predict`, `evaluate`, `forward` ...) where the model is not built
        yet. A model that is built stays as it is, and after an error as it was.

        Parameters
        ----------
        n_in : int
            Features of a sample.

        Raises
        ------
        TypeError, ValueError
            n_in is not a positive int, or not what the layers take.
        MemoryError
            The parameters do not fit in memory.
        """
        where = "Sequential.build"
        n_in, known = checks.count(where, "n_in", n_in), self._width()
        if known is not None:
            checks.features(where, "n_in", n_in, known)
        self._ready(where, n_in)

    def _width(self) -> int | None:
        """Return how many features the model takes; None where it does not know yet."""
        return self._network.inputs or inputs_of(self.layers)

    def _ready(
        self,
        where: str,
        n_in: int | None = None,
        outputs: int | None = None,
        layers: list[Any] | None = None,
        vocabulary: int | None = None,
    ) -> Network:
        """Build for n_in features, and take in what was changed in the layers and their list.

        Everything is checked, and a new vector filled, before a layer or the model changes. What
        is returned takes n_in features and gives the outputs that the caller checked t for, and has
        the rows that it checked row numbers for, even where another thread has changed the layers
        in between.
        """
        layers = self.layers[:] if layers is None else layers  # another thread may change it
        if n_in is None:
            n_in = self._width()
        if n_in is None:
            output_count(where, layers, 0)
            raise RuntimeError(
                f"{where}: the number of inputs must be known. Call fit or build(n_in) first, or "
                "give the first Dense an input_shape."
            )
        network = self._network
        if network.suits(n_in, outputs, vocabulary) and network.is_current(layers):
            return network
        stack = stacked(where, layers)
        if not stack or stack != network.stack:
            output_count(where, [layer for layer, _ in stack], n_in)
            known = [layer for layer, i, _, _ in network.views if i == 0]
            if known == [layer for layer, _ in stack if layer.array_names]:
                network = recorded(where, network, stack, n_in)
            else:
                network = gathered(where, network, stack, n_in, self._rng)
                for layer, i, view, grad in network.views:  # slices: a Dense had none yet
                    layer.params[i : i + 1], layer.grads[i : i + 1] = [view], [grad]
        assigned = []
        for entry in network.views:
            layer, i, view, grad = entry
            if layer.params[i] is view:
                layer.grads[i] = grad
            else:
                assigned.append(entry)
        if assigned:
            take(where, network, assigned)
        if not network.suits(n_in, outputs, vocabulary):
            raise changed(where)
        for layer, name, memory in network.memories:
            kept = getattr(layer, name)
            if kept is not memory:
                memory[...] = 0 if kept is None else kept
                setattr(layer, name, memory)
        self._network = network
        return network

    # ----------------------------------------------------------------- parameters

    @property
    def params(self) -> list[NDArray[Any]]:
        """Parameters of all layers in order: views of `parameter_vector`."""
        network = self._ready("Sequential.params")
        return [view for _, _, view, _ in network.views]

    @property
    def grads(self) -> list[NDArray[Any]]:
        """Gradients in the order of `params`: views of `gradient_vector`."""
        network = self._ready("Sequential.grads")
        return [grad for _, _, _, grad in network.views]

    @property
    def parameter_vector(self) -> NDArray[Any]:
        """All parameters in one flat vector; writing into it changes the layers."""
        return self._ready("Sequential.parameter_vector").params

    @property
    def gradient_vector(self) -> NDArray[Any]:
        """All gradients in one flat vector, as the last `backward` left them."""
        return self._ready("Sequential.gradient_vector").grads

    @property
    def parameter_count(self) -> int:
        """How many numbers the model learns."""
        return self._ready("Sequential.parameter_count").params.size

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
        outputs = output_count(where, self.layers, n_in)
        labels, targets = self._targets(where, t, n, outputs)
        l1, l2 = self._penalties(where)
        network = self._ready(where, n_in, outputs, vocabulary=rows.vocabulary)
        out = rows.array * rows.scale if rows.kind == UINT8 else rows.array.astype(self._dtype)
        for layer in self.layers:
            if layer.takes_row_numbers:
                out = layer.forward(out.astype(LABEL)).reshape(n, -1)
            else:
                out = layer.forward(out)
        loss = self._loss.forward(out, labels if self._loss._of_labels else targets)
        return loss + self._dtype.type(network.penalty(l1, l2)) if l1 or l2 else loss

    def backward(self, dout: float = 1) -> NDArray[Any] | None:
        """Fill `grads` with the gradient of the last `forward`, times dout.

        Parameters
        ----------
        dout : float

        Returns
        -------
        (N, D)
            Gradient with respect to x; None where x is row numbers, of an Embedding.

        Raises
        ------
        RuntimeError
            forward was not called.
        """
        where = "Sequential.backward"
        checks.remembered(where, self._loss, "y")
        l1, l2 = self._penalties(where)
        network = self._ready(where)
        dx: Any = self._loss.backward(dout)
        for layer in reversed(self.layers):
            if layer.takes_row_numbers:
                dx = dx.reshape(*layer.idx.shape, -1)
            dx = layer.backward(dx)
        for W, dW in network.weights():
            if l1:
                l1_penalty_backward(W, self._dtype.type(l1 * dout), dW)
            if l2:
                l2_penalty_backward(W, self._dtype.type(l2 * dout), dW)
        found: NDArray[Any] | None = dx
        return found

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

    def numerical_gradient(self, x: ArrayLike, t: ArrayLike) -> list[NDArray[Any]]:
        """Return the gradient of the loss by its definition, to check `gradient`.

            (loss with the parameter larger by h - loss with it smaller by h) / 2h

        The parameters stay as they are. Losses are computed in float64 whatever the dtype, at the
        very numbers that the model holds and would compute with: in float32 their rounding would
        leave three digits of the gradient. h is the power of two above 6e-6 max(1, |parameter|),
        where truncation and rounding weigh about the same: the error is about 1e-8 of the largest
        gradient of an array, but larger where h crosses the kink of a ReLU.

        Parameters
        ----------
        x, t
            As for `forward`.

        Returns
        -------
        list of arrays
            Fresh, in the order and shapes of `params`, of the model's dtype.

        Raises
        ------
        TypeError, ValueError, IndexError
            x or t does not fit.

        Notes
        -----
        A loss runs only what comes after the parameter's layer: 39,760 parameters of 784-50-10 on a
        batch of 10 take 0.04 s.
        """
        where = "Sequential.numerical_gradient"
        rows = self._rows(where, x)
        n, n_in = rows.array.shape
        layers = self.layers[:]
        outputs = output_count(where, layers, n_in)
        labels, targets = self._targets(where, t, n, outputs)
        l1, l2 = self._penalties(where)
        network = self._ready(where, n_in, outputs, layers, rows.vocabulary)
        network.check_in_loop()
        wide = network.in_float64()
        inputs = rows.array * rows.scale if rows.kind == UINT8 else rows.array.astype(self._dtype)
        inputs, targets = inputs.astype(FLOAT), targets.astype(FLOAT)
        params = network.params.astype(FLOAT)
        steps, grad = gradient._steps(params, 0), empty(params.size)
        members = threads.get_num_threads()
        work = empty(members * 2 * work_size(wide.program, n))
        first = network.views[0][2].size if network.views else 0  # never follows a parameter
        cost = 2.0 * n * (FLOPS_A_SAMPLE + 2.0 * (params.size - first))
        for start in range(0, params.size, chunk := max(1, int(FLOPS_A_CALL / cost))):
            stop = min(start + chunk, params.size)
            arguments = (
                inputs,
                labels,
                targets,
                params,
                wide.current_program(),
                True,
                steps,
                start,
                stop,
                work,
                grad,
            )
            threads.call(central_differences, arguments, cost * (stop - start), 1)
        found, start = [], 0
        for layer, i, view, _ in network.views:
            part = slice(start, start + view.size)
            if i == 0 and layer.decays:
                upper, lower = params[part] + steps[part], params[part] - steps[part]
                rise = l1 * (np.abs(upper) - np.abs(lower)) + l2 / 2 * (upper**2 - lower**2)
                grad[part] += rise / (upper - lower)
            found.append(grad[part].reshape(view.shape).astype(self._dtype))
            start = part.stop
        return found

    # ----------------------------------------------------------------- training

    def fit(
        self,
        x: ArrayLike,
        t: ArrayLike,
        epochs: int = 1,
        batch_size: int = 32,
        optimizer: _Optimizer | None = None,
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
            float32, float64 and uint8 (scaled to 0..1) are read in place where each sample is
            contiguous, which rows, slices of rows and of columns are; other numbers, and layouts
            such as a transposed x, are copied first.
        t : targets, as the class describes them
        epochs, batch_size : int
        optimizer : one of fastnet.optimizer, optional
            Default: SGD(lr=0.01). It goes on from the states that it holds, and holds those of the
            last update afterwards. Its numbers are read once, at the start, but a schedule of the
            learning rate is asked for each update.
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
        ValueError
            A parameter is NaN or infinite before training.
        MemoryError
            The parameters do not fit in memory; nothing has changed.
        FloatingPointError
            The loss, or a weight, is no longer finite; the model keeps its last finite weights,
            and the error's `history` is the History of the epochs that were completed.

        Notes
        -----
        The layers are read at the start: what another thread changes in their list is used by the
        next call.
        """
        where = "Sequential.fit"
        rows = self._rows(where, x)
        n, n_in = rows.array.shape
        layers = self.layers[:]
        outputs = output_count(where, layers, n_in)
        targets = self._targets(where, t, n, outputs)
        epochs = checks.count(where, "epochs", epochs)
        batch_size = min(checks.count(where, "batch_size", batch_size), n)
        optimizer = SGD() if optimizer is None else optimizer
        kind, numbers = rule_of(where, optimizer, self._dtype)
        penalties = self._penalties(where)
        checks.flag(where, "shuffle", shuffle)
        if validation_data is not None:
            checks.pair(where, "validation_data", validation_data)
            held_out = self._rows(where, validation_data[0], "validation_data[0]")
            checks.features(where, "validation_data[0]", held_out.array.shape[1], n_in)
            if held_out.vocabulary != rows.vocabulary:
                raise changed(where)
            held_out_targets = self._targets(
                f"{where}: validation_data[1]",
                validation_data[1],
                len(held_out.array),
                outputs,
                "predict(validation_data[0])",
            )
        network = self._ready(where, n_in, outputs, layers, rows.vocabulary)
        network.check_in_loop()
        network.check_finite(where)
        network = network.skipping_zeros(rows, epochs * n, batch_size)
        draws = any(layer.draws for layer, _ in network.stack)
        seed = int(self._rng.integers(2**63)) if draws else 0
        steps = Steps(where, kind, optimizer, numbers, network, penalties, seed)

        batches = -(-n // batch_size)
        cost = FLOPS_A_BATCH + batch_size * (FLOPS_A_SAMPLE + 6.0 * network.params.size)
        a_call = max(1, int(FLOPS_A_CALL / cost))  # batches
        many = 1 if validation_data is not None else max(1, a_call // batches)
        # Tables of a row an epoch, appended in one step: Ctrl-C leaves no half of one.
        seen: list[NDArray[np.float64]] = []
        completed = 0
        trouble = ""
        bar = None
        try:
            # An epoch of no samples: what it loads or compiles is no part of the seconds, and what
            # it may say about that stands above the bar.
            none = np.empty((1, 0), np.int64)
            with interrupts_later():
                steps.run(rows, targets, none, batch_size)
            bar = progress_bar(epochs, "epoch", verbose)
            while completed < epochs and not trouble:
                count = min(many, epochs - completed)
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
                    some, trouble = steps.train(rows, targets, part, batch_size)
                    totals += some
                    if trouble:
                        totals = totals[totals[:, 2] == batches]  # the epochs before it
                        break
                seconds = (time.perf_counter() - start) / max(1, len(totals))
                if len(totals) == 0:
                    break
                done = totals / n
                done[:, 2] = seconds
                if validation_data is not None:
                    held_out_seen = self._evaluate(network, held_out, held_out_targets, penalties)
                    done = np.append(done[0], list(held_out_seen.values())).reshape(1, 5)
                seen.append(done)
                completed += len(done)
                if bar is not None:
                    shown = {"loss": done[-1, 0], "accuracy": done[-1, 1]}
                    if validation_data is not None:
                        shown["val_accuracy"] = done[-1, 4]
                    bar.set_postfix({key: f"{value:.4f}" for key, value in shown.items()}, False)
                    bar.update(len(done))
        except KeyboardInterrupt:
            pass
        finally:
            if bar is not None:
                bar.close()
        history = History()
        if seen:
            columns = np.concatenate(seen).T.tolist()
            history.loss, history.accuracy, history.seconds = columns[:3]
            if validation_data is not None:
                history.val_loss, history.val_accuracy = columns[3:]
        if trouble:
            error = FloatingPointError(
                f"{where}: loss must stay finite, got {trouble} that overflowed or NaN in the "
                f"data at lr={steps.rate(0):g}. The model keeps its last finite weights. Lower the "
                "learning rate, or look for NaN and large numbers in x and t."
            )
            error.history = history  # type: ignore[attr-defined]  # the epochs before it
            raise error
        return history

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
        found = self._predict_few(x)
        if found is not None:
            return found
        rows = self._rows(where, x)
        n, n_in = rows.array.shape
        network = self._ready(where, n_in, vocabulary=rows.vocabulary)
        network.check_in_loop()
        out = empty((n, network.outputs), self._dtype)
        size = min(n, PREDICT_ROWS)
        network = network.skipping_zeros(rows, n, size)
        order, work = np.arange(n, dtype=LABEL), network.scratch(size)
        arguments = (
            *rows.arguments(),
            order,
            network.params,
            network.program,
            work,
            size,
            out,
        )
        threads.call(predict_rows, arguments, 2.0 * size * network.params.size, n // max(size, 1))
        return out

    def _predict_few(self, x: Any) -> NDArray[Any] | None:
        """Return what `predict` does, for a few rows as they usually are; None for all others.

        Takes 4.4 us for a row of 784-50-10, where what `predict` does for any takes 6.8.
        """
        if type(x) is not np.ndarray or x.ndim != 2 or not x.flags.carray:
            return None
        n, n_in = x.shape
        network, kind = self._network, KINDS.get(x.dtype)
        if kind is None or n_in != network.inputs or not 0 < n <= FEW_ROWS.size:
            return None
        if network.vocabulary or not network.is_current(self.layers[:]) or not len(network.table):
            return None
        out, work = empty((n, network.outputs), self._dtype), network.scratch(n)
        predict_rows(
            address_of(x),
            kind,
            x.strides[0],
            SCALES[self._dtype][kind],
            FEW_ROWS[:n],
            network.params,
            network.program,
            work,
            n,
            out,
            threads.ALONE,
            0,
        )
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
            An answer is correct where the largest output is at the label, or at the largest
            target; where there is one output, if it and t are on the same side of 0.5 (for hinge
            losses both of 0, for "sigmoid_cross_entropy" the output of 0).

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
        layers = self.layers[:]
        outputs = output_count(where, layers, n_in)
        targets = self._targets(where, t, n, outputs)
        penalties = self._penalties(where)
        network = self._ready(where, n_in, outputs, layers, rows.vocabulary)
        return self._evaluate(network, rows, targets, penalties)

    def _evaluate(
        self,
        network: Network,
        rows: Rows,
        targets: tuple[NDArray[np.int64], NDArray[Any]],
        penalties: tuple[float, float],
    ) -> dict[str, float]:
        n = len(rows.array)
        network.check_in_loop()
        order, size = np.arange(n, dtype=np.int64).reshape(1, n), min(n, PREDICT_ROWS)
        network = network.skipping_zeros(rows, n, size)
        totals = network.run(rows, targets, order, size)
        loss, correct, _ = totals[0].tolist()
        return {"loss": loss / n + network.penalty(*penalties), "accuracy": correct / n}

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

    def save(self, path: str | bytes | os.PathLike[Any]) -> None:
        """Write the model to one safetensors file, whole or not at all.

        See `fastnet.checkpoint.save_model`.
        """
        from fastnet.models.saved import save_model

        self._ready("Sequential.save")
        save_model(self, path)

    @classmethod
    def load(
        cls: type[Model], path: str | bytes | os.PathLike[Any], layers: Sequence[type] = ()
    ) -> Model:
        """Read a model that `save` wrote: the same predictions, and the same training, to the bit.

        A subclass gets an object of its own class, whose `__init__` is not called.

        See `fastnet.checkpoint.load_model`.
        """
        from fastnet.models.saved import loaded

        return loaded(cls, path, layers)

    # ----------------------------------------------------------------- arguments

    def _penalties(self, where: str) -> tuple[float, float]:
        """Return the strengths of both penalties."""
        l1, l2 = (
            checks.not_negative(where, name, getattr(self, name), [self._dtype], "1e-4")
            for name in ("l1", "l2")
        )
        return l1, l2

    def _rows(self, where: str, x: ArrayLike, name: str = "x") -> Rows:
        first = self.layers[0] if self.layers else None
        table = first.params[0].shape if first is not None and first.takes_row_numbers else None
        return rows_of(where, name, x, self._width(), self._dtype, table)

    def _targets(
        self, where: str, t: ArrayLike, n: int, outputs: int, scores: str = "predict(x)"
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Return labels (n,) and targets (n, C), the one that the loss does not use empty."""
        if self._loss._of_labels:
            return checks.labels(where, t, n, outputs, scores), np.empty((0, 0), self._dtype)
        found = checks.targets(where, checks.array(where, "t", t), (n, outputs))
        found = checks.contiguous(found, self._dtype)
        self._loss._check(where, found)
        return np.empty(0, np.int64), found


def _read_only(name: str, value: Any) -> AttributeError:
    return AttributeError(
        f"Sequential.{name}: {name} must stay as the model was made with, got {value!r}. "
        f"Make a new model with that {name}."
    )
