"""One pass over arrays, a vector at a time: the loop that most kernels are.

Whole vectors are loaded and stored as they are, and what remains at the end once, under a mask: on
AVX2 a store under a mask takes 29 cycles, a plain one 4.

A function that is swept takes vectors, one of each input, and then the numbers.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ._compile import helper, inline
from .blocking import BITS
from .simd import INT64, LANES, Vector, fill, lanes, prefetch, sum_lanes, touch
from .simd.llvm import load_firsts, mask_first, settled, store_firsts


def _kinds(typingctx, function, state, inputs, numbers):
    """The types of a function's arguments; it is compiled for them."""
    kinds = (*state, *(Vector(p.dtype) for p in inputs), *numbers)
    function.get_call_type(typingctx, kinds, {})
    return kinds


def _call(context, builder, function, kinds, values):
    """Call a function, given by its type, with arguments of these types."""
    signature = function.get_call_type(context.typing_context, kinds, {})
    named = len(signature.args) - 1
    if len(values) > named + 1:  # the others are its *rest, a tuple
        rest = context.make_tuple(builder, signature.args[named], values[named:])
        values = (*values[:named], rest)
    return context.get_function(function, signature)(builder, values)


def _unpack(builder, kind, value):
    """The values of a tuple, or the value of one that is none, in a list."""
    return cgutils.unpack_tuple(builder, value) if isinstance(kind, types.BaseTuple) else [value]


def _in_vectors(builder, dtype, start, stop, body):
    """Loop over body(i, count) with as many elements as a vector has; then, if any, with the rest.

    The count of whole vectors is a constant, by which simd's loads and stores know them.
    """
    whole = INT64(LANES(dtype))
    rest = builder.and_(builder.sub(stop, start), INT64(LANES(dtype) - 1))
    full = builder.sub(stop, rest)
    with cgutils.for_range_slice(builder, start, full, whole, INT64) as (i, _):
        body(i, whole)
    with builder.if_then(builder.icmp_signed("<", full, stop)):
        body(full, rest)


def _at(builder, pointers, i):
    return [builder.gep(p, [i]) for p in pointers]


@intrinsic
def sweep(typingctx, function, outputs, inputs, start, stop, numbers):
    """outputs[start:stop] = function(*inputs[start:stop], *numbers), start <= stop.

    `outputs` and `inputs` are tuples of pointers of one dtype, and may be the same. For one output
    the function returns a vector, for more a tuple of them.
    """
    dtype = outputs.dtype.dtype
    kinds = _kinds(typingctx, function, (), inputs, numbers)
    result = Vector(dtype) if len(outputs) == 1 else outputs

    def codegen(context, builder, sig, args):
        targets, sources, numbers_ = (cgutils.unpack_tuple(builder, args[k]) for k in (1, 2, 5))

        def body(i, count):
            vectors = load_firsts(builder, dtype, _at(builder, sources, i), count)
            made = _call(context, builder, function, kinds, (*vectors, *numbers_))
            made = settled(builder, _unpack(builder, result, made))
            store_firsts(builder, dtype, made, _at(builder, targets, i), count)

        _in_vectors(builder, dtype, args[3], args[4], body)
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(function, outputs, inputs, i64, i64, numbers), codegen


@intrinsic
def sweep_row(typingctx, function, outputs, inputs, size, numbers):
    """`sweep` of [0, size) where the last whole vector overlaps the one before it: without masks.

    What lies behind the whole vectors is made first, before anything is written, and written last:
    outputs may be inputs. Rows shorter than a vector have a mask. On AVX2 the gates of an LSTM
    with 100 units write seven vectors under a mask a row otherwise, a sixth of their time.
    """
    dtype = outputs.dtype.dtype
    kinds = _kinds(typingctx, function, (), inputs, numbers)
    result = Vector(dtype) if len(outputs) == 1 else outputs

    def codegen(context, builder, sig, args):
        targets, sources, numbers_ = (cgutils.unpack_tuple(builder, args[k]) for k in (1, 2, 4))

        def made(i, count):
            vectors = load_firsts(builder, dtype, _at(builder, sources, i), count)
            value = _call(context, builder, function, kinds, (*vectors, *numbers_))
            return settled(builder, _unpack(builder, result, value))

        def put(vectors, i, count):
            store_firsts(builder, dtype, vectors, _at(builder, targets, i), count)

        whole, zero = INT64(LANES(dtype)), INT64(0)
        is_long = builder.icmp_signed(">=", args[3], whole)
        with builder.if_else(is_long) as (long, short):
            with long:
                last = builder.sub(args[3], whole)
                kept = made(last, whole)
                with cgutils.for_range_slice(builder, zero, last, whole, INT64) as (i, _):
                    put(made(i, whole), i, whole)
                put(kept, last, whole)
            with short:
                put(made(zero, args[3]), zero, args[3])
        return context.get_dummy_value()

    return types.void(function, outputs, inputs, types.int64, numbers), codegen


def _fold(context, builder, inputs, args, state, advance):
    """The last of the states, lists of values: advance(state, vectors of the inputs) is the next.

    Where elements remain at the end, the lanes past them keep theirs.
    """
    dtype, (values, start, stop) = inputs.dtype.dtype, args
    sources = cgutils.unpack_tuple(builder, values)
    slots = [cgutils.alloca_once_value(builder, value) for value in state]

    def body(i, count):
        old = [builder.load(slot) for slot in slots]
        new = advance(old, load_firsts(builder, dtype, _at(builder, sources, i), count))
        if not isinstance(count, ir.Constant):
            mask = mask_first(builder, dtype, count)
            new = [builder.select(mask, *pair) for pair in zip(new, old, strict=True)]
        for slot, value in zip(slots, new, strict=True):
            builder.store(value, slot)

    _in_vectors(builder, dtype, start, stop, body)
    return [builder.load(slot) for slot in slots]


@intrinsic
def fold(typingctx, function, state, inputs, start, stop, numbers):
    """state = function(*state, *inputs[start:stop], *numbers), vector by vector; start <= stop.

    Returns the last state, a tuple of vectors or one. Where elements remain at the end, the lanes
    past them keep theirs.
    """
    kept = state if isinstance(state, types.BaseTuple) else (state,)
    kinds = _kinds(typingctx, function, kept, inputs, numbers)

    def codegen(context, builder, sig, args):
        numbers_ = cgutils.unpack_tuple(builder, args[5])

        def advance(old, vectors):
            new = _call(context, builder, function, kinds, (*old, *vectors, *numbers_))
            return _unpack(builder, state, new)

        before = _unpack(builder, state, args[1])
        after = _fold(context, builder, inputs, args[2:5], before, advance)
        return context.make_tuple(builder, state, after) if len(after) > 1 else after[0]

    i64 = types.int64
    return state(function, state, inputs, i64, i64, numbers), codegen


@intrinsic
def _sum_of(typingctx, function, inputs, start, stop, numbers):
    vector = Vector(inputs.dtype.dtype)
    kinds = _kinds(typingctx, function, (), inputs, numbers)

    def codegen(context, builder, sig, args):
        numbers_ = cgutils.unpack_tuple(builder, args[4])

        def advance(old, vectors):
            term = _call(context, builder, function, kinds, (*vectors, *numbers_))
            return [builder.fadd(old[0], term)]

        kind = context.get_value_type(vector)
        zero = ir.Constant(kind, [0.0] * kind.count)
        return _fold(context, builder, inputs, args[1:4], [zero], advance)[0]

    i64 = types.int64
    return vector(function, inputs, i64, i64, numbers), codegen


@inline
def sum_of(function, inputs, start, stop, numbers):
    """The sum of function(*inputs[start:stop], *numbers), a scalar; start <= stop.

    Each lane adds up its own, from 0, in the dtype; `sum_lanes` adds the lanes.
    """
    return sum_lanes(_sum_of(function, inputs, start, stop, numbers))


@helper
def same(x):
    """Return x."""
    return x


@helper
def copy(x, out, size):
    """out[:size] = x[:size], pointers."""
    sweep(same, (out,), (x,), 0, size, ())


@helper
def put_all(p, size, value):
    """p[:size] = value, a number of the dtype."""
    sweep(same, (p,), (), 0, size, (fill(p, value),))


@helper
def _scaled(x, factor):
    return x * factor


@helper
def _scaled_and_added(target, x, factor):
    return target + x * factor


@helper
def put_scaled(size, x, factor, add, target):
    """target = factor * x, or that added to it."""
    if add:
        sweep(_scaled_and_added, (target,), (target, x), 0, size, (factor,))
    else:
        sweep(_scaled, (target,), (x,), 0, size, (factor,))


LINE = 512 // BITS  # vectors of a cache line


@helper
def ask_for(p, start, count):
    """Ask for all cache lines of p[start : start + count] at once, which are used soon."""
    for i in range(0, count, LINE * lanes(p)):
        prefetch(p, start + i)


@helper
def read_in_order(p, count):
    """Bring p[:count] near before it is read across: rows far apart, each of them a piece further.

    In order it comes from L3 as fast as it can be copied; across, every line is waited for, and
    asking for all of them by `ask_for` gained a third of this.
    """
    for i in range(0, count, LINE * lanes(p)):
        touch(p, i)
