"""How a list of layers becomes a network: gathered in one vector, told to the loop."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels import IDENTITY
from fastnet.kernels.loop.record import LAYER
from fastnet.layers import LoopLayer
from fastnet.models.layer_list import says_what_it_is
from fastnet.models.network import AS_IT_IS, Network, addressed, unbuilt

# (index in the stack, layer, index in its params, parameter, gradient)
Arrays = list[tuple[int, Any, int, NDArray[Any], NDArray[Any]]]


def _on_a_line(size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return zeros that start on a cache line, where NumPy's arrays start somewhere.

    Else every other vector of AVX2, and each of AVX-512, lies in two lines: a step of 784-100-10
    with batch 1 takes 24 us instead of 18 in float64.
    """
    if not size:
        return np.zeros(0, dtype)
    whole = np.zeros(size + 64 // dtype.itemsize, dtype)
    start = -whole.ctypes.data % 64
    # By the buffer: views of it have it for their base, and not the whole.
    return np.frombuffer(whole.data, dtype, size, start)


def gathered(
    where: str,
    known: Network,
    stack: list[tuple[Any, Any]],
    input_shape: tuple[int, ...],
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
        shape = input_shape
        for k, (layer, _) in enumerate(stack):
            if layer.array_names:
                made = layer
                if not layer.params:
                    made = copy.copy(layer)
                    made.params, made.grads = [], []
                    made.build(shape if layer.takes_shape else layer.width_in(shape), rng, dtype)
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
        return recorded(where, network, stack, input_shape)
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


def recorded(
    where: str, network: Network, stack: list[tuple[Any, Any]], input_shape: tuple[int, ...]
) -> Network:
    """Return the network with the records of its layers that the compiled loop goes by.

    Where a layer is for steps by hand alone there are none, and `in_loop` says so when asked.
    """
    own: dict[int, list[NDArray[Any]]] = {}
    layers = [layer for layer, _ in stack]
    for layer, _, view, _ in network.views:
        own.setdefault(id(layer), []).append(view)
    if not all(says_what_it_is(type(layer)) for layer, _ in stack):
        table = np.zeros(0, LAYER)  # none of the layers that it may have been made of before
        network = network._replace(stack=stack, work_sizes={}, table=table, fused=None)
        return network.shaped(input_shape, layers)
    rows: list[dict[str, int]] = []
    called: list[tuple[int, tuple[Any, ...]]] = []
    state: list[float] = []
    memories: list[tuple[Any, str, slice, tuple[int, ...]]] = []
    start, dtype = 0, network.params.dtype
    scaling, products, shape = AS_IT_IS, 0, input_shape
    before: LoopLayer | None = None  # by address: what may become one with the next step
    of_before = shape
    for k, (layer, _) in enumerate(stack):
        steps = layer.in_loop(shape)
        arrays = own.get(id(layer), [])
        if [array.shape for array in arrays] != [s for step in steps for s in step.parameters]:
            raise changed_meanwhile(where)  # since `output_shape` looked at them
        for step in steps:
            _hold(where, k, layer, step.numbers, dtype)
            if step.rescales and not rows and scaling is AS_IT_IS and len(stack) > 1:
                # Done as the rows are read.
                scaling = step.numbers[0], step.numbers[1]
                continue
            if step.is_shape and (rows or k < len(stack) - 1):
                if step.output_shape != shape:
                    before = None
                shape = step.output_shape  # another of the same numbers: nothing to do
                continue
            decays = sum(map(math.prod, step.parameters[: layer.decays]))
            if before is not None and step.joins and (joined := step.joins(before)) is not None:
                _, decays, shape = called.pop(), rows[-1]["decays"], of_before
                products, start = products - before.products, rows[-1]["weight"]
                del state[rows.pop()["state"] :]
                step = joined
            row = _row(step, shape, start)
            products += step.products or row["count"] * step.steps
            before = None
            if step.kernels is not None:
                called.append((len(rows), step.kernels))
                row["state"], row["decays"] = len(state), decays
                if not step.memories:
                    before, of_before = step, shape
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
    kept = np.array(state, dtype)
    return (
        network._replace(
            table=addressed(table, called, dtype),
            products=products,
            called=called,
            stack=stack,
            work_sizes={},
            state=kept,
            memories=[
                (layer, name, kept[part].reshape(size)) for layer, name, part, size in memories
            ],
            scaling=scaling,
        )
        .shaped(input_shape, layers)
        .programmed(dtype)
    )


def _hold(where: str, k: int, layer: Any, numbers: tuple[float, ...], dtype: np.dtype[Any]) -> None:
    """Check that a step's constants are finite in the dtype."""
    if any(abs(number) > checks.LARGEST[dtype.itemsize] for number in numbers):
        raise ValueError(
            f"{where}: layers[{k}] must have numbers that are finite in {dtype.name}, got "
            f'{layer!r}. Give smaller ones, or make the model with dtype="float64".'
        )


def _row(step: LoopLayer, input_shape: tuple[int, ...], start: int) -> dict[str, int]:
    """Return the fields of a step's record whose parameters begin at `start`."""
    sizes = [math.prod(shape) for shape in step.parameters]
    is_product = step.kernels is None and bool(sizes)
    return {
        "inputs": math.prod(input_shape) // step.steps,
        "outputs": math.prod(step.output_shape) // step.steps,
        "weight": -1 if step.kernels is None and not sizes else start,
        "bias": start + sizes[0] if is_product and len(sizes) > 1 else -1,
        "activation": step.activation,
        "count": sum(sizes),
        "row_scratch": step.row_scratch,
        "scratch": step.scratch,
        "own": step.own,
        "steps": step.steps if step.steps > 1 else 0,
        "whole": int(step.whole),
    }


def _is_bare_product(row: dict[str, int]) -> bool:
    """Tell whether a record is no function by address, and has no activation yet."""
    return row["activation"] == IDENTITY and "state" not in row


def copy_assigned(
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


def changed_meanwhile(where: str) -> RuntimeError:
    """Return the error about layers that became others under a call."""
    return RuntimeError(
        f"{where}: layers must stay as they are while a call begins, got a change from another "
        "thread. Call again."
    )
