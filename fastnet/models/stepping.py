"""Updates of a Sequential one by one, in the compiled loop."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnet import checks
from fastnet.models import heads, measures
from fastnet.models.domain import not_finite
from fastnet.models.evaluation import Evaluated
from fastnet.models.layer_list import leaves, visited_samples
from fastnet.models.network import Network
from fastnet.models.steps import Steps, rule_of
from fastnet.models.targets import of_samples
from fastnet.optimizer import SGD, Optimizer

__all__ = ["Stepping"]


class Stepping(Evaluated):
    """The single updates of a Sequential."""

    _stepped: Any = None  # what train_on_batch stepped with last

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "_stepped"}

    @checks.keywords_of("Sequential.train_on_batch")
    def train_on_batch(
        self,
        x: ArrayLike,
        t: ArrayLike,
        sample_weight: ArrayLike | None = None,
        class_weight: dict[int, float] | None = None,
        optimizer: Optimizer | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Do one update on a batch, as `fit` does, and return the loss before the update.

        Parameters
        ----------
        x, t, sample_weight, class_weight
            As for `fit`, all in one batch.
        optimizer : one of fastnet.optimizer, optional
            Default: the one that trained the model last, as for `fit`.
        return_dict : bool
            Whether to return a dict, which has the accuracy, too, where the loss has one.

        Returns
        -------
        float, or {"loss": float, "accuracy": float}

        Raises
        ------
        TypeError, ValueError, IndexError
            An argument does not fit; nothing has changed.
        FloatingPointError
            The loss, or a weight, is no longer finite: the model keeps what it had before.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnet.layers import Dense
        >>> from fastnet.models import Sequential
        >>> from fastnet.optimizer import Adam
        >>> model = Sequential([Dense(2)], seed=0)
        >>> model.optimizer = Adam(lr=0.1)
        >>> losses = [model.train_on_batch(np.eye(4), [0, 1, 0, 1]) for step in range(20)]
        >>> losses[-1] < losses[0]
        True
        """
        where, layers = "Sequential.train_on_batch", self.layers[:]
        samples = self._samples(where, layers, x, t, sample_weight, class_weight)
        visited_samples(where, layers, samples.rows.shape, samples.n, samples.n)
        checks.batches_of_states(where, leaves(layers), samples.n)
        if optimizer is None:
            optimizer = SGD() if self.optimizer is None else self.optimizer
        rule = rule_of(where, optimizer, self._dtype)
        asked = measures.asked_of(where, None, self._loss, samples)
        penalties = self._penalties(where)
        rows = samples.rows
        known = self._ready(where, rows.shape, samples.output_shape, layers, rows.vocabulary)
        known.check_in_loop()
        order = np.arange(samples.n, dtype=np.int64)[None]
        network, targets = of_samples(known.freezing(), samples)
        steps = self._steps_on(where, network, known, optimizer, rule, penalties)
        self._is_flat = heads.are_flat(self._loss, samples)
        self.optimizer = optimizer
        try:
            totals, trouble = steps.train(rows, targets, order, samples.n)
        finally:
            if steps.seed:
                self._masks = steps.masks
        if trouble:
            known.check_finite(where)  # what was written into them since the last update
            raise FloatingPointError(not_finite(where, steps, samples, trouble))
        sums, counts = heads.sums(self._loss, samples, totals)
        means = sums / np.maximum(counts, 1)
        if not return_dict:
            return float(means[0])
        columns = heads.columns(samples, asked).items()
        return {name: float(means[at]) for name, at in columns if at is not None}

    def _steps_on(
        self,
        where: str,
        network: Network,
        known: Network,
        optimizer: Optimizer,
        rule: Any,
        penalties: tuple[float, float],
    ) -> Steps:
        """Return how an update is done: what was made for the last one, where nothing changed.

        Made anew, the states of an Adam of a million parameters are copied, 8 MB, at each update.
        """
        frozen = [layer.trainable for layer in leaves([layer for layer, _ in known.stack])]
        key = known, frozen, optimizer, rule[1], penalties
        if self._stepped is not None:
            old, steps = self._stepped
            same = old[0] is known and old[2] is optimizer and old[1] == frozen
            if same and old[3:] == key[3:] and steps.holds():
                steps.go_on_with(network)
                return steps
        known.check_finite(where)
        draws = any(layer.draws for layer, _ in network.stack)
        draw_masks = self._draw_masks if draws else None
        steps = Steps(where, rule[0], optimizer, rule[1], network, penalties, draw_masks)
        self._stepped = key, steps
        return steps

    @checks.keywords_of("Sequential.test_on_batch")
    def test_on_batch(
        self,
        x: ArrayLike,
        t: ArrayLike,
        sample_weight: ArrayLike | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the loss of a batch, or with return_dict what `evaluate` returns of it.

        Parameters
        ----------
        x, t, sample_weight
            As for `evaluate`.
        return_dict : bool

        Returns
        -------
        float, or {"loss": float, "accuracy": float}

        Raises
        ------
        TypeError, ValueError, IndexError
            As `evaluate`.
        """
        found = self.evaluate(x, t, sample_weight=sample_weight)
        return found if return_dict else found["loss"]

    def _draw_masks(self) -> tuple[int, int]:
        """Return the seed of Dropout's masks, drawn in the first fit, and where they go on."""
        return self._masks or (int(self._rng.integers(2**63)), 0)
