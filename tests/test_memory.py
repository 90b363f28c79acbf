"""Memory that arrays leave free stays with the process, so that the next step finds it."""

import sys

import children
import page_faults
import pytest

from fastnet import memory

pytestmark = page_faults.of_glibc
MAPS = "[np.ones(1_700_000, np.float32) for _ in range(3)]"  # of SimpleConvNet


@pytest.fixture
def faults(monkeypatch):
    for name in page_faults.VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def counted(first):
        done = children.run([sys.executable, "-c", page_faults.steps_of(MAPS, first)])
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    return counted


def test_steps_find_the_memory_of_the_step_before(faults, monkeypatch):
    """Three maps of SimpleConvNet's, 20 MB: 1,244 pages a step, fewer where all are huge."""
    assert faults("") > 5
    assert faults("import fastnet.layers") == 0
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "100000")
    assert faults("import fastnet.layers") > 5  # the user has said it


def test_a_process_without_room_for_it_goes_on(monkeypatch):
    def refused(size):
        raise MemoryError

    monkeypatch.setattr(memory, "bytes", refused, raising=False)
    memory.keep_freed()
