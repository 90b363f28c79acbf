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

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.extending import intrinsic, models, register_model, type_callable

from .blocking import BITS, FUSED, SET

INT32, INT64 = ir.IntType(32), ir.IntType(64)


def LANES(dtype):
    """Return how many numbers of this Numba dtype a vector holds."""
    return BITS // dtype.bitwidth


# --------------------------------------------------------------------------- types


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


def _element(dtype):
    return ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType()


def _ir_vector(dtype):
    return ir.VectorType(_element(dtype), LANES(dtype))


def _ir_bits(dtype):
    return ir.VectorType(ir.IntType(dtype.bitwidth), LANES(dtype))


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, _ir_vector(fe_type.dtype))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, ir.VectorType(ir.IntType(1), LANES(fe_type.dtype)))


register_model(TileShape)(models.OpaqueModel)


@register_model(Tile)
class _TileModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        count = fe_type.rows * fe_type.vectors
        super().__init__(manager, fe_type, ir.ArrayType(_ir_vector(fe_type.dtype), count))


# --------------------------------------------------------------------------- code generation


def _constant(dtype, value):
    return ir.Constant(_ir_vector(dtype), [value] * LANES(dtype))


def splat(builder, scalar, lanes):
    """A vector of LLVM with one value in every lane."""
    vector = ir.VectorType(scalar.type, lanes)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, INT32(0))
    zeros = ir.Constant(ir.VectorType(INT32, lanes), [0] * lanes)
    return builder.shuffle_vector(first, undefined, zeros)


def _call(builder, name, result, operands):
    """Call an LLVM intrinsic by its full name."""
    function_type = ir.FunctionType(result, [operand.type for operand in operands])
    function = cgutils.get_or_insert_function(builder.module, function_type, name)
    return builder.call(function, operands)


def _suffix(dtype):
    return f"v{LANES(dtype)}f{dtype.bitwidth}"


def _mask_first(builder, dtype, count):
    """The first `count` lanes."""
    lanes = LANES(dtype)
    integer = ir.IntType(dtype.bitwidth)
    index = ir.Constant(ir.VectorType(integer, lanes), list(range(lanes)))
    if dtype.bitwidth == 32:
        count = builder.trunc(_clamped(builder, dtype, count), integer)
    return builder.icmp_signed("<", index, splat(builder, count, lanes))


def _lanes_of(builder, vector, order):
    """The lanes of these numbers, as a vector."""
    order = ir.Constant(ir.VectorType(INT32, len(order)), list(order))
    return builder.shuffle_vector(vector, vector, order)


def _load(builder, dtype, address):
    address = builder.bitcast(address, _ir_vector(dtype).as_pointer())
    value = builder.load(address)
    value.align = dtype.bitwidth // 8
    return value


def _store(builder, dtype, value, address):
    address = builder.bitcast(address, value.type.as_pointer())
    builder.store(value, address).align = dtype.bitwidth // 8


def _part(builder, dtype, count, size):
    """Whether `count` lanes have a part of `size`, a power of two, and what stands before it."""
    bit = builder.and_(count, INT64(size))
    before = builder.and_(count, INT64(-2 * size))
    return builder.icmp_unsigned("!=", bit, INT64(0)), before


def _clamped(builder, dtype, count):
    """`count` lanes, at least none and at most all."""
    for symbol, bound in (("<", LANES(dtype)), (">", 0)):
        inside = builder.icmp_signed(symbol, count, INT64(bound))
        count = builder.select(inside, count, INT64(bound))
    return count


def _either(builder, choices):
    """The value that comes from the block that was left last."""
    phi = builder.phi(choices[0][0].type)
    for value, block in choices:
        phi.add_incoming(value, block)
    return phi


def _load_firsts(builder, dtype, addresses, count):
    """At each address the first `count` lanes, and zeros in the others, which are not read."""
    vector, align, lanes = _ir_vector(dtype), dtype.bitwidth // 8, LANES(dtype)
    if isinstance(count, ir.Constant) and count.constant == lanes:
        return [_load(builder, dtype, address) for address in addresses]
    if SET.loads_masked:
        mask = _mask_first(builder, dtype, count)
        name = f"llvm.masked.load.{_suffix(dtype)}.p0"
        return [
            _call(
                builder, name, vector,
                [builder.bitcast(address, vector.as_pointer()), INT32(align), mask,
                 _constant(dtype, 0.0)],
            )
            for address in addresses
        ]  # fmt: skip
    # Where a masked load is a branch a lane: a branch for each size of part instead, from the
    # smallest on, each in front of what was found so far.
    count = _clamped(builder, dtype, count)
    found, size = [_constant(dtype, 0.0)] * len(addresses), 1
    while size <= lanes:
        outside = builder.block
        has_part, before = _part(builder, dtype, count, size)
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
                    part = ir.VectorType(_element(dtype), size)
                    value = builder.load(builder.bitcast(start, part.as_pointer()))
                    value.align = align
                    widened = _lanes_of(builder, value, [*range(size), *[0] * (lanes - size)])
                joined.append(builder.shuffle_vector(widened, behind, order))
            inside = builder.block
        pairs = zip(joined, found)
        found = [_either(builder, [(new, inside), (old, outside)]) for new, old in pairs]
        size *= 2
    return found


def _store_firsts(builder, dtype, values, addresses, count):
    """At each address the first `count` lanes of its value; nothing else is written."""
    align, lanes = dtype.bitwidth // 8, LANES(dtype)
    if isinstance(count, ir.Constant) and count.constant == lanes:
        for value, address in zip(values, addresses):
            _store(builder, dtype, value, address)
        return
    if SET.stores_masked:
        mask = _mask_first(builder, dtype, count)
        name = f"llvm.masked.store.{_suffix(dtype)}.p0"
        for value, address in zip(values, addresses):
            address = builder.bitcast(address, value.type.as_pointer())
            _call(builder, name, ir.VoidType(), [value, address, INT32(align), mask])
        return
    # Where a masked store takes as long as seven others, or is a branch a lane: a branch for each
    # size of part instead, from the largest on.
    count = _clamped(builder, dtype, count)
    size = lanes
    while size:
        outside = builder.block
        has_part, before = _part(builder, dtype, count, size)
        if size == 1:  # LLVM fails on vectors of one lane
            part = [builder.extract_element(value, INT32(0)) for value in values]
            with builder.if_then(has_part):
                for value, address in zip(part, addresses):
                    builder.store(value, builder.gep(address, [before]))
            return
        part = [_lanes_of(builder, value, range(size)) for value in values]
        with builder.if_then(has_part):
            for value, address in zip(part, addresses):
                _store(builder, dtype, value, builder.gep(address, [before]))
            # What is left stands behind the part; behind a whole vector, nothing.
            end = size + min(size, lanes - size)
            behind = [_lanes_of(builder, value, range(end - size, end)) for value in values]
            inside = builder.block
        pairs = zip(behind, part)
        values = [_either(builder, [(new, inside), (old, outside)]) for new, old in pairs]
        size //= 2


def _fma(builder, dtype, x, y, z):
    if not FUSED:  # a call of fmaf for each lane, 1.2 GFLOP/s
        return builder.fadd(builder.fmul(x, y), z)
    return _call(builder, f"llvm.fma.{_suffix(dtype)}", _ir_vector(dtype), [x, y, z])


def _as_vector(context, builder, dtype, fe_type, value):
    """A vector operand, or a scalar cast to the vector's dtype and copied to every lane."""
    if isinstance(fe_type, Vector):
        return value
    return splat(builder, context.cast(builder, value, fe_type, dtype), LANES(dtype))


# --------------------------------------------------------------------------- pointers


@intrinsic
def pointer(typingctx, array):
    """Address of the first element of an array, in memory order whatever its dimensions."""

    def codegen(context, builder, sig, args):
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), codegen


@intrinsic
def pointer_at(typingctx, address, like):
    """Integer address as a pointer to the dtype of `like` (a scalar)."""

    def codegen(context, builder, sig, args):
        return builder.inttoptr(args[0], context.get_value_type(sig.return_type))

    return types.CPointer(like)(types.int64, like), codegen


@intrinsic
def offset(typingctx, p, count):
    """The pointer `count` elements on."""

    def codegen(context, builder, sig, args):
        return builder.gep(args[0], [args[1]])

    return p(p, types.int64), codegen


@intrinsic
def get(typingctx, p, i):
    """The scalar p[i]."""

    def codegen(context, builder, sig, args):
        return builder.load(builder.gep(args[0], [args[1]]))

    return p.dtype(p, types.int64), codegen


@intrinsic
def put(typingctx, p, i, value):
    """p[i] = value, cast to the dtype of p."""

    def codegen(context, builder, sig, args):
        builder.store(args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(p, types.int64, p.dtype), codegen


@intrinsic
def scalar(typingctx, like, value):
    """`value` in the dtype of the pointer or vector `like`: a bare literal would be float64."""

    def codegen(context, builder, sig, args):
        return args[1]

    return like.dtype(like, like.dtype), codegen


@intrinsic(prefer_literal=True)
def stack_buffer(typingctx, like, size):
    """Pointer to `size` (a literal) uninitialised bytes on the stack, 64-byte aligned."""
    count = size.literal_value * 8 // like.dtype.bitwidth

    def codegen(context, builder, sig, args):
        with builder.goto_entry_block():
            kind = context.get_data_type(like.dtype)
            buffer = builder.alloca(kind, size=INT64(count))
            buffer.align = 64
        return buffer

    return types.CPointer(like.dtype)(like, size), codegen


@intrinsic
def allocate(typingctx, like, size):
    """Pointer to `size` uninitialised bytes from the C library, null where it has none."""

    def codegen(context, builder, sig, args):
        pointer = ir.IntType(8).as_pointer()
        function = ir.FunctionType(pointer, [INT64])
        malloc = cgutils.get_or_insert_function(builder.module, function, "malloc")
        return builder.bitcast(builder.call(malloc, [args[1]]), context.get_value_type(like))

    return like(like, types.int64), codegen


@intrinsic
def release(typingctx, p):
    """Give back what `allocate` gave; null is nothing."""

    def codegen(context, builder, sig, args):
        pointer = ir.IntType(8).as_pointer()
        function = ir.FunctionType(ir.VoidType(), [pointer])
        free = cgutils.get_or_insert_function(builder.module, function, "free")
        builder.call(free, [builder.bitcast(args[0], pointer)])
        return context.get_dummy_value()

    return types.void(p), codegen


@intrinsic
def is_null(typingctx, p):
    """Whether a pointer is null."""

    def codegen(context, builder, sig, args):
        return builder.icmp_unsigned("==", builder.ptrtoint(args[0], INT64), INT64(0))

    return types.boolean(p), codegen


@intrinsic
def lanes(typingctx, like):
    """How many numbers a vector of the pointer's dtype holds: a compile-time constant."""

    def codegen(context, builder, sig, args):
        return INT64(LANES(like.dtype))

    return types.int64(like), codegen


# --------------------------------------------------------------------------- load and store


def _prefetch(builder, address):
    """Ask for a cache line, to read, into all caches; no address is wrong."""
    operands = [address, INT32(0), INT32(3), INT32(1)]
    _call(builder, "llvm.prefetch.p0", ir.VoidType(), operands)


@intrinsic
def prefetch(typingctx, p, i):
    """Ask for the cache line of p[i], which will be read soon; no address is wrong."""

    def codegen(context, builder, sig, args):
        _prefetch(builder, builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(p, types.int64), codegen


@intrinsic
def load(typingctx, p, i):
    """The vector p[i : i + lanes]."""

    def codegen(context, builder, sig, args):
        return _load(builder, p.dtype, builder.gep(args[0], [args[1]]))

    return Vector(p.dtype)(p, types.int64), codegen


@intrinsic
def load_first(typingctx, p, i, count):
    """The vector p[i : i + count] with zeros in the other lanes, which are not read."""

    def codegen(context, builder, sig, args):
        return _load_firsts(builder, p.dtype, [builder.gep(args[0], [args[1]])], args[2])[0]

    return Vector(p.dtype)(p, types.int64, types.int64), codegen


@intrinsic
def keep_first(typingctx, x, count, other):
    """The first `count` lanes of x and the number `other` in the rest."""

    def codegen(context, builder, sig, args):
        mask = _mask_first(builder, x.dtype, args[1])
        return builder.select(mask, args[0], splat(builder, args[2], LANES(x.dtype)))

    return x(x, types.int64, x.dtype), codegen


@intrinsic
def store(typingctx, p, i, x):
    """p[i : i + lanes] = x."""

    def codegen(context, builder, sig, args):
        _store(builder, p.dtype, args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(p, types.int64, Vector(p.dtype)), codegen


@intrinsic
def store_first(typingctx, p, i, x, count):
    """p[i : i + count] = the first lanes of x; nothing else is written."""

    def codegen(context, builder, sig, args):
        _store_firsts(builder, p.dtype, [args[2]], [builder.gep(args[0], [args[1]])], args[3])
        return context.get_dummy_value()

    return types.void(p, types.int64, Vector(p.dtype), types.int64), codegen


@intrinsic
def load_as(typingctx, source, i, like):
    """source[i : i + lanes] converted from uint8, float32 or float64 to the dtype of `like`."""
    target = like.dtype

    def codegen(context, builder, sig, args):
        kind = source.dtype
        count = LANES(target)
        element = ir.IntType(8) if kind == types.uint8 else _element(kind)
        address = builder.gep(args[0], [args[1]])
        value = builder.load(builder.bitcast(address, ir.VectorType(element, count).as_pointer()))
        value.align = kind.bitwidth // 8
        if kind == types.uint8:
            return builder.uitofp(value, _ir_vector(target))
        if kind.bitwidth < target.bitwidth:
            return builder.fpext(value, _ir_vector(target))
        if kind.bitwidth > target.bitwidth:
            return builder.fptrunc(value, _ir_vector(target))
        return value

    return Vector(target)(source, types.int64, like), codegen


@intrinsic
def fill(typingctx, like, value):
    """A vector of `like`'s dtype with `value` in every lane."""

    def codegen(context, builder, sig, args):
        return splat(builder, args[1], LANES(like.dtype))

    return Vector(like.dtype)(like, like.dtype), codegen


# --------------------------------------------------------------------------- arithmetic


def _operate(function, instruction):
    """Give `function` (an operator) a meaning for vectors, and for a vector and a number."""

    @type_callable(function)
    def _type(context):
        def typer(x, y):
            vectors = [v for v in (x, y) if isinstance(v, Vector)]
            numbers = [v for v in (x, y) if isinstance(v, types.Number)]
            if vectors and len(vectors) + len(numbers) == 2 and vectors[0] == vectors[-1]:
                return vectors[0]

        return typer

    def lower(context, builder, sig, args):
        dtype = sig.return_type.dtype
        x, y = (_as_vector(context, builder, dtype, *pair) for pair in zip(sig.args, args))
        return getattr(builder, instruction)(x, y)

    for pair in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(function, *pair)(lower)


def _compare(function, symbol):
    """Give a comparison of vectors (or a vector and a number) a meaning: a Mask."""

    @type_callable(function)
    def _type(context):
        def typer(x, y):
            if isinstance(x, Vector) and (x == y or isinstance(y, types.Number)):
                return Mask(x.dtype)

        return typer

    def lower(context, builder, sig, args):
        dtype = sig.return_type.dtype
        x, y = (_as_vector(context, builder, dtype, *pair) for pair in zip(sig.args, args))
        # Comparisons with NaN are false, but for "!=", as in Python.
        compare = builder.fcmp_unordered if symbol == "!=" else builder.fcmp_ordered
        return compare(symbol, x, y)

    for pair in ((Vector, Vector), (Vector, types.Number)):
        lower_builtin(function, *pair)(lower)


for _function, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _operate(_function, _name)
for _function, _name in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.eq, "=="),
    (operator.ne, "!="),
):
    _compare(_function, _name)


@type_callable(operator.neg)
def _type_negation(context):
    def typer(x):
        if isinstance(x, Vector):
            return x

    return typer


@lower_builtin(operator.neg, Vector)
def _negation(context, builder, sig, args):
    return builder.fneg(args[0])


@intrinsic
def fma(typingctx, x, y, z):
    """x * y + z; y and z may be numbers. Rounded once, or twice where FUSED is false."""

    def codegen(context, builder, sig, args):
        operands = (_as_vector(context, builder, x.dtype, *p) for p in zip(sig.args, args))
        return _fma(builder, x.dtype, *operands)

    return x(x, y, z), codegen


@intrinsic
def select(typingctx, mask, x, y):
    """x where the mask is set, y elsewhere; either may be a number."""
    vector = Vector(mask.dtype)

    def codegen(context, builder, sig, args):
        pair = (_as_vector(context, builder, mask.dtype, *p) for p in zip(sig.args[1:], args[1:]))
        return builder.select(args[0], *pair)

    return vector(mask, x, y), codegen


@intrinsic
def pick(typingctx, like, single, double):
    """`single` for a vector of float32, `double` for one of float64; numbers or tuples of them."""
    chosen = 1 if like.dtype.bitwidth == 32 else 2

    def codegen(context, builder, sig, args):
        return args[chosen]

    return (single, double)[chosen - 1](like, single, double), codegen


@intrinsic
def polynomial(typingctx, x, coefficients):
    """c[0] + c[1] * x + c[2] * x**2 + ... by Horner's rule, for a tuple c of numbers."""

    def codegen(context, builder, sig, args):
        terms = [
            _as_vector(context, builder, x.dtype, coefficients.dtype, term)
            for term in cgutils.unpack_tuple(builder, args[1])
        ]
        value = terms.pop()
        while terms:
            value = _fma(builder, x.dtype, value, args[0], terms.pop())
        return value

    return x(x, coefficients), codegen


@intrinsic
def absolute(typingctx, x):
    """|x|, lane by lane."""

    def codegen(context, builder, sig, args):
        return _call(builder, f"llvm.fabs.{_suffix(x.dtype)}", args[0].type, args)

    return x(x), codegen


@intrinsic
def square_root(typingctx, x):
    """The square root, lane by lane, rounded correctly; NaN below 0."""

    def codegen(context, builder, sig, args):
        return _call(builder, f"llvm.sqrt.{_suffix(x.dtype)}", args[0].type, args)

    return x(x), codegen


@intrinsic
def copysign(typingctx, x, y):
    """The magnitude of x with the sign of y."""

    def codegen(context, builder, sig, args):
        return _call(builder, f"llvm.copysign.{_suffix(x.dtype)}", args[0].type, args)

    return x(x, y), codegen


def _fold(builder, x, count, combine):
    """Combine all lanes in a tree whose order depends on the number of lanes alone."""
    undefined = ir.Constant(x.type, ir.Undefined)
    while count > 1:
        count //= 2
        order = [(i + count) % x.type.count for i in range(x.type.count)]
        moved = builder.shuffle_vector(
            x, undefined, ir.Constant(ir.VectorType(INT32, len(order)), order)
        )
        x = combine(x, moved)
    return builder.extract_element(x, INT32(0))


@intrinsic
def is_lane(typingctx, like, i):
    """The mask of lane number i alone; no lane where i is outside the vector."""

    def codegen(context, builder, sig, args):
        count = LANES(like.dtype)
        index = ir.Constant(ir.VectorType(INT64, count), list(range(count)))
        return builder.icmp_signed("==", index, splat(builder, args[1], count))

    return Mask(like.dtype)(like, types.int64), codegen


@intrinsic
def count_lanes(typingctx, mask):
    """How many lanes of the mask are set."""

    def codegen(context, builder, sig, args):
        bits = builder.bitcast(args[0], ir.IntType(LANES(mask.dtype)))
        return builder.ctpop(builder.zext(bits, INT64))

    return types.int64(mask), codegen


@intrinsic
def first_lane(typingctx, x):
    """x[0] as a number."""

    def codegen(context, builder, sig, args):
        return builder.extract_element(args[0], INT32(0))

    return x.dtype(x), codegen


@intrinsic
def sum_lanes(typingctx, x):
    """The sum of all lanes, a scalar."""

    def codegen(context, builder, sig, args):
        return _fold(builder, args[0], LANES(x.dtype), builder.fadd)

    return x.dtype(x), codegen


def _larger(builder):
    return lambda a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b)


@intrinsic
def max_lanes(typingctx, x):
    """The largest lane, a scalar; unspecified where a lane is NaN."""

    def codegen(context, builder, sig, args):
        return _fold(builder, args[0], LANES(x.dtype), _larger(builder))

    return x.dtype(x), codegen


def _low_lanes(builder, dtype, x):
    """The first FEW_LANES of a vector."""
    indices = ir.Constant(ir.VectorType(INT32, FEW_LANES(dtype)), list(range(FEW_LANES(dtype))))
    return builder.shuffle_vector(x, x, indices)


def FEW_LANES(dtype):
    """How many lanes `sum_low` and `max_low` look at."""
    return min(4, LANES(dtype))


@intrinsic
def few_lanes(typingctx, like):
    """How many lanes `sum_low` and `max_low` look at."""

    def codegen(context, builder, sig, args):
        return INT64(FEW_LANES(like.dtype))

    return types.int64(like), codegen


@intrinsic
def sum_low(typingctx, x):
    """The sum of the first four lanes, which takes half the time of all 16."""

    def codegen(context, builder, sig, args):
        low = _low_lanes(builder, x.dtype, args[0])
        return _fold(builder, low, FEW_LANES(x.dtype), builder.fadd)

    return x.dtype(x), codegen


@intrinsic
def max_low(typingctx, x):
    """The largest of the first four lanes; unspecified where a lane is NaN."""

    def codegen(context, builder, sig, args):
        low = _low_lanes(builder, x.dtype, args[0])
        return _fold(builder, low, FEW_LANES(x.dtype), _larger(builder))

    return x.dtype(x), codegen


# --------------------------------------------------------------------------- exponent bits

# Adding 1.5 * 2**(significand bits) to a float rounds it to an integer that then stands in its
# lowest bits.  It is also how a float64 becomes an int64 without AVX-512.
_SIGNIFICAND = {32: 23, 64: 52}


def _magic(dtype):
    return 1.5 * 2.0 ** _SIGNIFICAND[dtype.bitwidth]


@intrinsic
def round_shifted(typingctx, x):
    """x rounded to the nearest integer, plus the shift that `scale_by_power` expects."""

    def codegen(context, builder, sig, args):
        return builder.fadd(args[0], _constant(x.dtype, _magic(x.dtype)))

    return x(x), codegen


@intrinsic
def unshift(typingctx, shifted):
    """The integer in a shifted value, as a float."""

    def codegen(context, builder, sig, args):
        return builder.fsub(args[0], _constant(shifted.dtype, _magic(shifted.dtype)))

    return shifted(shifted), codegen


@intrinsic
def scale_by_power(typingctx, x, shifted):
    """x * 2**n for the n in a shifted value; x and the result must be normal numbers."""
    dtype = x.dtype

    def codegen(context, builder, sig, args):
        bits = _ir_bits(dtype)
        shift = ir.Constant(bits, [_SIGNIFICAND[dtype.bitwidth]] * LANES(dtype))
        power = builder.shl(builder.bitcast(args[1], bits), shift)
        scaled = builder.add(builder.bitcast(args[0], bits), power)
        return builder.bitcast(scaled, _ir_vector(dtype))

    return x(x, x), codegen


def _split(builder, dtype, x):
    """Exponent e (integers) and significand m in [sqrt(1/2), sqrt(2)) with x = m * 2**e."""
    bits = _ir_bits(dtype)
    root = {32: 0x3F3504F3, 64: 0x3FE6A09E667F3BCD}[dtype.bitwidth]
    shift = ir.Constant(bits, [_SIGNIFICAND[dtype.bitwidth]] * LANES(dtype))
    raw = builder.bitcast(x, bits)
    above = builder.sub(raw, ir.Constant(bits, [root] * LANES(dtype)))
    exponent = builder.ashr(above, shift)
    significand = builder.sub(raw, builder.shl(exponent, shift))
    return exponent, builder.bitcast(significand, _ir_vector(dtype))


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
        magic = _constant(dtype, _magic(dtype))
        bits = builder.add(builder.bitcast(magic, _ir_bits(dtype)), integer)
        return builder.fsub(builder.bitcast(bits, _ir_vector(dtype)), magic)

    return x(x), codegen


# --------------------------------------------------------------------------- tiles


def _row_start(builder, p, steps, row):
    """Where a row of a tile begins: `steps` are the distances of rows 1, 2 and 3 from row 0."""
    near, twice, far = steps
    p = builder.gep(p, [builder.mul(far, INT64(row // 3))])
    return builder.gep(p, [(INT64(0), near, twice)[row % 3]])


def _vectors_of_row(builder, tile, start):
    return [builder.gep(start, [INT64(j * LANES(tile.dtype))]) for j in range(tile.vectors)]


def _addresses(builder, tile, p, steps):
    """Addresses of a tile's vectors, in row order."""
    starts = [_row_start(builder, p, steps, i) for i in range(tile.rows)]
    return [address for start in starts for address in _vectors_of_row(builder, tile, start)]


def _load_columns(builder, tile, p, steps, columns):
    """Vectors of `columns` columns at p, in row order; the last of each row may be in part."""
    addresses, width = _addresses(builder, tile, p, steps), tile.vectors
    used = builder.sub(columns, INT64((width - 1) * LANES(tile.dtype)))
    ends = _load_firsts(builder, tile.dtype, addresses[width - 1 :: width], used)
    return [
        ends[n // width] if n % width == width - 1 else _load(builder, tile.dtype, address)
        for n, address in enumerate(addresses)
    ]


def _vectors(builder, tile, value):
    return [builder.extract_value(value, n) for n in range(tile.rows * tile.vectors)]


def _tile_of(context, builder, tile, vectors):
    value = ir.Constant(context.get_value_type(tile), ir.Undefined)
    for n, vector in enumerate(vectors):
        value = builder.insert_value(value, vector, n)
    return value


@intrinsic(prefer_literal=True)
def tile_shape(typingctx, rows, vectors):
    """The shape of a tile; `rows` and `vectors` are literals."""

    def codegen(context, builder, sig, args):
        return context.get_dummy_value()

    return TileShape(rows.literal_value, vectors.literal_value)(rows, vectors), codegen


@intrinsic
def tile_rows(typingctx, shape):
    """How many rows a tile has: a compile-time constant."""

    def codegen(context, builder, sig, args):
        return INT64(shape.rows)

    return types.int64(shape), codegen


@intrinsic
def tile_vectors(typingctx, shape):
    """How many vectors wide a tile is: a compile-time constant."""

    def codegen(context, builder, sig, args):
        return INT64(shape.vectors)

    return types.int64(shape), codegen


@intrinsic
def load_tile(typingctx, shape, p, steps, columns):
    """The tile of `columns` columns at p; `steps` 0 copy one row to all.

    Rows 1, 2 and 3 begin steps[0], steps[1] and steps[2] elements after row 0, and 4, 5 and 6
    after row 3: steps of (s, 2 s, 3 s) are rows s apart, and of (s, s, s) all but the first are
    the same.
    """
    tile = Tile(p.dtype, shape.rows, shape.vectors)

    def codegen(context, builder, sig, args):
        _, p_, steps_, columns_ = args
        steps_ = cgutils.unpack_tuple(builder, steps_)
        found = _load_columns(builder, tile, p_, steps_, columns_)
        return _tile_of(context, builder, tile, found)

    return tile(shape, p, steps, types.int64), codegen


@intrinsic
def zero_tile(typingctx, like, shape):
    """A tile of zeros of the pointer's dtype."""
    tile = Tile(like.dtype, shape.rows, shape.vectors)

    def codegen(context, builder, sig, args):
        return ir.Constant(context.get_value_type(tile), None)

    return tile(like, shape), codegen


@intrinsic
def opaque(typingctx, value):
    """The same integer, of which the optimizer knows nothing.

    LLVM walks from row to row of a tile by additions that wait for each other, eight cycles a
    step of the product's sum; it cannot where it does not know that an offset is 3 * a_row.
    """

    def codegen(context, builder, sig, args):
        same = ir.InlineAsm(ir.FunctionType(INT64, [INT64]), "", "=r,0", side_effect=False)
        return builder.call(same, [args[0]])

    return types.int64(types.int64), codegen


@intrinsic
def rank_one_update(typingctx, tile, a, steps, b):
    """tile[i, :] += a[row i] * b[:], for every row i: one step of a product's sum.

    `steps` as for `load_tile`; whole vectors of b are read.
    """
    dtype = tile.dtype

    def codegen(context, builder, sig, args):
        value, a_, steps_, b_ = args
        steps_ = cgutils.unpack_tuple(builder, steps_)
        row = [_load(builder, dtype, p) for p in _vectors_of_row(builder, tile, b_)]
        sums = _vectors(builder, tile, value)
        for i in range(tile.rows):
            element = builder.load(_row_start(builder, a_, steps_, i))
            factor = splat(builder, element, LANES(dtype))
            for n in range(i * tile.vectors, (i + 1) * tile.vectors):
                sums[n] = _fma(builder, dtype, factor, row[n % tile.vectors], sums[n])
        return _tile_of(context, builder, tile, sums)

    return tile(tile, a, steps, b), codegen


@intrinsic
def prefetch_tile(typingctx, shape, p, steps):
    """Ask for the cache lines of a tile at p, which will be read soon."""
    tile = Tile(p.dtype, shape.rows, shape.vectors)

    def codegen(context, builder, sig, args):
        for address in _addresses(builder, tile, args[1], cgutils.unpack_tuple(builder, args[2])):
            _prefetch(builder, address)
        return context.get_dummy_value()

    return types.void(shape, p, steps), codegen


@intrinsic
def scale_and_add(typingctx, tile, factor, p, steps, columns):
    """factor * tile + the tile of `columns` columns at p, as `load_tile` reads it."""

    def codegen(context, builder, sig, args):
        value, factor_, p_, steps_, columns_ = args
        steps_ = cgutils.unpack_tuple(builder, steps_)
        vector = splat(builder, factor_, LANES(tile.dtype))
        addends = _load_columns(builder, tile, p_, steps_, columns_)
        sums = [
            _fma(builder, tile.dtype, vector, *pair)
            for pair in zip(_vectors(builder, tile, value), addends)
        ]
        return _tile_of(context, builder, tile, sums)

    return tile(tile, tile.dtype, p, steps, types.int64), codegen


@intrinsic
def store_tile(typingctx, p, steps, tile, columns):
    """The tile at p = the first `columns` columns of `tile`; nothing else is written.

    `steps` as for `load_tile`: where rows are the same in memory, they must have the same numbers.
    """

    def codegen(context, builder, sig, args):
        p_, steps_, value, columns_ = args
        addresses = _addresses(builder, tile, p_, cgutils.unpack_tuple(builder, steps_))
        vectors, width = _vectors(builder, tile, value), tile.vectors
        used = builder.sub(columns_, INT64((width - 1) * LANES(tile.dtype)))
        for n, (vector, address) in enumerate(zip(vectors, addresses)):
            if n % width < width - 1:
                _store(builder, tile.dtype, vector, address)
        ends = slice(width - 1, None, width)
        _store_firsts(builder, tile.dtype, vectors[ends], addresses[ends], used)
        return context.get_dummy_value()

    return types.void(p, steps, tile, types.int64), codegen


@intrinsic
def dot_update(typingctx, tile, a, a_row, rows, b, b_row, count):
    """tile[i, j] += a[i * a_row : i * a_row + count] * b[j * b_row : j * b_row + count].

    Lane by lane: vector (i, j) of the tile holds the partial sums of one dot product. Rows from
    `rows` on repeat the last one, so nothing outside is read.
    """

    def codegen(context, builder, sig, args):
        value, a_, a_row_, rows_, b_, b_row_, count_ = args
        dtype = tile.dtype
        last = builder.sub(rows_, INT64(1))
        addresses = []
        for i in range(tile.rows):
            row = builder.select(builder.icmp_signed("<", INT64(i), last), INT64(i), last)
            addresses.append(builder.gep(a_, [builder.mul(a_row_, row)]))
        for j in range(tile.vectors):
            addresses.append(builder.gep(b_, [builder.mul(b_row_, INT64(j))]))
        found = _load_firsts(builder, dtype, addresses, count_)
        left, right = found[: tile.rows], found[tile.rows :]
        sums = [
            _fma(builder, dtype, left[n // tile.vectors], right[n % tile.vectors], old)
            for n, old in enumerate(_vectors(builder, tile, value))
        ]
        return _tile_of(context, builder, tile, sums)

    i64 = types.int64
    return tile(tile, a, i64, i64, b, i64, i64), codegen


@intrinsic
def store_sums(typingctx, p, tile):
    """p[n] = sum of the lanes of vector n, in row order, of a tile of 2**k vectors."""
    dtype = tile.dtype
    count = LANES(dtype)

    def codegen(context, builder, sig, args):
        vectors = [builder.extract_value(args[1], n) for n in range(tile.rows * tile.vectors)]
        even = ir.Constant(ir.VectorType(INT32, count), list(range(0, 2 * count, 2)))
        odd = ir.Constant(ir.VectorType(INT32, count), list(range(1, 2 * count, 2)))
        for start in range(0, len(vectors), count):
            group = vectors[start : start + count]
            used = len(group)
            # Add neighbouring lanes of two vectors into one, in order: with 16 vectors of 16
            # lanes, 45 instructions where 16 sums on their own take 128.
            for _ in range(count.bit_length() - 1):
                pairs = zip(group[::2], group[1::2]) if len(group) > 1 else [group * 2]
                group = [
                    builder.fadd(
                        builder.shuffle_vector(x, y, even), builder.shuffle_vector(x, y, odd)
                    )
                    for x, y in pairs
                ]
            address = builder.gep(args[0], [INT64(start)])
            _store(builder, dtype, _lanes_of(builder, group[0], range(used)), address)
        return context.get_dummy_value()

    return types.void(p, tile), codegen


@intrinsic
def transpose_block(typingctx, source, stride, rows, columns, target, target_stride):
    """target[j, i] = source[i, j] for a square of lanes x lanes, in registers.

    Row i of `source` starts at i * stride; rows from `rows` on repeat the last, columns from
    `columns` on are zero, so nothing outside is read.  All lanes x lanes of `target` are written.
    """
    dtype = source.dtype
    count = LANES(dtype)

    def codegen(context, builder, sig, args):
        source_, stride_, rows_, columns_, target_, target_stride_ = args
        last = builder.sub(rows_, INT64(1))
        addresses = []
        for i in range(count):
            inside = builder.icmp_signed("<", INT64(i), last)
            row = builder.select(inside, INT64(i), last)
            addresses.append(builder.gep(source_, [builder.mul(row, stride_)]))
        block = _load_firsts(builder, dtype, addresses, columns_)

        def shuffled(i, j, order):
            order = ir.Constant(ir.VectorType(INT32, count), list(order))
            return builder.shuffle_vector(block[i], block[j], order)

        # Swap ever larger off-diagonal squares: log2(lanes) rounds of two-input shuffles.
        size = 1
        if dtype.bitwidth == 32:
            # The first two in the forms that x86 has in one instruction: neighbours of two rows
            # side by side, then pairs of them.
            size = 4
            quads = range(0, count, 4)
            low = [k for q in quads for k in (q, count + q, q + 1, count + q + 1)]
            high = [k + 2 for k in low]
            first = [k for q in quads for k in (q, q + 1, count + q, count + q + 1)]
            second = [k + 2 for k in first]
            for i in range(0, count, 4):
                block[i : i + 4] = [
                    shuffled(j, j + 1, order) for order in (low, high) for j in (i, i + 2)
                ]
                block[i : i + 4] = [
                    shuffled(j, j + 1, order) for j in (i, i + 2) for order in (first, second)
                ]
        while size < count:
            low = [j if not j & size else count + j - size for j in range(count)]
            high = [j + size if not j & size else count + j for j in range(count)]
            for i in range(count):
                if not i & size:
                    pair = shuffled(i, i + size, low), shuffled(i, i + size, high)
                    block[i], block[i + size] = pair
            size *= 2
        for j in range(count):
            address = builder.gep(target_, [builder.mul(INT64(j), target_stride_)])
            _store(builder, dtype, block[j], address)
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(source, i64, i64, i64, target, i64), codegen


# --------------------------------------------------------------------------- zeros


@intrinsic(prefer_literal=True)
def index_buffer(typingctx, count):
    """Pointer to `count` (a literal) uninitialised int32 on the stack, 64-byte aligned."""
    size = count.literal_value

    def codegen(context, builder, sig, args):
        with builder.goto_entry_block():
            buffer = builder.alloca(INT32, size=INT64(size))
            buffer.align = 64
        return buffer

    return types.CPointer(types.int32)(count), codegen


@intrinsic
def either(typingctx, x, y):
    """The bits of x or y: a lane is 0.0 where both are."""

    def codegen(context, builder, sig, args):
        bits = [builder.bitcast(arg, _ir_bits(x.dtype)) for arg in args]
        return builder.bitcast(builder.or_(*bits), _ir_vector(x.dtype))

    return x(x, x), codegen


@intrinsic
def nonzero_bits(typingctx, x):
    """An integer whose bit i is set where lane i of x is not 0.0; NaN is not, nor is -0.0."""
    width = LANES(x.dtype)

    def codegen(context, builder, sig, args):
        zero = ir.Constant(_ir_bits(x.dtype), [0] * width)
        mask = builder.icmp_unsigned("!=", builder.bitcast(args[0], zero.type), zero)
        return builder.zext(builder.bitcast(mask, ir.IntType(width)), INT64)

    return types.int64(x), codegen


@intrinsic
def append_positions(typingctx, indices, count, start, bits, like):
    """Write start + i at indices[count:] for every bit i that is set; return the new count.

    `bits` are those of a vector of the dtype of `like`. A whole vector of indices is written.
    """
    width = LANES(like.dtype)
    integers = ir.VectorType(INT32, width)

    def codegen(context, builder, sig, args):
        indices_, count_, start_, bits_, _ = args
        if SET.compresses:
            flags = builder.trunc(bits_, ir.IntType(width))
            mask = builder.bitcast(flags, ir.VectorType(ir.IntType(1), width))
            positions = builder.add(
                splat(builder, builder.trunc(start_, INT32), width),
                ir.Constant(integers, list(range(width))),
            )
            undefined = ir.Constant(integers, ir.Undefined)
            name = f"llvm.experimental.vector.compress.v{width}i32"
            packed = _call(builder, name, integers, [positions, mask, undefined])
            address = builder.bitcast(builder.gep(indices_, [count_]), integers.as_pointer())
            builder.store(packed, address).align = 4
            return builder.add(count_, _call(builder, "llvm.ctpop.i64", INT64, [bits_]))
        # Four bits at a time from a table: where no instruction does it, LLVM would go lane by
        # lane, and a product of float64 digits takes 135 us instead of 97.
        part = min(4, width)
        quad = ir.VectorType(INT32, part)
        entries = []
        for bits in range(1 << part):
            found = [i for i in range(part) if bits >> i & 1]
            entries.append(ir.Constant(quad, found + [0] * (part - len(found))))
        kind = ir.ArrayType(quad, 1 << part)
        table = cgutils.global_constant(builder, "positions", ir.Constant(kind, entries))
        for j in range(0, width, part):
            some = builder.and_(builder.lshr(bits_, INT64(j)), INT64((1 << part) - 1))
            entry = builder.load(builder.gep(table, [INT64(0), some]))
            first = builder.trunc(builder.add(start_, INT64(j)), INT32)
            packed = builder.add(entry, splat(builder, first, part))
            address = builder.bitcast(builder.gep(indices_, [count_]), quad.as_pointer())
            builder.store(packed, address).align = 4
            count_ = builder.add(count_, _call(builder, "llvm.ctpop.i64", INT64, [some]))
        return count_

    return types.int64(indices, types.int64, types.int64, types.int64, like), codegen
