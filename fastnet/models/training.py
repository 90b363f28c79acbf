"""Training in the compiled loop: what `fit` is given, checked before anything changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from fastnet import checks
from fastnet.callbacks.listed import Listed
from fastnet.models import heads, measures
from fastnet.models.batches import CheckedAnew, batches_of, gives_once, held_out_batches
from fastnet.models.epochs_of_arrays import EpochsOfArrays
from fastnet.models.epochs_of_batches import EpochsOfBatches
from fastnet.models.head_losses import HeadLosses
from fastnet.models.history import History
from fastnet.models.layer_list import leaves, visited_samples
from fastnet.models.plan import Plan
from fastnet.models.samples import Samples
from fastnet.models.stepping import Stepping
from fastnet.models.steps import rule_of
from fastnet.optimizer import SGD, Optimizer

__all__ = ["Trained"]


class Trained(Stepping):
    """The training of a Sequential."""

    stop_training = False  # a callback ends the fit by True

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
        x: Any,
        t: ArrayLike | None = None,
        epochs: int = 1,
        batch_size: int | None = None,
        optimizer: Optimizer | None = None,
        validation_data: Any = None,
        shuffle: bool | None = None,
        verbose: int = 1,
        metrics: Sequence[Any] | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: dict[int, float] | None = None,
        callbacks: Sequence[Any] | None = None,
        validation_split: float = 0.0,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        drop_last: bool = False,
    ) -> History:
        """Train for some epochs; call again to go on: twice 4 epochs give the bits of 8.

        Each epoch visits all samples in a new order, in batches of consecutive ones; the last
        batch is smaller where the number of samples is no multiple. A single sample that would be
        the last batch is left out of the epoch where a BatchNormalization of features learns: its
        variance is 0. An image alone is enough for one of channels.

        Parameters
        ----------
        x : (N, D) or (N, ...)
            float32, float64 and uint8 are read in place where each sample is contiguous, which
            rows, slices of rows and of columns are; other numbers, and layouts such as a transposed
            x, are copied first; of a `numpy.memmap` 16 MB at a time, so that it may be larger than
            memory. A number is the same in any dtype, so pixels of 0..255 want a
            `Rescaling(1 / 255)` as the model's first layer, which costs nothing.

            Without t, an iterable of batches (x, t) or (x, t, sample_weight): a list, a data
            loader, a generator; or a function that returns one for each epoch, whose number it is
            given if it takes an argument. They are taken as they come, one call a batch, and train
            with the bits of the same batches of arrays; metrics are of each batch before its
            update. A batch that is too small for a BatchNormalization is left out.
        t : targets, as the class describes them
        epochs : int
        batch_size : int, optional
            Of arrays: 32 by default. Where x gives batches, they say it.
        optimizer : one of fastnet.optimizer, optional
            Default: the one that trained the model last, `optimizer`; at first SGD(lr=0.01). It
            goes on from the states that it holds, and holds those of the last update afterwards.
            Its numbers are read once, at the start, but a schedule of the learning rate is asked
            for each update.
        validation_data : (x, t) or (x, t, sample_weight), optional
            Evaluated after each epoch. Or an iterable of such batches, or a function that returns
            one; a list of batches must be one of tuples.
        shuffle : bool, optional
            Whether each epoch visits arrays in a new order: by default it does. Batches come in
            theirs.
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
        callbacks : list of fastnet.callbacks, or functions of (epoch, logs), optional
            Called in their order: see `fastnet.callbacks`. `model.stop_training = True` ends the
            fit after the epoch that is done.
        validation_split : float
            The share of the samples that is held out in the place of validation_data: the last
            ones, so shuffle sorted data first. 0 for none.
        initial_epoch : int
            The number of the first epoch, to go on with a fit: `epochs` is then the number at which
            training ends, and callbacks and what is shown count on.
        steps_per_epoch : int, optional
            Batches of an epoch. The next one goes on where it ended, and begins x anew where that
            has no more; a generator that has no more ends the fit, with a warning. By default all.
        drop_last : bool
            Whether the last batch of an epoch is left out where it is smaller than batch_size; for
            arrays alone.

        Returns
        -------
        History
            Of the epochs of this call. Ctrl-C ends it early: the model keeps what it has learnt,
            the history has the epochs that were completed, and its `interrupted` is True.

        Raises
        ------
        TypeError, ValueError, IndexError
            An argument does not fit; nothing has changed. Or a later batch of an iterable does not:
            the model keeps the updates before it.
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
        Of several outputs metrics, class_weight and, where they differ, sample_weight are lists or
        dicts by the names of the heads, with None for a head, or none in the dict, that has none.

        The layers are read at the start: what another thread changes in their list is used by the
        next call.
        """
        where, layers, batches = "Sequential.fit", self.layers[:], None
        epochs = checks.count(where, "epochs", epochs)
        first = checks.count(where, "initial_epoch", initial_epoch, 0)
        if steps_per_epoch is not None:
            checks.count(where, "steps_per_epoch", steps_per_epoch)
        if t is None or gives_once(x):
            checks.flag(where, "drop_last", drop_last)
            others = {"sample_weight": sample_weight, "validation_split": validation_split}
            others |= {"batch_size": batch_size, "shuffle": shuffle}
            batches = batches_of(where, x, t, steps_per_epoch, drop_last, **others)
            batches.check_epochs(epochs - first)
            x, t, sample_weight = batches.first(first)
        if validation_split:
            x, t, sample_weight, validation_data = self._split(
                where, layers, validation_split, x, t, sample_weight, validation_data
            )
        samples = self._samples(where, layers, x, t, sample_weight, class_weight)
        batch_size = 32 if batch_size is None else checks.count(where, "batch_size", batch_size)
        shuffle = True if shuffle is None else checks.flag(where, "shuffle", shuffle)
        if batches is not None:
            batch_size = samples.n
        visited = self._visited(where, layers, samples, batch_size, drop_last)
        batch_size = min(batch_size, samples.n)
        checks.batches_of_states(where, leaves(layers), batch_size)
        if optimizer is None:
            optimizer = SGD() if self.optimizer is None else self.optimizer
        rule = rule_of(where, optimizer, self._dtype)
        asked = measures.asked_of(where, metrics, self._loss, samples)
        penalties = self._penalties(where)
        checks.verbosity(where, verbose)
        names, held_out = heads.columns(samples, asked), None
        if validation_data is not None:
            held_out = self._validation(where, validation_data, samples, asked)
            names |= {f"val_{name}": None for name in names}
        listed = Listed(where, callbacks)
        if listed.all:
            counted = {name for name, column in names.items() if column is not None}
            listed.check(where, heads.plain_names(samples, names), counted, optimizer)
        plan = Plan(
            where, range(first, epochs), batch_size, visited, shuffle, verbose, asked, samples,
            held_out, listed, names, steps_per_epoch, class_weight,
        )  # fmt: skip
        given = self, plan, optimizer, layers, rule, penalties
        loop = EpochsOfArrays(*given) if batches is None else EpochsOfBatches(batches, *given)
        self._is_flat = heads.are_flat(self._loss, samples)
        return loop.run()

    def _visited(
        self, where: str, layers: list[Any], samples: Samples, batch_size: int, drop_last: bool
    ) -> int:
        """Return how many samples an epoch visits."""
        n = samples.n
        if checks.flag(where, "drop_last", drop_last):
            if batch_size > n:
                raise ValueError(
                    f"{where}: batch_size must be at most {n}, the number of samples, with "
                    f"drop_last, got {batch_size}. Give a smaller one, or leave drop_last out."
                )
            n -= n % batch_size
        return visited_samples(where, layers, samples.rows.shape, n, min(batch_size, n))

    def _validation(
        self, where: str, given: Any, samples: Samples, asked: list[measures.Measure]
    ) -> Any:
        """Return validation_data, checked: samples, or something that yields batches of them."""
        batches, name = held_out_batches(where, given), "validation_data"
        first = given if batches is None else batches.first(0)
        name = name if batches is None else f"{name}, batch 0"
        held_out = self._held_out(where, first, samples, name)
        measures.check_all(where, asked, self._loss, held_out, f"{name}[1]")
        if batches is None:
            return held_out
        return CheckedAnew(self._checked_batches, batches, samples, asked)

    def _split(
        self,
        where: str,
        layers: list[Any],
        share: float,
        x: ArrayLike,
        t: ArrayLike,
        sample_weight: ArrayLike | None,
        validation_data: Any,
    ) -> tuple[ArrayLike, ArrayLike, ArrayLike | None, tuple[ArrayLike, ...]]:
        """Return x, t, sample_weight, and validation_data of the last samples."""
        share = checks.number(where, "validation_split", share)
        if validation_data is not None:
            raise ValueError(
                f"{where}: validation_split must be 0 beside validation_data, got {share}. "
                "Leave one of the two out."
            )
        x = checks.array(where, "x", x)
        n = len(x) if x.ndim else 0
        if not 0 < share < 1 or not 0 < (k := math.floor(n * (1.0 - share))) < n:
            raise ValueError(
                f"{where}: validation_split must leave a sample on both sides of {n}, got "
                f"{share}. Give a share such as 0.2."
            )
        several = isinstance(self._loss, HeadLosses)
        if several or len(checks.array(where, "t", t)) != n:
            self._samples(where, layers, x, t, sample_weight)  # which says so

        def cut(name: str, value: Any, part: slice) -> Any:
            if isinstance(value, dict):
                return {key: cut(name, one, part) for key, one in value.items()}
            if several and checks.is_for_each(value):
                return [None if one is None else cut(name, one, part) for one in value]
            return checks.array(where, name, value)[part]

        first, rest = slice(k), slice(k, None)
        if sample_weight is None:
            return x[:k], cut("t", t, first), None, (x[k:], cut("t", t, rest))
        parts = [cut("sample_weight", sample_weight, part) for part in (first, rest)]
        return x[:k], cut("t", t, first), parts[0], (x[k:], cut("t", t, rest), parts[1])
