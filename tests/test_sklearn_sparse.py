"""Sparse X of the estimators: the first product reads rows of a CSR matrix."""

import numpy as np
import pytest
from by_address import call
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet.kernels import TANH, estimators

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

import scipy.sparse
import sklearn.neural_network as theirs
from sklearn.base import clone

import fastnet.sklearn as ours
from fastnet.sklearn.samples import rows_of
from fastnet.sklearn.stepping import Steps

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def sparse_samples(n, width, dtype=np.float64, density=0.03):
    return scipy.sparse.random(n, width, density, format="csr", dtype=dtype, random_state=0)


@pytest.fixture
def labels(rng):
    return rng.integers(3, size=90)


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_sparse_samples_give_what_dense_ones_give(solver, make, monkeypatch, labels):
    monkeypatch.setattr("fastnet.sklearn.fitting.SAME_BITS", 0)
    X = sparse_samples(90, 12, density=0.4).toarray()
    dense = ours.MLPClassifier(solver=solver, max_iter=5, random_state=0, batch_size=16)
    dense.fit(X, labels)
    weight = np.linspace(0, 1, len(X))
    weighed = clone(dense).fit(X, labels, weight)
    for most in (None, 0):  # made dense, or not
        if most is not None:
            monkeypatch.setattr("fastnet.sklearn.samples.DENSE", most)
        sparse = clone(dense).fit(make(X), labels)
        assert_allclose(sparse.coefs_[0], dense.coefs_[0], atol=1e-12)
        assert_allclose(sparse.predict_proba(make(X)), dense.predict_proba(X), atol=1e-12)
        sparse = clone(dense).fit(make(X), labels, weight)
        assert_allclose(sparse.coefs_[0], weighed.coefs_[0], atol=1e-12)


@pytest.mark.parametrize("hidden", [(), (7,), (20, 5)], ids=str)
@pytest.mark.parametrize(
    "named", [{"solver": "sgd"}, {"activation": "tanh"}, {"activation": "identity"}], ids=str
)
def test_wide_sparse_samples_are_trained_on_as_by_scikit_learn(named, hidden, labels):
    X = sparse_samples(90, 300)
    common = {"hidden_layer_sizes": hidden, "random_state": 0, "batch_size": 40, **named}
    expected = theirs.MLPClassifier(max_iter=1, **common)
    model = ours.MLPClassifier(max_iter=1, **common)
    for _ in range(3):
        expected.partial_fit(X, labels, classes=range(3))
        model.partial_fit(X, labels, classes=range(3))
        assert_allclose(model.predict_proba(X), expected.predict_proba(X), atol=1e-12)
    for one, other in zip(model.coefs_, expected.coefs_, strict=True):
        assert_allclose(one, other, atol=1e-12)
    for one, other in zip(model.intercepts_, expected.intercepts_, strict=True):
        assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("named", [{"activation": "gelu"}, {"dropout": 0.3}, {"clip_norm": 0.1}])
def test_what_is_beyond_scikit_learn_goes_with_sparse_samples(named, labels):
    X = sparse_samples(90, 300)
    model = ours.MLPClassifier(max_iter=4, random_state=0, **named)
    sparse, dense = clone(model).fit(X, labels), clone(model).fit(X.toarray(), labels)
    assert_allclose(sparse.coefs_[0], dense.coefs_[0], atol=1e-12)
    assert_allclose(sparse.loss_curve_, dense.loss_curve_, rtol=1e-12)


def test_samples_beyond_the_first_number():
    """Numbers of samples are two: 2**24 + 1 would be no float32."""
    X = scipy.sparse.csr_matrix((2**20 + 9, 3), dtype=np.float32)
    rows = rows_of(X, np.dtype("f4")).array.astype(np.int64)
    assert_array_equal(rows @ [estimators.SAMPLES, 1], np.arange(2**20 + 9))
    first, last = np.zeros(1, np.float32), np.ones(1, np.float32)
    start = np.zeros(estimators.SAMPLES + 4, np.int64)
    start[-1] = 1  # of sample SAMPLES + 2 alone is a number not zero
    column, value = np.zeros(1, np.int64), np.full(1, 5, np.float32)
    own = *(a.ctypes.data for a in (start, column, value)), 1, 1, TANH
    state, params = np.array(own, np.int64), np.array([0.1, 0.0], np.float32)
    for i, out in ((estimators.SAMPLES + 1, first), (estimators.SAMPLES + 2, last)):
        number = np.array(divmod(i, estimators.SAMPLES), np.float32)
        call(
            estimators.sparse_samples_in_loop, 1, 0, 0, 1, 1, 2, 1, number.ctypes.data,
            params.ctypes.data, state.ctypes.data, 0, 0, out.ctypes.data, np.float32(0),
        )  # fmt: skip
    assert first[0] == 0 and last[0] == pytest.approx(np.tanh(0.5))


CHANGED = {
    "indices must be >= 0": ("indices", -1),
    "indices must be < 300": ("indices", 300),
    "indptr must be a non-decreasing sequence": ("indptr", 10**6),
}


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
@pytest.mark.parametrize("found", CHANGED)
def test_a_matrix_whose_arrays_were_changed_is_refused(found, make, labels):
    """Before anything is read by them: kernels trust them, as SciPy does."""
    name, value = CHANGED[found]
    X = make(sparse_samples(90, 300))
    getattr(X, name)[5] = value
    if make is scipy.sparse.csc_array and name == "indices":
        found = found.replace("300", "90")  # rows
    with pytest.raises(ValueError, match=f"X must be a sparse matrix whose arrays fit, .* {found}"):
        ours.MLPClassifier(max_iter=1).partial_fit(X, labels, classes=range(3))


def test_arrays_of_a_matrix_may_be_views(labels):
    X = sparse_samples(90, 300)
    spread = np.repeat(X.data, 2)[::2]
    spread.flags.writeable = False
    strided = scipy.sparse.csr_matrix((spread, X.indices, X.indptr), X.shape, copy=False)
    strided.data = spread
    assert not strided.data.flags.c_contiguous
    model = ours.MLPClassifier(max_iter=2, random_state=0)
    assert_array_equal(clone(model).fit(strided, labels).coefs_[0], model.fit(X, labels).coefs_[0])


@every_dtype
def test_any_threads_give_the_same_bits(dtype, labels, team_of):
    X, found = sparse_samples(90, 300, dtype), []
    for threads in (1, 2):
        team_of(threads)
        model = ours.MLPClassifier((300,), max_iter=3, random_state=0).fit(X, labels)
        found.append(model.coefs_[0])
    assert_array_equal(*found)


@every_dtype
@with_each("m", [1, 5, 16, 37])
@with_each("blocks", [1, 3])
@with_each("add", [0, 1])
def test_the_product_and_its_gradient(add, blocks, m, dtype, rng):
    """Beside its arrays nothing is written, and each block writes its rows of W alone."""
    X, order = sparse_samples(9, 20, dtype, 0.3), np.array([8, 0, 3, 3])
    start, columns = X.indptr.astype(np.int64), X.indices.astype(np.int64)
    params = np.full(20 * m + 3 + m + 3, 0.25, dtype)  # W, a gap, b, and what is not ours
    params[: 20 * m] = rng.normal(size=20 * m)
    W, b = params[: 20 * m].reshape(20, m), params[20 * m + 3 :][:m]
    b[:] = rng.normal(size=m)
    own = *(a.ctypes.data for a in (start, columns, X.data)), 20 * m + 3, 20, TANH
    state = np.array(own, np.int64)
    numbers = np.stack(np.divmod(order, estimators.SAMPLES), axis=1).astype(dtype)
    out, dout = np.full((6, m), 7, dtype), rng.normal(size=(4, m)).astype(dtype)
    at = numbers.ctypes.data, out[1:].ctypes.data
    call(
        estimators.sparse_samples_in_loop, 1, 0, 0, 4, 4, 2, m, at[0], params.ctypes.data,
        state.ctypes.data, 0, 0, at[1], dtype(0),
    )  # fmt: skip
    dense = X.toarray()[order]
    near = {"rtol": 0, "atol": 50 * np.finfo(dtype).eps}
    assert_allclose(out[1:5], np.tanh(dense @ W + b), **near)
    assert (out[[0, 5]] == 7).all()
    expected = (params if add else np.full_like(params, 0.25)).copy()
    dW, db = expected[: 20 * m].reshape(20, m), expected[20 * m + 3 :][:m]
    target = expected.copy()
    dW[:] = add * dW + dtype(0.5) * (dense.T @ dout)
    db[:] = add * db + dtype(0.5) * dout.sum(axis=0)
    for block in range(blocks):
        call(
            estimators.sparse_samples_gradient_in_loop, block, blocks, 4, 2, m, at[0], at[1],
            params.ctypes.data, state.ctypes.data, 0, 0, dout.ctypes.data, add, target.ctypes.data,
            dtype(0.5),
        )  # fmt: skip
    assert_allclose(target, expected, **near)
    assert_array_equal(target[20 * m :][:3], expected[20 * m :][:3])
    assert_array_equal(target[-3:], expected[-3:])


def test_wide_epochs_are_cut_into_calls_by_their_updates(monkeypatch):
    """20 batches that multiply little update 2 million parameters each: Ctrl-C would wait."""
    calls = []
    run = Steps.run
    monkeypatch.setattr(Steps, "run", lambda *given: calls.append(1) or run(*given))
    X = scipy.sparse.random(1000, 20_000, 0.001, format="csr", random_state=0)
    ours.MLPRegressor(max_iter=1, batch_size=50, random_state=0).fit(X, np.zeros(1000))
    assert len(calls) > 2  # the first is of no samples
