"""How functions that raise nothing are called: nobody looks at what they could have raised.

Numba's functions return a status, and write their result and what they raise to where the caller
says. Behind each call stand eight instructions that take the status apart, and two blocks that hand
an error on; in the ways in from Python and C, what makes an exception of it. Of kernels, which
raise nothing, all of this is made, written, read and optimised away: a seventh of a warm-up, with
the ways in from C that nobody calls.
"""

from llvmlite import ir
from numba import types
from numba.core import callconv, callwrapper, cpu, debuginfo
from numba.np import numpy_support

_YES, _NO = ir.IntType(1)(1), ir.IntType(1)(0)
_DONE = callconv.Status(
    code=callconv.RETCODE_OK,
    is_ok=_YES,
    **dict.fromkeys(("is_none", "is_error", "is_user_exc", "is_python_exc"), _NO),
    is_stop_iteration=_NO,
    excinfoptr=ir.Constant(callconv.excinfo_ptr_t, ir.Undefined),
)


def may_raise(function):
    """Return whether an LLVM function may return another status than that of success.

    Looked at where it returns, whatever its calls and operators came to. A function that returns
    None or a value has a status for that: it is called as Numba calls it.
    """
    ends = [block.terminator for block in function.blocks]
    statuses = [end.operands[0] for end in ends if end.opname == "ret"]
    return any(status != callconv.RETCODE_OK for status in statuses)


class _Convention(callconv.CPUCallConv):
    """Numba's, towards functions that raise nothing."""

    def call_function(self, builder, callee, resty, argtys, args, attrs=None):
        result, error = callee.function_type.args[:2]
        with debuginfo.suspend_emission(builder), builder.goto_entry_block():
            place = builder.alloca(result.pointee)
        arguments = self._get_arg_packer(argtys).as_arguments(builder, args)
        builder.call(callee, [place, error(None), *arguments], attrs=attrs or ())
        value = self.context.get_returned_value(builder, resty, builder.load(place))
        return _DONE, value

    def raise_error(self, builder, pyapi, status):
        """Nothing: there is none."""


class _WayIn(callwrapper.PyCallWrapper):
    """The way in from Python of a function that raises nothing and takes arrays and numbers.

    Numba's has five blocks an array, which count no references here and clean up nothing: a fifth
    of all blocks of a warm-up. Numbers are looked at after all arrays, which share one exception.
    """

    def build_wrapper(self, api, builder, closure, args, kws):
        kinds, context = self.fndesc.argtypes, self.context
        refused = builder.append_basic_block("refused")
        failed = builder.append_basic_block("failed")  # with an exception of Python's

        def leave_if(condition, block):
            after = builder.append_basic_block()
            builder.cbranch(condition, block, after)
            builder.position_at_end(after)

        objects = [api.alloca_obj() for _ in kinds]
        count = len(kinds)
        parsed = api.unpack_tuple(args, self.fndesc.qualname, count, count, *objects)
        leave_if(builder.icmp_unsigned("==", parsed, parsed.type(0)), failed)
        objects = [builder.load(given) for given in objects]
        arrays = [(i, kind) for i, kind in enumerate(kinds) if isinstance(kind, types.Array)]
        values, wrong = {}, _NO
        for i, kind in arrays:
            array = context.make_array(kind)(context, builder)
            memory = builder.bitcast(array._getpointer(), api.voidptr)
            api.numba_array_adaptor(objects[i], memory)  # what is no array leaves it zeros
            values[i] = builder.load(array._getpointer())
            size = array.itemsize.type(numpy_support.as_dtype(kind.dtype).itemsize)
            wrong = builder.or_(wrong, builder.icmp_unsigned("!=", array.itemsize, size))
        if arrays:
            leave_if(wrong, refused)
        for i, kind in enumerate(kinds):
            if i not in values:
                number = api.to_native_value(kind, objects[i])
                leave_if(number.is_error, failed)
                values[i] = number.value
        thread = api.save_thread() if self.release_gil else None
        result, values = self.fndesc.restype, [values[i] for i in range(count)]
        called = self.func, result, kinds, values
        _, value = context.call_conv.call_function(builder, *called, attrs=("noinline",))
        if self.release_gil:
            api.restore_thread(thread)
        builder.ret(api.from_native_return(result, value, None))
        with builder.goto_block(refused):
            api.err_set_string("PyExc_TypeError", "an argument is no array of its type")
            builder.branch(failed)
        with builder.goto_block(failed):
            builder.ret(api.get_null_object())


_NUMBERS = types.Integer | types.Float | types.Boolean


class Context(cpu.CPUContext):
    """Numba's, which looks into its registries where something was registered since.

    Numba's looks for each function, and for each array and intrinsic in it: 2 % of a warm-up.
    """

    _registered = None  # how much, when they were looked into

    def _count(self):
        """Return how many there are of each kind in each registry: they only grow."""
        return [
            len(kind)
            for context in (self, self.typing_context)
            for registry in context._registries
            for kind in vars(registry).values()
        ]

    def refresh(self):
        """As Numba does it, where there is something new."""
        if self._count() != Context._registered:
            super().refresh()
            Context._registered = self._count()


class _WithoutErrors(Context):
    """What makes the ways in from Python and from C of a function that raises nothing."""

    @property
    def call_conv(self):
        return _Convention(self)

    def create_cpython_wrapper(self, library, fndesc, env, call_helper, release_gil=False):
        """As Numba does it, from arrays and numbers to a number or none by ours."""
        kinds = fndesc.argtypes
        given = all(type(kind) is types.Array or isinstance(kind, _NUMBERS) for kind in kinds)
        made = isinstance(fndesc.restype, types.NoneType | _NUMBERS)
        if not given or not made or self.enable_nrt:
            return super().create_cpython_wrapper(library, fndesc, env, call_helper, release_gil)
        module = self.create_module("wrapper")
        kind = self.call_conv.get_function_type(fndesc.restype, fndesc.argtypes)
        function = ir.Function(module, kind, fndesc.llvm_func_name)
        _WayIn(self, module, function, fndesc, env, call_helper, release_gil).build()
        library.add_ir_module(module)


def without_errors(context):
    """Return the same context for a function that raises nothing."""
    made = context.subtarget()  # a copy
    made.__class__ = _WithoutErrors
    return made


def insert(context, function, fndesc, library):
    """Let compiled functions call one, as Numba's `insert_user_function` does."""
    if library.raises:
        return context.insert_user_function(function, fndesc, [library])

    def call(context, builder, sig, args):
        callee = context.declare_function(builder.module, fndesc)
        found = fndesc.restype, fndesc.argtypes, args
        return _Convention(context).call_function(builder, callee, *found)[1]

    call.signature, call.libs = fndesc.argtypes, (library,)
    context._defns[function].append(call, call.signature)
