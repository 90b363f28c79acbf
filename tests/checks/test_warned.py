"""Warnings name the line of the user's, however deep fastnet is when it warns."""

import inspect
import warnings

import numpy as np
import pytest

from fastnet import layers
from fastnet.callbacks import EarlyStopping

X, T = np.eye(4), np.array([0, 1, 0, 1])


def estimator(**options):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    from fastnet.sklearn import MLPClassifier

    return MLPClassifier((3,), random_state=0, **options)


def too_few_epochs():
    estimator(max_iter=1).fit(X, T)


def in_a_pipeline():
    model = estimator(max_iter=1)
    from sklearn.pipeline import make_pipeline

    make_pipeline(model).fit(X, T)


def larger_batches_than_samples():
    estimator(max_iter=1000, batch_size=9, tol=1.0).fit(X, T)


def by_partial_fit():
    estimator(batch_size=9).partial_fit(X, T, classes=[0, 1])


def one_row():
    layers.BatchNormalization(np.ones(2), np.zeros(2)).forward(np.ones((1, 2)), train_flg=True)


def a_monitor_that_the_logs_lack():
    EarlyStopping("other").on_epoch_end(0, {"loss": 1.0})


CALLS = (
    *(too_few_epochs, in_a_pipeline, larger_batches_than_samples, by_partial_fit),
    *(one_row, a_monitor_that_the_logs_lack),
)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_a_warning_names_the_line_of_the_users(call):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        call()
    lines, first = inspect.getsourcelines(call)
    assert [(w.filename, w.lineno) for w in seen] == [(__file__, first + len(lines) - 1)]
