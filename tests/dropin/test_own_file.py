"""Layers that a script defines in its own file run on kernels, and it ends as Python has it end."""

import builtins
import re
import sys

import pytest
from books_classes import run

from fastnet import dropin
from fastnet.dropin import known, worth
from fastnet.dropin.run import run as run_script
from fastnet.dropin.script import DEFINED, compiled

# Runs a script with kernels from its first call on, for the smallest arrays, too.
RUN = """
import sys
from fastnet import cli
from fastnet.dropin import known, worth

known.ENOUGH, worth._all_calls = 0, True
sys.exit(cli.main(["run", "--report", "script.py"]))
"""


@pytest.fixture
def both(tmp_path):
    """Return a function that runs a script by Python, and on kernels."""

    def run_both(text):
        (tmp_path / "script.py").write_text(text, encoding="utf-8")
        return run(tmp_path, "script.py"), run(tmp_path, "-c", RUN)

    return run_both


def layers(root, *files):
    """The first book's modules in one text, as in a script that has all in one file."""
    folder = root / "tests" / "dropin" / "first"
    lines = "\n".join((folder / file).read_text() for file in files).splitlines()
    taken = "from common", "from two_layer_net"
    return "\n".join(line for line in lines if not line.startswith(taken)) + "\n"


FILES = "common/functions.py", "common/util.py", "common/gradient.py", "common/layers.py"
SCRIPTS = [
    (
        [*FILES, "train_two_layer.py"],
        ["Affine.forward", "Affine.backward", "Relu.forward", "SoftmaxWithLoss.forward"],
    ),
    (
        ["common/functions.py", "two_layer_net.py", "train_written_out.py"],
        ["TwoLayerNet.predict", "TwoLayerNet.gradient"],
    ),
    (
        [*FILES, "common/optimizer.py", "common/trainer.py", "train_images.py"],
        ["Convolution.forward", "Convolution.backward", "Pooling.forward", "Adam.update"],
    ),
]


@pytest.mark.parametrize(("files", "replaced"), SCRIPTS, ids=lambda value: value[-1])
def test_a_script_in_one_file_prints_the_same_numbers(root, both, files, replaced):
    own, ours = both(layers(root, *files))
    assert own.returncode == ours.returncode == 0, own.stderr + ours.stderr
    one, other = (re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?|\w+", o.stdout) for o in (own, ours))
    assert len(one) == len(other) >= 20
    for a, b in zip(one, other, strict=True):
        assert a == b or float(a) == pytest.approx(float(b), rel=1e-6), (a, b)
    kernels, rest = ours.stderr.split("on kernels\n")[1].split("the script's own\n")
    for name in replaced:
        assert f"  __main__.{name}\n" in kernels, ours.stderr
    # A network of layers stays the script's own, also where its file has them.
    assert ("TwoLayerNet" in kernels) == ("TwoLayerNet.predict" in replaced)
    assert "\nkernels took over in __main__." in rest


RELU = """
import numpy as np
class Relu:
    def __init__(self):
        self.mask = None
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out
    def backward(self, dout):
        dout = dout.copy()
        dout[self.mask] = 0
        return dout
"""
LEAKY = RELU.replace("out[self.mask] = 0", "out[self.mask] *= 0.5")
SHOW = "layer = Relu(); print(layer.forward(np.array([-1.0, 2.0])).tolist())\n"


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Return a function that runs a script in this process, and gives what it says.

    From its first call on kernels; a child would take half a second for each.
    """
    monkeypatch.setattr(known, "ENOUGH", 0)
    monkeypatch.setattr(worth, "_all_calls", True)
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])

    def run_here(text):
        assert run_script(str(tmp_path / "script.py"), text.encode(), [], with_report=True) == 0
        assert not hasattr(builtins, DEFINED)
        return capsys.readouterr()

    run_here.said = lambda: capsys.readouterr().out
    yield run_here
    dropin.uninstall()


def indented(text):
    return "".join(f"    {line}\n" for line in text.splitlines())


@pytest.mark.parametrize(
    ("text", "on_kernels"),
    [
        (f"{RELU}\n{SHOW}", True),
        (f"{LEAKY}\n{SHOW}", False),
        (f"{RELU}\n{LEAKY}\n{SHOW}", False),  # the later one counts
        (f"{LEAKY}\n{SHOW}{RELU}\n{SHOW}", True),
        (f"{RELU}\n{SHOW}{LEAKY}\n{SHOW}", True),  # the first until then
        (f"if True:\n{indented(RELU)}\n{SHOW}", True),
        (f"if __name__ == '__main__':\n{indented(RELU + SHOW)}", True),
        (f"try:\n{indented('import none')}except ImportError:\n{indented(RELU)}\n{SHOW}", True),
        (f"for i in range(3):\n{indented(RELU + SHOW)}", True),
        (f"{RELU}\nclass Mine(Relu):\n    pass\n{SHOW.replace('Relu', 'Mine')}", True),
        (f"{RELU}\nRelu.forward = lambda self, x: x\n{SHOW}", False),
        (f"def made():\n{indented(RELU)}    return Relu\nRelu = made()\nimport numpy as np\n{SHOW}",
         False),
        (f"GPU = True\n{RELU}\n{SHOW}", False),
        (RELU.replace("class", "@(lambda kind: kind)\nclass") + SHOW, True),
        (f"{RELU}\nRelu = 1\n", False),
    ],
)  # fmt: skip
def test_which_class_counts(here, text, on_kernels):
    printed, report = here(text)
    kernels = report.split("on kernels\n")[1].split("the script's own\n")[0]
    assert ("__main__.Relu.forward" in kernels) == on_kernels, report
    exec(text, {"__name__": "__main__"})
    assert printed == here.said()


WHAT_PYTHON_GIVES = f'''"""What it is."""
from __future__ import annotations
import builtins, inspect, pickle, sys, traceback
{RELU}
def softmax(x):
    return np.exp(x) / np.exp(x).sum()

def where():
    return sys._getframe(1).f_lineno
print(where(), __doc__, inspect.getsource(where), inspect.getsource(Relu.forward))
print(inspect.getsource(softmax), softmax.__name__, softmax.__module__)
print(type(pickle.loads(pickle.dumps(Relu()))) is Relu, pickle.loads(pickle.dumps(softmax)))
print(sorted(name for name in globals()))
x: undefined_name = "\\d"
try:
    softmax("a")
except TypeError as error:
    print([frame.lineno for frame in traceback.extract_tb(error.__traceback__)][::9])
'''


def test_what_python_gives_a_script_with_layers(both):
    own, ours = both(WHAT_PYTHON_GIVES)
    own.stdout, ours.stdout = (re.sub(r"at 0x\w+", "", done.stdout) for done in (own, ours))
    assert (ours.returncode, ours.stdout) == (own.returncode, own.stdout) and own.returncode == 0
    # What Python says of its source stands there once: of "\d" from Python 3.12 on, or when asked.
    assert ours.stderr.count("invalid escape sequence") == own.stderr.count("invalid escape")


def test_a_run_of_definitions_is_looked_at_at_its_end(monkeypatch):
    """A network of two layers is told apart by the layers, which may stand behind it."""
    scope, seen = {}, []

    def look():
        seen.append((sys._getframe(1).f_lineno, [name for name in scope if name[0] != "_"]))

    monkeypatch.setattr(builtins, DEFINED, look, raising=False)
    text = "class TwoLayerNet: pass\nclass Affine: pass\ndef f():\n  pass\nx = 1\ndef g(): pass\n"
    exec(compiled(f"{text}x = 2\ndef softmax(x): pass\n".encode(), "script.py"), scope)
    first = ["TwoLayerNet", "Affine", "f"]
    assert seen == [(4, first), (8, [*first, "x", "g", "softmax"])]


def test_what_was_looked_at_is_counted_once(here, monkeypatch):
    softmax = "def softmax(x):\n    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)\n"
    text = f"{RELU}\n{SHOW}{softmax}{SHOW}{softmax}softmax(np.eye(3))\n{SHOW}"
    _, report = here(text)
    assert re.search(r"^ +3 calls .*__main__\.Relu\.forward$", report, re.MULTILINE), report
    assert re.search(r"^ +1 calls .*__main__\.softmax$", report, re.MULTILINE), report
    assert "in __main__.Relu.forward, call 1 of the books', after 60,200 operations" in report
    dropin.uninstall()
    monkeypatch.setattr(known, "ENOUGH", 10**9)
    assert "did not take over: 4 calls of the books' asked for 241," in here(text)[1]


@pytest.mark.parametrize(
    "text", ["x = [", "return 1", "from __future__ import annotations", "x: int = y = 1", "\0"]
)
def test_errors_of_a_source_are_pythons(text):
    found = []
    for made in (compiled, lambda source, file: compile(source, file, "exec")):
        with pytest.raises((SyntaxError, ValueError)) as caught:
            made(f"{RELU}\n{text}\n".encode(), "script.py")
        found.append((caught.type, caught.value.args))
    assert found[0] == found[1]


def test_a_traceback_of_a_script_with_layers(script):
    text = f"{RELU}\nx = 1\ndef softmax(x):\n    return x\n1 / 0\n"
    own, ours = (script(text, python=p) for p in (["-X", "utf8"], ()))
    assert own.returncode == ours.returncode == 1
    assert ours.stderr == own.stderr


def test_too_little_work_leaves_a_script_alone(script):
    ours = script(f"{RELU}\n{SHOW}import sys\nprint('numba' in sys.modules)\n")
    assert (ours.stdout, ours.stderr) == ("[0.0, 2.0]\nFalse\n", "")
