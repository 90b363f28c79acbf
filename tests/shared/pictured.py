"""What a picture refuses with, and its ticks."""

import numpy as np
import pytest

RNG = np.random.default_rng(0)


def refused(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error and str(caught.value) == text
