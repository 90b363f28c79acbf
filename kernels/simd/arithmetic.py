"""Operators and functions of vectors, lane by lane."""

import operator

from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.extending import intrinsic, type_callable

from . import llvm
from .types import LANES, Mask, Vector


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
        x, y = (llvm.as_vector(context, builder, dtype, *pair) for pair in zip(sig.args, args))
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
        x, y = (llvm.as_vector(context, builder, dtype, *pair) for pair in zip(sig.args, args))
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
def fill(typingctx, like, value):
    """A vector of `like`'s dtype with `value` in every lane."""

    def codegen(context, builder, sig, args):
        return llvm.splat(builder, args[1], LANES(like.dtype))

    return Vector(like.dtype)(like, like.dtype), codegen


@intrinsic
def fma(typingctx, x, y, z):
    """x * y + z; y and z may be numbers. Rounded once, or twice where FUSED is false."""

    def codegen(context, builder, sig, args):
        operands = (llvm.as_vector(context, builder, x.dtype, *p) for p in zip(sig.args, args))
        return llvm.fma(builder, x.dtype, *operands)

    return x(x, y, z), codegen


@intrinsic
def select(typingctx, mask, x, y):
    """x where the mask is set, y elsewhere; either may be a number."""
    vector = Vector(mask.dtype)

    def codegen(context, builder, sig, args):
        pair = (
            llvm.as_vector(context, builder, mask.dtype, *p) for p in zip(sig.args[1:], args[1:])
        )
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
            llvm.as_vector(context, builder, x.dtype, coefficients.dtype, term)
            for term in cgutils.unpack_tuple(builder, args[1])
        ]
        value = terms.pop()
        while terms:
            value = llvm.fma(builder, x.dtype, value, args[0], terms.pop())
        return value

    return x(x, coefficients), codegen


@intrinsic
def absolute(typingctx, x):
    """|x|, lane by lane."""

    def codegen(context, builder, sig, args):
        return llvm.call(builder, f"llvm.fabs.{llvm.suffix(x.dtype)}", args[0].type, args)

    return x(x), codegen


@intrinsic
def square_root(typingctx, x):
    """The square root, lane by lane, rounded correctly; NaN below 0."""

    def codegen(context, builder, sig, args):
        return llvm.call(builder, f"llvm.sqrt.{llvm.suffix(x.dtype)}", args[0].type, args)

    return x(x), codegen


@intrinsic
def copysign(typingctx, x, y):
    """The magnitude of x with the sign of y."""

    def codegen(context, builder, sig, args):
        return llvm.call(builder, f"llvm.copysign.{llvm.suffix(x.dtype)}", args[0].type, args)

    return x(x, y), codegen
