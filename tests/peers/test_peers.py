"""The command that compares fastnet with its peers: what it writes, and that it refuses to lie."""

import importlib
import json
import re
import shutil
import sys

import numpy as np
import pytest
from in_turn import every_dtype_name
from peers_command import command, measure

OURS = "NumPy layers,NumPy loop,fastnet layers,fastnet loop"


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


@every_dtype_name
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
            for names in sys.modules["asv_benchmarks.peers_tables"].LIBRARIES.values()
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


@every_dtype_name
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
