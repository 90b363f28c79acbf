"""What of an optimizer is saved with a model, and how it is made again.

Its arrays are "optimizer.<state>.<i>", of the model's array number i. The description has "class",
the numbers of its constructor, where lr may be a schedule with "class" and numbers of its own, and
"iter", the count of updates, and "states", the names of those that it holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastnet.optimizer
from fastnet import checks, schedules
from fastnet.models.network import Network
from fastnet.models.steps import rule_of
from fastnet.optimizer import Optimizer

__all__ = ["array_names", "described", "is_known", "restored"]

OPTIMIZERS: dict[str, type[Optimizer]] = {
    name: kind
    for name, kind in vars(fastnet.optimizer).items()
    if name in fastnet.optimizer.__all__ and isinstance(kind, type) and kind is not Optimizer
}
SCHEDULES: dict[str, Any] = {name: getattr(schedules, name) for name in schedules.__all__}


def is_known(optimizer: Any) -> bool:
    """Tell whether a file can name the optimizer and its schedule: that they are of fastnet's."""
    if OPTIMIZERS.get(type(optimizer).__name__) is not type(optimizer):
        return False
    lr: Any = optimizer.lr
    while callable(lr):  # a Warmup has another for its lr
        if SCHEDULES.get(type(lr).__name__) is not type(lr):
            return False
        lr = lr.lr
    return True


def described(
    where: str, optimizer: Any, network: Network
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the description and the arrays of an optimizer that has trained a network."""
    dtype = network.params.dtype
    rule_of(where, optimizer, dtype)  # an optimizer, of numbers that can be
    pairs = [(i, view, grad, True) for i, (_, _, view, grad) in enumerate(network.views)]
    if optimizer._others([view for _, view, _, _ in pairs]):
        raise checks.optimizer_of_others(where, optimizer)
    names = [name for name in optimizer.state_names if getattr(optimizer, name) is not None]
    arrays = {}
    rows, _ = optimizer._state_rows(where, list, pairs)
    for i, row in enumerate(rows):
        for name, state in zip(optimizer.state_names, row, strict=True):
            if name in names:
                arrays[f"optimizer.{name}.{i}"] = np.asarray(state, dtype)
    numbers = {name: _number(getattr(optimizer, name)) for name in optimizer._names}
    description = {"class": type(optimizer).__name__, **numbers}
    return {**description, "iter": int(optimizer.iter), "states": names}, arrays


def _number(value: Any) -> Any:
    """Return a number, None, or a schedule as JSON can keep it, to the bit."""
    if callable(value):
        numbers = {name: _number(number) for name, number in vars(value).items()}
        return {"class": type(value).__name__, **numbers}
    return value if type(value) in (int, type(None)) else float(value)


def array_names(described: Any, count: int) -> list[list[str]]:
    """Return the names of the arrays that a description has, for each of the model's `count`.

    ValueError tells what is wrong with it.
    """
    if described is None:
        return [[] for _ in range(count)]
    kind = OPTIMIZERS.get(described.get("class", "")) if isinstance(described, dict) else None
    if kind is None or described.get("states") not in ([], list(kind.state_names)):
        raise ValueError(f"its optimizer is {described!r}, which this fastnet does not know")
    return [[f"optimizer.{name}.{i}" for name in described["states"]] for i in range(count)]


def restored(described: dict[str, Any], rows: list[list[NDArray[Any]]]) -> Optimizer:
    """Return the optimizer of a description, with its states of each of the model's arrays."""
    given = {k: v for k, v in described.items() if k not in ("class", "iter", "states")}
    if isinstance(given.get("lr"), dict):
        given["lr"] = _schedule(given["lr"], 8)
    optimizer = OPTIMIZERS[described["class"]](**given)
    optimizer.iter = checks.count("its optimizer", "iter", described.get("iter"), 0)
    if optimizer.iter >= 2**63:
        raise ValueError(f"its optimizer's iter is {optimizer.iter}")
    for name, states in zip(described["states"], zip(*rows, strict=True), strict=True):
        setattr(optimizer, name, list(states))
    return optimizer


def _schedule(described: Any, depth: int) -> Any:
    """Return the schedule of a description, in which others may lie."""
    if not isinstance(described, dict):
        return described
    kind = SCHEDULES.get(described.get("class", ""))
    if kind is None or not depth:
        raise ValueError(f"its schedule is {described!r}, which this fastnet does not know")
    return kind(**{k: _schedule(v, depth - 1) for k, v in described.items() if k != "class"})
