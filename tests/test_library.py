"""What LLVM makes: machine code of kernels, and of helpers what these link with."""

import numpy as np
from numba.core import caching

from fastnet.kernels import _kernel
from fastnet.kernels._compile import helper, jit, vector


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
