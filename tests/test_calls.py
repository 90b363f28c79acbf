"""Calls by address: each argument arrives where the convention says; nothing else is called."""

import numba
import numpy as np
import pytest
from in_turn import every_dtype, with_each

from fastnet.kernels import _compile
from fastnet.kernels._compile import LoopFunction, entry, jit
from fastnet.kernels.loop import calls
from fastnet.kernels.loop.calls import Rule, SparseBackward, address_in, call
from fastnet.kernels.simd import pointer, pointer_at, put, scalar

CONVENTIONS = [
    value
    for value in vars(calls).values()
    if isinstance(value, type) and value.__module__ == calls.__name__
]


@entry(SparseBackward)
def write_all(n, rows, m, x, d, dout, add, dW, db, like):
    """Write the arguments to dW as they come; returns how many."""
    p = pointer_at(dW, like)
    put(p, 0, n)
    put(p, 1, rows)
    put(p, 2, m)
    put(p, 3, x)
    put(p, 4, d)
    put(p, 5, dout)
    put(p, 6, add)
    put(p, 7, db)
    put(p, 8, like)
    return 9


@numba.njit
def call_by_name(address, out):
    """The names in another order than the convention's; one of them a small integer."""
    p = pointer(out)
    return call(
        address,
        SparseBackward(
            db=8, dW=address_in(p, 0), add=numba.uint8(7), dout=6, d=5, x=4, m=3, rows=2, n=1
        ),
        scalar(p, 0.5),
    )


@every_dtype
def test_every_argument_arrives(dtype):
    out = np.zeros(9, dtype)
    assert call_by_name(write_all.address(np.dtype(dtype)), out) == 9
    assert out.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 0.5]


def test_an_address_is_made_once(monkeypatch):
    """To ask the compiler takes 14 us, and a fit asks for four."""
    address = write_all.address(np.dtype("float64"))
    monkeypatch.setattr(_compile, "global_compiler_lock", None)  # what makes one would enter it
    assert write_all.address(np.dtype("float64")) == address


def test_only_a_convention_is_called():
    """Any tuple could be passed on, and the function would read what is not there."""

    @numba.njit
    def call_with_a_tuple(address):
        return call(address, (1, 2, 3), 0.5)

    with pytest.raises(TypeError, match=r"^call: arguments must be a convention's, got UniTuple"):
        call_with_a_tuple(write_all.address(np.dtype("float64")))


def test_a_convention_takes_every_argument():
    @numba.njit
    def forget_one(address):
        return call(address, Rule(t=1, size=2, param=3, grad=4, slots=5), 0.5)

    with pytest.raises(TypeError, match=r"Rule.*missing a required argument: 'hyper'"):
        forget_one(write_all.address(np.dtype("float64")))


WRONG = {
    "renamed": "t, size, params, grad, slots, hyper, like",
    "in another order": "t, size, grad, param, slots, hyper, like",
    "one less": "t, size, param, grad, slots, like",
    "one more": "t, size, param, grad, slots, hyper, seed, like",
    "without like": "t, size, param, grad, slots, hyper",
    "like first": "like, t, size, param, grad, slots, hyper",
}


@pytest.mark.parametrize("case", WRONG)
def test_an_entry_with_other_arguments_is_refused(case):
    """When the module is imported: in the loop it would read and write other memory."""
    made = {}
    exec(f"def halve({WRONG[case]}):\n    return 0", made)
    with pytest.raises(TypeError) as caught:
        entry(Rule)(made["halve"])
    assert str(caught.value) == (
        "entry: halve must take the arguments of Rule, t, size, param, grad, slots, hyper, like, "
        f"got {WRONG[case]}. Write them in that order."
    )


@with_each("convention", CONVENTIONS)
def test_types_follow_from_the_convention(convention):
    """int64 but for `like`, which is of the network's dtype; both versions are for a warm-up."""
    assert len(CONVENTIONS) == 9
    made = {}
    exec(f"def nothing({', '.join(convention._fields)}, like):\n    return 0", made)
    found = entry(convention)(made["nothing"])
    assert type(found) is LoopFunction and found.convention is convention
    count = len(convention._fields)
    for version, dtype in zip(found.kernel.versions, (numba.float32, numba.float64), strict=True):
        assert version == (*[numba.int64] * count, dtype)


def test_an_entry_is_not_called_from_python():
    """Before it is compiled, and after: there is nothing to call, and no process ends by it."""
    found = entry(SparseBackward)(write_all.py_func)
    for _ in range(2):
        with pytest.raises(TypeError, match="kernel must be called by the loop, got a call from"):
            found.kernel(*[0] * len(SparseBackward._fields), np.float32(0))
        assert found.address(np.dtype("float32"))


def test_jit_is_no_entry():
    assert not isinstance(jit(numba.int64)(lambda x: None), LoopFunction)
