"""What makes an elementwise layer of two functions of vectors: its kernels, and the loop's entries.

    silu_kernels = elementwise("silu", silu, silu_gradient, reads="x", text=...)
    silu_forward, silu_backward, silu_in_loop, silu_gradient_in_loop = silu_kernels

The two functions are all that an activation is; the loops over arrays are the same for all.
"""

import inspect
from typing import Any, NamedTuple

from ._compile import AnyShape, entry, helper, jit, matrix, named, real
from .loop.calls import LayerBackward, LayerForward
from .simd import get, pointer, pointer_at
from .sweep import sweep


class Elementwise(NamedTuple):
    """The kernels of an elementwise layer, and the functions that the compiled loop calls."""

    forward: Any  # (x, out), or with a number (x, alpha, out)
    backward: Any  # (x, dout, dx) or (out, dout, dx); the number follows the first
    in_loop: Any
    gradient_in_loop: Any


def elementwise(name, function, gradient, *, reads, text="", alpha=False):
    """Make an elementwise layer of a function and its gradient.

        out = function(x)
        dx = gradient(x, dout), or gradient(out, dout)

    Parameters
    ----------
    name : str
        The kernels are called <name>_forward and <name>_backward, the loop's functions
        <name>_in_loop and <name>_gradient_in_loop: assign them to these names in the module of the
        gradient, from which other processes load them.
    function, gradient : made with `fastnet.kernels.helper`
        They take vectors of float32 or float64 and return one: with the operators of Python, the
        functions of `fastnet.kernels.simd` (`select`, `fma`, `absolute` and others) and of
        `fastnet.kernels.elementary` (`exp`, `log`, `sigmoid`, `tanh` and others). NaN must stay
        NaN.
    reads : "x" or "out"
        What the gradient takes first: the input or the output of forward. The other one need not
        be kept.
    text : str
        Three paragraphs for the kernels' docstrings: a title, the lines "out = ..." and
        "dx = ...", and notes that end with "Source: ...".
    alpha : bool
        Whether both functions take a number as their last argument, which the kernels take second.

    Returns
    -------
    Elementwise
        (forward, backward, in_loop, gradient_in_loop)

    Raises
    ------
    ValueError
        reads is another word.

    Examples
    --------
    See `fastnet.layers.Activation`.
    """
    if reads not in ("x", "out"):
        raise ValueError(
            f"elementwise: reads must be 'x' or 'out', got {reads!r}. Say which of the two the "
            "gradient takes first."
        )
    module = gradient.__module__  # function may stand in a file that several share
    made = (_kernels_with_alpha if alpha else _kernels)(function, gradient, reads)
    documents = _documents(text or name, reads, ALPHA if alpha else "")
    number = (real,) if alpha else ()
    array = AnyShape(matrix)
    types = (array, *number, array), (array, *number, array, array)
    kernels = []
    for i, direction in enumerate(("forward", "backward")):
        kernel = named(f"{name}_{direction}", module, made[i])
        kernel.__doc__ = documents[i]
        kernels.append(jit(*types[i])(kernel))
    in_loop, gradient_in_loop = _in_loop(function, gradient, reads == "x", alpha)
    return Elementwise(
        *kernels,
        entry(LayerForward)(named(f"{name}_in_loop", module, in_loop)),
        entry(LayerBackward)(named(f"{name}_gradient_in_loop", module, gradient_in_loop)),
    )


def _kernels(function, gradient, reads):
    """Return forward and backward of a function without a number."""

    def forward(x, out):
        sweep(function, (pointer(out),), (pointer(x),), 0, x.size, ())

    def backward_from_x(x, dout, dx):
        sweep(gradient, (pointer(dx),), (pointer(x), pointer(dout)), 0, x.size, ())

    def backward_from_out(out, dout, dx):
        sweep(gradient, (pointer(dx),), (pointer(out), pointer(dout)), 0, out.size, ())

    return forward, backward_from_x if reads == "x" else backward_from_out


def _kernels_with_alpha(function, gradient, reads):
    """Return forward and backward of a function with a number."""

    def forward(x, alpha, out):
        sweep(function, (pointer(out),), (pointer(x),), 0, x.size, (alpha,))

    def backward_from_x(x, alpha, dout, dx):
        sweep(gradient, (pointer(dx),), (pointer(x), pointer(dout)), 0, x.size, (alpha,))

    def backward_from_out(out, alpha, dout, dx):
        sweep(gradient, (pointer(dx),), (pointer(out), pointer(dout)), 0, out.size, (alpha,))

    return forward, backward_from_x if reads == "x" else backward_from_out


@helper
def _no_number(state, like):
    return ()


@helper
def _alpha(state, like):
    return (get(pointer_at(state, like), 0),)


def _in_loop(function, gradient, reads_x, alpha):
    """Return what the loop calls, forward and backward; the number is the first of the state."""
    numbers = _alpha if alpha else _no_number

    def in_loop(learn, seed, first, n, size, d, m, x, param, state, scratch, own, out, like):
        p, target = pointer_at(x, like), pointer_at(out, like)
        sweep(function, (target,), (p,), 0, n * d, numbers(state, like))
        return 0

    def gradient_in_loop(
        seed, first, n, size, d, m, x, out, param, state, scratch, own, dout, dx, grad, like
    ):
        if dx != 0:
            known = pointer_at(x if reads_x else out, like)
            pair, target = (known, pointer_at(dout, like)), pointer_at(dx, like)
            sweep(gradient, (target,), pair, 0, n * d, numbers(state, like))
        return 0

    return in_loop, gradient_in_loop


ALPHA = """alpha : scalar of the dtype
    At least 0.
"""
FORWARD = """{title}.

    {equation}

Parameters
----------
x : array of float32 or float64, C-contiguous
    Any shape. NaN stays NaN.
{number}out : array, same shape and dtype as x
    Overwritten. May be x.
"""
BACKWARD = """{title}: its gradient, from {reads}.

    {equation}

Parameters
----------
{reads} : array of float32 or float64, C-contiguous
    {what} of the forward pass.
{number}dout : array, same shape and dtype
    Upstream gradient.
dx : array, same shape and dtype
    Overwritten. May be dout or {reads}.
"""
NOTES = """
Notes
-----
{notes}
"""


def _documents(text, reads, number):
    """Return the docstrings of forward and backward."""
    title, equations, notes = (*inspect.cleandoc(text).split("\n\n", 2), "", "")[:3]
    out, _, dx = equations.partition("    dx = ")
    given = {"title": title.rstrip("."), "number": number, "reads": reads}
    given["what"] = "Input" if reads == "x" else "Output"
    forward = FORWARD.format(equation=out.strip() or "out = function(x)", **given)
    backward = BACKWARD.format(equation=f"dx = {dx or f'gradient({reads}, dout)'}", **given)
    if notes:
        forward += NOTES.format(notes=notes)
    _, source, work = notes.partition("Source: ")
    if source:
        backward += NOTES.format(notes=source + work)
    return forward, backward
