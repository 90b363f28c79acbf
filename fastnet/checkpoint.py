"""A model in one safetensors file: written whole or not at all, read without running anything.

The tensors are "<i>.W" and "<i>.b" of layer i. The header's metadata has one entry, "fastnet",
a JSON object: format (this file's FORMAT), version (of the fastnet that wrote it), dtype, loss,
input_size, layers, a list of objects with "class" and, for Dense, its arguments, and generator,
the state of the random numbers; l1 and l2; and delta of a Huber loss. Older files are read without
the last four.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import fastnet
from fastnet import checks
from fastnet.layers import (
    Affine,
    BatchNormalization,
    Dense,
    Dropout,
    Elu,
    Embedding,
    Gelu,
    Identity,
    LeakyRelu,
    MatMul,
    Relu,
    Sigmoid,
    Silu,
    Softplus,
    Step,
    Tanh,
)
from fastnet.losses import Huber

if TYPE_CHECKING:
    from fastnet.models import Sequential

    Model = TypeVar("Model", bound=Sequential)

__all__ = ["load_model", "save_model"]

FORMAT = 1
CLASSES: dict[str, Any] = {
    layer.__name__: layer
    for layer in (
        *(Dense, Affine, MatMul, Sigmoid, Relu, Tanh),
        *(Identity, Step, Softplus, Silu, Gelu, LeakyRelu, Elu, Dropout, BatchNormalization),
        Embedding,
    )
}
# Arrays of a layer, and the other arguments of its constructor; those not named have none.
PARAMETERS = {
    "Dense": ["W", "b"],
    "Affine": ["W", "b"],
    "MatMul": ["W"],
    "Embedding": ["W"],
    "BatchNormalization": ["gamma", "beta", "running_mean", "running_var"],
}
ARGUMENTS = {
    "Gelu": ["approximate"],
    "LeakyRelu": ["alpha"],
    "Elu": ["alpha"],
    "Dropout": ["dropout_ratio", "inverted"],
    "BatchNormalization": ["momentum", "eps"],
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
        path is none of these.
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
    from safetensors.numpy import save

    path = checks.path("save_model", path)
    _ = model.params  # builds what can be built; takes in what was assigned to a layer's W
    arrays = {
        f"{i}.{parameter}": getattr(layer, parameter)
        for i, layer in enumerate(model.layers)
        for parameter in PARAMETERS.get(type(layer).__name__, [])
    }
    if not arrays:
        raise ValueError(
            "save_model: model must have a layer with weights, got none. Add a Dense before saving."
        )
    # Contiguous: safetensors.numpy writes a strided array's bytes in the wrong order, silently
    # (safetensors#825).
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = {
        "format": FORMAT,
        "version": fastnet.__version__,
        "dtype": np.dtype(model.dtype).name,
        "loss": model.loss,
        "l1": float(model.l1),
        "l2": float(model.l2),
        "generator": model._rng.bit_generator.state,
        "input_size": model._width(),
        "layers": [{"class": type(layer).__name__, **_arguments(layer)} for layer in model.layers],
    }
    if type(model._loss) is Huber:
        header["delta"] = float(model._loss.delta)
    _write_whole(path, save(tensors, metadata={"fastnet": json.dumps(header)}))


def load_model(path: str | bytes | os.PathLike[Any]) -> Sequential:
    """Read a model that `save_model` wrote, as `Sequential.load` does.

    Nothing in the file is executed: it holds arrays and a description, which is checked against
    the classes and shapes that fastnet knows before a layer is made.

    Parameters
    ----------
    path : str, bytes or path
        File that `save_model` or `Sequential.save` wrote.

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

    return _load(Sequential, path)


def _load(cls: type[Model], path: str | bytes | os.PathLike[Any]) -> Model:
    from safetensors import SafetensorError, safe_open

    from fastnet.models import Sequential

    path = checks.path("load_model", path)
    if not os.path.isfile(path):
        error: type[Exception] = ValueError
        what = "which is not a regular file"
        if os.path.isdir(path):
            error, what = IsADirectoryError, "which is a folder"
        elif not os.path.exists(path):
            error, what = FileNotFoundError, "which does not exist"
        raise error(
            f"load_model: path must be a saved model, got {path!r}, {what}. "
            "Give the file that Sequential.save wrote."
        )
    try:
        with safe_open(path, framework="numpy") as file:
            header = _header(file.metadata())
            arrays = _arrays(file, header)
        layers = [_layer(*pair) for pair in zip(header["layers"], arrays, strict=True)]
        model = cls.__new__(cls)  # a subclass may give its __init__ other arguments
        loss = Huber(header["delta"]) if "delta" in header else header["loss"]
        penalties = {name: header[name] for name in ("l1", "l2") if name in header}
        Sequential.__init__(model, layers, loss, header["dtype"], **penalties)
        model.build(header["input_size"])
        if "generator" in header:
            model._rng.bit_generator.state = _generator(header["generator"])
    except (SafetensorError, TypeError, ValueError) as problem:
        raise ValueError(
            f"load_model: path must be a whole model file of fastnet, got {path!r}: "
            f"{str(problem).rstrip('.')}. Give a file that Sequential.save wrote."
        ) from None
    return model


def _arguments(layer: Any) -> dict[str, Any]:
    """Return what a layer's constructor needs besides its arrays."""
    if not isinstance(layer, Dense):
        given = {name: getattr(layer, name) for name in ARGUMENTS.get(type(layer).__name__, [])}
        return {k: v if isinstance(v, (bool, str)) else float(v) for k, v in given.items()}
    std = layer.weight_init_std
    return {
        "units": int(layer.W.shape[1]),
        "activation": layer.activation,
        "weight_init_std": std if std is None or isinstance(std, str) else float(std),
    }


def _header(metadata: dict[str, str] | None) -> dict[str, Any]:
    """Return the description in a file's metadata; ValueError says what is wrong with it."""
    try:
        header = json.loads((metadata or {})["fastnet"])
        number, writer = header["format"], header["version"]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise ValueError("a safetensors file without a description by fastnet") from None
    if number != FORMAT:
        raise ValueError(
            f"format {number!r} of fastnet {writer!r}, where fastnet {fastnet.__version__} "
            f"reads format {FORMAT} and would have to be updated"
        )
    kinds = {"dtype": str, "loss": str, "input_size": int, "layers": list}
    for key, kind in kinds.items():
        if type(header.get(key)) is not kind or not header[key]:
            raise ValueError(f"its {key} is {header.get(key)!r}")
    if header["dtype"] not in STORED_AS:
        raise ValueError(f"its dtype is {header['dtype']!r}")
    for i, layer in enumerate(header["layers"]):
        if not isinstance(layer, dict) or layer.get("class") not in list(CLASSES):
            raise ValueError(f"its layer {i} is {layer!r}, which this fastnet does not know")
    return header


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


def _arrays(file: Any, header: dict[str, Any]) -> list[list[NDArray[Any]]]:
    """Return each layer's arrays; ValueError when names, dtypes or shapes do not fit.

    All is checked here, before a layer is made: what a damaged description asks for is never
    allocated.
    """
    names = [
        [f"{i}.{parameter}" for parameter in PARAMETERS.get(layer["class"], [])]
        for i, layer in enumerate(header["layers"])
    ]
    wanted, found = {name for group in names for name in group}, set(file.keys())
    if wanted != found:
        raise ValueError(
            f"it lacks the arrays {sorted(wanted - found)} and has {sorted(found - wanted)} "
            "that its layers do not use"
        )
    n = header["input_size"]
    for layer, group in zip(header["layers"], names, strict=True):
        for name in group:
            view = file.get_slice(name)
            if view.get_dtype() != STORED_AS[header["dtype"]]:
                raise ValueError(
                    f"its array {name} is {view.get_dtype()}, its dtype {header['dtype']}"
                )
            shape = tuple(view.get_shape())
            if layer["class"] == "Embedding":
                rule: tuple[Any, ...] = (*shape[:1], *shape[1:2])
                n *= math.prod(shape[1:2])
            elif name.endswith("W"):
                units = layer.get("units", shape[-1] if shape else 0)
                rule = (n, units)
                n = units
            else:
                rule = (n,)
            if shape != rule:
                raise ValueError(f"its array {name} has shape {shape} where its layers need {rule}")
    return [[file.get_tensor(name) for name in group] for group in names]


def _layer(described: dict[str, Any], arrays: list[NDArray[Any]]) -> Any:
    """Return the layer of one checked description."""
    if described["class"] == "Dense":
        dense = Dense(
            described.get("units"),  # type: ignore[arg-type]  # Dense raises what is wrong with it
            activation=described.get("activation"),
            weight_init_std=described.get("weight_init_std"),
        )
        for array in arrays:  # in place of `build`, which would draw others first
            dense._keep(array)
        return dense
    name = described["class"]
    arguments = dict(zip(PARAMETERS.get(name, []), arrays, strict=True))
    for argument in ARGUMENTS.get(name, []):
        if argument not in described:
            raise ValueError(f"its {name} lacks {argument}")
        arguments[argument] = described[argument]
    return CLASSES[name](**arguments)


def _write_whole(path: str, data: bytes) -> None:
    """Write data under a temporary name beside path, sync it, and rename it to path."""
    shown = repr(path)
    final = os.path.realpath(path)  # a symlink stays one
    folder, name = os.path.split(final)
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"save_model: path must be in a folder that exists, got {shown}. Make the folder first."
        )
    if os.path.isdir(final):
        raise IsADirectoryError(
            f"save_model: path must be a file to write, got the folder {shown}. "
            "Add a file name, such as model.safetensors."
        )
    if os.path.exists(final) and not os.path.isfile(final):  # /dev/null must not become a file
        raise ValueError(
            f"save_model: path must be a regular file, got {shown}. Give another file name."
        )
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, final)
    except BaseException:  # Ctrl-C too
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if os.name == "posix":  # the new name is on the disk when its folder is
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # some network file systems sync no folders
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
