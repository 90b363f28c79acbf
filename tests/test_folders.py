"""The folders of the cache: which are read and written, what is removed, and what is left alone."""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import children
import pytest

import fastnet
from fastnet.kernels import _folders, blocking

posix = pytest.mark.skipif(os.name != "posix", reason="no permissions and locks as on Unix here")


@pytest.fixture
def roots(tmp_path, monkeypatch):
    """Three roots, as with NUMBA_CACHE_DIR; nothing is known of them yet."""
    found = [tmp_path / name for name in ("given", "package", "user")]
    monkeypatch.setattr(_folders, "ROOTS", found)
    monkeypatch.setattr(_folders.config, "CACHE_DIR", str(tmp_path))
    _folders.written.cache_clear()
    _folders._remove_abandoned.cache_clear()
    yield found
    _folders.written.cache_clear()
    _folders._remove_abandoned.cache_clear()


def fill(folder, name="a.kernel", size=10):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(bytes(size))
    return folder / name


# --------------------------------------------------------------------------- names


def test_the_name_has_cpu_and_width():
    stamp, cpu, bits = _folders.NAME.removeprefix("kernels-").split("-")
    assert len(stamp) == 16 and int(stamp, 16) >= 0
    assert cpu and bits == str(blocking.BITS)


def test_another_cpu_has_another_folder(monkeypatch):
    monkeypatch.setattr(_folders.config, "CPU_NAME", "../sky lake")
    assert _folders._machine() == f"___sky_lake-{blocking.BITS}"


# --------------------------------------------------------------------------- reading and writing


def test_the_first_that_can_be_written_is(roots):
    given, package, user = (root / _folders.NAME for root in roots)
    roots[0].write_text("a file where a folder should be")
    assert _folders.written() == package and list(_folders.read()) == [given, package, user]
    roots[1] = roots[0]
    roots[2] = roots[0]
    _folders.written.cache_clear()
    assert _folders.written() is None and len(list(_folders.read())) == 3


def test_numba_cache_dir_takes_the_place_of_the_others(roots, monkeypatch):
    given, package, user = (root / _folders.NAME for root in roots)
    assert list(_folders.read()) == [given] and _folders.written() == given
    monkeypatch.setattr(_folders.config, "CACHE_DIR", "")
    assert list(_folders.read()) == [given, package, user]


def test_write_leaves_nothing_behind(roots, monkeypatch):
    folder = _folders.written()
    _folders.write(folder, "a.kernel", b"one", b"two")
    assert (folder / "a.kernel").read_bytes() == b"onetwo"

    def fail(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_folders.os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        _folders.write(folder, "a.kernel", b"three")
    assert os.listdir(folder) == ["a.kernel"]
    assert (folder / "a.kernel").read_bytes() == b"onetwo"


@posix
def test_a_file_can_be_read_by_others(roots):
    """As far as the umask allows: what root has warmed up serves the users of an image."""
    before = os.umask(0o022)
    try:
        _folders.write(_folders.written(), "a.kernel", b"one")
    finally:
        os.umask(before)
    assert (_folders.written() / "a.kernel").stat().st_mode & 0o777 == 0o644


# --------------------------------------------------------------------------- what can be read only


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
    """Return a folder with a copy of the package, without what is compiled."""
    ignore = shutil.ignore_patterns("__pycache__", "data")
    shutil.copytree(Path(fastnet.__file__).parent, tmp_path / "copy" / "fastnet", ignore=ignore)
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


# --------------------------------------------------------------------------- what is old


def test_clean_removes_what_is_old(roots):
    ours = _folders.NAME
    other_cpu = ours.replace(_folders._machine(), "other-128")
    old = f"kernels-{'0' * 16}-{_folders._machine()}"
    kept = [fill(roots[1] / ours), fill(roots[2] / other_cpu), fill(roots[1], "relu.cpython.pyc")]
    kept += [fill(roots[0] / "another's")]
    gone = [fill(roots[0] / old, size=30), fill(roots[2] / old, "b.kernel")]
    gone += [fill(roots[1], "relu-1.py311.nbi"), fill(roots[1], "relu-1.py311.1.nbc")]
    gone += [fill(roots[1], "relu-1.py311.nbi.tmp.0123"), fill(roots[1] / ours, "a.0.part")]
    assert _folders.sizes() == (2, 20, 50)
    assert _folders.clean() == (6, 80)
    assert all(path.exists() for path in kept) and not any(path.exists() for path in gone)
    assert not (roots[0] / old).exists()
    assert _folders.clean() == (0, 0)
    assert _folders.sizes() == (1, 10, 10)


WRITE = """
import os, pathlib, signal, sys, time
from fastnet.kernels import _folders
folder = pathlib.Path(sys.argv[1])

def stop(source, target):
    print("written", flush=True)
    time.sleep(600)

_folders.os.replace = stop
_folders.write(folder, "a.kernel", b"half")
"""


@posix
def test_what_killed_processes_left_is_removed(roots):
    """By the next one that writes, and by --clean; what a living one writes stays."""
    folder = roots[0] / _folders.NAME
    with children.started([sys.executable, "-c", WRITE, str(folder)]) as living:
        assert living.stdout.readline() == b"written\n"
        (file,) = folder.iterdir()
        assert file.suffix == ".part"
        _folders.write(folder, "b.kernel", b"whole")
        assert _folders.clean() == (0, 0)
        assert file.exists()
        living.send_signal(signal.SIGKILL)
        living.wait()
        assert file.exists()
        left = file.read_bytes()
        assert _folders.clean() == (1, 4) and not file.exists()
        file.write_bytes(left)
        _folders._remove_abandoned.cache_clear()  # as another process
        _folders.write(folder, "c.kernel", b"whole")
        assert sorted(os.listdir(folder)) == ["b.kernel", "c.kernel"]


class NoLocks:
    """As on some file systems."""

    LOCK_EX = LOCK_NB = 0

    @staticmethod
    def flock(file, how):
        raise OSError(37, "No locks available")


@pytest.mark.parametrize("locks", [None, NoLocks])
def test_without_locks_what_is_an_hour_old_is_abandoned(locks, roots, monkeypatch):
    monkeypatch.setattr(_folders, "fcntl", locks)
    folder = roots[0] / _folders.NAME
    _folders.write(folder, "b.kernel", b"whole")
    file = fill(folder, "a.0.part")
    assert _folders.clean() == (0, 0)
    os.utime(file, (time.time() - 4000,) * 2)
    assert _folders.clean() == (1, 10)
    assert os.listdir(folder) == ["b.kernel"]


@posix
def test_a_writer_begins_anew_where_its_file_was_taken_for_abandoned(roots, monkeypatch):
    """Between the file and its lock: the second time nobody comes."""
    folder, flock = _folders.written(), _folders.fcntl.flock
    came = []

    class Locks:
        LOCK_EX, LOCK_NB = _folders.fcntl.LOCK_EX, _folders.fcntl.LOCK_NB

        @staticmethod
        def flock(file, how):
            if not came:
                came.append(Path(file.name))
                came[0].unlink()
            flock(file, how)

    monkeypatch.setattr(_folders, "fcntl", Locks)
    _folders.write(folder, "a.kernel", b"whole")
    assert came and os.listdir(folder) == ["a.kernel"]
