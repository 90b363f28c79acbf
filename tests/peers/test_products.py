"""Products beside NumPy are compared before they are timed."""

import importlib
import json
import os
import re
import sys

import children
import pytest


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
