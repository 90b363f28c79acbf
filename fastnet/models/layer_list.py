"""What a list of layers must be: each of a kind that the model can ask, each taking what comes."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import fastnet.layers
from fastnet import checks
from fastnet.layers import ACTIVATIONS, Activation, Branches, Layer, Outputs, Steps
from fastnet.layers.told import ANYWHERE
from fastnet.losses import Loss
from fastnet.models.head_losses import HeadLoss, HeadLosses

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


def walk(
    layers: list[Any], shape: tuple[int, ...] | None = None
) -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    """Yield where each layer stands, the layer, and the shape that it takes, if one is given.

    In the place of a Branches come the layers of its heads.
    """
    for k, layer in enumerate(layers):
        if isinstance(layer, Branches):
            for j, head in enumerate(layer.heads):
                for place, each, taken in walk(head, shape):
                    yield f"layers[{k}].heads[{j}]{place[6:]}", each, taken
        else:
            yield f"layers[{k}]", layer, shape or ()
        shape = None if shape is None else layer.output_shape(shape)


def leaves(layers: list[Any]) -> list[Any]:
    """Return the layers, in the place of a Branches those of its heads."""
    for layer in layers:  # 0.2 us, where any() takes 0.6
        if isinstance(layer, Branches):
            return [layer for _, layer, _ in walk(layers)]
    return layers


def every(layers: list[Any]) -> list[Any]:
    """Return the layers, and those of heads behind them."""
    return layers + [layer for one in layers if isinstance(one, Branches) for layer in one.layers]


def stacked(where: str, layers: list[Any]) -> list[tuple[Any, Any]]:
    """Check that the layers can stand in a stack, and return each with its settings."""
    for i, layer in enumerate(layers):
        _check_kind(where, layer, f"layers[{i}]", i == 0)
        if isinstance(layer, Branches):
            checks.heads(where, layer.heads)
            for place, each, _ in walk([layer], None):
                _check_kind(where, each, place.replace("layers[0]", f"layers[{i}]", 1), False)
    all_of_them = every(layers)
    if len(set(map(id, all_of_them))) != len(all_of_them):
        raise ValueError(
            f"{where}: layer must be a new object, got one that is in the model already. "
            "Make another layer with the same arguments."
        )
    return [(layer, layer._settings(layer)) for layer in layers]


def _check_kind(where: str, layer: Any, place: str, is_first: bool) -> None:
    """Check that a layer can stand in a stack, at that place."""
    kind = type(layer)
    if not isinstance(layer, Layer) or layer.unstacked:
        known = [
            name
            for name in fastnet.layers.__all__
            if says_what_it_is(getattr(fastnet.layers, name))
        ]
        advice = getattr(layer, "unstacked", "") or _in_place_of(layer)
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
    if layer.takes_row_numbers and not is_first:
        raise ValueError(
            f"{where}: {kind.__name__} must be the first layer, as it takes row numbers, got "
            f"it as {place}. Put it first."
        )


class Owner(weakref.ref[Any]):
    """The model that a layer belongs to, as long as it lives; a copy, or a pickle, is None."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()


def check_free(where: str, model: Any, layers: list[Any], stack: list[tuple[Any, Any]]) -> None:
    """Check that no layer but those of the stack is another model's, or was when that was deleted.

    A layer that was taken out of its model's list is free.
    """
    known = {id(layer) for layer in every([layer for layer, _ in stack])}
    for i, layer in enumerate(every(layers)):
        owner = getattr(layer, "_model", None)
        if owner is None or id(layer) in known or (other := owner()) is model:
            continue
        if other is None or any(one is layer for one in every(other.layers)):
            raise ValueError(
                f"{where}: layers[{i}] must belong to no other model, got {layer!r}, which was "
                "taken over by one. Make new layers, or give copy.deepcopy(layers), which begin "
                "with what these have learnt."
            )


def take_over(model: Any, layers: list[Any]) -> None:
    """Take layers over: they belong to the model from now on."""
    for layer in every(layers):
        layer._model = Owner(model)


def _in_place_of(layer: Any) -> str:
    """Say what to add in the place of what is no layer."""
    if isinstance(layer, type) and issubclass(layer, Layer):
        return f"Add an object, {layer.__name__}()."
    if isinstance(layer, str) and layer.lower() in ACTIVATIONS:
        return f"Add {ACTIVATIONS[layer.lower()].__name__}()."
    if isinstance(layer, int):
        return f"Add Dense({layer})."
    return "Add one of these layers."


def inputs_of(layers: list[Any]) -> tuple[int, ...] | None:
    """Return the shape of a sample that the layers say they take; None where they do not say."""
    first = _first(layers)
    if first is None or first.takes_row_numbers:  # as many row numbers as x has
        return None
    if first.takes_shape:
        shape: tuple[int, ...] | None = first.input_shape
        return shape
    features = first.features()
    return None if features is None else (int(features),)


def _first(layers: list[Any]) -> Any:
    """Return the first layer that says what it takes, or does not give the same shape."""
    known = None  # of those that give the same shape: a BatchNormalization knows its channels
    for layer in layers:
        if layer.takes_row_numbers or layer.takes_shape:
            return layer
        if type(layer).output_shape is not Layer.output_shape:
            return layer if known is None else known
        if known is None and layer.features() is not None:
            known = layer
    return known


def take_shape(layers: list[Any]) -> bool:
    """Tell whether samples go to the layers in their shape, not flattened."""
    first = _first(layers)
    return first is not None and first.takes_shape


def outputs_of(layers: list[Any]) -> Outputs | None:
    """Return the range of the last layer's outputs; None where it is not known."""
    found: Outputs | None = ANYWHERE
    for layer in layers:
        found = layer.outputs(found)
    return found


def check_outputs(where: str, loss: Loss, layers: list[Any]) -> None:
    """Check that the last layer gives what the loss takes, as far as it is known."""
    if layers and isinstance(layers[-1], Branches):
        for each, head in zip(head_losses(where, loss, layers), layers[-1].heads, strict=True):
            check_outputs(where, each.loss, [*layers[:-1], *head])
        return
    taken = loss.outputs
    if taken is None or not layers:
        return
    found = outputs_of(layers)
    if found is None or taken.suits(*found):
        return
    if found.adds_up:
        shown = "add up to 1"
    elif found.high < math.inf:
        shown = f"lie in {found.low:g}..{found.high:g}"
    else:
        shown = f"are at least {found.low:g}" if found.low > -math.inf else "are any numbers"
    raise ValueError(
        f'{where}: layers must end with {taken.rule}, for loss="{loss.name}", got {layers[-1]!r}, '
        f"whose outputs {shown}. {taken.advice}"
    )


def head_losses(where: str, loss: Loss, layers: list[Any]) -> list[HeadLoss]:
    """Return the loss of each head that the layers end in; of one output none."""
    last = layers[-1] if layers else None
    if isinstance(last, Branches):
        if not isinstance(loss, HeadLosses):
            raise checks.no_heads(where, loss.name, last.names)
        if len(loss.parts) == len(last.names):
            return loss.of(where, last.names)
    if isinstance(loss, HeadLosses):
        raise checks.head_losses(where, len(loss.parts), last)
    return []


def output_shape(
    where: str, layers: list[Any], shape: tuple[int, ...] | None, name: str = "layers"
) -> tuple[int, ...]:
    """Check that each layer takes what the one before gives; return the shape of the outputs."""
    if not layers:
        raise RuntimeError(f"{where}: add a layer first.")
    count = 0
    for i, layer in enumerate(layers):
        if shape is None:
            return ()
        if isinstance(layer, Branches):
            for j, head in enumerate(layer.heads):
                output_shape(where, head, shape, f"{name}[{i}].heads[{j}]")
        takes, n_in = layer.features(), layer.width_in(shape)
        if takes not in (None, n_in):
            raise ValueError(
                f"{where}: {name}[{i}] must take {n_in} features, got "
                f"{type(layer).__name__}, which takes {takes}. "
                "Match each layer to the output of the one before it."
            )
        layer._check_shapes(where)
        shape = layer.output_shape(shape)
        if layer.decays and not layer.takes_shape:
            count += (n_in + 1) * (outputs := shape[-1])
        if count > MOST_PARAMETERS:
            raise MemoryError(
                f"{where}: {name}[{i}] must leave the model at most {MOST_PARAMETERS:,} "
                f"parameters, got W ({n_in}, {outputs}). Give fewer units."
            )
    return () if shape is None else shape


def answers_in(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many numbers an answer has in outputs of a shape, and how many answers they are.

    Steps have an answer a step; any other shape is one answer, for which the count is 0.
    """
    return (shape[1], shape[0]) if isinstance(shape, Steps) else (math.prod(shape), 0)


def least_samples(layers: list[Any], input_shape: tuple[int, ...]) -> tuple[int, Any]:
    """Return how many samples a batch in training must have, and a layer that asks for them.

    An image is as many rows as it has pixels for a BatchNormalization, which takes one alone.
    """
    if all(layer.least_rows == 1 for layer in leaves(layers)):  # the walk takes 1 us a layer
        return 1, None
    asked = [
        (-(-layer.least_rows // layer.rows_in(shape)), layer)
        for _, layer, shape in walk(layers, input_shape)
        if layer.trainable
    ]
    return max(asked, key=itemgetter(0), default=(1, None))


def visited_samples(
    where: str, layers: list[Any], input_shape: tuple[int, ...], n: int, batch_size: int
) -> int:
    """Return how many samples an epoch visits: all but a rest that is too few for a layer."""
    rest = n % batch_size
    least, layer = least_samples(layers, input_shape)
    if batch_size < least:
        raise checks.too_few_samples(where, layer, least, n, batch_size)
    return n - rest if rest < least else n
