"""To ONNX: onnxruntime agrees."""

import os
import sys

import pytest
from interchanged import HEADS, MODELS, OTHER_THAN_TORCH, assert_close, made


@pytest.mark.parametrize("case", [*MODELS, *HEADS, *OTHER_THAN_TORCH])
def test_onnxruntime_agrees(case, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    model, x = made(case, "float32")
    model.to_onnx(tmp_path / "model.onnx")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(tmp_path / "model.onnx", options)
    for n in (1, 4):
        found = session.run(None, {"x": x[:n]})
        assert_close(found if case in HEADS else found[0], model.predict(x[:n]), 1e-5)
    names = [each.name for each in session.get_outputs()]
    assert names == (["head0", "head1"] if case in HEADS else ["y"])
    assert os.listdir(tmp_path) == ["model.onnx"]


def test_onnx_is_an_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    model, _ = made("dense")
    with pytest.raises(ImportError) as caught:
        model.to_onnx(tmp_path / "model.onnx")
    assert str(caught.value).startswith("Sequential.to_onnx: onnx must be installed, got ")
    assert str(caught.value).endswith(". Run pip install 'fastnet-numba[onnx]'.")
