"""What the tests of tables share."""

import pytest
from table_files import made, write

from fastnet import cli


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write(tmp_path_factory.mktemp("table") / "things.csv", made())


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    """A trained classification, its folder."""
    out = str(tmp_path_factory.mktemp("run"))
    train = ["train", table, "--target", "kind", "--drop", "code,price", "--epochs", "30"]
    assert cli.main([*train, "--quiet", "--out", out]) == 0
    return out
