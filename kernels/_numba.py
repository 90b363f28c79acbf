"""What the kernels rely on inside Numba, which promises none of it: looked at before it is used.

A method that is overridden and no longer called would leave kernels slow, or stale, without a word.
So a Numba that lacks one is refused at import. `.ci/numba` runs the tests with the newest Numba of
the index; the bound in pyproject.toml follows what they passed with.
"""

from functools import reduce
from importlib import import_module

import numba

# Module, of numba.core or by its full name -> what is overridden or called there, and for what.
RELIED_ON = {
    "base": [
        "BaseContext.insert_user_function",
        "BaseContext.remove_user_function",
        "BaseContext.refresh",  # registries, looked into where they grew
        "_has_loc",  # signatures, read once
    ],
    "callconv": [
        "CPUCallConv.call_function",  # without errors, where there are none
        "CPUCallConv.raise_error",
        "Status",
        "RETCODE_OK",
    ],
    "caching": ["NullCache.load_overload", "NullCache.save_overload"],
    "bytecode": ["FunctionIdentity.from_function"],  # whose unique_id is in the names of symbols
    "codegen": [
        "JITCodeLibrary.add_ir_module",  # whose argument is taken apart
        "JITCodeLibrary.add_linking_library",  # shared functions, called and not linked in
        "JITCodeLibrary._optimize_functions",  # one round of LLVM's passes,
        "JITCodeLibrary._optimize_final_module",  # without unrolling,
        "JITCodeLibrary._finalize_final_module",  # and none for what only kernels call
        "JITCodeLibrary._get_module_for_linking",  # bitcode that is parsed when it is needed
        "JITCodeLibrary._set_compiled_object",
        "JITCodeLibrary._get_compiled_object",  # what is written of a kernel
        "JITCodeLibrary.get_pointer_to_function",  # addresses for the loop
        "JITCodeLibrary.codegen",  # a helper's environment, which is nowhere
        "JITCPUCodegen.set_env",
    ],
    "compiler": [
        "Compiler.compile_extra",
        "Compiler.define_pipelines",
        "compile_result",
    ],
    "callwrapper": ["PyCallWrapper.build_wrapper"],  # the way in from Python
    "compiler_lock": ["global_compiler_lock._lock.acquire"],  # which a fork waits for
    "compiler_machinery": ["register_pass", "_pass_registry.get"],
    "untyped_passes": ["LiteralUnroll", "LiteralPropagationSubPipelinePass"],  # ask for types
    "cpu": ["CPUContext.create_cpython_wrapper"],
    "pythonapi": ["PythonAPI.numba_array_adaptor", "PythonAPI.from_native_return"],
    "dispatcher": ["Dispatcher.compile", "CompilingCounter"],  # without its clocks
    "errors": ["_termcolor_inst"],  # colours of texts, most of which nobody reads
    "event": ["trigger_event"],
    "entrypoints": ["init_all"],  # extensions, looked for when something is compiled
    "ir_utils": ["build_definitions"],
    "analysis": ["compute_cfg_from_blocks", "compute_use_defs"],
    "lowering": [
        "Lower._find_singly_assigned_variable",  # which are values,
        "Lower.alloca_lltype",  # and of the others no sizes,
        "Lower.storevar",  # and no value before
        "Lower.lower_assign",  # functions without an address
        "Lower.lower_binop",  # operators' types, asked for once, and divisions without a branch
        "Lower.lower_block",  # where an error comes from, said when there is one
        "Lower.lower_expr",  # ranges that raise nothing, and `int`, `max`, `min` without a call
        "Lower.lower_inst",  # no text of what is lowered
        "Lower.lower_normal_function",  # which is seen to raise nothing
    ],
    "registry": [
        "CPUDispatcher._compilation_chain_init_hook",
        "CPUDispatcher._compile_for_args",  # kernels that refuse other types
        "CPUDispatcher.add_overload",  # and what Python finds to call
        "CPUDispatcher.get_compile_result",  # of a function that is a value
        "CPUDispatcher.get_call_template",  # no version a literal
        "CPUDispatcher.typeof_pyval",  # types of arrays without numpy.ma
    ],
    "serialize": ["dumps"],
    "typed_passes": [
        "NopythonTypeInference.run_pass",  # calls whose types are looked for once
        "PreLowerStripPhis._strip_phi_nodes",
        "NativeLowering.lowering_class",
    ],
    "numba.core.typing.context": [
        "BaseContext.resolve_function_type",
        "BaseContext._get_global_type",  # operators, without an error first
    ],
    "numba.core.typing.typeof": ["_termcolor"],
    "llvmlite.binding.ffi": ["lib._lock._lock.acquire", "lib._lock._cblist"],  # as the compiler's
}


def check(relied_on=RELIED_ON):
    """Raise ImportError where this Numba lacks something."""
    for module, names in relied_on.items():
        module = module if "." in module else f"numba.core.{module}"
        for name in names:
            try:
                reduce(getattr, name.split("."), import_module(module))
            except (ImportError, AttributeError):
                raise ImportError(
                    "fastnet.kernels: numba must be a version that fastnet was tested with, got "
                    f"{numba.__version__}, which lacks {module}.{name}. Install "
                    "another: pip install 'numba<0.69'."
                ) from None


check()
