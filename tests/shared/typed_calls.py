"""Every public kernel with arguments that fit it."""

import inspect

from in_turn import with_each
from numba import types

from fastnet import kernels
from fastnet.kernels._compile import Kernel

PUBLIC = {
    name: getattr(kernels, name)
    for name in kernels.__all__
    if isinstance(getattr(kernels, name), Kernel)
}
every_kernel = with_each("name", PUBLIC)


def arrays_of(kernel, version):
    """Yield the position, name and type of each array that a kernel takes."""
    for at, name in enumerate(inspect.signature(kernel.py_func).parameters):
        if isinstance(version[at], types.Array):
            yield at, name, version[at]
