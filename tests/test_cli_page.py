"""The page of the command line: its commands, run in order, print what it shows."""

import contextlib
import io
import re
import shlex

import pages
import pytest

from fastnet import cli


def test_the_page_prints_what_it_shows(root, tmp_path, monkeypatch):
    pytest.importorskip("sklearn", reason="the page's flowers are scikit-learn's")
    pytest.importorskip("pandas", reason="the page's table is read by pandas")
    path = root / "docs" / "commands.md"
    if not path.is_file():
        pytest.skip("the pages are not here")
    monkeypatch.chdir(tmp_path)
    pages.run(path)
    commands = 0
    for block in re.findall(r"^```console\n(.*?)^```$", path.read_text("utf-8"), re.M | re.S):
        for shown in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, wanted = shown.partition("\n")
            name, *arguments = shlex.split(command)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                assert (name, cli.main(arguments)) == ("fastnet", 0)
            assert pages.agree(wanted, printed.getvalue()), f"{command}\n{printed.getvalue()}"
            commands += 1
    assert commands > 8
