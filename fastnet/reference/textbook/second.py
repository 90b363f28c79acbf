"""Trainer of the second book: parameters and gradients in lists."""

from typing import Any

import numpy as np

from ..optimizer import clip_by_norm


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
                self.model.backward()
                params, grads = remove_duplicate(self.model.params, self.model.grads)
                if max_grad is not None:
                    clip_by_norm(grads, max_grad)
                self.optimizer.update(params, grads)
                if eval_interval is not None and i % eval_interval == 0:
                    self.loss_list.append(float(total / count))
                    print(f"epoch {self.current_epoch + 1}, iter {i + 1}: {self.loss_list[-1]:.2f}")
                    total, count = 0.0, 0
            self.current_epoch += 1


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
