"""Checks of what recurrent layers take: weights, sequences, states."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet.checks.arrays import array

__all__ = ["recurrent_state", "recurrent_weights", "sequence"]


def recurrent_weights(
    where: str, gates: int, Wx: NDArray[Any], Wh: NDArray[Any], b: NDArray[Any]
) -> None:
    """Check that Wx (D, G H), Wh (H, G H) and b (G H,), or two of these, fit each other."""
    units, columns = Wh.shape
    if columns != gates * units:
        shape = "(H, H)" if gates == 1 else f"(H, {gates} H)"
        raise ValueError(
            f"{where}: Wh must be {shape}, got Wh.shape={Wh.shape}. Give a row for each of H units"
            f", and {gates} column{'s' * (gates > 1)} for each."
        )
    if Wx.shape[1] != columns:
        raise ValueError(
            f"{where}: Wx must have {columns} columns to match Wh {Wh.shape}, got "
            f"Wx.shape={Wx.shape}. Give an array (D, {columns})."
        )
    if b.shape[-1:] != (columns,):
        raise ValueError(
            f"{where}: b must have {columns} entries to match Wh {Wh.shape}, got "
            f"b.shape={b.shape}. Give an array ({columns},)."
        )


def sequence(where: str, name: str, value: ArrayLike, features: int) -> NDArray[Any]:
    """Return sequences (N, T, D) of D features, with at least one sequence and one step."""
    found = array(where, name, value)
    if found.ndim != 3 or found.size == 0:
        rule = "must be (N, T, D)" + " with at least one entry" * (found.ndim == 3)
        advice = "Give sequences (N, T, D)"
        if found.ndim == 2:
            advice = f"Give one sequence as {name}[None], or sequences of one feature as "
            advice += f"{name}[..., None]"
        raise ValueError(f"{where}: {name} {rule}, got {name}.shape={found.shape}. {advice}.")
    if found.shape[2] != features:
        raise ValueError(
            f"{where}: {name} must have {features} features to match Wx ({features}, "
            f"...), got {name}.shape={found.shape}. Give an array (N, T, {features})."
        )
    return found


def recurrent_state(
    where: str, name: str, value: ArrayLike, shape: tuple[int, ...]
) -> NDArray[Any]:
    """Return the state that a sequence begins with, of a number for each row and unit."""
    found = array(where, name, value)
    if found.shape != shape:
        raise ValueError(
            f"{where}: {name} must have shape {shape}, got {name}.shape={np.shape(found)}. "
            "Give a row for each sequence, or call reset_state first."
        )
    return found
