"""From Numba's types and statements to LLVM's, without what kernels have no use for."""

from numba import types
from numba.core import cgutils, ir, ir_utils, lowering

from . import _convention


class Typing:
    """Numba's typing context, which remembers what the calls of functions came to.

    It asks some ten templates for each call, one after the other. Of the 10,179 calls in what the
    first training step compiles 585 are different: a fifth of its compiling.
    """

    _found = {}  # of a function, its templates and arguments; under the compiler's lock

    def __init__(self, context):
        self._context = context

    def __getattr__(self, name):
        return getattr(self._context, name)

    def resolve_value_type(self, value):
        """As Numba does it, which asks of operators first whether they are constants: an error."""
        known = type(value) is type(len) and self._context._get_global_type(value)
        return known or self._context.resolve_value_type(value)

    def resolve_function_type(self, function, args, kws):
        """As Numba does it, once."""
        if type(function) is not types.Function:
            return self._context.resolve_function_type(function, args, kws)
        # One that learns other arguments, by an extension, has other templates.
        key = self._context, function, function.templates, args, tuple(kws.items())
        if key not in self._found:
            self._found[key] = self._context.resolve_function_type(function, args, kws)
        return self._found[key]


_NUMBERS = {types.float32, types.float64, types.int64}
_FUNCTIONS = {max: _NUMBERS, min: _NUMBERS, int: _NUMBERS | {types.boolean}}


class Lower(lowering.Lower):
    """From Numba's types and statements to LLVM's.

    Numba has LLVM read a module for the size of each variable, which only debuggers ask for: 2,301
    modules in the first training step, 4 % of its compiling.
    """

    _sizes = {}  # of LLVM's types, as they are written

    def init(self):
        """As Numba does it, with sizes that are remembered."""
        super().init()
        size_of = self.context.get_abi_sizeof

        def remembered(kind):
            written = str(kind)
            if "%" in written:  # a name, whose meaning another module may not share
                return size_of(kind)
            if written not in self._sizes:
                self._sizes[written] = size_of(kind)
            return self._sizes[written]

        self.context.get_abi_sizeof = remembered  # the context is a copy for this function

    def lower_normal_function(self, fndesc):
        """As Numba does it, and see whether the function may raise."""
        super().lower_normal_function(fndesc)
        self.library.raises = _convention.may_raise(self.function)
        if not self.library.raises:
            self.context = _convention.without_errors(self.context)  # of its ways in

    def lower_expr(self, resty, expr):
        """As Numba does it, but for what our own loops go over, and `int`, `max` and `min`."""
        if expr.op == "getiter" and self.func_ir.func_id.modname.startswith("fastnet."):
            if isinstance(self.typeof(expr.value.name), types.RangeType):
                return self._turns(expr)
        if expr.op == "call" and not expr.kws and expr.vararg is None:
            called = getattr(self.typeof(expr.func.name), "typing_key", None)
            if called in _FUNCTIONS:
                kinds = {types.unliteral(self.typeof(value.name)) for value in expr.args}
                if len(kinds) == 1 and kinds <= _FUNCTIONS[called]:
                    return self._number(
                        called, *kinds, [self.loadvar(v.name) for v in expr.args], resty
                    )
        return super().lower_expr(resty, expr)

    def _number(self, function, kind, values, wanted):
        """Call `int`, or `max` or `min` of one type, which are functions to Numba, linked in."""
        context, builder, (best, *others) = self.context, self.builder, values
        compare = builder.fcmp_ordered if isinstance(kind, types.Float) else builder.icmp_signed
        for value in others:
            better = compare(">" if function is max else "<", value, best)
            best = builder.select(better, value, best)
        return context.cast(builder, best, kind, wanted)

    def _turns(self, expr):
        """Return the iterator of a range, which Numba makes for any step, and raises where it is 0.

        Of most the step is 1. Where it is 0 it is taken for 1: kernels raise nothing.
        """
        context, builder = self.context, self.builder
        value, iterator = self.loadvar(expr.value.name), self.fndesc.calltypes[expr].return_type
        start, stop, step = cgutils.unpack_tuple(builder, value)
        made = cgutils.create_struct_proxy(iterator)(context, builder)
        made.iter = cgutils.alloca_once_value(builder, start)
        made.count = cgutils.alloca_once(builder, start.type)
        made.stop, made.step = stop, step
        zero, one = start.type(0), start.type(1)
        length = builder.sub(stop, start)
        if self._in_ones(ir_utils.guard(ir_utils.get_definition, self.func_ir, expr.value)):
            made.step = one
            builder.store(length, made.count)  # no turn where it is negative
            return made._getvalue()
        onward = builder.icmp_signed(">", length, zero)
        made.step = step = builder.select(builder.icmp_signed("==", step, zero), one, step)
        away = builder.xor(onward, builder.icmp_signed(">", step, zero))
        with builder.if_else(away) as (none, some):
            with none:
                builder.store(zero, made.count)
            with some:
                rest = builder.srem(length, step)
                rest = builder.select(onward, rest, builder.neg(rest))
                more = builder.zext(builder.icmp_signed(">", rest, zero), start.type)
                builder.store(builder.add(builder.sdiv(length, step), more), made.count)
        return made._getvalue()

    def _in_ones(self, made):
        """Whether a range is made by `range` of one number or two."""
        if getattr(made, "op", None) != "call" or made.vararg is not None or len(made.args) > 2:
            return False
        return getattr(self.typeof(made.func.name), "typing_key", None) is range

    def lower_binop(self, resty, expr, op):
        """Look for one function, where Numba first tries three of constant operands.

        Powers alone have such, and what it tries are errors with their texts.
        """
        if not expr.static_lhs is expr.static_rhs is ir.UNDEFINED:
            return super().lower_binop(resty, expr, op)
        context, signature = self.context, self.fndesc.calltypes[expr]
        kinds, values = signature.args, [self.loadvar(v.name) for v in (expr.lhs, expr.rhs)]
        operands = [
            context.cast(self.builder, value, self.typeof(v.name), kind)
            for v, value, kind in zip((expr.lhs, expr.rhs), values, kinds)
        ]
        typing = Typing(context.typing_context)
        function = typing.resolve_value_type(op)
        found = typing.resolve_function_type(function, kinds, {})
        result = context.get_function(function, found)(self.builder, operands)
        return context.cast(self.builder, result, signature.return_type, resty)
