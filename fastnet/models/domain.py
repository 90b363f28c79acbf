"""What in x or t, or which output, gives no loss, where training met one that is not finite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastnet.models.network import Network
from fastnet.models.samples import Samples
from fastnet.models.steps import Steps

__all__ = ["first_without_loss", "not_finite"]


def first_without_loss(
    where: str, network: Network, samples: Samples, order: NDArray[np.int64]
) -> str:
    """Return an error about the first number in x, t or outputs for which the loss has no value.

    Only these rows are looked at. Empty where there is none, as where finite x overflow.
    """
    rows, targets = samples.rows, samples.targets[1]
    for head in samples.heads:
        said = first_without_loss(f"{where}: {head.name}", head.of(network), head.samples, order)
        if said:
            return said
    order, taken, steps = np.ascontiguousarray(order), network.loss.outputs, network.answers
    of_loss = (order[:, None] * steps + np.arange(steps)).reshape(-1)
    for name, array, visited in (("x", rows.array, order), ("t", targets, of_loss)):
        bad = np.argwhere(~np.isfinite(array[visited])) if array.size else order[:0]
        if len(bad):
            i, j = visited[bad[0, 0]], bad[0, 1]
            at = (i, *np.unravel_index(j, network.input_shape))
            if name == "t":
                at = (*divmod(i, steps), j) if network.steps else (i, j)
            place = ", ".join(map(str, map(int, at)))
            return (
                f"{where}: {name} must be finite, got {name}[{place}]={array[i, j]:g}. The model "
                "keeps its last finite weights. Leave the sample out, or put a number in its place."
            )
    if taken is None:
        return ""
    out = np.empty((order.size, network.outputs * steps), network.params.dtype)
    network.predict(rows, order, out)
    bad = np.argwhere(np.isfinite(out) & ~((out >= taken.low) & (out <= taken.high)))
    if not len(bad):
        return ""
    i, j = map(int, bad[0])
    place = f"[0, {j}]" if network.outputs > 1 else ".item()"  # which may be (1,)
    return (
        f'{where}: outputs must be {taken.rule}, for loss="{network.loss.name}", got '
        f"predict(x[{order[i]}:{order[i] + 1}]){place}={out[i, j]:g}, whose loss is no number. "
        f"The model keeps its last finite weights. {taken.advice}"
    )


def not_finite(where: str, steps: Steps, samples: Samples, trouble: str) -> str:
    """Return what is said of training that met a number that is not finite."""
    return first_without_loss(where, steps.network, samples, steps.stopped_at) or (
        f"{where}: loss must stay finite, got {trouble} that overflowed or NaN in the "
        f"data at lr={steps.rate(0):g}. The model keeps its last finite weights. Lower the "
        "learning rate, or look for NaN and large numbers in x and t."
    )
