"""Checks of heads on a shared trunk: what they are made of, and what goes to each."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnet.checks.arrays import _shown

__all__ = [
    "each_head",
    "each_weight",
    "head_losses",
    "head_names",
    "heads",
    "is_for_each",
    "no_heads",
]


def head_names(where: str, names: list[Any]) -> tuple[str, ...]:
    """Return the names of heads: words that can stand before _loss."""
    for name in names:
        if not isinstance(name, str) or not name.isidentifier() or f"{name}_".startswith("val_"):
            raise ValueError(
                f"{where}: names must be words that may stand before _loss, got {_shown(name)}. "
                'Give names such as "kind".'
            )
    return tuple(names)


def heads(where: str, given: Any) -> None:
    """Check that heads are lists of layers, and that there is one."""
    if not given:
        raise ValueError(
            f"{where}: heads must be lists of layers, got none. Give [Dense(10)], [Dense(1)]."
        )
    for j, head in enumerate(given):
        if not isinstance(head, (list, tuple)):
            raise TypeError(
                f"{where}: heads[{j}] must be a list of layers, got {_shown(head)}. "
                "Give [Dense(10)], [Dense(1)]."
            )
        if not head:
            raise ValueError(
                f"{where}: heads[{j}] must have a layer, got an empty list. Give [Dense(10)]."
            )
        if any(hasattr(layer, "heads") for layer in head):
            raise TypeError(
                f"{where}: heads[{j}] must be layers in a row, got Branches in it. Give one "
                "Branches with all heads."
            )


def each_head(
    where: str, name: str, value: Any, names: tuple[str, ...], some: bool = False
) -> list[Any]:
    """Return what is given for each head: a list in their order, or a dict by their names.

    Where some may do, a dict need not have all, and those that it has not are None.
    """
    if isinstance(value, dict):
        if some and set(value) <= set(names):
            return [value.get(head) for head in names]
        if set(value) != set(names):
            raise ValueError(
                f"{where}: {name} must have the keys {', '.join(map(repr, names))}, got "
                f"{', '.join(map(repr, value)) or 'none'}. Give one for each head."
            )
        return [value[head] for head in names]
    if not isinstance(value, (list, tuple)) or len(value) != len(names):
        got = f"{len(value)}" if isinstance(value, (list, tuple)) else _shown(value)
        raise ValueError(
            f"{where}: {name} must be a list of {len(names)}, one for each of the heads "
            f"{', '.join(names)}, got {got}. Give as many, or a dict by name."
        )
    return list(value)


def is_for_each(value: Any) -> bool:
    """Tell whether a value is a list of arrays, where numbers may be meant too."""
    several = isinstance(value, (list, tuple))
    return several and any(one is None or np.ndim(one) for one in value)


def each_weight(where: str, value: Any, names: tuple[str, ...]) -> list[Any]:
    """Return the sample_weight of each head: one for all, or a list or dict of such."""
    if isinstance(value, dict):
        return each_head(where, "sample_weight", value, names, True)
    if is_for_each(value):
        return each_head(where, "sample_weight", value, names)
    return [value] * len(names)


def no_heads(where: str, loss: str, names: tuple[str, ...]) -> ValueError:
    """Return the error for a model that ends in heads, and has one loss."""
    return ValueError(
        f"{where}: loss must be a list of {len(names)}, one for each of the heads "
        f'{", ".join(names)}, got loss="{loss}". Make the model with loss=[...], or a dict by name.'
    )


def head_losses(where: str, count: int, last: Any) -> ValueError:
    """Return the error for a model of several losses that does not end in as many heads."""
    return ValueError(
        f"{where}: layers must end with Branches of {count} heads, one for each loss, got "
        f"{last!r}. Add Branches([...], [...])."
    )
