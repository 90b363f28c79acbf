"""Errors about x and t name what is wrong, and their advice works."""

import re
import sys

import numpy as np
import pytest
import scipy.sparse
from in_turn import with_each
from told import RNG, T, X, expression, fit, model, said

from fastnet.functions import cross_entropy_error
from fastnet.layers import Affine, Embedding


class Frame:
    """As much of pandas' frame as a check looks at: columns of one length, by name."""

    def __init__(self, **columns):
        self.held = {name: np.asarray(column) for name, column in columns.items()}
        self.columns, self.dtypes = list(columns), [c.dtype for c in self.held.values()]

    def __getitem__(self, name):
        return self.held[name]

    def __array__(self, dtype=None, copy=None):
        kinds = {column.dtype for column in self.held.values()}
        dtype = dtype or (object if len(kinds) > 1 else None)
        return np.column_stack([c.astype(dtype or c.dtype) for c in self.held.values()])


# x, and what of the message is the way to go on.
UNFIT = {
    "complex": X + 1j,
    "objects": X.astype(object),
    "text that is numbers": X.astype(str).tolist(),
    "long double": X.astype(np.longdouble),
    "bool and float": Frame(a=X[:, 0] > 0.5, b=X[:, 1], c=X[:, 2]),
    "fields": np.rec.fromarrays(X.T, names="a,b,c"),
    "sparse matrix": scipy.sparse.csr_matrix(X),
    "sparse array": scipy.sparse.coo_array(X),
    "dates": (X * 9).astype("M8[D]"),
}


@with_each("case", UNFIT)
def test_x_that_holds_no_numbers(case):
    x = UNFIT[case]
    message = said(fit, x, T)
    code = re.search(r"(numpy\.\S+?\(x(?:, \w+)?\)(?:\.astype\(float\))?|x\.toarray\(\))", message)
    import numpy.lib.recfunctions  # noqa: F401  of the advice

    fit(eval(code[1], {"numpy": np, "x": x}), T)


def test_sparse_x_is_known_without_scipy(monkeypatch):
    class Sparse:
        def toarray(self):
            return X

    monkeypatch.setitem(sys.modules, "scipy", None)
    message = said(fit, Sparse(), T)
    assert message == (
        "Sequential.fit: x must be an array of integers, float16, float32 or float64, got a sparse "
        "Sparse. Give x.toarray()."
    )
    fit(expression(message, x=Sparse()), T)


def test_a_mixed_frame_names_the_columns_that_are_no_numbers():
    frame = Frame(
        age=[1.5] * 12, name=["a"] * 12, born=np.full(12, "2020", "M8[D]"), sold=["2"] * 12
    )
    message = said(fit, frame, T)
    assert message == (
        "Sequential.fit: x must be an array of integers, float16, float32 or float64, got a Frame "
        "with columns that are no numbers: 'name', 'born'. Leave them out, or encode them as "
        "numbers."
    )
    bad = eval(f"({re.search('numbers: (.*?)[.]', message)[1]})")
    rest = Frame(**{name: frame[name] for name in frame.columns if name not in bad})
    fit(expression(said(fit, rest, T), x=rest), T)  # the text "2" is a number


def test_a_frame_of_pandas():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame({"age": X[:, 0], "name": ["a"] * 12, "old": X[:, 0] > 0.5})
    message = said(fit, frame, T)
    assert "got a DataFrame with columns that are no numbers: 'name'. Leave them out" in message
    rest = frame.drop(columns=["name"])
    fit(expression(said(fit, rest, T), x=rest), T)


def test_one_entry_that_is_no_number_is_named():
    x = X.astype(object)
    x[4, 1] = None
    assert said(fit, x, T).endswith(
        "got dtype object with x[4, 1]=None. Give a real number there, or leave out what is not "
        "known."
    )
    fit(np.delete(x, 4, 0).astype(float), np.delete(T, 4))
    x[4, 1] = "male"
    message = said(fit, x, T)
    assert message.endswith("x[4, 1]='male'. Leave column 1 out, or encode it as numbers.")
    fit(np.delete(x, 1, 1).astype(float), T)


@pytest.mark.parametrize("known", [None, 1])
def test_one_feature_is_a_column(known):
    message = said(fit, X[:, 0], X[:, 0], units=1, loss="mse", inputs=known)
    assert "Reshape samples of one feature to (N, 1): x.reshape(-1, 1)" in message
    fit(X[:, 0].reshape(-1, 1), X[:, 0], units=1, loss="mse", inputs=known)


def test_one_sample_is_a_row():
    ready = model(inputs=3)
    message = said(ready.evaluate, X[0], T[:1])
    assert message.endswith("Reshape one sample to (1, D): x.reshape(1, -1).")
    ready.evaluate(expression(message, x=X[0]), T[:1])


# t, and the outputs that there are: the advice gives labels.
LABELS = {
    "names": np.array(["cat", "dog", "eel"])[T],
    "a list of names": np.array(["cat", "dog", "eel"])[T].tolist(),
    "objects of names": np.array(["cat", "dog", "eel"], object)[T],
    "floats": T.astype(float),
    "a list of floats": T.astype(float).tolist(),
    "text that is numbers": T.astype(str),
    "objects of numbers": T.astype(object),
    "signs": np.where(T == 0, -1, 1),
    "large numbers": 10**9 + T,
}


@with_each("case", LABELS)
def test_labels_become_numbers(case):
    t = LABELS[case]
    labels = expression(said(fit, X, t), t=t)
    fit(X, labels)
    found = set(zip(np.asarray(t).tolist(), labels.tolist(), strict=True))
    assert len(found) == len(set(np.asarray(t).tolist())) > 1  # to each its own number


@pytest.mark.parametrize("units", [1, 5])
@pytest.mark.parametrize("form", [lambda t: t, lambda t: np.eye(10)[t]], ids=["labels", "one-hot"])
def test_more_classes_than_outputs(units, form):
    x, t = RNG.random((20, 3)), form(np.arange(20) % 10)
    message = said(fit, x, t, units=units)
    units = re.search(r"Give the last layer (\d+) units, one for each class\.", message)[1]
    fit(x, t, units=int(units))


def test_two_classes_and_one_output():
    t = T % 2
    message = said(fit, X, t, units=1)
    assert message.endswith(
        "t[1]=1. Give the last layer 2 units, one for each class; one output goes with "
        'loss="sigmoid_cross_entropy".'
    )
    fit(X, t, units=2)
    fit(X, t, units=1, loss="sigmoid_cross_entropy")


def test_classes_counted_from_one():
    message = said(fit, X, T + 1)
    assert message.endswith(
        "t[2]=3. Count classes from 0: t - 1; or give the last layer 4 units, one for each class."
    )
    fit(X, T)
    fit(X, T + 1, units=4)


def test_labels_of_a_function():
    y = np.full((12, 2), 0.5)
    message = said(cross_entropy_error, y, T)
    assert message.endswith("t[2]=2. Give y 3 columns, one for each class.")
    cross_entropy_error(np.full((12, 3), 1 / 3), T)


def test_targets_of_a_regression():
    message = said(fit, X, T, loss="mse")
    assert message.endswith("got t.shape=(12,). Make one-hot rows of labels, numpy.eye(3)[t].")
    fit(X, expression(message, t=T), loss="mse")
    message = said(fit, X, T + 0.5, loss="mse")
    assert message.endswith("got t.shape=(12,). Give the last layer 1 unit.")
    fit(X, T + 0.5, loss="mse", units=1)
    message = said(fit, X, X[:, :2], loss="mse")
    assert message.endswith("got t.shape=(12, 2). Give the last layer 2 units.")
    fit(X, X[:, :2], loss="mse", units=2)
    message = said(fit, X, T + 0.5)
    assert message.endswith(
        "Give the numbers of classes; for real targets take a loss of regression."
    )


def test_row_numbers():
    rows = [[0.0, 2.0]]
    layer = Embedding(np.ones((3, 2)))
    layer.forward(expression(said(layer.forward, rows), idx=rows))
    assert said(layer.forward, [[0.5]]).endswith("Give whole numbers.")


def test_features_of_a_product():
    layer = Affine(np.ones((4, 2)), np.zeros(2))
    assert said(layer.forward, np.ones((3, 5))).endswith("Give x of shape (N, 4).")
    x = np.ones((2, 4, 4))
    assert said(layer.forward, x).endswith("got x.shape=(2, 4, 4). Reshape x to (N, 4).")
    layer.forward(x.reshape(-1, 4))
