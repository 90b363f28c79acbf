"""What the compiled loop calls by address, and how: the one place that says so.

The loop knows dense layers, two losses and SGD. Every other layer, loss and optimizer is a
function of its own, compiled and cached when a network first uses it: the loop is compiled once
for all, and any of them goes with any other. A call costs 2 ns.

Each convention names the arguments in their order. All are int64, arrays by the address of their
first element, and behind them comes `like`, a number of the network's dtype: what the addresses
point to. `entry` refuses a function whose arguments are others, and `call` takes them by name.
"""

from typing import NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..simd import INT64


class LayerForward(NamedTuple):
    """Rows first : first + n of a batch of `size` go through a layer, from d columns to m.

    `learn` is 1 in training, 2 where a loss of training is wanted that leaves the states of
    sequences as they are, else 0; `seed` is another number for each update. x and `out` point to
    the rows' first element, `param` to the layer's parameters and `state` to what it remembers and
    its constants. `scratch` points to what it asked for, which stays until its gradient is taken:
    for each row of the batch, from the batch's first, then for the batch. `own` points to what this
    thread has alone, and loses when it calls another layer.
    """

    learn: int
    seed: int
    first: int
    n: int
    size: int
    d: int
    m: int
    x: int
    param: int
    state: int
    scratch: int
    own: int
    out: int


class LayerBackward(NamedTuple):
    """The gradient of the same rows: from dout to dx, which is 0 where nobody wants it.

    That of the parameters is written to `grad`, of all rows of the batch: a layer with parameters
    takes them at once, or has a `LayerGradient`.
    """

    seed: int
    first: int
    n: int
    size: int
    d: int
    m: int
    x: int
    out: int
    param: int
    state: int
    scratch: int
    own: int
    dout: int
    dx: int
    grad: int


class LayerGradient(NamedTuple):
    """Part `block` of `blocks` of the gradient of a layer's parameters, from all n rows of a batch.

    It is called once their gradients went down the stack. x, `out` and `dout` point to the batch's
    first row. target = like * gradient, or where `add` is 1 target += like * gradient; `target`
    points to the layer's first parameter, or its gradient. Blocks are cut by output: no sum is
    shared, and the results are the same bits for any number of them.
    """

    block: int
    blocks: int
    n: int
    d: int
    m: int
    x: int
    out: int
    param: int
    state: int
    scratch: int
    own: int
    dout: int
    add: int
    target: int


class Loss(NamedTuple):
    """The losses of n rows y of a batch of `size`, and the gradient of the batch's mean loss.

    y and dx are (n, columns). The targets, or the label, of row i are those of sample rows[i], an
    int64. `numbers` points to the loss's own, float64. It returns how many answers are right: of n
    samples or, where each output says yes or no by itself, of n * columns.
    """

    n: int
    size: int
    columns: int
    y: int
    targets: int
    labels: int
    rows: int
    numbers: int
    dx: int
    losses: int


class Rule(NamedTuple):
    """Update number t, from 1, of all parameters at once.

    `slots` holds the rule's state arrays one after another, each of `size`. `hyper` are float64:
    the largest norm of the gradient, the rule's numbers, and room for the factor that brings the
    gradient down to that norm.
    """

    t: int
    size: int
    param: int
    grad: int
    slots: int
    hyper: int


class Penalty(NamedTuple):
    """Add the gradient of what large weights cost to `grad`, before the rule.

    `layers` are the network's, so many. `numbers` are float64: the strengths of L1 and L2, then
    room for the penalty's value.
    """

    depth: int
    layers: int
    param: int
    grad: int
    numbers: int


class OneByOne(NamedTuple):
    """All of `train_epochs` with a batch of one; it returns 0 where it leaves that to the loop.

    The arguments are its own, or their addresses, and those of `program`. In `scratch` stand, first
    of all, what x is multiplied by, what is added to it, and the learning rate.
    """

    x_address: int
    x_kind: int
    x_row_stride: int
    labels: int
    targets: int
    order: int
    epochs: int
    size: int
    layers: int
    depth: int
    param: int
    loss: int
    scratch: int
    totals: int


class SparseForward(NamedTuple):
    """Rows of out = activation(x @ W + b) that skip zeros of x; it returns how many it made."""

    n: int
    d: int
    m: int
    x: int
    W: int
    b: int
    activation: int
    out: int


class SparseBackward(NamedTuple):
    """Rows of dW = x.T @ dout, or of W += like * x.T @ dout where `add` is 1; it returns how many.

    Rows of x stand d elements apart. Where it makes any, and db is an address, db, too.
    """

    n: int
    rows: int
    m: int
    x: int
    d: int
    dout: int
    add: int
    dW: int
    db: int


@intrinsic
def call(typingctx, address, arguments, like):
    """Call the function at an address with a convention's arguments; it returns an int64."""
    if not isinstance(arguments, (types.NamedTuple, types.NamedUniTuple)):
        raise TypeError(f"call: arguments must be a convention's, got {arguments}.")

    def codegen(context, builder, sig, args):
        values = [
            context.cast(builder, value, kind, types.int64)
            for value, kind in zip(cgutils.unpack_tuple(builder, args[1]), sig.args[1])
        ]
        values.append(args[2])
        function = ir.FunctionType(INT64, [value.type for value in values])
        return builder.call(builder.inttoptr(args[0], function.as_pointer()), values)

    return types.int64(types.int64, arguments, like), codegen


@intrinsic
def address_in(typingctx, p, i):
    """The address of p[i], a pointer."""

    def codegen(context, builder, sig, args):
        return builder.ptrtoint(builder.gep(args[0], [args[1]]), INT64)

    return types.int64(p, types.int64), codegen
