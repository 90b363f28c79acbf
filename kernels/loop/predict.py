"""The outputs of a network for many rows, in one compiled call."""

from numba import int64

from .._compile import jit, matrix, vector
from ..simd import offset, pointer, pointer_at, scalar
from .blocks import row_block, row_blocks
from .gather import gather
from .record import layer_at, padded, program_type, steps_of, width_in, width_out
from .scratch import aligned, own_size, scratch_after, scratch_size
from .stages import forward
from .team import close, did_task, enter, finish_stage, next_task


@jit(
    *(int64, int64, int64),  # x
    *(int64[::1], vector, program_type, vector, int64, matrix, int64[::1], int64),
)
def predict_rows(
    x_address, x_kind, x_row_stride, order, params, programs, work, batch_size, out, team, member,
):  # fmt: skip
    """Output of the network for the rows that `order` names.

        out[i] = layers(x[order[i]])

    Parameters
    ----------
    x_address, x_kind, x_row_stride, params, programs, batch_size
        As for `train_epochs`.
    order : (n,) int64, C-contiguous
        Rows of x, range checked by the caller.
    work : (work_size(programs, batch_size),) or longer, params.dtype
        Scratch, overwritten.
    out : (n, C), params.dtype, C-contiguous
        Overwritten.
    team, member
        As for `train_epochs`. Each member takes some rows of each batch.
    """
    program = programs[0]
    layers, depth = program.layers, program.depth
    columns, inputs = width_out(layer_at(layers, depth - 1)), width_in(layer_at(layers, 0))
    x, shared = aligned(pointer(work)), pointer(team)
    memory, scratch = pointer_at(program.states, scalar(x, 0.0)), x
    scale, shift = scalar(x, program.x_scale), scalar(x, program.x_offset)
    called, alone = 0, own_size(layers, depth)
    for i in range(depth):
        layer = layer_at(layers, i)
        scratch = offset(scratch, padded(batch_size * width_in(layer)))
        called += scratch_after(layer, batch_size)
    own = offset(scratch, called + member * alone)
    size = scratch_size(layers, depth, batch_size, steps_of(program))
    if work.size < size + member * alone:
        return
    stage, stages = -1, (order.size + batch_size - 1) // batch_size
    while True:
        stage, members, began = enter(shared, member, stage, stages)
        if stage < 0:
            break
        start = stage * batch_size
        n = min(batch_size, order.size - start)
        tasks = row_blocks(n, members, layers, depth)
        mine, task = 0, next_task(shared, stage, tasks, members, -1)
        while task < tasks:
            first, count = row_block(task, tasks, n)
            gather(
                x_address, x_kind, x_row_stride, scale, shift,
                offset(pointer(order), start + first), count, order.size - start - first, inputs,
                offset(x, first * inputs),
            )  # fmt: skip
            results = offset(pointer(out), start * columns)
            forward(
                first, count, n, layers, depth, batch_size, pointer(params), x, results, scratch,
                own, memory, 0, 0, False, program.sparse_forward,
            )  # fmt: skip
            did_task(shared, member)
            mine += 1
            task = next_task(shared, stage, tasks, members, task)
        if member == 0 and members > 1:
            finish_stage(shared, tasks, mine, began)
    if member == 0:
        close(shared)
