"""What the loops of the products consist of, in machine code for CPUs that are not here.

Not in time: a tile whose accumulators leave the registers, or whose masks are made anew at every
step, is as wrong on a machine that nobody measures.
"""

import hashlib
import importlib
import json
import os
import platform
import shutil
import sys
from pathlib import Path

import children
import llvmlite
import numba
import pytest

from fastnet import kernels

READ_BY = ("assembly.py", "machine_code.py")


@pytest.fixture(scope="module")
def home(root, tmp_path_factory):
    """A folder with asv_benchmarks/ and no fastnet/: the package that is tested is compiled."""
    home = tmp_path_factory.mktemp("machine_code")
    (home / "asv_benchmarks").mkdir()
    for name in READ_BY:
        shutil.copy(root / "asv_benchmarks" / name, home / "asv_benchmarks")
    return home


@pytest.fixture(scope="module")
def machine_code(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(home)
        yield importlib.import_module("asv_benchmarks.machine_code")


def stamp(home):
    """Return what the machine code depends on: the kernels, the compiler, and what reads it."""
    found = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__}".encode())
    folder = Path(kernels.__file__).parent
    readers = [home / "asv_benchmarks" / name for name in READ_BY]
    for path in [*sorted(folder.rglob("*.py")), *readers]:
        found.update(path.read_bytes())
    return found.hexdigest()


@pytest.fixture(scope="module")
def compiled(home, request):
    """Return the rows of a group of CPUs, which one process compiles for.

    They take a minute on one core, so pytest's cache keeps them.
    """
    cache = getattr(request.config, "cache", None)
    now = stamp(home)
    before = (cache and cache.get("fastnet/machine_code", None)) or {}
    found = before["rows"] if before.get("stamp") == now else {}

    def rows(group):
        group = " ".join(group)
        if group not in found:
            path = os.pathsep.join([str(home), *filter(None, [os.environ.get("PYTHONPATH")])])
            words = [f"--cpu={cpu}" for cpu in group.split()]
            words += ["--kernel=affine_forward", "--kernel=affine_backward_params"]
            words += ["--dtype=float32", "--dtype=float64", "--json=rows.json"]
            done = children.run(
                [sys.executable, "-m", "asv_benchmarks.machine_code", *words],
                cwd=home, env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip
            assert done.returncode in (0, 1), done.stderr
            found[group] = json.loads((home / "rows.json").read_text())
        return found[group]

    yield rows
    if cache:
        cache.set("fastnet/machine_code", {"stamp": now, "rows": found})


# CPU, and what kernels/blocking.py must take it for.
CPUS = {
    "x86-64-v2": ("SSE", 16),
    "x86-64-v3": ("AVX2", 16),
    "znver3": ("AVX2", 16),
    "znver4": ("AVX-512", 32),
    "skylake-avx512": ("AVX-512", 32),
    "apple-m1": ("NEON", 32),
    "neoverse-n1": ("NEON", 32),
}


@pytest.mark.slow
@pytest.mark.parametrize("cpu", list(CPUS))
def test_the_loops_of_the_tiles(machine_code, compiled, cpu):
    """Multiply-adds as many as accumulators; no stack, masks, lanes or calls; one branch.

    No fmaf in the whole kernel, either: a call for each number where the CPU has no such
    instruction.
    """
    if machine_code.CPUS[cpu].triple == machine_code.LINUX and platform.machine() not in (
        "x86_64",
        "AMD64",
    ):
        pytest.skip("Numba compiles for x86 on x86 only")
    [group] = [group for group in machine_code.GROUPS if cpu in group]
    rows = [row for row in compiled(group) if row["cpu"] == cpu]
    assert {(row["set"], row["registers"]) for row in rows} == {CPUS[cpu]}
    cases = {(row["kernel"], row["dtype"]) for row in rows}
    assert len(cases) == 4 and all(row["kernel"].startswith("affine_") for row in rows)
    assert [machine_code.line(row) for row in rows if row["wrong"]] == []
    tiles = {tuple(row["tile"]) for row in rows if row["loop"] == "tiles.tile"}
    # Twelve sums hide the latency of a multiply-add on two ports: 4 cycles, 0.5 each.
    assert max(rows * vectors for rows, vectors in tiles) >= 12


def test_every_cpu_has_a_group(machine_code):
    assert sorted(cpu for group in machine_code.GROUPS for cpu in group) == sorted(CPUS)
    assert machine_code.CPUS.keys() == CPUS.keys()


# --------------------------------------------------------------------------- loops of assembly

TILE = "_ZN7fastnet7kernels5tiles4tileB2v1B4abcdE9TileShape_282_2c_201_29"
SCATTERED = f"""
{TILE}:
	pushq	%rbp
	movq	%rdi, %rbp
	testq	%rsi, %rsi
	jle	.LBB0_9
.LBB0_1:
	xorl	%eax, %eax
.LBB0_2:
	vmovups	(%rbp,%rax), %ymm1
	testb	%dl, %dl
	je	.LBB0_7
.LBB0_3:
	vfmadd231ps	(%rsi), %ymm1, %ymm2
	vfmadd231ps	%ymm1, %ymm3, %ymm4
	addq	$32, %rax
	jne	.LBB0_2
	decq	%rcx
	jne	.LBB0_1
.LBB0_9:
	retq
.LBB0_7:
	vinsertps	$16, 4(%rsi), %xmm1, %xmm1
	vmaskmovps	(%rsi), %ymm5, %ymm6
	vmovaps	%ymm6, 32(%rsp)
	jmp	.LBB0_3
"""


def test_blocks_of_a_loop_that_lie_scattered_are_counted(machine_code):
    [(name, tile, counts)] = machine_code.tile_loops(SCATTERED)
    assert (name, tile) == ("tiles.tile", (2, 1))
    assert counts == {
        "all": 11, "multiply_adds": 2, "stack": 1, "masks": 1, "lanes": 1, "moves": 0,
        "calls": 0, "branches": 3,
    }  # fmt: skip
    assert machine_code.wrong_with(tile, counts) == [
        "1 stack, not 0", "1 masks, not 0", "1 lanes, not 0", "3 branches, not 1",
    ]  # fmt: skip
    short = SCATTERED.replace("	vfmadd231ps	%ymm1, %ymm3, %ymm4\n", "")
    [(_, tile, counts)] = machine_code.tile_loops(short)
    assert "1 multiply_adds, not 2" in machine_code.wrong_with(tile, counts)


def test_a_frame_pointer_is_the_stack_and_another_rbp_is_not(machine_code):
    framed = SCATTERED.replace("movq	%rdi, %rbp", "movq	%rsp, %rbp")
    [(_, _, counts)] = machine_code.tile_loops(framed)
    assert counts["stack"] == 2


ARM = """
__ZN7fastnet7kernels5tiles5_rowsE9TileShape_284_2c_201_299TileShape_281_2c_201_29:
LBB0_1:
	mov	x8, xzr
LBB0_2:
	ldr	q0, [x0], #16
	fmla.4s	v1, v0, v2[0]
	subs	x8, x8, #1
	b.ne	LBB0_2
	cbnz	x9, LBB0_1
	tbnz	w8, #0, LBB0_4
	ret
LBB0_4:
	ld1	{ v0.s }[1], [x9]
	cmgt	v4.4s, v4.4s, #0
	str	q0, [sp, #16]
	fmul	v1.4s, v1.4s, v2.4s
	fmla	v1.4s, v0.4s, v2.4s
	fmla	v3.4s, v0.4s, v2.4s
	bl	_fmaf
	b	LBB0_4
"""


def test_loops_of_arm(machine_code):
    """By Apple's names; a loop of a smaller tile is known by its multiply-adds."""
    first, second = machine_code.tile_loops(ARM)
    assert first[:2] == ("tiles._rows", (1, 1))
    assert machine_code.wrong_with(*first[1:]) == []
    assert second[1] == (4, 1)  # none has two
    assert machine_code.wrong_with(*second[1:]) == [
        "2 multiply_adds, not 4", "1 stack, not 0", "1 masks, not 0", "1 lanes, not 0",
        "1 calls, not 0",
    ]  # fmt: skip


def test_multiply_and_add_are_one_without_fma(machine_code):
    loop = [
        "mulps	%xmm1, %xmm2",
        "addps	%xmm2, %xmm3",
        "addps	%xmm2, %xmm4",
        "jne	.LBB0_1",
    ]
    assert machine_code.counted(loop)["multiply_adds"] == 1
