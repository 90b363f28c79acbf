"""Which output a loss has no value for, where training met a loss that is not finite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastnet.models.network import Network
from fastnet.models.rows import Rows

__all__ = ["outside"]


def outside(where: str, network: Network, rows: Rows, order: NDArray[np.int64]) -> str:
    """Return the error about the first output of these rows that the loss has no value for.

    Empty where there is none: outputs that are not finite are no case of it.
    """
    taken = network.loss.outputs
    if taken is None:
        return ""
    order = np.ascontiguousarray(order)
    out = np.empty((order.size, network.outputs), network.params.dtype)
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
