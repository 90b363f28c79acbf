"""Every picture of fastnet.plot, drawn of small models and arrays."""

import numpy as np

from fastnet import plot
from fastnet.layers import Dense, Dropout
from fastnet.models import History, Sequential
from fastnet.optimizer import SGD, Adam

RNG = np.random.default_rng(0)
X, T = RNG.random((60, 4)).astype("f4"), np.arange(60) % 3
Y, NUMBERS = RNG.dirichlet(np.ones(3), 60), RNG.random(300)
MODEL = Sequential([Dense(6, "relu"), Dropout(0.5), Dense(3)], seed=0)
MODEL.build(4)
PLANE = Sequential([Dense(3)], seed=0)
PLANE.build(2)
OPTIMIZER = Adam(lr=0.3)


def bowl(x):
    return x[0] ** 2 / 20 + x[1] ** 2


# Each draws on the ax that it is given, None for a figure of its own.
PICTURES = {
    "learning_curves": lambda ax: plot.learning_curves(
        History({"loss": [3.0, 2.0], "val_loss": [3.0, 1.0]}), ax=ax
    ),
    "loss_curve": lambda ax: plot.loss_curve(NUMBERS, ax=ax),
    "confusion_matrix": lambda ax: plot.confusion_matrix(T, Y, ax=ax),
    "wrong_answers": lambda ax: plot.wrong_answers(X, T, Y, ax=ax),
    "weight_images": lambda ax: plot.weight_images(X[:4], ax=ax),
    "decision_boundary": lambda ax: plot.decision_boundary(PLANE, X[:, :2], T, ax=ax),
    "activation_histograms": lambda ax: plot.activation_histograms(MODEL, X, ax=ax),
    "gradient_norms": lambda ax: plot.gradient_norms(MODEL, X, T, ax=ax),
    "optimizer_paths": lambda ax: plot.optimizer_paths(
        bowl, [SGD(lr=0.9), OPTIMIZER, Adam(lr=1.0)], (-7, 2), ax=ax
    ),
    "gradient_field": lambda ax: plot.gradient_field(bowl, count=5, ax=ax),
    "calibration_curve": lambda ax: plot.calibration_curve(T, Y, ax=ax),
    "filters": lambda ax: plot.filters(X.reshape(60, 1, 2, 2), ax=ax),
    "feature_maps": lambda ax: plot.feature_maps(X.reshape(60, 2, 2), ax=ax),
    "attention_map": lambda ax: plot.attention_map(Y[:2], "abc", "de", ax=ax),
}
