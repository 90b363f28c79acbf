"""What the loops of the products consist of, compiled for a CPU that need not be here.

    python -m asv_benchmarks.machine_code --cpu znver3 [--cpu apple-m1] [--dtype float64]
                                          [--kernel affine_forward] [--folder DIR]

prints a row for the innermost loop of every tile, and exits with 1 where one is not as it should
be: as many multiply-adds as the tile has accumulators, no access to the stack,
no mask made or used, no vector loaded in pieces, one branch. `--folder` keeps the assembly. Numba
makes LLVM's code for the instruction set that kernels/blocking.py gives for the CPU, and LLVM
optimises and assembles it as fastnet has it do.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from asv_benchmarks.assembly import counted, functions, has_frame, innermost_loops

# --------------------------------------------------------------------------- other CPUs


class CPU(NamedTuple):
    triple: str
    features: str = ""


LINUX = "x86_64-unknown-linux-gnu"
CPUS = {
    "x86-64-v2": CPU(LINUX),
    "x86-64-v3": CPU(LINUX),
    "znver3": CPU(LINUX),
    "znver4": CPU(LINUX),
    "skylake-avx512": CPU(LINUX),
    "apple-m1": CPU("arm64-apple-darwin"),  # as macOS calls it
    "neoverse-n1": CPU("aarch64-unknown-linux-gnu"),
}
# CPUs of one instruction set, which share what Numba makes.
GROUPS = [("x86-64-v2",), ("x86-64-v3", "znver3"), ("znver4", "skylake-avx512"),
          ("apple-m1", "neoverse-n1")]  # fmt: skip
KERNELS = ["affine_forward", "affine_backward_input", "affine_backward_params"]


def assemblies(cpus, kernels, dtypes):
    """Return fastnet's instruction set for the first CPU, and {(cpu, kernel, dtype): assembly}.

    For a process of its own, in which fastnet is not imported yet, and that runs no kernel.
    """
    folder = tempfile.TemporaryDirectory()  # kernels made for another CPU stay in no cache of ours
    os.environ["NUMBA_CACHE_DIR"] = folder.name
    os.environ.pop("FASTNET_VECTOR_BITS", None)
    first = CPUS[cpus[0]]
    if first.triple == LINUX:
        os.environ |= {"NUMBA_CPU_NAME": cpus[0], "NUMBA_CPU_FEATURES": first.features}
    import llvmlite.binding as llvm
    from numba.core.registry import cpu_target

    cpu_target.target_context.codegen()  # for this machine, whatever kernels/blocking.py is told
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    here, llvm.get_process_triple = llvm.get_process_triple, lambda: first.triple
    from fastnet.kernels import blocking

    llvm.get_process_triple = here
    from numba import types

    from fastnet.kernels import _compile

    # Linked into the kernels, as other parts are: no code is made for the machine it runs on.
    _compile.shared._dispatcher = _compile.helper._dispatcher
    from fastnet.kernels import _pipeline, affine

    modules = []

    class Kept(_pipeline.Library):
        def _optimize_final_module(self):
            modules.append(str(self._final_module))
            raise Made

    class Made(Exception):
        """What LLVM would go on with is there."""

    _pipeline.KernelCompiler.library = Kept
    found = {}
    for kernel in kernels:
        for dtype in dtypes:
            t = getattr(types, dtype)
            matrix, vector = types.Array(t, 2, "C"), types.Array(t, 1, "C")
            signature = {
                "affine_forward": (matrix, matrix, vector, types.int64, matrix),
                "affine_backward_input": (matrix, matrix, matrix, types.int64, matrix),
                "affine_backward_params": (matrix, matrix, matrix, vector),
            }[kernel]
            try:
                getattr(affine, kernel).compile(signature)
            except Made:
                pass
            text = re.sub(r'"(target-cpu|target-features|tune-cpu)"="[^"]*"', "", modules.pop())
            for cpu in cpus:
                found[cpu, kernel, dtype] = assembled(text, cpu)
    folder.cleanup()
    return blocking, found


def assembled(text, cpu):
    """Return the assembly of LLVM's code for a CPU, optimised as kernels/_library.py does."""
    import llvmlite.binding as llvm

    triple, features = CPUS[cpu]
    target = llvm.Target.from_triple(triple)
    machine = target.create_target_machine(cpu=cpu, features=features, opt=3)
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = triple, str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return machine.emit_assembly(module)


# --------------------------------------------------------------------------- the tiles


def readable(name):
    """Return `gemm._tile` of the symbol of a function of fastnet.kernels, else the symbol."""
    found, at = [], re.search(r"_ZN(?=\d)", name)
    rest = name[at.end() :] if at else ""
    while length := re.match(r"\d+", rest):
        end = length.end() + int(length[0])
        found.append(rest[length.end() : end])
        rest = rest[end:]
    return ".".join(found[2:]) if found[:2] == ["fastnet", "kernels"] else name


def tiles_of(name):
    """Return the (rows, vectors) of the tiles that a function of this symbol is compiled for."""
    found = re.findall(r"TileShape_28(\d+)_2c_20(\d+)_29", name or "")
    return [(int(rows), int(vectors)) for rows, vectors in found]


def tile_loops(assembly):
    """Return [(function, (rows, vectors), counts)] of the innermost loops with multiply-adds.

    Of functions that are compiled for a tile: what copies or adds tiles has no such loop. In one
    that is compiled for several, and has the smaller ones inside, a loop's is the one with as many
    multiply-adds, else the first.
    """
    found = []
    for name, blocks in functions(assembly):
        if not (tiles := tiles_of(name)):
            continue
        frame = has_frame(blocks)
        for counts in (counted(loop, frame) for loop in innermost_loops(blocks)):
            if counts["multiply_adds"]:
                fitting = [t for t in tiles if t[0] * t[1] == counts["multiply_adds"]]
                found.append((readable(name), (fitting or tiles)[0], counts))
    return sorted(found, key=lambda loop: loop[:2])


def wrong_with(shape, counts):
    """Return what of a tile's loop is not as it should be, in words."""
    rows, vectors = shape
    wanted = {"multiply_adds": rows * vectors, "stack": 0, "masks": 0, "lanes": 0, "calls": 0,
              "branches": 1}  # fmt: skip
    return [f"{counts[kind]} {kind}, not {n}" for kind, n in wanted.items() if counts[kind] != n]


HEAD = ["CPU", "kernel", "dtype", "loop", "tile", "instructions", "multiply-adds", "stack", "masks",
        "lanes", "moves", "calls", "branches", "wrong"]  # fmt: skip


def rows_of(cpus, kernels, dtypes):
    """Return a row a loop: what it is, its counts, and what is wrong with it."""
    blocking, found = assemblies(cpus, kernels, dtypes)
    names = {"set": blocking.SET.name, "bits": blocking.BITS, "registers": blocking.REGISTERS}
    rows = []
    for (cpu, kernel, dtype), assembly in found.items():
        where = {"cpu": cpu, **names, "kernel": kernel, "dtype": dtype}
        loops = tile_loops(assembly)
        for name, shape, counts in loops:
            bad = wrong_with(shape, counts)
            rows.append({**where, "loop": name, "tile": shape, **counts, "wrong": bad})
        for vectors, height in enumerate(blocking.SET.tall[: blocking.SET.strip], start=1):
            if not any((height, vectors) == shape for _, shape, _ in loops):
                rows.append(
                    {**where, "loop": "", "tile": (height, vectors), "wrong": ["no such loop"]}
                )
        if calls := re.findall(r"(?:call\w*|blr?)\s+_?(fmaf?)\b", assembly):
            rows.append(
                {**where, "loop": "", "tile": None, "wrong": [f"{len(calls)} calls of {calls[0]}"]}
            )
    return rows, found


def line(row):
    tile = "x".join(map(str, row["tile"])) if row["tile"] else ""
    kinds = "all multiply_adds stack masks lanes moves calls branches".split()
    counts = [row.get(kind, "") for kind in kinds]
    cells = [row["cpu"], row["kernel"], row["dtype"], row["loop"], tile, *counts]
    return f"| {' | '.join(map(str, cells))} | {'; '.join(row['wrong'])} |"


def main(words=None):
    parser = argparse.ArgumentParser(
        prog="python -m asv_benchmarks.machine_code", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--cpu", choices=list(CPUS), action="append", help="without it: all")
    parser.add_argument("--kernel", choices=KERNELS, action="append", help="without it: all")
    parser.add_argument("--dtype", choices=["float32", "float64"], action="append")
    parser.add_argument("--folder", help="keep the assembly there", type=Path)
    parser.add_argument("--json", metavar="FILE", help="write the rows there, too")
    arguments = parser.parse_args(words)
    cpus = arguments.cpu or list(CPUS)
    kernels, dtypes = arguments.kernel or KERNELS, arguments.dtype or ["float32"]
    groups = [[cpu for cpu in group if cpu in cpus] for group in GROUPS]
    groups = [group for group in groups if group]
    rows = []
    if len(groups) > 1:  # fastnet is imported for one instruction set
        for group in groups:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "rows.json"
                options = {"cpu": group, "kernel": kernels, "dtype": dtypes, "json": [file]}
                if arguments.folder:
                    options["folder"] = [arguments.folder]
                words = [f"--{name}={value}" for name in options for value in options[name]]
                command = [sys.executable, "-m", "asv_benchmarks.machine_code", *words]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
                print(done.stdout, end="", flush=True)
                if done.returncode not in (0, 1):
                    return done.returncode
                rows += json.loads(file.read_text())
    else:
        rows, found = rows_of(groups[0], kernels, dtypes)
        print(f"{rows[0]['set']}, {rows[0]['registers']} registers of {rows[0]['bits']} bits\n")
        print(f"| {' | '.join(HEAD)} |\n{'|---' * len(HEAD)}|")
        print(*map(line, rows), "", sep="\n")
        if arguments.folder:
            arguments.folder.mkdir(parents=True, exist_ok=True)
            for key, text in found.items():
                (arguments.folder / f"{'_'.join(key)}.s").write_text(text)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(rows, indent=1))
    return int(any(row["wrong"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
