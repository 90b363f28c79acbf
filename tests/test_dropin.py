"""The drop-in: scripts print what they print without it, and each class keeps its contract.

tests/dropin holds a `common` in the style of either book and scripts that use it as the chapters
do. The contracts are checked on those classes as they are, and with fastnet's in their place.
"""

import contextlib
import copy
import importlib
import inspect
import os
import pickle
import re
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace

import children
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import cli, dropin
from fastnet.dropin import hook, known, timing
from fastnet.dropin.deferred import Deferred, settled
from fastnet.dropin.examples import EXAMPLES, outcome
from fastnet.dropin.known import CALL, ELEMENT, ENOUGH, KNOWN, LIGHT, Known
from fastnet.dropin.timing import Report

PYTHON = [sys.executable, "-X", "utf8"]
NOTHING = (
    "fastnet: nothing was replaced: the script has imported nothing of the books' common that "
    "fastnet has\n"
)
OPTIMIZERS = ["SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"]


# --------------------------------------------------------------------------- whole scripts


def words(text):
    return re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?|[A-Za-z_]+", text)


def same_numbers(ours, own):
    ours, own = words(ours), words(own)
    assert len(ours) == len(own) > 20
    for a, b in zip(ours, own, strict=True):
        if a != b:
            assert float(a) == pytest.approx(float(b), rel=1e-6), (a, b)


def run(folder, *arguments):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONSAFEPATH"}
    return children.run([*PYTHON, *arguments], cwd=folder, env=environment)


def run_after(enough, folder, *arguments):
    """`fastnet run`, with kernels after so many operations."""
    code = (
        f"import sys; from fastnet import cli; from fastnet.dropin import known; "
        f"known.ENOUGH = {enough}; status = cli.main(['run', *sys.argv[1:]]); "
        f"print('numba' in sys.modules, file=sys.stderr); sys.exit(status)"
    )
    done = run(folder, "-c", code, *arguments)
    *lines, numba = done.stderr.splitlines()
    done.stderr, done.numba = "\n".join(lines), numba == "True"
    return done


SCRIPTS = [
    ("first", "train_two_layer.py", ["Affine", "Relu", "SoftmaxWithLoss"]),
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
    """On kernels from the first call on, from the middle on, and never."""
    folder = root / "tests" / "dropin" / edition
    own = run(folder, script)
    assert own.returncode == 0, own.stderr
    never = run_after(ENOUGH, folder, "--report", script)
    assert (never.stdout, never.numba) == (own.stdout, False)  # to the last digit
    asked = re.search(
        r"^kernels did not take over: ([\d,]+) calls of common asked for ([\d,]+) operations, and "
        rf"{ENOUGH:,} are worth their start$",
        never.stderr,
        re.MULTILINE,
    )
    calls, operations = (int(number.replace(",", "")) for number in asked.groups())
    assert CALL * calls < operations < ENOUGH
    for enough in (0, operations // 2):
        ours = run_after(enough, folder, "--report", script)
        assert ours.returncode == 0 and ours.numba, ours.stderr
        same_numbers(ours.stdout, own.stdout)
        said = [line for line in ours.stderr.splitlines() if "on kernels now" in line]
        assert len(said) == 1
        when = re.match(
            r"fastnet: on kernels now: (in common\.\S+, call ([\d,]+) of common, "
            r"after ([\d,]+) operations)$",
            said[0],
        )
        assert f"\nkernels took over {when[1]}" in ours.stderr
        call, after = (int(number.replace(",", "")) for number in when.groups()[1:])
        assert (call == 1) if enough == 0 else (1 < call < calls)
        assert enough <= after < operations
        rows = ours.stderr.split("on kernels\n")[1].split("the script's own\n")[0]
        assert enough or set(replaced) <= set(words(rows.replace(".", " "))), rows
        again = run_after(enough, folder, script)
        assert again.stdout == ours.stdout  # to the last digit
        assert said[0] in again.stderr.splitlines()


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
    assert when.startswith("in common.layers.Affine.forward, call 1 of common, after ")


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


# --------------------------------------------------------------------------- contracts


class Common:
    """The stand-in `common` of an edition, imported anew, with fastnet's in it or without."""

    def __init__(self, edition, ours):
        self.edition, self.ours = edition, ours

    def __getattr__(self, name):
        module = importlib.import_module(f"common.{name}")
        if self.ours:
            decided(module)
        return module


def decided(module):
    """Call what fastnet has, once: kernels come at the first call after enough work."""
    for name in hook.MODULES[module.__name__]:
        if name in vars(module):
            with contextlib.suppress(Exception):
                outcome(EXAMPLES[name], vars(module)[name])


def forget():
    for name in [name for name in sys.modules if name.partition(".")[0] == "common"]:
        del sys.modules[name]


@contextlib.contextmanager
def imported(folder, monkeypatch, install, enough=0):
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(known, "ENOUGH", enough)
    forget()
    if install:
        dropin.install()
    try:
        yield
    finally:
        dropin.uninstall()
        forget()


@pytest.fixture(params=["own", "ours"])
def first(request, root, monkeypatch):
    ours = request.param == "ours"
    with imported(root / "tests" / "dropin" / "first", monkeypatch, ours):
        yield Common("first", ours)


@pytest.fixture(params=["own", "ours"])
def second(request, root, monkeypatch):
    ours = request.param == "ours"
    with imported(root / "tests" / "dropin" / "second", monkeypatch, ours):
        yield Common("second", ours)


@pytest.fixture(params=["first-own", "first-ours", "second-own", "second-ours"])
def either(request, root, monkeypatch):
    edition, _, which = request.param.partition("-")
    with imported(root / "tests" / "dropin" / edition, monkeypatch, which == "ours"):
        yield Common(edition, which == "ours")


RNG = np.random.default_rng(7)
X, W, B, DOUT = (RNG.standard_normal(shape) for shape in ((5, 6), (6, 3), 3, (5, 3)))
LABELS = np.array([2, 0, 1, 1, 0])
ONE_HOT = np.eye(3)[LABELS]


def on_kernels(kind):
    """Return the methods that are fastnet's -> the script's own that they pass calls on to."""
    methods = {
        name: inspect.unwrap(f, stop=is_bound) for name, f in vars(kind).items() if callable(f)
    }
    return {name: f.__kwdefaults__["own"] for name, f in methods.items() if is_bound(f)}


def is_bound(function):
    return "own" in (getattr(function, "__kwdefaults__", None) or ())


def test_all_is_replaced(either):
    for module in (either.layers, either.optimizer):
        for name, kind in vars(module).items():
            if inspect.isclass(kind):
                assert bool(on_kernels(kind)) == either.ours, name


def own_of(kind):
    """Return a class with the methods that the script gave it."""
    return type(kind.__name__, (kind,), on_kernels(kind))


def same(found, expected, tolerance=1e-12):
    """Check numbers, dtypes and containers of what two objects hold."""
    assert type(found) is type(expected)
    if isinstance(expected, (dict, list, tuple)):
        assert len(found) == len(expected)
        for key in expected if isinstance(expected, dict) else range(len(expected)):
            same(found[key], expected[key], tolerance)
    elif isinstance(expected, (np.ndarray, np.generic, float)):
        assert found.dtype == expected.dtype if hasattr(expected, "dtype") else True
        assert_allclose(found, expected, tolerance, tolerance, equal_nan=True)
    else:
        assert found == expected


def test_affine_of_the_first(first):
    layer = first.layers.Affine(W.copy(), B.copy())
    layer.W, layer.b = W, B  # as load_params does
    assert layer.W is W and layer.b is B
    out = layer.forward(X)
    assert_allclose(out, X @ W + B, 1e-12)
    dx = layer.backward(DOUT)
    assert_allclose(dx, DOUT @ W.T, 1e-12)
    assert_allclose(layer.dW, X.T @ DOUT, 1e-12)
    assert_allclose(layer.db, DOUT.sum(axis=0), 1e-12)
    dW, kept = layer.dW, layer.dW.copy()
    layer.forward(2 * X)
    layer.backward(DOUT)
    assert layer.dW is not dW  # fresh: what the script took before is as it was
    assert_array_equal(dW, kept)


@pytest.mark.parametrize("dtype", ["u1", "i4", "f2", "f4", "f8", "?"])
@pytest.mark.parametrize("shape", [(5, 6), (5, 2, 3), (5, 3, 1, 2)])
def test_affine_takes_any_x(first, dtype, shape):
    x = (10 * np.abs(X)).astype(dtype).reshape(shape)
    layer = first.layers.Affine(W, B)
    rows = x.reshape(5, 6).astype("f8")
    out = layer.forward(x)
    assert_allclose(out, rows @ W + B, 1e-12)
    assert out.dtype == np.float64
    dx = layer.backward(DOUT)
    assert dx.shape == shape and dx.dtype == np.float64
    assert_allclose(dx.reshape(5, 6), DOUT @ W.T, 1e-12)
    assert_allclose(layer.dW, rows.T @ DOUT, 1e-12)


def test_affine_of_float32_and_of_views(first):
    for x, w in ((X.astype("f4"), W.astype("f4")), (np.asfortranarray(X), W), (X[::-1, ::-1], W)):
        layer = first.layers.Affine(w, B.astype(w.dtype))
        out = layer.forward(x)
        assert out.dtype == w.dtype
        assert_allclose(out, x @ w + B.astype(w.dtype), 1e-5 if w.dtype == "f4" else 1e-12)
        assert_allclose(layer.backward(DOUT.astype(w.dtype)), DOUT @ w.T, 1e-4)
    mixed = first.layers.Affine(W.astype("f4"), B)  # NumPy goes on in float64
    assert mixed.forward(X).dtype == mixed.backward(DOUT).dtype == np.float64


@pytest.mark.parametrize("n", [256, 257, 700])  # taken 256 rows at a time
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_products_of_many_rows(either, n, dtype):
    x = RNG.standard_normal((n, 6)).astype(dtype)
    expected = x.astype("f8") @ W
    assert_allclose(either.layers.Affine(W, B).forward(x), expected + B, 1e-12, 1e-12)
    if either.edition == "second":
        assert_allclose(either.layers.MatMul(W).forward(x), expected, 1e-12, 1e-12)


def test_affine_reads_x_and_w_when_it_needs_them(first):
    x, w = X.copy(), W.copy()
    layer = first.layers.Affine(w, B)
    layer.forward(x)
    x *= 3
    w[0] = 5.0
    assert_allclose(layer.backward(DOUT), DOUT @ w.T, 1e-12)
    assert_allclose(layer.dW, x.T @ DOUT, 1e-12)


def test_a_gradient_of_a_wide_layer_is_that_of_the_call(first):
    """Whether it is computed at once or when it is looked at."""
    n, d, m = 100, 784, 50
    x, w, dout = (RNG.standard_normal(shape) for shape in ((n, d), (d, m), (n, m)))
    expected, given = dout @ w.T, dout.copy()
    for shape in ((n, d), (n, 28, 28)):
        layer = first.layers.Affine(w.copy(), np.zeros(m))
        layer.forward(x.reshape(shape))
        dx = layer.backward(given)
        layer.W -= 0.1 * layer.dW
        given *= 2
        assert isinstance(dx, np.ndarray)
        assert dx.shape == shape
        assert_allclose(dx, expected.reshape(shape), 1e-9, 1e-9)
        given /= 2
        again = layer.backward(given)
        assert type(again) is np.ndarray  # from now on somebody wants it
        assert_allclose(again, (given @ layer.W.T).reshape(shape), 1e-9, 1e-9)


def test_parameters_out_of_a_pickle_go_on_kernels(either, monkeypatch):
    """As load_params has them: their dtype is another object, and so is that of all results."""
    w, b, x = pickle.loads(pickle.dumps((W, B, X)))
    assert w.dtype is not W.dtype
    layer = either.layers.Affine(w, b)
    kernel = on_kernels(type(layer)) if either.ours else {}
    for name in kernel:
        monkeypatch.setitem(getattr(type(layer), name).__kwdefaults__, "own", None)
    out = layer.forward(x)
    assert_allclose(out, X @ W + B, 1e-12)
    assert_allclose(layer.backward(2 * out), 2 * out @ W.T, 1e-12)


def test_relu_of_the_first(first):
    x = np.array([[1.5, -2.0, 0.0], [np.nan, -np.inf, np.inf]])
    layer = first.layers.Relu()
    out = layer.forward(x)
    assert_array_equal(out, [[1.5, 0, 0], [np.nan, 0, np.inf]])
    assert layer.mask.dtype == bool
    assert_array_equal(layer.mask, [[False, True, True], [False, True, False]])
    out += 100  # the script's to change
    x[...] = -1
    for dtype in ("f4", "f8", "i4"):
        dx = layer.backward(np.full((2, 3), 7, dtype))
        assert_array_equal(dx, [[7, 0, 0], [7, 0, 7]])
        assert dx.dtype == dtype
    dx = layer.backward(np.array([[np.inf, np.nan, -np.inf], [np.nan, 1, 2]]))
    assert_array_equal(dx, [[np.inf, 0, 0], [np.nan, 0, 2]])
    turned = RNG.standard_normal((2, 4, 4, 3)).transpose(0, 3, 1, 2)
    out = layer.forward(turned)
    assert out.shape == (2, 3, 4, 4)
    assert_array_equal(out, np.maximum(turned, 0))
    assert_array_equal(layer.backward(turned.copy()), np.where(turned <= 0, 0, turned))
    assert layer.forward(turned.astype("f4")).dtype == np.float32
    assert_array_equal(layer.forward(np.array([3, -3])), [3, 0])  # integers stay integers


def test_relu_leaves_dout_alone(root, monkeypatch):
    """The one difference: the book's writes into the dout that it was given."""
    with imported(root / "tests" / "dropin" / "first", monkeypatch, True):
        layer = Common("first", True).layers.Relu()
        layer.forward(X - 1)
        dout = np.ones_like(X)
        assert layer.backward(dout) is not dout
        assert_array_equal(dout, 1)


def test_sigmoid(either):
    layer = either.layers.Sigmoid()
    out = layer.forward(X)
    assert out is layer.out
    assert_allclose(out, 1 / (1 + np.exp(-X)), 1e-14)
    assert_allclose(layer.backward(2 * X), 2 * X * out * (1 - out), 1e-13)
    kept = layer.forward(X[0]).copy()
    layer.forward(X[1])
    assert_array_equal(kept, out[0])
    assert float(layer.forward(0.0)) == 0.5
    assert float(layer.backward(1.0)) == 0.25
    assert layer.forward(X.astype("f4")).dtype == np.float32


GIVEN = [
    LABELS,
    LABELS.astype("u1"),
    LABELS.astype("i4"),
    ONE_HOT,
    ONE_HOT.astype("i4"),
    ONE_HOT.astype("u1"),
]
GIVEN[1].setflags(write=False)
SOFT = np.full((5, 3), 0.25) + 0.25 * ONE_HOT


@pytest.mark.parametrize("t", GIVEN, ids=lambda t: f"{t.dtype}-{t.ndim}")
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_softmax_with_loss_of_the_first(first, t, dtype):
    layer, x = first.layers.SoftmaxWithLoss(), (3 * DOUT).astype(dtype)
    loss = layer.forward(x, t)
    y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    close = 1e-5 if dtype == "f4" else 1e-12
    assert (
        loss == layer.loss == pytest.approx(-np.log(y[range(5), LABELS] + 1e-7).mean(), rel=close)
    )
    assert layer.t is t
    assert_allclose(layer.y, y, close)
    dx = layer.backward(1)
    assert_allclose(dx, (y - ONE_HOT) / 5, close, 1e-7 if dtype == "f4" else 1e-15)
    assert_array_equal(layer.backward(17.0), dx)  # dout is not read
    assert dx.dtype == (dtype if t.ndim == 1 else np.result_type(dtype, t.dtype))


def test_softmax_with_loss_of_soft_targets(first):
    layer = first.layers.SoftmaxWithLoss()
    layer.forward(DOUT, SOFT)
    assert_allclose(layer.backward(), (layer.y - SOFT) / 5, 1e-12)


@pytest.mark.parametrize("t", GIVEN, ids=lambda t: f"{t.dtype}-{t.ndim}")
def test_softmax_with_loss_of_the_second(second, t):
    layer, x = second.layers.SoftmaxWithLoss(), 3 * DOUT
    given = t.copy()
    loss = layer.forward(x, given)
    y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    assert loss == pytest.approx(-np.log(y[range(5), LABELS] + 1e-7).mean(), rel=1e-12)
    assert not hasattr(layer, "loss") and layer.params == layer.grads == []
    assert_array_equal(layer.t, LABELS)  # one-hot rows become labels
    assert (layer.t is given) == (t.ndim == 1)
    dx = layer.backward()
    assert_allclose(dx, (y - ONE_HOT) / 5, 1e-12, 1e-15)
    for factor in (2, 0.5, np.float64(3.0), np.array(-1.0)):
        assert_allclose(layer.backward(factor), dx * factor, 1e-12)


def test_labels_out_of_range_as_in_numpy(either):
    layers = either.layers
    layer = layers.SoftmaxWithLoss()
    last = layer.forward(DOUT, np.array([2, 0, 1, 1, 2]))
    assert layer.forward(DOUT, np.array([2, 0, 1, 1, -1])) == pytest.approx(float(last), rel=1e-12)
    with pytest.raises(IndexError):
        layer.forward(DOUT, np.array([2, 0, 1, 1, 3]))
    t = LABELS.copy()
    layer.forward(DOUT, t)
    t[0] = 10**6  # no kernel writes there
    with pytest.raises(IndexError):
        layer.backward()


@pytest.mark.parametrize("name", ["Affine", "MatMul"])
def test_products_of_the_second(second, name):
    w, b = W.copy(), B.copy()
    params = [w, b] if name == "Affine" else [w]
    layer = getattr(second.layers, name)(*params)
    assert all(a is b for a, b in zip(layer.params, params, strict=True))
    grads = list(layer.grads)
    for factor in (1, 3):  # overwritten, not added up, and in the same arrays
        out = layer.forward(factor * X)
        assert_allclose(out, factor * X @ W + (B if name == "Affine" else 0), 1e-12)
        assert_allclose(layer.x, factor * X)
        assert_allclose(layer.backward(DOUT), DOUT @ W.T, 1e-12)
        assert all(a is b for a, b in zip(layer.grads, grads, strict=True))
        assert_allclose(grads[0], factor * X.T @ DOUT, 1e-12)
    if name == "Affine":
        assert_allclose(grads[1], DOUT.sum(axis=0), 1e-12)


def test_products_of_the_second_take_what_numpy_takes(second):
    one_hot = np.eye(6, dtype=np.int32)
    layer = second.layers.MatMul(W.astype("f4"))
    out = layer.forward(one_hot)
    assert out.dtype == np.float64
    assert_allclose(out, W.astype("f4"))
    layer.backward(np.ones((6, 3)))
    assert layer.grads[0].dtype == np.float32
    tied = W.T  # an embedding's transpose, in Fortran's order
    layer = second.layers.MatMul(tied)
    assert layer.params[0] is tied
    assert_allclose(layer.forward(DOUT), DOUT @ W.T, 1e-12)
    assert_allclose(layer.backward(X), X @ W, 1e-12)
    assert_allclose(layer.grads[0], DOUT.T @ X, 1e-12)
    layer = second.layers.Affine(W, B)
    assert_allclose(layer.forward(X.reshape(5, 1, 6)), (X @ W + B).reshape(5, 1, 3), 1e-12)


def test_softmax_of_the_second(second):
    layer = second.layers.Softmax()
    out = layer.forward(X)
    assert out is layer.out and layer.params == layer.grads == []
    assert_allclose(out, np.exp(X) / np.exp(X).sum(axis=1, keepdims=True), 1e-12)
    dout = X[::-1].copy()
    expected = out * (dout - (out * dout).sum(axis=1, keepdims=True))
    assert_allclose(layer.backward(dout), expected, 1e-12)


def test_functions(either):
    functions = either.functions
    assert_allclose(functions.sigmoid(X), 1 / (1 + np.exp(-X)), 1e-13)
    assert functions.sigmoid(0.0) == 0.5
    assert_array_equal(functions.relu(X), np.maximum(X, 0))
    assert functions.relu(-3) == 0
    for x in (X, X[0], X.astype("f4"), X.T):
        y = functions.softmax(x)
        assert y.dtype == x.dtype and y.shape == x.shape
        assert_allclose(y.sum(axis=-1), 1, 1e-6)
        assert_allclose(y, np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True), 1e-5)
    y = functions.softmax(DOUT)
    expected = -np.log(y[range(5), LABELS] + 1e-7).mean()
    for t in (*GIVEN, SOFT):
        assert functions.cross_entropy_error(y, t) == pytest.approx(expected, rel=1e-12)
    one = functions.cross_entropy_error(y[0], np.array([0, 0, 1]))
    assert one == pytest.approx(-np.log(y[0, 2] + 1e-7), rel=1e-12)
    with pytest.raises(IndexError):
        functions.cross_entropy_error(y, LABELS + 2)


def test_sgd_of_the_first(first):
    w, b = W.copy(), B.astype("f4")
    optimizer = first.optimizer.SGD(lr=0.5)
    params, grads = {"W": w, "b": b, "c": 2.0}, {"W": W, "b": B, "c": 3.0, "extra": None}
    optimizer.update(params, grads)
    assert params["W"] is w and params["b"] is b
    assert_allclose(w, 0.5 * W, 1e-15)
    assert_allclose(b, 0.5 * B, 1e-6)
    assert params["c"] == 0.5
    optimizer.lr = 1
    optimizer.update({"W": w}, {"W": W})
    assert_allclose(w, -0.5 * W, 1e-15)
    with pytest.raises(KeyError):
        optimizer.update({"W": w, "b": B}, {"W": W})


def test_sgd_of_the_second(second):
    arrays = [W.copy(), B.copy(), W.T.copy(), np.asfortranarray(W)]
    optimizer = second.optimizer.SGD(lr=0.5)
    params = list(arrays)
    for lr in (0.5, 0.25):
        optimizer.lr = lr  # reassigned between epochs
        before = [array.copy() for array in arrays]
        optimizer.update(params, [np.ones_like(array) for array in arrays])
        for now, array, old in zip(params, arrays, before, strict=True):
            assert now is array
            assert_allclose(array, old - lr, 1e-14)
    w = W.copy()
    optimizer.update([w, w], [W, W])  # it stands there twice, and learns twice
    assert_allclose(w, 0.5 * W, 1e-14, 1e-15)


def held(edition, arrays):
    return dict(zip("WbcUd", arrays, strict=False)) if edition == "first" else list(arrays)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_optimizers(either, name, dtype, monkeypatch):
    """Six updates give the numbers, the state and the containers of the script's own class."""
    kind = getattr(either.optimizer, name)
    own = own_of(kind)(0.05)
    arrays = [array.astype(dtype) for array in (W, B, X[:, :4].T, np.zeros((3, 2, 2)))]
    arrays[2:3] = [arrays[2].copy()]
    params, expected = (held(either.edition, [a.copy() for a in arrays]) for _ in "ab")
    arrays = list(params.values()) if either.edition == "first" else list(params)
    calls = []
    if either.ours:
        update = on_kernels(kind)["update"]
        count = lambda self, *args: calls.append(self) or update(self, *args)  # noqa: E731
        monkeypatch.setitem(kind.update.__kwdefaults__, "own", count)
    optimizer, rng = kind(0.05), np.random.default_rng(2)
    for step in range(6):
        if step == 3:
            optimizer.lr = own.lr = 0.02  # between epochs
        grads = [rng.standard_normal(array.shape).astype(dtype) for array in arrays]
        grads = [*grads, "of a parameter that is not learned"]
        optimizer.update(params, held(either.edition, grads))
        own.update(expected, held(either.edition, grads))
        close = 1e-12 if dtype == "f8" else 2e-6
        same(params, expected, close)
        same(vars(optimizer), vars(own), close)
    assert sum(self is optimizer for self in calls) == (either.ours and name != "SGD")
    now = params.values() if either.edition == "first" else params
    assert all(a is b for a, b in zip(now, arrays, strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_take_what_numpy_takes(either, name):
    kind = getattr(either.optimizer, name)
    shared = np.linspace(1, 2, 12)
    turned = np.asfortranarray(W)
    for param, grad, lr in (
        (7.0, 3.0, 0.1),  # numbers, which are replaced
        (W.astype("f4"), W, 0.1),  # a gradient that is wider
        (W.copy(), W.astype("f4"), 0.1),
        (turned, turned, 0.1),
        (W.T.copy().T, W, 0.1),
        (W.copy(), 2 * W, 1),
        (W.copy(), 2 * W, np.float64(0.1)),
        (W.astype("f4"), W.astype("f4"), np.float64(0.1)),
        (W.copy(), B.copy(), 0.1),
        (W.copy(), 2 * W, float("nan")),
        (W.copy(), 2 * W, np.array([0.1, 0.2, 0.3])),
        (shared[2:10], shared[:8], 0.1),  # the gradient is read before it is written
        (W.copy(), np.broadcast_to(B, W.shape), 0.1),
        (W.copy(), np.float64(2.0), 0.1),
        (np.zeros((0, 3)), np.zeros((0, 3)), 0.1),
        (np.array(3.0), np.array(2.0), 0.1),
    ):
        found = []
        for optimizer in (kind(lr), own_of(kind)(lr)):
            own, layout = copy_of(param, grad)
            params, grads = held(either.edition, [own]), held(either.edition, [layout])
            for _ in range(4):
                optimizer.update(params, grads)
            found.append((params, vars(optimizer)))
        same(*found, 2e-6 if np.float32 in (getattr(param, "dtype", 0),) else 1e-12)


def copy_of(param, grad):
    """Copy two arrays with their layouts, and with the memory that they share."""
    if not isinstance(param, np.ndarray) or not np.may_share_memory(param, grad):
        return [a.copy("K") if isinstance(a, np.ndarray) else a for a in (param, grad)]
    if param is grad:
        return [param.copy("K")] * 2
    base = param.base.copy()
    return base[2:10], base[:8]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_missing_gradient_is_an_error(either, name):
    optimizer = getattr(either.optimizer, name)()
    w = W.copy()
    params, grads = held(either.edition, [w, B.copy()]), held(either.edition, [W, B])
    optimizer.update(params, grads)
    missing, before = {"W": W} if either.edition == "first" else [W], w.copy()
    with pytest.raises(KeyError if either.edition == "first" else IndexError):
        optimizer.update(params, missing)
    assert not np.array_equal(w, before)  # as far as NumPy came
    if name == "SGD":
        return
    optimizer = type(optimizer)()
    optimizer.update(held(either.edition, [w]), grads)
    before = w.copy()
    with pytest.raises(KeyError if either.edition == "first" else IndexError):
        optimizer.update(params, grads)  # of the second there is no state
    assert not np.array_equal(w, before)


def test_momentum_makes_v_anew(either):
    optimizer = either.optimizer.Momentum(0.1)
    key = "W" if either.edition == "first" else 0
    params, grads = held(either.edition, [W.copy()]), held(either.edition, [W])
    for _ in range(3):
        optimizer.update(params, grads)
        v, before = optimizer.v[key], optimizer.v[key].copy()
        optimizer.update(params, grads)
        assert optimizer.v[key] is not v
        assert_array_equal(v, before)


def test_three_unit_steps_of_nesterov(either):
    """Which tell the books apart, as a number, and with a state that the kernels go on with."""
    param = np.ones(1)
    optimizer = either.optimizer.Nesterov(0.1)
    for _ in range(3):
        optimizer.update(held(either.edition, [param]), held(either.edition, [np.ones(1)]))
    assert param[0] == pytest.approx(0.1951 if either.edition == "first" else -0.02441, abs=1e-9)


def test_dropout(either):
    kind = either.layers.Dropout
    x = np.where(np.arange(30).reshape(5, 6) == 7, np.nan, X)
    layer = kind(0.3)
    assert isinstance(layer, kind) and layer.dropout_ratio == 0.3 and kind().dropout_ratio == 0.5
    np.random.seed(4)  # noqa: NPY002
    expected = [np.random.rand(*x.shape) > 0.3 for _ in "ab"]  # noqa: NPY002
    after = np.random.rand()  # noqa: NPY002
    np.random.seed(4)  # noqa: NPY002
    first = layer.forward(x)
    assert layer.mask.dtype == bool
    assert_array_equal(first, x * expected[0])
    kept = first.copy()
    assert_array_equal(layer.forward(x, True), x * expected[1])  # twice before backward
    assert_array_equal(first, kept)
    assert np.random.rand() == after  # noqa: NPY002
    assert_allclose(layer.forward(x, False), 0.7 * x, 1e-15)
    mask = layer.mask
    assert_array_equal(mask, expected[1])  # of the last call in training
    assert_array_equal(layer.backward(2 * X), 2 * X * mask)
    if either.edition == "second":
        assert layer.params == layer.grads == []
    for given in (X.astype("f4"), np.asfortranarray(X), X[:, ::2], np.arange(8), X[0], X[None]):
        out = layer.forward(given, train_flg=True)
        assert out.dtype == (given * np.True_).dtype and layer.mask.shape == given.shape
        assert_array_equal(out, given * layer.mask)
        assert_array_equal(layer.backward(given), given * layer.mask)
    layer.mask = layer.mask[0, :1]  # the script's to change: NumPy broadcasts
    assert_array_equal(layer.backward(X), X * layer.mask[0])


@pytest.mark.parametrize("shape", [(5, 6), (5, 1, 2, 3)])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_batch_normalization_of_the_first(first, shape, dtype):
    kind = first.layers.BatchNormalization
    gamma, beta = X[0].astype(dtype), X[1].astype(dtype)
    layers = [kind(gamma, beta, momentum=0.8), own_of(kind)(gamma.copy(), beta.copy(), 0.8)]
    assert layers[0].gamma is gamma and layers[0].beta is beta
    close, rng = 1e-12 if dtype == "f8" else 1e-4, np.random.default_rng(3)
    before = layers[0].forward(X.astype(dtype).reshape(shape), False)  # statistics are zeros
    same(before, layers[1].forward(X.astype(dtype).reshape(shape), False), close)
    for step in range(4):
        x, dout = (rng.standard_normal(shape).astype(dtype) for _ in "ab")
        given = x.copy()
        running = layers[0].running_mean, layers[0].running_mean.copy()
        out, expected = (layer.forward(given, True) for layer in layers)
        same(out, expected, close)
        assert layers[0].running_mean is not running[0]
        assert_array_equal(*running)
        kept, given[...] = out.copy(), 0  # as the script may
        out += 1
        dx, expected = (layer.backward(dout) for layer in layers)
        same(dx, expected, close)
        same(vars(layers[0]), vars(layers[1]), close)
        same(*[layer.forward(x, train_flg=False) for layer in layers], close)
        same(*[layer.backward(dout) for layer in layers], close)  # of the last in training
        assert_allclose(out, kept + 1, 1e-6)
        dgamma, dbeta = layers[0].dgamma, layers[0].dbeta.copy()
        layers[0].backward(2 * dout)
        assert layers[0].dgamma is not dgamma
        assert_allclose(layers[0].dbeta, 2 * dbeta, close, close)
        for layer in layers:  # in place, as optimizers do, or another array, as load_params does
            layer.gamma -= 0.1
            layer.beta = layer.beta + 0.1 if step == 1 else layer.beta


def test_batch_normalization_takes_what_numpy_takes(first):
    kind = first.layers.BatchNormalization
    for gamma, x in (
        (1.5, X),
        (np.ones(1), X),
        (np.ones(6, "f4"), X),
        (np.ones(6), X.astype("f4")),
        (np.ones(6), np.asfortranarray(X)),
        (np.ones(6), np.arange(30).reshape(5, 6)),
    ):
        layers = [kind(gamma, gamma * 0.5, 0.9), own_of(kind)(gamma, gamma * 0.5, 0.9)]
        for _ in range(3):
            same(*[layer.forward(x) for layer in layers])
            same(*[layer.backward(X) for layer in layers])
        same(vars(layers[0]), vars(layers[1]))
    layer = kind(np.ones(6), np.zeros(6), running_mean=np.ones(6), running_var=np.full(6, 4.0))
    assert_allclose(layer.forward(X, False), (X - 1) / np.sqrt(4 + 1e-6), 1e-12)
    for wrong in (X[:, :4], X[0], X.reshape(5, 2, 3)):
        with pytest.raises(ValueError):
            layer.forward(wrong)
    one = np.ones(1)
    for changed, dout in (
        ({"gamma": one}, X),  # where NumPy broadcasts
        ({"gamma": one, "std": one}, X),
        ({"xc": X[:1].copy()}, X),
        ({}, X[:1]),
        ({}, X[:, :1].copy()),
    ):
        layers = [kind(np.ones(6), np.zeros(6)), own_of(kind)(np.ones(6), np.zeros(6))]
        found = []
        for layer in layers:
            layer.forward(X)
            layer.forward(X + 1)
            vars(layer).update(changed)
            found += [(layer.backward(dout), layer.dgamma, layer.dbeta)]
        same(*found)


@pytest.mark.parametrize("dtype", ["i4", "i8", "u1"])
def test_embedding_of_the_second(second, dtype):
    w = X.astype("f4")
    layer = second.layers.Embedding(w)
    assert layer.params[0] is w and layer.idx is None
    grad, idx = layer.grads[0], np.array([3, 0, 3, 2], dtype)
    idx.setflags(write=False)
    grad += 5  # overwritten
    for factor in (1, 2):
        out = layer.forward(idx)
        assert layer.idx is idx and out.dtype == np.float32
        assert_array_equal(out, w[idx])
        dout = (factor * RNG.standard_normal((4, 6))).astype("f4")
        assert layer.backward(dout) is None
        assert layer.grads[0] is grad
        expected = np.zeros_like(w)
        np.add.at(expected, idx, dout)  # rows that were taken twice get both
        assert_array_equal(grad, expected)
    out *= 0  # a copy, the script's to change
    assert_array_equal(w, X.astype("f4"))


def test_embedding_takes_what_numpy_takes(second):
    kind = second.layers.Embedding
    for idx in ([[3, 0], [3, 2]], [-1, 2, -3], [4, -5], 2, [True, False, True, True, False], []):
        idx = np.array(idx, None if np.size(idx) else int)
        layers = [kind(X), own_of(kind)(X)]
        same(*[layer.forward(idx) for layer in layers])
        dout = 1.0 + X[idx]
        for given in (dout, dout.astype("f4"), np.asfortranarray(dout), np.ones(6)):
            for layer in layers:
                layer.backward(given)
            same(*[layer.grads for layer in layers])
    layer = kind(X)
    layer.forward(idx := np.array([1, 2]))
    with pytest.raises(IndexError):
        layer.forward(np.array([5]))
    layer.forward(idx)
    idx[0] = 10**6  # no kernel writes there
    with pytest.raises(IndexError):
        layer.backward(np.ones((2, 6)))
    found = []
    for layer in (kind(X), own_of(kind)(X)):
        rows = np.arange(36.0).reshape(6, 6)
        layer.grads[0] = rows[1:]
        layer.forward(np.array([1, 0, 3]))
        layer.backward(rows[:3])  # what it reads, it writes
        found.append(rows)
    same(*found)
    tied = kind(X.T)  # a view, which stays one
    assert tied.params[0].base is X
    assert_array_equal(tied.forward(np.array([5, 0])), X.T[[5, 0]])
    assert_array_equal(
        tied.backward(np.ones((2, 5))) or tied.grads[0].sum(axis=1), [5] + [0] * 4 + [5]
    )


@pytest.mark.parametrize("t", [[1, 0, 0, 1, 1], [1.0, 0, 0, 1, 1], [-1, 0, -2, 1, -1]])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_sigmoid_with_loss_of_the_second(second, t, dtype):
    layer = second.layers.SigmoidWithLoss()
    x, right = (3 * X[:, 0]).astype(dtype), np.array([1, 0, 0, 1, 1])
    if isinstance(t[1], float):
        right = right.astype("u1")
        right.setflags(write=False)
        t = right
    t = np.array(t, "i4") if isinstance(t, list) else t
    loss = layer.forward(x, t)
    y, close = 1 / (1 + np.exp(-x)), 1e-5 if dtype == "f4" else 1e-12
    expected = -np.log(np.where(right == 1, y, 1 - y) + 1e-7).mean()
    assert loss == layer.loss == pytest.approx(expected, rel=close)
    # Before NumPy 2 a float32 over an int is a float64 in the script's own code.
    assert loss.dtype in (dtype, own_of(type(layer))().forward(x, t).dtype)
    assert layer.t is t and layer.params == layer.grads == []
    assert_allclose(layer.y, y, close)
    for dout in (1, 0.5):
        assert_allclose(layer.backward(dout), (y - t) * dout / 5, close, 1e-7)
    with pytest.raises(IndexError):
        layer.forward(x, np.array([0, 1, 2, 0, 1]))
    for given in (x, x[::2], x[:, None]):
        own = own_of(type(layer))()
        found = [
            kind.forward(given, right[: given.size].reshape(-1)[: len(given)])
            for kind in (layer, own)
        ]
        same(*found, close)


def test_scores_far_off(second):
    layer = second.layers.SigmoidWithLoss()
    with np.errstate(over="ignore"):  # NumPy's exp
        loss = layer.forward(np.array([800.0, -800.0, 800.0, 0.0]), np.array([1, 0, 0, 1]))
    assert loss == pytest.approx((-np.log(1e-7) + np.log(2)) / 4, rel=1e-6)


def test_losses_and_slopes_of_the_first(first):
    functions = first.functions
    y = functions.softmax(DOUT)
    for given, t in ((y, ONE_HOT), (y[0], ONE_HOT[0]), (y.astype("f4"), ONE_HOT), (y, ONE_HOT[0])):
        expected = 0.5 * np.sum((given - t) ** 2)
        assert functions.sum_squared_error(given, t) == pytest.approx(expected, rel=1e-6)
    assert functions.sum_squared_error(y, ONE_HOT.astype(int)).dtype == np.float64
    s = 1 / (1 + np.exp(-X))
    assert_allclose(functions.sigmoid_grad(X), s * (1 - s), 1e-12)
    assert functions.sigmoid_grad(0.0) == 0.25
    assert functions.sigmoid_grad(X.T.astype("f4")).dtype == np.float32
    expected = functions.cross_entropy_error(y, LABELS)
    assert functions.softmax_loss(DOUT, LABELS) == pytest.approx(float(expected), rel=1e-12)


def test_a_numerical_gradient_sees_each_change_and_undoes_it(first):
    layer, last = first.layers.Affine(W.copy(), B.copy()), first.layers.SoftmaxWithLoss()
    loss = lambda _: last.forward(layer.forward(X), LABELS)  # noqa: E731
    by_definition = first.gradient.numerical_gradient(loss, layer.W)
    assert_array_equal(layer.W, W)
    loss(None)
    layer.backward(last.backward())
    # The loss adds 1e-7 to y, which its gradient leaves out; the book allows as much.
    assert np.abs(layer.dW - by_definition).mean() < 1e-5


def test_gradients_are_clipped_in_place_and_duplicates_merged(second):
    """What stands twice in params gets the sum of its gradients; transposed, too."""
    layers = second.layers
    w = RNG.standard_normal((6, 3))
    embed, twin, out = layers.Embedding(w), layers.Embedding(w), layers.MatMul(w.T)
    parts = [embed, twin, out]
    for layer, idx in ((embed, [0, 1]), (twin, [1, 1])):
        layer.forward(np.array(idx))
        layer.backward(np.ones((2, 3)))
    out.forward(np.ones((2, 3)))
    out.backward(np.ones((2, 6)))
    params = [param for layer in parts for param in layer.params]
    grads = [grad for layer in parts for grad in layer.grads]
    expected = grads[0] + grads[1] + grads[2].T
    merged, summed = second.trainer.remove_duplicate(params, grads)
    assert len(merged) == 1 and merged[0] is w and summed[0] is embed.grads[0]
    assert_allclose(summed[0], expected, 1e-14)
    for grad in summed:
        grad *= 0.5
    before = w.copy()
    second.optimizer.SGD(1.0).update(merged, summed)
    assert_allclose(out.params[0], (before - 0.5 * expected).T, 1e-12)  # still a view of it
    w[...] = before.astype("f2")  # as load_params does
    assert_array_equal(embed.forward(np.array([2])), before.astype("f2")[[2]])


def test_layers_can_be_pickled_subclassed_and_told(first):
    class Scaled(first.layers.Affine):
        def forward(self, x):
            return 2 * super().forward(x)

    layer = Scaled(W, B)
    assert isinstance(layer, first.layers.Affine) and type(layer).__name__ == "Scaled"
    assert_allclose(layer.forward(X), 2 * (X @ W + B), 1e-12)
    copied = pickle.loads(pickle.dumps(first.layers.Affine(W, B)))
    assert_allclose(copied.forward(X), X @ W + B, 1e-12)
    assert type(copied) is first.layers.Affine
    assert list(inspect.signature(first.layers.Affine).parameters) == ["W", "b"]


def test_star_imports_give_the_modules_own_names(first):
    scope = {}
    exec("from common.layers import *", scope)
    assert scope["np"] is np
    assert scope["Dropout"] is first.layers.Dropout and scope["softmax"] is first.functions.softmax
    assert "class Affine" in inspect.getsource(first.layers)
    for loader in (first.layers.__spec__.loader, first.layers.__loader__):
        assert type(loader).__name__ == "SourceFileLoader"


# --------------------------------------------------------------------------- the change


def trained(common, name, updates=3):
    """Train two layers and all between them; return what came of it, and count after each call."""
    layers, optimizer, rng = (
        common.layers,
        getattr(common.optimizer, name)(0.05),
        np.random.default_rng(11),
    )
    np.random.seed(3)  # noqa: NPY002
    first = common.edition == "first"
    params = [rng.standard_normal(shape) for shape in ((6, 5), 5, (5, 3), 3)]
    parts = [layers.Affine(*params[:2]), layers.Sigmoid(), layers.Dropout(0.3)]
    if first:
        gamma, beta = np.ones(5), np.zeros(5)
        parts[1:1] = [layers.BatchNormalization(gamma, beta), layers.Relu()]
    parts, last = [*parts, layers.Affine(*params[2:])], layers.SoftmaxWithLoss()
    found, counts = [], []

    def note(value):
        found.append(np.array(value))
        counts.append(hook._installed.operations if hook._installed else 0)
        return value

    for _ in range(updates):
        x = X
        for layer in parts:
            x = note(layer.forward(x))
        note(last.forward(x, ONE_HOT))
        dout = note(last.backward())
        for layer in reversed(parts):
            dout = note(layer.backward(dout))
        if first:
            grads = [g for layer in (parts[0], parts[-1]) for g in (layer.dW, layer.db)]
            held_params, held_grads = held("first", params), held("first", grads)
        else:
            held_params = params
            held_grads = [g for layer in (parts[0], parts[-1]) for g in layer.grads]
        optimizer.update(held_params, held_grads)
        note(params[0])
        note(common.functions.softmax(x))
    state = [vars(thing) for thing in (*parts, last, optimizer)]
    return found, state, counts, np.random.get_state()[1:3]  # noqa: NPY002


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("edition", ["first", "second"])
def test_kernels_may_take_over_at_any_call(root, monkeypatch, edition, name):
    """Layers, losses and optimizers go on with the state that the script's own code left."""
    folder = root / "tests" / "dropin" / edition
    with imported(folder, monkeypatch, True, enough=ENOUGH):
        expected, own_state, counts, draws = trained(Common(edition, False), name)
        assert not hook._installed.taken_over
    counts = sorted({0, *counts[:-1]})
    assert len(counts) > 20
    # A bias below a batch normalization has a gradient of rounding alone, some 1e-17, which these
    # divide by 1e-7, and multiply by lr.
    least = 0.05 * 3 * 1e-16 / 1e-7 if name in ("AdaGrad", "RMSprop", "Adam") else 1e-13
    # All calls with one optimizer; with the others those around the first two updates.
    for enough in counts if name == "Adam" else counts[len(counts) // 3 :: 5]:
        with imported(folder, monkeypatch, True, enough=enough + 1):
            ours, state, after, drawn = trained(Common(edition, False), name)
            assert hook._installed.taken_over and after != counts
            if enough < counts[len(counts) // 2]:
                assert on_kernels(importlib.import_module("common.layers").Affine)
        for found, wanted in zip(ours, expected, strict=True):
            assert_allclose(found, wanted, 1e-11, least)
        for found, wanted in zip(state, own_state, strict=True):
            same(
                {key: found[key] for key in wanted}, wanted, 1e-11
            )  # `_dx_is_read` may stand in ours
        assert_array_equal(drawn[0], draws[0])
        assert drawn[1] == draws[1]


def test_what_the_script_holds_is_what_it_was(root, monkeypatch):
    """Objects, copies, pickles, bound methods, subclasses and functions from before."""
    with imported(root / "tests" / "dropin" / "first", monkeypatch, True, enough=ENOUGH):
        scope = {}
        exec("from common.functions import *\nfrom common.layers import *", scope)
        Affine, softmax = scope["Affine"], scope["softmax"]

        class Scaled(Affine):
            def __init__(self, W, b):
                super(Affine, self).__init__()
                Affine.__init__(self, W, b)

            def forward(self, x):
                return 2 * Affine.forward(self, x)

        layer, scaled = Affine(W, B), Scaled(W, B)
        forward, kept = layer.forward, pickle.dumps(layer)
        before = forward(X), scaled.forward(X), softmax(X)
        identity = Affine, type(layer), Affine.__mro__, Affine.__qualname__, Affine.__module__
        calls = hook._installed.calls
        monkeypatch.setattr(known, "ENOUGH", 0)
        after = forward(X), scaled.forward(X), softmax(X)
        for a, b in zip(before, after, strict=True):
            assert_allclose(a, b, 1e-12)
        assert on_kernels(Affine)
        assert hook._installed.calls == calls + 2  # a bound method asks again, no other does
        layers = importlib.import_module("common.layers")
        assert scope["Affine"] is layers.Affine is Affine
        assert identity == (Affine, type(layer), Affine.__mro__, "Affine", "common.layers")
        for other in (pickle.loads(kept), copy.copy(layer), copy.deepcopy(layer)):
            assert type(other) is Affine and isinstance(other, Affine)
            assert_array_equal(other.forward(X), after[0])
        assert pickle.loads(pickle.dumps(softmax)) is softmax
        assert list(inspect.signature(Affine.forward).parameters) == ["self", "x"]
        assert "np.dot" in inspect.getsource(Affine.forward)
        assert_array_equal(softmax(x=X), after[2])


def test_the_old_form_of_super_reaches_the_scripts_own(package):
    """Of a class that stood before the script's own it would find that again, for ever."""
    old = "class Affine:\n    def __init__(self, W, b):\n"
    new = "class Layer:\n    pass\n\n\nclass Affine(Layer):\n    def __init__(self, W, b):\n"
    with package("layers", old, new + "        super(Affine, self).__init__()\n") as common:
        assert_allclose(common.layers.Affine(W, B).forward(X), X @ W + B, 1e-12)
        assert on_kernels(common.layers.Affine)


def test_what_no_kernel_takes_counts_as_a_call(root, monkeypatch):
    with imported(root / "tests" / "dropin" / "first", monkeypatch, True, enough=ENOUGH):
        module = importlib.import_module("common.functions")
        optimizer = importlib.import_module("common.optimizer").SGD()
        relu, counter = module.relu, hook._installed
        for call, operations in (
            (lambda: relu(-3), 0),
            (lambda: relu([1, 2]), 0),
            (lambda: relu(x=X), 0),
            (lambda: relu(X), ELEMENT * X.size),
            (lambda: optimizer.update({"a": 1.0}, {"a": 1.0}), 0),
            (lambda: optimizer.update({"a": W, "b": B}, {"a": W, "b": B}), LIGHT * 21),
        ):
            before = counter.operations, counter.calls
            call()
            assert counter.operations - before[0] == CALL + operations
            assert counter.calls - before[1] == 1
        layer = importlib.import_module("common.layers").Affine(W, B)
        before = counter.operations
        layer.forward(X)
        assert counter.operations - before == CALL + 5 * 6 * 3
        layer.backward(DOUT)
        assert counter.operations - before == 2 * CALL + 3 * 5 * 6 * 3


def test_threads_decide_once(root, monkeypatch):
    together, tried, adapters = threading.Barrier(4), [], hook.Replaced._adapters
    monkeypatch.setattr(Known, "operations", lambda *_: together.wait(10) * 0 + ENOUGH)
    monkeypatch.setattr(
        hook.Replaced, "_adapters", lambda self: tried.append(self) or adapters(self)
    )
    with imported(root / "tests" / "dropin" / "first", monkeypatch, True):
        softmax = importlib.import_module("common.functions").softmax
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(softmax, [X] * 4))
        assert len(tried) == 1
        for y in found:
            assert_allclose(y, np.exp(X) / np.exp(X).sum(axis=1, keepdims=True), 1e-12)


def test_inherited_methods_are_inherited_again():
    class Base:
        def forward(self, x):
            return 2 * x

        def backward(self, dout):
            return 2 * dout

    class Relu(Base):
        pass

    Relu.__module__ = "common.layers"
    module = ModuleType("common.layers")
    module.Relu = Relu
    dropin.install()
    try:
        hook._installed.replace(module)
        assert {"forward", "backward"} <= set(vars(Relu)) and Relu().forward(3) == 6
    finally:
        dropin.uninstall()
    assert not {"forward", "backward"} & set(vars(Relu))


def test_names_have_an_example_and_arguments():
    names = {name for names in hook.MODULES.values() for name in names}
    assert names == set(EXAMPLES) == set(KNOWN)


# --------------------------------------------------------------------------- what is replaced


@pytest.fixture
def package(tmp_path, monkeypatch, root):
    """Write a `common` of the test's own, starting from the first edition's, and import it."""
    folder = tmp_path / "common"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    source = root / "tests" / "dropin" / "first" / "common"

    @contextlib.contextmanager
    def write(module, old="", new="", **files):
        for name in ("functions", "layers", "optimizer", "util"):
            text = (source / f"{name}.py").read_text()
            if name == module:
                assert old in text
                text = text.replace(old, new)
            (folder / f"{name}.py").write_text(text)
        for name, text in files.items():
            (folder / f"{name}.py").write_text(text)
        with imported(tmp_path, monkeypatch, False):
            dropin.install(report=True)
            yield Common("own", True)

    return write


CHANGES = [
    # another arithmetic, which the small example finds
    ("layers", "out[self.mask] = 0", "out[self.mask] *= 0.01", "Relu", "gives other numbers"),
    ("layers", "return dx / n", "return dx", "SoftmaxWithLoss", "gives other numbers"),
    ("layers", "dx = np.dot(dout, self.W.T)", "dx = dout @ self.W.T + 1e-6", "Affine", "other num"),
    ("layers", "self.mask = x <= 0", "self.negative = self.mask = x <= 0", "Relu", "other numbers"),
    ("layers", "self.mask = x <= 0", "print(self); self.mask = x <= 0", "Relu", "other numbers"),
    # other arguments
    ("layers", "def __init__(self, W, b):", "def __init__(self, b, W):", "Affine", r"\(b, W\)"),
    (
        "layers",
        "def forward(self, x, t):",
        "def forward(self, x, t, w=1):",
        "SoftmaxWithLoss",
        "forward takes",
    ),
    ("layers", "class Sigmoid:", "Sigmoid = 1\nclass Other:", "Sigmoid", "another kind of thing"),
    (
        "layers",
        "(self, dout):\n        dx =",
        "2(self, dout):\n        dx =",
        "Affine",
        "backward takes",
    ),
    (
        "optimizer",
        "params[key] -= self.lr * grads[key]\n\n\n",
        "params[key] += self.lr * grads[key]\n\n\n",
        "SGD",
        "other numbers",
    ),
    ("optimizer", "* self.m[key] / (np.sqrt(self.v[key]) + 1e-7)", "* self.m[key]", "Adam", "oth"),
    ("optimizer", "self.iter += 1", "self.n = self.iter = self.iter + 1", "Adam", "other numbers"),
    ("optimizer", "self.h[key] *= self.decay_rate", "self.n = self.h[key][0]", "RMSprop", "other"),
    ("optimizer", "self.v[key] *= self.momentum", "self.v[key] = 0.5", "Nesterov", "other numbers"),
    (
        "optimizer",
        "Momentum:\n    def __init__(self, lr=0.01, m",
        "Momentum:\n    def __init__(self, m=0, m",
        "Momentum",
        r"\(m, momentum\)",
    ),
    ("layers", "return x * self.mask", "return x * self.mask * 2", "Dropout", "other numbers"),
    ("layers", "rand(*x.shape)", "rand(*x.shape, 1)[..., 0] + rand() * 0", "Dropout", "raises"),
    (
        "layers",
        "var + 10e-7)\n            xn",
        "var + 1e-3)\n            xn",
        "BatchNormalization",
        "o",
    ),
    ("layers", "self.std = len(x)", "self.std = self.n = len(x)", "BatchNormalization", "other"),
    ("functions", "def relu(x):", "def relu(x, slope=0):", "relu", r"takes \(x, slope\)"),
]


@pytest.mark.parametrize(("module", "old", "new", "name", "why"), CHANGES, ids=lambda c: c[:20])
def test_what_differs_stays_the_scripts_own(package, module, old, new, name, why, capsys):
    with package(module, old, new) as common:
        found = getattr(getattr(common, module), name)
        assert not inspect.isclass(found) or not on_kernels(found)
        kept = re.findall(r"(\S+) stayed the script's own: (.*)", dropin.report())
        assert [n for n, _ in kept] == [f"common.{module}.{name}"]
        assert re.search(why, kept[0][1]), kept
        assert on_kernels(common.layers.Affine) or name == "Affine"
    assert capsys.readouterr().out == ""


def test_another_package_of_that_name_is_left_alone(tmp_path, monkeypatch, capfd):
    folder = tmp_path / "common"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "layers.py").write_text("class Affine:\n    pass\n\n\nRelu = 'a string'\n")
    with imported(tmp_path, monkeypatch, True):
        layers = importlib.import_module("common.layers")
        assert layers.Affine.__mro__ == (layers.Affine, object) and layers.Relu == "a string"
        layers.Affine()
    assert capfd.readouterr().err == ""


def test_examples_leave_the_random_numbers_alone(root, monkeypatch):
    with imported(root / "tests" / "dropin" / "first", monkeypatch, True):
        np.random.seed(5)  # noqa: NPY002
        expected = np.random.rand()  # noqa: NPY002
        np.random.seed(5)  # noqa: NPY002
        importlib.import_module("common.layers")
        assert np.random.rand() == expected  # noqa: NPY002


@pytest.mark.parametrize("where", ["config", "layers"])
def test_a_gpu_script_is_left_alone_with_a_word(package, where, capfd):
    gpu = {"config": "GPU = True\n"} if where == "config" else {}
    changed = ("layers", "import numpy as np", "import numpy as np\n\nGPU = True")
    with package(*(() if gpu else changed) or ("layers",), **gpu) as common:
        if gpu:
            importlib.import_module("common.config")
        assert not on_kernels(common.layers.Affine)
        assert not on_kernels(common.optimizer.SGD) or not gpu
        said = [line for line in capfd.readouterr().err.splitlines() if "now" not in line]
        word = "fastnet: common.config.GPU is true: the script is left as it is, without kernels"
        assert said == [word]


def test_what_is_imported_already_is_replaced_with_a_warning(root, monkeypatch):
    with imported(root / "tests" / "dropin" / "first", monkeypatch, False):
        layers = importlib.import_module("common.layers")
        before = layers.Affine
        message = (
            "fastnet.dropin.install: common.functions, common.layers, common.util must be imported "
            "later, got modules that are there already; functions taken out of them before stay "
            "the script's own. Call install() first."
        )
        with pytest.warns(RuntimeWarning, match=re.escape(message)):
            dropin.install()
        decided(layers)
        assert layers.Affine is before and on_kernels(before)
        dropin.install()  # changes nothing
        dropin.uninstall()
        assert not on_kernels(before)
        dropin.uninstall()


def test_uninstall_puts_back_only_what_is_fastnets(root, monkeypatch):
    finders = list(sys.meta_path)
    with imported(root / "tests" / "dropin" / "first", monkeypatch, True):
        assert len(sys.meta_path) == len(finders) + 1
        layers = importlib.import_module("common.layers")
        decided(layers)
        functions = importlib.import_module("common.functions")
        softmax, layer = functions.softmax, layers.Affine(W, B)
        assert on_kernels(layers.Affine) and on_kernels(layers.Relu)
        relu = layers.Relu.forward = lambda self, x: x
        functions.relu = relu
        dropin.uninstall()
        assert layers.Relu.forward is relu and functions.relu is relu
        assert not on_kernels(layers.Affine) and functions.softmax is not softmax
        assert inspect.unwrap(softmax) is functions.softmax
        assert layer.forward.__func__ is layers.Affine.forward
        assert sys.meta_path == finders
        assert not on_kernels(importlib.reload(layers).Affine)


def test_a_report_has_to_be_asked_for():
    with pytest.raises(RuntimeError, match=r"^fastnet.dropin.report: call install\(report=True\)"):
        dropin.report()
    dropin.install()
    try:
        with pytest.raises(RuntimeError, match="first"):
            dropin.report()
    finally:
        dropin.uninstall()


# --------------------------------------------------------------------------- deferred arrays


def is_array(a):
    return isinstance(a, np.ndarray)


USES = [
    lambda a: a + 1,
    lambda a: 2 - a,
    lambda a: a @ a.T,
    lambda a: a.T,
    lambda a: a.sum(axis=0),
    lambda a: a[1:, 0],
    lambda a: a[a > 0],
    lambda a: np.arange(2)[a[0].astype(int) * 0],
    lambda a: np.dot(a, a.T),
    lambda a: np.concatenate([a, a]),
    lambda a: np.stack((a, a), axis=1),
    lambda a: np.exp(a),
    lambda a: np.add.reduce(a),
    lambda a: np.asarray(a),
    lambda a: np.array(a, dtype=np.float32),
    lambda a: a.copy(),
    lambda a: a.reshape(-1),
    lambda a: a < 0,
    lambda a: list(a),
    lambda a: len(a),
    lambda a: 1.5 in a,
    lambda a: repr(a),
    lambda a: str(a),
    lambda a: f"{a}",
    lambda a: pickle.loads(pickle.dumps(a)),
    lambda a: float(a[:1, :1].reshape(())),
    is_array,
    lambda a: (a.shape, a.dtype, a.ndim, a.flags.c_contiguous),
    lambda a: np.zeros_like(a),
    lambda a: np.where(a > 0, a, 0),
]


@pytest.mark.parametrize("use", USES, ids=range(len(USES)))
def test_a_deferred_array_is_used_like_an_array(use):
    array = np.array([[1.5, -2.0], [0.25, 4.0]])
    asked = []

    def compute():
        asked.append(1)
        return array.copy()

    deferred = Deferred(compute)
    assert asked == []
    found, expected = use(deferred), use(array)
    assert type(found) is type(expected)
    assert found == expected if isinstance(found, tuple) else np.array_equal(found, expected)
    assert asked == ([] if use is is_array else [1])


def test_a_deferred_array_can_be_changed():
    deferred = Deferred(lambda: np.array([1.0, 2.0, 3.0]))
    view = deferred[:2]
    deferred *= 2
    deferred[0] = 10
    assert_array_equal(settled(deferred), [10, 4, 6])
    assert_array_equal(view, [10, 4])
    other = np.ones(3)
    other += deferred
    np.add(other, 1, out=deferred)
    deferred.shape = (3, 1)
    assert_array_equal(deferred, [[12], [6], [8]])


# --------------------------------------------------------------------------- the runner


@pytest.fixture
def script(tmp_path):
    def write(text, *arguments, options=(), python=()):
        path = tmp_path / "folder" / "script.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        command = ["-m", "fastnet", "run", *options] if not python else []
        return run(tmp_path, *python, *command, os.path.join("folder", "script.py"), *arguments)

    return write


def test_a_script_finds_what_python_gives_it(script, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "sibling.py").write_text("name = __name__")
    text = """
import os, pickle, sys
import sibling
class Thing: pass
print(__name__, __file__, sys.argv, os.path.realpath(sys.path[0]), sibling.name, __doc__, __spec__)
print(type(pickle.loads(pickle.dumps(Thing()))) is Thing, sys.modules["__main__"].Thing is Thing)
print(sorted(name for name in globals() if name[:2] == "__" and name != "__annotations__"))
x: undefined_name = 1 if False else 2
"""
    arguments = ["--", "--report", "-x", "a b", "--", "run"]
    own = script(text.replace("x: undefined_name", "x"), *arguments, python=["-X", "dev"])
    ours = script(text.replace("x: undefined_name", "x"), *arguments)
    assert (ours.stdout, ours.stderr, ours.returncode) == (own.stdout, NOTHING, 0)
    # fastnet's own `from __future__ import annotations` is not the script's
    assert "NameError" in script(text).stderr


@pytest.mark.parametrize("end", ["sys.exit()", "sys.exit(3)", "sys.exit('bye')", "exit(True)", ""])
def test_exit_statuses(script, end):
    own, ours = (script(f"import sys\n{end}\n", python=p) for p in (["-X", "dev"], ()))
    said = own.stderr if end else own.stderr + NOTHING
    assert (ours.returncode, ours.stderr) == (own.returncode, said)


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    return 1 / 0\n\n\ntry:\n    f()\nexcept ArithmeticError:\n    {}[1]\n",
        "x = [\n",
        "raise SystemError('x') from ValueError('y')\n",
        "import json\njson.loads('{')\n",
    ],
)
def test_tracebacks_start_in_the_script(script, text):
    own, ours = (script(text, python=p) for p in (["-X", "utf8"], ()))
    assert own.returncode == ours.returncode == 1
    assert ours.stderr == own.stderr


def test_ctrl_c_and_handlers_at_exit(script):
    text = "import atexit\natexit.register(print, 'end')\nprint('begin')\nraise KeyboardInterrupt"
    ours = script(text)
    assert ours.returncode == 130 and ours.stdout == "begin\nend\n"
    assert ours.stderr.startswith("Traceback") and ours.stderr.endswith("KeyboardInterrupt\n")


def test_a_script_that_is_not_there(capsys, tmp_path):
    for path, why in ((tmp_path / "no.py", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(SystemExit) as caught:
            cli.main(["run", str(path)])
        err = capsys.readouterr().err
        assert caught.value.code == 2
        assert err.startswith(
            f"fastnet run: script must be a Python file that can be read, got {str(path)!r} ({why}"
        ) and err.endswith("). Give the path of one.\n")


def test_a_script_without_common_loads_no_kernels(script):
    ours = script("import sys\nprint('numba' in sys.modules, 'numpy' in sys.modules)")
    assert (ours.stdout, ours.stderr) == ("False False\n", NOTHING)


# --------------------------------------------------------------------------- images


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


FILTERS = normal(4, 3, 3, 2, seed=1), normal(4, seed=2)
LAYERS_OF_IMAGES = [
    *(("Pooling", arguments) for arguments in [(2, 2), (3, 2, 1), (5, 4, 3)]),
    *(("Convolution", (*FILTERS, *rest)) for rest in [(), (2,), (1, 2), (2, 1)]),
]


def as_the_own(layer, own, given, tolerance=1e-12):
    """Check a step of a layer against the script's own: results and attributes."""
    out, expected = layer.forward(given), own.forward(given)
    same(np.asarray(out), np.asarray(expected), tolerance)
    assert out.transpose(0, 2, 3, 1).flags.c_contiguous  # as the book's
    dout = np.cos(expected)
    same(np.asarray(layer.backward(dout)), own.backward(dout), tolerance)
    for name, value in vars(own).items():
        found = vars(layer)[name]
        same(np.asarray(found) if isinstance(value, np.ndarray) else found, value, tolerance)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64])
@pytest.mark.parametrize("made", LAYERS_OF_IMAGES, ids=str)
def test_layers_of_images(first, made, dtype):
    kind, arguments = getattr(first.layers, made[0]), made[1]
    for x in (normal(2, 3, 9, 8), normal(2, 9, 8, 3).transpose(0, 3, 1, 2), normal(1, 3, 5, 4)):
        as_the_own(kind(*arguments), own_of(kind)(*arguments), (10 * x).astype(dtype))


def test_layers_of_images_take_what_numpy_takes(first):
    layers = first.layers
    W, b = FILTERS
    for kind, arguments, x in (
        (layers.Convolution, (W, 0), normal(1, 3, 6, 5)),  # a number for the bias
        (layers.Convolution, (W.astype(np.float32), b.astype(np.float32)), normal(1, 3, 6, 5)),
        (layers.Convolution, (W, b, 1, 1), normal(1, 3, 6, 5)[:, :, ::2]),
        (layers.Pooling, (2, 2, 2), normal(1, 3, 6, 5)[:, ::-1, 1:]),
        (layers.Pooling, (2, 2, 4, 1), normal(1, 3, 7, 7)),  # whose padding makes no more windows
    ):
        layer, own = kind(*arguments), own_of(kind)(*arguments)
        same(np.asarray(layer.forward(x)), np.asarray(own.forward(x)))
        dout = normal(*own.forward(x).shape)
        same(np.asarray(layer.backward(dout)), np.asarray(own.backward(dout)))
    with pytest.raises(ValueError):
        layers.Pooling(2, 2).forward(normal(3, 6, 5))
    with pytest.raises(ValueError):
        layers.Pooling(2, 2, 1, 1).forward(normal(1, 3, 6, 5))


def test_the_scripts_own_backward_goes_on_with_what_kernels_left(first):
    for name, arguments in LAYERS_OF_IMAGES:
        kind, x = getattr(first.layers, name), normal(2, 3, 9, 8)
        layer, own = kind(*arguments), own_of(kind)(*arguments)
        layer.forward(x)
        dout = np.cos(own.forward(x))
        expected = own.backward(dout)
        found = own_of(kind).backward(layer, dout)
        same(np.asarray(found), expected)
        own_of(kind).forward(layer, 2 * x)  # and kernels with what the own forward left
        own.forward(2 * x)
        same(np.asarray(layer.backward(dout)), own.backward(dout))


def test_relu_keeps_the_order_of_images(first):
    x, dout = normal(2, 4, 5, 3).transpose(0, 3, 1, 2), normal(2, 4, 5, 3).transpose(0, 3, 1, 2)
    kind = first.layers.Relu
    layer, own = kind(), own_of(kind)()
    out = layer.forward(x)
    same(out, own.forward(x))
    for given in (dout, np.ascontiguousarray(dout)):
        same(layer.backward(given.copy("K")), own.backward(given.copy("K")))
    if first.ours:
        assert out.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_windows_of_images(first, dtype):
    util = first.util
    x = (10 * normal(2, 3, 7, 6)).astype(dtype)
    for given in (x, x.transpose(0, 1, 3, 2)):
        for sizes in ((2, 3), (3, 3, 2), (3, 2, 1, 2), (1, 1, 3, 1)):
            col = util.im2col(given, *sizes)
            same(col, own_function(util.im2col)(given, *sizes))
            for part in (col, np.cos(col).astype(np.float32), col.reshape(-1, 1)):
                found = util.col2im(part, given.shape, *sizes)
                same(found, own_function(util.col2im)(part, given.shape, *sizes))
    same(util.im2col(x, filter_h=2, filter_w=2), own_function(util.im2col)(x, 2, 2))
    with pytest.raises(ValueError):
        util.im2col(x[0], 2, 2)


def own_function(function):
    """Return the script's own of a function that may be counted, or on kernels."""
    return inspect.unwrap(function)


def test_an_im2col_that_keeps_the_dtype(package, root):
    util = root / "tests" / "dropin" / "first" / "common" / "util.py"
    text = util.read_text()
    for shape in ("(N, C, H + 2 * pad, W + 2 * pad)", "(N, rows, columns, C, filter_h, filter_w)"):
        dtype = "col.dtype" if "C, H" in shape else "input_data.dtype"
        text = text.replace(f"({shape})", f"({shape}, {dtype})")
    text = text.replace("framed = np.zeros((N, C, H + 2 * pad, W + 2 * pad), col.dtype)", "@", 1)
    framed = "framed = np.zeros((N, C, H + 2 * pad, W + 2 * pad), input_data.dtype)"
    changed = [
        (
            "zeros((rows.size, self.pool_h * self.pool_w))",
            "zeros((rows.size, self.pool_h * self.pool_w), dout.dtype)",
        )
    ]
    with package("layers", *changed[0], util=text.replace("@", framed)) as common:
        for name, arguments in LAYERS_OF_IMAGES:
            for dtype in (np.float64, np.float32):
                own_arguments = [a.astype(dtype) if np.ndim(a) else a for a in arguments]
                kind, x = getattr(common.layers, name), normal(2, 3, 9, 8).astype(dtype)
                layer, own = kind(*own_arguments), own_of(kind)(*own_arguments)
                as_the_own(layer, own, x, 1e-12 if dtype is np.float64 else 1e-4)
                assert own.forward(x).dtype == dtype
        rows = dropin.report().split("the script's own\n")[0]
        assert "Convolution.forward" in rows and "Pooling.backward" in rows
