"""What of a model is saved; `loaded` makes it again.

The arrays are "<i>.W", "<i>.b" ... of layer i, and "<i>.<j>.<k>.W" of layer k of head j of a
Branches. The description has dtype, loss and its arguments, input_size, a number of features or the
shape of a sample, layers, a list of objects with "class" and the arguments of its constructor (and
"rng", the state of a Dropout's own random numbers, and "trainable" where it is frozen), generator,
the state of the model's, l1 and l2, is_flat, where `predict` gives (N,), masks, where those of
Dropout in the loop go on, metadata, the user's own, and optimizer, which `saved_optimizer`
describes. Older files are read without those from generator on.

A Branches has "names" and "heads", lists of layers. Of several outputs loss is a list of objects
with "loss" and arguments, beside "weights" and "of", the names of the heads or null.

Files of format 1 were written by versions that divided x by 255 where it was uint8, unasked. They
are read as they are, and a warning says how to put that into the model: nothing in them tells
whether it was trained on uint8.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet import checks, weights_file
from fastnet.layers import Branches
from fastnet.losses import LOSSES
from fastnet.models.head_losses import HeadLosses
from fastnet.models.layer_list import walk
from fastnet.models.saved_optimizer import described, is_known
from fastnet.optimizer import Optimizer

if TYPE_CHECKING:
    from fastnet.models import Sequential

__all__ = ["save_model", "saved_array_names"]

NAMED = "one of fastnet.optimizer, with a number or one of fastnet.schedules for lr"


def save_model(
    model: Sequential, path: str | bytes | os.PathLike[Any], optimizer: Any = None
) -> None:
    """Write a model to one safetensors file, as `Sequential.save` does.

    The file appears whole or not at all: it is written under a temporary name in the same
    folder, synced to the disk and renamed. An interrupted save leaves the old file as it was; what
    a save that was killed leaves, a temporary file, the next save into that folder removes.

    With the model it keeps its random numbers and the optimizer, with its states, its count of
    updates and its schedule: `fit` goes on after `Sequential.load` as if nothing had happened, to
    the bit. `model.optimizer = None` leaves it out, which Adam's states make three times the size.

    Parameters
    ----------
    model : Sequential
        It knows its input size, from `fit`, `build` or `input_shape`.
    path : str, bytes or path
        File to write, usually named .safetensors; one that exists is replaced.
    optimizer : one of fastnet.optimizer, optional
        Default: the one that trained the model last in `fit`, `model.optimizer`. Give it after
        steps by hand.

    Warns
    -----
    UserWarning
        The model's own optimizer, or its schedule, is of no class of fastnet's, so that a file
        cannot name it; or it has trained other arrays since: the model is saved without.

    Raises
    ------
    RuntimeError
        The model does not know its input size.
    TypeError
        path is none of these; the loss is none of `fastnet.losses.LOSSES`; the optimizer that is
        given, or its schedule, is of no class of fastnet's; a Dropout's rng is no PCG64; or the
        metadata is no dict that JSON can hold.
    ValueError
        path is not a regular file, or the model has nothing to save; or the optimizer was used for
        other arrays.
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
    for loss in losses_in(model._loss):
        if LOSSES.get(loss.name) is not type(loss):
            raise TypeError(
                f"save_model: loss must be one of fastnet.losses.LOSSES, got {loss!r}, which a "
                "file cannot name. Make the model with one of those to save it."
            )
    network = model._ready("save_model")  # takes in what was assigned to a layer's W
    shape = model._input_shape()
    assert shape is not None
    arrays = {
        f"{'.'.join(re.findall('[0-9]+', place))}.{name}": getattr(layer, name)
        for place, layer, _ in walk(model.layers)
        for name in saved_array_names(type(layer), vars(layer))
    }
    if not arrays:
        raise ValueError(
            "save_model: model must have a layer with weights, got none. Add a Dense before saving."
        )
    description = {
        "dtype": np.dtype(model.dtype).name,
        **_loss(model._loss),
        "l1": float(model.l1),
        "l2": float(model.l2),
        **({"is_flat": model._is_flat} if model._is_flat else {}),
        "generator": model._rng.bit_generator.state,
        "input_size": shape[0] if len(shape) == 1 else list(shape),
        "layers": [_described(layer) for layer in model.layers],
        "masks": model._masks,
    }
    if model.metadata is not None:
        description["metadata"] = _checked_metadata(model.metadata)
    if optimizer is None and model.optimizer is not None:
        why = "" if is_known(model.optimizer) else f"a file can name {NAMED} alone"
        if not why and model.optimizer._others(network.arrays()):
            why = "its states are of other arrays by now"
        if why:
            checks.warn(
                f"save_model: the model is saved without its optimizer, {model.optimizer!r}: {why}."
            )
        else:
            optimizer = model.optimizer
    if optimizer is not None:
        if isinstance(optimizer, Optimizer) and not is_known(optimizer):
            raise TypeError(
                f"save_model: optimizer must be {NAMED}, got {optimizer!r}, which a file cannot "
                "name. Save the model without it, and its states and iter yourself."
            )
        description["optimizer"], states = described("save_model", optimizer, network)
        arrays |= states
    weights_file.write("save_model", path, arrays, description)


def saved_array_names(kind: Any, arguments: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the arrays of a layer of a class, made with some arguments."""
    names: tuple[str, ...] = kind._saved_names(arguments) + kind._kept_names(arguments)
    return names


def losses_in(loss: Any) -> list[Any]:
    """Return the losses of a model: one, or that of each head."""
    return loss.parts if isinstance(loss, HeadLosses) else [loss]


def _loss(loss: Any) -> dict[str, Any]:
    """Return what a file has of a model's loss: its name and arguments, of several a list."""
    if isinstance(loss, HeadLosses):
        weights = [float(weight) for weight in loss.weights]
        names = None if loss.keys is None else list(loss.keys)
        return {"loss": [_loss(one) for one in loss.parts], "weights": weights, "of": names}
    arguments = {name: _plain(value) for name, value in loss._arguments().items()}
    return {"loss": loss.name, **arguments}


def _described(layer: Any) -> dict[str, Any]:
    """Return what a file has of a layer besides its arrays."""
    if isinstance(layer, Branches):
        heads = [[_described(one) for one in head] for head in layer.heads]
        return {"class": "Branches", "names": list(layer.names), "heads": heads}
    return {"class": type(layer).__name__, **_arguments(layer)}


def _arguments(layer: Any) -> dict[str, Any]:
    """Return what a layer's constructor needs besides its arrays, as JSON can keep it."""
    given = {name: getattr(layer, name) for name in layer.argument_names}
    kept: dict[str, Any] = {name: _plain(value) for name, value in given.items()}
    if not layer.trainable:
        kept["trainable"] = False
    rng = getattr(layer, "rng", None) if layer.draws else None
    if rng is not None:
        kept["rng"] = rng.bit_generator.state
        if kept["rng"]["bit_generator"] != "PCG64":
            raise TypeError(
                "save_model: rng of a layer must be numpy.random.default_rng's, got a "
                f"{kept['rng']['bit_generator']}. Assign one of those to the layer, or None."
            )
    return kept


def _checked_metadata(metadata: Any) -> dict[str, Any]:
    """Return a model's metadata, which a file can hold."""
    try:
        if isinstance(metadata, dict) and json.loads(json.dumps(metadata, allow_nan=False)):
            return metadata
        why = f"a {type(metadata).__name__}" if metadata != {} else ""
    except (TypeError, ValueError) as error:
        why = str(error)
    if why:
        raise TypeError(
            f"save_model: metadata must be a dict that JSON can hold, got {why}. Assign one to "
            "model.metadata, of numbers, texts and lists, or None."
        )
    return {}


def _plain(value: Any) -> Any:
    """Return a constructor's argument as JSON can keep it."""
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return value if isinstance(value, (bool, str, int, type(None))) else float(value)
