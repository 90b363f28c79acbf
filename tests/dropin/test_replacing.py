"""What the drop-in replaces, what stays the script's own, and how it is put back."""

import importlib
import inspect
import re
import sys

import numpy as np
import pytest
from books_classes import B, W, decided, imported, is_bound, on_kernels

from fastnet import dropin
from fastnet.dropin import hook

CHANGES = [
    # another arithmetic, which the small example finds
    ("layers", "out[self.mask] = 0", "out[self.mask] *= 0.01", "Relu", "gives other numbers"),
    ("layers", "return dx / n", "return dx", "SoftmaxWithLoss", "gives other numbers"),
    ("layers", "dx = np.dot(dout, self.W.T)", "dx = dout @ self.W.T + 1e-6", "Affine", "other num"),
    ("layers", "self.mask = x <= 0", "self.negative = self.mask = x <= 0", "Relu", "other numbers"),
    ("layers", "self.mask = x <= 0", "print(self); self.mask = x <= 0", "Relu", "other numbers"),
    # other arguments
    ("layers", "def __init__(self, W, b):", "def __init__(self, b, W):", "Affine", "it raises"),
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
        "Momentum:\n    def __init__(self, lr=0.01, *, m",
        "Momentum",
        r"\(lr, \*\)",
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


def test_a_report_times_what_is_the_scripts_alone(tmp_path, monkeypatch):
    folder = tmp_path / "common"
    folder.mkdir()
    for name, text in (("__init__", ""), ("extra", "def twice(x):\n    return 2 * x\n")):
        (folder / f"{name}.py").write_text(text)
    with imported(tmp_path, monkeypatch, False):
        dropin.install(report=True)
        assert importlib.import_module("common.extra").twice(3) == 6
        assert "common.extra.twice" in dropin.report()


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


def test_all_functions_are_replaced(either):
    """What stayed the script's own would be right all the same, and slow."""
    replaced = []
    for module in ("common.functions", "common.util"):
        found = getattr(either, module.partition(".")[2])
        known = vars(found)
        for name in hook.names_in(found):
            cells = [c.cell_contents for c in known[name].__closure__ or ()]
            now = next((cell.now for cell in cells if hasattr(cell, "now")), None)
            assert is_bound(now) == either.ours, name
            replaced.append(name)
    assert "softmax" in replaced and ("im2col" in replaced or "clip_grads" in replaced)
