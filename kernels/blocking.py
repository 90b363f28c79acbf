"""What depends on the instruction set: vectors, registers, tiles and blocks, a row a set.

Everything else in kernels/ is written in vectors of any width. The width follows what Numba
compiles for (NUMBA_CPU_NAME, NUMBA_CPU_FEATURES), which need not be all that this CPU can do;
FASTNET_VECTOR_BITS overrides it.
"""

import os
from typing import NamedTuple

from llvmlite import binding
from numba import config


class InstructionSet(NamedTuple):
    """What the kernels ask about an instruction set."""

    name: str
    bits: int  # of a vector
    registers: int  # for vectors; a tile that needs more spills
    loads_masked: bool  # a load under a mask costs what a plain one does
    stores_masked: bool  # the same of a store
    compresses: bool  # an instruction moves the lanes of a mask together
    strip: int  # vectors of columns in a strip
    tall: tuple[int, int, int]  # rows of the tallest tile of 1, 2 and 3 vectors
    sparse_strip: int  # most vectors of columns of the tile of two rows that skips zeros
    repeats: bool  # a tile may have rows twice, to fit those that are left
    shallow_columns: int  # vectors of columns from which few terms go in order
    dot_rows: int  # rows of a tile of dot products, two columns wide
    depth: int  # terms of the sum that a panel of b holds
    unpacked: int  # terms of b up to which a strip is read where it stands
    pack_one_set: int  # rows from which copying b pays where its rows fall into one set of L1


# Rows times vectors accumulators, a row of b and one broadcast must fit the registers. Share of
# the peak with operands in L1, on Zen 3 with AVX2: 6x2 0.95 to 1.00, 4x3 0.86 to 0.92, 4x2 0.83,
# 8x1 0.61. AVX2's masked store takes 29 cycles there, a plain one 4; the others have none.
SETS = (
    InstructionSet(
        name="AVX-512",
        bits=512,
        registers=32,
        loads_masked=True,
        stores_masked=True,
        compresses=True,
        strip=3,
        tall=(8, 8, 8),
        sparse_strip=7,
        repeats=False,
        shallow_columns=16,
        dot_rows=8,
        depth=272,
        unpacked=272,
        pack_one_set=40,
    ),
    InstructionSet(
        name="AVX2",
        bits=256,
        registers=16,
        loads_masked=True,
        stores_masked=False,
        compresses=False,
        strip=2,
        tall=(8, 6, 4),
        sparse_strip=5,
        repeats=True,
        shallow_columns=10,
        dot_rows=4,
        depth=272,
        unpacked=208,
        pack_one_set=12,
    ),
    InstructionSet(
        name="SSE",
        bits=128,
        registers=16,
        loads_masked=False,
        stores_masked=False,
        compresses=False,
        strip=2,
        tall=(8, 6, 4),
        sparse_strip=5,
        repeats=True,
        shallow_columns=10,
        dot_rows=4,
        depth=352,
        unpacked=208,
        pack_one_set=12,
    ),
    InstructionSet(
        name="NEON",
        bits=128,
        registers=32,
        loads_masked=False,
        stores_masked=False,
        compresses=False,
        strip=3,
        tall=(8, 8, 6),
        sparse_strip=7,
        repeats=False,
        shallow_columns=8,
        dot_rows=8,
        depth=272,
        unpacked=208,
        pack_one_set=40,
    ),
)


def _probe(triple, name, features):
    """Return the bits of a vector and whether it has a fused multiply-add, from machine code.

    LLVM does not tell what a CPU's name implies: 3 ms, where Numba was given one.
    """
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_triple(triple)
    machine = target.create_target_machine(cpu=name, features=features, opt=1)
    code = machine.emit_assembly(
        binding.parse_assembly("""
            declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
            define <16 x float> @probe(<16 x float> %x, <16 x float> %y) {
                %z = call <16 x float> @llvm.fma.v16f32(<16 x float> %x, <16 x float> %y,
                                                        <16 x float> %x)
                ret <16 x float> %z
            }""")
    )
    bits = 512 if "zmm" in code else 256 if "ymm" in code else 128
    return bits, "vfmadd" in code


def _compiled_for():
    """Return whether Numba compiles for Arm, the bits of a vector, and whether it fuses."""
    if ON_ARM:
        return True, 128, True
    if config.CPU_NAME is None and config.CPU_FEATURES is None:
        features = binding.get_host_cpu_features()
        if not config.ENABLE_AVX:
            return False, 128, False
        bits = 512 if features.get("avx512f") else 256 if features.get("avx2") else 128
        return False, bits, bool(features.get("fma"))
    triple = binding.get_process_triple()
    name = config.CPU_NAME or binding.get_host_cpu_name()
    features = config.CPU_FEATURES
    if features is None:
        features = binding.get_host_cpu_features().flatten()
    return False, *_probe(triple, name, features)


def _instruction_set():
    """Return the row that the kernels are compiled for, and whether multiply-adds are fused."""
    arm, bits, fused = _compiled_for()
    forced = os.environ.get("FASTNET_VECTOR_BITS")
    if forced is not None:
        if forced not in ("128", "256", "512"):
            raise ValueError(
                f"FASTNET_VECTOR_BITS must be 128, 256 or 512, got {forced!r}. "
                "Unset it to use the width of this CPU."
            )
        bits = int(forced)
    if arm and bits == 128:
        return SETS[-1], fused
    return next(row for row in SETS if row.bits == bits), fused


def _l2_bytes():
    """Return the size of a core's second cache, as Linux tells it; elsewhere half a megabyte.

    At least 128 KB, of which half holds several tiles of float64: a block of none would never end.
    """
    try:
        with open("/sys/devices/system/cpu/cpu0/cache/index2/size") as file:
            return max(128, int(file.read().strip().removesuffix("K"))) * 1024
    except (OSError, ValueError):
        return 512 * 1024


ON_ARM = binding.get_process_triple().startswith(("aarch64", "arm64"))  # as Linux and macOS call it
SET, FUSED = _instruction_set()
L2_BYTES = _l2_bytes()
BITS, REGISTERS = SET.bits, SET.registers

# What follows from the row.
# Whether LLVM makes a slow masked store of a choice in place (`settled`): on AVX2 alone.
MERGES = SET.loads_masked and not SET.stores_masked and not ON_ARM
STRIP, TALL = SET.strip, SET.tall[SET.strip - 1]
TALL_1, TALL_2, TALL_3 = SET.tall
REPEATS, SHALLOW_COLUMNS = SET.repeats, SET.shallow_columns
DOT_ROWS, DEPTH, UNPACKED = SET.dot_rows, SET.depth, SET.unpacked
PACK_ONE_SET = SET.pack_one_set
SUMS_BYTES = 8 * DOT_ROWS * 2
# Rows of b at its end: fewer than a vector has lanes, or one of the widest tile.
END_BYTES = max(BITS // 32, SET.sparse_strip) * BITS // 8

# Blocks and cuts that are the same for all.
ALONE = 6  # vectors of the tile of one row alone: as many sums hide each other's wait
TURNED_ROWS = 8  # rows that are added to c at a time where the product was made of the transpose
DOT_DEPTH = 800  # the same for a panel of dot products: MNIST's 784 in one
PANEL_BYTES = 56 * 1024  # of b, on the stack, or of DOT_DEPTH columns: 50 KB with AVX-512
BLOCK_BYTES = L2_BYTES  # of a, that a copied panel of b is used for
WIDE_BYTES = L2_BYTES // 4  # of a panel of b that is not on the stack
PACK_ROWS = 64  # rows from which copying a panel of b pays
PACK_ALIASES = 40  # the same where its rows would drive one another out of L1
L1_VECTORS = 512  # vectors of b that stay in L1 without a copy: 32 KB with AVX-512
SMALL_ROWS = 24  # rows of c written at a time then: a whole number of tiles of any height
WIDE = 64  # vectors of c's row from which 24 rows fall into one set of L1; 8 rows: 2x at 2048
SHALLOW = 8  # terms up to which b is read in order, all columns at once
SHALLOW_ROWS = 8  # rows of c up to which that pays with more terms, eight at a time
ORDERED = 4  # terms up to which order beats tiles of two rows, from SHALLOW_COLUMNS on: 1.0 to 1.3
FEW_TERMS = 24  # up to which tiles of two rows pay: 0.6 to 0.9 of the time, 1.0 with 48 terms
ALIASED_TERMS = 12  # the same where they would drive one another out of L1: 0.8, and 1.4 with 16
FEW_ROWS = 4  # rows of dx up to which dot products beat transposing W: 2.9x at 1, 1.0x at 4
TURNED = 240  # columns of the transpose at a time: whole strips of vectors of any width
LONG = 64  # terms from which it pays to ask for c's cache lines ahead
FAR = 24  # vectors of c's row from which they are far from one another
COPY_COLUMNS = 12  # vectors of c's row from which copying tiles of a pays
COPY_ROWS = 48
AHEAD = 4096  # bytes of b asked for while a row is copied
