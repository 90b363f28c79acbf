"""No read or write leaves an operand: each lies between two pages that nobody may touch.

Behind the last row of a matrix stands nobody's memory, and most loops read whole vectors. So every
product, every kernel of rows and the compiled loop run on operands that end where a page does, and
on operands that begin there, at every size where a tile, a strip, a block or a vector ends.
"""

import os
import re
import sys
from pathlib import Path

import children
import fenced_calls
import fenced_products
import numpy as np
import pytest
import recurrences
from fences import MEGABYTE, PRODUCTS, Fences
from in_turn import every_dtype_name

from fastnet import kernels, warmup
from fastnet.kernels import checked
from fastnet.kernels.simd import BITS


def run(*words, **environment):
    """Call kernels in a child of this process, which dies of one read outside."""
    command = [sys.executable, fenced_calls.__file__, *words]
    done = children.run(command, env={**os.environ, **environment})
    return done.returncode, done.stdout.split(), done.stderr[-2000:]


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="mprotect")
PARTS = ["float32", "float64", "sparse", "convolution", "loop"]


@pytest.mark.parametrize("parts", [PARTS[:3], [*PARTS[3:], "rows"]], ids=", ".join)
def test_no_kernel_leaves_its_operands(root, parts):
    """A process a part would start four more, of a second each."""
    code, printed, errors = run(*parts, str(root))
    assert (code, printed) == (0, parts), errors


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("bits", [128, 256])
def test_no_kernel_of_other_vectors_leaves_its_operands(root, kernel_cache, bits, part):
    """Their tiles are others, and so is what they do without masks."""
    if "FASTNET_VECTOR_BITS" in os.environ or bits >= BITS:
        pytest.skip(f"this run has vectors of {BITS} bits")
    setting = {"FASTNET_VECTOR_BITS": str(bits), "NUMBA_CACHE_DIR": kernel_cache(f"{bits} bits")}
    code, printed, errors = run(part, str(root), **setting)
    assert (code, printed) == (0, [part]), errors


@pytest.mark.parametrize("index", [-1, 5])
def test_the_fence_holds(index):
    """The test above can fail: the child dies of one load, and of what a kernel allocates, too."""
    code, printed, errors = run("stray", str(index))
    assert code < 0 and printed == ["inside"], errors


def test_every_kernel_stands_between_fences(root, monkeypatch):
    """What is not called from a list is called by name; loops by address call kernels of rows."""
    monkeypatch.syspath_prepend(root)
    from asv_benchmarks import work

    wanted = {
        kernel.__name__
        for kernel, _ in warmup.versions()
        if PRODUCTS.match(kernel.__name__)
        or (
            kernel.__name__ not in work.KERNELS
            and not kernel.__name__.endswith("_in_loop")
            and not kernel.__module__.startswith(checked.__name__)
        )
    }
    called = r"\b(?:kernels|checked|loop_sparse|online)\.(\w+)[(,.]"
    texts = [Path(module.__file__).read_text() for module in (fenced_calls, fenced_products)]
    by_name = re.findall(called, "\n".join(texts))
    assert sorted(wanted - set(by_name)) == []
    assert {"affine_forward", "train_epochs", "affine_layer_backward"} <= wanted


SEQUENCES = [
    (1, 1, 1, 1),
    (1, 1, 17, 33),
    (1, 1, 9, 5),
    (1, 3, 5, 7),
    (3, 2, 9, 8),
    (2, 3, 17, 33),
    (58, 2, 3, 15),
    (9, 2, 30, 49),
]


@pytest.mark.parametrize("where", ["start", "end"])
@every_dtype_name
@pytest.mark.parametrize("kind", recurrences.KINDS)
def test_recurrences_stay_inside(kind, dtype, where):
    fences = Fences(24, MEGABYTE)
    fences.where = where
    for size in SEQUENCES:
        case = recurrences.Case(kind, size, np.dtype(dtype).type)
        expected, fences.used = case.run(kernels), 0
        fences.fill(np.nan, dtype)
        for name in ("x", "b", "dout"):
            setattr(case, name, fences.copy(getattr(case, name)))
        for name in ("weights", "states", "dc", "rooms"):
            setattr(case, name, [fences.copy(array) for array in getattr(case, name)])
        out = fences.copy(np.full_like(case.dout, np.nan))
        forward, backward = (
            getattr(kernels, f"{case.name}_{way}") for way in ("forward", "backward")
        )
        forward(case.x, *case.weights, case.b, *case.states, *case.settings, *case.rooms, out)
        arrays = [case.states[0], *case.dc, case.x, *case.weights, case.b]
        grads = [fences.array(*array.shape, dtype=dtype) for array in arrays]
        if case.dc:
            grads[1][...] = case.dc[0]
        backward(case.x, *case.weights, case.dout, *case.settings, *case.rooms, *grads)
        for ours, wanted in zip([out, *case.states, *grads], expected, strict=True):
            np.testing.assert_array_equal(ours, wanted)
