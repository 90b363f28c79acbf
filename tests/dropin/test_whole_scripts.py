"""Scripts print what they print without the drop-in, and its reports count what they did.

The scripts in first/ and second/ use a `common` in the style of either book, as the chapters do.
"""

import re
import shutil
from types import SimpleNamespace

import pytest
from books_classes import NOTHING, OPTIMIZERS, run

from fastnet.dropin import timing
from fastnet.dropin.known import CALL, ENOUGH
from fastnet.dropin.timing import Report


def words(text):
    return re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?|[A-Za-z_]+", text)


def same_numbers(ours, own):
    ours, own = words(ours), words(own)
    assert len(ours) == len(own) > 20
    for a, b in zip(ours, own, strict=True):
        if a != b:
            assert float(a) == pytest.approx(float(b), rel=1e-6), (a, b)


# With kernels after so many operations: whether there were any; if asked, how many versions of them
# are loaded, and those of types that no warmup compiles, for which all kernels are imported.
RUN = """
import sys
from fastnet import cli
from fastnet.dropin import known, worth

known.ENOUGH, worth._all_calls = {enough}, True
status = cli.main(["run", *sys.argv[1:]])
loaded = []
if (started := "numba" in sys.modules) and {versions}:
    from fastnet.warmup import versions

    kernels = {{kernel for kernel, _ in versions()}}
    loaded = [(kernel, types) for kernel in kernels for types in kernel.overloads]
others = [(kernel.__name__, types) for kernel, types in loaded if types not in kernel.versions]
print(started, len(loaded), others, file=sys.stderr)
sys.exit(status)
"""


def run_after(enough, folder, *arguments, versions=False):
    """`fastnet run`, with kernels after so many operations, which take small arrays, too."""
    done = run(folder, "-c", RUN.format(enough=enough, versions=versions), *arguments)
    *lines, last = done.stderr.splitlines()
    started, count, done.other_types = last.split(" ", 2)
    done.stderr, done.numba, done.count = "\n".join(lines), started == "True", int(count)
    return done


SCRIPTS = [
    ("first", "train_two_layer.py", ["Affine", "Relu", "SoftmaxWithLoss"]),
    ("first", "train_written_out.py", ["TwoLayerNet", "predict", "gradient"]),
    ("first", "train_deep.py", ["Affine", "Relu", "Sigmoid", "SoftmaxWithLoss", "SGD"]),
    ("first", "train_images.py", ["Affine", "Convolution", "Pooling", "Relu", "Adam"]),
    ("first", "compare_optimizers.py", ["BatchNormalization", "Dropout", *OPTIMIZERS]),
    ("second", "spiral.py", ["Affine", "Sigmoid", "SoftmaxWithLoss", "SGD"]),
    ("second", "words.py", ["MatMul", "Softmax", "SoftmaxWithLoss", "SGD"]),
    ("second", "negative_sampling.py", ["Embedding", "SigmoidWithLoss", *OPTIMIZERS]),
    (
        "second",
        "sequences.py",
        [
            *("NegativeSamplingLoss", "UnigramSampler", "TimeAttention", "TimeEmbedding"),
            *("TimeRNN", "TimeLSTM", "TimeGRU", "TimeAffine", "TimeDropout"),
            *("TimeSoftmaxWithLoss", "TimeSigmoidWithLoss"),
            *("clip_grads", "ppmi", "most_similar", "convert_one_hot", "create_co_matrix"),
        ],
    ),
]


@pytest.mark.parametrize(("edition", "script", "replaced"), SCRIPTS)
def test_scripts_print_the_same_numbers(root, edition, script, replaced):
    """On kernels never, from the middle on, and from the first call on."""
    folder = root / "tests" / "dropin" / edition
    own = run(folder, script)
    assert own.returncode == 0, own.stderr
    never = run_after(ENOUGH, folder, "--report", script)
    assert (never.stdout, never.numba) == (own.stdout, False)  # to the last digit
    asked = re.search(
        r"^kernels did not take over: ([\d,]+) calls of the books' asked for ([\d,]+) "
        rf"operations, and {ENOUGH:,} are worth their start$",
        never.stderr,
        re.MULTILINE,
    )
    calls, operations = (int(number.replace(",", "")) for number in asked.groups())
    assert CALL * calls < operations < ENOUGH
    for enough in (operations // 2, 0):
        ours = run_after(enough, folder, "--report", script)
        assert ours.returncode == 0 and ours.numba, ours.stderr
        same_numbers(ours.stdout, own.stdout)
        said = [line for line in ours.stderr.splitlines() if "on kernels now" in line]
        assert len(said) == 1
        when = re.match(
            r"fastnet: on kernels now: (in (?:common|two_layer_net)\.\S+, call ([\d,]+) "
            r"of the books', after ([\d,]+) operations)$",
            said[0],
        )
        assert f"\nkernels took over {when[1]}" in ours.stderr
        call, after = (int(number.replace(",", "")) for number in when.groups()[1:])
        assert (call == 1) if enough == 0 else (1 < call < calls)
        assert enough <= after < operations
        rows = ours.stderr.split("on kernels\n")[1].split("the script's own\n")[0]
        assert enough or set(replaced) <= set(words(rows.replace(".", " "))), rows
        again = run_after(enough, folder, script, versions=not enough)
        assert again.stdout == ours.stdout  # to the last digit
        assert said[0] in again.stderr.splitlines()
    # All come out of the cache by now: for a 3-D array a kernel of matrices would compile anew.
    assert again.count > 4 and again.other_types == "[]"


def test_report(root):
    folder = root / "tests" / "dropin" / "first"
    ours = run_after(0, folder, "--report", "train_deep.py")
    assert ours.returncode == 0, ours.stderr
    same_numbers(ours.stdout, run(folder, "train_deep.py").stdout)
    report = ours.stderr[ours.stderr.index("fastnet: report of train_deep.py\n") :]
    kernels, own = report.split("on kernels\n")[1].split("the script's own\n")
    own, when = own.split("kernels took over ")
    calls = {
        name: (int(n), float(seconds))
        for n, seconds, name in re.findall(r"(\d+) calls +([\d.]+) s +(\S+)", kernels + "\n" + own)
    }
    assert calls["common.trainer.Trainer.train_step"][0] == 6 * 31 + 2 * 15
    assert calls["common.optimizer.SGD.update"][0] == 31 + 2 * 15
    assert "common.layers.SoftmaxWithLoss.backward" in kernels
    assert "common.gradient.numerical_gradient" in own
    assert "common.layers.Affine.forward" not in own
    for updates, where in ((30, kernels), (1, own)):  # the first one makes the state
        assert re.search(rf" {updates} calls +[\d.]+ s +common.optimizer.Adam.update", where)
    assert "common.functions." not in kernels  # the small examples are not counted
    assert when.startswith("in common.multi_layer_net.MultiLayerNet.loss, call 1 of the books', ")


def test_seconds_are_counted_once(monkeypatch):
    clock = iter([0.0, 1.0, 3.0, 3.5, 7.5, 8.0, 8.0, 10.0]).__next__
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=clock))
    report = Report()
    inner = report.timed(lambda: None, "inner", "kernels")
    outer = report.timed(lambda: [inner(), inner()], "outer", "own")
    outer()  # from 1 to 8, and inside it from 3 to 3.5 and from 7.5 to 8
    assert report.rows["inner", "kernels"] == [2, 0.5 + 0.5]
    assert report.rows["outer", "own"] == [1, 7.0 - 1.0]
    with report.paused():
        outer()
    assert report.rows["outer", "own"][0] == 1
    assert str(report).splitlines() == [
        "         2 calls      1.000 s  on kernels",
        "         2 calls      1.000 s    inner",
        "         1 calls      6.000 s  the script's own",
        "         1 calls      6.000 s    outer",
        "                      3.000 s  everything else",
    ]


def test_a_call_is_counted_once(monkeypatch):
    """Of one that the kernels pass on, the script's own is counted, with the seconds of both."""
    clock = iter([0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 6.5, 10.0]).__next__
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=clock))
    report = Report()
    own = report.timed(lambda given: None, "loss", "own")
    ours = report.timed(lambda given: given or own(given), "loss", "kernels")
    ours(0)  # from 1 to 5, the own one from 2 to 4
    ours(1)  # from 6 to 6.5
    assert report.rows == {("loss", "own"): [1, 4.0], ("loss", "kernels"): [1, 0.5]}
    assert str(report).splitlines()[-1].split()[0] == "5.500"


@pytest.fixture
def book(root, tmp_path):
    """Return a function that copies a book's folder, where a test may write."""
    return lambda name: shutil.copytree(root / "tests" / "dropin" / name, tmp_path / name)


def test_a_script_counts_each_call_once(book):
    """One-hot targets are passed on to the script's own SoftmaxWithLoss.backward."""
    code = (
        "import numpy as np\n"
        "from common.layers import SoftmaxWithLoss\n"
        "loss = SoftmaxWithLoss()\n"
        "for t in (np.eye(3), np.arange(3)):\n"
        "    for _ in range(10):\n"
        "        loss.forward(np.ones((3, 3)), t)\n"
        "        loss.backward()\n"
    )
    folder = book("first")
    (folder / "counted.py").write_text(code)
    ours = run_after(0, folder, "--report", "counted.py")
    assert ours.returncode == 0, ours.stderr
    kernels, own = ours.stderr.split("on kernels\n")[1].split("the script's own\n")
    row = r" (\d+) calls +[\d.]+ s +common\.layers\.SoftmaxWithLoss\.backward"
    assert [re.search(row, part)[1] for part in (kernels, own)] == ["10", "10"]


@pytest.mark.parametrize("code", ["print(1)", "from common import util", "import common.np"])
@pytest.mark.parametrize("options", [[], ["--report"]], ids=["", "report"])
def test_a_script_without_common_is_told_that_nothing_was_replaced(book, code, options):
    folder = book("second")
    (folder / "common" / "util.py").write_text("")
    (folder / "nothing.py").write_text(code)
    ours = run_after(0, folder, *options, "nothing.py")
    said = NOTHING.removeprefix("fastnet: ").rstrip()
    assert ours.stderr.splitlines()[-1].removeprefix("fastnet: ") == said
    assert ours.stderr.count(said) == 1 and "did not take over" not in ours.stderr


def test_a_script_with_common_is_not_told_so(book):
    folder = book("first")
    (folder / "little.py").write_text("from common.functions import relu\nprint(relu(1.0))")
    assert run_after(ENOUGH, folder, "little.py").stderr == ""
