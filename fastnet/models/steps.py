"""How `fit` steps: an optimizer, and what is put back where a number is not finite."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastnet.optimizer
from fastnet import checks
from fastnet.kernels.loop.online import one_by_one
from fastnet.kernels.loop.record import LR
from fastnet.kernels.penalties import penalty_in_loop
from fastnet.models.network import Network
from fastnet.models.rows import Rows
from fastnet.optimizer import SGD, Optimizer

NOTHING = {dtype: np.empty(0, dtype) for dtype in checks.COMPUTED}


def rule_of(where: str, optimizer: Any, dtype: np.dtype[Any]) -> tuple[Any, list[float]]:
    """Return what the loop calls for an optimizer, and its numbers; check both."""
    if not isinstance(optimizer, Optimizer):
        raise checks.no_optimizer(where, optimizer, fastnet.optimizer.__all__)
    kinds: Any = type(optimizer).__mro__
    kind = next(kind for kind in kinds if {"entry", "in_loop"} & vars(kind).keys())
    if type(optimizer).update is not kind.update or "update" in vars(optimizer):
        raise TypeError(
            f"{where}: optimizer must update as {kind.__name__} does, got a "
            f"{type(optimizer).__name__} with an update of its own. Step by hand: forward, "
            "backward, optimizer.update(model.params, model.grads)."
        )
    values = optimizer._values(optimizer)
    if callable(values[0]):
        values = (values[0](optimizer.iter), *values[1:])
    checked, numbers = optimizer._checked
    if not (checked and all(map(is_, values, checked))):  # 4 us of the 100 of a tiny fit
        numbers = optimizer._numbers(where, values, [(0, NOTHING[dtype], None, True)])
    return optimizer.in_loop(), numbers


class Steps:
    """How `fit` steps: an optimizer as the compiled loop takes it.

    The optimizer's states become views of one flat array, so that steps by hand go on from it.
    """

    def __init__(
        self,
        where: str,
        rule: Any,
        optimizer: Optimizer,
        numbers: list[float],
        network: Network,
        penalties: tuple[float, float],
        draw_masks: Callable[[], tuple[int, int]] | None,
    ) -> None:
        self.penalties = penalties
        *rest, largest_norm = numbers
        self.optimizer, self.network = optimizer, network
        self.first = network  # of its arrays the program has addresses, whatever it goes on with
        self.hyper = np.array([largest_norm, *rest, 1.0])
        # Without more than a learning rate SGD goes with the gradient, in one pass.
        plain = rule is SGD.entry and not optimizer.weight_decay
        plain = plain and optimizer.clip_value is optimizer.clip_norm is None
        plain = plain and not any(penalties)
        self.rule = None if plain else rule
        size, dtype, ranges = network.params.size, network.params.dtype, network.ranges
        views, pairs, start = network.arrays(), [], 0
        for i, (_, _, view, grad) in enumerate(network.views):
            if ranges is None or start in ranges[:, 0]:
                pairs.append((i, view, grad, True))
            start += view.size
        if ranges is not None:
            size = sum(view.size for _, view, _, _ in pairs)
        self.slots = np.zeros((len(optimizer.state_names), size), dtype)
        if optimizer._others(views):
            raise checks.optimizer_of_others(where, optimizer)
        held, _ = optimizer._state_rows(where, list, pairs)
        self.seed, drawn = draw_masks() if draw_masks else (0, 0)
        self.drawn_before = drawn - optimizer.iter
        optimizer._params = self.views = views
        self.states: dict[str, Any] = {}
        for k, name in enumerate(optimizer.state_names):
            known = getattr(optimizer, name) or []  # frozen parameters keep theirs
            states: list[Any] = [*known[: len(views)], *[None] * (len(views) - len(known))]
            start = 0
            for (i, view, _, _), arrays in zip(pairs, held, strict=True):
                states[i] = self.slots[k, start : start + view.size].reshape(view.shape)
                states[i][...] = arrays[k]
                start += view.size
            setattr(optimizer, name, states)
            self.states[name] = states
        # The network's own says all that there is of plain SGD with one rate: 4 us a fit.
        self.has_own = self.rule is not None or callable(optimizer.lr) or self.seed != 0
        self.program = self._programmed() if self.has_own else network.program
        self.record = self.program[0]

    def holds(self) -> bool:
        """Tell whether the optimizer's states are still those that this goes on from."""
        optimizer, own = self.optimizer, self.states
        return optimizer._params is self.views and all(
            getattr(optimizer, name) is own[name] for name in optimizer.state_names
        )

    def go_on_with(self, network: Network) -> None:
        """Go on with the same network for other targets and weights, as `of_targets` returns it."""
        self.network = network
        if not self.has_own:
            self.program, self.record = network.program, network.program[0]
            return
        for name in ("loss", "loss_numbers", "weights"):
            self.record[name] = network.program[0][name]

    def rate(self, later: int) -> float:
        """Return the learning rate of an update that follows so many others."""
        lr = self.optimizer.lr
        if not callable(lr):
            return float(self.hyper[LR])
        rate = lr(self.optimizer.iter + later)
        return checks.learning_rate("Sequential.fit", rate, [self.network.params.dtype])

    @property
    def masks(self) -> tuple[int, int]:
        """The seed of Dropout's masks, and for how many updates it has drawn by now."""
        return self.seed, self.drawn_before + self.optimizer.iter

    def _programmed(self) -> NDArray[Any]:
        """Return the network's program with the optimizer in it."""
        program = self.network.current_program().copy()
        record, dtype = program[0], self.network.params.dtype
        record["seed"] = self.seed
        if self.rule is not None:
            record["rule"] = self.rule.address(dtype)
            record["hyper"], record["slots"] = self.hyper.ctypes.data, self.slots.ctypes.data
            if self.network.ranges is not None:
                self.room = np.empty(2 * self.network.params.size, dtype)
                record["learning"], record["room"] = (
                    array.ctypes.data for array in (self.network.ranges, self.room)
                )
                record["ranges"] = len(self.network.ranges)
            if any(self.penalties):
                self.penalty_numbers = np.array([*self.penalties, 0.0])
                record["penalty"] = penalty_in_loop.address(dtype)
                record["penalty_numbers"] = self.penalty_numbers.ctypes.data
        return program

    def _next(self, updates: int) -> NDArray[Any]:
        """Return the program for the updates that come next: 0.3 us, where a new one takes 5."""
        self.network.current_program()  # writes the loss's numbers where the program has them
        if not self.has_own:
            return self.program
        self.record["updates"], self.record["drawn"] = self.optimizer.iter, self.masks[1]
        if callable(self.optimizer.lr):
            self.rates = np.array([self.rate(i) for i in range(updates)])
            self.record["rates"] = self.rates.ctypes.data
            self.record["rate_count"] = updates
        return self.program

    def run(
        self,
        rows: Rows,
        targets: tuple[NDArray[np.int64], NDArray[Any]],
        order: NDArray[np.int64],
        batch_size: int,
    ) -> NDArray[np.float64]:
        """Train on the samples in order (E, n); return totals (E, 3)."""
        updates = len(order) * -(-order.shape[1] // batch_size)
        if batch_size == 1 and not self.record["one_by_one"]:
            self.record["one_by_one"] = one_by_one.address(self.network.params.dtype)
        return self.network.run(rows, targets, order, batch_size, self.rate(0), self._next(updates))

    def train(
        self,
        rows: Rows,
        targets: tuple[NDArray[np.int64], NDArray[Any]],
        order: NDArray[np.int64],
        batch_size: int,
    ) -> tuple[NDArray[np.float64], str]:
        """Train on the samples in order (E, n); return totals (E, 3), and what was not finite.

        Where that is not "", the last finite weights are back, totals count the batches before it,
        and `stopped_at` has the samples of the batch whose loss was not finite.
        """
        network = self.network
        kept = self._memory()
        order = np.ascontiguousarray(order)
        batches = -(-order.shape[1] // batch_size)
        try:
            totals = self.run(rows, targets, order, batch_size)
            done = int(totals[:, 2].sum())
            epoch, batch = divmod(min(done, len(order) * batches - 1), batches)
            self.stopped_at = order[epoch, batch * batch_size : (batch + 1) * batch_size]
            if network.is_finite() and (done == len(order) * batches or not network.memories):
                self.optimizer.iter += done
                if done == len(order) * batches:
                    return totals, ""
            else:
                # A weight overflowed, perhaps long ago (an infinite one that saturates a sigmoid
                # leaves the loss finite); or running statistics have the batch in them whose loss
                # was not finite. Training gives the same bits again: redo it in steps.
                self._restore(kept)
                for step in range(done):
                    epoch, batch = divmod(step, batches)
                    part = order[epoch : epoch + 1, batch * batch_size : (batch + 1) * batch_size]
                    kept = self._memory()
                    self.run(rows, targets, part, batch_size)
                    if network.is_finite():
                        self.optimizer.iter += 1
                    else:
                        self._restore(kept)
                        totals[epoch:] = 0
                        self.stopped_at = order[epoch, :0]
                        break
        except KeyboardInterrupt:
            if not network.is_finite():
                self._restore(kept)
            raise
        return totals, "weights" if done else "a loss"

    def _memory(self) -> list[NDArray[Any]]:
        return [a.copy() for a in (self.network.params, self.slots, self.network.state)]

    def _restore(self, kept: list[NDArray[Any]]) -> None:
        arrays = self.network.params, self.slots, self.network.state
        for array, values in zip(arrays, kept, strict=True):
            array[...] = values
