"""The epochs of a fit: cut into calls, so that Ctrl-C is heard, and what is seen of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnet.models import heads, measures, progress
from fastnet.models.domain import not_finite
from fastnet.models.history import History, columns_of
from fastnet.models.layer_list import every
from fastnet.models.measuring import Measuring
from fastnet.models.network import Network
from fastnet.models.plan import Plan
from fastnet.models.progress import interrupts_later, progress_bar
from fastnet.models.steps import Steps, rule_of
from fastnet.models.targets import Targets
from fastnet.optimizer import Optimizer

if TYPE_CHECKING:
    from fastnet.models.training import Trained

__all__ = ["Epochs"]


class Epochs:
    """The epochs of a fit, and what was seen of them."""

    targets: Targets  # as the loop takes them

    def __init__(self, model: Trained, plan: Plan, optimizer: Optimizer, *known: Any) -> None:
        self.model, self.plan = model, plan
        self.later = measures.are_later(plan.asked)
        # What was counted in some epochs, or in one with what was computed after it; appended in
        # one step, so that Ctrl-C leaves no half of an epoch.
        self.seen: list[tuple[NDArray[np.float64], dict[str, float]]] = []
        self.epoch = plan.epochs.start
        self.trouble = ""  # what was not finite in `samples`
        self.samples = plan.samples
        self.over = False  # whether there are no more batches
        self.bar: Any = None
        self._begin(optimizer, *known)
        self.batches = plan.steps or -(-plan.visited // plan.batch_size)
        cost = progress.FLOPS_A_BATCH + plan.batch_size * (
            progress.FLOPS_A_SAMPLE + 6.0 * self.steps.network.products
        )
        batches_a_call = max(1, int(progress.FLOPS_A_CALL / cost))
        each = plan.held_out is not None or self.later or plan.verbose == 2
        each = each or plan.callbacks.of_epochs or plan.steps is not None
        self.many = 1 if each else max(1, batches_a_call // self.batches)  # epochs of a call
        if plan.callbacks.of_batches:
            batches_a_call = 1
        self.a_call = batches_a_call * plan.batch_size  # samples

    def _begin(
        self, optimizer: Optimizer, layers: list[Any], rule: Any = None, penalties: Any = None
    ) -> None:
        """Take the model as it is: these layers and their weights, penalties; and an optimizer.

        What `rule_of` says of it, and the penalties, are given where they are known.
        """
        model, samples, where = self.model, self.plan.samples, self.plan.where
        rows = samples.rows
        self.known = model._ready(where, rows.shape, samples.output_shape, layers, rows.vocabulary)
        self.known.check_in_loop()
        self.known.check_finite(where)
        rule, numbers = rule or rule_of(where, optimizer, self.known.params.dtype)
        self.penalties = penalties or model._penalties(where)
        network = self._network(self.known.freezing())
        draws = any(layer.draws for layer, _ in network.stack)
        draw_masks = model._draw_masks if draws else None
        self.steps = Steps(where, rule, optimizer, numbers, network, self.penalties, draw_masks)
        model.optimizer = optimizer
        if self.plan.callbacks.all:
            self.taken = self._state()

    def _network(self, learning: Network) -> Network:
        """Return the network for training, and note the targets as the loop takes them."""
        raise NotImplementedError

    def _trained(self, count: int) -> NDArray[np.float64]:
        """Return the means of the epochs that were completed, and note what was not finite."""
        raise NotImplementedError

    def _state(self) -> tuple[Any, ...]:
        """Return what callbacks may change, but for what they write into arrays."""
        model, optimizer = self.model, self.model.optimizer
        arrays = [array for layer in model.layers for array in layer.params]
        layers = every(model.layers)
        arrays += [getattr(layer, name) for layer, name, _ in self.known.memories]
        of_optimizer = optimizer._values(optimizer) if isinstance(optimizer, Optimizer) else ()
        return (
            [*map(id, [*layers, *arrays, optimizer])],
            [layer.trainable for layer in layers],
            of_optimizer,
            (model.l1, model.l2),
        )

    def _called(self, name: str, *arguments: Any) -> None:
        """Call the callbacks, who find the model as it would be saved; take in what they change."""
        if name not in self.plan.callbacks.hooks:
            return
        self._keep()
        self.plan.callbacks.call(name, *arguments)
        self._renew()

    def _renew(self) -> None:
        # An update by hand, or states assigned, leave the optimizer with others than these steps.
        if self._state() != self.taken or not self.steps.holds():
            self._begin(self.model.optimizer, self.model.layers[:])

    def _keep(self) -> None:
        """Let the model have what it goes on with."""
        if self.steps.seed:
            self.model._masks = self.steps.masks

    def run(self) -> History:
        """Train; return what was seen."""
        plan, model, interrupted, quiet = self.plan, self.model, False, False
        model.stop_training = False
        try:
            if plan.callbacks.all:
                self._train_begin()
            # An epoch of no samples: what it loads or compiles is no part of the seconds, and what
            # it may say about that stands above the bar.
            with interrupts_later():
                self._load()
            in_parts = self.a_call < self.batches * plan.batch_size
            self.bar = progress_bar(plan.epochs.stop, "epoch", plan.verbose, in_parts)
            if self.bar is not None and self.epoch:
                self.bar.update(self.epoch)
            while self.epoch < plan.epochs.stop and not (model.stop_training or self.over):
                self._some(min(self.many, plan.epochs.stop - self.epoch))
                if self.trouble:
                    break
        except KeyboardInterrupt:
            if progress.is_second():
                raise
            interrupted = True
        finally:
            self._keep()
            if self.bar is not None:
                self.bar.close()
        if self.trouble:
            self.known.check_finite(plan.where)  # what a callback has written
            message = self._said()
            quiet = plan.callbacks.end_quietly(self.epoch, message)
        if plan.callbacks.all and (quiet or not self.trouble):
            plan.callbacks.call("on_train_end", self._logs() if self.seen else {})
        history = History(columns_of(self.seen, self._names()))
        if interrupted:
            history.interrupted = True
        if self.trouble and not quiet:
            error = FloatingPointError(message)
            error.history = history  # type: ignore[attr-defined]  # the epochs before it
            raise error
        return history

    def _train_begin(self) -> None:
        """Tell the callbacks that training begins."""
        plan = self.plan
        plan.callbacks.begin(
            self.model,
            {
                "epochs": plan.epochs.stop,
                "steps": self._steps(),
                "verbose": int(plan.verbose),
                "metrics": list(plan.names),
            },
        )
        self._renew()

    def _steps(self) -> int | None:
        """Return how many batches an epoch has; None where nobody knows."""
        return self.batches

    def _batch_ended(self, batch: int, means: NDArray[np.float64]) -> None:
        """Tell the callbacks what was seen of an epoch so far."""
        columns = heads.columns(self.plan.samples, self.plan.asked).items()
        logs = {name: float(means[at]) for name, at in columns if at is not None}
        self._called("on_batch_end", batch, logs)

    def _load(self) -> None:
        none = np.empty((1, 0), np.int64)
        self.steps.run(self.samples.rows, self.targets, none, self.plan.batch_size)

    def _names(self) -> dict[str, int | None]:
        """Return the names of the history's columns, those that callbacks have added too."""
        names = self.plan.names
        if self.plan.callbacks.all:
            added = dict.fromkeys([name for _, found in self.seen for name in found])
            names = names | {name: None for name in added if name not in names}
        return names

    def _logs(self) -> dict[str, float]:
        """Return what was seen of the last epoch."""
        last = columns_of([(self.seen[-1][0][-1:], self.seen[-1][1])], self.plan.names)
        del last["seconds"]
        return {name: values[0] for name, values in last.items()}

    def _some(self, count: int) -> None:
        """Train for some epochs in one call, or for one in some; note what is seen of them."""
        hooks = self.plan.callbacks.hooks
        if hooks:
            self._called("on_epoch_begin", self.epoch, {})
        start = time.perf_counter()
        totals = self._trained(count)
        if len(totals) == 0:
            return
        seconds = (time.perf_counter() - start) / len(totals)
        found = self._judged()
        totals[:, 2] = seconds
        self.seen.append((totals, found))
        if "on_epoch_end" in hooks:
            logs = self._logs()
            given = [*logs]
            self._called("on_epoch_end", self.epoch, logs)
            found |= {name: logs[name] for name in logs if name not in given}
        self.epoch += len(totals)
        if self.bar is not None:
            self.bar.set_postfix({k: f"{v:.4f}" for k, v in self._logs().items()}, False)
            self.bar.update(self.epoch - self.bar.n)

    def _judged(self) -> dict[str, float]:
        """Return what is computed after an epoch: metrics of predictions, and validation."""
        plan, found = self.plan, {}
        if self.later:
            found = self._measured()
        if plan.held_out is not None:
            there = self.model._evaluate(
                plan.where, self.known, plan.held_out, self.penalties, plan.asked
            )
            found |= {f"val_{name}": value for name, value in there.items()}
        return found

    def _measured(self) -> dict[str, float]:
        """Return the metrics of the training samples that are not counted in the loop."""
        measuring = Measuring(self.plan.where, self.plan.asked, self.known, False)
        return measuring.of(self.samples)

    def _said(self) -> str:
        """Return what is said of training that met what is not finite."""
        return not_finite(self.plan.where, self.steps, self.samples, self.trouble)
