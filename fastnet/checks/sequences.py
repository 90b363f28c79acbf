"""Checks of what recurrent layers take: weights, sequences, states."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet.checks.arrays import array

__all__ = [
    "batch_of_states",
    "of_two_directions",
    "recurrent_state",
    "recurrent_weights",
    "sample_features",
    "sample_of_steps",
    "sequence",
]


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


def batch_of_states(where: str, stateful: bool, batch_size: int | None) -> None:
    """Check that a layer that keeps states knows of how many sequences, and no other does."""
    if stateful != (batch_size is not None):
        if stateful:
            raise ValueError(
                f"{where}: batch_size must be given where stateful is True, got None. Give the "
                "number of sequences in a batch, as fit gets it."
            )
        raise ValueError(
            f"{where}: batch_size must be None where stateful is False, got {batch_size}. Give it "
            "to fit alone, or stateful=True."
        )


def sample_of_steps(where: str, shape: tuple[int, ...]) -> None:
    """Check that a sample is a sequence."""
    if len(shape) != 2:
        advice = "Give sequences (N, steps, features)"
        if len(shape) == 1:
            advice += ", or put Reshape((steps, features)) before it"
        raise ValueError(
            f"{where}: samples must have the shape (steps, features), got {shape}. {advice}."
        )


def sample_features(where: str, shape: tuple[int, ...], Wx: tuple[int, ...]) -> None:
    """Check that the steps of a sample have as many features as Wx has rows."""
    if shape[1] != Wx[0]:
        raise ValueError(
            f"{where}: samples must have {Wx[0]} features a step to match Wx {Wx}, got the shape "
            f"{shape}. Give (steps, {Wx[0]}), or make another layer."
        )


def of_two_directions(is_one: bool, layer: Any) -> None:
    """Check that a layer can run in both directions: one of those, without weights or states."""
    if not is_one:
        raise TypeError(
            f"Bidirectional: layer must be a SimpleRNN, an LSTM or a GRU, got "
            f"{type(layer).__name__}. Give Bidirectional(LSTM(units))."
        )
    if layer.params or layer.stateful:
        got = "one with weights" if layer.params else "a stateful one"
        raise ValueError(
            f"Bidirectional: layer must be new and not stateful, got {got}. Give "
            f"Bidirectional({type(layer).__name__}({layer.units}))."
        )
