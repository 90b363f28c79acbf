"""What the samples of a call are compared with, what each weighs, and whether it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.functions.weights import without_ignored
from fastnet.kernels.checked import one_hot_labels
from fastnet.kernels.soft_cross_entropy import soft_cross_entropy_in_loop
from fastnet.losses import Loss
from fastnet.models.network import Network

if TYPE_CHECKING:
    from fastnet.models.samples import Samples

__all__ = [
    "ignored_label",
    "labels_if_one_hot",
    "of_samples",
    "of_targets",
    "targets_of",
    "weighed",
]

Targets = tuple[NDArray[np.int64], NDArray[Any]]


def ignored_label(loss: Loss, steps: int) -> int | None:
    """Return the label of samples that do not count; for steps -1, where the loss names none."""
    label: int | None = getattr(loss, "ignore_index", None)
    return -1 if label is None and steps and loss.takes_labels else label


def targets_of(
    where: str,
    loss: Loss,
    dtype: np.dtype[Any],
    t: ArrayLike,
    n: int,
    outputs: int,
    scores: str,
    steps: int,
) -> Targets:
    """Return labels (n,) and targets (n, C), the one that the loss does not use empty.

    Of samples that have steps with an answer each, (n * steps,) and (n * steps, C).
    """
    if steps:
        t, n = checks.of_steps(where, t, n, steps), n * steps
    if loss.takes_labels:
        read = checks.class_targets if loss.takes_shares else checks.labels
        found = read(where, t, n, outputs, scores, ignored_label(loss, steps), steps)
        if found.ndim == 2:
            return empty(0, np.int64), checks.contiguous(found, dtype)
        return found, empty((0, 0), dtype)
    found = checks.targets(where, checks.array(where, "t", t), (n, outputs))
    found = checks.contiguous(found, dtype)
    loss.check_targets(where, found)
    return empty(0, np.int64), found


def weighed(
    where: str,
    loss: Loss,
    dtype: np.dtype[Any],
    targets: Targets,
    outputs: int,
    sample_weight: ArrayLike | None = None,
    class_weight: dict[int, float] | None = None,
    steps: int = 0,
) -> tuple[Targets, NDArray[Any] | None]:
    """Return the targets as the loop takes them, and what each sample weighs, if not all 1.

    Below 0 a sample does not count, and its label is another, at which nobody looks.
    """
    labels, found = targets
    n, weights = len(labels) or len(found), None
    if sample_weight is not None and steps and np.shape(sample_weight) == (n // steps, steps):
        sample_weight = np.reshape(sample_weight, -1)
    elif sample_weight is not None and steps:
        weights = checks.sample_weights(where, sample_weight, n // steps, dtype).repeat(steps)
    if sample_weight is not None and weights is None:
        weights = checks.sample_weights(where, sample_weight, n, dtype)
    if class_weight is not None:
        classes, count = loss.classes_of(where, labels, found)
        of_class = checks.class_weights(where, class_weight, count or outputs)
        own = of_class[np.clip(classes, 0, len(of_class) - 1)].astype(dtype)
        with np.errstate(over="ignore"):
            weights = own if weights is None else weights * own
        if not np.isfinite(weights).all():
            raise ValueError(
                f"{where}: sample_weight * class_weight must be finite in {dtype.name}, got "
                "infinity. Give smaller weights."
            )
    ignored = ignored_label(loss, steps)
    labels, weights = without_ignored(labels, ignored, weights, dtype)
    if weights is not None and not (weights >= 0).any():
        raise ValueError(
            f"{where}: t must have a label other than ignore_index={ignored}, got no "
            "other. Give samples that count."
        )
    return (labels, found), weights


def of_targets(
    network: Network,
    targets: Targets,
    weights: NDArray[Any] | None = None,
) -> tuple[Network, Targets]:
    """Return the network and the targets as the loop takes them, with what samples weigh.

    Where a loss takes the softmax along, one-hot rows are labels to the loop, which knows that
    loss itself; of other rows the same loss is another function.
    """
    labels, found = targets
    program, loss = network.program, network.fused or network.loss
    if found.size and loss.takes_shares:
        known = labels_if_one_hot(labels, found)
        if known.ndim == 1:
            labels, found = known, found[:0]
        else:
            program = program.copy()
            program["loss"] = soft_cross_entropy_in_loop.address(found.dtype)
    if found.size:
        found = loss._smoothed(found)
    if weights is not None:
        program = program.copy()
        program["weights"] = weights.ctypes.data
    if program is network.program:
        return network, (labels, found)
    return network._replace(program=program, of_samples=weights), (labels, found)


def of_samples(network: Network, samples: Samples) -> tuple[Network, Targets]:
    """Return the network, and the targets of samples, as the loop takes them."""
    if not samples.heads:
        return of_targets(network, samples.targets, samples.weights)
    last, kept = network.depth - 1, []
    assert network.head_records is not None
    records = network.head_records[[head.branches == last for head in network.heads]]
    for record, head in zip(records, samples.heads, strict=True):
        function, given = head.loss.in_loop()
        own, program, numbers = head.samples, network.program.copy(), np.array(given, np.float64)
        address = function if isinstance(function, int) else function.address(network.params.dtype)
        program["loss"] = address
        alone = head.of(network)._replace(program=program)
        alone, (labels, targets) = of_targets(alone, own.targets, own.weights)
        for name in ("loss", "weights"):
            record[name] = alone.program[name][0]
        for name, array in ("loss_numbers", numbers), ("labels", labels), ("targets", targets):
            record[name] = array.ctypes.data
        record["steps"], record["loss_weight"] = own.steps if own.steps > 1 else 0, head.share
        kept.append((numbers, labels, targets, own.weights))
    program = network.program.copy()
    program["loss_numbers"] = records.ctypes.data
    network = network._replace(program=program, asked_heads=records, of_samples=kept)
    return network, samples.targets


def labels_if_one_hot(labels: NDArray[np.int64], targets: NDArray[Any]) -> NDArray[Any]:
    """Return labels, those of one-hot rows too; or the targets, where they are no such rows."""
    if not targets.size:
        return labels
    found = empty(len(targets), checks.INT64)
    return found if one_hot_labels(targets, found) else targets
