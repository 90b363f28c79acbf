"""Atomic words in memory: no addition is lost, also on other platforms."""

import os
import sys
import time

import children
import numba
import numpy as np
from team_calls import clock, in_threads, team_of

from fastnet.kernels.loop import team as words
from fastnet.kernels.loop.team import (
    DONE,
    HELPED,
    RESUME,
    THREADS,
    TICKET,
    WORDS,
    compare_and_swap,
    fetch_add,
    give_way,
    load_acquire,
    pause,
    store_release,
)
from fastnet.kernels.simd import pointer


@numba.njit(nogil=True)
def count(team, times):
    for _ in range(times):
        fetch_add(pointer(team), DONE, 2)


@numba.njit(nogil=True)
def swap(team, i, expected, value):
    return compare_and_swap(pointer(team), i, expected, value)


@numba.njit(nogil=True)
def store_and_load(team, i, value):
    pause()
    give_way()
    store_release(pointer(team), i, value)
    return load_acquire(pointer(team), i)


def test_no_addition_is_lost():
    team = team_of(4)
    count(team, 0)
    for worker in in_threads(count, team, 200_000):
        worker.join()
    assert team[DONE] == 4 * 2 * 200_000
    assert np.count_nonzero(team) == 2


def test_words_one_by_one():
    team = team_of(2)
    assert store_and_load(team, TICKET, -5) == team[TICKET] == -5
    assert not swap(team, TICKET, -4, 7) and team[TICKET] == -5
    assert swap(team, TICKET, -5, 7) and team[TICKET] == 7
    others = [i for i in range(WORDS) if i not in (THREADS, TICKET)]
    assert not team[others].any()


def test_what_threads_write_stands_in_lines_of_its_own():
    written = [words.TICKET, words.DONE, words.ANSWERS]
    apart = np.diff([*sorted([THREADS, RESUME, HELPED]), *written])
    assert (apart[2:] * 8 >= 112).all() and apart[-1] * 8 >= 128 and max(written) < WORDS


def test_ticks_go_on():
    first = clock()
    time.sleep(0.01)
    middle = clock()
    time.sleep(0.1)
    assert 2 < (clock() - middle) / (middle - first)


def test_other_platforms_have_the_words_too():
    """Machine code for Arm and for Windows: the instructions are the platform's own."""
    program = """
import sys
from llvmlite import binding, ir
binding.initialize_all_targets(); binding.initialize_all_asmprinters()
binding.get_process_triple = lambda: sys.argv[1]
from fastnet.kernels.loop import team
module = ir.Module(); module.triple = sys.argv[1]
function = ir.Function(module, ir.FunctionType(ir.IntType(64), []), "f")
builder = ir.IRBuilder(function.append_basic_block())
class Context:
    def get_dummy_value(self): return None
for intrinsic in (team.pause, team.give_way):
    intrinsic._defn(None)[1](Context(), builder, None, [])
builder.ret(team.ticks._defn(None)[1](Context(), builder, None, []))
machine = binding.Target.from_triple(sys.argv[1]).create_target_machine()
print(machine.emit_assembly(binding.parse_assembly(str(module))))
"""
    wanted = {
        "x86_64-unknown-linux-gnu": ["pause", "rdtsc", "sched_yield"],
        "aarch64-unknown-linux-gnu": ["yield", "cntvct_el0", "sched_yield"],
        "arm64-apple-darwin": ["yield", "cntvct_el0", "sched_yield"],
        "x86_64-pc-windows-msvc": ["pause", "rdtsc", "SwitchToThread"],
    }
    for triple, instructions in wanted.items():
        done = children.run(
            [sys.executable, "-c", program, triple],
            env={**os.environ, "FASTNET_VECTOR_BITS": "128"},
        )
        assert done.returncode == 0, done.stderr
        for instruction in instructions:
            assert instruction.lower() in done.stdout.lower(), (triple, done.stdout)
