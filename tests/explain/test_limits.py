"""What a CPU could do: limits, busy machines, and kernels that are wrong."""

import importlib

import numpy as np
import pytest

from fastnet.kernels.simd import BITS

ROW = {
    "seconds": [0.9e-3, 1e-3, 1.1e-3], "call_seconds": 1e-6, "peak_gflops": 100.0,
    "bandwidth_gbytes": 50.0, "place": "L2",
}  # fmt: skip


@pytest.mark.parametrize(
    ("flops", "moved", "call", "limit", "share", "words"),
    [
        (80e6, 1e6, 1e-6, "arithmetic", 0.8, "arithmetic"),
        (1e6, 45e6, 1e-6, "bandwidth", 0.9, "the bandwidth of L2"),
        (0, 45e6, 1e-6, "bandwidth", 0.9, "the bandwidth of L2"),
        (49e6, 1e6, 1e-6, "neither", 0.49, "neither; the nearer one is arithmetic"),
        (1e6, 5e6, 1e-6, "neither", 0.1, "neither; the nearer one is the bandwidth of L2"),
        (80e6, 1e6, 0.6e-3, "call", 0.8, "the call from Python"),
    ],
)
def test_limits(verdicts, flops, moved, call, limit, share, words):
    row = ROW | {"flops": flops, "bytes": moved, "call_seconds": call}
    row |= verdicts.judged(row)
    assert (row["limit"], row["share"]) == (limit, pytest.approx(share))
    assert (row["gflops"], row["gbytes"]) == pytest.approx((flops / 1e6, moved / 1e6))
    assert verdicts.limit_of(row) == words


def test_where_to_look(verdicts):
    code = {"vector": {"zmm": 3}, "width": BITS}
    said = {
        limit: verdicts.where_to_look(IDLE | {"limit": limit}, code)
        for limit in ("arithmetic", "bandwidth", "neither", "call")
    }
    assert len(set(said.values())) == 4
    narrow = verdicts.where_to_look(IDLE | {"limit": "neither"}, code | {"width": BITS // 2})
    assert narrow == f"the vector width: {BITS // 2} bits, where fastnet uses {BITS} here"
    scalar = verdicts.where_to_look(IDLE | {"limit": "neither"}, {"vector": {}, "width": 0})
    assert scalar == "the loop: it has no vector instructions"
    assert verdicts.where_to_look(IDLE | {"limit": "neither"}, None) == said["neither"]


IDLE = {"core_share": 0.99, "spread": 1.05}


@pytest.mark.parametrize(
    ("of_machine", "said"),
    [
        ({"core_share": 0.6}, "other processes took 40% of the core"),
        ({"spread": 1.5}, "the medians are 1.50 times the 10th percentiles"),
        (
            {"core_share": 0.5, "spread": 2.0},
            "other processes took 50% of the core; the medians are 2.00 times the 10th percentiles",
        ),
    ],
)
def test_a_busy_machine_is_said_before_divisions(verdicts, of_machine, said):
    row = IDLE | of_machine
    for code in (None, {"vector": {"zmm": 3}, "width": BITS // 2}):
        assert verdicts.where_to_look(row | {"limit": "neither"}, code) == (
            f"the machine, which is busy ({said}): measure again when it is idle"
        )
    quiet = verdicts.where_to_look(IDLE | {"limit": "arithmetic"}, None)
    assert verdicts.where_to_look(row | {"limit": "arithmetic"}, None) == quiet


@pytest.mark.parametrize(("slow", "busy"), [(1.05, False), (2.0, True)])
def test_what_is_measured_tells_a_busy_machine(explain, verdicts, monkeypatch, slow, busy):
    """Times of which the faster half is that of an idle machine."""
    clock = iter(range(10**6))

    def rounds_of(contenders, rounds):
        seconds = {name: 1e-5 if name != "time" else 1e-3 for name in contenders}
        return {
            name: [least] * (rounds // 3) + [slow * least] * (rounds - rounds // 3)
            for name, least in seconds.items()
        }

    monkeypatch.setattr(explain, "rounds_of", rounds_of)
    monkeypatch.setattr(explain.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(explain.time, "process_time", lambda: next(clock))
    row = explain.explained("relu_forward", [8], rounds=15)
    assert row["spread"] == pytest.approx(slow)
    assert bool(verdicts.disturbance(row)) is busy


def test_a_wrong_kernel_is_not_explained(explain, monkeypatch):
    reference = importlib.import_module("fastnet.reference.kernels")
    monkeypatch.setattr(reference, "relu_forward", reference.sigmoid_forward)
    with pytest.raises(AssertionError, match=r"^relu_forward leaves a wrong out: "):
        explain.explained("relu_forward", [8], rounds=1)


def test_bytes_move_as_the_kernel_moves_them(explain, kernel_arguments, work):
    def mix(name, *shape):
        sizes, types = work.sizes_of(name, shape), kernel_arguments.types_of(name, "float32")
        arguments = kernel_arguments.arguments_of(name, sizes, types)
        written = explain.check(name, arguments, types)
        return explain.mix(work.moves_of(name, sizes, arguments), arguments, written)

    assert mix("relu_backward", 64) == [2, 0, 1]
    assert mix("sgd_update", 64) == [1, 1, 0]
    assert mix("adam_update", 64) == [1, 3, 0]
    assert mix("multiply_backward", 64) == [3, 0, 2]
    assert mix("affine_forward", 100, 784, 50) == [2, 0, 0]
    assert mix("step_backward", 64) == [0, 0, 1]


@pytest.mark.parametrize(("reads", "updates", "writes"), [(2, 0, 0), (1, 1, 0), (1, 0, 2)])
def test_the_stream_moves_what_it_says(ceilings, monkeypatch, reads, updates, writes):
    x = np.ones((reads + updates + writes, 512), np.float32)
    ceilings.pass_through(x, reads, updates, 256, 1)
    assert (x[:reads] == 1).all()
    assert (x[reads : reads + updates] == 2).all()
    assert (x[reads + updates :] != 1).all()
    streams, moved = ceilings.streams_of(2**20, reads, updates, writes, "float32")
    calls = []
    monkeypatch.setattr(ceilings, "pass_through", lambda *arguments: calls.append(arguments))
    for stream in streams.values():
        stream()
    assert [4 * block for _, _, _, block, _ in calls] == list(ceilings.BLOCKS)
    for x, *rows, _, times in calls:
        assert rows == [reads, updates] and len(x) == reads + updates + writes
        assert x.nbytes == pytest.approx(2**20, rel=0.02) and x.ctypes.data % 64 == 0
        assert moved == times * (reads + 2 * updates + writes) * x[0].nbytes
