"""IDX files, and what a loader refuses with."""

import struct

NAMES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]


def idx(array, magic):
    return struct.pack(f">{array.ndim + 1}I", magic, *array.shape) + array.tobytes()
