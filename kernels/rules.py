"""An optimizer's kernel, and its function for the compiled loop, made of a rule on vectors."""

import inspect

from numba import float64, int64, types
from numba.core import cgutils
from numba.extending import intrinsic

from ._compile import AnyShape, arguments_of, entry, helper, jit, named, vector
from .clipping import adjusted, clip_norm
from .loop.calls import Rule
from .loop.record import LR
from .simd import offset, pointer, pointer_at
from .sweep import sweep

# The docstring of a kernel: what all have in common, around what is its own.
TEXT = """{title}

    g = clip(scale * grad, -clip_value, clip_value){decay}
{equations}

Parameters
----------
grad : array of float32 or float64, C-contiguous
    Any shape.
{numbers} : float64
    weight_decay 0, clip_value infinite and scale 1 do nothing. The scale clips by norm: it is the
    norm allowed over that of all gradients.{count}
{states} : same shape and dtype as grad, C-contiguous
    Updated in place{zeros}.

Notes
-----
{source}
"""


@helper
def _as_they_are(t, *numbers):
    return numbers


@intrinsic
def _pointers(typingctx, arrays):
    """Pointers to the arrays of a tuple."""

    def codegen(context, builder, sig, args):
        values = zip(cgutils.unpack_tuple(builder, args[0]), arrays)
        found = [context.make_array(kind)(context, builder, value).data for value, kind in values]
        return context.make_tuple(builder, sig.return_type, found)

    return types.Tuple([types.CPointer(array.dtype) for array in arrays])(arrays), codegen


@intrinsic
def _numbers_at(typingctx, p, like):
    """The first numbers behind a pointer, as many as `like`, a tuple, has."""

    def codegen(context, builder, sig, args):
        places = [builder.gep(args[0], [context.get_constant(int64, i)]) for i in range(len(like))]
        return context.make_tuple(builder, sig.return_type, [builder.load(p) for p in places])

    return types.UniTuple(p.dtype, len(like))(p, like), codegen


@intrinsic
def _rows_at(typingctx, p, size, like):
    """Pointers to rows of so many elements, as many as `like`, a tuple, has."""

    def codegen(context, builder, sig, args):
        starts = [builder.mul(args[1], context.get_constant(int64, i)) for i in range(len(like))]
        rows = [builder.gep(args[0], [start]) for start in starts]
        return context.make_tuple(builder, sig.return_type, rows)

    return types.UniTuple(p, len(like))(p, int64, like), codegen


def update_rule(name, rule, states=0, derive=None):
    """Make what a rule does to arrays, and what the loop calls: `<name>_in_loop`.

    Parameters
    ----------
    name : str
    rule : helper
        (p, g, *states, *numbers) -> the new p and states, vectors.
    states : int
        How many arrays it keeps besides p.
    derive : helper, optional
        (t, *numbers) -> the rule's numbers, of those of the optimizer and t, the number of this
        update, from 1. If weight_decay is among those, the rule decays the weights itself.

    Returns
    -------
    update : helper
        update(grad, numbers, t, states, param) takes the numbers of the optimizer in their order:
        its own, weight_decay, clip_value and, for clip_norm, the factor that scales the gradient.
    in_loop : what the loop calls
    """
    names = [*arguments_of((derive or rule).py_func)]
    own = len(names) - (1 if derive else 2 + states)
    derived = derive or _as_they_are
    no_decay = (0.0,) if "weight_decay" in names else ()
    all_numbers, all_states = (0.0,) * (own + 3 - len(no_decay)), (0,) * states
    factor, limits = LR + len(all_numbers) - 1, states + 3

    def adjusted_rule(p, g, *rest):
        return rule(p, adjusted(p, g, *rest[states:limits]), *rest[:states], *rest[limits:])

    def step(p, g, states, size, numbers, t):
        made = no_decay + numbers[own:] + derived(t, *numbers[:own])
        sweep(adjusted_rule, (p, *states), (p, g, *states), 0, size, made)

    def update(grad, numbers, t, states, param):
        step(pointer(param), pointer(grad), _pointers(states), param.size, numbers, t)

    def in_loop(t, size, param, grad, slots, hyper, like):
        p, g = pointer_at(param, like), pointer_at(grad, like)
        numbers = pointer_at(hyper, 0.0)
        clip_norm(g, size, numbers, factor)
        rows = _rows_at(pointer_at(slots, like), size, all_states)
        step(p, g, rows, size, _numbers_at(offset(numbers, LR), all_numbers), t)
        return 0

    module = rule.__module__
    adjusted_rule = helper(named(f"adjusted_{name}", module, adjusted_rule))
    step = helper(named(f"step_{name}", module, step))
    update = helper(named(f"update_{name}", module, update))
    return update, entry(Rule)(named(f"{name}_in_loop", module, in_loop))


def update_kernel(function):
    """Compile a rule's kernel: its arguments' names say their types, and what there is to document.

    Its own docstring has a title, the equations and a source, three paragraphs.
    """
    names = [*arguments_of(function)]
    numbers = names[1 : names.index("scale") + 1]
    count = ["t"] if "t" in names else []
    states = names[1 + len(numbers) + len(count) : -1]
    title, equations, source = inspect.cleandoc(function.__doc__).split("\n\n")
    decays = "weight_decay" in equations  # itself
    function.__doc__ = TEXT.format(
        title=title,
        decay="" if decays else " + weight_decay * param",
        equations=equations,
        numbers=", ".join(numbers),
        count="\nt : int64\n    The number of this update, from 1." if count else "",
        states=", ".join([*states, "param"]),
        zeros=f"; {' and '.join(states)} zeros at first" if states else "",
        source=source,
    )
    array = AnyShape(vector)
    kinds = [array, *[float64] * len(numbers), *[int64] * len(count), *[array] * len(states)]
    return jit(*kinds, array)(function)
