"""Where arrays lie in memory."""

from numba import int64, uint8

from .._compile import inline, jit, matrix
from .exact import exact


@inline
def aligned(array):
    """Whether an array is where LLVM takes it to be, which the dispatcher does not look at."""
    return array.ctypes.data % array.itemsize == 0


@inline
def is_product(x, W):
    """Whether x (N, D) @ W (D, M) are numbers, and both lie as kernels read them."""
    return x.shape[1] == W.shape[0] and x.size > 0 and W.size > 0 and aligned(x) and aligned(W)


@inline
def apart(grad, param):
    """Whether a loop may read one while it writes the other: NumPy looks ahead."""
    if not (aligned(grad) and aligned(param)):
        return False
    first, second, size = grad.ctypes.data, param.ctypes.data, grad.size * grad.itemsize
    return first == second or first + size <= second or second + size <= first


@exact
@jit((matrix,), (uint8[:, ::1],))
def address_of(x):
    """Address of the first element of a matrix.

    Parameters
    ----------
    x : (N, D) float32, float64 or uint8, C-contiguous

    Returns
    -------
    int64
    """
    return int64(x.ctypes.data)
