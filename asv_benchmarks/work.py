"""What each kernel has to do: the FLOPs, and the bytes that must move.

`KERNELS` is the one table of it; families.py has the sizes, arguments.py makes arguments. FLOPs are
counted by the equation in the kernel's docstring: an addition, multiplication, division, root or
comparison is 1, a multiply-add 2, copying, conversions and the operations of bits 0. Where the
equation has a transcendental function, the operations of its polynomial count, see ELEMENTARY.
The bytes are those of every array once, read or written; twice where it is updated in place.
"""

import math
from typing import NamedTuple

import numpy as np

from asv_benchmarks.families import FAMILIES

# FLOPs of the vector forms in kernels/elementary.py, float32 and float64: the polynomials differ.
ELEMENTARY = {
    "exp": (22, 32),
    "log": (28, 34),
    "sigmoid": (27, 37),
    "tanh": (37, 47),
    "softplus": (47, 63),
    "cdf": (63, 97),  # of the normal distribution, and its density
}


def gated(gates, *biases):
    """Return the axes of the weights of a recurrent layer, and of their gradients."""
    columns = f"{gates}*H"
    shapes = {"Wx": ("D", columns), "Wh": ("H", columns), "b": (*biases, columns)}
    return shapes | {f"d{name}": shape for name, shape in shapes.items()}


class Work(NamedTuple):
    sizes: str  # a key of FAMILIES
    flops: str  # of the sizes and of ELEMENTARY
    moves: dict = {}  # argument -> how many times it moves, where it is not once
    axes: dict = {}  # as those of its family, of arguments that are its own


# Of an element of an activation, forward and backward.
ACTIVATIONS = {
    "identity": ("0", "0"),
    "step": ("2", "0"),
    "sigmoid": ("sigmoid", "3"),
    "relu": ("1", "1"),
    "tanh": ("tanh", "3"),
    "leaky_relu": ("2", "2"),
    "elu": ("exp + 2", "3"),
    "softplus": ("softplus", "exp + 1"),
    "gelu": ("cdf + 1", "cdf + 4"),
    "gelu_tanh": ("sigmoid + 6", "sigmoid + 13"),  # (1 + tanh(u)) / 2 = sigmoid(2 u)
    "silu": ("sigmoid + 1", "sigmoid + 3"),
    "mish": ("exp + 5", "exp + 12"),
}
UNREAD = {"identity_backward": {"out": 0}, "step_backward": {"out": 0, "dout": 0}}

# Forward, and both products of each of the two gradients; gates go forward, and back by products.
_STEPS = "N*T*H*"
_IDLE = {"panel": 0, "work": 0}
RECURRENCES = {
    "rnn": ("2*(D + H) + 1 + sigmoid", "4*(D + H) + 4", gated(1)),
    "lstm": ("8*(D + H) + 4 + 3*sigmoid + 2*tanh + 4", "16*(D + H) + 32", gated(4)),
    "gru": ("6*(D + H) + 3 + 2*sigmoid + tanh + 4", "12*(D + H) + 24", gated(3)),
    "reset_after_gru": (
        "6*(D + H) + 6 + 2*sigmoid + tanh + 8", "12*(D + H) + 30", gated(3, "2")
    ),
}  # fmt: skip

UPDATED = {"param": 2, "h": 2, "s": 2, "m": 2, "v": 2}  # the parameter, and what a rule remembers
LABELLED = {"y": "1/C"}  # one element of each row

# Of an output of a loss, forward and backward.
LOSSES = {
    "mean_squared_error": ("3", "3"),
    "elementwise_mean_squared_error": ("3", "4"),
    "mean_absolute_error": ("2", "5"),
    "mean_absolute_percentage_error": ("5", "8"),
    "mean_squared_logarithmic_error": ("2*log + 5", "2*log + 9"),
    "poisson": ("log + 4", "5"),
    "huber": ("7", "5"),
    "log_cosh": ("exp + log + 8", "tanh + 3"),
    "cosine_proximity": ("6", "11"),
    "hinge": ("4", "4"),
    "squared_hinge": ("5", "7"),
    "categorical_hinge": ("1", "1"),
    "categorical_cross_entropy": ("log + 3", "4"),
    "binary_cross_entropy": ("2*log + 6", "7"),
    "sigmoid_cross_entropy": ("softplus + 3", "sigmoid + 3"),
    "kullback_leibler_divergence": ("2*log + 3", "4"),
}

KERNELS = {
    "exp_forward": Work("P", "P*exp"),
    "log_forward": Work("P", "P*log"),
    **{
        f"{name}_{direction}": Work("P", f"P*({flops})", UNREAD.get(f"{name}_{direction}", {}))
        for name, pair in ACTIVATIONS.items()
        for direction, flops in zip(("forward", "backward"), pair, strict=True)
    },
    "rescaling_forward": Work("P", "2*P"),
    "rescaling_backward": Work("P", "P"),
    "dropout_mask": Work("P", "0"),
    "dropout_forward": Work("P", "2*P"),
    "dropout_backward": Work("P", "2*P"),
    "batch_normalization_forward": Work("N D", "8*N*D", {"running_mean": 2, "running_var": 2}),
    "batch_normalization_inference_forward": Work("N D", "3*N*D"),
    "batch_normalization_backward": Work("N D", "9*N*D"),
    "embedding_forward": Work("V H N", "0", {"W": "min(1, N/V)"}),
    "embedding_backward": Work("V H N", "N*H"),
    # Every word with two before it; of the matrix a line of the cache each time.
    "co_occurrence_forward": Work("V N", "0", {"counts": "min(1, 128*N/V/V)"}),
    "ppmi_forward": Work("V N", "V*V*(log + 4)"),  # of a matrix without zeros
    "embedding_dot_forward": Work("N V H", "2*N*H", {"W": "min(1, N/V)"}),
    "embedding_dot_backward": Work("N V H", "3*N*H", {"W": "min(1, N/V)"}),
    "weight_sum_forward": Work("N T S H", "2*N*T*S*H"),
    "weight_sum_backward": Work("N T S H", "4*N*T*S*H"),
    "attention_weight_forward": Work("N T S H", "N*S*T*(2*H + exp + 4)"),
    "attention_weight_backward": Work("N T S H", "N*S*T*(4*H + 4)"),
    "attention_forward": Work("N T S H", "N*S*T*(4*H + exp + 4)"),
    "attention_backward": Work("N T S H", "N*S*T*(8*H + 4)"),
    **{
        f"{name}_{direction}": Work("N T D H", f"{_STEPS}({flops})", _IDLE, axes)
        for name, (*pair, axes) in RECURRENCES.items()
        for direction, flops in zip(("forward", "backward"), pair, strict=True)
    },
    "add_forward": Work("P", "P"),
    "add_backward": Work("P", "0"),
    "multiply_forward": Work("P", "P"),
    "multiply_backward": Work("P", "2*P"),
    "repeat_forward": Work("A B C", "0"),
    "repeat_backward": Work("A B C", "A*B*C"),
    "sum_forward": Work("A B C", "A*B*C"),
    "sum_backward": Work("A B C", "0"),
    "relu_bits_forward": Work("P", "P", axes={"bits": ("(P + 7) // 8",)}),
    "relu_bits_backward": Work("P", "P", axes={"bits": ("(P + 7) // 8",)}),
    "max_pooling_2x2_forward": Work("N H W C", "3*N*Y*X*C"),
    "max_pooling_2x2_backward": Work("N H W C", "4*N*Y*X*C"),
    "max_pooling_forward": Work("N H W C", "3*N*Y*X*C"),
    "max_pooling_backward": Work("N H W C", "8*N*Y*X*C"),
    "average_pooling_forward": Work("N H W C", "5*N*Y*X*C"),
    "average_pooling_backward": Work("N H W C", "8*N*Y*X*C"),
    "global_average_pooling_forward": Work("A B C", "A*B*C + A*C"),
    "global_average_pooling_backward": Work("A B C", "A*C"),
    "l1_penalty_forward": Work("P", "P"),
    "l1_penalty_backward": Work("P", "2*P", {"dW": 2}),
    "l2_penalty_forward": Work("P", "2*P"),
    "l2_penalty_backward": Work("P", "2*P", {"dW": 2}),
    "matmul_forward": Work("N D M", "2*N*D*M"),
    "matmul_backward": Work("N D M", "4*N*D*M"),
    "affine_forward": Work("N D M", "N*M*(2*D + 1 + sigmoid)"),
    "affine_backward": Work("N D M", "N*M*(4*D + 1)"),
    "affine_backward_input": Work("N D M", "N*D*(2*M + 3)"),
    "affine_backward_params": Work("N D M", "N*M*(2*D + 1)"),
    "affine_backward_sgd_update": Work("N D M", "N*M*(2*D + 1) + 2*(D + 1)*M", {"W": 2, "b": 2}),
    "convolution_forward": Work(
        "N H C M K G", "N*H*H*M*(2*K*K*C/G + 1 + sigmoid)", {"work": 0, "geometry": 0}
    ),
    "convolution_backward_input": Work(
        "N H C M K G", "2*N*H*H*M*K*K*C/G", {"work": 0, "geometry": 0}
    ),
    "convolution_backward_params": Work(
        "N H C M K G", "N*H*H*M*(2*K*K*C/G + 1)", {"work": 0, "geometry": 0}
    ),
    "im2col_forward": Work("N H C K", "0"),
    "col2im_forward": Work("N H C K", "N*H*H*C*K*K"),
    "softmax_forward": Work("N C", "N*C*(exp + 4)"),
    "softmax_backward": Work("N C", "4*N*C"),
    "cross_entropy_forward": Work("N C", "N*(log + 2)", LABELLED),
    "cross_entropy_backward": Work("N C", "3*N", LABELLED),
    "softmax_cross_entropy_forward": Work("N C", "N*C*(exp + 4) + N*(log + 3)"),
    "softmax_cross_entropy_backward": Work("N C", "2*N*C + N"),
    "sequence_loss_forward": Work("N C", "N*C*(exp + 4) + N*(log + 3)"),
    "sequence_loss_backward": Work("N C", "2*N*C"),
    "soft_cross_entropy_forward": Work("N C", "N*C*(exp + 8) + N*(log + 2)"),
    "soft_cross_entropy_backward": Work("N C", "5*N*C"),
    **{
        f"{name}_{direction}": Work("N C", f"N*C*({flops})")
        for name, pair in LOSSES.items()
        for direction, flops in zip(("forward", "backward"), pair, strict=True)
    },
    "sigmoid_with_loss_forward": Work("N C", "N*C*(sigmoid + log + 4)"),
    "sgd_update": Work("P", "2*P", UPDATED),
    "clip_decay_sgd_update": Work("P", "5*P", UPDATED),  # scaled and clipped: 3 in each rule
    "momentum_update": Work("P", "7*P", UPDATED),
    "nesterov_update": Work("P", "10*P", UPDATED),
    "adagrad_update": Work("P", "10*P", UPDATED),
    "rmsprop_update": Work("P", "12*P", UPDATED),
    "adadelta_update": Work("P", "18*P", UPDATED),
    "adam_update": Work("P", "15*P", UPDATED),
    "nadam_update": Work("P", "18*P", UPDATED),
    "adamw_update": Work("P", "17*P", UPDATED),
    "lion_update": Work("P", "14*P", UPDATED),
    "squared_norm_forward": Work("P", "2*P"),
    # Forward, both dW, the dx of the second layer, and the update.
    "train_epochs": Work(
        "N D H C",
        "N*(4*D*H + 6*H*C + H*(sigmoid + 5) + C*(exp + 8)) + 2*(D + 1)*H + 2*(H + 1)*C",
        {"params": 2, "work": 0},
    ),
    "predict_rows": Work("N D H C", "N*(2*D*H + 2*H*C + H*(sigmoid + 1) + C)", {"work": 0}),
    # Two losses a parameter: of the first layer with all that follows, of the second with the loss.
    "central_differences": Work(
        "N D H C",
        "2*N*((D + 1)*H*(sigmoid + 2 + 2*H*C + C*(exp + 4)) + (H + 1)*C*(2 + C*(exp + 4)))",
        {"work": 0},
    ),
}

# A shuffle works on whole numbers; how long a draw takes is a matter of the words; the last returns
# a number, from a table of a few.
WITHOUT_WORK = {"shuffle_forward", "unigram_sampler_forward", "work_size"}


def sizes_of(name, shape=None):
    """Return the sizes of a kernel by letter; raise ValueError for a shape that does not fit."""
    letters = KERNELS[name].sizes.split()
    default = FAMILIES[KERNELS[name].sizes].shape
    shape = default if shape is None else shape
    wanted, fits = ",".join(letters), len(shape) == len(letters)
    if letters == ["P"]:
        wanted, fits = "any sizes", len(shape) > 0
    if not fits or min(shape) < 1:
        raise ValueError(
            f"--shape must be {wanted} for {name}, each at least 1, got "
            f"{','.join(map(str, shape))}. Try --shape {','.join(map(str, default))}."
        )
    if letters == ["P"]:
        shape = [math.prod(shape)]
    sizes = dict(zip(letters, shape, strict=True))
    if "H W" in KERNELS[name].sizes:
        sizes |= {"Y": sizes["H"] // 2, "X": sizes["W"] // 2}
    return sizes


def flops_of(name, sizes, dtype):
    """Return the FLOPs of a call."""
    costs = {word: cost[dtype == "float64"] for word, cost in ELEMENTARY.items()}
    return float(eval(KERNELS[name].flops, {}, sizes | costs))


def moves_of(name, sizes, arguments):
    """Return {argument: how many times it moves} of a kernel's arrays."""
    moves = KERNELS[name].moves
    return {
        argument: eval(str(moves.get(argument, 1)), {"min": min}, sizes)
        for argument, value in arguments.items()
        if isinstance(value, np.ndarray)
    }


def bytes_of(name, sizes, arguments):
    """Return the bytes that a call must move at least."""
    moves = moves_of(name, sizes, arguments)
    return sum(arguments[argument].nbytes * times for argument, times in moves.items())


def working_set_of(name, sizes, arguments):
    """Return the bytes of memory that a call touches."""
    moves = moves_of(name, sizes, arguments)
    return sum(arguments[argument].nbytes * min(1, times) for argument, times in moves.items())
