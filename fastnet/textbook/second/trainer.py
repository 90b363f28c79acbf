"""Trainers of the second book: parameters and gradients in lists."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.optimizer import clip_by_norm

__all__ = ["Trainer", "clip_grads", "remove_duplicate"]


class Trainer:
    """The second book's loop: epochs over shuffled batches, tied weights, clipping.

    Parameters
    ----------
    model : Sequential, or an object with these
        `forward(x, t)`, the loss; `backward()`, which fills `grads`; `params` and `grads`, lists
        of arrays.
    optimizer : one of fastnet.optimizer, or an object with `update(params, grads)`

    Attributes
    ----------
    loss_list : list of float
        A mean loss for each `eval_interval` updates, and for the first of an epoch.
    current_epoch : int
        Epochs so far, of all calls of `fit`.
    eval_interval : int or None
        That of the last `fit`.

    Raises
    ------
    TypeError
        model or optimizer lacks one of these.

    Notes
    -----
    `Sequential.fit` does the same in a compiled loop, without tied weights, and faster. Source:
    Saitoh, Deep Learning from Scratch 2, common/trainer.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.datasets import load_digits
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> from fastnet.optimizer import Adam
    >>> from fastnet.textbook.second import Trainer
    >>> (x, t), (x_test, t_test) = load_digits(normalize=True)
    >>> np.random.seed(0)
    >>> model = Sequential([Dense(32, "relu"), Dense(10)], seed=0)
    >>> trainer = Trainer(model, Adam(lr=0.01))
    >>> trainer.fit(x, t, max_epoch=10, batch_size=50, max_grad=5.0, eval_interval=None)
    >>> trainer.current_epoch, model.evaluate(x_test, t_test)["accuracy"] > 0.9
    (10, True)
    """

    def __init__(self, model: Any, optimizer: Any) -> None:
        checks.members("Trainer", "model", model, ("forward", "backward"))
        checks.members("Trainer", "optimizer", optimizer, ("update",))
        self.model, self.optimizer = model, optimizer
        self.loss_list: list[float] = []
        self.eval_interval: int | None = None
        self.current_epoch = 0

    def fit(
        self,
        x: ArrayLike,
        t: ArrayLike,
        max_epoch: int = 10,
        batch_size: int = 32,
        max_grad: float | None = None,
        eval_interval: int | None = 20,
    ) -> None:
        """Train for some epochs; call again to go on.

        Each epoch shuffles the samples by `numpy.random.permutation`; those at the end that fill no
        batch are left out of it.

        Parameters
        ----------
        x, t : arrays
            Samples and targets, as the model takes them.
        max_epoch : int
            Epochs of this call.
        batch_size : int
            At most the number of samples.
        max_grad : float, optional
            The largest norm of all gradients together; larger ones are scaled to it.
        eval_interval : int, optional
            Print the mean loss after so many updates, and append it to `loss_list`. None: never.

        Raises
        ------
        TypeError, ValueError
            An argument is of another kind, or out of range; nothing has changed.
        """
        where = "Trainer.fit"
        x, t = checks.equally_long(where, {"x": x, "t": t})
        max_epoch = checks.count(where, "max_epoch", max_epoch)
        batch_size = checks.count(where, "batch_size", batch_size)
        if batch_size > len(x):
            raise ValueError(
                f"{where}: batch_size must be at most the number of samples, {len(x)}, got "
                f"{batch_size}. Give fewer."
            )
        check_options(where, max_grad, eval_interval)
        self.eval_interval = eval_interval
        batches = len(x) // batch_size
        total, count, start = 0.0, 0, time.perf_counter()
        for _ in range(max_epoch):
            order = np.random.permutation(len(x))  # noqa: NPY002
            x, t = x[order], t[order]  # shuffled again next time, as in the book
            for i in range(batches):
                rows = slice(i * batch_size, (i + 1) * batch_size)
                total += self.model.forward(x[rows], t[rows])
                count += 1
                update(self.model, self.optimizer, max_grad)
                if eval_interval is not None and i % eval_interval == 0:
                    self.loss_list.append(float(total / count))
                    print(
                        f"| epoch {self.current_epoch + 1} |  iter {i + 1} / {batches} | time "
                        f"{int(time.perf_counter() - start)}[s] | loss {self.loss_list[-1]:.2f}"
                    )
                    total, count = 0.0, 0
            self.current_epoch += 1

    def plot(self, ylim: tuple[float, float] | None = None) -> None:
        """Show `loss_list` in a window of matplotlib's, the extra `plot`.

        Parameters
        ----------
        ylim : (low, high), optional
            Limits of the vertical axis.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        ValueError
            `fit` has not appended a loss.
        """
        if not self.loss_list:
            raise ValueError("Trainer.plot: loss_list must have a loss, got none. Call fit first.")
        plot("Trainer.plot", self.loss_list, "loss", self.eval_interval, ylim)


def check_options(where: str, max_grad: float | None, eval_interval: int | None) -> None:
    """Check what both trainers may be given."""
    if max_grad is not None:
        checks.positive(where, "max_grad", max_grad)
    if eval_interval is not None:
        checks.count(where, "eval_interval", eval_interval)


def update(model: Any, optimizer: Any, max_grad: float | None) -> None:
    """Go backward through a model, clip its gradients, and update each array once."""
    model.backward()
    params, grads = remove_duplicate(model.params, model.grads)
    if max_grad is not None:
        clip_by_norm(grads, max_grad)
    optimizer.update(params, grads)


def plot(
    where: str,
    values: list[float],
    name: str,
    eval_interval: int | None,
    ylim: tuple[float, float] | None,
) -> None:
    """Show a trainer's curve in a window of matplotlib's."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise checks.no_matplotlib(where, error) from error
    if ylim is not None:
        pyplot.ylim(*ylim)
    pyplot.plot(values, label="train")
    pyplot.xlabel(f"iterations (x{eval_interval})")
    pyplot.ylabel(name)
    pyplot.show()


def clip_grads(grads: list[NDArray[Any]], max_norm: float) -> None:
    """Scale gradients down, in place, until the norm of all of them together is max_norm.

    This is `fastnet.optimizer.clip_by_norm` by the book's name.

    Parameters
    ----------
    grads : list of float arrays
        Changed in place.
    max_norm : float
        Above 0.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, section 6.1.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import clip_grads
    >>> grads = [np.array([3.0, 0.0]), np.array([4.0])]
    >>> clip_grads(grads, 5e-1)
    >>> np.round(grads[0], 3)
    array([0.3, 0. ])
    """
    clip_by_norm(grads, max_norm)


def remove_duplicate(
    params: list[NDArray[Any]], grads: list[NDArray[Any]]
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Return the lists with each array once, whose gradient is the sum of those that it had.

    An array that equals the transpose of an earlier one counts as that one: layers share it so.

    Parameters
    ----------
    params, grads : lists of arrays
        The lists stay as they are; the gradient of what stands there twice is added, in place, to
        that of the first.

    Returns
    -------
    params, grads : lists of the same arrays

    Raises
    ------
    ValueError
        The lists differ in length.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch 2, common/trainer.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.second import remove_duplicate
    >>> W, b = np.array([[1.0, 2.0]]), np.zeros(2)
    >>> grads = [np.array([[1.0, 1.0]]), np.ones(2), np.array([[3.0], [4.0]])]
    >>> params, grads = remove_duplicate([W, b, W.T], grads)
    >>> len(params), grads[0]
    (2, array([[4., 5.]]))
    """
    if len(params) != len(grads):
        raise ValueError(
            f"remove_duplicate: grads must be as many as params, got {len(grads)} grads for "
            f"{len(params)} params. Give the two lists of the same layers."
        )
    found: list[tuple[NDArray[Any], NDArray[Any]]] = []
    for param, grad in zip(params, grads, strict=True):
        for other, total in found:
            if param is other:
                total += grad
                break
            if param.ndim == other.ndim == 2 and _are_transposed(param, other):
                total += grad.T
                break
        else:
            found.append((param, grad))
    return [param for param, _ in found], [grad for _, grad in found]


def _are_transposed(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Tell whether a equals b.T: at once where it is that very array, or their first rows differ.

    All of a table of 10,000 x 650 would take 30 ms, in each update.
    """
    if a.shape != b.shape[::-1]:
        return False
    if a.ctypes.data == b.ctypes.data and a.strides == b.strides[::-1] and a.dtype == b.dtype:
        return True
    return np.array_equal(a[:1], b.T[:1]) and np.array_equal(a, b.T)
