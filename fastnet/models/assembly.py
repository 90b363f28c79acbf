"""How a list of layers becomes a network: gathered in one vector, told to the loop."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels.loop.record import LAYER, PROGRAM
from fastnet.models.addresses import addressed
from fastnet.models.layer_list import every, says_what_it_is, walk
from fastnet.models.network import AS_IT_IS, Network
from fastnet.models.records import Records

# (place in the stack, layer, index in its params, parameter, gradient)
Arrays = list[tuple[str, Any, int, NDArray[Any], NDArray[Any]]]


def on_a_cache_line(size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return zeros that start on a cache line, where NumPy's arrays start somewhere.

    Else every other vector of AVX2, and each of AVX-512, lies in two lines: a step of 784-100-10
    with batch 1 takes 24 us instead of 18 in float64.
    """
    if not size:
        return np.zeros(0, dtype)
    whole = np.zeros(size + 64 // dtype.itemsize, dtype)
    start = -whole.ctypes.data % 64
    # From the buffer, so that views have this array for their base, and not the longer one.
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
        for place, layer, shape in walk([layer for layer, _ in stack], input_shape):
            if layer.array_names:
                made = layer
                if not layer.params:
                    made = copy.copy(layer)
                    made.params, made.grads = [], []
                    made.build(shape if layer.takes_shape else layer.width_in(shape), rng, dtype)
                params, grads = list(made.params), list(made.grads)
                made._check_arrays(where, params, grads)
                arrays += [(place, layer, i, array, grads[i]) for i, array in enumerate(params)]
                if layer.takes_row_numbers:
                    _countable(where, layer, len(params[0]), dtype)
        _apart(where, known, arrays)
        count = sum(array.size for _, _, _, array, _ in arrays)
        network = network._replace(
            params=on_a_cache_line(count, dtype), grads=on_a_cache_line(count, dtype)
        )
        start = 0
        for place, layer, i, array, grad in arrays:
            part, shape = slice(start, start + array.size), array.shape
            view = checks.converted(
                where,
                f"{place}.{layer.array_names[i]}",
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
    for k, (place, layer, _, array, _) in enumerate(arrays):
        if id(layer) in taken or not layer.params:
            continue
        for j, (place_of_other, other_layer, _, other, _) in enumerate(arrays):
            # The exact answer, unlike the first, tells columns of one matrix apart.
            if (
                other_layer is not layer
                and np.may_share_memory(array, other)
                and (np.shares_memory(array, other))
            ):
                first, later = (place, place_of_other) if k < j else (place_of_other, place)
                raise ValueError(
                    f"{where}: {later} must have arrays of its own, got one that "
                    f"shares memory with {first}. Copy it; or, to keep the two "
                    "tied, step the layers by hand: forward, backward, optimizer.update."
                )


def recorded(
    where: str, network: Network, stack: list[tuple[Any, Any]], input_shape: tuple[int, ...]
) -> Network:
    """Return the network with the records of its layers that the compiled loop goes by.

    Where a layer is for steps by hand alone there are none, and `in_loop` says so when asked.
    """
    layers = [layer for layer, _ in stack]
    if not all(says_what_it_is(type(layer)) for layer in every(layers)):
        table = np.zeros(0, LAYER)  # none of the layers that it may have been made of before
        network = network._replace(stack=stack, work_sizes={}, table=table, depth=0, heads=())
        return network._replace(fused=None).shaped(input_shape, layers)
    records = Records(where, network)
    records.add("layers", layers, input_shape)
    depth = len(records.rows)
    records.add_heads()
    table = np.zeros(len(records.rows), LAYER)
    for record, row in zip(table, records.rows, strict=True):
        for field, value in row.items():
            record[field] = value
    dtype = network.params.dtype
    kept = np.array(records.state, dtype)
    return (
        network._replace(
            table=addressed(table, records.called, dtype),
            depth=depth,
            heads=tuple(records.heads),
            products=records.products,
            called=records.called,
            stack=stack,
            work_sizes={},
            state=kept,
            memories=[
                (layer, name, kept[part].reshape(size))
                for layer, name, part, size in records.memories
            ],
            scaling=records.scaling,
        )
        .shaped(input_shape, layers)
        .programmed(dtype)
    )


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


def unbuilt(loss: Any, dtype: np.dtype[Any]) -> Network:
    """Return the network of a model that is not built."""
    none, table, numbers = np.zeros(0, dtype), np.zeros(0, LAYER), np.zeros(0)
    arrays, programs = (table, none, none), (np.zeros(1, PROGRAM),) * 2
    return Network(
        loss, 0, 0, *arrays, [], [], none, [], [], *programs, None, numbers, {}, AS_IT_IS
    )
