"""The folders of the cache: their names, which are read, which is written, and how."""

import os

import pytest

from fastnet.kernels import _folders, blocking

posix = pytest.mark.skipif(os.name != "posix", reason="no permissions and locks as on Unix here")


def test_the_name_has_cpu_and_width():
    stamp, cpu, bits = _folders.NAME.removeprefix("kernels-").split("-")
    assert len(stamp) == 16 and int(stamp, 16) >= 0
    assert cpu and bits == str(blocking.BITS)


def test_another_cpu_has_another_folder(monkeypatch):
    monkeypatch.setattr(_folders.config, "CPU_NAME", "../sky lake")
    assert _folders._machine() == f"___sky_lake-{blocking.BITS}"


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
