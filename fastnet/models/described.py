"""What a file says of a model: checked, with its arrays, before a layer is made."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from fastnet.models.saved import saved_array_names
from fastnet.models.saved_optimizer import array_names

__all__ = ["arrays_of", "check", "input_shape"]

STORED_AS = {"float32": "F32", "float64": "F64"}  # safetensors' names


def check(description: dict[str, Any], classes: dict[str, Any]) -> None:
    """Check what a description says; ValueError tells what is wrong with it."""
    several = isinstance(description.get("loss"), list)
    kinds = {"dtype": str, "loss": list if several else str, "layers": list}
    for key, kind in kinds.items():
        if type(description.get(key)) is not kind or not description[key]:
            raise ValueError(f"its {key} is {description.get(key)!r}")
    for one in description["loss"] if several else []:
        if not isinstance(one, dict) or not isinstance(one.get("loss"), str):
            raise ValueError(f"its loss is {description['loss']!r}")
    shape = input_shape(description)
    if not shape or not all(type(size) is int and size != 0 for size in shape):
        raise ValueError(f"its input_size is {description.get('input_size')!r}")
    if description["dtype"] not in STORED_AS:
        raise ValueError(f"its dtype is {description['dtype']!r}")
    if not isinstance(description.get("metadata", {}), dict):
        raise ValueError(f"its metadata is {description['metadata']!r}")
    flat = description.get("is_flat", False)
    if type(flat) is not bool and not (several and isinstance(flat, list)):
        raise ValueError(f"its is_flat is {description['is_flat']!r}")
    _check_layers(description["layers"], classes)


def _check_layers(layers: Any, classes: dict[str, Any]) -> None:
    """Check that layers are of classes that are known, those of heads too."""
    for i, layer in enumerate(layers):
        if not isinstance(layer, dict) or layer.get("class") not in list(classes):
            raise ValueError(f"its layer {i} is {layer!r}, which this fastnet does not know")
        if layer["class"] == "Branches":
            heads, names = layer.get("heads"), layer.get("names")
            if not isinstance(heads, list) or not isinstance(names, list) or not heads:
                raise ValueError(f"its layer {i} is {layer!r}, which has no heads")
            if len(heads) != len(names) or not all(isinstance(head, list) for head in heads):
                raise ValueError(f"its layer {i} is {layer!r}, whose heads are no lists")
            for head in heads:
                _check_layers(head, classes)


def input_shape(description: dict[str, Any]) -> tuple[Any, ...]:
    """Return the shape of a sample: a number is that of features."""
    size = description.get("input_size")
    return tuple(size) if isinstance(size, list) else (size,)


def _within(layers: list[Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what the arrays' names begin with, and the description, of each layer and in heads."""
    for i, layer in enumerate(layers):
        if layer["class"] == "Branches":
            for j, head in enumerate(layer["heads"]):
                yield from _within(head, f"{before}{i}.{j}.")
        else:
            yield f"{before}{i}.", layer


def arrays_of(
    file: Any, header: dict[str, Any], classes: dict[str, Any]
) -> tuple[dict[str, NDArray[Any]], list[list[NDArray[Any]]]]:
    """Return the arrays by name, and the states of each; ValueError where they do not fit.

    That is, when names, dtypes or shapes are others.

    All is checked here, before a layer is made: what a damaged description asks for is never
    allocated.
    """
    described = [(start, classes[one["class"]], one) for start, one in _within(header["layers"])]
    names = [start + n for start, kind, given in described for n in saved_array_names(kind, given)]
    learnt = [start + n for start, kind, given in described for n in kind._saved_names(given)]
    states = array_names(header.get("optimizer"), len(learnt))
    wanted, found = {*names, *(name for group in states for name in group)}, set(file.keys())
    if wanted != found:
        raise ValueError(
            f"it lacks the arrays {sorted(wanted - found)} and has {sorted(found - wanted)} "
            "that its layers do not use"
        )
    expected: dict[str, tuple[int, ...]] = {}
    _check_shapes(file, header, header["layers"], classes, input_shape(header), "", expected)
    for array, group in zip(learnt, states, strict=True):
        for name in group:
            view = file.get_slice(name)
            _check_array(header, name, view, tuple(view.get_shape()), expected[array])
    arrays = {name: file.get_tensor(name) for name in names}
    return arrays, [[file.get_tensor(name) for name in group] for group in states]


def _check_shapes(
    file: Any,
    header: dict[str, Any],
    layers: list[Any],
    classes: dict[str, Any],
    shape_in: tuple[int, ...],
    before: str,
    expected: dict[str, tuple[int, ...]],
) -> tuple[int, ...]:
    """Check the arrays of layers in a row, and note their shapes; return what the last one makes.

    Each goes by what the one before makes, of shapes that are right by then.
    """
    for i, layer in enumerate(layers):
        if layer["class"] == "Branches":
            made = [
                _check_shapes(file, header, head, classes, shape_in, f"{before}{i}.{j}.", expected)
                for j, head in enumerate(layer["heads"])
            ]
            shape_in = (sum(map(math.prod, made)),)
            continue
        kind = classes[layer["class"]]
        group = [f"{before}{i}.{name}" for name in saved_array_names(kind, layer)]
        views = [file.get_slice(name) for name in group]
        shapes = [tuple(view.get_shape()) for view in views]
        rules, shape_out = kind._saved_shapes(shape_in, layer, shapes)
        for name, view, shape, rule in zip(group, views, shapes, rules, strict=True):
            _check_array(header, name, view, shape, rule)
            expected[name] = rule
        shape_in = shape_out
    return shape_in


def _check_array(
    header: dict[str, Any], name: str, view: Any, shape: tuple[int, ...], rule: tuple[int, ...]
) -> None:
    """Check the dtype and the shape of an array of a file."""
    if view.get_dtype() != STORED_AS[header["dtype"]]:
        raise ValueError(f"its array {name} is {view.get_dtype()}, its dtype {header['dtype']}")
    if shape != rule:
        raise ValueError(f"its array {name} has shape {shape} where its layers need {rule}")
