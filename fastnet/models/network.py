"""A network as the compiled loop is told of it: one vector, records, addresses."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy import empty
from numpy.typing import NDArray

from fastnet import checks, threads
from fastnet.kernels.loop.predict import predict_rows
from fastnet.kernels.loop.record import ALIGNMENT, PROGRAM
from fastnet.kernels.loop.train import train_epochs, work_size
from fastnet.kernels.softmax import softmax_gradient_in_loop, softmax_in_loop
from fastnet.layers.in_a_row import Shapes, shapes_of
from fastnet.losses import Loss
from fastnet.models import mapped
from fastnet.models.addresses import HeadRows, addressed, head_records, lowest, told_of
from fastnet.models.layer_list import answers_in, leaves, walk
from fastnet.models.rows import Rows
from fastnet.penalties import l1_penalty, l2_penalty

FLOAT = checks.FLOAT64
PREDICT_ROWS = 256  # rows at a time: their activations stay in the L2 cache
SOFTMAX = softmax_in_loop, softmax_gradient_in_loop
AS_IT_IS = 1.0, -0.0  # the scaling of x that changes nothing, not the sign of a zero either


class Network(NamedTuple):
    """What the compiled loop is told of the layers: made whole, then replaced by one assignment.

    A call takes it once and keeps to it: `table` says where in `params` to read and write, so the
    two must never come from different moments, while another thread changes the layers. What the
    addresses in `program` point to lives as long as the network.
    """

    loss: Loss
    inputs: int  # elements of a sample; 0: the model does not know yet
    outputs: int  # of an answer
    table: NDArray[Any]  # records of LAYER
    params: NDArray[Any]
    grads: NDArray[Any]
    # (layer, index, view of the parameters, view of the gradients) of every array
    views: list[tuple[Any, int, NDArray[Any], NDArray[Any]]]
    stack: list[tuple[Any, Any]]  # (layer, its settings) when it was made
    state: NDArray[Any]  # of layers by address
    memories: list[tuple[Any, str, NDArray[Any]]]  # layer, attribute and its view of the state
    called: list[tuple[int, tuple[Any, ...]]]  # rows of the table, and their kernels
    program: NDArray[Any]  # one record of PROGRAM, without an optimizer: what gives the loss
    # The same of all layers, for outputs, where the loss takes the softmax of the last one along.
    whole_program: NDArray[Any]
    fused: Any  # that loss, or None
    loss_numbers: NDArray[np.float64]
    work_sizes: dict[int, tuple[int, int]]  # samples of a batch -> scratch, and a thread's own
    scaling: tuple[float, float]  # what x is multiplied by as it is read, and what is added
    # (R, 2): where in params those that learn start and stop; None where all do
    ranges: NDArray[np.int64] | None = None
    of_samples: Any = None  # arrays to which the program points: weights, of heads targets, too
    input_shape: tuple[int, ...] = ()  # of one sample, and
    output_shape: tuple[int, ...] = ()  # of its outputs,
    steps: int = 0  # which are so many answers; 0: one, and no sequence
    products: int = 0  # multiply-adds for one sample
    shapes: Shapes = ()  # of what each layer takes and gives
    depth: int = 0  # rows of the table that are the stack's; those of heads follow
    heads: tuple[HeadRows, ...] = ()
    head_records: NDArray[Any] | None = None
    columns: slice | None = None  # of the last layer's outputs: those of one head; None: all
    asked_heads: NDArray[Any] | None = None  # records with targets, to which the program points

    def shaped(self, input_shape: tuple[int, ...], layers: list[Any]) -> Network:
        """Return the network with the shapes of a sample, on its way through the layers."""
        shapes = shapes_of(layers, input_shape)
        shape = shapes[-1][2] if shapes else input_shape
        outputs, steps = answers_in(shape)
        known: Any = {"input_shape": input_shape, "output_shape": shape, "shapes": shapes}
        return self._replace(inputs=math.prod(input_shape), outputs=outputs, steps=steps, **known)

    @property
    def answers(self) -> int:
        """How many answers a sample has."""
        return max(1, self.steps)

    def in_float64(self) -> Network:
        """Return the same network for float64, with a copy of what its layers remember."""
        table, state = addressed(self.table.copy(), self.called, FLOAT), self.state.astype(FLOAT)
        return self._replace(table=table, state=state).programmed(FLOAT)

    def programmed(self, dtype: np.dtype[Any]) -> Network:
        """Return the network with the program that its arrays make."""
        program, fused = np.zeros(1, PROGRAM), None
        record, heads = program[0], None
        if self.heads:
            heads = head_records(self.heads, self.table, self.state, self.grads)
        record["layers"], record["depth"] = self.table.ctypes.data, self.depth
        record["records"] = len(self.table)
        record["x_scale"], record["x_offset"] = self.scaling
        record["steps"] = self.steps if self.steps > 1 else 0
        record["states"], record["grads"] = self.state.ctypes.data, self.grads.ctypes.data
        whole = program
        if self._ends_in_softmax():
            fused = self.loss.of_logits()
        if fused is not None:
            whole = program.copy()
            record["depth"] -= 1
        numbers, loss = self.loss_numbers, fused or self.loss
        if type(loss).in_loop is not Loss.in_loop:  # else `current_program` raises
            function, given = loss.in_loop()
            record["loss"] = function if isinstance(function, int) else function.address(dtype)
            numbers = np.array(given, FLOAT)
        record["loss_numbers"] = numbers.ctypes.data
        return self._replace(
            program=program, whole_program=whole, fused=fused, loss_numbers=numbers,
            head_records=heads,
        )  # fmt: skip

    def _ends_in_softmax(self) -> bool:
        """Tell whether the last layer's last step is a softmax, and something comes before it."""
        last = self.depth - 1
        ends = last > 0 and (last, SOFTMAX) in self.called
        return ends and hasattr(self.stack[-1][0], "_logits")  # Softmax and Dense

    def is_current(self, layers: list[Any]) -> bool:
        """Tell whether it was made of these layers, and nothing in them was replaced since."""
        if len(layers) != len(self.stack):
            return False
        for k, (layer, settings) in enumerate(self.stack):  # 0.2 us, where zip takes 0.4
            if layers[k] is not layer or layer._settings(layer) != settings:
                return False
        for layer, name, memory in self.memories:
            if getattr(layer, name) is not memory:
                return False
        for layer, i, view, grad in self.views:
            if layer.params[i] is not view or layer.grads[i] is not grad:
                return False
        return True

    def check_in_loop(self) -> None:
        """Check that every layer is something to the compiled loop."""
        if not len(self.table):
            for _, layer, shape in walk([layer for layer, _ in self.stack], self.input_shape):
                layer.in_loop(shape)
            raise TypeError(
                "Sequential: layers must have a step in the compiled loop, got "
                f"{[layer for layer, _ in self.stack]}, whose in_loop has none. Add a layer that "
                "has one, or step by hand."
            )

    def arrays(self) -> list[NDArray[Any]]:
        """Return the views of all parameters."""
        return [view for _, _, view, _ in self.views]

    def freezing(self) -> Network:
        """Return the network for training, where the layers that are frozen stay as they are."""
        if all(layer.trainable for layer in leaves([layer for layer, _ in self.stack])):
            return self
        table, ranges, start = self.table.copy(), [], 0
        for layer, _, view, _ in self.views:
            if layer.trainable:
                ranges.append((start, start + view.size))
            start += view.size
        learning = np.array(ranges, np.int64).reshape(-1, 2)
        table["frozen"] = (table["count"] > 0) & ~np.isin(table["weight"], learning[:, 0])
        for head in self.heads:
            table["frozen"][head.branches] = 0  # its heads' layers are, each by itself
        network = self._replace(table=table, ranges=learning).programmed(self.params.dtype)
        network.program["lowest"] = lowest(self.depth, self.heads, table)
        return network

    def is_finite(self) -> bool:
        """Tell whether all that it learns and remembers is."""
        return is_finite(self.params) and is_finite(self.state)

    def check_finite(self, where: str) -> None:
        """Check that training starts from finite parameters."""
        if not is_finite(self.params):
            for layer, i, view, _ in self.views:
                if not is_finite(view):
                    raise ValueError(
                        f"{where}: {self.name(layer, i)} must be finite before training, got "
                        "NaN or infinity in it. Assign finite numbers."
                    )

    @property
    def vocabulary(self) -> int:
        """How many rows x are numbers of; 0 where x are features."""
        by_number = bool(self.stack) and self.stack[0][0].takes_row_numbers
        return len(self.views[0][2]) if by_number else 0

    def suits(
        self, shape: tuple[int, ...], outputs: tuple[int, ...] | None, vocabulary: int | None
    ) -> bool:
        """Tell whether it takes and gives what a caller has checked x and t for."""
        return (
            self.input_shape == shape
            and outputs in (None, self.output_shape)
            and vocabulary in (None, self.vocabulary)
        )

    def weights(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """Return W and dW of every product: what penalties go by."""
        return [(view, grad) for layer, i, view, grad in self.views if i < layer.decays]

    def penalty(self, l1: float, l2: float) -> float:
        """Return what the weights cost beside the loss."""
        total = 0.0
        for W, _ in self.weights():
            if l1:
                total += float(l1_penalty(W, l1))
            if l2:
                total += float(l2_penalty(W, l2))
        return total

    def name(self, layer: Any, i: int) -> str:
        """Return layers[k].W or .b for an error."""
        every = walk([layer for layer, _ in self.stack])
        place = next(place for place, other, _ in every if other is layer)
        return f"{place}.{layer.array_names[i]}"

    def run(
        self,
        rows: Rows,
        targets: tuple[NDArray[np.int64], NDArray[Any]],
        order: NDArray[np.int64],
        batch_size: int,
        lr: float | None = None,
        program: NDArray[Any] | None = None,
    ) -> NDArray[np.float64]:
        """Train with a learning rate, or without one evaluate; return totals (E, 3).

        `program` is the network's own with an optimizer in it. Of heads two more columns each
        follow: the sum of the loss over the samples, and answers that are right.
        """
        if rows.reads is not None:
            return mapped.run(self, rows, targets, order, batch_size, lr, program)
        totals, learn, dtype = np.empty((len(order), 3)), lr is not None, self.params.dtype
        results = told_of(self.asked_heads, order, batch_size)
        arguments = (
            *rows.arguments(),
            *targets,
            order,
            batch_size,
            self.params,
            self.current_program() if program is None else program,
            dtype.type(lr or 0.0),
            learn,
            self.scratch(batch_size),
            totals,
        )
        flops = (6.0 if learn else 2.0) * batch_size * self.products
        threads.call(train_epochs, arguments, flops, order.size // batch_size)
        if results is None:
            return totals
        sums = results.sum(axis=2).transpose(1, 0, 2).reshape(len(order), -1)
        return np.concatenate([totals, sums], axis=1)

    def predict(self, rows: Rows, order: NDArray[np.int64], out: NDArray[Any]) -> None:
        """Write the outputs for the rows that `order` names into out (n, outputs)."""
        if rows.reads is not None:
            return mapped.predict(self, rows, order, out)
        n = len(order)
        if self.columns is not None:
            whole = empty((n, math.prod(self.output_shape)), out.dtype)
            self._replace(columns=None).predict(rows, order, whole)
            out[...] = whole[:, self.columns]
            return
        size = min(n, PREDICT_ROWS)
        work = self.scratch(size)
        arguments = (*rows.arguments(), order, self.params, self.whole_program, work, size, out)
        threads.call(predict_rows, arguments, 2.0 * size * self.products, n // max(size, 1))

    def rescaled(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return samples as the loop hands them to its first layer, in the network's dtype."""
        dtype = self.params.dtype
        scale, offset = map(dtype.type, self.scaling)
        result: NDArray[Any] = x.astype(dtype) * scale + offset
        return result

    def current_program(self) -> NDArray[Any]:
        """Return the program, with the numbers that the loss has by now, if it has any."""
        if self.loss_numbers.size or type(self.loss).in_loop is Loss.in_loop:  # which raises
            self.loss_numbers[:] = (self.fused or self.loss).in_loop().numbers
        return self.program

    def scratch(self, batch_size: int) -> NDArray[Any]:
        """Return what the compiled loop works in, for batches of so many samples."""
        if batch_size not in self.work_sizes:
            own = int(self.table["own"].max(initial=0))
            self.work_sizes[batch_size] = work_size(self.whole_program, batch_size), own
        size, own = self.work_sizes[batch_size]
        if own:
            size += (threads.get_num_threads() - 1) * -(-own // ALIGNMENT) * ALIGNMENT
        return empty(size, self.params.dtype)


def is_finite(array: NDArray[Any]) -> bool:
    """Tell whether all numbers of an array are."""
    # 0.6 us, where all() takes 1.1
    return not array.size or np.count_nonzero(np.isfinite(array)) == array.size
