"""How an estimator's solver steps in the compiled loop: its rule, learning rates and penalty."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

import fastnet.optimizer
from fastnet.kernels.estimators import FIRST, shared_penalty_in_loop
from fastnet.kernels.updates import adam_in_loop, momentum_in_loop, nesterov_in_loop, sgd_in_loop
from fastnet.models.steps import rule_of
from fastnet.optimizer import Optimizer
from fastnet.sklearn.network import Weights

# By name: fastnet's rules for which scikit-learn has no solver.
OPTIMIZERS: dict[str, Any] = {
    name.lower(): made
    for name, made in vars(fastnet.optimizer).items()
    if isinstance(made, type) and name not in ("SGD", "Adam", "Optimizer")
}


def optimizer_of(estimator: Any) -> Any:
    """Return what follows the learning rate and keeps the states, as scikit-learn has it.

    The states of all parameters stand in its `slots`, in the order of the parameters, `t` counts
    the updates, and `rule` is a fastnet optimizer in the place of the solver's own, or None.
    """
    rule = estimator.optimizer
    if estimator.solver == "adam" and rule is None:
        made = AdamOptimizer(
            [], estimator.learning_rate_init, estimator.beta_1, estimator.beta_2, estimator.epsilon
        )
    else:
        made = SGDOptimizer(
            [],
            estimator.learning_rate_init,
            estimator.learning_rate,
            estimator.momentum,
            estimator.nesterovs_momentum,
            estimator.power_t,
        )
    if isinstance(rule, str):
        rule = OPTIMIZERS[rule](estimator.learning_rate_init)
    elif rule is not None:
        rule = copy.deepcopy(rule)
        if not callable(rule.lr):
            made.learning_rate = made.learning_rate_init = float(rule.lr)
    made.t, made.slots, made.rule = 0, None, rule
    return made


class Steps:
    """The program of one fit: a network's, with the solver, the penalty and sample weights."""

    def __init__(self, estimator: Any, weights: Weights, optimizer: Any, seed: int) -> None:
        self.optimizer, self.network = optimizer, weights.network
        self.schedule = estimator.schedule
        dtype, size = self.network.params.dtype, self.network.params.size
        limits = (
            math.inf if limit is None else float(limit)
            for limit in (estimator.clip_norm, estimator.clip_value)
        )
        norm, value = limits
        rule: Optimizer | None = optimizer.rule
        numbers: list[float]
        if rule is not None:
            entry, (*numbers, own_value, own_norm) = rule_of(type(estimator).__name__, rule, dtype)
            states = len(rule.state_names)
            norm, value = min(norm, own_norm), min(value, own_value)
            if callable(rule.lr) and self.schedule is None:
                self.schedule = rule.lr
        elif isinstance(optimizer, AdamOptimizer):
            entry, states = adam_in_loop, 2
            numbers = [0.0, optimizer.beta_1, optimizer.beta_2, optimizer.epsilon, 0.0]
        else:
            entry, states = sgd_in_loop, 0
            numbers = [0.0, 0.0]
            if optimizer.momentum:
                entry = nesterov_in_loop if optimizer.nesterov else momentum_in_loop
                numbers, states = [0.0, float(optimizer.momentum), 0.0], 1
        slots = optimizer.slots
        if slots is None or slots.shape != (states, size):
            optimizer.slots = np.zeros((states, size), dtype)
        elif not (slots.flags.carray and slots.dtype == dtype):  # of a file that is mapped, say
            optimizer.slots = np.array(slots, dtype, order="C")
        self.hyper = np.array([norm, *numbers, value, 1.0])
        self.program = self.network.program.copy()
        record = self.record = self.program[0]
        record["seed"], record["rule"] = seed, entry.address(dtype)
        record["hyper"], record["slots"] = self.hyper.ctypes.data, optimizer.slots.ctypes.data
        self.alpha = float(estimator.alpha)
        if self.alpha:
            record["penalty"] = shared_penalty_in_loop.address(dtype)

    def rate(self) -> float:
        """Return the learning rate by now; of Adam before its correction for early updates."""
        optimizer = self.optimizer
        own = isinstance(optimizer, AdamOptimizer)
        return float(optimizer.learning_rate_init if own else optimizer.learning_rate)

    def run(
        self,
        rows: Any,
        targets: Any,
        order: NDArray[np.int64],
        batch_size: int,
        sizes: NDArray[np.float64],
        lrs: list[float],
        of_samples: NDArray[Any] | None = None,
    ) -> NDArray[np.float64]:
        """Train on the samples in order (E, n); return totals (E, 3).

        `sizes` are those of the batches, by which the penalty is shared out, `lrs` the learning
        rates of the epochs, and `of_samples` what each sample weighs.
        """
        record, epochs = self.record, len(order)
        batches = len(sizes)
        record["updates"] = record["drawn"] = self.optimizer.t
        if self.alpha:
            penalty = np.zeros(FIRST + epochs * batches)
            penalty[FIRST:].reshape(epochs, batches)[:] = self.alpha / sizes
            record["penalty_numbers"] = penalty.ctypes.data
        if self.schedule is not None:
            first = self.optimizer.t
            rates = np.array([self.schedule(first + i) for i in range(epochs * batches)], float)
        elif epochs > 1 and lrs[0] != lrs[-1]:
            rates = np.repeat(lrs, batches)
        else:
            rates = np.array(lrs[:1])
        record["rates"], record["rate_count"] = rates.ctypes.data, len(rates)
        record["weights"] = 0 if of_samples is None else of_samples.ctypes.data
        # By the rates, not by its one learning rate, which only says that it learns.
        totals = self.network.run(rows, targets, order, batch_size, 0.0, self.program)
        self.optimizer.t += int(totals[:, 2].sum())
        return totals

    def follow(self) -> None:
        """Let the solver's learning rate be that of the last update, as scikit-learn has it."""
        optimizer = self.optimizer
        if self.schedule is not None and optimizer.t:
            optimizer.learning_rate = float(self.schedule(optimizer.t - 1))
        elif optimizer.rule is None and isinstance(optimizer, AdamOptimizer) and optimizer.t:
            of_v = math.sqrt(1 - optimizer.beta_2**optimizer.t)
            rate = optimizer.learning_rate_init * of_v
            optimizer.learning_rate = rate / (1 - optimizer.beta_1**optimizer.t)
