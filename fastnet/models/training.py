"""Training in the compiled loop: call by call, so that Ctrl-C is heard, and epoch by epoch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions import _count
from fastnet.models import measures, progress
from fastnet.models.assembly import changed_meanwhile
from fastnet.models.domain import outside
from fastnet.models.evaluation import Evaluated
from fastnet.models.history import History, columns_of
from fastnet.models.layer_list import visited_samples
from fastnet.models.progress import interrupts_later, progress_bar
from fastnet.models.steps import Steps, rule_of
from fastnet.models.targets import of_targets, weighed
from fastnet.models.zeros import skipping_zeros
from fastnet.optimizer import SGD, Optimizer

__all__ = ["Trained"]


class Trained(Evaluated):
    """The training of a Sequential."""

    @property
    def trainable(self) -> bool:
        """Whether any layer learns; assigned, it freezes all layers, or lets all learn."""
        return any(layer.trainable for layer in self.layers if layer.array_names)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        """Freeze all layers, or let all learn."""
        checks.flag("Sequential.trainable", "trainable", value)
        for layer in self.layers:
            layer.trainable = value

    @checks.keywords_of("Sequential.fit")
    def fit(
        self,
        x: ArrayLike,
        t: ArrayLike,
        epochs: int = 1,
        batch_size: int = 32,
        optimizer: Optimizer | None = None,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        shuffle: bool = True,
        verbose: int = 1,
        metrics: Sequence[Any] | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: dict[int, float] | None = None,
    ) -> History:
        """Train for some epochs; call again to go on: twice 4 epochs give the bits of 8.

        Each epoch visits all samples in a new order, in batches of consecutive ones; the last
        batch is smaller where the number of samples is no multiple. A single sample that would be
        the last batch is left out of the epoch where a BatchNormalization learns: its variance
        is 0.

        Parameters
        ----------
        x : (N, D) or (N, ...)
            float32, float64 and uint8 are read in place where each sample is contiguous, which
            rows, slices of rows and of columns are; other numbers, and layouts such as a transposed
            x, are copied first. A number is the same in any dtype, so pixels of 0..255 want a
            `Rescaling(1 / 255)` as the model's first layer, which costs nothing.
        t : targets, as the class describes them
        epochs, batch_size : int
        optimizer : one of fastnet.optimizer, optional
            Default: the one that trained the model last, `optimizer`; at first SGD(lr=0.01). It
            goes on from the states that it holds, and holds those of the last update afterwards.
            Its numbers are read once, at the start, but a schedule of the learning rate is asked
            for each update.
        validation_data : (x, t), optional
            Evaluated after each epoch.
        shuffle : bool
        verbose : 0, 1 or 2
            1 for a progress bar, which is shown in terminals and notebooks; 2 for a line an epoch
            on standard output; 0 for nothing.
        metrics : list of names or functions, optional
            What the History has beside the loss, as `evaluate` describes it, and with
            validation_data the same as val_...; by default "accuracy", for losses of numbers
            nothing. Accuracy is counted in the loop, each batch before its update, as the loss is;
            all others of the training samples are computed from predictions after the epoch.
        sample_weight : (N,), or (N, steps) of sequences, optional
            At least 0: each sample's loss, and so its gradient, is multiplied by its weight. The
            mean of a batch stays that over its samples, as in Keras: weights of 2 are a learning
            rate twice as large. PyTorch divides by the sum of the weights of the batch; give
            sample_weight / sample_weight.mean() for about that. Metrics count samples alike.
        class_weight : dict of class -> weight, optional
            The same by the class of a sample, 1 where it has none; with sample_weight the product
            of both. For losses of labels, and of one yes or no (class 1 and class 0).

        Returns
        -------
        History
            Of the epochs of this call. Ctrl-C ends it early: the model keeps what it has learnt,
            the history has the epochs that were completed, and its `interrupted` is True.

        Raises
        ------
        TypeError, ValueError, IndexError
            An argument does not fit; nothing has changed.
        ValueError
            A parameter is NaN or infinite before training; batches are of one sample, and a
            BatchNormalization learns; or the optimizer goes on from what
            another model has left in it.
        MemoryError
            The parameters do not fit in memory; nothing has changed.
        KeyboardInterrupt
            Ctrl-C came a second time within a second, in this fit or from the last one to this.
        FloatingPointError
            The loss, or a weight, is no longer finite; or the loss has no value for an output of a
            layer of your own, which the error names. The model keeps its last finite weights, and
            the error's `history` is the History of the epochs that were completed.

        Notes
        -----
        The layers are read at the start: what another thread changes in their list is used by the
        next call.
        """
        where = "Sequential.fit"
        rows = self._rows(where, x)
        n, layers = len(rows.array), self.layers[:]
        shape, outputs, steps_of_each = self._outputs(where, layers, rows.shape)
        answers = n * max(1, steps_of_each)
        targets = self._targets(where, t, n, outputs, steps=steps_of_each)
        targets, weights = weighed(
            where, self._loss, self._dtype, targets, outputs, sample_weight, class_weight,
            steps_of_each,
        )  # fmt: skip
        counts_all = _count(weights, answers) == answers
        epochs = checks.count(where, "epochs", epochs)
        batch_size = min(checks.count(where, "batch_size", batch_size), n)
        visited = visited_samples(where, layers, n, batch_size)
        checks.batches_of_states(where, layers, batch_size)
        if optimizer is None:
            optimizer = SGD() if self.optimizer is None else self.optimizer
        rule, numbers = rule_of(where, optimizer, self._dtype)
        asked = measures.asked_for(where, metrics, self._loss, outputs)
        measures.check_answers(where, asked, self._loss, targets[1])
        penalties = self._penalties(where)
        checks.flag(where, "shuffle", shuffle)
        checks.verbosity(where, verbose)
        if validation_data is not None:
            checks.pair(where, "validation_data", validation_data)
            held_out = self._rows(where, validation_data[0], "validation_data[0]")
            if len(rows.shape) > 1:
                whole = len(held_out.array), *held_out.shape
                checks.shaped_samples(where, "validation_data[0]", whole, rows.shape)
            else:
                width = held_out.array.shape[1]
                checks.features(where, "validation_data[0]", width, rows.shape[0])
            if held_out.vocabulary != rows.vocabulary:
                raise changed_meanwhile(where)
            held_out_targets = self._targets(
                f"{where}: validation_data[1]",
                validation_data[1],
                len(held_out.array),
                outputs,
                "predict(validation_data[0])",
                steps_of_each,
            )
            measures.check_answers(
                where, asked, self._loss, held_out_targets[1], "validation_data[1]"
            )
            held_out_targets, held_out_weights = weighed(
                f"{where}: validation_data[1]", self._loss, self._dtype, held_out_targets, outputs,
                steps=steps_of_each,
            )  # fmt: skip
        network = self._ready(where, rows.shape, shape, layers, rows.vocabulary)
        network.check_in_loop()
        network.check_finite(where)
        known, given = network, targets
        network, targets = of_targets(network.freezing(), targets, weights)
        network = skipping_zeros(network, rows, epochs * n, batch_size)
        draws = any(layer.draws for layer, _ in network.stack)
        steps = Steps(
            where, rule, optimizer, numbers, network, penalties, self._draw_masks if draws else None
        )
        self._is_flat = measures.is_flat(self._loss, t, outputs)
        self.optimizer = optimizer

        batches = -(-visited // batch_size)
        cost = progress.FLOPS_A_BATCH + batch_size * (
            progress.FLOPS_A_SAMPLE + 6.0 * network.products
        )
        a_call = max(1, int(progress.FLOPS_A_CALL / cost))  # batches
        later = measures.are_later(asked)
        of_epoch = visited * max(1, steps_of_each)
        counts = np.array([of_epoch, measures.answer_count(self._loss, of_epoch, outputs), 1.0])
        if not counts_all:  # else each epoch is divided by its own
            counts[:] = 1.0
        each = validation_data is not None or later or verbose == 2
        many = 1 if each else max(1, a_call // batches)
        names = ["loss", *[measure.name for measure in asked]]
        if validation_data is not None:
            names += [f"val_{name}" for name in names]
        # Of some epochs, or of one what is not counted, too; appended in one step: Ctrl-C leaves no
        # half of one.
        seen: list[tuple[NDArray[np.float64], dict[str, float]]] = []
        completed = 0
        interrupted, trouble = False, ""
        bar = None
        try:
            # An epoch of no samples: what it loads or compiles is no part of the seconds, and what
            # it may say about that stands above the bar.
            none = np.empty((1, 0), np.int64)
            with interrupts_later():
                steps.run(rows, targets, none, batch_size)
            bar = progress_bar(epochs, "epoch", verbose, a_call < batches)
            while completed < epochs and not trouble:
                count = min(many, epochs - completed)
                start = time.perf_counter()
                order = np.tile(np.arange(n, dtype=np.int64), (count, 1))
                if shuffle and n < 64:
                    self._rng.permuted(order, axis=1, out=order)
                elif shuffle:  # the same orders: 8 ns a row, where `permuted` takes 15
                    for row in order:
                        self._rng.shuffle(row)
                order = order[:, :visited]
                totals = np.zeros((count, 3))
                for first in range(0, visited, n if count > 1 else a_call * batch_size):
                    part = order if count > 1 else order[:, first : first + a_call * batch_size]
                    some, trouble = steps.train(rows, targets, part, batch_size)
                    totals += some
                    if trouble:
                        totals = totals[totals[:, 2] == batches]  # the epochs before it
                        break
                    if bar is not None and first + a_call * batch_size < visited:
                        bar.update(completed + (first + a_call * batch_size) / visited - bar.n)
                seconds = (time.perf_counter() - start) / max(1, len(totals))
                if len(totals) == 0:
                    break
                if weights is not None and not counts_all:
                    of_samples = np.count_nonzero(weights.reshape(n, -1) >= 0, axis=1)
                    counted = of_samples[order[: len(totals)]].sum(axis=1)
                    totals[:, :2] /= np.maximum(counted, 1)[:, None]
                found = {}
                if later:
                    found = measures.measured(where, asked, known, rows, given, weights, t)
                if validation_data is not None:
                    there = self._evaluate(
                        where, known, held_out, held_out_targets, held_out_weights, penalties,
                        asked, validation_data[1],
                    )  # fmt: skip
                    found |= {f"val_{name}": value for name, value in there.items()}
                totals[:, 2] = seconds
                seen.append((totals, found))
                completed += len(totals)
                if bar is not None:
                    last = columns_of(seen[-1:], names, counts)
                    del last["seconds"]
                    bar.set_postfix({name: f"{last[name][-1]:.4f}" for name in last}, False)
                    bar.update(completed - bar.n)
        except KeyboardInterrupt:
            if progress.is_second():
                raise
            interrupted = True
        finally:
            if draws:
                self._masks = steps.masks
            if bar is not None:
                bar.close()
        history = History(columns_of(seen, names, counts))
        if interrupted:
            history.interrupted = True
        if trouble:
            error = FloatingPointError(
                outside(where, network, rows, given[1], steps.stopped_at)
                or f"{where}: loss must stay finite, got {trouble} that overflowed or NaN in the "
                f"data at lr={steps.rate(0):g}. The model keeps its last finite weights. Lower the "
                "learning rate, or look for NaN and large numbers in x and t."
            )
            error.history = history  # type: ignore[attr-defined]  # the epochs before it
            raise error
        return history

    def _draw_masks(self) -> tuple[int, int]:
        """Return the seed of Dropout's masks, drawn in the first fit, and where they go on."""
        return self._masks or (int(self._rng.integers(2**63)), 0)
