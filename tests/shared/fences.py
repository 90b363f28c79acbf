"""Arrays that lie between two pages that nobody may touch."""

import ctypes
import mmap
import re

import numpy as np

# Products, and what calls them.
PRODUCTS = re.compile("affine_(?!sgd_)|matmul_|convolution_(?!.*in_loop)|train_|predict_|central_")
MEGABYTE = 2**20


class Fences:
    """Memory between pages that nobody may touch, in turn for one array after another."""

    def __init__(self, count, size):
        self.page = mmap.PAGESIZE
        self.end = (-(-size // self.page) + 1) * self.page
        self.maps = [mmap.mmap(-1, self.end + self.page) for _ in range(count)]
        self.used, self.where = 0, "end"
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        for memory in self.maps:
            first = ctypes.addressof(ctypes.c_char.from_buffer(memory))
            for address in (first, first + self.end):
                assert protect(ctypes.c_void_p(address), ctypes.c_size_t(self.page), 0) == 0

    def fill(self, value, dtype):
        for memory in self.maps:
            size = (self.end - self.page) // np.dtype(dtype).itemsize
            np.ndarray(size, dtype, memory, self.page)[...] = value

    def array(self, *shape, dtype):
        """Return an array in the next of the memories, which ends or begins where a page does."""
        memory = self.maps[self.used]
        self.used += 1
        size = np.dtype(dtype).itemsize
        for length in shape:
            size *= length
        assert size <= self.end - self.page
        return np.ndarray(
            shape, dtype, memory, self.page if self.where == "start" else self.end - size
        )

    def copy(self, array):
        copied = self.array(*array.shape, dtype=array.dtype)
        copied[...] = array
        return copied
