"""From Numba's types and statements to LLVM's, without what kernels have no use for."""

import functools
import operator

import llvmlite.ir
from numba import types
from numba.core import analysis, cgutils, errors, ir, ir_utils, lowering

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
_OF_LOOPS = {"getiter", "iternext", "pair_first", "pair_second"}
_DIVISIONS = {operator.floordiv, operator.mod}
_FUNCTIONS = {
    max: _NUMBERS,
    min: _NUMBERS,
    int: _NUMBERS | {types.boolean},
    range: {types.int64},
}


class Lower(lowering.Lower):
    """From Numba's types and statements to LLVM's, in 0.6 of the instructions."""

    def lower_normal_function(self, fndesc):
        """As Numba does it, and see whether the function may raise."""
        super().lower_normal_function(fndesc)
        self.library.raises = _convention.may_raise(self.function)
        if not self.library.raises:
            self.context = _convention.without_errors(self.context)  # of its ways in

    def _find_singly_assigned_variable(self):
        """Find the variables that are values: assigned once, and read where that came before.

        Numba's are those that one block reads alone; all others it writes to memory and reads from
        there at each use, from which LLVM makes values again: a third of what it is given.
        """
        self._singly_assigned_vars, self._blk_local_varmap = set(), {}
        if self.func_ir.func_id.is_generator:
            return
        blocks, assigned = self.func_ir.blocks, {}  # variable -> labels of blocks
        for label, block in blocks.items():
            for statement in block.find_insts(ir.Assign):
                assigned.setdefault(statement.target.name, []).append(label)
        values = {name: labels[0] for name, labels in assigned.items() if len(labels) == 1}
        before = analysis.compute_cfg_from_blocks(blocks).dominators()
        for label, names in analysis.compute_use_defs(blocks).usemap.items():
            for name in names & values.keys():
                # Blocks are lowered in the order of their labels.
                if values[name] >= label or values[name] not in before[label]:
                    del values[name]
        self._singly_assigned_vars.update(values)

    def lower_block(self, block):
        """As Numba does it, which says before each statement where an error would come from."""
        self.pre_block(block)
        try:
            for statement in block.body:
                self.loc = statement.loc
                self.lower_inst(statement)
        except Exception:
            where = 'lowering "{inst}" at {loc}'
            kind = functools.partial(errors.LoweringError, loc=self.loc)
            with errors.new_error_context(where, inst=statement, loc=self.loc, errcls_=kind):
                raise
        self.post_block(block)

    def lower_inst(self, inst):
        """As Numba does it, which makes a text of each assignment for those who debug it.

        Nine of ten statements are assignments, and their texts take 1 % of a warm-up.
        """
        if not isinstance(inst, ir.Assign):
            return super().lower_inst(inst)
        kind = self.typeof(inst.target.name)
        self.storevar(self.lower_assign(kind, inst), inst.target.name)

    def storevar(self, value, name, argidx=None):
        """As Numba does it, without a look at what was there, whose references it would count."""
        if name in self._singly_assigned_vars:
            return super().storevar(value, name)
        self.builder.store(value, self.getvar(name))

    def alloca_lltype(self, name, lltype, datamodel=None):
        """As Numba does it, without the size, which debuggers ask for: LLVM reads a module for it.

        It begins as zeros, as Numba's do: what a loop without a turn leaves unset is 0.
        """
        return cgutils.alloca_once(self.builder, lltype, name=name)

    @property
    def _is_ours(self):
        return self.func_ir.func_id.modname.startswith("fastnet.")

    def lower_assign(self, ty, inst):
        """As Numba does it, without the address of a function, which nobody calls by it."""
        if isinstance(inst.value, ir.Global | ir.FreeVar) and isinstance(ty, types.Dispatcher):
            if self._is_ours:
                return self.context.get_dummy_value()
        return super().lower_assign(ty, inst)

    def lower_expr(self, resty, expr):
        """As Numba does it, but for ranges, and `int`, `max` and `min`."""
        kind = self.typeof(expr.value.name) if expr.op in _OF_LOOPS else None
        if expr.op == "getiter" and isinstance(kind, types.RangeType) and self._is_ours:
            return self._turns(expr)
        if expr.op == "iternext" and isinstance(kind, types.RangeIteratorType):
            return self._next(kind, expr)
        if expr.op in ("pair_first", "pair_second"):
            value = self.loadvar(expr.value.name)
            return self.builder.extract_value(value, int(expr.op == "pair_second"))
        if expr.op == "call" and not expr.kws and expr.vararg is None:
            called = getattr(self.typeof(expr.func.name), "typing_key", None)
            if called in _FUNCTIONS:
                kinds = {types.unliteral(self.typeof(value.name)) for value in expr.args}
                if len(kinds) == 1 and kinds <= _FUNCTIONS[called]:
                    values = [self.loadvar(value.name) for value in expr.args]
                    if called is range:
                        return self._range(resty, *values)
                    return self._number(called, *kinds, values, resty)
        return super().lower_expr(resty, expr)

    def _struct(self, kind, **values):
        """Return a struct of Numba's, which makes them in memory."""
        model = self.context.data_model_manager[kind]
        made = llvmlite.ir.Constant(model.get_value_type(), llvmlite.ir.Undefined)
        for name, value in values.items():
            made = self.builder.insert_value(made, value, model.get_field_position(name))
        return made

    def _range(self, kind, start, stop=None, step=None):
        """Return a range of int64."""
        if stop is None:
            start, stop = start.type(0), start
        return self._struct(kind, start=start, stop=stop, step=step or start.type(1))

    def _next(self, kind, expr):
        """Return a range's next number and whether it has one.

        It steps on behind its last number, too: that takes no branch.
        """
        builder, model = self.builder, self.context.data_model_manager[kind]
        iterator = self.loadvar(expr.value.name)
        at, step, count = (
            builder.extract_value(iterator, model.get_field_position(name))
            for name in ("iter", "step", "count")
        )
        value, left = builder.load(at), builder.load(count)
        builder.store(builder.add(value, step), at)
        builder.store(builder.sub(left, left.type(1)), count)
        more = builder.icmp_signed(">", left, left.type(0))
        return self._struct(self.fndesc.calltypes[expr].return_type, first=value, second=more)

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
        builder = self.builder
        value, kind = self.loadvar(expr.value.name), self.fndesc.calltypes[expr].return_type
        start, stop, step = cgutils.unpack_tuple(builder, value)
        with builder.goto_entry_block():
            at, count = builder.alloca(start.type), builder.alloca(start.type)
        zero, one = start.type(0), start.type(1)
        length = builder.sub(stop, start)
        builder.store(start, at)
        if self._in_ones(ir_utils.guard(ir_utils.get_definition, self.func_ir, expr.value)):
            builder.store(length, count)  # no turn where it is negative
            return self._struct(kind, iter=at, stop=stop, step=one, count=count)
        onward = builder.icmp_signed(">", length, zero)
        step = builder.select(builder.icmp_signed("==", step, zero), one, step)
        away = builder.xor(onward, builder.icmp_signed(">", step, zero))
        with builder.if_else(away) as (none, some):
            with none:
                builder.store(zero, count)
            with some:
                rest = builder.srem(length, step)
                rest = builder.select(onward, rest, builder.neg(rest))
                more = builder.zext(builder.icmp_signed(">", rest, zero), start.type)
                builder.store(builder.add(builder.sdiv(length, step), more), count)
        return self._struct(kind, iter=at, stop=stop, step=step, count=count)

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
        if op in _DIVISIONS and set(kinds) == {types.int64}:
            return context.cast(self.builder, self._divided(op, *operands), types.int64, resty)
        typing = Typing(context.typing_context)
        function = typing.resolve_value_type(op)
        found = typing.resolve_function_type(function, kinds, {})
        result = context.get_function(function, found)(self.builder, operands)
        return context.cast(self.builder, result, signature.return_type, resty)

    def _divided(self, op, x, y):
        """Return x // y or x % y of int64: 0 where y is, and for the least number by -1.

        So do Numba's, by four branches and five variables in memory.
        """
        builder, zero, one = self.builder, y.type(0), y.type(1)
        constant = isinstance(y, llvmlite.ir.Constant) and y.constant
        if constant and constant > 0 and constant & (constant - 1) == 0:
            if op is operator.mod:
                return builder.and_(x, y.type(constant - 1))
            return builder.ashr(x, y.type(constant.bit_length() - 1))
        none = builder.icmp_signed("==", y, zero)
        least = builder.icmp_signed("==", x, x.type(-(2**63)))
        none = builder.or_(none, builder.and_(least, builder.icmp_signed("==", y, y.type(-1))))
        by = builder.select(none, one, y)
        quotient, rest = builder.sdiv(x, by), builder.srem(x, by)
        signs = builder.icmp_signed("<", builder.xor(y, rest), zero)
        below = builder.and_(builder.icmp_signed("!=", rest, zero), signs)
        if op is operator.mod:
            found = builder.select(below, builder.add(rest, y), rest)
        else:
            found = builder.select(below, builder.sub(quotient, one), quotient)
        return builder.select(none, zero, found)
