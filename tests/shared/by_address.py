"""Functions that the loop calls by their addresses, called as it calls them."""

import ctypes

import numpy as np


def call(entry, *arguments):
    """Return what an `Entry` returns for numbers and addresses, and last one of the dtype."""
    *numbers, like = arguments
    dtype = np.asarray(like).dtype
    kinds = *[ctypes.c_int64] * len(entry.convention._fields), np.ctypeslib.as_ctypes_type(dtype)
    return ctypes.CFUNCTYPE(ctypes.c_int64, *kinds)(entry.address(dtype))(*map(int, numbers), like)
