"""Training in the compiled loop: call by call, so that Ctrl-C is heard, and epoch by epoch."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.models import progress
from fastnet.models.assembly import changed_meanwhile
from fastnet.models.by_hand import ByHand
from fastnet.models.history import History
from fastnet.models.layer_list import output_count
from fastnet.models.network import Network
from fastnet.models.progress import interrupts_later, progress_bar
from fastnet.models.rows import Rows
from fastnet.models.steps import Steps, rule_of
from fastnet.optimizer import SGD, Optimizer

__all__ = ["Trained"]

EVALUATED_ROWS = 256  # at a time: their activations stay in the L2 cache


class Trained(ByHand):
    """The training of a Sequential."""

    @property
    def trainable(self) -> bool:
        """Whether any layer learns; assigned, it freezes all layers, or lets all learn."""
        return any(layer.trainable for layer in self.layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        """Freeze all layers, or let all learn."""
        checks.flag("Sequential.trainable", "trainable", value)
        for layer in self.layers:
            layer.trainable = value

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
    ) -> History:
        """Train for some epochs; call again to go on: twice 4 epochs give the bits of 8.

        Each epoch visits all samples in a new order, in batches of consecutive ones; the last
        batch is smaller where the number of samples is no multiple. A single sample that would be
        the last batch is left out of the epoch where a BatchNormalization learns: its variance
        is 0.

        Parameters
        ----------
        x : (N, D) or (N, ...)
            float32, float64 and uint8 (scaled to 0..1) are read in place where each sample is
            contiguous, which rows, slices of rows and of columns are; other numbers, and layouts
            such as a transposed x, are copied first.
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
        verbose : int
            0 for no progress bar; it is shown in terminals only.

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
        visited = _visited(where, layers, n, batch_size)
        if optimizer is None:
            optimizer = SGD() if self.optimizer is None else self.optimizer
        rule, numbers = rule_of(where, optimizer, self._dtype)
        penalties = self._penalties(where)
        checks.flag(where, "shuffle", shuffle)
        if validation_data is not None:
            checks.pair(where, "validation_data", validation_data)
            held_out = self._rows(where, validation_data[0], "validation_data[0]")
            checks.features(where, "validation_data[0]", held_out.array.shape[1], n_in)
            if held_out.vocabulary != rows.vocabulary:
                raise changed_meanwhile(where)
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
        network = network.freezing().skipping_zeros(rows, epochs * n, batch_size)
        draws = any(layer.draws for layer, _ in network.stack)
        steps = Steps(
            where, rule, optimizer, numbers, network, penalties, self._draw_masks if draws else None
        )
        self.optimizer = optimizer

        batches = -(-visited // batch_size)
        cost = progress.FLOPS_A_BATCH + batch_size * (
            progress.FLOPS_A_SAMPLE + 6.0 * network.params.size
        )
        a_call = max(1, int(progress.FLOPS_A_CALL / cost))  # batches
        many = 1 if validation_data is not None else max(1, a_call // batches)
        # Tables of a row an epoch, appended in one step: Ctrl-C leaves no half of one.
        seen: list[NDArray[np.float64]] = []
        completed = 0
        interrupted, trouble = False, ""
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
                order = order[:, :visited]
                totals = np.zeros((count, 3))
                for first in range(0, visited, n if count > 1 else a_call * batch_size):
                    part = order if count > 1 else order[:, first : first + a_call * batch_size]
                    some, trouble = steps.train(rows, targets, part, batch_size)
                    totals += some
                    if trouble:
                        totals = totals[totals[:, 2] == batches]  # the epochs before it
                        break
                seconds = (time.perf_counter() - start) / max(1, len(totals))
                if len(totals) == 0:
                    break
                done = totals / visited
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
            if progress.is_second():
                raise
            interrupted = True
        finally:
            if draws:
                self._masks = steps.masks
            if bar is not None:
                bar.close()
        history = History()
        if interrupted:
            history.interrupted = True
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

    def _draw_masks(self) -> tuple[int, int]:
        """Return the seed of Dropout's masks, drawn in the first fit, and where they go on."""
        return self._masks or (int(self._rng.integers(2**63)), 0)

    def _evaluate(
        self,
        network: Network,
        rows: Rows,
        targets: tuple[NDArray[np.int64], NDArray[Any]],
        penalties: tuple[float, float],
    ) -> dict[str, float]:
        n = len(rows.array)
        network.check_in_loop()
        order, size = np.arange(n, dtype=np.int64).reshape(1, n), min(n, EVALUATED_ROWS)
        network = network.skipping_zeros(rows, n, size)
        totals = network.run(rows, targets, order, size)
        loss, correct, _ = totals[0].tolist()
        return {"loss": loss / n + network.penalty(*penalties), "accuracy": correct / n}


def _visited(where: str, layers: list[Any], n: int, batch_size: int) -> int:
    """Return how many samples an epoch visits: all but a rest that is too few for a layer."""
    rest = n % batch_size
    for layer in layers:
        if layer.trainable and batch_size < layer.least_rows:
            raise checks.too_few_rows(where, layer, n, batch_size)
        if layer.trainable and 0 < rest < layer.least_rows:
            return n - rest
    return n
