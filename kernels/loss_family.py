"""Losses made of their equations: a forward kernel, a backward kernel and the loop's entry.

Where a loss is a mean or a sum over its outputs, two functions of vectors are enough: the term of
an output, and its slope, the derivative of the term with respect to y. `mean_loss` and `sum_loss`
make all else. Where it looks at a sample's outputs together, it is two functions of a row:

    row(y, t, columns) -> the loss of a sample
    gradient_row(y, t, columns, dout, n, dx): its gradient times dout / n, where dx may be y

y and t are pointers, t to the targets of the sample or to its label. `loss_of_rows` and
`loss_of_labels` make the rest of such a loss.
"""

from inspect import cleandoc

from numba import float64, int64

from ._compile import entry, helper, inline, jit, labels, matrix, named, real, vector
from .loop.calls import Loss
from .simd import fill, get, offset, pointer, pointer_at, put, scalar, select, sum_lanes
from .softmax_rows import is_largest
from .sweep import fold, sum_of, sweep

BLOCK = 128  # terms that are added in the arrays' dtype; the blocks are added in float64


@helper
def _is_same_answer(y, t, middle, target_middle):
    """Whether both numbers are on one side of their middles; NaN is on none."""
    return (y > middle) == (t > target_middle) and y == y


@helper
def is_right(y, t, columns):
    """Whether output and target agree on which is largest or, if only one, on being above a half.

    Pointers to y[:columns] and t[:columns]. An output with a NaN is not right.
    """
    if columns == 1:
        return _is_same_answer(get(y, 0), get(t, 0), 0.5, 0.5)
    label = 0
    for j in range(1, columns):
        if get(t, j) > get(t, label):
            label = j
    return is_largest(y, columns, label)


@helper
def _count_same(right, y, t, middle, target_middle):
    yes = select(y > middle, right + 1.0, right)
    no = select(y <= middle, right + 1.0, right)
    return select(t > target_middle, yes, no)


@helper
def right_answers(y, t, columns, middle, target_middle):
    """How many outputs of a sample are on their target's side of the middle, each for itself.

    Pointers to y[:columns] and t[:columns]. A NaN is on no side.
    """
    if columns == 1:
        return int64(_is_same_answer(get(y, 0), get(t, 0), middle, target_middle))
    numbers = scalar(y, middle), scalar(y, target_middle)
    return int64(sum_lanes(fold(_count_same, fill(y, 0.0), (y, t), 0, columns, numbers)))


@inline
def _mean_of_elements(row, y, t, numbers):
    """The mean over all elements, for a row that is the mean of its columns."""
    p, q, size = pointer(y), pointer(t), y.size
    total = 0.0
    for i in range(0, size, BLOCK):
        count = min(BLOCK, size - i)
        total += count * row(offset(p, i), offset(q, i), count, *numbers)
    return total / size


@inline
def mean_of_sums(row, y, t, numbers):
    """The sum over all elements / N, for a row that is the sum over its columns."""
    p, q, size = pointer(y), pointer(t), y.size
    total = 0.0
    for i in range(0, size, BLOCK):
        total += row(offset(p, i), offset(q, i), min(BLOCK, size - i), *numbers)
    return total / y.shape[0]


@inline
def _mean_of_rows(row, y, t, numbers):
    n, columns = y.shape
    p, q, width, total = pointer(y), pointer(t), t.size // n, 0.0
    for i in range(n):
        total += row(offset(p, i * columns), offset(q, i * width), columns, *numbers)
    return total / n


@inline
def _gradient_of_elements(gradient_row, y, t, dout, dx, numbers):
    """Of a mean over all elements: that of one sample which has them all."""
    p = pointer(y)
    gradient_row(p, pointer(t), y.size, dout, scalar(p, 1.0), pointer(dx), *numbers)


@inline
def _gradient_of_sums(gradient_row, y, t, dout, dx, numbers):
    p = pointer(y)
    gradient_row(p, pointer(t), y.size, dout, scalar(p, y.shape[0]), pointer(dx), *numbers)


@inline
def _gradient_of_rows(gradient_row, y, t, dout, dx, numbers):
    n, columns = y.shape
    p, q, target, width = pointer(y), pointer(t), pointer(dx), t.size // n
    size = scalar(p, n)
    for i in range(n):
        at, dx_row = offset(p, i * columns), offset(target, i * columns)
        gradient_row(at, offset(q, i * width), columns, dout, size, dx_row, *numbers)


# --------------------------------------------------------------------------- makers

PARAMETERS = {
    "t": "y, t : (N, C), one dtype, float32 or float64, C-contiguous",
    "labels": "y : (N, C) float32 or float64, C-contiguous\n"
    "t : (N,) int64, 0 <= t[n] < C\n    Class labels; range checked by the caller.",
    "delta": "delta : scalar of y.dtype, positive",
    "loss": "loss : (1,), same dtype as y\n    Overwritten.",
    "dout": "dout : scalar of y.dtype\n    Upstream gradient.",
    "dx": "dx : (N, C), same dtype as y, C-contiguous\n    Overwritten. May be y.",
}


def _document(function, title, rest, arguments):
    """Give a kernel its docstring: a title, the equations, its arguments, and notes."""
    equations, _, notes = rest.partition("\n\n")
    parameters = "\n".join(PARAMETERS[name] for name in arguments)
    parts = [title, equations, f"Parameters\n----------\n{parameters}", f"Notes\n-----\n{notes}"]
    function.__doc__ = "\n\n".join(parts) + "\n"


def _kernels(name, rows, mean, gradient, text, of_labels=False, has_delta=False):
    """Make the two kernels of a loss whose batch is taken together by `mean` and `gradient`."""
    row, gradient_row = rows
    kinds, arguments = (matrix, matrix), ["t"]
    if of_labels:
        kinds, arguments = (matrix, labels), ["labels"]
    if has_delta:
        kinds, arguments = (*kinds, real), [*arguments, "delta"]

        def forward(y, t, delta, loss):
            put(pointer(loss), 0, mean(row, y, t, (delta,)))

        def backward(y, t, delta, dout, dx):
            gradient(gradient_row, y, t, dout, dx, (delta,))

    else:

        def forward(y, t, loss):
            put(pointer(loss), 0, mean(row, y, t, ()))

        def backward(y, t, dout, dx):
            gradient(gradient_row, y, t, dout, dx, ())

    title, _, rest = cleandoc(text).partition("\n\n")
    _document(forward, title, rest, [*arguments, "loss"])
    title = f"Gradient of the loss of `{name}_forward` with respect to y, times dout."
    _document(backward, title, rest, [*arguments, "dout", "dx"])
    return (
        jit(*kinds, vector)(named(f"{name}_forward", row.__module__, forward)),
        jit(*kinds, real, matrix)(named(f"{name}_backward", row.__module__, backward)),
    )


def entry_of(name, rows, module, middles=None, of_labels=False, has_delta=False):
    """Make the entry for the compiled loop of a row function and its gradient."""
    row, gradient_row = rows
    says_yes_or_no = middles is not None
    middle, target_middle = middles or (0.5, 0.5)

    def in_loop(n, size, columns, y, targets, labels, rows, numbers, dx, losses, like):
        p, q, width = pointer_at(y, like), pointer_at(targets, like), columns
        if of_labels:  # a constant, as the next is: only one branch is compiled
            q, width = pointer_at(labels, int64(0)), 1
        own = ()
        if has_delta:
            own = (scalar(p, get(pointer_at(numbers, float64(0)), 0)),)
        order, gradients = pointer_at(rows, int64(0)), pointer_at(dx, like)
        results = pointer_at(losses, like)
        one, whole, right = scalar(p, 1.0), scalar(p, size), 0
        for i in range(n):
            out, t = offset(p, i * columns), offset(q, get(order, i) * width)
            if of_labels:
                right += is_largest(out, columns, get(t, 0))
            elif says_yes_or_no:
                right += right_answers(out, t, columns, middle, target_middle)
            else:
                right += is_right(out, t, columns)
            put(results, i, row(out, t, columns, *own))
            target = offset(gradients, i * columns)
            gradient_row(out, t, columns, one, whole, target, *own)
        return right

    in_loop.__doc__ = f"`{name}_forward` and `{name}_backward` for the compiled loop."
    return entry(Loss)(named(f"{name}_in_loop", module, in_loop))


def _loss(name, rows, mean, gradient, text, middles=None, **kind):
    return (
        *_kernels(name, rows, mean, gradient, text, **kind),
        entry_of(name, rows, rows[0].__module__, middles, **kind),
    )


def rows_of_terms(name, term, slope, is_mean, factor=1.0):
    """Make row and gradient row of a loss that is the mean of its terms, or a factor of their sum.

    The factor is in the slope already.
    """

    def row(y, t, columns, *numbers):
        total = scalar(y, factor) * sum_of(term, (y, t), 0, columns, numbers)
        return total / scalar(y, columns) if is_mean else total

    def scaled_slope(y, t, numbers, dout, divisor):
        return slope(y, t, *numbers) * dout / divisor

    scaled = helper(named(f"{name}_scaled_slope", term.__module__, scaled_slope))

    def gradient_row(y, t, columns, dout, n, dx, *numbers):
        divisor = scalar(y, n) * scalar(y, columns) if is_mean else scalar(y, n)
        sweep(scaled, (dx,), (y, t), 0, columns, (numbers, dout, divisor))

    return (
        helper(named(f"{name}_row", term.__module__, row)),
        helper(named(f"{name}_gradient_row", term.__module__, gradient_row)),
    )


def mean_loss(name, term, slope, text, **options):
    """Make a loss that is the mean over the outputs and the batch.

    Parameters
    ----------
    name : str
        The kernels are called by it.
    term, slope : helpers of vectors y, t
        The loss of an output, and its derivative with respect to y.
    text : str
        A title, the equations, and notes with the source: of the docstrings of both kernels.
    middles : pair of floats, optional
        Above which an output, and its target, say yes: each output is an answer, and right where
        both say the same. By default a sample is one answer, right where the largest output is at
        the largest target, or a lone one on its target's side of 0.5.
    has_delta : bool, optional
        Whether term and slope, and both kernels, take a number of the loss's own, delta, after t.

    Returns
    -------
    forward and backward kernel, and the entry for the compiled loop
    """
    rows = rows_of_terms(name, term, slope, True)
    return _loss(name, rows, _mean_of_elements, _gradient_of_elements, text, **options)


def sum_loss(name, term, slope, text, **options):
    """Make a loss that is the sum over the outputs, mean over the batch; see `mean_loss`."""
    return loss_of_sums(name, rows_of_terms(name, term, slope, False), text, **options)


def loss_of_sums(name, rows, text, **options):
    """Make a loss whose row may be any part of the batch's outputs; see `mean_loss`."""
    return _loss(name, rows, mean_of_sums, _gradient_of_sums, text, **options)


def loss_of_rows(name, rows, text, **options):
    """Make a loss of a row function and its gradient; see `mean_loss`."""
    return _loss(name, rows, _mean_of_rows, _gradient_of_rows, text, **options)


def loss_of_labels(name, rows, text):
    """Make a loss of a row function, whose t is the label, and its gradient; see `mean_loss`."""
    return _loss(name, rows, _mean_of_rows, _gradient_of_rows, text, of_labels=True)
