"""The weighted losses of a batch by hand: what the compiled loop computes of them."""

from numba import int64

from .._compile import jit, labels, matrix, vector
from ..loop.record import program_type
from ..loop.stages import sum_of_losses
from ..loop.weights import count_rows, weighted_losses_of
from ..simd import pointer, put, scalar


@jit(matrix, labels, matrix, int64[::1], program_type, vector, matrix, vector)
def weighted_loss(y, t_labels, targets, rows, programs, losses, dx, loss):
    """The mean loss of a batch whose samples have weights, and its gradient.

        loss[0] = 1 / counted * sum over n of weights[n] * losses[n]

    Parameters
    ----------
    y : (N, C) float32 or float64, C-contiguous
        Outputs.
    t_labels : (N,) int64
        Class labels; empty where the loss takes targets.
    targets : (N, C), same dtype, C-contiguous
        (0, 0) where the loss takes labels.
    rows : (N,) int64
        0 to N - 1.
    programs : (1,) PROGRAM
        Its loss, the loss's numbers and the weights are read.
    losses : (N,), same dtype
        Overwritten: each with its weight.
    dx : (N, C), same dtype, C-contiguous
        Overwritten: the gradient of the mean.
    loss : (1,), same dtype
        Overwritten: 0 where no sample counts.
    """
    program, p, (n, columns) = programs[0], pointer(y), y.shape
    counted = count_rows(program, scalar(p, 0.0), pointer(rows), n)
    weighted_losses_of(
        program, n, counted, columns, p, pointer(targets), pointer(t_labels), pointer(rows),
        pointer(dx), pointer(losses),
    )  # fmt: skip
    put(pointer(loss), 0, sum_of_losses(pointer(losses), n) / max(counted, 1))
