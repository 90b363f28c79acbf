"""A step by hand of several outputs: their losses, layer by layer, and the gradient."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.layers.in_a_row import back_through, shapes_of, through
from fastnet.models.layer_list import head_losses, output_shape
from fastnet.models.samples import Head
from fastnet.models.targets import ignored_label

if TYPE_CHECKING:
    from fastnet.models.by_hand import ByHand

__all__ = ["backward", "forward", "outputs_by_head", "shapes_of_heads"]


def shapes_of_heads(layers: list[Any], shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the shape of what each head makes of one sample of a shape."""
    found: list[tuple[int, ...]] = layers[-1].output_shapes(shapes_of(layers, shape)[-1][1])
    return found


def outputs_by_head(out: NDArray[Any], shapes: list[tuple[int, ...]]) -> list[NDArray[Any]]:
    """Return the outputs of each head, of those of all side by side."""
    widths = [math.prod(shape) for shape in shapes]
    parts = np.split(out, np.cumsum(widths)[:-1], axis=1)
    return [
        np.ascontiguousarray(part).reshape(len(out), *shape)
        for part, shape in zip(parts, shapes, strict=True)
    ]


def forward(model: ByHand, x: ArrayLike, t: Any, sample_weight: Any) -> Any:
    """Return the loss of a batch, without targets a list of outputs, as `Sequential.forward`."""
    where, layers, alone = "Sequential.forward", model.layers[:], False
    heads: tuple[Head, ...] = ()
    if t is None:
        x = checks.array(where, "x", x)
        if alone := x.ndim == 1 and x.size > 0:
            x = checks.one_row(where, "x", x, model._width())
        head_losses(where, model._loss, layers)
        rows = model._rows(where, x)
        shape = output_shape(where, layers, rows.shape)
    else:
        samples = model._samples(where, layers, x, t, sample_weight)
        rows, shape, heads = samples.rows, samples.output_shape, samples.heads
    l1, l2 = model._penalties(where)
    network = model._ready(where, rows.shape, shape, layers, rows.vocabulary)
    n = len(rows.array)
    out = through(layers, network.shapes, rows.array.astype(model.dtype), n)
    parts = outputs_by_head(out, shapes_of_heads(layers, rows.shape))
    model._step = [
        _loss(head, part, sample_weight is not None)
        for head, part in zip(heads, parts, strict=False)
    ]
    if t is None:
        model._output_shape = tuple(part.shape[alone:] for part in parts)
        return [part[0] for part in parts] if alone else parts
    model._output_shape = None
    total = sum(share * float(loss) for _, share, loss in model._step) + network.penalty(l1, l2)
    return model.dtype.type(total)


def _loss(head: Head, y: NDArray[Any], weighs: bool) -> tuple[Any, float, Any]:
    """Return an object that has computed the loss of a head, its share, and that loss."""
    own, loss = head.samples, head.loss
    labels, targets = own.targets
    ignored = ignored_label(loss, own.steps)
    if ignored != getattr(loss, "ignore_index", ignored):
        loss = copy.copy(loss)
        loss.ignore_index = ignored  # type: ignore[attr-defined]
    weights: Any = own.weights
    if weights is not None and labels.size and ignored is not None:
        labels = np.where(weights < 0, ignored, labels)
    given = (np.maximum(weights, 0),) if weighs and weights is not None else ()
    of_loss: Any = loss
    found = of_loss.forward(y.reshape(-1, own.outputs), targets if targets.size else labels, *given)
    return loss, head.share, found


def backward(model: ByHand, dout: Any) -> NDArray[Any] | None:
    """Fill the gradients of the last forward, as `Sequential.backward`."""
    where, shapes = "Sequential.backward", model._output_shape
    if shapes is None:
        steps = checks.remembered(where, model, "_step")
        dout = checks.number(where, "dout", dout)
        parts = [loss.backward(dout * share) for loss, share, _ in steps]
    else:
        names = model.layers[-1].names
        parts = checks.each_head(where, "dout", dout, names)
        parts = [checks.array(where, "dout", part) for part in parts]
        for part, shape in zip(parts, shapes, strict=True):
            checks.same_shape(where, "dout", part, shape)
    l1, l2 = model._penalties(where)
    network = model._ready(where)
    own = shapes_of_heads(model.layers, network.input_shape)
    alone = shapes is not None and len(shapes[0]) == len(own[0])
    n = 1 if alone else parts[0].size // math.prod(own[0])
    dx = np.concatenate([part.reshape(n, -1) for part in parts], axis=1).astype(model.dtype)
    dx = back_through(model.layers, network.shapes, dx, n)
    model._decay(network, l1, l2, 1 if shapes is not None else dout)
    if dx is None:
        return None
    dx = dx.reshape(n, *network.input_shape)
    return dx[0] if alone else dx
