"""A SIMD vector, and a register tile of them, as Numba types.

Kernels are plain loops over these types: LLVM keeps a `Vector` in one register and a `Tile`
in a block of them.  Everything is written in LLVM's generic vector forms, so the same source
serves AVX-512, AVX2, SSE2 and Arm.

`Vector`
    `LANES(dtype)` numbers of float32 or float64.  Supports `+ - * /`, unary `-`, comparisons
    (which give a `Mask`), and Python floats, which take the vector's own dtype: `0.5 * x` stays
    float32.
`Tile`
    `rows` x `vectors` accumulators, `vectors * lanes` columns wide; its last vector may be partly
    used, so every operation takes `columns`, the number of columns in use.
Pointers
    `pointer(array)` is the address of the first element.  Offsets count elements.  Nothing here
    checks bounds: indexing an array with Numba's wrap-around costs half the speed of a tile.
"""

from ..blocking import BITS
from .arithmetic import absolute, copysign, fill, fma, pick, polynomial, select, square_root
from .bits import keep_positive, numbers_at_once, where_set
from .dots import dot_update, store_sums
from .exponents import exponent, round_shifted, scale_by_power, significand, unshift
from .gathered import (
    add_rows,
    gathered_rows,
    map_tile,
    map_tiles,
    rank_one_rows,
    repeated_row,
    store_rows,
)
from .lanes import (
    FEW_LANES,
    count_lanes,
    few_lanes,
    first_lane,
    is_lane,
    keep_first,
    lanes,
    max_lanes,
    max_low,
    sum_lanes,
    sum_low,
)
from .llvm import splat
from .memory import load, load_as, load_first, prefetch, store, store_as, store_first, touch
from .pointers import (
    allocate,
    get,
    index_buffer,
    is_null,
    offset,
    pointer,
    pointer_at,
    put,
    release,
    scalar,
    stack_buffer,
)
from .positions import append_positions, either, nonzero_bits
from .tiles import (
    load_tile,
    opaque,
    prefetch_tile,
    rank_one_update,
    scale_and_add,
    store_tile,
    tile_rows,
    tile_shape,
    tile_vectors,
    zero_tile,
)
from .transpose import load_pairs, store_pairs, transpose_block, transpose_square
from .types import INT32, INT64, LANES, Mask, Tile, TileShape, Vector
