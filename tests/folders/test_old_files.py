"""What of the cache is removed, and when: older stamps, and what killed processes left."""

import os
import signal
import sys
import time
from pathlib import Path

import children
import pytest

from fastnet.kernels import _folders

posix = pytest.mark.skipif(os.name != "posix", reason="no permissions and locks as on Unix here")


def fill(folder, name="a.kernel", size=10):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(bytes(size))
    return folder / name


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
