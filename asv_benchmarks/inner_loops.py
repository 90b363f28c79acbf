"""What the innermost loop of a kernel's machine code consists of."""

import re

from numba.core import caching

from asv_benchmarks.assembly import functions, innermost_loops
from asv_benchmarks.machine_code import tiles_of
from fastnet.kernels._compile import jit

REGISTER = re.compile(r"%([xyz])mm\d+|\b([vqz])\d+\b")  # of x86; of Arm
WIDTH = {"zmm": 512, "ymm": 256, "xmm": 128, "v": 128, "z": None}  # None: Arm's SVE leaves it open
FMA = re.compile(r"vfn?m(add|sub)\w*p[sd]$|fml[as]\b")
ONE = re.compile(r"v?(add|sub|mul|div|sqrt|min|max|cmp\w*)p[sd]$"
                 r"|f(add|sub|mul|div|sqrt|min|max|minnm|maxnm|cm\w+)\b")  # fmt: skip
SCALAR = re.compile(r"(?!.*broadcast).*s[sd]$|v?mov[dq]$")  # in one lane of an xmm register


def register_class(instruction):
    """Return "zmm", "ymm", "xmm", "v" (Neon) or "z" (SVE); None for a scalar instruction."""
    found = {f"{x}mm" if x else arm for x, arm in REGISTER.findall(instruction)}
    found = {"v" if name == "q" else name for name in found}
    widest = next((name for name in WIDTH if name in found), None)
    return None if widest == "xmm" and SCALAR.match(instruction.split()[0]) else widest


def loops_of(assembly):
    """Return [(tiles, instructions)] of the innermost loops: those of the tiles, see tiles_of.

    Those of Numba's wrappers for Python and C are left out.
    """
    return [
        (tiles_of(name), loop)
        for name, blocks in functions(assembly)
        if name and not name.lstrip("_").startswith(("ZN7cpython", "cfunc"))
        for loop in innermost_loops(blocks)
    ]


def counted(loop):
    """Return what a loop consists of."""
    classes = [register_class(instruction) for instruction in loop]
    words = [line.split()[0] for line, kind in zip(loop, classes, strict=True) if kind]
    fmas = sum(bool(FMA.match(word)) for word in words)
    return {
        "instructions": len(loop),
        "vector": {name: classes.count(name) for name in WIDTH if name in classes},
        "scalar": classes.count(None),
        "fma": fmas,
        "flops_a_lane": 2 * fmas + sum(bool(ONE.match(word)) for word in words),
    }


def machine_code(kernel, types):
    """Return the counts of the innermost loop that matters, and of how many; None without one.

    That is the product's tile with the most arithmetic, in a kernel that has one, else the loop
    with the most arithmetic. The code is compiled anew, as Numba keeps no assembly in its cache.
    """
    anew = jit()(kernel.py_func)
    anew._cache = caching.NullCache()
    anew.compile(types)
    loops = [counted(loop) | {"tiles": tiles} for tiles, loop in loops_of(anew.inspect_asm(types))]
    if not loops:
        return None
    most = max(
        loops,
        key=lambda loop: (
            bool(loop["tiles"]) and loop["flops_a_lane"],
            loop["flops_a_lane"],
            sum(loop["vector"].values()),
            loop["instructions"],
        ),
    )
    width = WIDTH[next(iter(most["vector"]))] if most["vector"] else 0
    return most | {"width": width, "loops": len(loops)}
