"""Arrays that lie between two fences: pages that nobody may touch."""

import ctypes
import mmap
import re

import numpy as np
from llvmlite import binding

# Products, and what calls them.
PRODUCTS = re.compile("affine_(?!sgd_)|matmul_|convolution_(?!.*in_loop)|train_|predict_|central_")
MEGABYTE = 2**20


class Fences:
    """Memory between pages that nobody may touch, in turn for one array after another.

    Those of a megabyte, so that what goes wrong by a whole panel is not behind them already.
    """

    def __init__(self, count, size):
        self.begin = MEGABYTE
        self.end = self.begin + -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        self.maps = [mmap.mmap(-1, self.end + MEGABYTE) for _ in range(count)]
        self.used, self.where = 0, "end"
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        for memory in self.maps:
            first = ctypes.addressof(ctypes.c_char.from_buffer(memory))
            for address in (first, first + self.end):
                assert protect(ctypes.c_void_p(address), ctypes.c_size_t(MEGABYTE), 0) == 0

    def fill(self, value, dtype):
        for memory in self.maps:
            size = (self.end - self.begin) // np.dtype(dtype).itemsize
            np.ndarray(size, dtype, memory, self.begin)[...] = value

    def array(self, *shape, dtype):
        """Return an array in the next of the memories, which ends or begins where a page does."""
        memory = self.maps[self.used]
        self.used += 1
        size = np.dtype(dtype).itemsize
        for length in shape:
            size *= length
        assert size <= self.end - self.begin
        return np.ndarray(
            shape, dtype, memory, self.begin if self.where == "start" else self.end - size
        )

    def copy(self, array):
        copied = self.array(*array.shape, dtype=array.dtype)
        copied[...] = array
        return copied


def fence_allocations(fences):
    """Give kernels that ask the C library for memory a piece between fences, too, from here on.

    A kernel asks for a piece when it has given back the one before. LLVM looks for functions among
    those that are added here first. Returns the list of the sizes that are asked for.
    """
    memory, sizes = Fences(1, 16 * MEGABYTE), []

    def allocate(size):
        memory.used, memory.where = 0, fences.where
        sizes.append(size)
        return memory.array(size, dtype=np.uint8).ctypes.data

    malloc = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int64)(allocate)
    free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda p: None)
    binding.add_symbol("malloc", ctypes.cast(malloc, ctypes.c_void_p).value)
    binding.add_symbol("free", ctypes.cast(free, ctypes.c_void_p).value)
    fences.functions = malloc, free  # which ctypes forgets with the last name of them
    return sizes
