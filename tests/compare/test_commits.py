"""The comparison of two commits of a repository: what it finds, and what it refuses."""

import contextlib
import importlib.util
import os
import re
import shutil
import sys

import children
import pytest
from compared import load

COMPARISONS = int(os.environ.get("FASTNET_COMPARISONS", 3))
SIGMOID, TANH = (
    f"activations.Activations.time_forward(float64, 100-784-50, {name})"
    for name in ("sigmoid", "tanh")
)
PATTERN = r"^activations.*time_forward\(float64, 100-784-50, (sigmoid|tanh)\)"


SLOW_TANH = """

from ._compile import jit, matrix
from .simd import pointer

@jit(matrix, matrix)
def tanh_forward(x, out):
    sweep(tanh, (pointer(out),), (pointer(x),), 0, x.size // 10, ())
    sweep(tanh, (pointer(out),), (pointer(x),), 0, x.size, ())
"""


@pytest.fixture(scope="module")
def repository(root, tmp_path_factory):
    """Two commits: the second one's tanh does a tenth twice, and only it has log_forward."""
    for name in ("setuptools", "pip", "tqdm"):
        pytest.importorskip(name, reason=f"{name} is not installed: no wheel can be built")
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    copy = tmp_path_factory.mktemp("compare") / "repository"
    hidden = shutil.ignore_patterns("__pycache__", ".*", "env", "html", "results")
    for folder in ("fastnet", "kernels", "asv_benchmarks"):
        shutil.copytree(root / folder, copy / folder, symlinks=True, ignore=hidden)
    for file in root.iterdir():
        if file.is_file() and file.name != ".git":
            shutil.copy(file, copy)
    git(copy, "init", "--quiet")
    change(copy, "kernels/elementary.py", "def log_forward(", "def _log_forward(")
    commit(copy, "base")
    change(copy, "kernels/elementary.py", "def _log_forward(", "def log_forward(")
    path = copy / "kernels" / "activations.py"
    path.write_text(path.read_text() + SLOW_TANH)
    commit(copy, "slow")
    return copy


def git(folder, *words):
    identity = ["-c", "user.name=tests", "-c", "user.email=", "-c", "commit.gpgSign=false"]
    done = children.run(["git", "-C", folder, *identity, *words])
    assert done.returncode == 0, done.stderr


def commit(folder, tag):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", tag)
    git(folder, "tag", tag)


def change(folder, name, old, new):
    text = (folder / name).read_text()
    assert text.count(old) == 1
    (folder / name).write_text(text.replace(old, new))


def run(folder, *words):
    return children.run(
        [sys.executable, "-m", "asv_benchmarks.compare", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_kernel_with_a_tenth_more_to_do_is_found(repository):
    options = ["-b", PATTERN, "-b", r"^elementary.*log_forward\(float32, 1-3-4\)"]
    for rounds in (10, 40):  # ten do beside three busy processes on two cores, but for one in 20
        done = run(repository, "base", "slow", *options, "--rounds", str(rounds))
        if done.returncode:
            break
    assert done.returncode == 1, done.stdout + done.stderr
    rows = {line.split(" | ")[0]: line for line in done.stdout.splitlines()}
    assert rows[f"| {TANH}"].endswith("| slower |"), done.stdout
    assert not rows[f"| {SIGMOID}"].endswith("| slower |"), done.stdout
    assert "Left out: elementary.Elementary.time_log_forward(float32, 1-3-4), BASE: " in done.stdout
    assert "has no attribute 'log_forward'" in done.stdout
    assert "Control: " in done.stdout and f"{rounds} rounds" in done.stdout
    assert not list(repository.glob("build")) and not list(repository.glob("*.egg-info"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_commit_is_as_fast_as_itself(repository, tmp_path, capsys):
    compare = load(repository)
    sites = [tmp_path / side for side in compare.SIDES]
    for site in sites:
        compare.build(compare.resolve("base"), site)
    names, left_out = compare.choose(sites, [PATTERN])
    assert (len(names), left_out) == (2, {})
    for _ in range(COMPARISONS):
        samples = compare.measure(sites, names, 7, 0.05)
        slower = compare.compared_times.report(samples, 0.05)
        assert not slower, capsys.readouterr().out


@pytest.mark.slow
def test_working_tree(repository, tmp_path):
    compare = load(repository)
    (repository / "fastnet/new.py").write_text("NEW = 1\n")
    change(repository, "kernels/activations.py", "x.size // 10", "x.size // 5")
    try:
        compare.build(None, tmp_path / "site")
        refused = run(repository, "base", "HEAD", "-b", "none")
    finally:
        (repository / "fastnet/new.py").unlink()
        git(repository, "checkout", "--quiet", ".")
    assert (tmp_path / "site/fastnet/new.py").is_file()
    assert "x.size // 5" in (tmp_path / "site/fastnet/kernels/activations.py").read_text()
    assert refused.returncode == 2
    assert refused.stderr == (
        "compare: HEAD is without the 2 changed files of this checkout, such as "
        "kernels/activations.py. Commit them, or give worktree as HEAD.\n"
    )


@pytest.mark.slow
def test_both_sides_have_the_reference_and_the_benchmarks_of_the_checkout(repository, tmp_path):
    compare = load(repository)
    path = repository / "fastnet/reference/functions.py"
    before = path.read_text()
    path.write_text(before + "\n# the control\n")
    try:
        compare.build(compare.resolve("base"), tmp_path / "site")
    finally:
        path.write_text(before)
    control = (tmp_path / "site/fastnet/reference/functions.py").read_text()
    assert control.endswith("# the control\n")
    assert (tmp_path / "site/asv_benchmarks/benchmarks/affine.py").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "compare: 'nowhere' is no commit of "),
        (["base", "--output=x"], "the following arguments|unrecognized arguments: --output=x"),
        (["base", "slow", "--rounds", "0"], "compare: --rounds must be above 0, got 0.$"),
        (["base", "slow", "--threshold", "nan"], "compare: --threshold must be above 0, got nan."),
        (["base", "slow", "-b", "("], r"compare: --bench must be a pattern, got '\(': missing \),"),
    ],
)
def test_refusals(repository, words, message):
    done = run(repository, *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(message, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    if message.startswith("compare"):
        assert done.stderr.count("\n") == 1


def test_refusals_after_building(compare, monkeypatch):
    names, answer = ["affine.forward(float32)", "affine.forward(float64)"], None
    monkeypatch.setattr(compare, "resolve", str)
    monkeypatch.setattr(compare, "git", lambda *_, why: "")
    monkeypatch.setattr(compare, "build", lambda *_: None)

    class Side(contextlib.ExitStack):
        name = "HEAD"

        def ask(self, question, *about):
            return {"names": names, "prepare": answer}[question]

    monkeypatch.setattr(compare, "Side", lambda _: Side())
    monkeypatch.setattr(compare, "discover", lambda: ({}, {"affine": ImportError()}))
    with pytest.raises(compare.Refusal, match=r"^no benchmark of 2 matches afine or gemm$"):
        compare.compare(["base", "head", "-b", "afine", "-b", "gemm"])
    with pytest.raises(compare.Refusal, match=r"^--rounds must be at least 7 for 2 bench.*got 6$"):
        compare.compare(["base", "head", "-b", "affine", "--rounds", "6"])
    answer = "no"
    with pytest.raises(compare.Refusal, match=r"^nothing runs on both sides: HEAD: no$"):
        compare.compare(["base", "head", "-b", "affine"])
    with pytest.raises(compare.Refusal, match=r"^HEAD: affine.*: no$"):
        compare.measure(["base", "head"], names, 7, 0.1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rounds", "6"], r"^--rounds must be at least 10 for \d+ benchmarks, got 6$"),
        (["-b", "affine", "--rounds", "4"], r"^--rounds must be at least \d+ for \d+ .*, got 4$"),
        (["-b", "afine"], r"^no benchmark of \d+ matches afine$"),
        (["--json", "nowhere/times.json"], r"^--json must be in a folder that exists, got 'now"),
    ],
)
def test_refusals_before_building(compare, monkeypatch, words, message):
    """The benchmarks are the checkout's for both sides: how many there are is known at once."""
    monkeypatch.setattr(compare, "resolve", str)
    monkeypatch.setattr(compare, "git", lambda *_, why: "")
    monkeypatch.setattr(compare, "build", lambda *_: pytest.fail("it built"))
    with pytest.raises(compare.Refusal, match=message):
        compare.compare(["base", "head", *words])


@pytest.mark.parametrize(
    ("words", "changed", "said"),
    [
        (["one", "one"], "", True),
        (["one", "two"], "", False),
        (["HEAD"], "", True),
        (["HEAD"], " M kernels/gemm.py", False),
        (["one"], "", False),
    ],
)
def test_one_commit_is_said_to_be_one(compare, monkeypatch, capsys, words, changed, said):
    class Built(Exception):
        pass

    def build(*_):
        raise Built

    monkeypatch.setattr(compare, "resolve", lambda name: None if name == "worktree" else name)
    monkeypatch.setattr(compare, "git", lambda *_, why: changed)
    monkeypatch.setattr(compare, "build", build)
    monkeypatch.setattr(compare, "before_building", lambda given: None)
    with pytest.raises(Built):
        compare.compare(words)
    lines = [f"Both are one commit, {words[0]}: what differs is noise."] if said else []
    assert [line for line in capsys.readouterr().out.splitlines() if "one commit" in line] == lines


def test_a_missing_library_is_named(compare, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(compare.Refusal, match=r"^scipy is not installed\. pip install -e .*bench"):
        compare.compare(["HEAD"])


def test_a_commit_that_cannot_be_built_is_named(repository, tmp_path):
    compare = load(repository)
    change(repository, "pyproject.toml", '"setuptools.build_meta"', '"setuptools.nothing"')
    try:
        with pytest.raises(compare.Refusal, match=r"^worktree cannot be installed: .*nothing"):
            compare.build(None, tmp_path / "site")
    finally:
        git(repository, "checkout", "--quiet", ".")


@pytest.mark.slow
def test_default_patterns_each_match(repository, tmp_path):
    compare, site = load(repository), tmp_path / "site"
    compare.build(None, site)
    with (site / "fastnet/__init__.py").open("a") as file:
        file.write("\nprint('[]')\n")  # no answer to any question
    with compare.Side(site) as side:
        names = side.ask("names")
    for pattern in compare.DEFAULT:
        assert any(re.search(pattern, name) for name in names), pattern
    shutil.move(site / "fastnet", tmp_path / "other")
    (site / "fastnet").symlink_to(tmp_path / "other")
    imported = "^the benchmarks of site failed: .* was imported, which is not in "
    with pytest.raises(compare.Refusal, match=imported), compare.Side(site) as side:
        side.process.wait()  # before it is asked
        side.ask("names")
