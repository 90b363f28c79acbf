"""Results have NumPy's dtype."""

import numpy as np
import pytest
from called_with import CALLS, PRODUCTS, UPDATES, inputs
from in_turn import with_each
from numpy.testing import assert_array_equal

# Of sequences and words: their results have the dtype of x and the parameters, too.
HELD = {"TimeAffine", "TimeAffine tied", "EmbeddingDot", "NegativeSamplingLoss"}


# dtype of x -> dtype of an elementwise result: NumPy's, and float64 for integers.
ALONE = {
    "float16": "float16",
    "float32": "float32",
    "float64": "float64",
    "bool": "float64",
    "uint8": "float64",
    "int16": "float64",
    "int64": "float64",
}


@with_each("given", ALONE)
# Not BinaryCrossEntropy: these x are no probabilities.
@pytest.mark.parametrize(
    "name",
    sorted(
        CALLS.keys() - PRODUCTS - HELD - UPDATES.keys() - {"BinaryCrossEntropy", "TimeEmbedding"}
    ),
)
def test_results_have_numpys_dtype(name, given):
    x, dout = ((10 * array).astype(given) for array in inputs())
    wide = np.float32 if given == "float16" else np.float64
    # float16 is computed in float32; each result is rounded once, and backward reads a rounded
    # output, so compare forward to the bit and backward closely.
    computed = CALLS[name](x.astype(wide), dout.astype(wide), wide)
    results = CALLS[name](x, dout, wide)
    for i, (result, expected) in enumerate(zip(results, computed, strict=True)):
        assert result.dtype == ALONE[given]
        if i == 0 or given != "float16":
            expected = computed[i].astype(ALONE[given])
            if given in ("float32", "float64"):
                expected = CALLS[name](x, dout, wide)[i]
            assert_array_equal(result, expected)
        else:
            assert np.abs(result - expected).max() < 0.02 * max(1, np.abs(expected).max())


@with_each("given", ALONE)
@pytest.mark.parametrize("held", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(PRODUCTS | HELD))
def test_products_have_numpys_dtype(name, held, given):
    x, dout = ((10 * array).astype(given) for array in inputs())
    out, dx, *grads = CALLS[name](x, dout, held)
    expected = np.result_type(given, held)
    assert out.dtype == dx.dtype == expected
    for grad in grads:
        assert grad.dtype == held
    wide = CALLS[name](x.astype(expected), dout.astype(expected), held)
    for result, wanted in zip([out, dx, *grads], wide, strict=True):
        assert_array_equal(result, wanted, strict=True)


@pytest.mark.parametrize("name", ["MatMul", "Affine"])
def test_a_gradient_of_another_dtype_than_x(name):
    x, dout = inputs()
    held = CALLS[name](x, dout.astype(np.float32), np.float32)
    assert [array.dtype for array in held[:3]] == ["float64", "float32", "float32"]
    held = CALLS[name](x.astype(np.float32), dout, np.float32)
    assert [array.dtype for array in held[:3]] == ["float32", "float64", "float32"]
