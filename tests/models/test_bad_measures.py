"""Metrics that a model cannot have."""

import numpy as np
from in_turn import with_each
from small_models import SQUARED_ERROR, data, refused, small, untouched

from fastnet import metrics
from fastnet.layers import Dense
from fastnet.metrics import named
from fastnet.models import Sequential

OF_LABELS = ", ".join(map(repr, named.OF_LABELS))


@with_each("loss, asked, error, text", [
        (
            "hinge", ["acuracy"], ValueError,
            "metrics must be names in fastnet.metrics.NAMES, or functions, got 'acuracy'. "
            "Did you mean 'accuracy'?",
        ),
        (
            "hinge", ["MSE"], ValueError,
            "metrics must be names in fastnet.metrics.NAMES, or functions, got 'MSE'. "
            "Did you mean 'mse'?",
        ),
        *[
            (
                "hinge", [word], ValueError,
                f"metrics must be names in fastnet.metrics.NAMES, or functions, got {word!r}. "
                f"Did you mean {meant!r}?",
            )
            for word, meant in {
                "acc": "accuracy", "f1_score": "f1", "r2_score": "r2", "roc_auc": "auc",
                "accuracy_score": "accuracy", "presicion": "precision",
            }.items()
        ],
        (
            "hinge", [0], ValueError,
            "metrics must be names in fastnet.metrics.NAMES, or functions, got 0. "
            f"Give some of {', '.join(map(repr, metrics.NAMES))}.",
        ),
        (
            "hinge", ["r2"], ValueError,
            f"metrics must suit the loss hinge, got 'r2'. Give some of {OF_LABELS}.",
        ),
        (
            "huber", ["accuracy"], ValueError,
            "metrics must suit the loss huber, got 'accuracy'. "
            f"Give some of {', '.join(map(repr, named.OF_NUMBERS))}.",
        ),
        (
            "categorical_hinge", ["top_k_accuracy"], ValueError,
            "metrics must tell the answers of 3 outputs apart, got 'top_k_accuracy'. Leave it out.",
        ),
        (
            SQUARED_ERROR, ["accuracy"], ValueError,
            "t must be one-hot, a single 1 and zeros in each row, for the metric 'accuracy', got "
            "t[0]=[0.5 0.5 0.5]. Leave it out where t are numbers: 'mae' and 'r2' are theirs.",
        ),
        (
            SQUARED_ERROR, ["exact_match"], ValueError,
            "t must be 0 or 1 for the metric 'exact_match', got t[0]=[0.5 0.5 0.5]. Leave it out "
            "where t are numbers: 'mae' and 'r2' are theirs.",
        ),
        (
            "hinge", "accuracy", TypeError,
            "metrics must be a list of names, got 'accuracy'. Give a list such as [\"accuracy\"].",
        ),
        (
            "hinge", ["f1", "f1"], ValueError,
            "metrics must have names of their own, got 'f1' beside f1, loss, seconds. Leave it "
            "out, or give the function another __name__.",
        ),
        (
            "hinge", [np.mean, type("loss", (), {})], ValueError,
            "metrics must have names of their own, got 'loss' beside loss, mean, seconds. Leave it "
            "out, or give the function another __name__.",
        ),
    ])  # fmt: skip
@with_each("method", ["fit", "evaluate"])
def test_bad_metrics(loss, asked, error, text, method):
    x = data(6)[0]
    t = {"hinge": np.ones((6, 3)), "categorical_hinge": np.zeros(6, int)}.get(
        loss, np.full((6, 3), 0.5)
    )
    model = small(loss)
    untouched(
        model,
        lambda: getattr(model, method)(x, t, metrics=asked),
        error,
        f"Sequential.{method}: {text}",
    )


def test_bad_metrics_of_one_output_and_of_the_validation_data():
    x = data(6)[0]
    model = Sequential([Dense(1)], "hinge", seed=0)
    model.build(5)
    untouched(
        model,
        lambda: model.evaluate(x, np.ones(6), ["top_2_accuracy"]),
        ValueError,
        f"Sequential.evaluate: metrics must suit the loss hinge, got 'top_2_accuracy'. "
        f"Give some of {OF_LABELS}.",
    )
    model = small(SQUARED_ERROR)
    t = np.eye(3)[[0, 1, 2, 0, 1, 2]]
    untouched(
        model,
        lambda: model.fit(x, t, validation_data=(x, t / 2), metrics=["accuracy"]),
        ValueError,
        "Sequential.fit: validation_data[1] must be one-hot, a single 1 and zeros in each row, for "
        "the metric 'accuracy', got validation_data[1][0]=[0.5 0.  0. ]. Leave it out where "
        "validation_data[1] are numbers: 'mae' and 'r2' are theirs.",
    )
    refused(
        lambda: model.evaluate(x, t, [lambda t, y: y]),
        TypeError,
        "Sequential.evaluate: metrics must return a number, got ndarray from lambda. Return a "
        "float.",
    )
