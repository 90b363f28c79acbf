"""What scikit-learn's estimators are to the compiled loop: losses, a penalty, sparse samples.

The losses go with the last product's outputs z, of which the answers a are made: a = softmax(z),
sigmoid(z), exp(z) or z. Each is the one whose gradient with respect to z is the error, a - t, so a
is never stored. Their own numbers are two bounds of a sample's loss, which come from the bounds of
the probabilities in it: scikit-learn cuts those off at the dtype's epsilon.
"""

from numba import int64

from . import elementary
from ._compile import entry, helper, inline, named
from .activations import activate
from .cross_entropy import log1p
from .loop.calls import LayerForward, LayerGradient, Loss, Penalty, Rule
from .loop.record import PENALIZED, layer_at
from .penalties import add_l2_gradient, l2_penalty
from .simd import absolute, get, offset, pointer_at, put, scalar, select
from .softmax_rows import softmax_gradient
from .sweep import copy, put_all, sum_of, sweep
from .updates import descend

NEXT, FIRST = 3, 4  # of the numbers of `shared_penalty_in_loop`: which strength is next, the first


@helper
def _bounded(loss, lowest, highest):
    """A loss between two bounds; NaN stays NaN."""
    return select(loss > highest, highest, select(loss < lowest, lowest, loss))


@entry(Loss)
def softmax_log_loss_in_loop(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """-log(softmax(z)[label]) of a sample."""
    z, results, own = pointer_at(y, like), pointer_at(losses, like), pointer_at(numbers, 0.0)
    known, order = pointer_at(labels, int64(0)), pointer_at(rows, int64(0))
    scale = scalar(z, 1.0) / scalar(z, size)
    softmax_gradient(n, columns, z, known, order, scale, pointer_at(dx, like), results)
    bounds = scalar(z, get(own, 0)), scalar(z, get(own, 1))
    sweep(_bounded, (results,), (results,), 0, n, bounds)
    return 0


@inline
def _by_terms(term, n, size, columns, y, targets, rows, numbers, dx, losses, like):
    """Losses that are sums over the outputs of terms, which a function gives with their slopes.

    The targets of the batch are gathered where the gradient goes, so that the terms of all rows are
    one sweep; of several outputs they are written over z, which nobody reads again.
    """
    z, gradient, results = pointer_at(y, like), pointer_at(dx, like), pointer_at(losses, like)
    known, order, own = pointer_at(targets, like), pointer_at(rows, 0), pointer_at(numbers, 0.0)
    for i in range(n):
        if columns == 1:
            put(gradient, i, get(known, get(order, i)))
        else:
            t = offset(known, get(order, i) * columns)
            copy(t, offset(gradient, i * columns), columns)
    scale = scalar(z, 1.0) / scalar(z, size)
    bounds = scalar(z, get(own, 0)), scalar(z, get(own, 1))
    terms = results if columns == 1 else z
    sweep(term, (terms, gradient), (z, gradient), 0, n * columns, (scale, *bounds))
    return terms


@helper
def _itself(x):
    return x


@inline
def _summed(terms, n, columns, factor, losses, like):
    """Write the sum of each sample's terms, times a factor."""
    results = pointer_at(losses, like)
    for i in range(n):
        total = get(terms, i)
        if columns > 1:
            total = sum_of(_itself, (offset(terms, i * columns),), 0, columns, ())
        put(results, i, total * factor)


def _loss_of_terms(name, term, factor, is_mean, text):
    """Make a loss that is the sum, or the mean, of a term of each output, times a factor."""

    def in_loop(n, size, columns, y, targets, labels, rows, numbers, dx, losses, like):
        terms = _by_terms(term, n, size, columns, y, targets, rows, numbers, dx, losses, like)
        scale = scalar(terms, factor)
        if is_mean:  # a constant: only one branch is compiled
            scale = scale / scalar(terms, columns)
        _summed(terms, n, columns, scale, losses, like)
        return 0

    in_loop.__doc__ = text
    return entry(Loss)(named(name, __name__, in_loop))


@helper
def _logistic(z, t, scale, lowest, highest):
    """The loss of an output, and the slope; of t = 0 and 1."""
    e = elementary.exp(-absolute(z))
    inverse = 1.0 / (1.0 + e)
    a = select(z < 0.0, e * inverse, inverse)
    loss = select(z > 0.0, z, 0.0) - z * t + log1p(e)
    return _bounded(loss, lowest, highest), (a - t) * scale


@helper
def _squared(z, t, scale, lowest, highest):
    error = z - t
    return error * error, error * scale


@helper
def _deviance(z, t, scale, lowest, highest):
    a = elementary.exp(z)
    own = select(t == 0.0, 0.0, t * (elementary.log(t) - z))
    return own - t + a, (a - t) * scale


logistic_log_loss_in_loop = _loss_of_terms(
    "logistic_log_loss_in_loop", _logistic, 1.0, False,
    "-t log(a) - (1 - t) log(1 - a) with a = sigmoid(z), sum over a sample's outputs.",
)  # fmt: skip
half_squared_error_in_loop = _loss_of_terms(
    "half_squared_error_in_loop", _squared, 0.5, True,
    "(z - t)**2 / 2, mean over a sample's outputs; the gradient is that of the sum.",
)  # fmt: skip
half_poisson_deviance_in_loop = _loss_of_terms(
    "half_poisson_deviance_in_loop", _deviance, 1.0, False,
    "t log(t / a) - t + a with a = exp(z), sum over a sample's outputs.",
)  # fmt: skip


@entry(Penalty)
def shared_penalty_in_loop(depth, layers, param, grad, numbers, like):
    """L2 with a strength of its own for each update of the call, which the numbers have in order.

    A penalty of the whole data set is shared out among its samples, so a batch bears alpha / n of
    it: that of a smaller batch, or of one that weighs less, is larger.
    """
    values = pointer_at(numbers, 0.0)
    strength, value = get(values, FIRST + int64(get(values, NEXT))), 0.0
    for i in range(depth):
        layer = layer_at(layers, i)
        if layer.weight < 0:
            continue
        size = layer.decays if layer.forward != 0 else layer.inputs * layer.outputs
        p = offset(pointer_at(param, like), layer.weight)
        g = offset(pointer_at(grad, like), layer.weight)
        value += l2_penalty(p, strength, size)
        sweep(add_l2_gradient, (g,), (g, p), 0, size, (scalar(p, strength),))
    put(values, NEXT, get(values, NEXT) + 1.0)
    put(values, PENALIZED, value)
    return 0


# The loop reads the number of a sample as two numbers of the dtype, this many times the first and
# the second, as those of float32 end at 2**24.
SAMPLES = 2**20
# Of the state of a product of sparse samples, int64: the addresses of CSR's three arrays (the first
# two int64), how far behind W its b stands, the rows of W, and the activation.
STARTS, COLUMNS, VALUES, BIAS, FEATURES, ACTIVATION, STATE = range(7)


@helper
def _csr(state, like):
    """Of a layer's state the numbers, and of CSR's arrays where rows start, columns and values."""
    table = pointer_at(state, int64(0))
    starts = pointer_at(get(table, STARTS), int64(0))
    columns = pointer_at(get(table, COLUMNS), int64(0))
    return table, (starts, columns, pointer_at(get(table, VALUES), like))


@helper
def _sample(x, starts, i):
    """Where in CSR's arrays the i-th sample of a batch starts and stops."""
    number = int64(get(x, 2 * i)) * SAMPLES + int64(get(x, 2 * i + 1))
    return get(starts, number), get(starts, number + 1)


@entry(LayerForward)
def sparse_samples_in_loop(
    learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like
):  # fmt: skip
    """activation(x @ W + b) of samples that are rows of a CSR matrix, by their numbers."""
    table, (starts, columns, values) = _csr(state, like)
    numbers, W = pointer_at(x, like), pointer_at(param, like)
    b, results = offset(W, get(table, BIAS)), pointer_at(out, like)
    for i in range(n):
        row = offset(results, i * m)
        copy(b, row, m)
        start, stop = _sample(numbers, starts, i)
        for k in range(start, stop):
            descend(row, offset(W, get(columns, k) * m), -get(values, k), m)
    activate(get(table, ACTIVATION), results, m, n, m)
    return 0


@entry(LayerGradient)
def sparse_samples_gradient_in_loop(
    block, blocks, n, d, m, x, out, param, state, scratch, own, dout, add, target, like
):  # fmt: skip
    """The gradient of some rows of W, times `like`; with the first block that of b."""
    table, (starts, columns, values) = _csr(state, like)
    numbers, dW, rows = pointer_at(x, like), pointer_at(target, like), pointer_at(dout, like)
    db, features = offset(dW, get(table, BIAS)), get(table, FEATURES)
    low, high = features * block // blocks, features * (block + 1) // blocks
    if not add:
        put_all(offset(dW, low * m), (high - low) * m, scalar(dW, 0.0))
        if block == 0:
            put_all(db, m, scalar(dW, 0.0))
    for i in range(n):
        row = offset(rows, i * m)
        start, stop = _sample(numbers, starts, i)
        for k in range(start, stop):
            if low <= get(columns, k) < high:
                descend(offset(dW, get(columns, k) * m), row, -like * get(values, k), m)
        if block == 0:
            descend(db, row, -like, m)
    return 0


@helper
def _sum(total, g):
    return total + g


@entry(Rule)
def gradient_sum_in_loop(t, size, param, grad, slots, hyper, like):
    """Add up the gradients of all batches in the rule's state; the parameters stay."""
    total, g = pointer_at(slots, like), pointer_at(grad, like)
    sweep(_sum, (total,), (total, g), 0, size, ())
    return 0
