"""What is relied on inside Numba: a version that lacks it is refused in one line."""

import re

import numba
import pytest

from fastnet.kernels import _numba


def test_this_numba_has_all():
    _numba.check()


@pytest.mark.parametrize("name", ["FunctionCache._new_key", "Nothing", "FunctionCache"])
def test_a_numba_that_lacks_something_is_refused(name):
    if name == "FunctionCache":
        _numba.check({"caching": [name]})
        return
    with pytest.raises(ImportError) as caught:
        _numba.check({"caching": ["FunctionCache._index_key", name]})
    assert str(caught.value) == (
        "fastnet.kernels: numba must be a version that fastnet was tested with, got "
        f"{numba.__version__}, which lacks numba.core.caching.{name}. Install another: "
        "pip install 'numba<0.69'."
    )
    with pytest.raises(ImportError, match=r"lacks llvmlite\.binding\.ffi\.Nothing\. "):
        _numba.check({"llvmlite.binding.ffi": ["Nothing"]})


def test_the_bound_is_that_of_the_package(root):
    bound = re.search(r"numba>=[\d.]+,(<[\d.]+)", (root / "pyproject.toml").read_text())
    assert f"numba{bound[1]}'" in (root / "kernels" / "_numba.py").read_text()
