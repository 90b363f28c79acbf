"""The network as data: what the compiled loop is told, in NumPy records with named fields.

`fastnet.models` fills them in. Addresses are int64; what lies there is of the network's dtype
unless the field says otherwise, and the caller keeps it alive.
"""

import numpy as np
from llvmlite import ir
from numba import from_dtype, types
from numba.extending import intrinsic

from .._compile import helper
from ..simd import INT64

SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR = range(2)

# Kinds of number that rows of x may hold.
FLOAT32, FLOAT64, UINT8 = range(3)

LAYER = np.dtype(
    [
        (name, np.int64)
        for name in (
            "inputs",  # columns of its input, and
            "outputs",  # of its output; of a product those of W
            "weight",  # where in params its first parameter stands, -1: it has none
            "bias",  # where b (outputs,) of a dense layer stands, -1: it has none
            "activation",  # IDENTITY, SIGMOID, RELU or TANH: fused with a dense layer
            "forward",  # 0: dense with W (inputs, outputs), or, without, its activation alone;
            "backward",  # else two functions by address, `calls.LayerForward` and LayerBackward,
            "count",  # parameters of a layer by address,
            "state",  # where in program.states its own numbers and memory stand,
            "row_scratch",  # elements of scratch that it asks for: for each row of a batch,
            "scratch",  # and for the batch,
            "whole",  # and whether it takes all rows of a batch at once
            "frozen",  # 1: its parameters stay as they are
            "gradient",  # 0, or a third function: `calls.LayerGradient`
            "own",  # elements of scratch that a thread has alone, while it calls the layer
            "steps",  # rows that a product makes of a sample, one for each step; 0: one
            "decays",  # of a layer by address: parameters, its first, that penalties go by
        )
    ]
)

PROGRAM = np.dtype(
    [
        ("layers", np.int64),  # address of `depth` records of LAYER
        ("depth", np.int64),
        # Every element of x is multiplied by the first as it is read, and the second is added, both
        # rounded to the network's dtype: 1 and -0.0 change nothing.
        ("x_scale", np.float64),
        ("x_offset", np.float64),
        # SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR or the address of a `calls.Loss`
        ("loss", np.int64),
        ("loss_numbers", np.int64),  # address of float64: the loss's own
        ("states", np.int64),  # what layers by address remember,
        ("seed", np.int64),  # and of the random numbers that they draw
        # 0: params -= lr * gradient, folded into the gradient's product. Else `calls.Rule`, from
        # the gradients at `grads` (P,), with `hyper`, float64, and `slots` (K, P), its states.
        ("rule", np.int64),
        ("grads", np.int64),
        ("hyper", np.int64),
        ("slots", np.int64),
        ("updates", np.int64),  # done before this call
        ("rates", np.int64),  # 0, or float64: the learning rate of each update,
        ("rate_count", np.int64),  # so many
        ("penalty", np.int64),  # 0, or `calls.Penalty`, with
        ("penalty_numbers", np.int64),  # address of float64: l1, l2, and room for its value
        # 0, or the products of a first layer (with a bias) whose x is mostly zeros, as far as they
        # skip them: with the same results but for the sign of a zero
        ("sparse_forward", np.int64),
        ("sparse_backward", np.int64),
        # 0, or what each sample's loss and its gradient are multiplied by; below 0: it does not
        # count, so the mean of a batch is that of the others
        ("weights", np.int64),
        ("lowest", np.int64),  # layer that learns: no gradient is sent below it
        # Where some layers are frozen, 0 or a rule's: (ranges, 2) int64, where in params those that
        # learn start and stop, and room for 2 P numbers, where the rule finds them side by side
        ("learning", np.int64),
        ("ranges", np.int64),
        ("room", np.int64),
        ("drawn", np.int64),  # updates before this call for which `seed` has drawn
        # Rows that the loss has for a sample, one for each step, with a label or targets each;
        # 0: one
        ("steps", np.int64),
        ("records", np.int64),  # 0, or how many of LAYER stand there, with those of heads
        ("one_by_one", np.int64),  # 0, or `calls.OneByOne`, for batches of one
    ]
)

# One of several stacks behind the same layer, with a loss of its own: see `loop.branches`. What has
# the name of a field of PROGRAM is what it is there.
HEAD = np.dtype(
    [
        ("count", np.int64),  # of heads: their records stand side by side
        # Address of `depth` records of LAYER, before which one stands that is no layer: IDENTITY
        ("layers", np.int64),
        ("depth", np.int64),
        ("lowest", np.int64),  # of its layers that learns; `depth`: none
        ("start", np.int64),  # where in params the first parameter of all heads stands
        ("columns", np.int64),  # numbers that it gives for a sample
        ("states", np.int64),
        ("grads", np.int64),
        ("loss", np.int64),
        ("loss_numbers", np.int64),
        ("weights", np.int64),
        ("steps", np.int64),
        ("loss_weight", np.float64),  # its share of the loss of all
        ("labels", np.int64),  # addresses of its own
        ("targets", np.int64),
        # 0, or address of (E, n) int64, the order of the call's samples, of which the loss of this
        # head and its right answers go to `results` (count, E, n, 2) float64
        ("order", np.int64),
        ("results", np.int64),
        ("samples", np.int64),  # n
        ("batch_size", np.int64),
    ]
)

program_type = from_dtype(PROGRAM)[::1]
_layer_type, _head_type = from_dtype(LAYER), from_dtype(HEAD)

MAX_NORM, LR = range(2)  # the first numbers of `hyper`; the rule's others follow LR
PENALIZED = 2  # of `penalty_numbers`: where the penalty leaves its value

ALIGNMENT = 16  # elements: each buffer of the scratch starts on a cache line of its own


@intrinsic
def layer_at(typingctx, layers, i):
    """The record of layer i, by the address of the first."""

    def codegen(context, builder, sig, args):
        size = ir.Constant(INT64, LAYER.itemsize)
        address = builder.add(args[0], builder.mul(args[1], size))
        return builder.inttoptr(address, context.get_value_type(_layer_type))

    return _layer_type(types.int64, types.int64), codegen


@intrinsic
def head_at(typingctx, heads, j):
    """The record of head j, by the address of the first."""

    def codegen(context, builder, sig, args):
        size = ir.Constant(INT64, HEAD.itemsize)
        address = builder.add(args[0], builder.mul(args[1], size))
        return builder.inttoptr(address, context.get_value_type(_head_type))

    return _head_type(types.int64, types.int64), codegen


@helper
def steps_of(record):
    """Rows that a sample has, of a LAYER, a PROGRAM or a HEAD."""
    return max(1, record.steps)


@helper
def width_in(layer):
    """Elements of one sample's input."""
    return layer.inputs * steps_of(layer)


@helper
def width_out(layer):
    """Elements of one sample's output."""
    return layer.outputs * steps_of(layer)


@helper
def padded(count):
    """Elements of a buffer for so many, with those up to the next one."""
    return (count + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
