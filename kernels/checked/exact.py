"""Kernels that answer False where their arguments have other types than stand on them."""

import numpy as np
from numba import types


def exact(kernel):
    """Make a kernel return False for arguments of other types, and compile nothing for them.

    For kernels that check their arguments themselves: dimensions, layout and writeability, which
    the dispatcher looks at anyway, take Python 0.05 us an array more. The dispatcher does not tell
    apart byte orders, nor subclasses of ndarray: the caller does, `array.dtype is numpy.dtype(...)`
    and `type(array) is numpy.ndarray`. Each version is compiled at its first call.
    """
    numbers = {types.float64: float, types.int64: int}

    def kind_of(t):
        return (t.ndim, np.dtype(t.dtype.name)) if isinstance(t, types.Array) else numbers[t]

    def is_one(argument, kind):
        if isinstance(kind, type):
            return type(argument) is kind
        return (
            type(argument) is np.ndarray
            and (argument.ndim, argument.dtype) == kind
            and argument.flags.carray
        )

    def refuse(*arguments):
        return False

    compile_for_args = kernel._compile_for_args

    def compile_or_refuse(*arguments):
        wanted = [list(map(kind_of, version)) for version in kernel.versions]
        if any(all(map(is_one, arguments, kinds)) for kinds in wanted):
            return compile_for_args(*arguments)
        return refuse  # called by the dispatcher, in place of a new version

    kernel._compile_for_args = compile_or_refuse
    return kernel
