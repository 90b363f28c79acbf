"""What the kernels rely on inside Numba, which promises none of it: looked at before it is used.

A method that is overridden and no longer called would leave kernels slow, or stale, without a word.
So a Numba that lacks one is refused at import. `.ci/numba` runs the tests with the newest Numba of
the index; the bound in pyproject.toml follows what they passed with.
"""

from functools import reduce
from importlib import import_module

import numba

# Module of numba.core -> what _compile.py and _cache.py override or call there, and for what.
RELIED_ON = {
    "caching": [
        "_CacheLocator.get_disambiguator",  # the folder and the stamp of the cache
        "CompileResultCacheImpl.rebuild",  # a kernel out of the cache without the compiler
        "FunctionCache._index_key",  # a key without bytecode
        "FunctionCache._load_overload",  # no refresh of all that Numba can compile: 0.2 to 0.45 s
        "FunctionCache._guard_against_spurious_io_errors",
        "NullCache.load_overload",
    ],
    "codegen": [
        "JITCodeLibrary._optimize_functions",  # one round of LLVM's passes,
        "JITCodeLibrary._optimize_final_module",  # without unrolling,
        "JITCodeLibrary._finalize_final_module",  # and none for what only kernels call
        "JITCodeLibrary._get_module_for_linking",  # bitcode that is parsed when it is needed
        "JITCodeLibrary._set_compiled_object",
        "JITCodeLibrary.get_pointer_to_function",  # addresses for the loop
    ],
    "compiler": ["Compiler.compile_extra", "Compiler.define_pipelines", "compile_result"],
    "entrypoints": ["init_all"],  # extensions, looked for when something is compiled
    "registry": [
        "CPUDispatcher._compilation_chain_init_hook",
        "CPUDispatcher._compile_for_args",  # kernels that refuse other types
        "CPUDispatcher.get_call_template",  # no version a literal
        "CPUDispatcher.typeof_pyval",  # types of arrays without numpy.ma
    ],
}


def check(relied_on=RELIED_ON):
    """Raise ImportError where this Numba lacks something."""
    for module, names in relied_on.items():
        for name in names:
            try:
                reduce(getattr, name.split("."), import_module(f"numba.core.{module}"))
            except (ImportError, AttributeError):
                raise ImportError(
                    "fastnet.kernels: numba must be a version that fastnet was tested with, got "
                    f"{numba.__version__}, which lacks numba.core.{module}.{name}. Install "
                    "another: pip install 'numba<0.69'."
                ) from None


check()
