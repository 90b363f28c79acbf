"""The network as data: records with named fields, as the compiled loop takes them.

What a field means stands in ``kernels/loop/record.py``. The functions here write a program of
dense layers; it goes to the compiled kernels as well as to their twins.
"""

from itertools import pairwise

import numpy as np

SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR = 0, 1
FLOAT32, FLOAT64, UINT8 = 0, 1, 2


def _record(names):
    """Return the dtype of a record: numbers for x are float64, all else int64."""
    kinds = {True: np.float64, False: np.int64}
    return np.dtype([(name, kinds[name[:2] == "x_"]) for name in names.split()])


LAYER = _record(
    "inputs outputs weight bias activation forward backward count state row_scratch scratch whole "
    "frozen gradient own steps decays"
)
PROGRAM = _record(
    "layers depth x_scale x_offset loss loss_numbers states seed rule grads hyper slots updates "
    "rates rate_count penalty penalty_numbers sparse_forward sparse_backward weights lowest "
    "learning ranges room drawn steps records one_by_one"
)


def layers_of(rows):
    """Return the records of layers whose first fields are given, a row a layer; the others are 0.

    Mostly these are inputs, outputs, weight, bias and activation.
    """
    layers = np.zeros(len(rows), LAYER)
    for layer, row in zip(layers, rows, strict=True):
        for name, value in zip(LAYER.names, row, strict=False):
            layer[name] = value
    return layers


def dense_layers(widths, activations):
    """Return the records of dense layers from width to width, and how many parameters they have.

    W and b of each follow those of the one before it.
    """
    rows, start = [], 0
    for (d, m), activation in zip(pairwise(widths), activations, strict=True):
        rows.append((d, m, start, start + d * m, activation))
        start += d * m + m
    return layers_of(rows), start


def program_of(layers, loss=SOFTMAX_CROSS_ENTROPY, /, **fields):
    """Return the program (1,) of these layers with a loss and other fields, by name.

    A copy of the layers stands behind it in the same memory, so that it lives as long. Of an array
    the program holds the address: the caller keeps it alive.
    """
    both = np.zeros(1, [("program", PROGRAM), ("layers", LAYER, (len(layers),))])
    both["layers"] = layers
    programs = both["program"]
    given = {"layers": both["layers"], "depth": len(layers), "loss": loss}
    given |= {"x_scale": 1.0, "x_offset": -0.0} | fields
    for name, value in given.items():
        programs[name] = value.ctypes.data if isinstance(value, np.ndarray) else value
    return programs
