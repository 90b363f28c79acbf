"""How a model is made of what `saved` wrote: all is checked before a layer is made."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import fastnet.layers
from fastnet import weights_file
from fastnet.losses import LOSSES
from fastnet.models.layer_list import says_what_it_is
from fastnet.models.saved import saved_array_names
from fastnet.models.saved_optimizer import array_names, restored

if TYPE_CHECKING:
    from fastnet.models import Sequential

    Model = TypeVar("Model", bound=Sequential)

__all__ = ["load_model", "loaded"]

# Layers that can stand in a Sequential, by name.
CLASSES: dict[str, Any] = {
    name: getattr(fastnet.layers, name)
    for name in fastnet.layers.__all__
    if says_what_it_is(getattr(fastnet.layers, name))
}
STORED_AS = {"float32": "F32", "float64": "F64"}  # safetensors' names


def load_model(path: str | bytes | os.PathLike[Any], layers: Sequence[type] = ()) -> Sequential:
    """Read a model that `save_model` wrote, as `Sequential.load` does.

    Nothing in the file is executed: it holds arrays and a description, which is checked against
    the classes and shapes that fastnet knows before a layer is made.

    Parameters
    ----------
    path : str, bytes or path
        File that `save_model` or `Sequential.save` wrote.
    layers : classes of layers of your own, optional
        Those that the model has; a file names classes and brings no code.

    Returns
    -------
    Sequential
        Built, with the same layers, loss, dtype, weights, random numbers and `optimizer`: the same
        predictions, and the same weights after more training by `fit`, to the bit.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        path does not exist; it is a folder.
    TypeError
        path is none of these.
    ValueError
        path is not a regular file; or the file is truncated, damaged, not a safetensors file, not
        one of fastnet's, of a newer format, or its arrays do not fit its description.

    Notes
    -----
    Versions that wrote files of format 1 divided x by 255 where it was uint8, unasked; this one
    takes it as it is, and warns, by the logger "fastnet", about such a file. The model is the same
    for x of any other dtype. Where it is given uint8 images, insert what was done to them:
    `model.layers.insert(0, Rescaling(1 / 255))`.

    Examples
    --------
    >>> from fastnet.checkpoint import load_model
    >>> load_model("none.safetensors")
    Traceback (most recent call last):
    FileNotFoundError: load_model: path must be a saved model, got 'none.safetensors', \
which does not exist. Give the file that Sequential.save wrote.
    """
    from fastnet.models import Sequential

    return loaded(Sequential, path, layers)


def loaded(
    cls: type[Model], path: str | bytes | os.PathLike[Any], layers: Sequence[type] = ()
) -> Model:
    """Return an object of a class with the model that a file holds."""
    from fastnet.models import Sequential

    classes = CLASSES | {kind.__name__: kind for kind in layers}
    with weights_file.opened("load_model", path) as (description, file):
        _check(description, classes)
        kinds = [classes[described["class"]] for described in description["layers"]]
        arrays, states = _arrays(file, description, kinds)
        stack = [_layer(*parts) for parts in zip(kinds, description["layers"], arrays, strict=True)]
        model = cls.__new__(cls)  # a subclass may give its __init__ other arguments
        kind = LOSSES.get(description["loss"])
        given = {n: description[n] for n in getattr(kind, "argument_names", ()) if n in description}
        loss = kind(**given) if kind is not None and given else description["loss"]
        penalties = {name: description[name] for name in ("l1", "l2") if name in description}
        Sequential.__init__(model, None, loss, description["dtype"], **penalties)
        model._extend("load_model", stack)
        model._ready("load_model", _input_shape(description))
        model._is_flat = description.get("is_flat", False)
        if "generator" in description:
            model._rng.bit_generator.state = _generator(description["generator"])
        model._masks = _masks(description.get("masks"))
        model.metadata = description.get("metadata")
        if description.get("optimizer") is not None:
            model.optimizer = restored(description["optimizer"], states)
            model.optimizer._params = model._ready("load_model").arrays()
        if description["format"] == 1 and not kinds[0].takes_row_numbers:
            logging.getLogger("fastnet").warning(
                "fastnet: %s was saved by a version that divided uint8 x by 255, which this one "
                "takes as it is. If the model is given uint8 images: "
                "model.layers.insert(0, Rescaling(1 / 255)). Save it again to end this warning.",
                path,
            )
    return model


def _check(description: dict[str, Any], classes: dict[str, Any]) -> None:
    """Check what a description says; ValueError tells what is wrong with it."""
    kinds = {"dtype": str, "loss": str, "layers": list}
    for key, kind in kinds.items():
        if type(description.get(key)) is not kind or not description[key]:
            raise ValueError(f"its {key} is {description.get(key)!r}")
    shape = _input_shape(description)
    if not shape or not all(type(size) is int and size != 0 for size in shape):
        raise ValueError(f"its input_size is {description.get('input_size')!r}")
    if description["dtype"] not in STORED_AS:
        raise ValueError(f"its dtype is {description['dtype']!r}")
    if not isinstance(description.get("metadata", {}), dict):
        raise ValueError(f"its metadata is {description['metadata']!r}")
    if type(description.get("is_flat", False)) is not bool:
        raise ValueError(f"its is_flat is {description['is_flat']!r}")
    for i, layer in enumerate(description["layers"]):
        if not isinstance(layer, dict) or layer.get("class") not in list(classes):
            raise ValueError(f"its layer {i} is {layer!r}, which this fastnet does not know")


def _input_shape(description: dict[str, Any]) -> tuple[Any, ...]:
    """Return the shape of a sample: a number is that of features."""
    size = description.get("input_size")
    return tuple(size) if isinstance(size, list) else (size,)


def _generator(state: Any) -> dict[str, Any]:
    """Return the state of a PCG64, which NumPy would take some wrong ones for."""
    try:
        inner, limits = state["state"], {"state": 2**128, "inc": 2**128}
        numbers = {**inner, "has_uint32": state["has_uint32"], "uinteger": state["uinteger"]}
        limits |= {"has_uint32": 2, "uinteger": 2**32}
        good = (
            state["bit_generator"] == "PCG64"
            and len(state) == 4
            and numbers.keys() == limits.keys()
            and all(type(n) is int and 0 <= n < limits[key] for key, n in numbers.items())
            and inner["inc"] % 2 == 1
        )
    except (KeyError, TypeError):
        good = False
    if not good:
        raise ValueError("its generator is no state of NumPy's PCG64")
    return dict(state)


def _masks(described: Any) -> tuple[int, int] | None:
    """Return where Dropout's masks go on: a seed, and a count of updates."""
    if described is None:
        return None
    try:
        seed, updates = described
        good = type(seed) is type(updates) is int and 0 <= seed < 2**63 and 0 <= updates < 2**63
    except (TypeError, ValueError):
        good = False
    if not good:
        raise ValueError(f"its masks are {described!r}")
    return seed, updates


def _arrays(
    file: Any, header: dict[str, Any], kinds: list[Any]
) -> tuple[list[list[NDArray[Any]]], list[list[NDArray[Any]]]]:
    """Return each layer's arrays, and the states of each; ValueError where they do not fit.

    That is, when names, dtypes or shapes are others.

    All is checked here, before a layer is made: what a damaged description asks for is never
    allocated.
    """
    described = list(enumerate(zip(kinds, header["layers"], strict=True)))
    names = [[f"{i}.{n}" for n in saved_array_names(kind, given)] for i, (kind, given) in described]
    learnt = [f"{i}.{n}" for i, (kind, given) in described for n in kind._saved_names(given)]
    states = array_names(header.get("optimizer"), len(learnt))
    wanted, found = {name for group in [*names, *states] for name in group}, set(file.keys())
    if wanted != found:
        raise ValueError(
            f"it lacks the arrays {sorted(wanted - found)} and has {sorted(found - wanted)} "
            "that its layers do not use"
        )
    shape_in = _input_shape(header)
    expected: dict[str, tuple[int, ...]] = {}
    for kind, layer, group in zip(kinds, header["layers"], names, strict=True):
        views = [file.get_slice(name) for name in group]
        shapes = [tuple(view.get_shape()) for view in views]
        rules, shape_out = kind._saved_shapes(shape_in, layer, shapes)
        for name, view, shape, rule in zip(group, views, shapes, rules, strict=True):
            _check_array(header, name, view, shape, rule)
            expected[name] = rule
        shape_in = shape_out  # which went by shapes that are right
    for array, group in zip(learnt, states, strict=True):
        for name in group:
            view = file.get_slice(name)
            _check_array(header, name, view, tuple(view.get_shape()), expected[array])
    read = [[[file.get_tensor(n) for n in group] for group in part] for part in (names, states)]
    return read[0], read[1]


def _check_array(
    header: dict[str, Any], name: str, view: Any, shape: tuple[int, ...], rule: tuple[int, ...]
) -> None:
    """Check the dtype and the shape of an array of a file."""
    if view.get_dtype() != STORED_AS[header["dtype"]]:
        raise ValueError(f"its array {name} is {view.get_dtype()}, its dtype {header['dtype']}")
    if shape != rule:
        raise ValueError(f"its array {name} has shape {shape} where its layers need {rule}")


def _layer(kind: Any, described: dict[str, Any], arrays: list[NDArray[Any]]) -> Any:
    """Return the layer of one checked description."""
    for argument in kind.argument_names:
        if argument not in described:
            raise ValueError(f"its {kind.__name__} lacks {argument}")
    given = {argument: described[argument] for argument in kind.argument_names}
    layer = kind._from_saved(given, dict(zip(saved_array_names(kind, given), arrays, strict=True)))
    layer.trainable = described.get("trainable", True)
    if described.get("rng") is not None and kind.draws:
        layer.rng = np.random.default_rng()
        layer.rng.bit_generator.state = _generator(described["rng"])
    return layer
