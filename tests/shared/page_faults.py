"""A program that makes and frees arrays in steps, and prints how many pages each step fetches."""

import platform

import pytest

of_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another C library gives memory back as it likes"
)
VARIABLES = "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"  # a user's word

_STEPS = """
import resource
import numpy as np
{first}

def step():
    arrays = {arrays}

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for _ in range(3):
    step()
before = faults()
for _ in range(20):
    step()
print((faults() - before) // 20)
"""


def steps_of(arrays, first):
    """Return the program, of an expression for a step's arrays and what is imported first."""
    return _STEPS.format(arrays=arrays, first=first)
