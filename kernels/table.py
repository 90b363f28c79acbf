"""The network as data: codes, and the columns of the table of layers that `train_epochs` takes."""

from ._jit import helper

SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR = range(2)

# Kinds of number that rows of x may hold.
FLOAT32, FLOAT64, UINT8 = range(3)

# Columns of the table of layers.
INPUTS, OUTPUTS, WEIGHT, BIAS, ACTIVATION = range(5)

ALIGNMENT = 16  # elements: each buffer of the scratch starts on a cache line of its own


@helper
def padded(count):
    """Elements of a buffer for so many, with those up to the next one."""
    return (count + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
