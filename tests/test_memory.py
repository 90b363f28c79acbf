"""Memory that arrays leave free stays with the process, so that the next step finds it."""

import platform
import sys

import children
import pytest

from fastnet import memory

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another C library gives memory back as it likes"
)

TEXT = """
import resource
import numpy as np
{}

def step():
    arrays = [np.ones(1_700_000, np.float32) for _ in range(3)]

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for _ in range(3):
    step()
before = faults()
for _ in range(20):
    step()
print((faults() - before) // 20)
"""


@pytest.fixture
def faults(monkeypatch):
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)

    def counted(text):
        done = children.run([sys.executable, "-c", TEXT.format(text)])
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
