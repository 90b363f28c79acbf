"""The command that trains, as a process."""

import sys

MODEL, CURVES, HISTORY = "model.safetensors", "learning_curves.png", "history.json"
TRAIN = [sys.executable, "-m", "fastnet", "train"]
