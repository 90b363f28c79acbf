"""The losses of `losses.py`, `hinge.py` and `cross_entropy.py` for the compiled loop, by address.

Each takes n rows of outputs, of a batch of `size`, and writes their losses and the gradient of the
batch's mean loss with respect to the outputs; it returns how many answers are right:

    foo(n, size, columns, y, targets, labels, rows, dx, losses, like) -> right answers

Addresses but for the first three and `like`, a number of the network's dtype. `y` and `dx` are
(n, columns); the targets (or labels) of row i are those of sample rows[i].
"""

from numba import float64, int64

from ._compile import entry, inline
from .cross_entropy import (
    binary_cross_entropy_gradient_row,
    binary_cross_entropy_row,
    categorical_cross_entropy_gradient_row,
    categorical_cross_entropy_row,
    kullback_leibler_divergence_gradient_row,
    kullback_leibler_divergence_row,
    sigmoid_cross_entropy_gradient_row,
    sigmoid_cross_entropy_row,
)
from .hinge import (
    categorical_hinge_gradient_row,
    categorical_hinge_row,
    hinge_gradient_row,
    hinge_row,
    squared_hinge_gradient_row,
    squared_hinge_row,
)
from .loop.calls import Loss
from .losses import (
    cosine_proximity_gradient_row,
    cosine_proximity_row,
    elementwise_mean_squared_error_gradient_row,
    elementwise_mean_squared_error_row,
    huber_gradient_row,
    huber_row,
    is_right,
    mean_absolute_error_gradient_row,
    mean_absolute_error_row,
    mean_absolute_percentage_error_gradient_row,
    mean_absolute_percentage_error_row,
    mean_squared_logarithmic_error_gradient_row,
    mean_squared_logarithmic_error_row,
    poisson_gradient_row,
    poisson_row,
)
from .simd import get, offset, pointer_at, put, scalar
from .softmax import cross_entropy_gradient_row, cross_entropy_row, is_largest


@inline
def _of_targets(
    row, gradient_row, middle, target_middle, n, size, columns, y, targets, rows, dx, losses, like,
    numbers=(),
):  # fmt: skip
    """All losses of outputs and targets; one output answers yes above `middle`.

    `numbers` come last of what a row takes.
    """
    p, q, gradients = pointer_at(y, like), pointer_at(targets, like), pointer_at(dx, like)
    order, results = pointer_at(rows, int64(0)), pointer_at(losses, like)
    one, whole, right = scalar(p, 1.0), scalar(p, size), 0
    for i in range(n):
        out, t = offset(p, i * columns), offset(q, get(order, i) * columns)
        if columns == 1:
            right += (get(out, 0) > middle) == (get(t, 0) > target_middle)
        else:
            right += is_right(out, t, columns)
        put(results, i, row(out, t, columns, *numbers))
        target = offset(gradients, i * columns)
        gradient_row(out, t, columns, one, whole, target, *numbers)
    return right


@entry(Loss)
def elementwise_mean_squared_error(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `elementwise_mean_squared_error_row`."""
    return _of_targets(
        elementwise_mean_squared_error_row, elementwise_mean_squared_error_gradient_row, 0.5, 0.5,
        n, size, columns, y, targets, rows, dx, losses, like,
    )  # fmt: skip


@entry(Loss)
def mean_absolute_error(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `mean_absolute_error_row`."""
    return _of_targets(
        mean_absolute_error_row, mean_absolute_error_gradient_row, 0.5, 0.5,
        n, size, columns, y, targets, rows, dx, losses, like,
    )  # fmt: skip


@entry(Loss)
def mean_absolute_percentage_error(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `mean_absolute_percentage_error_row`."""
    return _of_targets(
        mean_absolute_percentage_error_row, mean_absolute_percentage_error_gradient_row, 0.5, 0.5,
        n, size, columns, y, targets, rows, dx, losses, like,
    )  # fmt: skip


@entry(Loss)
def mean_squared_logarithmic_error(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `mean_squared_logarithmic_error_row`."""
    return _of_targets(
        mean_squared_logarithmic_error_row, mean_squared_logarithmic_error_gradient_row, 0.5, 0.5,
        n, size, columns, y, targets, rows, dx, losses, like,
    )  # fmt: skip


@entry(Loss)
def huber(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `huber_row`; delta is `like`."""
    return _of_targets(
        huber_row, huber_gradient_row, 0.5, 0.5,
        n, size, columns, y, targets, rows, dx, losses, like,
        (scalar(pointer_at(y, like), get(pointer_at(numbers, float64(0)), 0)),),
    )  # fmt: skip


@entry(Loss)
def poisson(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `poisson_row`."""
    return _of_targets(
        poisson_row, poisson_gradient_row, 0.5, 0.5,
        n, size, columns, y, targets, rows, dx, losses, like,
    )  # fmt: skip


@entry(Loss)
def cosine_proximity(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `cosine_proximity_row`."""
    return _of_targets(
        cosine_proximity_row, cosine_proximity_gradient_row, 0.5, 0.5,
        n, size, columns, y, targets, rows, dx, losses, like,
    )  # fmt: skip


@entry(Loss)
def hinge(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `hinge_row`."""
    return _of_targets(
        hinge_row, hinge_gradient_row, 0.0, 0.0,
        n, size, columns, y, targets, rows, dx, losses, like,
    )  # fmt: skip


@entry(Loss)
def squared_hinge(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `squared_hinge_row`."""
    return _of_targets(
        squared_hinge_row, squared_hinge_gradient_row, 0.0, 0.0,
        n, size, columns, y, targets, rows, dx, losses, like,
    )  # fmt: skip


@entry(Loss)
def categorical_cross_entropy(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `categorical_cross_entropy_row`."""
    return _of_targets(
        categorical_cross_entropy_row, categorical_cross_entropy_gradient_row, 0.5, 0.5,
        n, size, columns, y, targets, rows, dx, losses, like,
    )  # fmt: skip


@entry(Loss)
def binary_cross_entropy(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `binary_cross_entropy_row`."""
    return _of_targets(
        binary_cross_entropy_row, binary_cross_entropy_gradient_row, 0.5, 0.5,
        n, size, columns, y, targets, rows, dx, losses, like,
    )  # fmt: skip


@entry(Loss)
def sigmoid_cross_entropy(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `sigmoid_cross_entropy_row`."""
    return _of_targets(
        sigmoid_cross_entropy_row, sigmoid_cross_entropy_gradient_row, 0.0, 0.5,
        n, size, columns, y, targets, rows, dx, losses, like,
    )  # fmt: skip


@entry(Loss)
def kullback_leibler_divergence(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `kullback_leibler_divergence_row`."""
    return _of_targets(
        kullback_leibler_divergence_row, kullback_leibler_divergence_gradient_row, 0.5, 0.5,
        n, size, columns, y, targets, rows, dx, losses, like,
    )  # fmt: skip


@inline
def _of_labels(row, gradient_row, n, size, columns, y, labels, rows, dx, losses, like):
    """All losses of outputs and labels."""
    p, known, gradients = pointer_at(y, like), pointer_at(labels, int64(0)), pointer_at(dx, like)
    order, results = pointer_at(rows, int64(0)), pointer_at(losses, like)
    one, whole, right = scalar(p, 1.0), scalar(p, size), 0
    for i in range(n):
        out, t = offset(p, i * columns), offset(known, get(order, i))
        right += is_largest(out, columns, get(t, 0))
        put(results, i, row(out, t, columns))
        gradient_row(out, t, columns, one, whole, offset(gradients, i * columns))
    return right


@entry(Loss)
def categorical_hinge(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `categorical_hinge_row`."""
    return _of_labels(
        categorical_hinge_row, categorical_hinge_gradient_row,
        n, size, columns, y, labels, rows, dx, losses, like,
    )  # fmt: skip


@entry(Loss)
def sparse_categorical_cross_entropy(
    n, size, columns, y, targets, labels, rows, numbers, dx, losses, like
):  # fmt: skip
    """See `cross_entropy_row`."""
    return _of_labels(
        cross_entropy_row, cross_entropy_gradient_row,
        n, size, columns, y, labels, rows, dx, losses, like,
    )  # fmt: skip
