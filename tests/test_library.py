"""What LLVM makes: machine code of kernels, and of helpers what these link with."""

import numpy as np
from llvmlite import ir
from numba.core import caching
from numba.core.registry import cpu_target

from fastnet.kernels import _kernel
from fastnet.kernels._compile import helper, jit, vector
from fastnet.kernels._library import Library


def test_a_helper_is_machine_code_in_kernels_alone(monkeypatch):
    monkeypatch.setattr(_kernel, "cache_for", lambda function: caching.NullCache())

    @helper
    def tripled(value):
        return 3 * value

    @jit(vector)
    def triple(x):
        x[0] = tripled(x[0])

    triple(x := np.ones(1))
    assert x[0] == 3
    (of_helper,), (of_kernel,) = (
        [found.library for found in dispatcher.overloads.values()]
        for dispatcher in (tripled._dispatcher, triple)
    )
    assert not of_helper.has_code and of_kernel.has_code
    engine = of_helper._codegen._engine
    assert not engine.is_symbol_defined(next(of_helper._final_module.functions).name)


def test_a_module_that_was_read_is_taken_apart():
    """Blocks and instructions know each other: they would wait for the garbage collector."""
    library = Library(cpu_target.target_context.codegen(), "read")
    module = library.create_ir_module("read")
    function = ir.Function(module, ir.FunctionType(ir.IntType(64), []), "seven")
    block = function.append_basic_block()
    ir.IRBuilder(block).ret(ir.IntType(64)(7))
    library.add_ir_module(module)
    assert not block.instructions
    assert "ret i64 7" in str(library.get_function("seven"))
