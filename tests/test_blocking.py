"""The table of instruction sets, and which row of it the kernels are compiled for."""

import os
import sys

import children
import pytest
from llvmlite import binding

from fastnet.kernels import blocking

X86 = binding.get_process_triple().startswith(("x86_64", "i686"))


@pytest.mark.parametrize("row", blocking.SETS, ids=lambda row: row.name)
def test_a_tile_fits_the_registers(row):
    """Its sums, a row of b and a broadcast: what does not fit stands on the stack."""
    for vectors in range(1, row.strip + 1):
        assert row.tall[vectors - 1] * vectors + vectors + 1 <= row.registers
    assert 2 * row.sparse_strip + row.sparse_strip + 1 <= row.registers
    assert 2 * row.dot_rows + 1 <= row.registers
    assert not row.repeats or set(row.tall[: row.strip]) <= {4, 6, 8}  # those that `steps` knows


def test_copies_take_at_most_64_kb_of_stack():
    widest = max(blocking.SETS, key=lambda row: row.bits)
    assert blocking.PANEL_BYTES + widest.bits // 8 * 3 <= 64 * 1024
    assert blocking.DOT_DEPTH * widest.bits // 8 <= blocking.PANEL_BYTES
    for row in blocking.SETS:
        assert row.depth * row.strip * row.bits // 8 <= blocking.PANEL_BYTES
        assert row.depth % (row.bits // 32) == 0  # blocks are rounded up to whole vectors of it


def test_the_second_cache_has_a_size():
    assert 2**17 <= blocking.L2_BYTES <= 2**27


def test_bits_come_from_what_numba_compiles_for():
    forced = os.environ.get("FASTNET_VECTOR_BITS")
    features = binding.get_host_cpu_features()
    widest = 512 if features.get("avx512f") else 256 if features.get("avx2") else 128
    if not any(name in os.environ for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")):
        assert blocking.BITS == (int(forced) if forced else widest)


@pytest.mark.skipif(not X86, reason="these are names of x86")
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"NUMBA_CPU_NAME": "znver3", "NUMBA_CPU_FEATURES": ""}, "AVX2 256 16 True"),
        ({"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": ""}, "AVX2 256 16 True"),
        ({"NUMBA_CPU_NAME": "skylake-avx512", "NUMBA_CPU_FEATURES": ""}, "AVX-512 512 32 True"),
        ({"NUMBA_CPU_NAME": "znver4", "NUMBA_CPU_FEATURES": "-avx512f"}, "AVX2 256 16 True"),
        ({"NUMBA_CPU_NAME": "x86-64-v2", "NUMBA_CPU_FEATURES": ""}, "SSE 128 16 False"),
        ({"NUMBA_CPU_NAME": "generic"}, "SSE 128 16 False"),
        ({"NUMBA_ENABLE_AVX": "0"}, "SSE 128 16 False"),
        (
            {"NUMBA_CPU_NAME": "generic", "FASTNET_VECTOR_BITS": "256"},
            "AVX2 256 16 False",
        ),
    ],
)
def test_another_cpu_is_imitated(settings, expected):
    names = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "FASTNET_VECTOR_BITS", "NUMBA_ENABLE_AVX")
    program = (
        "from fastnet.kernels.blocking import END_BYTES, FUSED, SET\n"
        "print(SET.name, SET.bits, SET.registers, FUSED)\n"
        "assert 8 * END_BYTES >= max(SET.strip, SET.sparse_strip) * SET.bits"
    )
    done = children.run(
        [sys.executable, "-c", program],
        env={k: v for k, v in os.environ.items() if k not in names} | settings,
    )
    assert (done.stdout.rstrip(), done.stderr) == (expected, "")  # a row of b fits at its end


@pytest.mark.parametrize("value", ["banana", "", "64", "128.0"])
def test_a_width_that_is_none_is_named(value):
    done = children.run(
        [sys.executable, "-c", "import fastnet.kernels"],
        env={**os.environ, "FASTNET_VECTOR_BITS": value},
    )
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(
        f"ValueError: FASTNET_VECTOR_BITS must be 128, 256 or 512, got {value!r}. "
        "Unset it to use the width of this CPU."
    )
