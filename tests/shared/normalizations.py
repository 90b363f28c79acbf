"""Sizes and layers of a batch normalization."""

import numpy as np
import pytest

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SIZES = [(2, 1), (3, 5), (4, 16), (5, 33), (17, 8), (100, 50), (64, 512)]
