"""How Numba compiles kernels: its passes, less what they have no use for."""

import copy
import functools
import gc
from types import SimpleNamespace

from llvmlite.binding import ffi
from numba import types
from numba.core import base, compiler, errors, ir_utils, typed_passes
from numba.core.compiler_machinery import _pass_registry, register_pass
from numba.core.typing import typeof

from . import _convention
from ._folders import STAMP
from ._library import Bitcode, Library
from ._lower import Lower, Typing
from .blocking import BITS, L2_BYTES

# What a user keeps in a cache of numba.njit's has our functions in it, and symbols that are there
# already are called in their place: none of another fastnet, or of vectors of another width.
_MADE_FOR = f"{STAMP}x{BITS}x{L2_BYTES}"


@register_pass(mutates_CFG=True, analysis_only=False)
class _TypeInference(typed_passes.NopythonTypeInference):
    _name = "type_inference_of_kernels"

    def run_pass(self, state):
        context = state.typingctx
        state.typingctx = Typing(context)
        try:
            return super().run_pass(state)
        finally:
            state.typingctx = context


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(typed_passes.NativeLowering):
    _name = "lowering_of_kernels"

    @property
    def lowering_class(self):
        return Lower

    def run_pass(self, state):
        """As Numba does it, and let others call it without errors where there are none."""
        done = super().run_pass(state)
        library, made = state.library, state["cr"]
        if not library.raises:
            state.targetctx.remove_user_function(made.cfunc)
            _convention.insert(state.targetctx, made.cfunc, made.fndesc, library)
        return done


@register_pass(mutates_CFG=True, analysis_only=False)
class _StripPhis(typed_passes.PreLowerStripPhis):
    _name = "strip_phis_of_kernels"

    def run_pass(self, state):
        """As Numba does it, without looking how long variables live, which generators ask for."""
        state.func_ir = self._strip_phi_nodes(state.func_ir)
        state.func_ir._definitions = ir_utils.build_definitions(state.func_ir.blocks)
        return True


# Passes that kernels have no use for: for closures and comprehensions and for expressions of whole
# arrays, an eighth of the Python code that runs; for where counts of references go down, and for
# the source with its types, together 4 % of the compiling.
NEEDLESS = {"InlineClosureLikes", "NopythonRewrites", "IRLegalization", "AnnotateTypes"}
OURS = {
    "NopythonTypeInference": _TypeInference,
    "PreLowerStripPhis": _StripPhis,
    "NativeLowering": _Lowering,
}


def _seen_untyped(kind):
    """What passes see of an argument's type before types are inferred."""
    if isinstance(kind, types.BaseTuple):
        return "tuple", len(kind)
    if isinstance(kind, types.Array):
        return "array", kind.ndim
    return kind if isinstance(kind, types.NoneType | types.Omitted | types.Literal) else None


# Passes before types that infer some for themselves, and return True then: of the arguments of
# `literal_unroll`, and of those of `isinstance` and `hasattr`.
ASK_FOR_TYPES = {"LiteralUnroll", "LiteralPropagationSubPipelinePass"}


class _Passes:
    """Numba's passes, without its clocks and listeners; those before types once a function.

    What they make of a function is kept on it: for the version in the other dtype, and for those
    of a helper that is called with other types. 7 % of a warm-up. Nothing is kept of what they
    make with types.
    """

    pipeline_name = "nopython"

    def __init__(self, manager):
        self.exec_times, self._analysis = {}, manager._analysis
        passes = [
            (OURS.get(kind.__name__, kind), text)
            for kind, text in manager.passes
            if kind.__name__ not in NEEDLESS
        ]
        at = [kind for kind, _ in passes].index(_TypeInference)
        self._untyped, self._typed = passes[:at], passes[at:]

    def run(self, state):
        """Compile a function."""
        function = state.func_id.func
        kept = function.__dict__.setdefault("_untyped", {})
        # By the function, too: `functools.wraps` gives another one the same dictionary.
        seen = function, *map(_seen_untyped, state.args)
        if seen not in kept and not self._run(self._untyped, state):
            kept[seen] = state.func_ir
        state.func_ir = copy.copy(kept.get(seen, state.func_ir))
        state.func_ir.func_id, state.nargs = state.func_id, len(state.args)
        state.flags.enable_ssa = True  # its value is in symbols, and what inlines leaves another
        self._run(self._typed, state)

    def _run(self, passes, state):
        """Return whether one of the passes asked for types."""
        asked = False
        for kind, text in passes:
            one = _pass_registry.get(kind).pass_inst
            one.analysis = self._analysis
            try:
                done = one.run_pass(state)
                asked = asked or (done and kind.__name__ in ASK_FOR_TYPES)
            except errors.NumbaError as error:
                error.args = (f"Failed in nopython mode pipeline (step: {text})\n{error}",)
                raise
        return asked


def forget(function):
    """Read a function anew when it is compiled again: a global of it may be another now."""
    function.__dict__.pop("_untyped", None)


_PLAIN = SimpleNamespace(  # texts of errors as they are
    **dict.fromkeys(("code", "errmsg", "filename", "indicate", "highlight", "reset"), str)
)


_has_loc = functools.lru_cache(1000)(base._has_loc)  # whether a function takes a `loc`


def _undisturbed(function, argument):
    """Call it without the garbage collector, on a stack in one piece, with nobody who listens.

    The collector would look at what Numba makes again and again: 1.2 times the time, for 60 MB
    less. And CPython's stack comes from the system in pieces of 16 KB, which go back as soon as
    they are empty: where the calls of a loop begin a new one, it comes and goes with each, 100,000
    times and more in the first training step, which takes 0.5 to 2 s. A frame that needs half a
    megabyte gets a piece of one, and leaves the rest to the calls inside.

    Numba tells listeners of each call of LLVM, 270 a kernel, and puts colours into the texts of
    errors, most of which nobody reads: it finds out by them that a function is no literal, say. And
    it reads the signature of what implements a call at each one: 33,000 times in a warm-up, 1 %.
    """
    collects, lock = gc.isenabled(), ffi.lib._lock
    before = lock._cblist, errors._termcolor_inst, typeof._termcolor, base._has_loc
    gc.disable()
    try:
        lock._cblist, errors._termcolor_inst, typeof._termcolor = [], _PLAIN, _PLAIN
        base._has_loc = _has_loc
        return function(argument)
    finally:
        lock._cblist, errors._termcolor_inst, typeof._termcolor, base._has_loc = before
        if collects:
            gc.enable()


_undisturbed.__code__ = _undisturbed.__code__.replace(co_stacksize=70_000)  # of 8 bytes


class KernelCompiler(compiler.Compiler):
    """Numba's, with our passes and our library."""

    library = Library
    _passes = None
    numbered = True  # the symbol has Numba's number, which tells functions of one name apart

    def __init__(self, typingctx, targetctx, library, *rest):
        library = self.library(targetctx.codegen(), "kernel")
        library.enable_object_caching()
        targetctx = targetctx.subtarget()  # a copy
        targetctx.__class__ = _convention.Context
        super().__init__(typingctx, targetctx, library, *rest)

    def compile_extra(self, func):
        """As Numba does it, undisturbed."""
        return _undisturbed(super().compile_extra, func)

    def define_pipelines(self):
        """As Numba does it, without what is needless, and with ours in the place of three."""
        function = self.state.func_id
        function.unique_id = f"{function.unique_id}x{_MADE_FOR}" if self.numbered else _MADE_FOR
        if self.state.func_ir is not None:  # what is left beside blocks of `objmode`
            return super().define_pipelines()
        if KernelCompiler._passes is None:
            (manager,) = super().define_pipelines()
            KernelCompiler._passes = _Passes(manager)
        return [self._passes]


class HelperCompiler(KernelCompiler):
    """What makes bitcode alone."""

    library = Bitcode


class SharedCompiler(KernelCompiler):
    """What makes functions that others call by their names, which are the same in every process."""

    numbered = False
