"""A step by hand: the loss, layer by layer, and its gradient, exact and by its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks, gradient, threads
from fastnet.kernels import (
    UINT8,
    central_differences,
    l1_penalty_backward,
    l2_penalty_backward,
    work_size,
)
from fastnet.models import progress
from fastnet.models.layer_list import output_count
from fastnet.models.measures import is_flat
from fastnet.models.stack import Stack

__all__ = ["ByHand"]

FLOAT, LABEL = checks.FLOAT64, checks.INT64


class ByHand(Stack):
    """The steps by hand of a Sequential."""

    def forward(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the loss of a batch, layer by layer; `backward` can follow.

        Parameters
        ----------
        x : (N, D) or (N, ...)
            uint8 is scaled to 0..1.
        t : targets, as the class describes them

        Returns
        -------
        scalar of the model's dtype

        Raises
        ------
        TypeError, ValueError, IndexError
            x or t does not fit.
        """
        where = "Sequential.forward"
        rows = self._rows(where, x)
        n, n_in = rows.array.shape
        outputs = output_count(where, self.layers, n_in)
        labels, targets = self._targets(where, t, n, outputs)
        l1, l2 = self._penalties(where)
        network = self._ready(where, n_in, outputs, vocabulary=rows.vocabulary)
        out = rows.array * rows.scale if rows.kind == UINT8 else rows.array.astype(self._dtype)
        for layer in self.layers:
            if layer.takes_row_numbers:
                out = layer.forward(out.astype(LABEL)).reshape(n, -1)
            else:
                out = layer.forward(out)
        loss = self._loss.forward(out, labels if self._loss.takes_labels else targets)
        if outputs == 1:
            self._is_flat = is_flat(self._loss, t, outputs)
        return loss + self._dtype.type(network.penalty(l1, l2)) if l1 or l2 else loss

    def backward(self, dout: float = 1) -> NDArray[Any] | None:
        """Fill `grads` with the gradient of the last `forward`, times dout.

        Parameters
        ----------
        dout : float

        Returns
        -------
        (N, D)
            Gradient with respect to x; None where x is row numbers, of an Embedding.

        Raises
        ------
        RuntimeError
            forward was not called.
        """
        where = "Sequential.backward"
        checks.remembered(where, self._loss, "y")
        l1, l2 = self._penalties(where)
        network = self._ready(where)
        dx: Any = self._loss.backward(dout)
        for layer in reversed(self.layers):
            if layer.takes_row_numbers:
                dx = dx.reshape(*layer.idx.shape, -1)
            dx = layer.backward(dx)
        for W, dW in network.weights():
            if l1:
                l1_penalty_backward(W, self._dtype.type(l1 * dout), dW)
            if l2:
                l2_penalty_backward(W, self._dtype.type(l2 * dout), dW)
        found: NDArray[Any] | None = dx
        return found

    def gradient(self, x: ArrayLike, t: ArrayLike) -> list[NDArray[Any]]:
        """Return the gradient of the loss for every array of `params`, as fresh arrays.

        Parameters
        ----------
        x, t
            As for `forward`.

        Raises
        ------
        TypeError, ValueError, IndexError
            x or t does not fit.
        """
        self.forward(x, t)
        self.backward()
        return [grad.copy() for grad in self.grads]

    def numerical_gradient(self, x: ArrayLike, t: ArrayLike) -> list[NDArray[Any]]:
        """Return the gradient of the loss by its definition, to check `gradient`.

            (loss with the parameter larger by h - loss with it smaller by h) / 2h

        The parameters stay as they are. Losses are computed in float64 whatever the dtype, at the
        very numbers that the model holds and would compute with: in float32 their rounding would
        leave three digits of the gradient. h is the power of two above 6e-6 max(1, |parameter|),
        where truncation and rounding weigh about the same: the error is about 1e-8 of the largest
        gradient of an array, but larger where h crosses the kink of a ReLU.

        Parameters
        ----------
        x, t
            As for `forward`.

        Returns
        -------
        list of arrays
            Fresh, in the order and shapes of `params`, of the model's dtype.

        Raises
        ------
        TypeError, ValueError, IndexError
            x or t does not fit.

        Notes
        -----
        A loss runs only what comes after the parameter's layer: 39,760 parameters of 784-50-10 on a
        batch of 10 take 0.04 s.
        """
        where = "Sequential.numerical_gradient"
        rows = self._rows(where, x)
        n, n_in = rows.array.shape
        layers = self.layers[:]
        outputs = output_count(where, layers, n_in)
        labels, targets = self._targets(where, t, n, outputs)
        l1, l2 = self._penalties(where)
        network = self._ready(where, n_in, outputs, layers, rows.vocabulary)
        network.check_in_loop()
        wide = network.in_float64()
        inputs = rows.array * rows.scale if rows.kind == UINT8 else rows.array.astype(self._dtype)
        inputs, targets = inputs.astype(FLOAT), targets.astype(FLOAT)
        params = network.params.astype(FLOAT)
        steps, grad = gradient._steps(params, 0), empty(params.size)
        members = threads.get_num_threads()
        work = empty(members * 2 * work_size(wide.program, n))
        first = network.views[0][2].size if network.views else 0  # never follows a parameter
        cost = 2.0 * n * (progress.FLOPS_A_SAMPLE + 2.0 * (params.size - first))
        for start in range(0, params.size, chunk := max(1, int(progress.FLOPS_A_CALL / cost))):
            stop = min(start + chunk, params.size)
            arguments = (
                inputs,
                labels,
                targets,
                params,
                wide.current_program(),
                True,
                steps,
                start,
                stop,
                work,
                grad,
            )
            threads.call(central_differences, arguments, cost * (stop - start), 1)
        found, start = [], 0
        for layer, i, view, _ in network.views:
            part = slice(start, start + view.size)
            if i == 0 and layer.decays:
                upper, lower = params[part] + steps[part], params[part] - steps[part]
                rise = l1 * (np.abs(upper) - np.abs(lower)) + l2 / 2 * (upper**2 - lower**2)
                grad[part] += rise / (upper - lower)
            found.append(grad[part].reshape(view.shape).astype(self._dtype))
            start = part.stop
        return found
