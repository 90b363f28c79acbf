"""What the tests of the page share: a small project that asv has measured."""

import importlib
import os
import sys

import children
import pytest
from toy_benchmarks import BENCHMARKS, CONFIG, ROOT


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A repository with three commits, and asv's results of them on the machine kind "big"."""
    pytest.importorskip("asv", reason="needs the extra bench")
    project = tmp_path_factory.mktemp("toy")
    folder = project / "asv_benchmarks"
    (folder / "benchmarks").mkdir(parents=True)
    (folder / "asv.conf.json").write_text(CONFIG)
    (folder / "benchmarks" / "__init__.py").touch()
    (folder / "benchmarks" / "toy.py").write_text(BENCHMARKS)
    inherited = {**os.environ, "HOME": str(project), "GIT_CONFIG_GLOBAL": os.devnull}
    inherited |= {"GIT_AUTHOR_NAME": "toy", "GIT_AUTHOR_EMAIL": "toy@example.org"}
    inherited |= {"GIT_COMMITTER_NAME": "toy", "GIT_COMMITTER_EMAIL": "toy@example.org"}

    def run(*command, codes=(0,), **environment):
        done = children.run(command, cwd=folder, env=inherited | environment)
        assert done.returncode in codes, done.stdout + done.stderr
        return done.stdout

    run("git", "init", "--quiet", "--initial-branch=main", "..")
    asv = [sys.executable, "-m", "asv"]
    for machine in ("small", "big"):
        run(*asv, "machine", "--machine", machine, "--cpu", f"{machine} & fast")
    (project / "kernels").mkdir()
    for day in (1, 2, 3):
        date = f"2024-01-0{day}T00:00:00Z"
        if day == 3:  # two commits since the second: one of a kernel, one of no matter
            (project / "kernels" / "affine_forward.py").write_text("rows in pairs")
            run("git", "add", "../kernels")
            run("git", "commit", "--quiet", "-m", "Rows in <pairs>", GIT_AUTHOR_DATE=date)
        (project / "README").write_text(f"day {day}")
        run("git", "add", "../README")
        run("git", "commit", "--quiet", "-m", f"Words of day {day}", GIT_AUTHOR_DATE=date)
        commit = run("git", "rev-parse", "HEAD").strip()
        measure = [*asv, "run", "--python=same", "--set-commit-hash", commit, "--machine"]
        for machine in ("small", "big") if day == 2 else ("big",):
            # 2: a benchmark failed, as one of the third day does.
            run(*measure, machine, codes=(2 if day == 3 else 0,), TOY_DAY=str(day))
    return folder


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    yield importlib.import_module("asv_benchmarks.summary")
    for name in [name for name in sys.modules if name.startswith("asv_benchmarks")]:
        monkeypatch.delitem(sys.modules, name)
