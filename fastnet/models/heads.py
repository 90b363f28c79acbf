"""What is told of several outputs: the loss of all, and that of each with what judges it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet.models.heads_by_hand import outputs_by_head, shapes_of_heads
from fastnet.models.layer_list import head_losses
from fastnet.models.measures import Measure, answer_count, is_flat
from fastnet.models.network import Network
from fastnet.models.samples import Samples

__all__ = ["are_flat", "columns", "divided", "plain_names", "sums", "told_apart"]


def columns(samples: Samples, asked: list[Measure]) -> dict[str, int | None]:
    """Return in which column of the totals a number stands, by name; None: computed later.

    Those of a head are its loss, and its answers that are right.
    """
    found: dict[str, int | None] = {"loss": 0}
    found |= {f"{head.name}_loss": 3 + 2 * j for j, head in enumerate(samples.heads)}
    for measure in asked:
        at = 4 + 2 * measure.head if samples.heads else 1
        found[measure.name] = at if measure.kind == "counted" else None
    return found


def plain_names(samples: Samples, names: Iterable[str]) -> dict[str, str]:
    """Return what each number of a history is, without "val_" and the name of its head."""
    of_heads = sorted((f"{head.name}_" for head in samples.heads), key=len)
    found = {name: name.removeprefix("val_") for name in names}
    for name, own in found.items():
        longest = [head for head in of_heads if own.startswith(head)][-1:]
        found[name] = own.removeprefix("".join(longest))
    return found


def divided(
    samples: Samples, totals: NDArray[np.float64], order: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the totals of epochs as means, of what counts of the samples in their order (E, n)."""
    totals = totals.copy()
    if not samples.heads:
        totals[:, :2] /= np.maximum(samples.counted(order), 1)[:, None]
        return totals
    visited = order.shape[1]
    totals[:, 0] /= visited
    for j, head in enumerate(samples.heads):
        loss, right, own = 3 + 2 * j, 4 + 2 * j, head.samples
        counted, steps = np.maximum(own.counted(order), 1), max(1, own.steps)
        # In the loop each sample has its share of the sum of all, whether or not all count.
        as_if = totals[:, loss] / (visited * steps)
        totals[:, loss] /= counted
        totals[:, 0] += head.share * np.where(counted < visited * steps, totals[:, loss] - as_if, 0)
        totals[:, right] /= answer_count(head.loss, 1, own.outputs) * counted
        totals[:, right][np.isnan(totals[:, loss])] = np.nan
    return totals


def sums(
    loss: Any, samples: Samples, totals: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the totals of a batch in one call, and what their sums over batches are divided by."""
    if not samples.heads:
        counted = samples.answers
        if samples.weights is not None:
            counted = int(samples.counted(_order(samples))[0])
        right = answer_count(loss, counted, samples.outputs)
        return totals[0], np.array([counted, right, 1.0])
    counts = [samples.n, 1.0, 1.0]
    for head in samples.heads:
        counted = int(head.samples.counted(_order(samples))[0])
        counts += [counted, answer_count(head.loss, counted, head.samples.outputs)]
    found = np.array(counts)
    return divided(samples, totals, _order(samples))[0] * found, found


def _order(samples: Samples) -> NDArray[np.int64]:
    return np.arange(samples.n, dtype=np.int64).reshape(1, -1)


def are_flat(loss: Any, samples: Samples) -> Any:
    """Return whether the targets of one output are (N,), for each of several."""
    if samples.heads:
        return [is_flat(head.loss, head.samples.t, head.samples.outputs) for head in samples.heads]
    return is_flat(loss, samples.t, samples.outputs)


def told_apart(model: Any, network: Network, out: NDArray[Any]) -> list[NDArray[Any]]:
    """Return the outputs of each head, (N,) where its last targets were, of those of all."""
    layers = [layer for layer, _ in network.stack]
    head_losses("Sequential.predict", network.loss, layers)
    parts = outputs_by_head(out, shapes_of_heads(layers, network.input_shape))
    flat = model._is_flat or [False] * len(parts)
    return [
        part.reshape(-1) if is_flat and part.ndim == 2 and part.shape[1] == 1 else part
        for part, is_flat in zip(parts, flat, strict=True)
    ]
