"""fastnet info, and environment variables that cannot be used."""

import os
import sys

import children
import pytest

from fastnet import cli
from fastnet.info import installation


def test_info(capsys):
    assert cli.main(["info"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    known = installation()
    assert lines.pop("cached") and known.pop("cached")  # grows while other tests compile
    assert lines == known


@pytest.mark.parametrize("command", ["info", "warmup", "train"])
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "FASTNET_NUM_THREADS",
            "x",
            "must be a whole number from 1 to 256, got 'x'. Unset it to use all cores.",
        ),
        (
            "FASTNET_VECTOR_BITS",
            "64",
            "must be 128, 256 or 512, got '64'. Unset it to use the width of this CPU.",
        ),
    ],
)
def test_a_variable_that_cannot_be_used(command, name, value, message):
    """It is looked at when the kernels are imported: in a process of their own."""
    done = children.run([sys.executable, "-m", "fastnet", command], env=os.environ | {name: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr.replace(f"fastnet {command}: ", "fastnet: ") == f"fastnet: {name} {message}\n"
    )


def test_other_errors_are_no_variables(monkeypatch):
    """A mistake of fastnet's own keeps its traceback."""

    def fail():
        raise ValueError("of FASTNET_NUM_THREADS")

    monkeypatch.setattr("fastnet.info.installation", fail)
    with pytest.raises(ValueError, match="of FASTNET_NUM_THREADS"):
        cli.main(["info"])
