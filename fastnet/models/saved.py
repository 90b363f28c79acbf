"""What of a model is saved, and how it is made again.

The arrays are "<i>.W", "<i>.b" ... of layer i. The description has dtype, loss and its arguments,
input_size, layers, a list of objects with "class" and the arguments of its constructor, generator,
the state of the random numbers, l1 and l2. Older files are read without the last three.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import fastnet.layers
from fastnet import checks, weights_file
from fastnet.losses import LOSSES
from fastnet.models.layer_list import says_what_it_is

if TYPE_CHECKING:
    from fastnet.models import Sequential

    Model = TypeVar("Model", bound=Sequential)

__all__ = ["load_model", "save_model"]

# Layers that can stand in a Sequential, by name.
CLASSES: dict[str, Any] = {
    name: getattr(fastnet.layers, name)
    for name in fastnet.layers.__all__
    if says_what_it_is(getattr(fastnet.layers, name))
}
STORED_AS = {"float32": "F32", "float64": "F64"}  # safetensors' names


def save_model(model: Sequential, path: str | bytes | os.PathLike[Any]) -> None:
    """Write a model to one safetensors file, as `Sequential.save` does.

    The file appears whole or not at all: it is written under a temporary name in the same
    folder, synced to the disk and renamed. An interrupted save leaves the old file as it was.

    Parameters
    ----------
    model : Sequential
        It knows its input size, from `fit`, `build` or `input_shape`.
    path : str, bytes or path
        File to write, usually named .safetensors; one that exists is replaced.

    Raises
    ------
    RuntimeError
        The model does not know its input size.
    TypeError
        path is none of these; the loss is none of `fastnet.losses.LOSSES`.
    ValueError
        path is not a regular file, or the model has nothing to save.
    FileNotFoundError, IsADirectoryError
        The folder to write into does not exist; path is a folder.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> model = Sequential([Dense(3, input_shape=(4,)), Dense(2)], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(os.path.join(folder, "model.safetensors"))
    ...     again = Sequential.load(os.path.join(folder, "model.safetensors"))
    >>> bool((again.layers[0].W == model.layers[0].W).all())
    True
    """
    path = checks.path("save_model", path)
    if LOSSES.get(model.loss) is not type(model._loss):
        raise TypeError(
            f"save_model: loss must be one of fastnet.losses.LOSSES, got {model._loss!r}, which a "
            "file cannot name. Make the model with one of those to save it."
        )
    _ = model.params  # builds what can be built; takes in what was assigned to a layer's W
    arrays = {
        f"{i}.{name}": getattr(layer, name)
        for i, layer in enumerate(model.layers)
        for name in _array_names(type(layer))
    }
    if not arrays:
        raise ValueError(
            "save_model: model must have a layer with weights, got none. Add a Dense before saving."
        )
    description = {
        "dtype": np.dtype(model.dtype).name,
        "loss": model.loss,
        **{name: _plain(value) for name, value in model._loss._arguments().items()},
        "l1": float(model.l1),
        "l2": float(model.l2),
        "generator": model._rng.bit_generator.state,
        "input_size": model._width(),
        "layers": [{"class": type(layer).__name__, **_arguments(layer)} for layer in model.layers],
    }
    weights_file.write("save_model", path, arrays, description)


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
        Built, with the same layers, loss, dtype, weights and random numbers: the same
        predictions, and the same weights after more training, to the bit.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        path does not exist; it is a folder.
    TypeError
        path is none of these.
    ValueError
        path is not a regular file; or the file is truncated, damaged, not a safetensors file, not
        one of fastnet's, of a newer format, or its arrays do not fit its description.

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
        arrays = _arrays(file, description, kinds)
        stack = [_layer(*parts) for parts in zip(kinds, description["layers"], arrays, strict=True)]
        model = cls.__new__(cls)  # a subclass may give its __init__ other arguments
        kind = LOSSES.get(description["loss"])
        given = {n: description[n] for n in getattr(kind, "argument_names", ()) if n in description}
        loss = kind(**given) if kind is not None and given else description["loss"]
        penalties = {name: description[name] for name in ("l1", "l2") if name in description}
        Sequential.__init__(model, None, loss, description["dtype"], **penalties)
        model._extend("load_model", stack)
        model._ready("load_model", description["input_size"])
        if "generator" in description:
            model._rng.bit_generator.state = _generator(description["generator"])
    return model


def _array_names(kind: Any) -> tuple[str, ...]:
    """Return the names of the arrays of a layer of a class, as its constructor takes them."""
    names: tuple[str, ...] = kind.array_names + kind.memory_names
    return names


def _arguments(layer: Any) -> dict[str, Any]:
    """Return what a layer's constructor needs besides its arrays, as JSON can keep it."""
    given = {name: getattr(layer, name) for name in layer.argument_names}
    return {name: _plain(value) for name, value in given.items()}


def _plain(value: Any) -> Any:
    """Return a constructor's argument as JSON can keep it."""
    return value if isinstance(value, (bool, str, int, type(None))) else float(value)


def _check(description: dict[str, Any], classes: dict[str, Any]) -> None:
    """Check what a description says; ValueError tells what is wrong with it."""
    kinds = {"dtype": str, "loss": str, "input_size": int, "layers": list}
    for key, kind in kinds.items():
        if type(description.get(key)) is not kind or not description[key]:
            raise ValueError(f"its {key} is {description.get(key)!r}")
    if description["dtype"] not in STORED_AS:
        raise ValueError(f"its dtype is {description['dtype']!r}")
    for i, layer in enumerate(description["layers"]):
        if not isinstance(layer, dict) or layer.get("class") not in list(classes):
            raise ValueError(f"its layer {i} is {layer!r}, which this fastnet does not know")


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


def _arrays(file: Any, header: dict[str, Any], kinds: list[Any]) -> list[list[NDArray[Any]]]:
    """Return each layer's arrays; ValueError when names, dtypes or shapes do not fit.

    All is checked here, before a layer is made: what a damaged description asks for is never
    allocated.
    """
    names = [[f"{i}.{name}" for name in _array_names(kind)] for i, kind in enumerate(kinds)]
    wanted, found = {name for group in names for name in group}, set(file.keys())
    if wanted != found:
        raise ValueError(
            f"it lacks the arrays {sorted(wanted - found)} and has {sorted(found - wanted)} "
            "that its layers do not use"
        )
    n = header["input_size"]
    for kind, layer, group in zip(kinds, header["layers"], names, strict=True):
        views = [file.get_slice(name) for name in group]
        shapes = [tuple(view.get_shape()) for view in views]
        rules, n = kind._saved_shapes(n, layer, shapes)
        for name, view, shape, rule in zip(group, views, shapes, rules, strict=True):
            if view.get_dtype() != STORED_AS[header["dtype"]]:
                raise ValueError(
                    f"its array {name} is {view.get_dtype()}, its dtype {header['dtype']}"
                )
            if shape != rule:
                raise ValueError(f"its array {name} has shape {shape} where its layers need {rule}")
    return [[file.get_tensor(name) for name in group] for group in names]


def _layer(kind: Any, described: dict[str, Any], arrays: list[NDArray[Any]]) -> Any:
    """Return the layer of one checked description."""
    for argument in kind.argument_names:
        if argument not in described:
            raise ValueError(f"its {kind.__name__} lacks {argument}")
    given = {argument: described[argument] for argument in kind.argument_names}
    return kind._from_saved(given, dict(zip(_array_names(kind), arrays, strict=True)))
