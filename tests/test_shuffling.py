"""Orders of epochs: those of numpy.random.RandomState, and what a fit makes of them."""

import warnings

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import kernels
from fastnet.reference import kernels as reference


def generator(seed=7):
    return np.random.RandomState(seed)  # whose orders these are


def state_of(random):
    _, words, used, *_ = random.get_state()
    return np.append(words, used).astype(np.int64)


# 1 to 5 take one to three bits of a word; 624 words are made at a time, which end within a shuffle.
@with_each("n", [0, 1, 2, 3, 4, 5, 64, 65, 623, 624, 625, 1797])
@with_each("classes", [0, 1, 3, 64])
@with_each("used", [0, 1, 623])
def test_the_orders_are_numpys_sorted_batch_by_batch(n, classes, used):
    random = generator(n)
    random.bytes(4 * used)
    labels = random.randint(0, max(classes, 1), size=n if classes else 0)
    results = []
    for module in (kernels, reference):
        state, order, orders = state_of(random), np.arange(n), np.full((7, n), -1)
        module.shuffle_forward(state, order, labels, 200, orders[1:-1])
        assert (orders[[0, -1]] == -1).all()
        results.append((state, order, orders))
    for ours, theirs in zip(*results, strict=True):
        assert_array_equal(ours, theirs)


def test_batches_have_the_samples_that_numpy_gives_them_in_the_order_of_their_classes():
    """By hand, as the reference might sort wrongly, too."""
    random, labels = generator(), generator(1).randint(0, 10, 1000)
    orders, order = np.empty((3, 1000), np.int64), np.arange(1000)
    kernels.shuffle_forward(state_of(random), np.arange(1000), labels, 300, orders)
    for kept in orders:
        random.shuffle(order)
        for start in (0, 300, 600, 900):
            ours, theirs = kept[start : start + 300], order[start : start + 300]
            assert_array_equal(np.sort(ours), np.sort(theirs))
            assert (np.diff(labels[ours]) >= 0).all() and (np.diff(labels[theirs]) < 0).any()
            for label in range(10):  # and those of a class in the order in which they came
                assert_array_equal(ours[labels[ours] == label], theirs[labels[theirs] == label])


@pytest.fixture
def digits():
    sets = pytest.importorskip("sklearn.datasets")
    return sets.load_digits(return_X_y=True)


@pytest.mark.parametrize("given", [{}, {"max_iter": 3}, {"early_stopping": True}, {"tol": 10.0}])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_fit_leaves_the_generator_as_scikit_learn_does(digits, solver, given):
    """And the same weights: batches of other samples would give others."""
    from sklearn.neural_network import MLPClassifier as Original

    from fastnet.sklearn import MLPClassifier

    given = {"hidden_layer_sizes": 20, "random_state": 3, "max_iter": 20, "solver": solver} | given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = (kind(**given).fit(*digits) for kind in (MLPClassifier, Original))
    assert ours.n_iter_ == theirs.n_iter_
    drawn = [model._random_state.randint(2**31, size=1000) for model in (ours, theirs)]
    assert_array_equal(*drawn)
    for one, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        assert_allclose(one, other, rtol=0, atol=1e-8)


def test_who_draws_the_orders(digits, monkeypatch):
    """The kernel, where the fit has a generator of its own and enough to shuffle; else NumPy."""
    from fastnet.sklearn import MLPClassifier, orders

    calls = []

    def noted(state, order, labels, batch_size, kept):
        calls.append((len(order), len(labels), len(kept)))
        kernels.shuffle_forward(state, order, labels, batch_size, kept)

    monkeypatch.setattr(orders, "shuffle_forward", noted)
    X, y = digits
    given = {"hidden_layer_sizes": 20, "max_iter": 6, "solver": "sgd", "tol": 0.0}

    def fitted(X=X, y=y, **more):
        calls.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = MLPClassifier(**({"random_state": 0} | given | more)).fit(X, y)
        assert model.n_iter_ == (more.get("max_iter") or 6)
        return list(calls)

    zeros = len(X)  # in order of their classes, where zeros are skipped
    assert fitted() == [(zeros, zeros, 0), (zeros, zeros, 6)]
    assert fitted(verbose=False, random_state=np.int64(3)) == [(zeros, zeros, 0), (zeros, zeros, 6)]
    assert fitted(X + 1.0) == [(zeros, 0, 0), (zeros, 0, 6)]
    assert fitted(random_state=generator()) == fitted(random_state=None) == []
    assert fitted(shuffle=False) == fitted(max_iter=5) == fitted(X[:900], y[:900]) == []
