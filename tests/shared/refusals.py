"""What a call refuses with, as text, and the bits of numbers."""

import numpy as np
import pytest
from in_turn import with_each

import fastnet
from fastnet import reference

SIDES = [fastnet.gradient, reference.gradient]
both_sides = with_each("side", SIDES)


def refusal(call):
    """The text of the error that a call ends with, after its type."""
    with pytest.raises((TypeError, ValueError, IndexError, RuntimeError)) as caught:
        call()
    return f"{caught.type.__name__}: {caught.value}"


def bits(array):
    return array.tobytes()


READ_ONLY = np.ones(2)
READ_ONLY.flags.writeable = False
