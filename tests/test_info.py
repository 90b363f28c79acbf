"""The description of the installation that `fastnet info` prints."""

import os
import re

import numpy as np

import fastnet
from fastnet import info
from fastnet.kernels import _cache, _folders, blocking

NAMES = [
    *"fastnet python numpy numba llvmlite tqdm safetensors matplotlib scikit-learn".split(),
    *"pandas pillow platform cpu features vectors threads cache cached settings".split(),
]


def test_installation(monkeypatch):
    monkeypatch.setenv("NUMBA_TEST_OF_INFO", "a value")
    lines = info.installation()
    assert list(lines) == NAMES
    assert lines["fastnet"] == f"{fastnet.__version__} in {os.path.dirname(info.__file__)}"
    assert lines["numpy"] == np.__version__
    row = blocking.SET
    tile = f"tile of {blocking.TALL} rows x {blocking.STRIP} vectors"
    step = "fused" if blocking.FUSED else "separate"
    registers = f"{row.name}: {row.bits} bits, {row.registers} registers"
    assert lines["vectors"] == f"{registers}, {tile}, {step} multiply-add"
    assert re.match(rf"{fastnet.get_num_threads()} \(Numba would use \d+\)", lines["threads"])
    assert "NUMBA_TEST_OF_INFO=a value" in lines["settings"]


def test_how_much_is_cached(monkeypatch, tmp_path):
    monkeypatch.setattr(_folders, "ROOTS", [tmp_path / "given", tmp_path / "package"])
    nothing = "0.0 MB of 0 kernels, 0.0 MB of other versions and CPUs"
    assert info.installation()["cached"] == nothing
    old = f"kernels-{'0' * 16}-x-512"
    for folder, size in ((f"given/{_folders.NAME}", 1), (f"package/{old}", 2)):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.kernel").write_bytes(bytes(size * 1_234_567))
    assert info.installation()["cached"] == (
        "1.2 MB of 1 kernels, 2.5 MB of other versions and CPUs"
    )


def test_where_something_is_missing(monkeypatch):
    monkeypatch.setattr(_cache, "cache_directory", lambda: None)
    monkeypatch.setattr(info, "PACKAGES", ["numpy", "no-such-package-here"])
    lines = info.installation()
    assert lines["cache"] == "none: no folder can be written"
    assert lines["no-such-package-here"] == "not installed"
