"""What is set before NumPy, Numba or a peer loads: threads, cores, and the instruction set.

    python -m asv_benchmarks.environment --isa avx2 [--contenders "JAX scan,fastnet loop"]

prints which kernels each library really runs. `--isa` of the other tools starts them anew in an
environment that makes every library run the kernels of another CPU, and goes on only where this
is sure. For that, libraries are asked what they chose; and each contender trains for a step, after
which the CPU tells which of its registers are in use: those of AVX-512's masks and its upper
sixteen stay so until they are cleared. Code that uses none of these but 512-bit vectors, and
clears their upper halves, would not be seen; of NumPy, PyTorch and JAX nothing does.

Imports none of the libraries until it is told what to set.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from asv_benchmarks.registers import Registers, tells_state


class InstructionSet(NamedTuple):
    bits: int  # of fastnet's vectors
    forbidden: str  # features that start like this are off
    cpu: tuple  # what Numba compiles for: on AMD, elsewhere
    openblas: str  # OPENBLAS_CORETYPE
    architectures: tuple  # as OpenBLAS calls its kernels
    numpy: str  # features that start like this are off
    glibc: tuple  # of its string functions
    xla: str
    aten: str
    onednn: str
    registers: int  # of the state that XSAVE tells apart: none of these may be in use


IMITATED = {
    "avx2": InstructionSet(
        256, r"avx512|avx10|amx|evex", ("znver3", "haswell"), "Haswell", ("Haswell", "Zen"),
        r"AVX512|X86_V4", ("AVX512F", "AVX512VL", "AVX512BW"), "AVX2", "avx2", "AVX2", 0xE0,
    ),
    "sse": InstructionSet(
        128, r"avx|amx|evex|fma|f16c|xop|bmi|vaes|vpclmul", ("x86-64-v2", "x86-64-v2"), "Nehalem",
        ("Nehalem",), r"AVX|X86_V[34]|FMA|F16C|XOP",
        ("AVX512F", "AVX512VL", "AVX512BW", "AVX2", "AVX"), "SSE4_2", "default", "SSE41", 0xE4,
    ),
}  # fmt: skip
SETS = [*IMITATED, "avx512", "native"]
# Contenders whose kernels cannot be chosen: torch.compile's compiler asks the CPU alone; below
# AVX2, MKL and Eigen run what they like.
UNSURE = {
    "avx2": {"torch.compile"},
    "sse": {"PyTorch", "torch.compile", "JAX jit", "JAX scan", "scikit-learn"},
}


def parser():
    """Return the parser of the option, a parent of the tools' own."""
    found = argparse.ArgumentParser(add_help=False)
    found.add_argument("--isa", choices=SETS, default="native", help="imitate these instructions")
    return found


def asked(words=None):
    """Return the instruction set that a command line asks for, without a look at the rest."""
    return parser().parse_known_args(words)[0].isa


def thread_variables(threads):
    """Return the variables that give every library as many threads."""
    found = {
        f"{library}_NUM_THREADS": str(threads)
        for library in ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMBA", "FASTNET")
    }
    eigen = "true" if threads > 1 else "false"
    return found | {
        "NPROC": str(threads),  # the pool of XLA's CPU client
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}",
        "JAX_PLATFORMS": "cpu",
    }


def imitating_variables(isa):
    """Return the variables that make every library run the kernels of an instruction set."""
    from llvmlite import binding
    from numpy._core._multiarray_umath import __cpu_dispatch__

    wanted, host = IMITATED[isa], binding.get_host_cpu_features()
    features = {
        name: has and not re.match(wanted.forbidden, name) for name, has in sorted(host.items())
    }
    return {
        "NUMBA_CPU_NAME": wanted.cpu[not binding.get_host_cpu_name().startswith("znver")],
        "NUMBA_CPU_FEATURES": ",".join(f"{'-+'[has]}{name}" for name, has in features.items()),
        "OPENBLAS_CORETYPE": wanted.openblas,
        "NPY_DISABLE_CPU_FEATURES": " ".join(
            name for name in __cpu_dispatch__ if re.match(wanted.numpy, name)
        ),
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join(f"-{name}" for name in wanted.glibc),
        "ATEN_CPU_CAPABILITY": wanted.aten,
        "ONEDNN_MAX_CPU_ISA": wanted.onednn,
        "MKL_ENABLE_INSTRUCTIONS": wanted.aten.upper(),
        # YNNPACK, which XLA gives its products, asks the CPU alone and ran dot_fp32_..._avx512.
        # Without it they are oneDNN's: 105 GFLOP/s at 300,300,300 in place of 99 (Zen 4).
        "XLA": f"--xla_cpu_max_isa={wanted.xla} --xla_cpu_experimental_ynn_fusion_type= ",
    }


def lacking(isa):
    """Return why this machine cannot run the instruction set, or None."""
    if isa == "native":
        return None
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    needed = {"avx2": ["avx2", "fma"], "avx512": ["avx512f", "avx512vl"], "sse": ["sse4.2"]}[isa]
    missing = [name for name in needed if not features.get(name)]
    if missing:
        return f"this CPU has no {' and no '.join(missing)}"
    if isa in IMITATED and not (sys.platform == "linux" and tells_state()):
        return "what libraries run is seen on Linux only, on CPUs with xgetbv1"
    return None


def prepare(threads, isa="native"):
    """Set the variables and cores; start the process anew where it imitates another CPU."""
    if why := lacking(isa):
        sys.exit(f"--isa {isa} must be one that can be run here: {why}. Leave it out.")
    variables = thread_variables(threads)
    if isa in IMITATED:
        imitating = imitating_variables(isa)
        # In front: XLA reads no further than to the first word without dashes.
        variables["XLA_FLAGS"] = imitating.pop("XLA") + variables["XLA_FLAGS"]
        variables |= imitating
    anew = isa in IMITATED and any(os.environ.get(name) != variables[name] for name in variables)
    os.environ.update(variables)
    if hasattr(os, "sched_setaffinity"):  # threads that start later inherit it
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    if anew:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


# --------------------------------------------------------------------------- what really runs


def libraries(isa):
    """Return {library: what it chose}, and why it is not what is wanted, or None."""
    import numba.core.registry
    import numpy as np
    import threadpoolctl
    from numpy._core._multiarray_umath import __cpu_baseline__, __cpu_dispatch__, __cpu_features__

    from fastnet.kernels import simd

    wanted = IMITATED.get(isa)
    wrong = []
    found = {}
    chosen = [name for name in [*__cpu_baseline__, *__cpu_dispatch__] if __cpu_features__[name]]
    found["NumPy"] = f"{np.__version__}, {chosen[-1]}"
    if wanted and any(re.match(wanted.numpy, name) for name in chosen):
        wrong.append(f"NumPy has {chosen[-1]}")
    if isa == "avx512" and not {"X86_V4", "AVX512_SKX"} & set(chosen):
        wrong.append("NumPy has no AVX-512")
    np.ones((2, 2)) @ np.ones((2, 2))
    blas = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    for pool in blas:
        architecture = pool.get("architecture", "unknown kernels")
        found[f"{pool['prefix']} {pool['version']}"] = architecture
        if wanted and architecture not in wanted.architectures:
            wrong.append(f"{pool['prefix']} runs {architecture}")
        if isa == "avx512" and architecture not in ("SkylakeX", "Cooperlake", "Sapphirerapids"):
            wrong.append(f"{pool['prefix']} runs {architecture}")
    if wanted and not blas:
        wrong.append("NumPy's BLAS does not tell which kernels it runs")
    target = numba.core.registry.cpu_target.target_context.codegen()
    name, features = target._get_host_cpu_name(), target._get_host_cpu_features()
    has = [f for f in ("avx512f", "avx2", "fma", "neon") if f"+{f}" in features.split(",")]
    found["Numba"] = f"{name}, {' '.join(has) or 'none of AVX2 and FMA'}"
    if wanted and any(re.match(wanted.forbidden, feature) for feature in has):
        wrong.append(f"Numba compiles for {' '.join(has)}")
    found["fastnet"] = f"vectors of {simd.BITS} bits"
    bits = wanted.bits if wanted else 512 if isa == "avx512" else simd.BITS
    if simd.BITS != bits:
        wrong.append(f"fastnet's vectors have {simd.BITS} bits")
    return found, wrong


def step_of(name, dtype):
    """Return a function that trains a contender of peers.py for two steps, as it does there."""
    from asv_benchmarks.contenders import CONTENDERS
    from asv_benchmarks.peer_networks import LeftOut, network, order_of

    net = network("300-96-10/64", dtype, "sigmoid")
    try:
        return CONTENDERS[name](net, order_of(net, 64 if name == "scikit-learn" else 2), 1e-3)[0]
    except (ModuleNotFoundError, LeftOut):
        return None


def said_by(isa, names):
    """Return the lines that say what libraries and contenders run, and what is wrong with it."""
    lines, wrong = libraries(isa)
    lines, folder = dict(lines), None
    if any(name.startswith("JAX") for name in names):
        folder = tempfile.TemporaryDirectory()
        os.environ["XLA_FLAGS"] = f"--xla_dump_to={folder.name} {os.environ['XLA_FLAGS']}"
        os.environ["JAX_CPU_ENABLE_ASYNC_DISPATCH"] = "false"  # in this thread
    registers = Registers() if isa in IMITATED else None
    for name in names:
        used = 0
        for dtype in ("float32", "float64"):
            run = step_of(name, dtype)
            if run is not None:
                run()  # compiles
                used |= registers.used_by(run) if registers else 0
        if run is not None and registers:
            bad = used & IMITATED[isa].registers
            lines[name] = "registers of wider instructions: " + ("used" if bad else "none used")
            if bad:
                wrong.append(f"{name} uses registers of wider instructions ({bad:#x})")
    if "torch" in sys.modules:
        import torch

        lines["ATen"] = torch.backends.cpu.get_cpu_capability()
        if isa in IMITATED and lines["ATen"].lower() != IMITATED[isa].aten:
            wrong.append(f"PyTorch's ATen runs {lines['ATen']}")
    if folder and "jax" in sys.modules:
        text = "".join(p.read_text() for p in Path(folder.name).rglob("topology.textproto"))
        has = [name for name in ("avx512f", "avx2") if f"+{name}," in text]
        lines["XLA"] = f"compiles for {has[0] if has else 'neither AVX-512 nor AVX2'}"
        if isa in IMITATED and (
            not text or any(re.match(IMITATED[isa].forbidden, name) for name in has)
        ):
            wrong.append(f"XLA {lines['XLA'] if text else 'does not tell what it compiles for'}")
        folder.cleanup()
    return lines, wrong


def confirm(isa, names):
    """Print what each one really runs, asked in a process of its own; exit where it is not so."""
    if isa == "native":
        return
    if unsure := UNSURE.get(isa, set()) & set(names):
        sys.exit(
            f"--isa {isa} must go without {', '.join(sorted(unsure))}, whose kernels cannot be "
            "chosen. Name others by --contenders."
        )
    words = [sys.executable, "-m", "asv_benchmarks.environment", "--isa", isa]
    done = subprocess.run([*words, "--contenders", ",".join(names)], capture_output=True, text=True)
    print(done.stdout)
    if done.returncode:
        sys.exit(done.stderr)


def main():
    command = argparse.ArgumentParser(
        prog="python -m asv_benchmarks.environment", parents=[parser()]
    )
    command.add_argument("--contenders", metavar="A,B", default="", help="of peers.py")
    arguments = command.parse_args()
    prepare(1, arguments.isa)
    print(f"Imitated on {platform.machine()}: {arguments.isa}. What really runs:")
    try:
        lines, wrong = said_by(arguments.isa, [n for n in arguments.contenders.split(",") if n])
    except ModuleNotFoundError as error:
        sys.exit(f"--isa {arguments.isa} must be seen to work: no {error.name}. Install it.")
    for name, line in lines.items():
        print(f"- {name}: {line}")
    if wrong:
        sys.exit(f"--isa {arguments.isa} must be sure, and is not: {'; '.join(wrong)}.")


if __name__ == "__main__":
    main()
