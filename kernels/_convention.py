"""How functions that raise nothing are called: nobody looks at what they could have raised.

Numba's functions return a status, and write their result and what they raise to where the caller
says. Behind each call stand eight instructions that take the status apart, and two blocks that hand
an error on; in the ways in from Python and C, what makes an exception of it. Of kernels, which
raise nothing, all of this is made, written, read and optimised away: a seventh of a warm-up, with
the ways in from C that nobody calls.
"""

from llvmlite import ir
from numba.core import callconv, cpu, debuginfo

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


class _Context(cpu.CPUContext):
    """What makes the ways in from Python and from C of a function that raises nothing."""

    @property
    def call_conv(self):
        return _Convention(self)


def without_errors(context):
    """Return the same context for a function that raises nothing."""
    made = context.subtarget()  # a copy
    made.__class__ = _Context
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
