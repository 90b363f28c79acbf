"""What the tests of data sets share."""

import numpy as np
import pytest
from idx_files import NAMES, idx


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return [
        rng.integers(0, 256, (7, 28, 28), np.uint8),
        np.array([5, 0, 4, 1, 9, 2, 1], np.uint8),
        rng.integers(0, 256, (3, 28, 28), np.uint8),
        np.array([7, 2, 1], np.uint8),
    ]


@pytest.fixture
def small(tmp_path, arrays):
    """A folder with four small, correct, plain IDX files."""
    for name, array in zip(NAMES, arrays, strict=True):
        (tmp_path / name).write_bytes(idx(array, 2051 if array.ndim == 3 else 2049))
    return tmp_path
