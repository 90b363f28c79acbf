"""What LLVM makes of kernels, helpers and shared functions: optimised, and linked or called."""

import functools

from llvmlite.binding import Linkage, create_pass_builder, create_pipeline_tuning_options
from numba.core import codegen


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
    has_code : bool
        Whether LLVM made machine code: of a helper there is none but in kernels.
    raises : bool
        Whether the function may.
    """

    shared = _whole = None
    has_code = raises = True

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

    @property
    def codegen(self):
        """Where Numba leaves a function's environment; a helper's is nowhere."""
        return self._codegen if self.has_code else self

    def set_env(self, name, environment):
        """As Numba's `codegen` does it, of a helper."""

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

    def add_ir_module(self, ir_module):
        """As Numba does it, and take it apart, for it would wait for the garbage collector."""
        super().add_ir_module(ir_module)
        for function in ir_module.functions:
            for block in function.blocks:
                block.instructions.clear()

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


class Bitcode(Library):
    """What the callers of a helper link with, without machine code: nobody calls that of a helper.

    A helper that calls others is optimised in the kernels alone: Numba would optimise all that it
    calls once more for every function on the way to a kernel. Together this took the compiling of
    the first training step from 11.5 s to 6.4 on a busy core, and left its speed as it was. LLVM's
    engine has no module of it, not even an empty one: llvmlite looks through all that there are
    for each that is added, 5 s of a warm-up with its 1,000 helpers.
    """

    has_code = False

    def _optimize_final_module(self):
        if not self._linking_libraries:
            super()._optimize_final_module()

    def _finalize_final_module(self):
        self._shared_module = self._final_module
        for function in self._final_module.functions:
            if not function.is_declaration:
                function.linkage = Linkage.linkonce_odr
        self._finalized = True
