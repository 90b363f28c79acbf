"""A team of threads inside one compiled call: tasks claimed one by one, stage after stage.

The caller (member 0) opens a stage, every member claims tasks of it, and the caller opens the next
one when all are done.  It waits for claimed tasks alone: what nobody has claimed it does itself, so
a helper that comes late, or never, costs nothing.  A helper touches data only with a claimed task
in hand: when the caller returns, nobody else is writing.

`team` is an array of WORDS int64, zeros at first, a new one for each call:

    THREADS   how many members there may be; up to 1: the caller is alone, this word is enough, and
              nothing is written
    RESUME    ticks before which the caller stays alone, see `finish_stage`
    HELPED    tasks that others did, in the whole call
    TICKET    stage + 1 and next task in one word, so that a claim (compare and swap) always fits
              its stage; 0: closed for now, helpers return; -1: the call is over
    DONE      tasks of the stage that others have done
    ANSWERS   a sum that members add to
"""

from llvmlite import binding, ir
from numba import types
from numba.extending import intrinsic

from .._compile import helper
from ..simd import INT32, INT64, get, put
from ..simd.llvm import call

# What others write stands 128 bytes from the next word: two cache lines, which CPUs fetch together.
THREADS, RESUME, HELPED = range(3)
TICKET, DONE, ANSWERS = range(16, 64, 16)
WORDS = 64

TASK_BITS = 16  # of a ticket: tasks a stage
SPINS = 500  # looks at a word before the core is offered to others: 10 to 20 us
PATIENCE = 8  # ticks alone for each tick lost: so helpers cost at most a ninth of the time

_TRIPLE = binding.get_process_triple()
_X86, _ARM = _TRIPLE.startswith(("x86_64", "i686")), _TRIPLE.startswith(("aarch64", "arm64"))

# --------------------------------------------------------------------------- atomics


@intrinsic
def load_acquire(typingctx, p, i):
    """p[i], before all that follows."""

    def codegen(context, builder, sig, args):
        return builder.load_atomic(builder.gep(args[0], [args[1]]), "acquire", 8)

    return types.int64(p, types.int64), codegen


@intrinsic
def store_release(typingctx, p, i, value):
    """p[i] = value, after all that went before."""

    def codegen(context, builder, sig, args):
        builder.store_atomic(args[2], builder.gep(args[0], [args[1]]), "release", 8)
        return context.get_dummy_value()

    return types.void(p, types.int64, types.int64), codegen


@intrinsic
def fetch_add(typingctx, p, i, value):
    """p[i] += value in one step, whoever else does so; the value before is returned."""

    def codegen(context, builder, sig, args):
        address = builder.gep(args[0], [args[1]])
        return builder.atomic_rmw("add", address, args[2], "seq_cst")

    return types.int64(p, types.int64, types.int64), codegen


@intrinsic
def compare_and_swap(typingctx, p, i, expected, value):
    """Whether p[i] was `expected`, and now is `value`."""

    def codegen(context, builder, sig, args):
        address = builder.gep(args[0], [args[1]])
        pair = builder.cmpxchg(address, args[2], args[3], "seq_cst", "seq_cst")
        return builder.extract_value(pair, 1)

    return types.boolean(p, types.int64, types.int64, types.int64), codegen


@intrinsic
def pause(typingctx):
    """Tell the CPU that this loop waits."""

    def codegen(context, builder, sig, args):
        if _X86:
            call(builder, "llvm.x86.sse2.pause", ir.VoidType(), [])
        elif _ARM:
            call(builder, "llvm.aarch64.hint", ir.VoidType(), [INT32(1)])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def give_way(typingctx):
    """Let another thread that waits for this core run."""

    def codegen(context, builder, sig, args):
        name = "SwitchToThread" if "windows" in _TRIPLE else "sched_yield"
        call(builder, name, INT32, [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def ticks(typingctx):
    """A clock of some steady rate; it stands still where the CPU is neither x86 nor Arm."""

    def codegen(context, builder, sig, args):
        if _X86:
            return call(builder, "llvm.readcyclecounter", INT64, [])
        if _ARM:  # LLVM's cycle counter is not for programs to read, its steady one is 0 there
            register = [builder.module.add_metadata(["cntvct_el0"])]
            return call(builder, "llvm.read_volatile_register.i64", INT64, register)
        return INT64(0)

    return types.int64(), codegen


# --------------------------------------------------------------------------- stages


@helper
def open_stage(team, stage):
    """How many members may share the stage: 1 where the caller is, or had better be, alone."""
    threads = get(team, THREADS)
    if threads <= 1:
        return 1
    if ticks() < get(team, RESUME):
        store_release(team, TICKET, 0)
        return 1
    put(team, DONE, 0)
    put(team, ANSWERS, 0)
    store_release(team, TICKET, (stage + 1) << TASK_BITS)
    return threads


@helper
def await_stage(team, stage):
    """For a helper: the stage that is open, once it is no longer `stage`; -1: return."""
    spins = 0
    while True:
        ticket = load_acquire(team, TICKET)
        if ticket <= 0:
            return -1
        found = (ticket >> TASK_BITS) - 1
        if found != stage:
            return found
        spins += 1
        pause()
        if spins > SPINS:
            give_way()


@helper
def claim(team, stage, tasks):
    """A task of the stage that is the claimant's alone, or `tasks` where none is left."""
    first = (stage + 1) << TASK_BITS
    while True:
        ticket = load_acquire(team, TICKET)
        if not first <= ticket < first + tasks:
            return tasks
        if compare_and_swap(team, TICKET, ticket, ticket + 1):
            return ticket - first


@helper
def ticks_lost(worked, waited, tasks, own):
    """Ticks that a stage took longer than the caller would have taken alone; less than 0: a gain.

    It worked so many on `own` of the tasks, and then waited for those of others.
    """
    return waited - worked * (tasks - own) // max(own, 1)


@helper
def finish_stage(team, tasks, own, began):
    """Wait until all tasks are done, of which the caller did `own` since the tick `began`.

    On a busy machine a helper may lose its core in the middle of a task, for milliseconds. After
    such a loss the caller stays alone for PATIENCE times as long.
    """
    ended = ticks()
    spins = 0
    while load_acquire(team, DONE) < tasks - own:
        spins += 1
        pause()
        if spins > SPINS:
            give_way()
    now = ticks()
    lost = ticks_lost(ended - began, now - ended, tasks, own)
    if lost > 0:
        put(team, RESUME, now + PATIENCE * lost)
    put(team, HELPED, get(team, HELPED) + tasks - own)


# What a member's loop is made of; member 0 ends a shared stage with `finish_stage`:
#
#     stage, members, began = enter(team, member, stage, stages)     -1: nothing is left to do
#     task = next_task(team, stage, tasks, members, -1)
#     while task < tasks: ... did_task(team, member); task = next_task(..., task)


@helper
def enter(team, member, stage, stages):
    """Go from one stage to the next: member 0 opens it, and the others wait until it is open.

    Returns its number, or -1, how many members share it, and the tick at which it began.
    """
    if member > 0:
        stage = await_stage(team, stage)
        return stage, get(team, THREADS), 0
    stage += 1
    if stage >= stages:
        return -1, 1, 0
    members = open_stage(team, stage)
    return stage, members, ticks() if members > 1 else 0


@helper
def next_task(team, stage, tasks, members, task):
    """The task after this one (-1: none yet) for a member alone, else the next that is left."""
    return claim(team, stage, tasks) if members > 1 else task + 1


@helper
def did_task(team, member):
    """A member has done a task: member 0 counts its own, and waits for the others'."""
    if member > 0:
        fetch_add(team, DONE, 1)


@helper
def close(team):
    """The call is over."""
    if get(team, THREADS) > 1:
        store_release(team, TICKET, -1)
