"""What layers are to the compiled loop, as the fields of their records."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from fastnet import checks
from fastnet.kernels.activations import IDENTITY
from fastnet.kernels.loop.record import ALIGNMENT
from fastnet.layers import Branches, LoopLayer
from fastnet.models.addresses import HeadRows
from fastnet.models.layer_list import walk
from fastnet.models.network import AS_IT_IS, Network

__all__ = ["Records", "changed_meanwhile"]


class Records:
    """The rows of a network's table, and what stands beside them."""

    def __init__(self, where: str, network: Network) -> None:
        self.where, self.dtype = where, network.params.dtype
        self.own: dict[int, list[NDArray[Any]]] = {}
        for layer, _, view, _ in network.views:
            self.own.setdefault(id(layer), []).append(view)
        self.rows: list[dict[str, int]] = []
        self.called: list[tuple[int, tuple[Any, ...]]] = []
        self.state: list[float] = []
        self.memories: list[tuple[Any, str, slice, tuple[int, ...]]] = []
        self.scaling, self.products, self.start = AS_IT_IS, 0, 0
        self.heads: list[HeadRows] = []
        # Row, place, layer, shape of a sample and first parameter of those with heads.
        self._branches: list[tuple[int, str, Branches, tuple[int, ...], int]] = []

    def add(self, place: str, layers: list[Any], shape: tuple[int, ...]) -> None:
        """Add the rows of layers one after the other, from a sample of a shape on."""
        rows, first = self.rows, len(self.rows)
        before: LoopLayer | None = None  # by address: what may become one with the next step
        of_before = shape
        for k, layer in enumerate(layers):
            steps, arrays = layer.in_loop(shape), self.own.get(id(layer), [])
            if isinstance(layer, Branches):
                self._branches.append((len(rows), f"{place}[{k}]", layer, shape, self.start))
                self.start += sum(array.size for array in self._arrays_of(layer))
            elif [a.shape for a in arrays] != [s for step in steps for s in step.parameters]:
                raise changed_meanwhile(self.where)  # since `output_shape` looked at them
            for step in steps:
                self._hold(f"{place}[{k}]", layer, step.numbers)
                if step.rescales and not rows and self.scaling is AS_IT_IS and len(layers) > 1:
                    # Done as the rows are read.
                    self.scaling = step.numbers[0], step.numbers[1]
                    continue
                if step.is_shape and (len(rows) > first or k < len(layers) - 1):
                    if step.output_shape != shape:
                        before = None
                    shape = step.output_shape  # another of the same numbers: nothing to do
                    continue
                decays = sum(map(math.prod, step.parameters[: layer.decays]))
                if before is not None and step.joins and (joined := step.joins(before)) is not None:
                    _, decays, shape = self.called.pop(), rows[-1]["decays"], of_before
                    self.products, self.start = self.products - before.products, rows[-1]["weight"]
                    del self.state[rows.pop()["state"] :]
                    step = joined
                row = _row(step, shape, self.start)
                self.products += step.products or row["count"] * step.steps
                before = None
                if step.kernels is not None:
                    self.called.append((len(rows), step.kernels))
                    row["state"], row["decays"] = len(self.state), decays
                    if not step.memories:
                        before, of_before = step, shape
                    self.state += step.numbers
                    for name, size in step.memories.items():
                        part = slice(len(self.state), len(self.state) + math.prod(size))
                        self.memories.append((layer, name, part, size))
                        self.state += [0.0] * math.prod(size)
                elif not step.parameters and len(rows) > first and _is_bare_product(rows[-1]):
                    rows[-1]["activation"] = step.activation
                    continue
                rows.append(row)
                self.start += sum(map(math.prod, step.parameters))
                shape = step.output_shape

    def add_heads(self) -> None:
        """Add the rows of all heads, behind those of the stack."""
        for row, place, layer, shape, first in self._branches:
            of_all = self.rows[row]
            of_all["weight"] = self.start = first
            for j, head in enumerate(layer.heads):
                at = len(self.rows) + 1
                self.rows.append({})  # none, with the activation below the head's first layer
                self.add(f"{place}.heads[{j}]", head, shape)
                rows = self.rows[at:]
                columns = math.prod(layer.output_shapes(shape)[j])
                self.heads.append(HeadRows(row, at, len(rows), first, columns))
                of_all["row_scratch"] += 2 * math.prod(shape)
                of_all["scratch"] += 2 * ALIGNMENT
                for each in rows:
                    width = each["outputs"] * max(1, each["steps"])
                    of_all["row_scratch"] += 2 * width + each["row_scratch"]
                    of_all["scratch"] += each["scratch"] + 4 * ALIGNMENT
                    of_all["own"] = max(of_all["own"], each["own"])
                    of_all["whole"] = max(of_all["whole"], each["whole"])
            of_all["count"] = self.start - first

    def _arrays_of(self, layer: Branches) -> list[NDArray[Any]]:
        return [array for _, each, _ in walk([layer]) for array in self.own.get(id(each), [])]

    def _hold(self, place: str, layer: Any, numbers: tuple[float, ...]) -> None:
        """Check that a step's constants are finite in the dtype."""
        if any(abs(number) > checks.LARGEST[self.dtype.itemsize] for number in numbers):
            raise ValueError(
                f"{self.where}: {place} must have numbers that are finite in {self.dtype.name}, "
                f'got {layer!r}. Give smaller ones, or make the model with dtype="float64".'
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


def changed_meanwhile(where: str) -> RuntimeError:
    """Return the error about layers that became others under a call."""
    return RuntimeError(
        f"{where}: layers must stay as they are while a call begins, got a change from another "
        "thread. Call again."
    )
