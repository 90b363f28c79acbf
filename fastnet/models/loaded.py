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
from fastnet.layers import Branches
from fastnet.losses import LOSSES
from fastnet.models.described import arrays_of, check, input_shape
from fastnet.models.layer_list import says_what_it_is
from fastnet.models.saved import saved_array_names
from fastnet.models.saved_optimizer import restored

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
        check(description, classes)
        arrays, states = arrays_of(file, description, classes)
        stack = _stack(description["layers"], classes, arrays)
        model = cls.__new__(cls)  # a subclass may give its __init__ other arguments
        given: dict[str, Any] = {n: description[n] for n in ("l1", "l2") if n in description}
        if isinstance(description["loss"], list):
            given["loss_weights"] = description.get("weights")
        Sequential.__init__(model, None, _loss(description), description["dtype"], **given)
        model._extend("load_model", stack)
        model._ready("load_model", input_shape(description))
        model._is_flat = description.get("is_flat", False)
        if "generator" in description:
            model._rng.bit_generator.state = _generator(description["generator"])
        model._masks = _masks(description.get("masks"))
        model.metadata = description.get("metadata")
        if description.get("optimizer") is not None:
            model.optimizer = restored(description["optimizer"], states)
            model.optimizer._params = model._ready("load_model").arrays()
        if description["format"] == 1 and not stack[0].takes_row_numbers:
            logging.getLogger("fastnet").warning(
                "fastnet: %s was saved by a version that divided uint8 x by 255, which this one "
                "takes as it is. If the model is given uint8 images: "
                "model.layers.insert(0, Rescaling(1 / 255)). Save it again to end this warning.",
                path,
            )
    return model


def _loss(described: Any) -> Any:
    """Return the loss of a description, or those of several outputs."""
    loss = described["loss"]
    if isinstance(loss, list):
        found = [_loss(one) for one in loss]
        names = described.get("of")
        return found if names is None else dict(zip(names, found, strict=True))
    kind = LOSSES.get(loss)
    given = {n: described[n] for n in getattr(kind, "argument_names", ()) if n in described}
    return kind(**given) if kind is not None and given else loss


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


def _stack(
    layers: list[Any], classes: dict[str, Any], arrays: dict[str, NDArray[Any]], before: str = ""
) -> list[Any]:
    """Return the layers of checked descriptions, with their arrays."""
    found = []
    for i, layer in enumerate(layers):
        if layer["class"] == "Branches":
            heads = [
                _stack(head, classes, arrays, f"{before}{i}.{j}.")
                for j, head in enumerate(layer["heads"])
            ]
            found.append(Branches(dict(zip(layer["names"], heads, strict=True))))
            continue
        kind = classes[layer["class"]]
        own = [arrays[f"{before}{i}.{name}"] for name in saved_array_names(kind, layer)]
        found.append(_layer(kind, layer, own))
    return found


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
