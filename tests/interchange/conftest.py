"""What the tests of the ways to other libraries share."""

import numpy as np
import pytest
from interchanged import RNG


@pytest.fixture(autouse=True)
def same_numbers_in_any_order_of_tests():
    RNG.bit_generator.state = np.random.default_rng(0).bit_generator.state


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")
