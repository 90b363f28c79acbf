"""Functions that the loop calls by their addresses, called as it calls them."""

import ctypes

import numpy as np


def call(entry, *arguments):
    """Return what a function of the loop returns for addresses, and last a number of the dtype."""
    *numbers, like = arguments
    dtype = np.asarray(like).dtype
    kinds = *[ctypes.c_int64] * len(entry.convention._fields), np.ctypeslib.as_ctypes_type(dtype)
    return ctypes.CFUNCTYPE(ctypes.c_int64, *kinds)(entry.address(dtype))(*map(int, numbers), like)
