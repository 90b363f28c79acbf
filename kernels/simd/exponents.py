"""The exponent bits of floating-point numbers: rounding to integers, and powers of two."""

from llvmlite import ir
from numba.extending import intrinsic

from . import llvm
from .types import LANES, ir_bits, ir_vector

# Adding 1.5 * 2**(significand bits) to a float rounds it to an integer that then stands in its
# lowest bits.  It is also how a float64 becomes an int64 without AVX-512.
_SIGNIFICAND = {32: 23, 64: 52}


def _magic(dtype):
    return 1.5 * 2.0 ** _SIGNIFICAND[dtype.bitwidth]


@intrinsic
def round_shifted(typingctx, x):
    """x rounded to the nearest integer, plus the shift that `scale_by_power` expects."""

    def codegen(context, builder, sig, args):
        return builder.fadd(args[0], llvm.constant(x.dtype, _magic(x.dtype)))

    return x(x), codegen


@intrinsic
def unshift(typingctx, shifted):
    """The integer in a shifted value, as a float."""

    def codegen(context, builder, sig, args):
        return builder.fsub(args[0], llvm.constant(shifted.dtype, _magic(shifted.dtype)))

    return shifted(shifted), codegen


@intrinsic
def scale_by_power(typingctx, x, shifted):
    """x * 2**n for the n in a shifted value; x and the result must be normal numbers."""
    dtype = x.dtype

    def codegen(context, builder, sig, args):
        bits = ir_bits(dtype)
        shift = ir.Constant(bits, [_SIGNIFICAND[dtype.bitwidth]] * LANES(dtype))
        power = builder.shl(builder.bitcast(args[1], bits), shift)
        scaled = builder.add(builder.bitcast(args[0], bits), power)
        return builder.bitcast(scaled, ir_vector(dtype))

    return x(x, x), codegen


def _split(builder, dtype, x):
    """Exponent e (integers) and significand m in [sqrt(1/2), sqrt(2)) with x = m * 2**e."""
    bits = ir_bits(dtype)
    root = {32: 0x3F3504F3, 64: 0x3FE6A09E667F3BCD}[dtype.bitwidth]
    shift = ir.Constant(bits, [_SIGNIFICAND[dtype.bitwidth]] * LANES(dtype))
    raw = builder.bitcast(x, bits)
    above = builder.sub(raw, ir.Constant(bits, [root] * LANES(dtype)))
    exponent = builder.ashr(above, shift)
    significand = builder.sub(raw, builder.shl(exponent, shift))
    return exponent, builder.bitcast(significand, ir_vector(dtype))


@intrinsic
def significand(typingctx, x):
    """The m in [sqrt(1/2), sqrt(2)) of x = m * 2**e; x must be positive and normal."""

    def codegen(context, builder, sig, args):
        return _split(builder, x.dtype, args[0])[1]

    return x(x), codegen


@intrinsic
def exponent(typingctx, x):
    """The e of x = m * 2**e, m in [sqrt(1/2), sqrt(2)), as a float; x positive and normal."""
    dtype = x.dtype

    def codegen(context, builder, sig, args):
        # float = bits(magic + e) - magic: SSE2 and AVX2 cannot convert int64 to float64.
        integer, _ = _split(builder, dtype, args[0])
        magic = llvm.constant(dtype, _magic(dtype))
        bits = builder.add(builder.bitcast(magic, ir_bits(dtype)), integer)
        return builder.fsub(builder.bitcast(bits, ir_vector(dtype)), magic)

    return x(x), codegen
