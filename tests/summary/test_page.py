"""The page that says how fast every benchmark is, of a small project that asv has measured."""

import json
import re
import sys
from html import unescape

import children
import pytest
from toy_benchmarks import ROOT, ROWS, summary


def told(file):
    """List the rows of a page as text, without what lies below a name."""
    lines = re.findall(r'<tr role="row" data-.*?</tr>', file.read_text("utf-8"), re.DOTALL)
    below = r"<p.*</p>|<details>.*</details>|<title>.*?</title>"
    cells = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", re.sub(below, "", line)) for line in lines]
    plain = [[unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row] for row in cells]
    return [(row[0], re.sub(r"[0-9.]+ ms", "2 ms", row[1]), *row[2:]) for row in plain]


def below(file, name):
    """Return what lies below the name of a row, as text: its jumps, and its sets of parameters."""
    text = file.read_text("utf-8").replace("<wbr>", "")
    (line,) = [line for line in text.splitlines() if f"<b>{name}</b>" in line]
    found = re.findall(r'<p class="jump">(.*?)</p>', line), re.findall(r"<li>(.*?)</li>", line)
    return [[unescape(re.sub(r"<[^>]*>", "", part)) for part in parts] for parts in found]


def test_the_page_says_what_was_measured_last(project):
    file = summary(project)
    assert told(file) == ROWS
    text = file.read_text("utf-8")
    assert re.search(r"Commit \w{8} of 2024-01-03 on big \(big &amp; fast\)", text)
    mean = (10 * 0.8 * 2.5 * 1.25) ** 0.25
    assert f"toy is {mean:.2f}× as fast" in text and "mean of 4 benchmarks; in 1 it" in text
    assert "3 commits: first 10.0×, last 10.0×, least 10.0×, most 10.0×" in text
    assert '<a href="summary.html">Summary</a>' in (file.parent / "index.html").read_text()
    assert "<b>toy</b> 6 benchmarks, " in text
    assert "untimed" in text and 'role="table">' in text  # the column is there


def test_all_parameters_of_a_benchmark_lie_below_its_row(project):
    _, lines = below(summary(project), "affine_forward")
    assert [re.sub(r"[0-9.]+ ms", "2 ms", line) for line in lines] == [
        "float32 1-3-4: 2 ms, 10.0× NumPy, 85% of the limit",
        "float32 100x4/100 & more: 2 ms, 1.30× NumPy",
        "float64 1-3-4: ▼ 0.80× NumPy",
        "float64 100x4/100 & more: 1.00× NumPy",
    ]
    assert "4 sets of parameters, 1 slower than NumPy" in summary(project).read_text("utf-8")


def test_a_jump_names_its_commit_and_the_cause(project):
    def git(*words):
        done = children.run(["git", "-C", str(project), *words])
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    pairs, words, first = (
        git("log", "-1", "--format=%h", "--abbrev=8", f"--grep={text}")[0]
        for text in ("pairs", "day 3", "day 2")
    )
    file = summary(project)
    # Of two commits since the measurement before, the one that touches kernels/affine_forward.py.
    assert below(file, "affine_forward")[0] == [
        f"▼ −50% (2 sets of parameters): {pairs} Rows in <pairs> "
        f"(likely of 2 commits since {first})"
    ]
    (said,) = below(file, "copy")[0]
    assert said.startswith(
        f"▲ +100%: {words} Words of day 3; {pairs} Rows in <pairs>; {first} Words"
    )
    assert below(file, "softmax_forward")[0] == []
    # A note is more than the subject, where it names the benchmark.
    me = ["-c", "user.name=toy", "-c", "user.email=toy@example.org"]
    git(*me, "notes", "add", "-m", "copy: 64 bytes\nand more", first)
    try:
        (said,) = below(summary(project), "copy")[0]
        assert said.startswith(f"▲ +100%: {first} copy: 64 bytes (likely of 3 commits since ")
    finally:
        git(*me, "notes", "remove", first)


def test_one_bad_measurement_is_no_jump(module):
    index = {"revision_to_hash": {str(i): f"{i}" * 40 for i in range(9)}}

    def jumps(*values):
        found = module.jumps_of(dict(enumerate(values)), index)
        return [(old[0], new[0], round(change, 3)) for old, new, _, change in found]

    assert jumps(1, 1, 1, 2, 1, 1, 1) == [] == jumps(1, 1, 1, 1.2, 1.2, 1.2)
    assert jumps(1, 1.1, 1, 2, 2, 2) == [("2", "3", 1.0)]
    assert jumps(1, 1, 1, 0.5) == [("2", "3", -0.5)]  # nobody knows yet whether it lasts
    assert jumps(2, 2, 1, 1, 1, 2, 2) == [("1", "2", -0.5), ("4", "5", 1.0)]


@pytest.mark.parametrize(
    ("noted", "files", "by_the_machine"),
    [
        (False, ("docs/index.md",), True),
        (False, ("docs/index.md", "kernels/gemm.py"), False),
        (True, ("docs/index.md",), False),
    ],
)
def test_nothing_that_is_measured_changed(module, noted, files, by_the_machine):
    old, new, history = "b" * 40, "a" * 40, module.History(ROOT)
    commit = sys.modules["asv_benchmarks.causes"].Commit(new, "Docs", noted, files)
    history.known[old, new] = [commit]
    text = module.cause_html(module.cause(history, old, new, {"gemm"}), old, new, 8)
    assert text.startswith("<code>aaaaaaaa</code> Docs")
    assert ("it is the machine" in text) == by_the_machine


def test_which_of_several_commits_are_named(module):
    """Those whose note says the benchmark, else those that touch or say it, else all."""
    made, old, new = sys.modules["asv_benchmarks.causes"].Commit, "b" * 40, "a" * 40
    history = module.History(ROOT)
    other, touches = made("1", "Docs", False, ("docs/x.md",)), made("2", "x", False, ("k/gemm.py",))
    says, noted = made("3", "gemm: by rows", False, ()), made("4", "gemm: the CPU", True, ("R.md",))
    elsewhere = made("5", "softmax: of another", True, ("k/lstm.py",))

    def named(*commits):
        history.known[old, new] = list(commits)
        return [name for name, _ in module.cause(history, old, new, {"gemm"})[0]]

    assert named(other, touches, says, noted, elsewhere) == ["4"]
    assert named(other, touches, says, elsewhere) == ["2", "3"]
    assert named(other, elsewhere) == ["1", "5"]


def test_a_commit_that_the_clone_does_not_have(module):
    old, new = "b" * 40, "a" * 40
    found = module.cause(module.History(ROOT), old, new, {"gemm"})
    text = module.cause_html(found, old, new, 8)
    assert text == "<code>aaaaaaaa</code>, which this clone does not have"


def test_figures_are_spelled(module):
    times = [2.5, 0.0021, 3.4567e-6, 120e-9]
    assert [module.spelled("time_", t) for t in times] == ["2.5 s", "2.1 ms", "3.46 µs", "120 ns"]
    assert (
        sys.modules["asv_benchmarks.curves"].subject_of("forward", ["repeat rows"])
        == "repeat_rows_forward"
    )
    assert (
        sys.modules["asv_benchmarks.curves"].subject_of("forward", ["MatMul"]) == "MatMul.forward"
    )
    sets = ["float64 100-784-50", "float32 1-3-4", "float32 100-784-50"]
    assert module.shown_set(sets) == sets[2]


def test_another_machine_has_a_page_of_its_own(project):
    file = summary(project, "--machine", "small")
    assert "of 2024-01-02 on small" in file.read_text("utf-8")
    assert told(file)[0] == (*ROWS[0][:4], "–")
    assert "▼" not in "".join(below(file, "affine_forward")[1])
    with pytest.raises(AssertionError, match="--machine must be one of big, small, got tiny"):
        summary(project, "--machine", "tiny")


def test_the_history_that_is_kept_is_small_and_names_no_host(root):
    folder = root / "asv_benchmarks" / "results" / "zen5-avx512-2cores"
    files = sorted(folder.glob("*-virtualenv-*.json"))
    if not files:
        pytest.skip(f"no results in {folder}")
    results = [json.loads(file.read_text()) for file in files]
    assert len({result["commit_hash"] for result in results}) >= 10
    assert {result["params"]["machine"] for result in results} == {folder.name}
    kept = [folder / "machine.json", folder.parent / "benchmarks.json", *files]
    assert set(folder.iterdir()) <= set(kept)  # none of another environment, named by its path
    assert sum(file.stat().st_size for file in kept) < 1_000_000
    assert folder.name in (root / "asv_benchmarks" / "README.md").read_text()
