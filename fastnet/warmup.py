"""Compiling ahead: every public kernel, in both dtypes, into the cache."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from numba import boolean, float32, float64, int64, uint8

from fastnet import kernels
from fastnet.kernels import checked, loop_layers, loop_losses, loop_rules, loop_sparse
from fastnet.kernels._jit import Kernel
from fastnet.kernels.called import types_of

__all__ = ["versions"]

# Of outputs and targets, forward (y, t, loss) and backward (y, t, dout, dx).
LOSSES = (
    "mean_squared_error",
    "elementwise_mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "cosine_proximity",
    "hinge",
    "squared_hinge",
    "categorical_cross_entropy",
    "binary_cross_entropy",
    "sigmoid_cross_entropy",
    "kullback_leibler_divergence",
)
ACTIVATIONS = [
    f"{name}_{way}" for name in ("sigmoid", "relu", "tanh") for way in ("forward", "backward")
]

LINEAR_UNITS = ["identity", "step", "softplus", "gelu", "gelu_tanh", "silu"]
SLOPED_UNITS = ["leaky_relu", "elu"]


def versions() -> list[tuple[Any, tuple[Any, ...]]]:
    """Return every kernel of the API with the argument types that fastnet calls it with.

    `kernel.compile(types)` loads one from the cache, or compiles it into the cache.

    Examples
    --------
    >>> from fastnet.warmup import versions
    >>> kernel, types = versions()[0]
    >>> kernel.__name__, types
    ('work_size', (Array(int64, 2, 'C', False, aligned=True), int64))
    """
    # Of no dtype; and loaded at once, should the list be compiled for the sake of training.
    found: list[tuple[Any, tuple[Any, ...]]] = [(kernels.work_size, (int64[:, ::1], int64))]
    found.append((kernels.dropout_mask, (int64, int64, float64, uint8[:, ::1])))
    for dtype in (float32, float64):
        for name, types in _arguments(dtype).items():
            found.append((getattr(kernels, name), types))
        for name in ACTIVATIONS:  # layers give them matrices as they are
            types = (dtype[:, ::1],) * len(_arguments(dtype)[name])
            found.append((getattr(kernels, name), types))
    vector, matrix, labels, team = float64[::1], float64[:, ::1], int64[::1], (int64[::1], int64)
    # layers, params, loss, learn, calls
    network = (int64[:, ::1], vector, int64, boolean, labels)
    some = (vector, int64, int64, vector, vector)  # steps, start, stop, work, grad
    found.append((kernels.central_differences, (matrix, labels, matrix, *network, *some, *team)))
    for kernel in kernels_of(checked):
        found += [(kernel, types) for types in getattr(kernel, "exact_types", ())]
    for module in (loop_losses, loop_rules, loop_layers, loop_sparse):
        for kernel in kernels_of(module):
            found += [(kernel, types_of(kernel, dtype)) for dtype in (float32, float64)]
    return found


def kernels_of(module: ModuleType) -> list[Any]:
    """Return the kernels that stand in a file of `kernels/`, not its helpers."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, Kernel) and value.__module__ == module.__name__
    ]


def _arguments(dtype: Any) -> dict[str, tuple[Any, ...]]:
    """Argument types of the kernels that differ by dtype, by name.

    All arrays are C-contiguous. Those that may have any shape are flat: so is what functions
    give their kernels, and layers for an x that is no matrix.
    """
    vector, matrix = dtype[::1], dtype[:, ::1]
    labels, table, sums = int64[::1], int64[:, ::1], float64[:, ::1]
    rows = (int64, int64, int64, dtype)  # address, kind, row stride and scale of x
    learn = (table, vector, int64, dtype, boolean, labels)  # layers, params, loss, lr, learn, calls
    team = (int64[::1], int64)
    limits = (float64,) * 3  # weight decay, clipping by value and by norm
    masks, cube, four = uint8[:, ::1], dtype[:, :, ::1], (vector,) * 4
    return {
        "train_epochs": (*rows, labels, matrix, int64[:, ::1], int64, *learn, vector, sums, *team),
        "predict_rows": (*rows, int64[::1], table, vector, labels, vector, int64, matrix, *team),
        "affine_forward": (matrix, matrix, vector, int64, matrix),
        "affine_backward": (matrix, matrix, matrix, matrix, matrix, vector),
        "affine_backward_input": (matrix, matrix, matrix, int64, matrix),
        "affine_backward_params": (matrix, matrix, matrix, vector),
        "affine_backward_sgd_update": (matrix, matrix, dtype, matrix, vector),
        "matmul_forward": (matrix, matrix, matrix),
        "matmul_backward": (matrix, matrix, matrix, matrix, matrix),
        "sigmoid_forward": (vector, vector),
        "sigmoid_backward": (vector, vector, vector),
        "relu_forward": (vector, vector),
        "relu_backward": (vector, vector, vector),
        "tanh_forward": (vector, vector),
        "tanh_backward": (vector, vector, vector),
        "exp_forward": (vector, vector),
        "log_forward": (vector, vector),
        "softmax_forward": (matrix, matrix),
        "softmax_backward": (matrix, matrix, matrix),
        "cross_entropy_forward": (matrix, labels, vector),
        "cross_entropy_backward": (matrix, labels, dtype, matrix),
        "softmax_cross_entropy_forward": (matrix, labels, matrix, vector),
        "softmax_cross_entropy_backward": (matrix, labels, dtype, matrix),
        **{f"{name}_forward": (matrix, matrix, vector) for name in LOSSES},
        **{f"{name}_backward": (matrix, matrix, dtype, matrix) for name in LOSSES},
        "huber_forward": (matrix, matrix, dtype, vector),
        "huber_backward": (matrix, matrix, dtype, dtype, matrix),
        "categorical_hinge_forward": (matrix, labels, vector),
        "categorical_hinge_backward": (matrix, labels, dtype, matrix),
        "sigmoid_with_loss_forward": (matrix, matrix, matrix, vector),
        "sgd_update": (vector, dtype, vector),
        "clip_decay_sgd_update": (vector, float64, *limits, vector),
        "momentum_update": (vector, *(float64,) * 2, *limits, vector, vector),
        "nesterov_update": (vector, *(float64,) * 2, *limits, vector, vector),
        "adagrad_update": (vector, *(float64,) * 2, *limits, vector, vector),
        "rmsprop_update": (vector, *(float64,) * 3, *limits, vector, vector),
        "adadelta_update": (vector, *(float64,) * 3, *limits, *(vector,) * 3),
        "adam_update": (vector, *(float64,) * 4, *limits, int64, *(vector,) * 3),
        "nadam_update": (vector, *(float64,) * 4, *limits, int64, *(vector,) * 3),
        "adamw_update": (vector, *(float64,) * 4, *limits, int64, *(vector,) * 3),
        "squared_norm_forward": (vector, float64[::1]),
        **{f"{name}_forward": (matrix, matrix) for name in LINEAR_UNITS},
        **{f"{name}_backward": (matrix, matrix, matrix) for name in LINEAR_UNITS},
        **{f"{name}_forward": (matrix, dtype, matrix) for name in SLOPED_UNITS},
        **{f"{name}_backward": (matrix, dtype, matrix, matrix) for name in SLOPED_UNITS},
        "dropout_forward": (matrix, masks, dtype, matrix),
        "dropout_backward": (masks, dtype, matrix, matrix),
        "batch_normalization_forward": (
            matrix,
            vector,
            vector,
            dtype,
            dtype,
            *[vector] * 4,
            matrix,
        ),
        "batch_normalization_inference_forward": (
            matrix,
            *[vector] * 2,
            dtype,
            *[vector] * 2,
            matrix,
        ),
        "batch_normalization_backward": (matrix, *four[1:], matrix, matrix, vector, vector),
        "embedding_forward": (matrix, labels, matrix),
        "embedding_backward": (labels, matrix, matrix),
        "add_forward": (matrix, matrix, matrix),
        "add_backward": (matrix, matrix, matrix),
        "multiply_forward": (matrix, matrix, matrix),
        "multiply_backward": (matrix, matrix, matrix, matrix, matrix),
        "repeat_forward": (matrix, cube),
        "repeat_backward": (cube, matrix),
        "sum_forward": (cube, matrix),
        "sum_backward": (matrix, cube),
        "l1_penalty_forward": (vector, dtype, vector),
        "l1_penalty_backward": (vector, dtype, vector),
        "l2_penalty_forward": (vector, dtype, vector),
        "l2_penalty_backward": (vector, dtype, vector),
    }
