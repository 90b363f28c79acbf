"""What the tests of the command line share."""

import json

import pytest

from fastnet import cli


def refused(capsys, *argv, status=2):
    """The one line on stderr with which `fastnet *argv` ends."""
    with pytest.raises(SystemExit) as caught:
        cli.main(argv)
    printed = capsys.readouterr()
    assert caught.value.code == status
    assert "--json" not in argv or printed.out == ""
    assert printed.err.count("\n") == 1 and "Traceback" not in printed.err
    return printed.err.rstrip("\n")


def only_json(text):
    """The line of JSON, beside which nothing stands on standard output."""
    assert text.count("\n") == 1
    return json.loads(text)
