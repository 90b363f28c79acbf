"""How a list of layers becomes a network: checked, gathered in one vector, told to the loop."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastnet.layers
from fastnet import checks
from fastnet.kernels import IDENTITY
from fastnet.kernels.loop.record import LAYER
from fastnet.layers import Activation, Layer, LoopLayer
from fastnet.models.network import Network, unbuilt

MOST_PARAMETERS = 2**40  # 4 TB of float32: more is a slip, and no memory has to be asked

# (index in the stack, layer, index in its params, parameter, gradient)
Arrays = list[tuple[int, Any, int, NDArray[Any], NDArray[Any]]]


def _on_a_line(size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return zeros that start on a cache line, where NumPy's arrays start somewhere.

    Else every other vector of AVX2, and each of AVX-512, lies in two lines: a step of 784-100-10
    with batch 1 takes 24 us instead of 18 in float64.
    """
    whole = np.zeros(size + 64 // dtype.itemsize, dtype)
    start = -whole.ctypes.data % 64 // dtype.itemsize
    return whole[start : start + size]


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


def stacked(where: str, layers: list[Any]) -> list[tuple[Any, Any]]:
    """Check that the layers can stand in a stack, and return each with its settings."""
    for i, layer in enumerate(layers):
        kind = type(layer)
        if not isinstance(layer, Layer) or layer.unstacked:
            known = [
                name
                for name in fastnet.layers.__all__
                if says_what_it_is(getattr(fastnet.layers, name))
            ]
            advice = getattr(layer, "unstacked", "") or "Add one of these layers."
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
        if layer.takes_row_numbers and i > 0:
            raise ValueError(
                f"{where}: {kind.__name__} must be the first layer, as it takes row numbers, got "
                f"it as layers[{i}]. Put it first."
            )
    if len(set(map(id, layers))) != len(layers):
        raise ValueError(
            f"{where}: layer must be a new object, got one that is in the model already. "
            "Make another layer with the same arguments."
        )
    return [(layer, layer._settings(layer)) for layer in layers]


def inputs_of(layers: list[Any]) -> int | None:
    """Return how many features the layers say they take; None where they do not say."""
    for layer in layers:
        if layer.takes_row_numbers:
            return None  # as many row numbers as x has
        features = layer.features()
        if features is not None:
            return int(features)
        if type(layer).output_shape is not Layer.output_shape:
            return None  # it will take any number, and gives another
    return None


def output_count(where: str, layers: list[Any], n_in: int) -> int:
    """Check that each layer takes what the one before gives; return the number of outputs."""
    if not layers:
        raise RuntimeError(f"{where}: add a layer first.")
    count = 0
    for i, layer in enumerate(layers):
        takes = layer.features()
        if takes not in (None, n_in):
            raise ValueError(
                f"{where}: layers[{i}] must take {n_in} features, got "
                f"{type(layer).__name__}, which takes {takes}. "
                "Match each layer to the output of the one before it."
            )
        layer._check_shapes(where)
        (outputs,) = layer.output_shape((n_in,))
        if layer.decays:
            count += (n_in + 1) * outputs
        if count > MOST_PARAMETERS:
            raise MemoryError(
                f"{where}: layers[{i}] must leave the model at most {MOST_PARAMETERS:,} "
                f"parameters, got W ({n_in}, {outputs}). Give fewer units."
            )
        n_in = outputs
    return n_in


def gathered(
    where: str,
    known: Network,
    stack: list[tuple[Any, Any]],
    n_in: int,
    rng: np.random.Generator,
) -> Network:
    """Return a network with vectors of its own, for which layers are built on the side.

    The layers and the one `known` so far are not changed yet, and the generator is put back where
    this fails.
    """
    drawn, dtype = rng.bit_generator.state, known.params.dtype
    network = unbuilt(known.loss, dtype)
    try:
        arrays: Arrays = []
        shape: tuple[int, ...] = (n_in,)
        for k, (layer, _) in enumerate(stack):
            if layer.array_names:
                made = layer
                if not layer.params:
                    made = copy.copy(layer)
                    made.params, made.grads = [], []
                    made.build(math.prod(shape), rng, dtype)
                params, grads = list(made.params), list(made.grads)
                made._check_arrays(where, params, grads)
                arrays += [(k, layer, i, array, grads[i]) for i, array in enumerate(params)]
                if layer.takes_row_numbers:
                    _countable(where, layer, len(params[0]), dtype)
                shape = made.output_shape(shape)
            else:
                shape = layer.output_shape(shape)
        _apart(where, known, arrays)
        count = sum(array.size for _, _, _, array, _ in arrays)
        network = network._replace(params=_on_a_line(count, dtype), grads=_on_a_line(count, dtype))
        start = 0
        for k, layer, i, array, grad in arrays:
            part, shape = slice(start, start + array.size), array.shape
            view = checks.converted(
                where,
                f"layers[{k}].{layer.array_names[i]}",
                array,
                network.params[part].reshape(shape),
            )
            grad_view = network.grads[part].reshape(shape)
            with np.errstate(over="ignore"):
                grad_view[...] = grad
            network.views.append((layer, i, view, grad_view))
            start = part.stop
        return recorded(where, network, stack, n_in)
    except BaseException as error:
        rng.bit_generator.state = drawn
        if isinstance(error, MemoryError):
            raise MemoryError(
                f"{where}: layers must fit in memory, got {str(error) or 'too many units'}. "
                "Give fewer units."
            ) from None
        raise


def _countable(where: str, layer: Any, rows: int, dtype: np.dtype[Any]) -> None:
    """Check that the numbers of all rows of an embedding are numbers of the dtype."""
    most = 2 ** (np.finfo(dtype).nmant + 1)
    if rows > most:
        raise ValueError(
            f"{where}: layers[0] must have at most {most:,} rows in {dtype.name}, got "
            f'{type(layer).__name__} with {rows:,}. Make the model with dtype="float64".'
        )


def _apart(where: str, known: Network, arrays: Arrays) -> None:
    """Check that a layer that is new here shares no array: a copied one is tied no longer."""
    taken = {id(layer) for layer, _, _, _ in known.views}
    for k, layer, _, array, _ in arrays:
        if id(layer) in taken or not layer.params:
            continue
        for j, _, _, other, _ in arrays:
            # The exact answer, unlike the first, tells columns of one matrix apart.
            if j != k and np.may_share_memory(array, other) and np.shares_memory(array, other):
                raise ValueError(
                    f"{where}: layers[{max(j, k)}] must have arrays of its own, got one that "
                    f"shares memory with layers[{min(j, k)}]. Copy it; or, to keep the two "
                    "tied, step the layers by hand: forward, backward, optimizer.update."
                )


def recorded(where: str, network: Network, stack: list[tuple[Any, Any]], n_in: int) -> Network:
    """Return the network with the records of its layers that the compiled loop goes by.

    Where a layer is for steps by hand alone there are none, and `in_loop` says so when asked.
    """
    own: dict[int, list[NDArray[Any]]] = {}
    for layer, _, view, _ in network.views:
        own.setdefault(id(layer), []).append(view)
    if not all(says_what_it_is(type(layer)) for layer, _ in stack):
        outputs = output_count(where, [layer for layer, _ in stack], n_in)
        return network._replace(inputs=n_in, outputs=outputs, stack=stack, work_sizes={})
    rows: list[dict[str, int]] = []
    called: list[tuple[int, tuple[Any, Any]]] = []
    state: list[float] = []
    memories: list[tuple[Any, str, slice, tuple[int, ...]]] = []
    start, dtype = 0, network.params.dtype
    shape: tuple[int, ...] = (n_in,)
    for layer, _ in stack:
        steps = layer.in_loop(shape)
        arrays = own.get(id(layer), [])
        if [array.shape for array in arrays] != [s for step in steps for s in step.parameters]:
            raise changed(where)  # since `output_count` looked at them
        for step in steps:
            row = _row(step, shape, start)
            if step.kernels is not None:
                called.append((len(rows), step.kernels))
                row["state"] = len(state)
                state += step.numbers
                for name, size in step.memories.items():
                    part = slice(len(state), len(state) + math.prod(size))
                    memories.append((layer, name, part, size))
                    state += [0.0] * math.prod(size)
            elif not step.parameters and rows and _is_bare_product(rows[-1]):
                rows[-1]["activation"] = step.activation
                continue
            rows.append(row)
            start += sum(map(math.prod, step.parameters))
            shape = step.output_shape
    table = np.zeros(len(rows), LAYER)
    for record, row in zip(table, rows, strict=True):
        for field, value in row.items():
            record[field] = value
    for i, (forward, backward) in called:
        table["forward"][i], table["backward"][i] = forward.address(dtype), backward.address(dtype)
    kept = np.array(state, dtype)
    return network._replace(
        inputs=n_in,
        outputs=math.prod(shape),
        table=table,
        called=called,
        stack=stack,
        work_sizes={},
        state=kept,
        memories=[(layer, name, kept[part].reshape(size)) for layer, name, part, size in memories],
    ).programmed(dtype)


def _row(step: LoopLayer, input_shape: tuple[int, ...], start: int) -> dict[str, int]:
    """Return the fields of a step's record whose parameters begin at `start`."""
    sizes = [math.prod(shape) for shape in step.parameters]
    is_product = step.kernels is None and bool(sizes)
    return {
        "inputs": math.prod(input_shape),
        "outputs": math.prod(step.output_shape),
        "weight": -1 if step.kernels is None and not sizes else start,
        "bias": start + sizes[0] if is_product and len(sizes) > 1 else -1,
        "activation": step.activation,
        "count": sum(sizes),
        "row_scratch": step.row_scratch,
        "scratch": step.scratch,
        "whole": int(step.whole),
    }


def _is_bare_product(row: dict[str, int]) -> bool:
    """Tell whether a record is no function by address, and has no activation yet."""
    return row["activation"] == IDENTITY and "state" not in row


def take(
    where: str,
    network: Network,
    assigned: list[tuple[Any, int, NDArray[Any], NDArray[Any]]],
) -> None:
    """Copy assigned arrays into their views: all are read first, for two may be swapped."""
    copies = []
    for layer, i, view, _ in assigned:
        array = layer.params[i]
        if array.shape != view.shape:
            raise ValueError(
                f"{where}: the arrays assigned to a layer must keep their shape "
                f"{view.shape}, got {array.shape}. Make a new model."
            )
        name = network.name(layer, i)
        copies.append(checks.converted(where, name, array, np.empty_like(view)))
    for (layer, i, view, grad), values in zip(assigned, copies, strict=True):
        view[...] = values
        layer.params[i], layer.grads[i] = view, grad


def changed(where: str) -> RuntimeError:
    """Return the error about layers that became others under a call."""
    return RuntimeError(
        f"{where}: layers must stay as they are while a call begins, got a change from another "
        "thread. Call again."
    )
