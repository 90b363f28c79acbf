"""Vectors from memory and back, whole or in part."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from . import llvm
from .types import LANES, Vector, ir_element, ir_vector


@intrinsic
def prefetch(typingctx, p, i):
    """Ask for the cache line of p[i], which will be read soon; no address is wrong."""

    def codegen(context, builder, sig, args):
        llvm.prefetch(builder, builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(p, types.int64), codegen


@intrinsic
def touch(typingctx, p, i):
    """Read p[i] and drop it, so that its cache line is near; unlike `prefetch` it waits its turn.

    p[i] must be there. The processor sees a row of these coming, and fetches ahead of it.
    """
    kind = ir.IntType(p.dtype.bitwidth)

    def codegen(context, builder, sig, args):
        address = builder.bitcast(builder.gep(args[0], [args[1]]), kind.as_pointer())
        used = ir.InlineAsm(ir.FunctionType(ir.VoidType(), [kind]), "", "r", side_effect=True)
        builder.call(used, [builder.load(address)])  # LLVM leaves out what nobody uses
        return context.get_dummy_value()

    return types.void(p, types.int64), codegen


@intrinsic
def load(typingctx, p, i):
    """The vector p[i : i + lanes]."""

    def codegen(context, builder, sig, args):
        return llvm.load(builder, p.dtype, builder.gep(args[0], [args[1]]))

    return Vector(p.dtype)(p, types.int64), codegen


@intrinsic
def load_first(typingctx, p, i, count):
    """The vector p[i : i + count] with zeros in the other lanes, which are not read."""

    def codegen(context, builder, sig, args):
        return llvm.load_firsts(builder, p.dtype, [builder.gep(args[0], [args[1]])], args[2])[0]

    return Vector(p.dtype)(p, types.int64, types.int64), codegen


@intrinsic
def store(typingctx, p, i, x):
    """p[i : i + lanes] = x."""

    def codegen(context, builder, sig, args):
        llvm.store(builder, p.dtype, args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(p, types.int64, Vector(p.dtype)), codegen


@intrinsic
def store_first(typingctx, p, i, x, count):
    """p[i : i + count] = the first lanes of x; nothing else is written."""

    def codegen(context, builder, sig, args):
        llvm.store_firsts(builder, p.dtype, [args[2]], [builder.gep(args[0], [args[1]])], args[3])
        return context.get_dummy_value()

    return types.void(p, types.int64, Vector(p.dtype), types.int64), codegen


@intrinsic
def load_as(typingctx, source, i, like):
    """source[i : i + lanes] converted from uint8, float32 or float64 to the dtype of `like`."""
    target = like.dtype

    def codegen(context, builder, sig, args):
        kind = source.dtype
        count = LANES(target)
        element = ir.IntType(8) if kind == types.uint8 else ir_element(kind)
        address = builder.gep(args[0], [args[1]])
        value = builder.load(builder.bitcast(address, ir.VectorType(element, count).as_pointer()))
        value.align = kind.bitwidth // 8
        if kind == types.uint8:
            return builder.uitofp(value, ir_vector(target))
        if kind.bitwidth < target.bitwidth:
            return builder.fpext(value, ir_vector(target))
        if kind.bitwidth > target.bitwidth:
            return builder.fptrunc(value, ir_vector(target))
        return value

    return Vector(target)(source, types.int64, like), codegen


@intrinsic
def store_as(typingctx, target, i, x):
    """target[i : i + lanes] = x, converted to uint8 where the target is: whole numbers to 255."""

    def codegen(context, builder, sig, args):
        kind, value = target.dtype, args[2]
        if kind == types.uint8:
            count = LANES(x.dtype)
            value = builder.fptosi(value, ir.VectorType(ir.IntType(32), count))
            value = builder.trunc(value, ir.VectorType(ir.IntType(8), count))
        address = builder.bitcast(builder.gep(args[0], [args[1]]), value.type.as_pointer())
        builder.store(value, address).align = kind.bitwidth // 8
        return context.get_dummy_value()

    return types.void(target, types.int64, x), codegen
