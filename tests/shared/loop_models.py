"""Every optimizer and loss of the compiled loop, and training by hand beside it."""

import numpy as np
from numpy.testing import assert_allclose

from fastnet import optimizer as optimizers
from fastnet.layers import (
    Dense,
)
from fastnet.losses import LOSSES
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam, AdamW, Momentum, Optimizer
from fastnet.schedules import CosineDecay

OPTIMIZERS = {
    name: kind
    for name, kind in vars(optimizers).items()
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer
}
# With all that an optimizer may have besides.
ADJUSTED = {
    "SGD, weight decay": lambda: SGD(0.05, weight_decay=0.1),
    "SGD, clipped by value": lambda: SGD(0.05, clip_value=0.01),
    "SGD, clipped by norm": lambda: SGD(0.05, clip_norm=0.1),
    "SGD, a schedule": lambda: SGD(lambda step: 0.1 / (1 + step)),
    "Momentum, all": lambda: Momentum(
        CosineDecay(0.05, 40), weight_decay=0.1, clip_value=0.05, clip_norm=0.2
    ),
    "Adam, all": lambda: Adam(
        CosineDecay(0.05, 40), weight_decay=0.1, clip_value=0.05, clip_norm=0.2
    ),
    "AdamW, all": lambda: AdamW(
        CosineDecay(0.05, 40), weight_decay=0.1, clip_value=0.05, clip_norm=0.2
    ),
}
# Of a last Dense, where a loss takes no other outputs, or is better off with such.
LAST = {
    "binary_cross_entropy": "sigmoid",
    "categorical_cross_entropy": "softmax",
    "kullback_leibler_divergence": "softmax",
    "mean_squared_logarithmic_error": "sigmoid",
    "poisson": "sigmoid",
    "sparse_categorical_cross_entropy": "softmax",
}
N, BATCH, EPOCHS = 45, 10, 10  # 50 updates, every fifth with 5 rows


def data(loss, dtype, outputs=3):
    """Return x and t of 45 samples that the loss can take."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((N, 5)).astype(dtype)
    if LOSSES[loss].takes_labels:
        return x, rng.integers(0, outputs, N)
    t = (rng.random((N, outputs)) < 0.5).astype(dtype)
    if "hinge" in loss:
        t = 2 * t - 1
    return x, t + 1 if loss == "mean_absolute_percentage_error" else t


def model(loss, dtype, outputs=3, layers=None):
    last = Dense(outputs, activation=LAST.get(loss))
    built = Sequential(layers or [Dense(7, activation="tanh"), last], loss, dtype, seed=2)
    built.build(5)
    return built


def train_by_hand(net, x, t, optimizer, epochs=EPOCHS):
    """Train batch by batch with forward, backward and update; return the loss of each epoch."""
    seen = []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, N, BATCH):
            rows = slice(start, start + BATCH)
            total += float(net.forward(x[rows], t[rows])) * len(x[rows])
            net.backward()
            optimizer.update(net.params, net.grads)
        seen.append(total / N)
    return seen


def assert_same_training(make_model, x, t, make_optimizer):
    """In two calls of fit; the optimizers must be left with the same states, too."""
    looped, by_hand = make_model(), make_model()
    one, other = make_optimizer(), make_optimizer()
    start = looped.parameter_vector.copy()
    settings = {"batch_size": BATCH, "shuffle": False, "verbose": 0, "optimizer": one}
    seen = looped.fit(x, t, epochs=EPOCHS - 4, **settings).loss
    seen += looped.fit(x, t, epochs=4, **settings).loss
    wanted = train_by_hand(by_hand, x, t, other)
    # A few roundings an update, and what later ones make of them: 20 eps was the most.
    bound = 400 * np.finfo(looped.dtype).eps
    assert_allclose(looped.parameter_vector, by_hand.parameter_vector, rtol=bound, atol=bound)
    assert_allclose(seen, wanted, rtol=bound, atol=bound)
    assert one.iter == other.iter == 50
    for name in one.state_names:
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            assert_allclose(a, b, rtol=bound, atol=bound)
    assert np.abs(looped.parameter_vector - start).max() > 10 * bound


def drawn_weights(*shape):
    return np.random.default_rng(5).standard_normal(shape)
