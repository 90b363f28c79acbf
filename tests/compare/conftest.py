"""What the tests of the comparison share."""

import pytest
from compared import load


@pytest.fixture(scope="module")
def compare(root):
    return load(root)
