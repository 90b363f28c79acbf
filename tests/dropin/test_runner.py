"""`fastnet run`: a script finds what Python gives it, and ends as it would."""

import pytest
from books_classes import NOTHING

from fastnet import cli


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
