"""The decorators: one version a dtype, compiled as they say, and what they refuse."""

import contextlib
import gc
import inspect
import io
import traceback
from collections import defaultdict

import llvmlite.binding
import numba
import numpy as np
import pytest
from llvmlite.binding import ffi
from numba import float32, float64, int64
from numba.core import caching, errors
from numba.core.typed_passes import BaseNativeLowering
from numba.core.types import Record

from fastnet import kernels
from fastnet.kernels import _pipeline
from fastnet.kernels._compile import Kernel, cube, jit, labels, matrix, named, real, vector
from fastnet.reference.kernels.record import dense_layers, program_of

# One version a dtype, in this process, after whatever the other tests did


def array_of(shape, dtype, form):
    """Make an array as callers come by them: all are C-contiguous."""
    whole = np.ones(tuple(2 * s + 1 for s in shape), dtype)
    if form == "fresh":
        return np.ones(shape, dtype)
    if form == "transposed twice":
        return np.ones(shape[::-1], dtype).T.copy().T.T
    if form == "part":
        return np.ascontiguousarray(whole[tuple(slice(s) for s in shape)])
    return whole.ravel()[1 : 1 + int(np.prod(shape))].reshape(shape)


def call_everything(dtype, n, d, m, form):
    def make(*shape):
        return array_of(shape, dtype, form)

    one = dtype(1)
    x, W, b, out, loss = make(n, d), make(d, m), make(m), make(n, m), make(1)
    dout, dx, dW, db = make(n, m), make(n, d), make(d, m), make(m)
    t = np.zeros(n, np.int64)
    kernels.matmul_forward(x, W, out)
    kernels.matmul_backward(x, W, dout, dx, dW)
    for activation in (kernels.IDENTITY, np.int64(kernels.RELU)):
        kernels.affine_forward(x, W, b, activation, out)
        kernels.affine_backward_input(dout, W, x, activation, dx)
    kernels.affine_backward(x, W, dout, dx, dW, db)
    kernels.affine_backward_params(x, dout, dW, db)
    kernels.affine_backward_sgd_update(x, dout, one, dW, db)
    for word in ("sigmoid", "relu", "tanh", "softmax", "exp", "log"):
        getattr(kernels, f"{word}_forward")(out, dout)
    for word in ("sigmoid", "relu", "tanh", "softmax"):
        getattr(kernels, f"{word}_backward")(out, dout, make(n, m))
    kernels.sgd_update(dW, one, W)
    kernels.softmax_cross_entropy_forward(out, t, dout, loss)
    kernels.softmax_cross_entropy_backward(out, t, one, dout)
    kernels.cross_entropy_forward(out, t, loss)
    kernels.cross_entropy_backward(out, t, one, dout)
    kernels.mean_squared_error_forward(out, dout, loss)
    kernels.mean_squared_error_backward(out, dout, one, dout)
    programs = program_of(dense_layers((d, m), [kernels.TANH])[0])
    params, order, totals = make(d * m + m), np.arange(n), np.zeros((1, 3))
    work = np.empty(kernels.work_size(programs, 4), dtype)
    rows = x.ctypes.data, 0 if dtype == np.float32 else 1, x.strides[0]
    nothing, alone = np.empty((0, 0), dtype), np.zeros(1, np.int64)
    for learn in (True, False):
        kernels.train_epochs(
            *rows,
            t,
            nothing,
            order[None],
            4,
            params,
            programs,
            one,
            learn,
            work,
            totals,
            alone,
            0,
        )
    kernels.predict_rows(*rows, order, params, programs, work, 4, out, alone, 0)


def test_one_version_a_dtype():
    public = {name: getattr(kernels, name) for name in kernels.__all__}
    public = {name: kernel for name, kernel in public.items() if isinstance(kernel, Kernel)}
    named_here = set(call_everything.__code__.co_names)
    # Jitted functions of other tests may have called some with Python's numbers.
    before = {name: {*kernel.signatures} for name, kernel in public.items()}
    for dtype in (np.float32, np.float64):
        for shape in ((3, 4, 5), (1, 4, 5), (3, 1, 1), (17, 16, 33), (1, 1, 1)):
            for form in ("fresh", "transposed twice", "part", "middle"):
                call_everything(dtype, *shape, form)
    called = 0
    for name, kernel in public.items():
        # Other tests may have called a kernel with vectors and cubes: each has its own version.
        versions = defaultdict(list)
        for signature in kernel.signatures:
            arrays = [a for a in signature if hasattr(a, "ndim")]
            assert all(a.layout == "C" and a.mutable for a in arrays), signature
            # Numba takes no array of records for aligned whose dtype does not say so.
            assert all(a.aligned or isinstance(a.dtype, Record) for a in arrays), signature
            shapes = tuple(a.ndim for a in arrays)
            dtypes = tuple(str(a.dtype) for a in arrays)
            versions[shapes, dtypes].append(signature)
        for signatures in versions.values():
            assert len({*signatures} - before[name]) <= 1, f"{name}: {signatures}"
        # Not all are called here; those of losses, optimizers and layers have tests of their own.
        if name in named_here:
            called += 1
            once = "shuffle_forward", "unigram_sampler_forward", "work_size"
            assert len(versions) >= (1 if name in once else 2), name
    assert called > 10


def test_what_numba_would_do_besides():
    """Four passes, by their present names, clocks, and loops over vectors that LLVM makes."""

    def twice(x, out):
        for i in range(x.size):
            out[i] = 2 * x[i]

    times, code = [], []
    for dispatcher in (numba.njit(error_model="numpy")(twice), jit()(twice)):
        dispatcher._cache = caching.NullCache()
        dispatcher.compile((numba.float32[::1],) * 2)
        (signature,) = dispatcher.signatures
        times.append(dispatcher.get_metadata(signature)["pipeline_times"]["nopython"])
        code.append(dispatcher.inspect_llvm(signature))
    assert not times[1]
    usual = {name.partition("_")[2] for name in times[0]}
    passes = _pipeline.KernelCompiler._passes
    ours = {kind.name() for kind, _ in (*passes._untyped, *passes._typed)}
    needless = {"inline_closure_likes", "nopython_rewrites", "ir_legalization", "annotate_types"}
    replaced = {"nopython_type_inference", "strip_phis", "native_lowering"}
    assert usual - ours == needless | replaced
    of_kernels = {"type_inference_of_kernels", "strip_phis_of_kernels", "lowering_of_kernels"}
    assert ours - usual == of_kernels
    assert "vector.body" in code[0] and "vector.body" not in code[1]


@pytest.mark.parametrize("collects", [True, False])
@pytest.mark.parametrize("fails", [False, True])
def test_nothing_disturbs_the_compiler(monkeypatch, collects, fails):
    """The garbage collector waits, and one of the frames brings a large piece of stack.

    Nobody is told of LLVM's lock, and errors get no colours.
    """
    seen, lower = [], BaseNativeLowering.run_pass
    told = []
    ffi.register_lock_callback(lambda: told.append(1), lambda: None)
    (*_, ours) = ffi.lib._lock._cblist
    listeners, colours = [*ffi.lib._lock._cblist], errors.termcolor()

    def watch(self, state):
        frames = [frame for frame, _ in traceback.walk_stack(None)]
        before = len(told)
        llvmlite.binding.get_host_cpu_name()
        assert len(told) == before and errors.termcolor() is not colours
        seen.append((gc.isenabled(), max(frame.f_code.co_stacksize for frame in frames) > 2**16))
        if fails:
            raise KeyboardInterrupt
        return lower(self, state)

    def nothing(x):
        pass

    kernel = jit()(nothing)
    kernel._cache = caching.NullCache()
    monkeypatch.setattr(BaseNativeLowering, "run_pass", watch)
    (gc.enable if collects else gc.disable)()
    try:
        with pytest.raises(KeyboardInterrupt) if fails else contextlib.nullcontext():
            kernel.compile((numba.float32,))
        assert seen == [(False, True)] and gc.isenabled() == collects
        assert ffi.lib._lock._cblist == listeners and errors.termcolor() is colours
    finally:
        ffi.unregister_lock_callback(*ours)
        gc.enable()


def test_named_refuses_a_name_twice():
    """The cache would give one of the two for the other."""

    def make():
        def forward(x):
            return None

        return forward

    first = named("some_forward", "fastnet.some", make())
    names = first.__name__, first.__qualname__, first.__module__
    assert names == ("some_forward", "some_forward", "fastnet.some")
    assert named("another_forward", "fastnet.some", make()).__name__ == "another_forward"
    with pytest.raises(TypeError) as caught:
        named("some_forward", "fastnet.other", make())
    assert str(caught.value) == (
        "named: name must be new, got 'some_forward', which fastnet.other or another file has "
        "given to the same function already. Give another name."
    )
    assert named("some_forward", "mine", make()).__module__ == "mine"  # a cell that runs twice
    assert named("mine_first", "mine", make()).__module__ == "mine"
    assert named("mine_first", "fastnet.some", make()).__module__ == "fastnet.some"


def test_jit_without_types_is_refused():
    def forward(x):
        return None

    with pytest.raises(TypeError) as caught:
        jit(forward)
    assert str(caught.value) == (
        "jit: types must be given, got the function forward. Write @jit(matrix, vector, int64), "
        "the types of its arguments."
    )


def test_types_stand_on_a_kernel():
    """`real` is float32 in one version and float64 in the other; what has none has one version."""

    def nothing(x, n):
        pass

    both, one = [jit(matrix, real)(nothing), jit(int64, labels)(nothing)]
    assert both.versions == [(t[:, ::1], t) for t in (float32, float64)]
    assert one.versions == [(int64, int64[::1])]
    more = jit((vector, int64), (cube, int64))(nothing)
    assert [types[0].ndim for types in more.versions] == [1, 1, 3, 3]


def test_every_public_kernel_documents_its_arguments():
    """As it is at run time: some are made by functions."""
    for name in kernels.__all__:
        kernel = getattr(kernels, name)
        if isinstance(kernel, Kernel):
            section = inspect.getdoc(kernel).partition("Parameters\n----------\n")[2]
            section = section.partition("\n\n")[0]
            heads = [line.partition(" : ")[0] for line in section.splitlines() if line[:1].strip()]
            documented = [argument for head in heads for argument in head.split(", ")]
            assert sorted(documented) == sorted(inspect.signature(kernel.py_func).parameters), name


def test_every_public_kernel_is_compiled_by_the_decorator():
    for name in kernels.__all__:
        kernel = getattr(kernels, name)
        if isinstance(kernel, Kernel):
            options = kernel.targetoptions
            assert options["nogil"] and options["error_model"] == "numpy", name
            assert not options.get("fastmath") and not options.get("parallel"), name
            assert inspect.getdoc(kernel.py_func), name


def test_types_are_shown_of_a_kernel_that_came_out_of_the_cache():
    kernel, x = kernels.relu_forward, np.ones((1, 2))
    kernel(x, np.empty_like(x))
    shown = io.StringIO()
    kernel.inspect_types(file=shown)
    assert "x = arg(0, name=x)  :: array(float64, 2d, C)" in shown.getvalue()
    assert "None" not in shown.getvalue().splitlines()
