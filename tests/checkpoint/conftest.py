"""What the tests of saved models share."""

import pytest

from fastnet.checkpoint import save_model
from fastnet.layers import Dense
from fastnet.models import Sequential


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def saved(path):
    """A small saved model, 4-3-2."""
    model = Sequential([Dense(3, activation="relu", input_shape=(4,)), Dense(2)], seed=0)
    model.build(4)
    save_model(model, path)
    return path
