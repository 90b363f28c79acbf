"""The types: a vector, a mask of its lanes, a tile, and how LLVM holds each."""

from llvmlite import ir
from numba import types
from numba.extending import models, register_model

from ..blocking import BITS

INT32, INT64 = ir.IntType(32), ir.IntType(64)


def LANES(dtype):
    """Return how many numbers of this Numba dtype a vector holds."""
    return BITS // dtype.bitwidth


class Vector(types.Type):
    """`LANES(dtype)` numbers in one register."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype}, {LANES(dtype)})")


class Mask(types.Type):
    """One bit a lane: the result of comparing two vectors."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(name=f"Mask({dtype}, {LANES(dtype)})")


class Tile(types.Type):
    """`rows` x `vectors` registers, in row order."""

    def __init__(self, dtype, rows, vectors):
        self.dtype, self.rows, self.vectors = dtype, rows, vectors
        super().__init__(name=f"Tile({dtype}, {LANES(dtype)}, {rows}, {vectors})")


class TileShape(types.Dummy):
    """The rows and vectors of a tile without its numbers: tells a kernel which tile to use."""

    def __init__(self, rows, vectors):
        self.rows, self.vectors = rows, vectors
        super().__init__(name=f"TileShape({rows}, {vectors})")


def ir_element(dtype):
    """LLVM's type of one number."""
    return ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType()


def ir_vector(dtype):
    """LLVM's type of a vector."""
    return ir.VectorType(ir_element(dtype), LANES(dtype))


def ir_bits(dtype):
    """LLVM's type of the same bits as integers."""
    return ir.VectorType(ir.IntType(dtype.bitwidth), LANES(dtype))


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, ir_vector(fe_type.dtype))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, ir.VectorType(ir.IntType(1), LANES(fe_type.dtype)))


register_model(TileShape)(models.OpaqueModel)


@register_model(Tile)
class _TileModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        count = fe_type.rows * fe_type.vectors
        super().__init__(manager, fe_type, ir.ArrayType(ir_vector(fe_type.dtype), count))
