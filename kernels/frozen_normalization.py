"""Batch normalization that is frozen, in the loop: by its running statistics, in training too."""

from ._compile import entry
from .batch_normalization import normalize_running
from .loop.calls import LayerBackward, LayerForward
from .simd import get, offset, pointer_at, scalar
from .sweep import put_all


@entry(LayerForward)
def frozen_normalization_in_loop(
    learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like
):
    """Batch normalization of some rows.

    param: gamma, beta. state: momentum, eps, columns, the running mean and variance, which stay.
    """
    gamma, numbers = pointer_at(param, like), pointer_at(state, like)
    c, mean = int(get(numbers, 2)), offset(numbers, 3)
    normalize_running(
        n * (d // c), c, c, pointer_at(x, like), gamma, offset(gamma, c), get(numbers, 1), mean,
        offset(mean, c), pointer_at(out, like),
    )  # fmt: skip
    return 0


@entry(LayerBackward)
def frozen_normalization_gradient_in_loop(
    seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
):
    """Its gradient, dx = dout * gamma / sqrt(running_var + eps): with zeros for mean and beta.

    scratch: room for the zeros, the same whoever writes them.
    """
    if dx != 0:
        zeros, numbers = pointer_at(scratch, like), pointer_at(state, like)
        c = int(get(numbers, 2))
        put_all(zeros, c, scalar(zeros, 0.0))
        normalize_running(
            n * (d // c), c, c, pointer_at(dout, like), pointer_at(param, like), zeros,
            get(numbers, 1), zeros, offset(numbers, 3 + c), pointer_at(dx, like),
        )  # fmt: skip
    return 0
