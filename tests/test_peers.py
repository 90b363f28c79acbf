"""The command that compares fastnet with its peers: what it writes, and that it refuses to lie."""

import importlib
import json
import os
import re
import shutil
import sys

import children
import numpy as np
import pytest
from llvmlite import binding

OURS = "NumPy layers,NumPy loop,fastnet layers,fastnet loop"


@pytest.fixture(scope="module")
def home(root, tmp_path_factory):
    """A folder with asv_benchmarks/ and no fastnet/: the package that is tested is measured."""
    home = tmp_path_factory.mktemp("peers")
    (home / "asv_benchmarks").mkdir()
    for path in (root / "asv_benchmarks").glob("*.py"):
        shutil.copy(path, home / "asv_benchmarks")
    return home


@pytest.fixture
def peers(home, monkeypatch):
    monkeypatch.syspath_prepend(home)
    yield importlib.import_module("asv_benchmarks.peers")
    for name in [name for name in sys.modules if name.startswith("asv_benchmarks")]:
        monkeypatch.delitem(sys.modules, name)


def command(home, *arguments):
    path = os.pathsep.join([str(home), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [sys.executable, "-m", "asv_benchmarks.peers", "--rounds", "1", *arguments]
    environment = {**os.environ, "PYTHONPATH": path}
    return children.run(words, cwd=home, env=environment)


def measure(home, file, *arguments):
    """Run the command; return the only row of its JSON, and what it printed."""
    done = command(home, "--json", str(file), *arguments)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(file.read_text())["rows"]
    return row, done


@pytest.mark.parametrize(
    ("shape", "batch", "flops"), [("3-4-2", 4, 2 * 4 * (3 * 20 - 12)), ("3-4-1", 1, 2 * 36)]
)
def test_command_writes_json_and_a_table(home, tmp_path, shape, batch, flops):
    # 3-4-2: 12 and 8 weights; forward and dW of both, dx of the second.
    file = tmp_path / "peers.json"
    arguments = ["--shape", shape, "--batch", str(batch), "--dtype", "float64"]
    row, done = measure(home, file, *arguments, "--contenders", OURS)
    assert (row["network"], row["dtype"]) == (f"{shape}/{batch}", "float64")
    assert row["flops"] == flops
    assert row["limit"] == pytest.approx(row["flops"] / row["peak_gflops"] / 1e3)
    assert list(row["microseconds"]) == OURS.split(",")
    assert all(0 < p10 <= p50 <= p90 for p10, p50, p90 in row["microseconds"].values())
    medians = {name: times[1] for name, times in row["microseconds"].items()}
    assert row["best"] in ("NumPy layers", "NumPy loop")
    assert row["ratio"] == pytest.approx(medians[row["best"]] / medians["fastnet loop"])
    assert row["of_limit"] == pytest.approx(medians["fastnet loop"] / row["limit"])
    assert row["left_out"] == {}
    result = json.loads(file.read_text())
    assert result["threads"] == 1
    assert result["versions"]["numpy"] == np.__version__
    head, _, cells = re.findall(r"^\|.*\|$", done.stdout, re.MULTILINE)
    assert head.count("|") == cells.count("|") == 6 + 5 + len(OURS.split(",")) - 4
    assert f"| {shape}/{batch} | float64 |" in cells


PREDICT = "NumPy layers,NumPy chunks,fastnet"


@pytest.mark.parametrize(("batch", "activation"), [(1, "sigmoid"), (300, "relu"), (300, "tanh")])
def test_command_predicts(home, tmp_path, batch, activation):
    arguments = ["--predict", "--shape", "9-7-5", "--batch", str(batch), "--activation", activation]
    row, done = measure(home, tmp_path / "out", *arguments, "--contenders", PREDICT)
    assert (row["network"], row["data_rows"]) == (f"9-7-5/{batch}", batch)
    assert row["flops"] == 2 * batch * (9 * 7 + 7 * 5)
    assert list(row["microseconds"]) == PREDICT.split(",")
    medians = {name: times[1] for name, times in row["microseconds"].items()}
    assert row["best"] in ("NumPy layers", "NumPy chunks")
    assert row["ratio"] == pytest.approx(medians[row["best"]] / medians["fastnet"])
    assert row["of_limit"] == pytest.approx(medians["fastnet"] / row["limit"])
    assert "Microseconds a call of predict" in done.stdout and "best / fastnet |" in done.stdout


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_are_compared(peers, monkeypatch, dtype):
    ours = peers.predictors.PREDICTORS["fastnet"]
    net = peers.predictors.rows(peers.network("784-50-10/30", dtype, "sigmoid"))
    runs, left_out = peers.predicting(net, ["fastnet", "NumPy chunks"])
    assert list(runs) == ["fastnet", "NumPy chunks"] and left_out == {}
    wrong = {
        "without the last bias": lambda net: ours(
            net._replace(weights=[*net.weights[:-1], 0 * net.weights[-1]])
        ),
        "other rows": lambda net: ours(net._replace(x=net.x[::-1])),
        "NaN": lambda net: lambda: np.full_like(ours(net)(), np.nan),
    }
    for what, contender in wrong.items():
        monkeypatch.setitem(peers.predictors.PREDICTORS, what, contender)
        with pytest.raises(AssertionError, match=f"^{what} disagrees on the outputs of 784-50-10/"):
            peers.predicting(net, ["fastnet", what])
    other = {"too few": lambda y: y[1:], "other dtype": lambda y: y.astype(np.float16)}
    for what, change in other.items():
        wrong = lambda net, change=change: lambda: change(ours(net)())  # noqa: E731
        monkeypatch.setitem(peers.predictors.PREDICTORS, what, wrong)
        with pytest.raises(AssertionError, match=rf"^{what}: \("):
            peers.predicting(net, [what])


def test_picture(home, tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "peers.png"
    arguments = ["--shape", "3-4-2", "--batch", "4", "--contenders", OURS, "--png", str(picture)]
    measure(home, tmp_path / "peers.json", *arguments)
    assert picture.read_bytes().startswith(b"\x89PNG")
    done = command(home, "--draw", str(tmp_path / "peers.json"))
    assert done.returncode == 2 and "--draw goes with --png FILE." in done.stderr


def test_the_picture_says_how_many_times_fastnets_time(peers, root, tmp_path, monkeypatch):
    """Of each library its faster contender, in what a README shows at 800 pixels."""
    figures = pytest.importorskip("matplotlib.figure")
    image = pytest.importorskip("PIL.Image")
    kept, real = [], figures.Figure.savefig
    monkeypatch.setattr(
        figures.Figure, "savefig", lambda self, *a, **o: (kept.append(self), real(self, *a, **o))
    )
    result = json.loads((root / "asv_benchmarks" / "peers.json").read_text("utf-8"))
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    peers.picture(result, tmp_path / "peers.png")
    (ax,) = kept[0].axes
    marks = {}
    for line in ax.get_lines():
        if line.get_marker() != "None" and len(line.get_xdata()) == 1:
            at = round(float(line.get_ydata()[0]))
            marks.setdefault(at, []).append(float(line.get_xdata()[0]))
    for at, row in enumerate(result["rows"]):
        micros = {name: times[1] for name, times in row["microseconds"].items()}
        best = [
            min(micros[name] for name in names if name in micros) / micros["fastnet loop"]
            for names in peers.LIBRARIES.values()
            if names[0] in micros
        ]
        np.testing.assert_allclose(marks[at], best)
        assert len(best) >= 3
    with image.open(tmp_path / "peers.png") as opened:
        assert opened.width == 1600 and opened.height < 1200
    words = [text for text in ax.findobj(figures.Text) if text.get_text()]
    assert min(text.get_fontsize() * 100 / 72 for text in words) > 12  # pixels at 800
    assert result["vectors"] in ax.get_xlabel()


@pytest.mark.slow  # 36 s of CPU where all are installed: their imports, and torch.compile
@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("torch", ["PyTorch", "torch.compile"]),
        ("jax", ["JAX jit", "JAX scan"]),
        ("sklearn", ["scikit-learn"]),
    ],
)
def test_a_peer_is_measured_or_left_out_by_name(home, tmp_path, module, names):
    """Where it is installed, it has passed the comparison of the weights."""
    arguments = ["--shape", "5-7-3", "--batch", "50", "--contenders", ",".join(names)]
    row, done = measure(home, tmp_path / "peers.json", *arguments)
    for name in names:
        if name in row["microseconds"]:
            continue
        assert f"{name} is left out: {row['left_out'][name]}" in done.stderr
        if importlib.util.find_spec(module) is None:
            assert row["left_out"][name] == f"{module} is not installed"
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed: that it is left out was tested")
    assert names[0] in row["microseconds"]
    name = {"torch": "PyTorch,torch.compile", "jax": "JAX jit", "sklearn": "scikit-learn"}[module]
    arguments = ["--predict", "--shape", "5-7-3", "--batch", "50", "--contenders", name]
    row, _ = measure(home, tmp_path / "predict.json", *arguments)
    assert set(row["microseconds"]) | set(row["left_out"]) == set(name.split(","))
    assert name.split(",")[0] in row["microseconds"]


def test_grid_is_as_wide_as_promised(peers):
    assert len(peers.GRID) == len(set(peers.GRID)) >= 60
    networks = [name.partition("/") for name in peers.GRID]
    widths = {int(width) for stack, _, _ in networks for width in stack.split("-")}
    assert widths >= {1, 7, 13, 50, 99, 255, 1000, 2048}
    assert {1, 1024} <= {int(batch) for _, _, batch in networks}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["3-4-2/4", "3-4-1/1", "64-32-10/32"])
def test_check_sees_a_step_too_few_and_another_rate(peers, monkeypatch, name, dtype):
    net = peers.network(name, dtype, "sigmoid")
    loop = peers.CONTENDERS["fastnet loop"]
    assert peers.checked(net, ["fastnet loop"]) == (["fastnet loop"], {})
    wrong = {
        "a step too few": lambda net, order, lr: loop(net, order[:-1], lr),
        "a rate 1 % lower": lambda net, order, lr: loop(net, order, 0.99 * lr),
        "other rows": lambda net, order, lr: loop(net, order[::-1] ^ 1, lr),
    }
    for what, contender in wrong.items():
        monkeypatch.setitem(peers.CONTENDERS, what, contender)
        with pytest.raises(AssertionError, match=f"^{what} disagrees after 5 steps: array 0 of"):
            peers.checked(net, ["fastnet loop", what])


def test_command_fails_where_a_contender_disagrees(home, tmp_path):
    """The loop's last bias stays as it was, in a copy of the contenders."""
    folder = tmp_path / "asv_benchmarks"
    shutil.copytree(home / "asv_benchmarks", folder)
    text = (folder / "contenders.py").read_text()
    layers, found, rest = text.rpartition("return run, lambda: model.params\n")
    assert found
    wrong = "return run, lambda: [*model.params[:-1], net.weights[-1]]\n"
    (folder / "contenders.py").write_text(layers + wrong + rest)
    done = command(tmp_path, "--shape", "3-4-2", "--contenders", "fastnet loop", "--json", "out")
    assert done.returncode != 0
    assert "fastnet loop disagrees after 5 steps: array 3 of 3-4-2/32 float32" in done.stderr
    assert not (tmp_path / "out").exists()


def test_summary_counts_and_sorts(peers):
    names = [f"{i}-2/1" for i in range(1, 13)]
    rows = [
        {"network": name, "dtype": "float32", "best": "JAX scan", "ratio": 2.0**i}
        for i, name in enumerate(reversed(names), start=-2)
    ]
    total = peers.summary(rows)
    assert (total["networks"], total["slower"], len(total["worst"])) == (12, 2, 10)
    assert total["geometric_mean"] == pytest.approx(2**3.5)
    assert total["worst"][0] == {
        "network": "12-2/1",
        "dtype": "float32",
        "best": "JAX scan",
        "ratio": 0.25,
    }


def test_unknown_contender_is_named(home):
    done = command(home, "--contenders", "fastnet loop,tensorflow")
    assert done.returncode != 0
    assert "--contenders must be of NumPy layers," in done.stderr


# --------------------------------------------------------------------------- other CPUs


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


@pytest.fixture
def environment(peers):
    return importlib.import_module("asv_benchmarks.environment")


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


# --------------------------------------------------------------------------- products


@pytest.fixture
def products(peers):
    return importlib.import_module("asv_benchmarks.products")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["forward", "dx", "dW", "update"])
def test_products_are_compared_before_they_are_timed(products, monkeypatch, kind, dtype):
    products.check(kind, (5, 13, 10), dtype)
    real = products.KINDS[kind]
    for result in real.results.split():
        wrong = real._replace(fastnet=f"{real.fastnet}; {result}[-1:] *= 1 + 1e-3")
        monkeypatch.setitem(products.KINDS, kind, wrong)
        with pytest.raises(AssertionError, match=f"^{kind} disagrees on {result} at 5,13,10 "):
            products.check(kind, (5, 13, 10), dtype)
    nan = real._replace(fastnet=f"{real.fastnet}; {real.results.split()[0]}[-1:] = float('nan')")
    monkeypatch.setitem(products.KINDS, kind, nan)
    with pytest.raises(AssertionError, match="nan off, allowed"):
        products.check(kind, (5, 13, 10), dtype)


def test_a_product_below_the_threshold_is_measured_again(products, monkeypatch):
    asked = []

    def measure(kind, shape, dtype, seconds):
        asked.append(seconds)
        return {"ratio": 0.9 if len(asked) == 1 else 0.98}

    monkeypatch.setattr(products, "measure", measure)
    cases = [("dx", (1, 2, 3), "float32"), ("dW", (1, 2, 3), "float32")]
    rows = products.measured(cases, 2)
    assert rows == [{"ratio": 0.98, "first_ratio": 0.9}, {"ratio": 0.98}]
    assert asked == [2, 2, 10]


def test_products_grid_and_summary(products):
    assert len(products.GRID) == len(set(products.GRID)) == 800
    rows = [{"kind": "dx", "dtype": "float32", "ratio": ratio} for ratio in (0.5, 2.0, 8.0)]
    [total] = products.summaries(rows)
    assert total["geometric_mean"] == pytest.approx(2) and total["below"] == 1
    assert (total["shapes"], total["least"]) == (3, 0.5)


def test_products_command(home, tmp_path):
    path = os.pathsep.join([str(home), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [sys.executable, "-m", "asv_benchmarks.products", "--seconds", "0.001"]
    options = {"cwd": home, "env": {**os.environ, "PYTHONPATH": path}}
    file = tmp_path / "products.json"
    one = ["--shape", "3,4,5", "--dtype", "float32", "--json", str(file)]
    done = children.run([*words, *one], **options)
    assert done.returncode == 0, done.stderr
    rows = json.loads(file.read_text())["named"]
    assert [row["kind"] for row in rows] == ["forward", "dx", "dW", "update"]
    for row in rows:
        assert row["ratio"] == pytest.approx(row["numpy_us"] / row["fastnet_us"])
        assert row["gflops"] == pytest.approx(2 * 60 / row["fastnet_us"] / 1e3)
        assert row["share"] == pytest.approx(row["gflops"] / row["peak_gflops"])
    assert done.stdout.count("| 3,4,5 |") == 4
    few = ["--sample", "2", "--kind", "dW"]
    done = children.run([*words, *few], **options)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^\| dW \| (float\d\d) \| 2 \| ", done.stdout, re.MULTILINE) == [
        "float32", "float64",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shape", "3,4"], r"--shape must be N,D,M, each at least 1, got 3,4\."),
        (["--shape", "3,4,0"], r"--shape must be N,D,M, each at least 1, got 3,4,0\."),
        (["--shape", "a,b,c"], r"--shape must be N,D,M, each at least 1, got a,b,c\."),
        (["--sample", "801"], r"--sample must be in 1\.\.800, got 801\."),
    ],
)
def test_bad_arguments_of_products_are_named(products, capsys, words, message):
    with pytest.raises(SystemExit):
        products.parse(words)
    assert re.search(message, capsys.readouterr().err)
