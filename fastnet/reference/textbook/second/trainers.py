"""Trainers of the second book: parameters and gradients in lists."""

from typing import Any

import numpy as np

from ...optimizer import clip_by_norm


class Trainer:
    """The second book's loop: epochs over shuffled batches, tied weights, clipping."""

    def __init__(self, model: Any, optimizer: Any) -> None:
        self.model, self.optimizer = model, optimizer
        self.loss_list: list[float] = []
        self.eval_interval: int | None = None
        self.current_epoch = 0

    def fit(
        self,
        x: np.ndarray,
        t: np.ndarray,
        max_epoch: int = 10,
        batch_size: int = 32,
        max_grad: float | None = None,
        eval_interval: int | None = 20,
    ) -> None:
        """Train for some epochs; call again to go on."""
        self.eval_interval = eval_interval
        batches, total, count = len(x) // batch_size, 0.0, 0
        for _ in range(max_epoch):
            order = np.random.permutation(len(x))  # noqa: NPY002
            x, t = x[order], t[order]
            for i in range(batches):
                rows = slice(i * batch_size, (i + 1) * batch_size)
                total += self.model.forward(x[rows], t[rows])
                count += 1
                _update(self.model, self.optimizer, max_grad)
                if eval_interval is not None and i % eval_interval == 0:
                    self.loss_list.append(float(total / count))
                    print(f"epoch {self.current_epoch + 1}, iter {i + 1}: {self.loss_list[-1]:.2f}")
                    total, count = 0.0, 0
            self.current_epoch += 1


class RnnlmTrainer:
    """The second book's loop for language models: a text in parts side by side, in its order."""

    def __init__(self, model: Any, optimizer: Any) -> None:
        self.model, self.optimizer = model, optimizer
        self.time_idx: int | None = None
        self.ppl_list: list[float] | None = None
        self.eval_interval: int | None = None
        self.current_epoch = 0

    def get_batch(
        self, x: np.ndarray, t: np.ndarray, batch_size: int, time_size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the next time_size words of each part; behind the end comes the beginning."""
        begun = self.time_idx or 0
        self.time_idx = begun + time_size
        parts = [part * (len(x) // batch_size) for part in range(batch_size)]
        at = np.array([range(part + begun, part + begun + time_size) for part in parts]) % len(x)
        return np.asarray(x)[at].astype(np.int32), np.asarray(t)[at].astype(np.int32)

    def fit(
        self,
        xs: np.ndarray,
        ts: np.ndarray,
        max_epoch: int = 10,
        batch_size: int = 20,
        time_size: int = 35,
        max_grad: float | None = None,
        eval_interval: int | None = 20,
    ) -> None:
        """Train for some epochs; call again to go on."""
        self.time_idx, self.ppl_list, self.eval_interval = 0, [], eval_interval
        total, count = 0.0, 0
        for _ in range(max_epoch):
            for i in range(len(xs) // (batch_size * time_size)):
                total += self.model.forward(*self.get_batch(xs, ts, batch_size, time_size))
                count += 1
                _update(self.model, self.optimizer, max_grad)
                if eval_interval is not None and i % eval_interval == 0:
                    self.ppl_list.append(float(np.exp(total / count)))
                    print(f"epoch {self.current_epoch + 1}, iter {i + 1}: {self.ppl_list[-1]:.2f}")
                    total, count = 0.0, 0
            self.current_epoch += 1


def _update(model: Any, optimizer: Any, max_grad: float | None) -> None:
    model.backward()
    params, grads = remove_duplicate(model.params, model.grads)
    if max_grad is not None:
        clip_by_norm(grads, max_grad)
    optimizer.update(params, grads)


def clip_grads(grads: list[np.ndarray], max_norm: float) -> None:
    """Scale gradients down, in place, until the norm of all of them together is max_norm."""
    clip_by_norm(grads, max_norm)


def remove_duplicate(
    params: list[np.ndarray], grads: list[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the lists without arrays that params has twice, or transposed; add their gradients."""
    params, grads, i = params[:], grads[:], 0
    while i < len(params):
        j = i + 1
        while j < len(params):
            same = params[i] is params[j]
            if same or (params[i].ndim == 2 and np.array_equal(params[i].T, params[j])):
                grads[i] += grads[j] if same else grads[j].T
                del params[j], grads[j]
            else:
                j += 1
        i += 1
    return params, grads
