"""A built model as parts: what `to_torch` and `to_onnx` have to find a counterpart of."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnet import checks, layers
from fastnet.layers.dense import ACTIVATIONS
from fastnet.layers.told import Steps

PRODUCTS = {"Dense", "Affine", "MatMul"}
CONVOLUTIONS = {"Conv2D", "Conv1D"}
RECURRENT = {"SimpleRNN", "LSTM", "GRU", "Bidirectional"}
POOLING = {"MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D"}
ALIKE = {kind.__name__ for kind in ACTIVATIONS.values()} | {"Dropout", "Rescaling"}
KNOWN = PRODUCTS | CONVOLUTIONS | RECURRENT | POOLING | ALIKE
KNOWN |= {"BatchNormalization", "Branches", "Embedding", "Flatten", "Reshape"}


class Part(NamedTuple):
    """One operation: a layer without its activation, or that, with the shapes of a sample.

    Where a layer flattens what it takes, a part "Reshape" stands before it; one that gives the
    shape back behind it. Of Branches `heads` are the parts of each; where they are not the model's
    outputs, each ends flattened.
    """

    kind: str
    layer: Any
    taken: tuple[int, ...]
    made: tuple[int, ...]
    heads: tuple[tuple[Part, ...], ...] = ()


def parts_of(where: str, model: Any) -> tuple[tuple[int, ...], tuple[Part, ...]]:
    """Return the shape of a sample, and the parts of a model in their order."""
    shape = tuple(model._ready(where).input_shape)
    return shape, _in_order(where, model.layers, shape, "layers", True)


def _in_order(
    where: str, stack: list[Any], shape: tuple[int, ...], place: str, is_model: bool
) -> tuple[Part, ...]:
    """Return the parts of layers in a row."""
    found: list[Part] = []
    for i, layer in enumerate(stack):
        kind = type(layer).__name__
        if type(layer) is not getattr(layers, kind, None):
            kind = f"{type(layer).__module__}.{kind}"  # of a user's own, of whatever name
        checks.convertible(where, f"{place}[{i}]", kind, KNOWN)
        made = layer.output_shape(shape)
        if kind in ("Flatten", "Reshape"):
            found.append(Part("Reshape", None, shape, made))
        elif kind == "Branches":
            heads = [
                _in_order(where, head, shape, f"{place}[{i}].heads[{j}]", False)
                for j, head in enumerate(layer.heads)
            ]
            if not (is_model and layer is stack[-1]):
                heads = [(*head, *_flat(head, shape)) for head in heads]
            found.append(Part(kind, layer, shape, made, tuple(heads)))
        elif kind == "Softmax" and not isinstance(shape, Steps):  # of all numbers of a sample
            row = (math.prod(shape),)
            found.append(Part("Reshape", None, shape, row))
            found.append(Part(kind, layer, row, row))
            found.append(Part("Reshape", None, row, made))
        elif kind in PRODUCTS or kind == "BatchNormalization":
            along = isinstance(shape, Steps) or (len(shape) == 3 and kind == "BatchNormalization")
            flat = shape if along else (math.prod(shape),)
            result = made if kind in PRODUCTS else flat
            found.append(Part("Reshape", None, shape, flat))
            found.append(Part("Dense" if kind in PRODUCTS else kind, layer, flat, result))
            found.append(Part("Reshape", None, result, made))
        else:
            found.append(Part(kind, layer, shape, made))
        activation = getattr(layer, "activation", None)
        if kind in PRODUCTS | CONVOLUTIONS and activation is not None:
            of_its_own = ACTIVATIONS[activation]()
            found.append(Part(type(of_its_own).__name__, of_its_own, made, made))
        shape = made
    return tuple(
        part
        for part in found
        if part.kind != "Identity"
        and (part.kind != "Reshape" or tuple(part.taken) != tuple(part.made))
    )


def made_by(parts: tuple[Part, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a sample behind parts, which take one of a shape."""
    return parts[-1].made if parts else shape


def _flat(parts: tuple[Part, ...], shape: tuple[int, ...]) -> list[Part]:
    """Return what flattens samples behind parts."""
    made = made_by(parts, shape)
    return [Part("Reshape", None, made, (math.prod(made),))] if len(made) > 1 else []


def arrays(layer: Any, dtype: Any) -> list[NDArray[Any]]:
    """Return copies of what a layer has learnt."""
    return [np.array(array, dtype) for array in layer.params]


def directions(layer: Any, dtype: Any) -> list[list[NDArray[Any]]]:
    """Return Wx, Wh and b of each direction of a recurrent layer."""
    found: list[list[NDArray[Any]]] = layer._in_directions(arrays(layer, dtype))
    return found


def cell(layer: Any) -> tuple[str, str]:
    """Return the class and the activation of a recurrent layer, or of those within it."""
    inner = getattr(layer, "layer", layer)
    return type(inner).__name__, getattr(inner, "activation", "tanh")


def zeros_around(layer: Any, taken: tuple[int, ...], made: tuple[int, ...]) -> list[Any]:
    """Return what windows reach over before and behind an image, for each axis."""
    where = type(layer).__name__
    if where in CONVOLUTIONS:
        return [tuple(pair) for pair in layer._windows(where, "input_shape", taken)[0]]
    before, counts = layer._geometry(where, taken)
    sides = zip(before, counts, taken, layer.pool_size, layer.strides, strict=False)
    return [(b, max((n - 1) * step + size - length - b, 0)) for b, n, length, size, step in sides]


def is_sequence(shape: tuple[int, ...]) -> bool:
    """Tell whether each step of a sample is answered."""
    return isinstance(shape, Steps)
