"""Trainer of language models, which read a text from its beginning to its end."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.textbook.second.trainer import check_options, plot, update

__all__ = ["RnnlmTrainer"]


class RnnlmTrainer:
    """The second book's loop for language models: a text in parts side by side, in its order.

    Parameters
    ----------
    model : object with these
        `forward(xs, ts)`, the loss of (N, T) numbers of words; `backward()`, which fills `grads`;
        `params` and `grads`, lists of arrays. Its state goes on from batch to batch.
    optimizer : one of fastnet.optimizer, or an object with `update(params, grads)`

    Attributes
    ----------
    ppl_list : list of float
        Of the last `fit`: a perplexity for each `eval_interval` updates, and for the first of an
        epoch.
    time_idx : int
        How far each part is read, in the last `fit`.
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
    Source: Saitoh, Deep Learning from Scratch 2, common/trainer.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import SGD
    >>> from fastnet.textbook.second import Rnnlm, RnnlmTrainer
    >>> np.random.seed(0)
    >>> corpus = np.tile([0, 1, 2, 3], 200)
    >>> trainer = RnnlmTrainer(Rnnlm(4, 8, 8), SGD(lr=1.0))
    >>> trainer.fit(corpus[:-1], corpus[1:], 5, batch_size=4, time_size=10, eval_interval=None)
    >>> trainer.current_epoch
    5
    """

    def __init__(self, model: Any, optimizer: Any) -> None:
        checks.members("RnnlmTrainer", "model", model, ("forward", "backward"))
        checks.members("RnnlmTrainer", "optimizer", optimizer, ("update",))
        self.model, self.optimizer = model, optimizer
        self.time_idx: int | None = None
        self.ppl_list: list[float] | None = None
        self.eval_interval: int | None = None
        self.current_epoch = 0

    def get_batch(
        self, x: ArrayLike, t: ArrayLike, batch_size: int, time_size: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the next time_size words of each part; the beginning follows the end.

        Parameters
        ----------
        x, t : (L,) integers
            A text, and the next word of each.
        batch_size, time_size : int

        Returns
        -------
        x, t : (batch_size, time_size) int32

        Raises
        ------
        TypeError, ValueError
            An argument is of another kind, or out of range.
        """
        where = "RnnlmTrainer.get_batch"
        x, t = checks.equally_long(where, {"x": x, "t": t})
        batch_size = checks.count(where, "batch_size", batch_size)
        time_size = checks.count(where, "time_size", time_size)
        begun = self.time_idx or 0
        parts = np.arange(batch_size)[:, None] * (len(x) // batch_size)
        at = (parts + begun + np.arange(time_size)) % len(x)
        self.time_idx = begun + time_size
        return x[at].astype(np.int32), t[at].astype(np.int32)

    def fit(
        self,
        xs: ArrayLike,
        ts: ArrayLike,
        max_epoch: int = 10,
        batch_size: int = 20,
        time_size: int = 35,
        max_grad: float | None = None,
        eval_interval: int | None = 20,
    ) -> None:
        """Train for some epochs; call again to go on.

        Parameters
        ----------
        xs, ts : (L,) integers
            A text, and the next word of each; L at least batch_size * time_size.
        max_epoch : int
            Epochs of this call.
        batch_size : int
            Parts of the text that are read side by side.
        time_size : int
            Words of each part in an update.
        max_grad : float, optional
            The largest norm of all gradients together; larger ones are scaled to it.
        eval_interval : int, optional
            Print the perplexity after so many updates, and append it to `ppl_list`. None: never.

        Raises
        ------
        TypeError, ValueError
            An argument is of another kind, or out of range; nothing has changed.
        """
        where = "RnnlmTrainer.fit"
        xs, ts = checks.equally_long(where, {"xs": xs, "ts": ts})
        max_epoch = checks.count(where, "max_epoch", max_epoch)
        batch_size = checks.count(where, "batch_size", batch_size)
        time_size = checks.count(where, "time_size", time_size)
        batches = len(xs) // (batch_size * time_size)
        if not batches:
            raise ValueError(
                f"{where}: xs must have {batch_size * time_size} words at least for batch_size="
                f"{batch_size} and time_size={time_size}, got {len(xs)}. Give more, or smaller "
                "batches."
            )
        check_options(where, max_grad, eval_interval)
        self.time_idx, self.ppl_list, self.eval_interval = 0, [], eval_interval
        total, count, start = 0.0, 0, time.perf_counter()
        for _ in range(max_epoch):
            for i in range(batches):
                total += self.model.forward(*self.get_batch(xs, ts, batch_size, time_size))
                count += 1
                update(self.model, self.optimizer, max_grad)
                if eval_interval is not None and i % eval_interval == 0:
                    self.ppl_list.append(float(np.exp(total / count)))
                    print(
                        f"| epoch {self.current_epoch + 1} |  iter {i + 1} / {batches} | time "
                        f"{int(time.perf_counter() - start)}[s] | perplexity "
                        f"{self.ppl_list[-1]:.2f}"
                    )
                    total, count = 0.0, 0
            self.current_epoch += 1

    def plot(self, ylim: tuple[float, float] | None = None) -> None:
        """Show `ppl_list` in a window of matplotlib's, the extra `plot`.

        Parameters
        ----------
        ylim : (low, high), optional
            Limits of the vertical axis.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        ValueError
            `fit` has not appended a perplexity.
        """
        if not self.ppl_list:
            raise ValueError(
                "RnnlmTrainer.plot: ppl_list must have a perplexity, got none. Call fit first."
            )
        plot("RnnlmTrainer.plot", self.ppl_list, "perplexity", self.eval_interval, ylim)
