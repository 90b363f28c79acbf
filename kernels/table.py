"""The network as data: codes, and the columns of the table of layers that `train_epochs` takes."""

from ._jit import helper

SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR = range(2)

# Kinds of number that rows of x may hold.
FLOAT32, FLOAT64, UINT8 = range(3)

# Columns of the table of layers. Where there are more than five: a layer with FORWARD is two
# functions by address, with COUNT parameters from WEIGHT on, numbers of its own from STATE on in
# `state`, and all rows of a batch at once where WHOLE is 1.
INPUTS, OUTPUTS, WEIGHT, BIAS, ACTIVATION, FORWARD, BACKWARD, COUNT, STATE, WHOLE = range(10)

# Words of `calls`, all 0 for dense layers and SGD with one learning rate: functions and arrays by
# address. RATES and HYPER are float64, the other arrays of the network's dtype.
#   RATES     learning rate of each update of the call, RATE_COUNT of them
#   RULE      updates the whole of params from GRADS (P,): see `loop_rules`. HYPER holds its
#             numbers, SLOTS (K, P) what it remembers; UPDATES were done before
#   STATES    what layers by address remember; SEED, of the random numbers that they draw
#   PENALTY   adds to GRADS, before RULE, the gradient of what large W cost: see `loop_rules`
#   SPARSE_FORWARD, SPARSE_BACKWARD  the products of a first layer whose x is mostly zeros, as far
#             as zeros are skipped: see `loop_sparse`
# Words that are float64 numbers:
#   LOSS      of a loss by address, its own
#   L1, L2    strengths of the penalty; PENALIZED is where it leaves its value
RATES, RATE_COUNT, RULE, HYPER, GRADS, SLOTS, UPDATES, STATES, SEED, PENALTY = range(10)
LOSS, L1, L2, PENALIZED = range(10, 14)
SPARSE_FORWARD, SPARSE_BACKWARD = 14, 15
CALLS = 16

MAX_NORM, LR = range(2)  # the first numbers of HYPER; the rule's others follow LR

ALIGNMENT = 16  # elements: each buffer of the scratch starts on a cache line of its own


@helper
def padded(count):
    """Elements of a buffer for so many, with those up to the next one."""
    return (count + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


@helper
def is_called(layers, i):
    """Whether a layer is functions by address."""
    return layers.shape[1] > FORWARD and layers[i, FORWARD] != 0
