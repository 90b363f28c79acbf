"""Folders of the cache that cannot be written, or not be read: another user's, an image's."""

import json
import os
import sys
from pathlib import Path

import children
import pytest
from compiling import copy_package

from fastnet.kernels import _folders

posix = pytest.mark.skipif(os.name != "posix", reason="no permissions and locks as on Unix here")


def obey_permissions():
    """Let root be refused what others are refused, as in the container of another user."""
    if os.geteuid() == 0:
        import ctypes

        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH; 24 drops them for good
            if ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) != 0:
                os._exit(77)


@pytest.fixture
def call(tmp_path):
    """Return a function that calls tiny kernels in a process without a root's rights."""

    def run(*dtypes, **environment):
        program = f"import tiny_kernels; tiny_kernels.call('twice', dtypes={dtypes})"
        # Not beside the sources: there are other tests'.
        where = {"XDG_CACHE_HOME": str(tmp_path / "user"), "PYTHONDONTWRITEBYTECODE": "1"}
        done = children.run(
            [sys.executable, "-W", "error", "-c", program],
            env={k: v for k, v in (os.environ | where | environment).items() if v is not None},
            preexec_fn=obey_permissions,
        )
        if done.returncode == 77:
            pytest.skip("root's rights cannot be dropped here")
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout), done.stderr

    return run


def read_only(folder):
    for path in [*folder.rglob("*"), folder]:
        if path.exists():
            path.chmod(0o555 if path.is_dir() else 0o444)


def writable(folder):
    for path in [folder, *folder.rglob("*")]:
        if path.exists():
            path.chmod(0o755 if path.is_dir() else 0o644)


def copied(tmp_path):
    """Return a folder with a copy of the package, without kernels that are compiled."""
    copy_package(tmp_path / "copy")
    return tmp_path / "copy"


def path_to(copy):
    return os.pathsep.join([str(copy), os.environ.get("PYTHONPATH", "")])


@posix
@pytest.mark.parametrize("where", ["NUMBA_CACHE_DIR", "the package"])
def test_what_cannot_be_written_is_read(where, call, tmp_path):
    """Warmed by root, used by others: what is missing there goes into the user's cache."""
    copy, given = copied(tmp_path), tmp_path / "given"
    shared, settings = given, {"PYTHONPATH": path_to(copy), "NUMBA_CACHE_DIR": str(given)}
    if where == "the package":
        shared, settings["NUMBA_CACHE_DIR"] = copy, None
    warmed, _ = call("float32", **settings)
    assert warmed["folder"].startswith(str(shared)) and warmed["hits"] == [0]
    read_only(copy)
    read_only(given)
    try:
        used, said = call("float32", **settings)
        assert (used["results"], used["hits"], said) == ([6.0], [1], "")
        more, said = call("float32", "float64", **settings)
        assert (more["results"], more["hits"]) == ([6.0, 9.0], [1])
        assert more["folder"] == str(tmp_path / "user" / "fastnet" / _folders.NAME)
        assert said.endswith(f"once: they are kept in {more['folder']}\n")
        again, said = call("float32", "float64", **settings)
        assert (again["hits"], said) == ([2], "")
    finally:
        writable(copy)
        writable(given)


@posix
def test_what_cannot_be_read_is_compiled(call, tmp_path):
    """And said, with the name of the file."""
    settings = {"NUMBA_CACHE_DIR": str(tmp_path / "shared")}
    warmed, _ = call("float32", **settings)
    (file,) = Path(warmed["folder"]).glob("*.kernel")
    file.chmod(0)
    used, said = call("float32", **settings)
    assert used["results"] == [6.0] and used["hits"] == [0]
    assert f"fastnet: {file} is no kernel that can be loaded ([Errno 13] Permission denied" in said
    assert call("float32", **settings)[0]["hits"] == [1]  # it was written again


@posix
def test_a_folder_of_another_user_is_passed_by(call, tmp_path):
    """HOME may still be root's: what is not seen there is not damaged."""
    home = tmp_path / "user"
    # Of a copy, whose folder takes what the shared one cannot: a second run finds nothing in it.
    settings = {
        "PYTHONPATH": path_to(copied(tmp_path)),
        "NUMBA_CACHE_DIR": str(tmp_path / "shared"),
    }
    call("float32", **settings)
    home.mkdir()
    home.chmod(0)
    read_only(tmp_path / "shared")
    try:
        used, said = call("float32", "float64", **settings)
    finally:
        home.chmod(0o755)
        writable(tmp_path / "shared")
    assert used["results"] == [6.0, 9.0] and used["hits"] == [1]
    assert "no kernel that can be loaded" not in said and said.count("\n") == 1
