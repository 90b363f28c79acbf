"""Layers from a Sequential of Keras: axes and gates are where they are here."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnet import checks, layers

ACTIVATIONS = {
    "linear": "Identity",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softplus": "Softplus",
    "silu": "Silu",
    "swish": "Silu",
    "gelu": "Gelu",
    "elu": "Elu",
    "mish": "Mish",
    "softmax": "Softmax",
}
SAME = {"Flatten", "GlobalAveragePooling2D", "Softmax"}
CONVOLUTIONS, POOLING = {"Conv2D", "Conv1D"}, {"MaxPooling2D", "AveragePooling2D"}
RECURRENT = {"SimpleRNN", "LSTM", "GRU"}
KNOWN = SAME | CONVOLUTIONS | POOLING | RECURRENT | {
    *("Dense", "InputLayer", "Reshape", "Dropout", "BatchNormalization", "Embedding"),
    *("Bidirectional", "Rescaling", "Activation", "ReLU", "LeakyReLU", "ELU"),
}  # fmt: skip


def layers_of(where: str, model: Any) -> list[Any]:
    """Return layers that compute what a Sequential of Keras does in inference."""
    if _kind_of(model) != "Sequential":
        raise TypeError(
            f"{where}: model must be a Sequential of Keras, got {type(model).__name__}. Give "
            "keras.Sequential the layers, if each takes what the one before it makes."
        )
    if not model.built:
        raise ValueError(
            f"{where}: model must be built, got one without weights. Call model.build(shape), or "
            "give it a keras.Input first."
        )
    found: list[Any] = []
    kinds = [_kind_of(layer) for layer in model.layers]
    for i, (kind, layer) in enumerate(zip(kinds, model.layers, strict=True)):
        place = f"model.layers[{i}]"
        checks.convertible(where, place, kind, KNOWN)
        if kind == "Embedding" and {*kinds[i:]} & {*RECURRENT, "Bidirectional"}:
            checks.same_as_here(where, place, "mask_zero", layer.mask_zero, False)
        made = _made(where, place, kind, layer)
        for each in made:
            each.trainable = bool(layer.trainable)
        found += made
    return found


def _kind_of(layer: Any) -> str:
    """Return the class of a layer by name: with its place, if it is a user's own."""
    kind = type(layer)
    if "keras" in kind.__module__.split("."):
        return kind.__name__
    return f"{kind.__module__}.{kind.__name__}"


def _made(where: str, place: str, kind: str, layer: Any) -> list[Any]:
    """Return our layers for one of Keras'."""
    arrays = [np.array(array) for array in layer.get_weights()]
    if kind == "InputLayer":
        return []
    if kind == "Softmax":
        axis = layer.axis if layer.axis != len(layer.input.shape) - 1 else -1
        checks.same_as_here(where, place, "axis", axis, -1)
        _check_softmax(where, place, layer)
    if kind in ("Flatten", "GlobalAveragePooling2D") and len(layer.input.shape) > 2:
        checks.same_as_here(where, place, "data_format", layer.data_format, "channels_last")
    if kind in SAME:
        return [getattr(layers, kind)()]
    if kind == "Dense":
        W, *b = arrays
        made: Any = layers.MatMul(W)
        if b:
            made = layers.Dense._from_saved({"units": W.shape[1]}, {"W": W, "b": b[0]})
        return [made, *_activation(where, place, layer)]
    if kind in CONVOLUTIONS:
        checks.same_as_here(where, place, "data_format", layer.data_format, "channels_last")
        options = {
            "filters": layer.filters,
            "kernel_size": tuple(layer.kernel_size),
            "strides": tuple(layer.strides),
            "padding": layer.padding,
            "dilation": tuple(layer.dilation_rate),
            "groups": layer.groups,
            "use_bias": layer.use_bias,
        }
        given = dict(zip(("W", "b"), arrays, strict=False))
        made = getattr(layers, kind)._from_saved(options, given)
        return [made, *_activation(where, place, layer)]
    if kind in POOLING:
        checks.same_as_here(where, place, "data_format", layer.data_format, "channels_last")
        return [getattr(layers, kind)(tuple(layer.pool_size), tuple(layer.strides), layer.padding)]
    if kind in RECURRENT or kind == "Bidirectional":
        return [_recurrent(where, place, kind, layer, arrays)]
    if kind == "BatchNormalization":
        return [_normalization(where, place, layer, arrays)]
    if kind == "Embedding":
        return [layers.Embedding(arrays[0])]
    if kind == "Reshape":
        return [layers.Reshape(tuple(layer.target_shape))]
    if kind == "Dropout":
        return [layers.Dropout(layer.rate, inverted=True)]
    if kind == "Rescaling":
        return [layers.Rescaling(float(layer.scale), float(layer.offset))]
    if kind == "LeakyReLU":
        return [layers.LeakyRelu(float(layer.negative_slope))]
    if kind == "ELU":
        return [layers.Elu(float(layer.alpha))]
    if kind == "ReLU":
        for name, wanted in (("max_value", None), ("negative_slope", 0.0), ("threshold", 0.0)):
            checks.same_as_here(where, place, name, getattr(layer, name), wanted)
        return [layers.Relu()]
    return _activation(where, place, layer)


def _check_softmax(where: str, place: str, layer: Any) -> None:
    """Check that a softmax is not one of images: it goes over channels there, over all here."""
    if len(layer.output.shape) > 3:
        raise ValueError(
            f"{where}: {place}'s softmax must be one of numbers in a row, got one of images. "
            "Flatten them first."
        )


def _activation(where: str, place: str, layer: Any) -> list[Any]:
    """Return the layer of an activation of Keras, which is a function; none for "linear"."""
    function = layer.activation
    name = getattr(function, "__name__", type(function).__name__)
    if name == "leaky_relu":
        return [layers.LeakyRelu(0.2)]  # Keras', where PyTorch's and ours is 0.01
    checks.convertible(where, f"the activation of {place}", name, {*ACTIVATIONS, "leaky_relu"})
    if name == "softmax":
        _check_softmax(where, place, layer)
    made = getattr(layers, ACTIVATIONS[name])()
    return [] if name == "linear" else [made]


def _recurrent(where: str, place: str, kind: str, layer: Any, arrays: list[Any]) -> Any:
    """Return a recurrent layer with its weights."""
    inner, one = layer, len(arrays)
    if kind == "Bidirectional":
        checks.same_as_here(where, place, "merge_mode", layer.merge_mode, "concat")
        inner, one = layer.forward_layer, len(arrays) // 2
    word = _kind_of(inner)
    checks.convertible(where, place, word, RECURRENT)
    checks.same_as_here(where, place, "return_state", inner.return_state, False)
    if kind == "Bidirectional":
        _check_alike(where, place, word, inner, layer.backward_layer)
    options = {"units": inner.units, "return_sequences": inner.return_sequences}
    name = inner.activation.__name__
    if word == "SimpleRNN":
        options["activation"] = name
    else:
        gate = inner.recurrent_activation.__name__
        checks.same_as_here(where, place, "activation", name, "tanh")
        checks.same_as_here(where, place, "recurrent_activation", gate, "sigmoid")
    if word == "GRU":
        checks.same_as_here(where, place, "reset_after", inner.reset_after, True)
    checks.same_as_here(where, place, "go_backwards", inner.go_backwards, False)
    made: Any = getattr(layers, word)(**options)
    given = []
    for some in (arrays[:one], arrays[one:]):
        if some:
            Wx, Wh, *b = some
            rows = (2, Wx.shape[1]) if word == "GRU" else Wx.shape[1:]
            given.append((Wx, Wh, b[0] if b else np.zeros(rows, Wx.dtype)))
    if kind == "Bidirectional":
        made = layers.Bidirectional(made)
    made._keep([each for Wx, Wh, _ in given for each in (Wx, Wh)] + [b for _, _, b in given])
    return made


def _check_alike(where: str, place: str, word: str, one: Any, other: Any) -> None:
    """Check that the second direction does what the first one does."""
    checks.convertible(where, f"the backward layer of {place}", _kind_of(other), {word})
    checks.same_as_here(where, place, "go_backwards", other.go_backwards, True)
    for name in ("units", "use_bias", "return_sequences", "reset_after"):
        given = getattr(one, name, None), getattr(other, name, None)
        checks.same_as_here(where, f"the backward layer of {place}", name, given[1], given[0])
    for name in ("activation", "recurrent_activation"):
        words = [getattr(getattr(each, name, None), "__name__", None) for each in (one, other)]
        checks.same_as_here(where, f"the backward layer of {place}", name, words[1], words[0])


def _normalization(where: str, place: str, layer: Any, arrays: list[Any]) -> Any:
    """Return a BatchNormalization; without a scale or an offset there, with 1 or 0."""
    axis = layer.axis if type(layer.axis) is int else next(iter(layer.axis))
    checks.same_as_here(where, place, "axis", axis in (-1, len(layer.input.shape) - 1), True)
    *learnt, mean, var = arrays
    gamma = learnt.pop(0) if layer.scale else np.ones_like(mean)
    beta = learnt.pop(0) if layer.center else np.zeros_like(mean)
    return layers.BatchNormalization(gamma, beta, layer.momentum, mean, var, layer.epsilon)
