"""How Numba compiles kernels: calls that are typed once, and sizes that are asked for once."""

import functools
from types import SimpleNamespace

import numpy as np
import pytest
from numba import literal_unroll, objmode, types
from numba.core import caching, errors, untyped_passes
from numba.core.typing import typeof
from numba.core.typing.templates import AbstractTemplate

from fastnet.kernels import _kernel, _lower, _pipeline
from fastnet.kernels._compile import helper, inline, jit, shared, vector

told = []  # by a kernel's block of Python


def template_of(function):
    """Return what Numba looks a function's types up in, as an extension makes it."""
    return type("Template", (AbstractTemplate,), {"key": function})


class Counting:
    """A typing context that knows nothing, and counts how often it is asked."""

    asked, callstack = 0, "its own"

    def resolve_function_type(self, function, args, kws):
        self.asked += 1
        return f"{len(function.templates)} templates of {args} {kws}"


@pytest.fixture
def without_cache(monkeypatch):
    monkeypatch.setattr(_kernel, "cache_for", lambda function: caching.NullCache())


@pytest.fixture
def typing(monkeypatch):
    monkeypatch.setattr(_lower.Typing, "_found", {})
    return _lower.Typing(Counting())


def test_the_same_call_is_typed_once(typing):
    function = types.Function(template_of(len))
    asked = typing.resolve_function_type(function, (types.int64,), {})
    assert typing.resolve_function_type(function, (types.int64,), {}) == asked
    assert typing._context.asked == 1


@pytest.mark.parametrize(
    ("args", "kws"),
    [
        ((types.int32,), {}),
        ((types.int64, types.int64), {}),
        ((types.literal(1),), {}),
        ((), {"x": types.int64}),
    ],
)
def test_other_arguments_are_typed_anew(typing, args, kws):
    function = types.Function(template_of(len))
    typing.resolve_function_type(function, (types.int64,), {})
    assert str(args) in typing.resolve_function_type(function, args, kws)
    assert typing._context.asked == 2


def test_a_function_that_an_extension_taught_more_is_typed_anew(typing):
    first, second = template_of(len), template_of(len)
    before, after = types.Function(first), types.Function((first, second))
    typing.resolve_function_type(before, (types.int64,), {})
    assert "2 templates" in typing.resolve_function_type(after, (types.int64,), {})


def test_functions_of_users_and_all_else_are_the_contexts(typing):
    compiled = SimpleNamespace(templates=())  # a dispatcher, which keeps its versions itself
    for _ in range(2):
        typing.resolve_function_type(compiled, (types.int64,), {})
    assert typing._context.asked == 2
    assert typing.callstack == "its own"


def test_a_call_that_has_no_type_stays_an_error():
    @jit(vector)
    def wrong(x):
        x[0] = x + "a"

    for _ in range(2):
        with pytest.raises(Exception, match="No implementation of function"):
            wrong.compile((types.float32[::1],))


@pytest.fixture
def translated(without_cache, monkeypatch):
    """The names of the functions whose bytecode is read."""
    names, read = [], untyped_passes.TranslateByteCode.run_pass

    def run_pass(self, state):
        names.append(state.func_id.func_name)
        return read(self, state)

    monkeypatch.setattr(untyped_passes.TranslateByteCode, "run_pass", run_pass)
    return names


def test_a_function_is_read_once_for_all_its_types(translated):
    @helper
    def doubled(value):
        return value + value

    @jit(vector, vector)
    def double(x, out):
        out[0] = doubled(x[0])

    for dtype, value in ((np.float32, 3), (np.float64, 0.1)):
        x, out = np.array([value], dtype), np.empty(1, dtype)
        double(x, out)
        assert out[0] == x[0] + x[0]
    assert translated == ["double", "doubled"]


def test_a_function_is_read_again_where_that_depends_on_its_types(translated):
    """Lengths of tuples, dimensions, and branches upon None are settled before types."""

    @helper
    def count(values):
        return len(values)

    @helper
    def dimensions(array):
        return array.ndim

    @helper
    def known(value):
        return 0 if value is None else value

    @jit(vector, types.float64[:, ::1], types.int64[::1])
    def see(x, y, out):
        out[0], out[1] = count((1, 2)), count((1, 2, 3))
        out[2], out[3] = dimensions(x), dimensions(y)
        out[4], out[5] = known(None), known(7)
        out[6] = count((1.0, 2.0))

    out = np.empty(7, np.int64)
    see(np.empty(1), np.empty((1, 1)), out)
    assert out.tolist() == [2, 3, 1, 2, 0, 7, 2]
    assert sorted(translated) == sorted(["see", *2 * ["count", "dimensions", "known"]])


def test_a_function_that_wraps_another_is_read_itself(translated):
    """What is kept of one is an attribute, and `functools.wraps` copies these."""

    def doubled(value):
        return value + value

    two, out = helper(doubled), np.ones(1)

    @jit(vector)
    def double(out):
        out[0] = two(out[0])

    double(out)

    @functools.wraps(doubled)
    def tripled(value):
        return value + value + value

    three = helper(tripled)

    @jit(vector)
    def triple(out):
        out[0] = three(out[0])

    triple(out)
    assert out[0] == 6


def test_a_function_is_read_again_where_it_asks_for_types(translated):
    """They choose branches of `isinstance` and what a loop over a tuple becomes."""

    @helper
    def half(value):
        return value // 2 if isinstance(value, int) else value / 2

    @inline
    def pasted(value):
        return value // 2 if isinstance(value, int) else value / 2

    @helper
    def half_by_another(value):
        return pasted(value)

    @helper
    def sum_of(values):
        total = 0.0
        for value in literal_unroll(values):
            total += value
        return total

    @jit(vector)
    def see(out):
        out[0], out[1] = half(3), half(3.0)
        out[2], out[3] = half_by_another(3), half_by_another(3.0)
        out[4], out[5] = sum_of((1, 2.5)), sum_of((1.5, 2))

    out = np.empty(6)
    see(out)
    assert out.tolist() == [1, 1.5, 1, 1.5, 3.5, 3.5]
    assert translated.count("half") == translated.count("sum_of") == 2


def test_what_is_compiled_again_is_read_again(without_cache):
    """Numba's `recompile` is for globals and closures that changed."""
    value = 1

    @jit(vector)
    def fill(out):
        out[0] = value

    out = np.zeros(1)
    fill(out)
    value = 2
    fill.recompile()
    fill(out)
    assert out[0] == 2


@pytest.mark.filterwarnings("ignore")  # an experiment of Numba's, which says so
def test_a_block_of_python_objects(without_cache):
    @jit(vector)
    def tell(out):
        value = out[0]
        with objmode():
            told.append(value)
        out[0] = 7

    for dtype in (np.float32, np.float64):
        out = np.full(1, 3, dtype)
        tell(out)
        assert out[0] == 7
    assert told == [3, 3]
    told.clear()


def test_symbols_do_not_tell_which_version_came_first(without_cache):
    """A shared function is called by its name by kernels of other processes."""

    def names(first, second):
        @inline
        def pasted(value):
            return value * value

        @shared
        def squared(p):
            return pasted(p)

        for dtype in (first, second):
            squared._dispatcher.compile((dtype,))
        return {k: v.fndesc.mangled_name for k, v in squared._dispatcher.overloads.items()}

    assert names(types.float32, types.float64) == names(types.float64, types.float32)


def test_errors_have_their_colours_again(without_cache):
    @jit(vector)
    def wrong(x):
        x[0] = unknown  # noqa: F821  which is the error

    for _ in range(2):
        with pytest.raises(Exception, match="unknown"):
            wrong.compile((types.float32[::1],))
    assert _pipeline._PLAIN not in (errors._termcolor_inst, typeof._termcolor)
