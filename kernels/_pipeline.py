"""How Numba compiles kernels: its passes and LLVM's, less what they have no use for."""

import functools
import gc

from llvmlite.binding import (
    Linkage,
    create_pass_builder,
    create_pipeline_tuning_options,
    parse_assembly,
)
from numba import types
from numba.core import codegen, compiler, ir, lowering, typed_passes
from numba.core.compiler_machinery import register_pass

from ._folders import STAMP
from .blocking import BITS, L2_BYTES

# What a user keeps in a cache of numba.njit's has our functions in it, and symbols that are there
# already are called in their place: none of another fastnet, or of vectors of another width.
_MADE_FOR = f"{STAMP}x{BITS}x{L2_BYTES}"


class Linked(codegen.JITCodeLibrary):
    """Code whose shared functions are called by their names, and are not linked in.

    Those who compile by other means, a user's `numba.njit`, link with all: what they keep in a
    cache of their own must run without ours.

    Attributes
    ----------
    shared : tuple or None
        Of a shared function: it, and the types of its arguments.
    needs : dict
        The libraries of the shared functions that are called, by what these are.
    """

    shared = _whole = None

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.needs = {}

    def add_linking_library(self, library):
        """Link what is called, but for shared functions."""
        if not isinstance(library, Linked):
            super().add_linking_library(library)
        elif library.shared is not None:
            self.needs[library.shared] = library
        else:
            self.needs |= library.needs
            super().add_linking_library(library._alone)

    @functools.cached_property
    def _alone(self):
        """What ours link with."""
        return _Alone(self)

    def own_module(self):
        """Return what ours link with."""
        return super()._get_module_for_linking()

    def _get_module_for_linking(self):
        if self._whole is None:
            whole = self.own_module()
            if self.needs:
                whole = whole.clone()
            for library in self.needs.values():
                whole.link_in(library._get_module_for_linking(), preserve=True)
            self._whole = whole  # not before it is: Ctrl-C
        return self._whole


class _Alone:
    """A library without the shared functions that it needs."""

    def __init__(self, library):
        self._ensure_finalized = library._ensure_finalized
        self._get_module_for_linking = library.own_module
        self._reload_init = library._reload_init


class Library(Linked):
    """Machine code that is optimised once, its loops as they are written.

    Numba would run cheap passes before the full ones, which repeat them: for counts of references,
    of which there are none. And LLVM would unroll the loops over vectors: 0.45 s of the compiling
    of the first training step and 1.4 times the machine code, for 0.98 of the kernels' speed.
    """

    def _optimize_functions(self, module):
        module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self):
        options = create_pipeline_tuning_options(speed_level=3)
        options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
        builder = create_pass_builder(self._codegen._tm, options)
        builder.getModulePassManager().run(self._final_module, builder)

    def get_asm_str(self):
        """As Numba does it, with the shared functions that are called."""
        if not self.needs:
            return super().get_asm_str()
        return str(self._codegen._tm.emit_assembly(self._get_module_for_linking()))


class _Bitcode(Library):
    """What the callers of a helper link with, without machine code: nobody calls that of a helper.

    A helper that calls others is optimised in the kernels alone: Numba would optimise all that it
    calls once more for every function on the way to a kernel. Together this took the compiling of
    the first training step from 11.5 s to 6.4 on a busy core, and left its speed as it was.
    """

    def _optimize_final_module(self):
        if not self._linking_libraries:
            super()._optimize_final_module()

    def _finalize_final_module(self):
        linked = self._shared_module = self._final_module
        for function in linked.functions:
            if not function.is_declaration:
                function.linkage = Linkage.linkonce_odr
        # All that is made is the variable that Numba keeps the helper's environment in.
        variables = [str(v) for v in linked.global_variables if v.linkage == Linkage.common]
        empty = self._codegen._create_empty_module(self.name)
        self._final_module = parse_assembly("\n".join([str(empty), *variables]))
        super()._finalize_final_module()


class _Typing:
    """Numba's typing context, which remembers what the calls of functions came to.

    It asks some ten templates for each call, one after the other. Of the 10,179 calls in what the
    first training step compiles 585 are different: a fifth of its compiling.
    """

    _found = {}  # of a function, its templates and arguments; under the compiler's lock

    def __init__(self, context):
        self._context = context

    def __getattr__(self, name):
        return getattr(self._context, name)

    def resolve_function_type(self, function, args, kws):
        if type(function) is not types.Function:
            return self._context.resolve_function_type(function, args, kws)
        # One that learns other arguments, by an extension, has other templates.
        key = self._context, function, function.templates, args, tuple(kws.items())
        if key not in self._found:
            self._found[key] = self._context.resolve_function_type(function, args, kws)
        return self._found[key]


@register_pass(mutates_CFG=True, analysis_only=False)
class _TypeInference(typed_passes.NopythonTypeInference):
    _name = "type_inference_of_kernels"

    def run_pass(self, state):
        context = state.typingctx
        state.typingctx = _Typing(context)
        try:
            return super().run_pass(state)
        finally:
            state.typingctx = context


class _Lower(lowering.Lower):
    """From Numba's types and statements to LLVM's.

    Numba has LLVM read a module for the size of each variable, which only debuggers ask for: 2,301
    modules in the first training step, 4 % of its compiling.
    """

    _sizes = {}  # of LLVM's types, as they are written

    def init(self):
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
        function = context.typing_context.resolve_value_type(op)
        found = _Typing(context.typing_context).resolve_function_type(function, kinds, {})
        result = context.get_function(function, found)(self.builder, operands)
        return context.cast(self.builder, result, signature.return_type, resty)


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(typed_passes.NativeLowering):
    _name = "lowering_of_kernels"

    @property
    def lowering_class(self):
        return _Lower


# Passes that kernels have no use for: for closures and comprehensions and for expressions of whole
# arrays, an eighth of the Python code that runs; for where counts of references go down, and for
# the source with its types, together 4 % of the compiling.
NEEDLESS = {"InlineClosureLikes", "NopythonRewrites", "IRLegalization", "AnnotateTypes"}
OURS = {"NopythonTypeInference": _TypeInference, "NativeLowering": _Lowering}


def _without_collector(function, argument):
    """Call it without the garbage collector, on a stack in one piece.

    The collector would look at what Numba makes again and again: 1.2 times the time, for 60 MB
    less. And CPython's stack comes from the system in pieces of 16 KB, which go back as soon as
    they are empty: where the calls of a loop begin a new one, it comes and goes with each, 100,000
    times and more in the first training step, which takes 0.5 to 2 s. A frame that needs half a
    megabyte gets a piece of one, and leaves the rest to the calls inside.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return function(argument)
    finally:
        if collects:
            gc.enable()


_without_collector.__code__ = _without_collector.__code__.replace(co_stacksize=70_000)  # of 8 bytes


class KernelCompiler(compiler.Compiler):
    """Numba's, with our passes and our library."""

    library = Library
    numbered = True  # the symbol has Numba's number, which tells functions of one name apart

    def __init__(self, typingctx, targetctx, library, *rest):
        library = self.library(targetctx.codegen(), "kernel")
        library.enable_object_caching()
        super().__init__(typingctx, targetctx, library, *rest)

    def compile_extra(self, func):
        """As Numba does it, without the collector."""
        return _without_collector(super().compile_extra, func)

    def define_pipelines(self):
        """As Numba does it, without what is needless, and with ours in the place of two passes."""
        function = self.state.func_id
        function.unique_id = f"{function.unique_id}x{_MADE_FOR}" if self.numbered else _MADE_FOR
        pipelines = super().define_pipelines()
        for pipeline in pipelines:
            pipeline.passes = [
                (OURS.get(kind.__name__, kind), text)
                for kind, text in pipeline.passes
                if kind.__name__ not in NEEDLESS
            ]
        return pipelines


class HelperCompiler(KernelCompiler):
    """What makes bitcode alone."""

    library = _Bitcode


class SharedCompiler(KernelCompiler):
    """What makes functions that others call by their names, which are the same in every process."""

    numbered = False
