"""Pieces of code that the functions of this package are made of: they take an LLVM builder."""

from llvmlite import ir
from numba.core import cgutils

from ..blocking import FUSED, MERGES, SET
from .types import INT32, INT64, LANES, Vector, ir_element, ir_vector


def constant(dtype, value):
    """A vector with this number in every lane, known when it is compiled."""
    return ir.Constant(ir_vector(dtype), [value] * LANES(dtype))


def splat(builder, scalar, lanes):
    """A vector of LLVM with one value in every lane."""
    vector = ir.VectorType(scalar.type, lanes)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, INT32(0))
    zeros = ir.Constant(ir.VectorType(INT32, lanes), [0] * lanes)
    return builder.shuffle_vector(first, undefined, zeros)


def call(builder, name, result, operands):
    """Call an LLVM intrinsic by its full name."""
    function_type = ir.FunctionType(result, [operand.type for operand in operands])
    function = cgutils.get_or_insert_function(builder.module, function_type, name)
    return builder.call(function, operands)


def suffix(dtype):
    """What the name of an LLVM intrinsic for these vectors ends with."""
    return f"v{LANES(dtype)}f{dtype.bitwidth}"


def mask_first(builder, dtype, count):
    """The first `count` lanes."""
    lanes = LANES(dtype)
    integer = ir.IntType(dtype.bitwidth)
    index = ir.Constant(ir.VectorType(integer, lanes), list(range(lanes)))
    if dtype.bitwidth == 32:
        count = builder.trunc(clamped(builder, dtype, count), integer)
    return builder.icmp_signed("<", index, splat(builder, count, lanes))


def lanes_of(builder, vector, order):
    """The lanes of these numbers, as a vector."""
    order = ir.Constant(ir.VectorType(INT32, len(order)), list(order))
    return builder.shuffle_vector(vector, vector, order)


def load(builder, dtype, address):
    """The vector at an address, aligned as one number is."""
    address = builder.bitcast(address, ir_vector(dtype).as_pointer())
    value = builder.load(address)
    value.align = dtype.bitwidth // 8
    return value


def store(builder, dtype, value, address):
    """Write a vector, or a part of one, at an address, aligned as one number is."""
    address = builder.bitcast(address, value.type.as_pointer())
    builder.store(value, address).align = dtype.bitwidth // 8


def settled(builder, values):
    """The same vectors, of which the optimizer knows nothing: a store of one is a plain store.

    Where LLVM may, it makes a masked store of a choice between a number and what stands at the
    address already, as a ReLU in place is: 12 cycles a vector on AVX2. Without, 200,8,100 with a
    ReLU takes 6.4 us in place of 13.7.
    """
    if not MERGES:
        return values
    same = ir.FunctionType(values[0].type, [values[0].type])
    code = ir.InlineAsm(same, "", "=x,0", side_effect=False)
    return [builder.call(code, [value]) for value in values]


def prefetch(builder, address):
    """Ask for a cache line, to read, into all caches; no address is wrong."""
    operands = [address, INT32(0), INT32(3), INT32(1)]
    call(builder, "llvm.prefetch.p0", ir.VoidType(), operands)


def find_part(builder, dtype, count, size):
    """Whether `count` lanes have a part of `size`, a power of two, and what stands before it."""
    bit = builder.and_(count, INT64(size))
    before = builder.and_(count, INT64(-2 * size))
    return builder.icmp_unsigned("!=", bit, INT64(0)), before


def clamped(builder, dtype, count):
    """`count` lanes, at least none and at most all."""
    for symbol, bound in (("<", LANES(dtype)), (">", 0)):
        inside = builder.icmp_signed(symbol, count, INT64(bound))
        count = builder.select(inside, count, INT64(bound))
    return count


def either(builder, choices):
    """The value that comes from the block that was left last."""
    phi = builder.phi(choices[0][0].type)
    for value, block in choices:
        phi.add_incoming(value, block)
    return phi


def load_firsts(builder, dtype, addresses, count):
    """At each address the first `count` lanes, and zeros in the others, which are not read."""
    vector, align, lanes = ir_vector(dtype), dtype.bitwidth // 8, LANES(dtype)
    if isinstance(count, ir.Constant) and count.constant == lanes:
        return [load(builder, dtype, address) for address in addresses]
    if SET.loads_masked:
        mask = mask_first(builder, dtype, count)
        name = f"llvm.masked.load.{suffix(dtype)}.p0"
        return [
            call(
                builder, name, vector,
                [builder.bitcast(address, vector.as_pointer()), INT32(align), mask,
                 constant(dtype, 0.0)],
            )
            for address in addresses
        ]  # fmt: skip
    # Where a masked load is a branch a lane: a branch for each size of part instead, from the
    # smallest on, each in front of what was found so far.
    count = clamped(builder, dtype, count)
    found, size = [constant(dtype, 0.0)] * len(addresses), 1
    while size <= lanes:
        outside = builder.block
        has_part, before = find_part(builder, dtype, count, size)
        # Lanes `size` on are those found before, moved up.
        order = ir.Constant(
            ir.VectorType(INT32, lanes), [*range(size), *range(lanes, 2 * lanes - size)]
        )
        with builder.if_then(has_part):
            joined = []
            for address, behind in zip(addresses, found):
                start = builder.gep(address, [before])
                if size == 1:  # LLVM fails on vectors of one lane
                    widened = splat(builder, builder.load(start), lanes)
                else:
                    part = ir.VectorType(ir_element(dtype), size)
                    value = builder.load(builder.bitcast(start, part.as_pointer()))
                    value.align = align
                    widened = lanes_of(builder, value, [*range(size), *[0] * (lanes - size)])
                joined.append(builder.shuffle_vector(widened, behind, order))
            inside = builder.block
        pairs = zip(joined, found)
        found = [either(builder, [(new, inside), (old, outside)]) for new, old in pairs]
        size *= 2
    return found


def store_firsts(builder, dtype, values, addresses, count):
    """At each address the first `count` lanes of its value; nothing else is written."""
    align, lanes = dtype.bitwidth // 8, LANES(dtype)
    if isinstance(count, ir.Constant) and count.constant == lanes:
        for value, address in zip(values, addresses):
            store(builder, dtype, value, address)
        return
    if SET.stores_masked:
        mask = mask_first(builder, dtype, count)
        name = f"llvm.masked.store.{suffix(dtype)}.p0"
        for value, address in zip(values, addresses):
            address = builder.bitcast(address, value.type.as_pointer())
            call(builder, name, ir.VoidType(), [value, address, INT32(align), mask])
        return
    # Where a masked store takes as long as seven others, or is a branch a lane: a branch for each
    # size of part instead, from the largest on.
    count = clamped(builder, dtype, count)
    size = lanes
    while size:
        outside = builder.block
        has_part, before = find_part(builder, dtype, count, size)
        if size == 1:  # LLVM fails on vectors of one lane
            part = [builder.extract_element(value, INT32(0)) for value in values]
            with builder.if_then(has_part):
                for value, address in zip(part, addresses):
                    builder.store(value, builder.gep(address, [before]))
            return
        part = [lanes_of(builder, value, range(size)) for value in values]
        with builder.if_then(has_part):
            for value, address in zip(part, addresses):
                store(builder, dtype, value, builder.gep(address, [before]))
            # What is left stands behind the part; behind a whole vector, nothing.
            end = size + min(size, lanes - size)
            behind = [lanes_of(builder, value, range(end - size, end)) for value in values]
            inside = builder.block
        pairs = zip(behind, part)
        values = [either(builder, [(new, inside), (old, outside)]) for new, old in pairs]
        size //= 2


def fma(builder, dtype, x, y, z):
    """x * y + z of vectors, rounded once, or twice where FUSED is false."""
    if not FUSED:  # a call of fmaf for each lane, 1.2 GFLOP/s
        return builder.fadd(builder.fmul(x, y), z)
    return call(builder, f"llvm.fma.{suffix(dtype)}", ir_vector(dtype), [x, y, z])


def as_vector(context, builder, dtype, fe_type, value):
    """A vector operand, or a scalar cast to the vector's dtype and copied to every lane."""
    if isinstance(fe_type, Vector):
        return value
    return splat(builder, context.cast(builder, value, fe_type, dtype), LANES(dtype))
