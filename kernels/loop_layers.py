"""Layers other than dense ones for the compiled loop, by address: two functions each.

    foo(learn, seed, first, n, size, d, m, x, param, state, scratch, out, like) -> 0
    foo_gradient(seed, first, n, size, d, m, x, out, param, state, scratch, dout, dx, grad, like) -> 0

They take rows first : first + n of a batch of `size`, from d columns to m. Addresses but for the
numbers before them and `like`, a number of the network's dtype; dx is 0 where nobody wants it.
`state` holds what the layer remembers and its constants, and `seed` is another number for each
update. A gradient of parameters is written to `grad`, of all rows: such a layer takes them at once.
"""

from numba import int64, uint8

from . import linear_units
from ._compile import entry, helper, inline
from .batch_normalization import normalize, normalize_gradient, normalize_running
from .dropout import draw_mask, drop, mask_key
from .embedding import add_rows, take_rows
from .linear_units import map_gradient
from .loop.calls import LayerBackward, LayerForward, address_in
from .simd import get, offset, pointer_at, put, scalar, stack_buffer
from .sweep import put_all, sweep

MASK = 512  # elements of a mask at a time
ROWS = 64  # row numbers of an embedding at a time


@inline
def _forward(function, x, out, size, like):
    sweep(function, (pointer_at(out, like),), (pointer_at(x, like),), 0, size, ())
    return 0


@inline
def _backward(gradient, known, dout, dx, size, like):
    """`known` is x or out, the one that the gradient reads."""
    if dx != 0:
        p, g = pointer_at(known, like), pointer_at(dout, like)
        map_gradient(gradient, p, g, pointer_at(dx, like), size, ())
    return 0


@inline
def _forward_sloped(function, x, state, out, size, like):
    """State: alpha."""
    alpha = get(pointer_at(state, like), 0)
    sweep(function, (pointer_at(out, like),), (pointer_at(x, like),), 0, size, (alpha,))
    return 0


@inline
def _backward_sloped(gradient, out, state, dout, dx, size, like):
    if dx != 0:
        p, g = pointer_at(out, like), pointer_at(dout, like)
        alpha = get(pointer_at(state, like), 0)
        map_gradient(gradient, p, g, pointer_at(dx, like), size, (alpha,))
    return 0


@helper
def _drop(seed, start, size, x, ratio, scale, out):
    """out[:size] = x * mask * scale for the elements of a batch from number `start` on."""
    mask = pointer_at(address_in(stack_buffer(x, MASK), 0), uint8(0))
    key = mask_key(seed, 0)
    for i in range(0, size, MASK):
        count = min(MASK, size - i)
        draw_mask(key, ratio, start + i, count, mask)
        drop(offset(x, i), mask, scale, offset(out, i), count)


@entry(LayerForward)
def dropout(learn, seed, first, n, size, d, m, x, param, state, scratch, out, like):
    """Dropout; state: the ratio, and the factor of what is kept in training and after it."""
    p, numbers = pointer_at(x, like), pointer_at(state, like)
    target = pointer_at(out, like)
    if learn:
        _drop(seed, first * d, n * d, p, get(numbers, 0), get(numbers, 1), target)
    else:
        factor = get(numbers, 2)
        for i in range(n * d):
            put(target, i, get(p, i) * factor)
    return 0


@entry(LayerBackward)
def dropout_gradient(
    seed, first, n, size, d, m, x, out, param, state, scratch, dout, dx, grad, like
):
    """The mask is drawn again, by the same seed."""
    if dx != 0:
        g, numbers = pointer_at(dout, like), pointer_at(state, like)
        target = pointer_at(dx, like)
        _drop(seed, first * d, n * d, g, get(numbers, 0), get(numbers, 1), target)
    return 0


# State of a batch normalization: momentum, eps, and d each of running mean, running variance, and
# mean and inverse standard deviation of the last batch.
MOMENTUM, EPS, ARRAYS = range(3)


@entry(LayerForward)
def batch_normalization(learn, seed, first, n, size, d, m, x, param, state, scratch, out, like):
    """Batch normalization of all rows; param: gamma, beta."""
    gamma, numbers = pointer_at(param, like), pointer_at(state, like)
    beta, running_mean = offset(gamma, d), offset(numbers, ARRAYS)
    running_var = offset(running_mean, d)
    p, target = pointer_at(x, like), pointer_at(out, like)
    if learn:
        mean = offset(running_var, d)
        normalize(
            n, d, d, p, gamma, beta, get(numbers, MOMENTUM), get(numbers, EPS), running_mean,
            running_var, mean, offset(mean, d), target,
        )  # fmt: skip
    else:
        normalize_running(
            n, d, d, p, gamma, beta, get(numbers, EPS), running_mean, running_var, target
        )
    return 0


@entry(LayerBackward)
def batch_normalization_gradient(
    seed, first, n, size, d, m, x, out, param, state, scratch, dout, dx, grad, like
):
    """Where nobody wants dx it takes the place of dout."""
    mean = offset(pointer_at(state, like), ARRAYS + 2 * d)
    dgamma, target = pointer_at(grad, like), pointer_at(dout if dx == 0 else dx, like)
    normalize_gradient(
        n, d, d, pointer_at(x, like), pointer_at(param, like), mean, offset(mean, d),
        pointer_at(dout, like), target, dgamma, offset(dgamma, d),
    )  # fmt: skip
    return 0


@inline
def _row_numbers(x, start, count):
    """Those at x[start:], numbers of the network's dtype, as integers."""
    idx = pointer_at(address_in(stack_buffer(x, 512), 0), int64(0))
    for k in range(count):
        put(idx, k, int64(get(x, start + k)))
    return idx


@entry(LayerForward)
def embedding(learn, seed, first, n, size, d, m, x, param, state, scratch, out, like):
    """Rows of param (V, m // d) by the numbers in x; state: V."""
    W, numbers = pointer_at(param, like), pointer_at(x, like)
    target, width = pointer_at(out, like), m // d
    for i in range(0, n * d, ROWS):
        count = min(ROWS, n * d - i)
        idx = _row_numbers(numbers, i, count)
        take_rows(count, width, W, idx, offset(target, i * width))
    return 0


@entry(LayerBackward)
def embedding_gradient(
    seed, first, n, size, d, m, x, out, param, state, scratch, dout, dx, grad, like
):
    """There is no gradient of row numbers: dx is not written."""
    numbers, rows = pointer_at(x, like), pointer_at(dout, like)
    dW, width = pointer_at(grad, like), m // d
    put_all(dW, int64(get(pointer_at(state, like), 0)) * width, scalar(dW, 0.0))
    for i in range(0, n * d, ROWS):
        count = min(ROWS, n * d - i)
        idx = _row_numbers(numbers, i, count)
        add_rows(count, width, idx, offset(rows, i * width), dW)
    return 0


@entry(LayerForward)
def softplus(learn, seed, first, n, size, d, m, x, param, state, scratch, out, like):
    """See `linear_units.softplus`."""
    return _forward(linear_units.softplus, x, out, n * d, like)


@entry(LayerBackward)
def softplus_gradient(
    seed, first, n, size, d, m, x, out, param, state, scratch, dout, dx, grad, like
):
    """See `linear_units.softplus_gradient`."""
    return _backward(linear_units.softplus_gradient, out, dout, dx, n * d, like)


@entry(LayerForward)
def gelu(learn, seed, first, n, size, d, m, x, param, state, scratch, out, like):
    """See `linear_units.gelu`."""
    return _forward(linear_units.gelu, x, out, n * d, like)


@entry(LayerBackward)
def gelu_gradient(seed, first, n, size, d, m, x, out, param, state, scratch, dout, dx, grad, like):
    """See `linear_units.gelu_gradient`."""
    return _backward(linear_units.gelu_gradient, x, dout, dx, n * d, like)


@entry(LayerForward)
def gelu_tanh(learn, seed, first, n, size, d, m, x, param, state, scratch, out, like):
    """See `linear_units.gelu_tanh`."""
    return _forward(linear_units.gelu_tanh, x, out, n * d, like)


@entry(LayerBackward)
def gelu_tanh_gradient(
    seed, first, n, size, d, m, x, out, param, state, scratch, dout, dx, grad, like
):
    """See `linear_units.gelu_tanh_gradient`."""
    return _backward(linear_units.gelu_tanh_gradient, x, dout, dx, n * d, like)


@entry(LayerForward)
def silu(learn, seed, first, n, size, d, m, x, param, state, scratch, out, like):
    """See `linear_units.silu`."""
    return _forward(linear_units.silu, x, out, n * d, like)


@entry(LayerBackward)
def silu_gradient(seed, first, n, size, d, m, x, out, param, state, scratch, dout, dx, grad, like):
    """See `linear_units.silu_gradient`."""
    return _backward(linear_units.silu_gradient, x, dout, dx, n * d, like)


@entry(LayerForward)
def identity(learn, seed, first, n, size, d, m, x, param, state, scratch, out, like):
    """See `linear_units.identity`."""
    return _forward(linear_units.identity, x, out, n * d, like)


@entry(LayerBackward)
def identity_gradient(
    seed, first, n, size, d, m, x, out, param, state, scratch, dout, dx, grad, like
):
    """See `linear_units.identity_gradient`."""
    return _backward(linear_units.identity_gradient, out, dout, dx, n * d, like)


@entry(LayerForward)
def step(learn, seed, first, n, size, d, m, x, param, state, scratch, out, like):
    """See `linear_units.step`."""
    return _forward(linear_units.step, x, out, n * d, like)


@entry(LayerBackward)
def step_gradient(seed, first, n, size, d, m, x, out, param, state, scratch, dout, dx, grad, like):
    """See `linear_units.step_gradient`."""
    return _backward(linear_units.step_gradient, out, dout, dx, n * d, like)


@entry(LayerForward)
def leaky_relu(learn, seed, first, n, size, d, m, x, param, state, scratch, out, like):
    """See `linear_units.leaky_relu`."""
    return _forward_sloped(linear_units.leaky_relu, x, state, out, n * d, like)


@entry(LayerBackward)
def leaky_relu_gradient(
    seed, first, n, size, d, m, x, out, param, state, scratch, dout, dx, grad, like
):
    """See `linear_units.leaky_relu_gradient`."""
    return _backward_sloped(linear_units.leaky_relu_gradient, out, state, dout, dx, n * d, like)


@entry(LayerForward)
def elu(learn, seed, first, n, size, d, m, x, param, state, scratch, out, like):
    """See `linear_units.elu`."""
    return _forward_sloped(linear_units.elu, x, state, out, n * d, like)


@entry(LayerBackward)
def elu_gradient(seed, first, n, size, d, m, x, out, param, state, scratch, dout, dx, grad, like):
    """See `linear_units.elu_gradient`."""
    return _backward_sloped(linear_units.elu_gradient, out, state, dout, dx, n * d, like)
