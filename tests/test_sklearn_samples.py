"""What X and y of the estimators may be: sparse, frames, memmaps, dtypes, and what is refused."""

import warnings

import numpy as np
import pytest
from estimated import X_iris, X_reg, y_iris, y_reg
from in_turn import with_each
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import fastnet.sklearn as ours
from fastnet.kernels import train_epochs

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_weights_follow_the_dtype_of_the_samples():
    for solver in ("sgd", "adam", "lbfgs"):
        single = ours.MLPClassifier(solver=solver, max_iter=5, random_state=0)
        single.fit(X_iris.astype(np.float32), y_iris)
        double = clone(single).fit(X_iris, y_iris)
        assert {array.dtype.name for array in single.coefs_ + single.intercepts_} == {"float32"}
        for a, b in zip(single.coefs_, double.coefs_, strict=True):
            assert_allclose(a, b, atol=1e-6)
    model = ours.MLPRegressor(max_iter=3).fit(X_reg.astype(np.float32), y_reg)
    assert model.predict(X_reg.astype(np.float32)).dtype == np.float32
    assert model.predict(X_reg).dtype == np.float64
    assert_allclose(model.predict(X_reg.astype(np.float32)), model.predict(X_reg), atol=1e-4)


def test_weights_that_are_changed_by_hand_are_those_that_predict():
    model = ours.MLPRegressor(hidden_layer_sizes=4, max_iter=3, random_state=0).fit(X_reg, y_reg)
    model.coefs_[1][:] = 0.0
    assert_allclose(model.predict(X_reg), model.intercepts_[1][0])
    model.intercepts_[1] = np.array([7.0])
    assert_array_equal(model.predict(X_reg), 7.0)
    kept = model.intercepts_[1]
    kept[0] = 8.0
    assert_array_equal(model.predict(X_reg), 8.0)
    model.partial_fit(X_reg, y_reg)
    assert model.intercepts_[1] is not kept


def test_large_epochs_are_cut_into_calls(monkeypatch):
    whole = ours.MLPClassifier(max_iter=4, random_state=0, batch_size=16).fit(X_iris, y_iris)
    monkeypatch.setattr("fastnet.models.progress.FLOPS_A_CALL", 1e6)
    parts = clone(whole).fit(X_iris, y_iris)
    assert_array_equal(parts.coefs_[0], whole.coefs_[0])
    assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-14)


def test_frames_and_memmaps(tmp_path):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    known = ours.MLPClassifier(max_iter=5, random_state=0).fit(X_iris, y_iris)
    names = ["a", "b", "c", "d"]
    for frame in (pandas.DataFrame(X_iris, columns=names), polars.DataFrame(X_iris, schema=names)):
        model = clone(known).fit(frame, y_iris)
        known_names = theirs.MLPClassifier(max_iter=1).fit(frame, y_iris)
        # Before 1.9 scikit-learn has none of a frame of polars.
        assert list(getattr(known_names, "feature_names_in_", names)) == names
        assert hasattr(model, "feature_names_in_") == hasattr(known_names, "feature_names_in_")
        assert_array_equal(model.coefs_[0], known.coefs_[0])
        assert_array_equal(model.predict(frame), known.predict(X_iris))
    named = clone(known).fit(pandas.DataFrame(X_iris, columns=names), y_iris)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        named.predict(X_iris)
    np.save(tmp_path / "X.npy", X_iris)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert_array_equal(clone(known).fit(mapped, y_iris).coefs_[0], known.coefs_[0])
    columns = np.asfortranarray(X_iris)
    assert_array_equal(clone(known).fit(columns, y_iris).coefs_[0], known.coefs_[0])


def test_another_fit_goes_by_its_own_samples():
    """Plain arrays are looked through here, not by scikit-learn, which forgets names and widths."""
    pandas = pytest.importorskip("pandas")
    model = ours.MLPClassifier(max_iter=3, random_state=0)
    model.fit(pandas.DataFrame(X_iris, columns=["a", "b", "c", "d"]), y_iris)
    model.fit(X_iris[:, :3], y_iris)
    assert model.n_features_in_ == 3
    assert not hasattr(model, "feature_names_in_")
    assert model.predict(X_iris[:, :3]).shape == y_iris.shape


REFUSED = {
    "NaN": (np.where(X_iris == X_iris.max(), np.nan, X_iris), y_iris),
    "inf": (np.where(X_iris == X_iris.max(), np.inf, X_iris), y_iris),
    "fewer labels": (X_iris, y_iris[:-1]),
    "one dimension": (X_iris[:, 0], y_iris),
    "no features": (X_iris[:, :0], y_iris),
    "no samples": (X_iris[:0], y_iris[:0]),
}


@with_each("method", ["fit", "partial_fit"])
@with_each("why", REFUSED)
def test_samples_are_refused_in_scikit_learns_words(why, method):
    found = []
    for module in (theirs, ours):
        model = module.MLPClassifier(max_iter=3, random_state=0).fit(X_iris, y_iris)
        with pytest.raises(ValueError) as refused:
            getattr(model, method)(*REFUSED[why])
        found.append(str(refused.value))
    assert found[0] == found[1]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_targets_are_as_wide_as_the_outputs(solver):
    """The loop reads as many numbers a sample as there are outputs."""
    two = np.column_stack([y_reg, y_reg])
    for first, later in ((y_reg, two), (two, y_reg), (np.column_stack([two, y_reg]), two)):
        given = {"hidden_layer_sizes": (4,), "warm_start": True, "max_iter": 2}
        model = ours.MLPRegressor(solver=solver, **given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X_reg, first)
        outputs = model.n_outputs_
        with pytest.raises(ValueError, match=f"fit: y must have {outputs} outputs, as the weights"):
            model.fit(X_reg, later)
        assert model.n_outputs_ == outputs and model.predict(X_reg).shape == first.shape


def test_weights_changed_by_hand_must_take_the_samples():
    for k, shape in ((0, (9, 4)), (0, (2, 4)), (0, (3, 4)), (1, (7, 3)), (1, (12,))):
        model = ours.MLPClassifier((4,), tol=1.0, random_state=0).fit(X_iris, y_iris)
        model.coefs_[k] = np.ones(shape)
        for call in (model.predict, lambda X, m=model: m.partial_fit(X, y_iris)):
            with pytest.raises(ValueError, match=rf"coefs_\[{k}\] must have shape \(4, "):
                call(X_iris)


def test_long_doubles_are_answered_in_float64():
    model = ours.MLPClassifier((4,), tol=1.0, random_state=0).fit(X_iris, y_iris)
    assert_allclose(model.predict_proba(X_iris.astype(np.longdouble)), model.predict_proba(X_iris))


def test_negative_sample_weights_are_refused():
    weight = np.ones(150)
    weight[7] = -2
    text = r"sample_weight must be at least 0, got sample_weight\[7\]=-2\. Give samples that do"
    for solver, method in (("adam", "fit"), ("lbfgs", "fit"), ("sgd", "partial_fit")):
        given = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
        with pytest.raises(ValueError, match=rf"^MLPClassifier\.{method}: {text}"):
            model = ours.MLPClassifier(solver=solver)
            getattr(model, method)(X_iris, y_iris, sample_weight=weight, **given)


def test_labels_of_another_byte_order_are_classes_of_the_machines():
    for module in (theirs, ours):
        model = module.MLPClassifier(max_iter=3, random_state=0).fit(X_iris, y_iris.astype(">i4"))
        assert model.classes_.dtype.isnative and model.predict(X_iris).dtype.isnative


def test_a_count_that_its_dtype_cannot_raise():
    """127 is the most of int8: one more was -128 rows of orders."""
    found = [
        ours.MLPClassifier(max_iter=9, n_iter_no_change=count, random_state=0).fit(X_iris, y_iris)
        for count in (127, np.int8(127))
    ]
    assert found[0].loss_curve_ == found[1].loss_curve_ and len(found[0].loss_curve_) == 9


def test_a_loss_that_overflows_is_scikit_learns_error():
    model = ours.MLPRegressor(solver="sgd", learning_rate_init=1e3, random_state=0, max_iter=30)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        model.fit(1e6 * X_reg, y_reg)
    assert np.isnan(model.loss_) and model.n_iter_ == 30


def test_targets_that_cannot_be_written_compile_nothing():
    """Numba has another type for them: the loop would be compiled once more, in four seconds."""
    x = np.random.default_rng(0).normal(size=(20, 3))
    y = x @ [[1.0, 2.0], [0.0, 1.0], [1.0, 0.0]]
    ours.MLPRegressor(max_iter=1, n_iter_no_change=1, tol=1e9).fit(x, y)
    before = len(train_epochs.signatures)
    y.flags.writeable = False
    ours.MLPRegressor(max_iter=1, n_iter_no_change=1, tol=1e9).fit(x, y)
    assert len(train_epochs.signatures) == before
