"""Models that were saved, what their files say, and what loading refuses."""

import json
import struct

from safetensors.numpy import load_file


def arrays_and_header(path):
    """The arrays of a saved model, and its description as a dict."""
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    return load_file(path), json.loads(json.loads(raw[8 : 8 + size])["__metadata__"]["fastnet"])


def dense(**changes):
    return {"class": "Dense", "units": 3, "activation": "relu", "weight_init_std": None} | changes
