"""A step by hand: the loss, layer by layer, and its gradient, exact and by its definition."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks, gradient, threads
from fastnet.kernels.loop.differences import central_differences
from fastnet.kernels.loop.train import work_size
from fastnet.kernels.penalties import l1_penalty_backward, l2_penalty_backward
from fastnet.layers.in_a_row import fitted, through
from fastnet.models import heads_by_hand, progress
from fastnet.models.head_losses import HeadLosses
from fastnet.models.layer_list import answers_in, output_shape
from fastnet.models.measures import is_flat
from fastnet.models.network import Network
from fastnet.models.samples import Checked
from fastnet.models.targets import ignored_label, labels_if_one_hot, of_samples, weighed

__all__ = ["ByHand"]

FLOAT, LABEL = checks.FLOAT64, checks.INT64


class ByHand(Checked):
    """The steps by hand of a Sequential."""

    # Shape of what forward returned last, where it had no targets: that of backward's dout. Of
    # several outputs a list of them.
    _output_shape: Any = None
    _takes_softmax_along = False  # whether the loss of that forward did

    def forward(
        self, x: ArrayLike, t: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Any:
        """Return the loss of a batch, layer by layer, as in training; `backward` can follow.

        Parameters
        ----------
        x : (N, D) or (N, ...)
            Without targets also (D,), one row.
        t : targets, as the class describes them, optional
            Without them the outputs of the last layer are returned, for a loss of your own:
            `backward` then takes its gradient.
        sample_weight : (N,), optional
            At least 0: what each sample's loss is multiplied by.

        Returns
        -------
        scalar of the model's dtype
            The loss, with its penalties; without targets the outputs, (N, C), or (C,) for (D,).

        Raises
        ------
        TypeError, ValueError, IndexError
            x or t does not fit.

        Examples
        --------
        A step of reinforcement learning: the action taken was worth an advantage of 2.

        >>> import numpy as np
        >>> from fastnet.functions import softmax
        >>> from fastnet.layers import Dense
        >>> from fastnet.models import Sequential
        >>> from fastnet.optimizer import SGD
        >>> policy, state = Sequential([Dense(8, "tanh"), Dense(2)], seed=0), np.ones(4)
        >>> before = policy.predict_proba(state)
        >>> y = policy.forward(state)
        >>> action = 1
        >>> dx = policy.backward(2.0 * (softmax(y) - np.eye(2)[action]))
        >>> SGD(lr=0.1).update(policy.params, policy.grads)
        >>> bool(policy.predict_proba(state)[action] > before[action])
        True
        """
        if isinstance(self._loss, HeadLosses):
            return heads_by_hand.forward(self, x, t, sample_weight)
        where = "Sequential.forward"
        alone = False
        if t is None:
            x = checks.array(where, "x", x)
            if alone := x.ndim == 1 and x.size > 0:
                x = checks.one_row(where, "x", x, self._width())
        rows = self._rows(where, x)
        n, weights, of_rows = len(rows.array), None, self._loss
        if t is None:
            shape = output_shape(where, self.layers, rows.shape)
            outputs, steps = answers_in(shape)
        else:
            shape, outputs, steps = self._outputs(where, self.layers, rows.shape)
            labels, targets = self._targets(where, t, n, outputs, steps=steps)
            ignored = ignored_label(of_rows, steps)
            if sample_weight is not None or ignored is not None:
                counted, weights = weighed(
                    where, of_rows, self._dtype, (labels, targets), outputs, sample_weight,
                    steps=steps,
                )  # fmt: skip
            if ignored != getattr(of_rows, "ignore_index", ignored):
                of_rows = copy.copy(of_rows)
                of_rows.ignore_index = ignored
        l1, l2 = self._penalties(where)
        network = self._ready(where, rows.shape, shape, vocabulary=rows.vocabulary)
        out = rows.array.astype(self._dtype)
        fused, last = network.fused if t is not None else None, self.layers[-1]
        lower = self.layers if fused is None else self.layers[:-1]
        out = through(lower, network.shapes, out, n)
        if fused is not None:
            in_rows, taken, _ = network.shapes[-1]
            out = last._logits(fitted(out, n, in_rows, taken))
        if len(shape) > 1:
            out = out.reshape(n, *shape)
        if t is None:
            self._output_shape = out.shape[1:] if alone else out.shape
            return out[0] if alone else out
        self._output_shape, self._step = None, fused or of_rows
        self._takes_softmax_along = fused is not None
        if len(shape) > 1:
            out = out.reshape(-1, outputs)
        if fused is not None:
            labels, targets = counted if weights is not None else (labels, targets)
            loss = fused._of_checked(out, self._dtype, labels_if_one_hot(labels, targets), weights)
            last.out = fused.y
        else:
            # A loss of a user's may take no weights.
            given = () if sample_weight is None else (sample_weight,)
            if weights is not None and steps:  # those of the steps
                given = (np.maximum(weights, 0),)
            loss = of_rows.forward(out, targets if targets.size else labels, *given)
        if outputs == 1:
            self._is_flat = is_flat(self._loss, t, outputs)
        return loss + self._dtype.type(network.penalty(l1, l2)) if l1 or l2 else loss

    def backward(self, dout: Any = 1) -> NDArray[Any] | None:
        """Fill `grads` with the gradient of the last `forward`, times dout.

        Parameters
        ----------
        dout : float
            Where forward had no targets: an array of the shape that it returned, the gradient of a
            loss of your own with respect to it. The gradient of l1 and l2 is added, as to any loss.

        Returns
        -------
        (N, D), or (D,)
            Gradient with respect to x; None where x is row numbers, of an Embedding.

        Raises
        ------
        RuntimeError
            forward was not called.
        TypeError, ValueError
            dout is of another kind or shape.
        """
        if isinstance(self._loss, HeadLosses):
            return heads_by_hand.backward(self, dout)
        where, shape, step = "Sequential.backward", self._output_shape, self._loss
        if shape is None:
            step = checks.remembered(where, self, "_step")
        else:
            upstream = checks.array(where, "dout", dout)
            checks.same_shape(where, "dout", upstream, shape)
        l1, l2 = self._penalties(where)
        network = self._ready(where)
        if shape is None:
            dx: Any = step.backward(dout)
        else:
            dx, dout = checks.contiguous(upstream, self._dtype), 1
        n = dx.size // math.prod(network.output_shape)
        for layer, (in_rows, _, given) in zip(
            reversed(self.layers), reversed(network.shapes), strict=False
        ):
            if shape is None and self._takes_softmax_along and not layer.params:
                if layer is self.layers[-1]:
                    continue  # a Softmax, through which the loss's gradient went
            if not in_rows or layer.takes_row_numbers:
                dx = dx.reshape(n, *given)
            elif dx.ndim != 2 or len(dx) != n * in_rows:
                dx = dx.reshape(n * in_rows, -1)
            dx = layer.backward(dx)
        self._decay(network, l1, l2, dout)
        found: NDArray[Any] | None = dx
        if found is not None and found.shape[1:] != network.input_shape:
            found = found.reshape(n, *network.input_shape)
        return found if found is None or shape is None or len(shape) > 1 else found[0]

    def _decay(self, network: Network, l1: float, l2: float, dout: Any) -> None:
        """Add the gradient of the penalties to that of the weights."""
        for W, dW in network.weights():
            if l1:
                l1_penalty_backward(W, self._dtype.type(l1 * dout), dW)
            if l2:
                l2_penalty_backward(W, self._dtype.type(l2 * dout), dW)

    def gradient(
        self, x: ArrayLike, t: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> list[NDArray[Any]]:
        """Return the gradient of the loss for every array of `params`, as fresh arrays.

        Parameters
        ----------
        x, t, sample_weight
            As for `forward`.

        Raises
        ------
        TypeError, ValueError, IndexError
            x or t does not fit.
        """
        where = "Sequential.forward"  # which takes no targets, too
        if not isinstance(self._loss, HeadLosses) and type(t) is not np.ndarray:
            t = checks.array(where, "t", t)
        self.forward(x, t, sample_weight)
        self.backward()
        return [grad.copy() for grad in self.grads]

    def numerical_gradient(
        self, x: ArrayLike, t: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> list[NDArray[Any]]:
        """Return the gradient of the loss by central differences, to check `gradient`.

            (loss with the parameter larger by h - loss with it smaller by h) / 2h

        The parameters stay as they are, and the states of stateful layers, with which each loss
        begins as `gradient` does. Losses are computed in float64 whatever the dtype, at the very
        numbers that the model holds and would compute with: in float32 their rounding would leave
        three digits of the gradient. h is the power of two above 6e-6 max(1, |parameter|), where
        truncation and rounding weigh about the same: the error is about 1e-8 of the largest
        gradient of an array, but larger where h crosses the kink of a ReLU.

        Parameters
        ----------
        x, t, sample_weight
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
        layers = self.layers[:]
        samples = self._samples(where, layers, x, t, sample_weight)
        rows = samples.rows
        l1, l2 = self._penalties(where)
        network = self._ready(where, rows.shape, samples.output_shape, layers, rows.vocabulary)
        network.check_in_loop()
        wide, (labels, targets) = of_samples(network.in_float64(), samples.in_float64())
        inputs = network.rescaled(rows.array).astype(FLOAT)
        params = network.params.astype(FLOAT)
        steps, grad = gradient._steps(params, 0), empty(params.size)
        members = threads.get_num_threads()
        work = empty(members * 2 * work_size(wide.program, samples.n))
        first = network.views[0][2].size if network.views else 0  # never follows a parameter
        cost = 2.0 * samples.n * (progress.FLOPS_A_SAMPLE + 2.0 * max(network.products - first, 0))
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
            if (l1 or l2) and i < layer.decays:  # 21 parameters: 57 us, not 70
                upper, lower = params[part] + steps[part], params[part] - steps[part]
                rise = l1 * (np.abs(upper) - np.abs(lower)) + l2 / 2 * (upper**2 - lower**2)
                grad[part] += rise / (upper - lower)
            if layer.trainable:
                found.append(grad[part].reshape(view.shape).astype(self._dtype))
            start = part.stop
        return found
