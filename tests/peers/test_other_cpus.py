"""Another CPU is imitated and told; what is not sure is refused."""

import json
import os
import re

import numpy as np
import pytest
from llvmlite import binding
from peers_command import command, measure


def test_two_runs_stand_side_by_side(home, tmp_path):
    def row(name, ours, best, dtype="float32"):
        times = {"JAX scan": [0, best, 0], "NumPy loop": [0, 9.0, 0], "fastnet loop": [0, ours, 0]}
        return {"network": name, "dtype": dtype, "limit": 1.0, "microseconds": times,
                "best": "JAX scan", "ratio": best / ours}  # fmt: skip

    runs = {
        "avx2": [row("3-4-2/4", 2.0, 1.0)],
        "native": [row("3-4-2/4", 2.0, 3.0), row("9-9-9/9", 1.0, 2.0)],
    }
    files = []
    for isa, rows in runs.items():
        files.append(tmp_path / f"{isa}.json")
        files[-1].write_text(json.dumps({"isa": isa, "cpu": "EPYC", "rows": rows}))
    done = command(home, "--beside", *map(str, files))
    assert done.returncode == 0, done.stderr
    head, _, first, second = done.stdout.splitlines()
    assert head.startswith("| network/batch | dtype | avx2: limit | avx2: fastnet | avx2: best |")
    assert head.endswith("| EPYC: best / fastnet |")
    ours = "1 | 2 | 1 (JAX scan) | 0.50 **slower** | 1 | 2 | 3 (JAX scan) | 1.50"
    assert first == f"| 3-4-2/4 | float32 | {ours} |"
    assert second == "| 9-9-9/9 | float32 |  |  |  |  | 1 | 1 | 2 (JAX scan) | 2.00 |"


def imitates(environment):
    if why := environment.lacking("avx2"):
        pytest.skip(why)
    pytest.importorskip("threadpoolctl")


@pytest.mark.slow  # from nothing 20 s of CPU: a training step is compiled for another CPU
def test_another_cpu_is_imitated_and_told(home, environment, kernel_cache, monkeypatch, tmp_path):
    imitates(environment)
    monkeypatch.setenv("NUMBA_CACHE_DIR", kernel_cache("avx2"))
    arguments = ["--isa", "avx2", "--shape", "5-7-3", "--contenders", "NumPy loop,fastnet loop"]
    row, done = measure(home, tmp_path / "out", *arguments)
    assert "- Numba: znver3, avx2 fma\n" in done.stdout or "haswell, avx2" in done.stdout
    assert "- fastnet: vectors of 256 bits\n" in done.stdout
    assert re.search(r"^- \w*openblas\w* .*: (Haswell|Zen)$", done.stdout, re.MULTILINE)
    for name in ("NumPy loop", "fastnet loop"):
        assert f"- {name}: registers of wider instructions: none used\n" in done.stdout
    assert json.loads((tmp_path / "out").read_text())["isa"] == "avx2" and row["ratio"] > 0


def test_what_is_not_sure_is_refused(home, environment, monkeypatch):
    done = command(home, "--isa", "avx2", "--contenders", "torch.compile")
    if environment.lacking("avx2"):
        assert "--isa avx2 must be one that can be run here: " in done.stderr
    else:
        assert "--isa avx2 must go without torch.compile, whose kernels cannot" in done.stderr
    assert done.returncode != 0
    imitates(environment)
    _, wrong = environment.libraries("native")
    assert wrong == []
    # This process is not the one that imitates: what it runs depends on the CPU.
    other = environment.IMITATED["sse"]
    monkeypatch.setitem(environment.IMITATED, "sse", other._replace(bits=64, architectures=()))
    _, wrong = environment.libraries("sse")
    assert any(re.search(r"openblas runs \w+$", reason) for reason in wrong)
    assert any(re.fullmatch(r"fastnet's vectors have \d+ bits", reason) for reason in wrong)
    assert any(re.match(r"NumPy has (X86|AVX)", reason) for reason in wrong)
    assert any(reason.startswith("Numba compiles for avx") for reason in wrong)


def test_a_cpu_without_the_instructions_is_refused(environment, monkeypatch):
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: {"avx2": False, "fma": False})
    message = (
        r"^--isa avx2 must be one that can be run here: this CPU has no avx2 and no fma\. "
        r"Leave it out\.$"
    )
    with pytest.raises(SystemExit, match=message):
        environment.prepare(1, "avx2")


def test_registers_in_use_are_seen(environment):
    imitates(environment)
    if not binding.get_host_cpu_features().get("avx512f"):
        pytest.skip("no AVX-512 to be seen")
    registers, matrix = environment.Registers(), np.ones((64, 64), np.float32)
    used = registers.used_by(lambda: matrix @ matrix)
    assert used & 0xE0 or os.environ.get("OPENBLAS_CORETYPE")
    assert (matrix @ matrix == 64).all()  # MXCSR is as it was: a reset of 0 traps exceptions
