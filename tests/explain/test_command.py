"""The command and its picture."""

import importlib
import itertools
import json
import os
import re
import sys

import children
import numpy as np
import pytest

from fastnet.kernels.simd import BITS


@pytest.fixture
def unpinned(explain, monkeypatch):
    monkeypatch.setattr(explain, "pin", lambda: None)


def command(home, *arguments, **environment):
    path = os.pathsep.join([str(home), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [sys.executable, "-m", "asv_benchmarks.explain", "--rounds", "1", *arguments]
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    done = children.run(words, cwd=home, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["afine_forward"], r"kernel must be one of fastnet\.kernels, got 'afine_forward'\. "
                            r"Did you mean affine_forward, .*\?"),
        (["zzz"], r"got 'zzz'\. kernels/README\.md lists them\."),
        (["affine_forward", "--shape", "100,784"],
         r"--shape must be N,D,M for affine_forward, each at least 1, got 100,784\. "
         r"Try --shape 128,512,512\."),
        (["sgd_update", "--shape", "5,0"],
         r"--shape must be any sizes for sgd_update, each at least 1, got 5,0\."),
        (["sgd_update", "--shape", "x"], r"--shape must be integers with commas, got 'x'\."),
        (["work_size"], r"work_size computes one number; there is nothing to explain\."),
        ([], r"give a kernel or --all, one of the two\."),
        (["sgd_update", "--all"], r"give a kernel or --all, one of the two\."),
        (["--all", "--shape", "3"], r"--shape goes with one kernel, not with --all\."),
        (["sgd_update", "--png", "x"], r"--png goes with --all\."),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(explain, capsys, words, message):
    with pytest.raises(SystemExit):
        explain.parse(words)
    assert re.search(message, capsys.readouterr().err)


def test_without_matplotlib(explain, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SystemExit):
        explain.parse(["--all", "--png", "roofline.png"])
    message = capsys.readouterr().err
    assert "--png: matplotlib must be installed, got " in message
    assert "Run pip install matplotlib." in message


def test_command_explains_a_kernel(home, tmp_path):
    file = tmp_path / "explained.json"
    out = command(home, "affine_forward", "--shape", "9,50,20", "--json", str(file))
    result = json.loads(file.read_text())
    [row] = result["kernels"]
    assert row["shape"] == {"N": 9, "D": 50, "M": 20}
    assert row["flops"] == 9 * 20 * (100 + 1 + 27) and row["bytes"] == 4 * (450 + 1000 + 20 + 180)
    assert row["gflops"] == pytest.approx(row["flops"] / row["seconds"][1] / 1e9)
    assert row["of_peak"] == pytest.approx(row["gflops"] / row["peak_gflops"])
    assert row["inner_loop"]["width"] == result["vector_bits"] == BITS
    words = ["time", "work", "arithmetic", "bandwidth", "roofline", "limit", "inner loop"]
    assert re.findall(r"^  (\w+(?: \w+)?)  ", out, re.MULTILINE) == [*words, "look at"]
    assert "affine_forward float32 N=9 D=50 M=20\n" in out
    assert " FLOPs = N*M*(2*D + 1 + sigmoid) where sigmoid = 27; 6,600 bytes must move" in out


@pytest.mark.skipif(BITS == 128, reason="the width here is the narrowest")
def test_command_sees_the_vector_width(home, kernel_cache):
    setting = {"FASTNET_VECTOR_BITS": "128", "NUMBA_CACHE_DIR": kernel_cache("128 bits")}
    out = command(home, "exp_forward", "--shape", "100", **setting)
    assert "inner loop  128 bits; " in out and " xmm and " in out


def test_all_kernels(explain, unpinned, monkeypatch, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    some = ["relu_forward", "identity_forward", "sgd_update"]
    monkeypatch.setattr(explain, "KERNELS", {name: explain.KERNELS[name] for name in some})
    picture, numbers = tmp_path / "roofline.png", tmp_path / "all.json"
    explain.main(["--all", "--rounds", "1", "--png", str(picture), "--json", str(numbers)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:]] == some
    assert [row["kernel"] for row in json.loads(numbers.read_text())["kernels"]] == some
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def picture(explain, work, tmp_path_factory):
    """The figure of all kernels, its rows, and the names of its legend: drawing takes 3 s."""
    figures = pytest.importorskip("matplotlib.figure")
    rng, kept = np.random.default_rng(0), {}
    row = {"dtype": "float32", "place": "L2", "share": 0.5, "gbytes": 20.0, "peak_gflops": 100.0}
    rows = [
        row
        | {"kernel": name, "flops": 0 if counted.flops == "0" else flops}
        | {"bytes": 2.0, "gflops": gflops}
        for (name, counted), flops, gflops in zip(
            work.KERNELS.items(),
            10 ** rng.uniform(-2, 1, len(work.KERNELS)),
            10 ** rng.uniform(-0.3, 2, len(work.KERNELS)),
            strict=True,
        )
    ]
    rows[-1]["dtype"] = "float64"
    roofs = {"L1": 90.0, "L2": 50.0, "L3": 11.0, "memory": 10.0}
    legend, title = figures.Figure.legend, figures.Figure.suptitle

    def keep_legend(self, handles, **options):
        kept["legend"] = {handle.get_label() for handle in handles}
        return legend(self, handles=handles, **options)

    def keep_figure(self, *words, **options):
        kept["figure"] = self
        return title(self, *words, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures.Figure, "legend", keep_legend)
        patch.setattr(figures.Figure, "suptitle", keep_figure)
        file = tmp_path_factory.mktemp("picture") / "roofline.png"
        explain.draw({"kernels": rows, "cpu": "a CPU"}, roofs, file)
    return kept["figure"], rows, kept["legend"]


def test_every_kernel_stands_in_the_picture(picture):
    figure, rows, legend = picture
    written = [text.get_text() for ax in figure.axes for text in ax.texts]
    text = "\n".join(written)
    for row in rows:
        name = row["kernel"]
        short = re.sub(r"_(forward|backward)$", "", name)
        assert re.search(
            rf"^({name}|{short}) (\(float64\) )?(20 GB/s )?50%$", text, re.MULTILINE
        ), name
    titles = [ax.get_title("left") for ax in figure.axes]
    for title in importlib.import_module("asv_benchmarks.roofline").PANELS:
        assert title in titles
    assert f"{rows[-1]['kernel']} (float64) 50%" in written
    assert "100 GFLOP/s" in written
    assert {"L1 90 GB/s", "L2 50 GB/s", "memory 10 GB/s", "arrays in L2"} <= legend


def test_no_words_lie_over_others_or_over_marks(picture):
    figure, _, _ = picture
    plain = importlib.import_module("matplotlib.text").Text
    for ax in figure.axes:
        # Of the words alone, without their lines.
        boxes = [(text.get_text(), plain.get_window_extent(text)) for text in ax.texts]
        for (one, box), (other, second) in itertools.combinations(boxes, 2):
            assert not box.padded(-1).overlaps(second.padded(-1)), (one, other)
        for line in ax.get_lines():
            if line.get_marker() != "None" and len(line.get_xdata()):
                at = ax.transData.transform(line.get_xydata())[0]
                assert ax.bbox.padded(1).contains(*at)
                assert not any(box.contains(*at) for _, box in boxes)
        assert all(figure.bbox.x1 >= box.x1 for _, box in boxes)


def test_labels_stand_apart(explain):
    apart = importlib.import_module("asv_benchmarks.roofline").apart
    assert apart([], 0.1, 0, 1) == []
    assert apart([0.2, 0.5, 0.9], 0.1, 0, 1) == [0.2, 0.5, 0.9]
    for heights in ([0.5] * 6, [0.96, 0.97, 0.98, 0.99], [0.0, 0.0, 0.01, 0.9]):
        moved = apart(heights, 0.1, 0, 1)
        gaps = np.diff(moved)
        assert (gaps >= 0.1 - 1e-12).all() and moved[0] >= 0 and moved[-1] <= 1


def test_the_readme_shows_the_picture(root):
    text = (root / "kernels" / "README.md").read_text()
    [(alt, file)] = re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", text)
    picture = (root / "kernels" / file).read_bytes()
    assert len(alt) > 50 and picture.startswith(b"\x89PNG") and len(picture) < 200_000
