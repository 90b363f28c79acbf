"""The compiled kernels: every `@njit` of the project, callable from your own jitted code."""

if __name__ != "fastnet.kernels":
    raise ImportError(
        f"fastnet.kernels: the package must be imported by that name, got {__name__!r}. Write "
        "`import fastnet.kernels`; to use another project's `kernels`, run Python outside "
        "fastnet's checkout."
    )

from .activations import (
    IDENTITY,
    RELU,
    SIGMOID,
    TANH,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)
from .affine import (
    affine_backward,
    affine_backward_input,
    affine_backward_params,
    affine_backward_sgd_update,
    affine_forward,
)
from .cross_entropy import (
    binary_cross_entropy_backward,
    binary_cross_entropy_forward,
    categorical_cross_entropy_backward,
    categorical_cross_entropy_forward,
    kullback_leibler_divergence_backward,
    kullback_leibler_divergence_forward,
    sigmoid_cross_entropy_backward,
    sigmoid_cross_entropy_forward,
    sigmoid_with_loss_forward,
)
from .elementary import exp_forward, log_forward
from .gemm import matmul_backward, matmul_forward
from .hinge import (
    categorical_hinge_backward,
    categorical_hinge_forward,
    hinge_backward,
    hinge_forward,
    squared_hinge_backward,
    squared_hinge_forward,
)
from .losses import (
    cosine_proximity_backward,
    cosine_proximity_forward,
    elementwise_mean_squared_error_backward,
    elementwise_mean_squared_error_forward,
    huber_backward,
    huber_forward,
    mean_absolute_error_backward,
    mean_absolute_error_forward,
    mean_absolute_percentage_error_backward,
    mean_absolute_percentage_error_forward,
    mean_squared_error_backward,
    mean_squared_error_forward,
    mean_squared_logarithmic_error_backward,
    mean_squared_logarithmic_error_forward,
    poisson_backward,
    poisson_forward,
)
from .softmax import (
    cross_entropy_backward,
    cross_entropy_forward,
    softmax_backward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
    softmax_forward,
)
from .table import FLOAT32, FLOAT64, MEAN_SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY, UINT8
from .training import predict_rows, train_epochs, work_size
from .updates import sgd_update

__all__ = [
    "FLOAT32",
    "FLOAT64",
    "IDENTITY",
    "MEAN_SQUARED_ERROR",
    "RELU",
    "SIGMOID",
    "SOFTMAX_CROSS_ENTROPY",
    "TANH",
    "UINT8",
    "affine_backward",
    "affine_backward_input",
    "affine_backward_params",
    "affine_backward_sgd_update",
    "affine_forward",
    "binary_cross_entropy_backward",
    "binary_cross_entropy_forward",
    "categorical_cross_entropy_backward",
    "categorical_cross_entropy_forward",
    "categorical_hinge_backward",
    "categorical_hinge_forward",
    "cosine_proximity_backward",
    "cosine_proximity_forward",
    "cross_entropy_backward",
    "cross_entropy_forward",
    "elementwise_mean_squared_error_backward",
    "elementwise_mean_squared_error_forward",
    "exp_forward",
    "hinge_backward",
    "hinge_forward",
    "huber_backward",
    "huber_forward",
    "kullback_leibler_divergence_backward",
    "kullback_leibler_divergence_forward",
    "log_forward",
    "matmul_backward",
    "matmul_forward",
    "mean_absolute_error_backward",
    "mean_absolute_error_forward",
    "mean_absolute_percentage_error_backward",
    "mean_absolute_percentage_error_forward",
    "mean_squared_error_backward",
    "mean_squared_error_forward",
    "mean_squared_logarithmic_error_backward",
    "mean_squared_logarithmic_error_forward",
    "poisson_backward",
    "poisson_forward",
    "predict_rows",
    "relu_backward",
    "relu_forward",
    "sgd_update",
    "sigmoid_backward",
    "sigmoid_cross_entropy_backward",
    "sigmoid_cross_entropy_forward",
    "sigmoid_forward",
    "sigmoid_with_loss_forward",
    "softmax_backward",
    "softmax_cross_entropy_backward",
    "softmax_cross_entropy_forward",
    "softmax_forward",
    "squared_hinge_backward",
    "squared_hinge_forward",
    "tanh_backward",
    "tanh_forward",
    "train_epochs",
    "work_size",
]
