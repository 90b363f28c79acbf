"""Samples, labels and targets that a model refuses, and what it says."""

import numpy as np
from in_turn import with_each
from small_models import (
    METHODS,
    ONE_EACH,
    ONE_ROW,
    SAID_BY,
    SQUARED_ERROR,
    T,
    X,
    small,
    unbuilt,
    untouched,
)

OF_SAMPLES = "Give an array of samples, one a row."
OF_ONE_AXIS = (
    "Reshape one sample to (1, D): x.reshape(1, -1).",
    "Reshape samples of one feature to (N, 1): x.reshape(-1, 1); one sample to (1, D): "
    "x.reshape(1, -1).",
)
# x, the error and its text after "<method>: ", for every method that takes x.
BAD_X = {
    "object": (
        X.astype(object), TypeError,
        "x must be an array of integers, float16, float32 or float64, got dtype object. "
        "Give numpy.asarray(x, float).",
    ),
    "complex": (
        X + 1j, TypeError,
        "x must be an array of integers, float16, float32 or float64, got dtype complex128. "
        "Give its real part, numpy.real(x).",
    ),
    "strings": (
        [["a"] * 5], TypeError,
        "x must be an array of integers, float16, float32 or float64, got list of dtype <U1 with "
        "x[0, 0]='a'. Leave column 0 out, or encode it as numbers.",
    ),
    "ragged": (
        [[1.0], [1.0, 2.0]], ValueError,
        "x must be an array, got a list whose parts differ in length. "
        "Give every row the same length.",
    ),
    "None": (
        None, TypeError,
        "x must be an array of integers, float16, float32 or float64, got NoneType of dtype "
        "object. Give an array of numbers.",
    ),
    "one sample": (
        X[0], ValueError,
        f"x must be (N, D) {ONE_ROW}, got x.shape=(5,). {OF_ONE_AXIS[0]}",
    ),
    "a number": (
        1.0, ValueError,
        f"x must be (N, D) {ONE_ROW}, got x.shape=(). {OF_SAMPLES}",
    ),
    "no samples": (
        X[:0], ValueError,
        f"x must be (N, D) {ONE_ROW}, got x.shape=(0, 5). {OF_SAMPLES}",
    ),
    "no features": (
        X[:, :0], ValueError,
        f"x must be (N, D) {ONE_ROW}, got x.shape=(6, 0). {OF_SAMPLES}",
    ),
    "too wide": (
        np.ones((6, 7)), ValueError,
        "x must have 5 features, got 7. Give x the width that the first layer takes.",
    ),
    "too wide an image": (
        np.ones((6, 2, 3), np.uint8), ValueError,
        "x must have 5 features, got 6. Give x the width that the first layer takes.",
    ),
}  # fmt: skip
takes_x = with_each("method", METHODS)
takes_t = with_each("method", ["fit", "evaluate", "forward", "gradient"])


@takes_x
@with_each("case", BAD_X)
def test_bad_x(case, method):
    x, error, text = BAD_X[case]
    if case == "one sample" and method.startswith("predict"):
        return  # which takes one
    text = f"Sequential.{SAID_BY.get(method, method)}: {text}"
    for make in (small, unbuilt):
        if make is small or not case.startswith("too wide"):  # any width will do there
            model = make()
            if make is unbuilt:  # it does not know that a sample has five features
                text = text.replace(*OF_ONE_AXIS)
            untouched(model, lambda m=model: METHODS[method](m, x, T), error, text)


BAD_LABELS = {
    "too large": (
        [0, 1, 2, 0, 3, 1], IndexError,
        "t must be in 0..2 for predict(x).shape=(6, 3), got t[4]=3. "
        "Give the last layer 4 units, one for each class.",
    ),
    "negative": (
        np.array([0, -1, 2, 0, 2, 1], np.int8), IndexError,
        "t must be in 0..2 for predict(x).shape=(6, 3), got t[1]=-1. "
        "Leave such samples out by SoftmaxCrossEntropy(ignore_index=-1), or count classes from 0, "
        "of all t at once: numpy.unique(t, return_inverse=True)[1].",
    ),
    "huge": (
        np.array([0, 1, 2, 0, 2**64 - 1, 1], np.uint64), IndexError,
        "t must be in 0..2 for predict(x).shape=(6, 3), got t[4]=18446744073709551615. "
        "Count classes from 0, of all t at once: numpy.unique(t, return_inverse=True)[1].",
    ),
    "real numbers": (
        T.astype(float), TypeError,
        "t must be integer labels or one-hot rows, got dtype float64 with t.shape=(6,). "
        "Give numpy.asarray(t, int).",
    ),
    "too few": (
        T[:5], ValueError,
        "t must have shape (6,) or (6, 3) to match predict(x).shape=(6, 3), got t.shape=(5,). "
        + ONE_EACH,
    ),
    "one-hot of another width": (
        np.eye(4)[T], ValueError,
        "t must have shape (6,) or (6, 3) to match predict(x).shape=(6, 3), got t.shape=(6, 4). "
        "Give the last layer 4 units, one for each class.",
    ),
    "none": (
        [], ValueError,
        "t must have shape (6,) or (6, 3) to match predict(x).shape=(6, 3), got t.shape=(0,). "
        + ONE_EACH,
    ),
    "two ones": (
        np.array([[1, 0, 0]] * 4 + [[0, 1, 1]] * 2), ValueError,
        "t must be one-hot, a single 1 and zeros in each row, got t[4]=[0 1 1]. "
        "Give labels (N,) or one-hot rows (N, C).",
    ),
    "probabilities": (
        np.full((6, 3), 0.25), ValueError,
        "t must be one-hot, or rows of probabilities that add up to 1, got t[0]=[0.25 0.25 0.25]. "
        "Give labels (N,), one-hot rows, or each row divided by its sum.",
    ),
    "strings": (
        ["a"] * 6, TypeError,
        "t must be an array of integers, float16, float32 or float64, got list of dtype <U1 with "
        "t[0]='a'. Number what are names, of all t at once: "
        "numpy.unique(t, return_inverse=True)[1].",
    ),
}  # fmt: skip
BAD_TARGETS = {
    "too few": (
        np.ones((5, 3)), ValueError,
        "t must have shape (6, 3) to match x, got t.shape=(5, 3). Give one target for each output.",
    ),
    "labels": (
        T, ValueError,
        "t must have shape (6, 3) to match x, got t.shape=(6,). "
        "Make one-hot rows of labels, numpy.eye(3)[t].",
    ),
    "complex": (
        np.ones((6, 3), complex), TypeError,
        "t must be an array of integers, float16, float32 or float64, got dtype complex128. "
        "Give its real part, numpy.real(t).",
    ),
}  # fmt: skip


@takes_t
@with_each("case", BAD_LABELS)
@with_each("make", [small, unbuilt])
def test_bad_labels(make, case, method):
    t, error, text = BAD_LABELS[case]
    model = make()
    text = f"Sequential.{SAID_BY.get(method, method)}: {text}"
    untouched(model, lambda: METHODS[method](model, X, t), error, text)


@takes_t
@with_each("case", BAD_TARGETS)
def test_bad_targets(case, method):
    t, error, text = BAD_TARGETS[case]
    model = small(SQUARED_ERROR)
    text = f"Sequential.{SAID_BY.get(method, method)}: {text}"
    untouched(model, lambda: METHODS[method](model, X, t), error, text)
