"""What a list of layers must be: each of a kind that the model can ask, each taking what comes."""

from __future__ import annotations

import weakref
from typing import Any

import fastnet.layers
from fastnet.layers import Activation, Layer

MOST_PARAMETERS = 2**40  # 4 TB of float32: more is a slip, and no memory has to be asked


def says_what_it_is(kind: type) -> bool:
    """Tell whether a class says what it is to the loop.

    A class derived from one of ours that computes something else has to say so anew.
    """
    for base in kind.__mro__:
        if base.__module__.startswith("fastnet.") or "in_loop" in vars(base):
            break
        if "forward" in vars(base) or "backward" in vars(base):
            return False
    says = issubclass(kind, Layer) and kind.in_loop is not Layer.in_loop
    return says and kind is not Activation  # which is there for others to derive from


def stacked(where: str, layers: list[Any]) -> list[tuple[Any, Any]]:
    """Check that the layers can stand in a stack, and return each with its settings."""
    for i, layer in enumerate(layers):
        kind = type(layer)
        if not isinstance(layer, Layer) or layer.unstacked:
            known = [
                name
                for name in fastnet.layers.__all__
                if says_what_it_is(getattr(fastnet.layers, name))
            ]
            advice = getattr(layer, "unstacked", "") or "Add one of these layers."
            raise TypeError(
                f"{where}: layer must be one of {', '.join(known)}, or of a class of your own that "
                f"derives from Layer, got {kind.__name__}. {advice}"
            )
        if not says_what_it_is(kind) and kind.in_loop is not Layer.in_loop:
            raise TypeError(
                f"{where}: layer must compute what its in_loop says, got {kind.__name__}, whose "
                "forward or backward is another. Give it an in_loop, too."
            )
        layer._check_settings(where)
        if layer.takes_row_numbers and i > 0:
            raise ValueError(
                f"{where}: {kind.__name__} must be the first layer, as it takes row numbers, got "
                f"it as layers[{i}]. Put it first."
            )
    if len(set(map(id, layers))) != len(layers):
        raise ValueError(
            f"{where}: layer must be a new object, got one that is in the model already. "
            "Make another layer with the same arguments."
        )
    return [(layer, layer._settings(layer)) for layer in layers]


class Owner(weakref.ref[Any]):
    """The model that a layer belongs to, as long as it lives; a copy, or a pickle, is None."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()


def check_free(where: str, model: Any, layers: list[Any], stack: list[tuple[Any, Any]]) -> None:
    """Check that no layer but those of the stack is another model's, or was when that was deleted.

    A layer that was taken out of its model's list is free.
    """
    known = {id(layer) for layer, _ in stack}
    for i, layer in enumerate(layers):
        owner = getattr(layer, "_model", None)
        if owner is None or id(layer) in known or (other := owner()) is model:
            continue
        if other is None or any(one is layer for one in other.layers):
            raise ValueError(
                f"{where}: layers[{i}] must belong to no other model, got {layer!r}, which was "
                "taken over by one. Make new layers, or give copy.deepcopy(layers), which begin "
                "with what these have learnt."
            )


def take(model: Any, layers: list[Any]) -> None:
    """Take layers over: they belong to the model from now on."""
    for layer in layers:
        layer._model = Owner(model)


def inputs_of(layers: list[Any]) -> int | None:
    """Return how many features the layers say they take; None where they do not say."""
    for layer in layers:
        if layer.takes_row_numbers:
            return None  # as many row numbers as x has
        features = layer.features()
        if features is not None:
            return int(features)
        if type(layer).output_shape is not Layer.output_shape:
            return None  # it will take any number, and gives another
    return None


def output_count(where: str, layers: list[Any], n_in: int) -> int:
    """Check that each layer takes what the one before gives; return the number of outputs."""
    if not layers:
        raise RuntimeError(f"{where}: add a layer first.")
    count = 0
    for i, layer in enumerate(layers):
        takes = layer.features()
        if takes not in (None, n_in):
            raise ValueError(
                f"{where}: layers[{i}] must take {n_in} features, got "
                f"{type(layer).__name__}, which takes {takes}. "
                "Match each layer to the output of the one before it."
            )
        layer._check_shapes(where)
        (outputs,) = layer.output_shape((n_in,))
        if layer.decays:
            count += (n_in + 1) * outputs
        if count > MOST_PARAMETERS:
            raise MemoryError(
                f"{where}: layers[{i}] must leave the model at most {MOST_PARAMETERS:,} "
                f"parameters, got W ({n_in}, {outputs}). Give fewer units."
            )
        n_in = outputs
    return n_in
