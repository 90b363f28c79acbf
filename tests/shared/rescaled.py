"""Numbers of every dtype for a rescaling, and bits that are compared."""

import numpy as np

KINDS = ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"]


KINDS += ["float16", "float32", "float64"]


def bits(array):
    return np.ascontiguousarray(array).tobytes()


ONES, ANSWERS = np.eye(6)[np.arange(300) % 6], np.arange(300) % 6


PIXELS = np.random.default_rng(1).integers(0, 256, (120, 21), np.uint8)
