"""Losses against what others publish: Keras' formulas in plain NumPy, and PyTorch where it is.

Values in float64, and gradients: PyTorch's own, or central differences of the formula.
"""

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_allclose

from fastnet import losses

EPSILON = 1e-7  # keras.config.epsilon()


def mean(terms):
    return terms.mean(axis=-1).mean()


def unit(x):
    return x * np.minimum(1 / np.sqrt((x * x).sum(axis=-1, keepdims=True)), 1 / EPSILON)


def one_hot(t, y):
    return np.eye(y.shape[1])[t]


def keras_categorical_hinge(y, t):
    t = one_hot(t, y)
    positive, negative = (t * y).sum(axis=-1), ((1 - t) * y).max(axis=-1)
    return np.maximum(negative - positive + 1, 0).mean()


def keras_categorical_cross_entropy(y, t):
    y = np.clip(y / y.sum(axis=-1, keepdims=True), EPSILON, 1 - EPSILON)
    return -(t * np.log(y)).sum(axis=-1).mean()


def keras_binary_cross_entropy(y, t):
    y = np.clip(y, EPSILON, 1 - EPSILON)
    return -mean(t * np.log(y) + (1 - t) * np.log(1 - y))


def keras_divergence(y, t):
    t, y = np.clip(t, EPSILON, 1), np.clip(y, EPSILON, 1)
    return (t * np.log(t / y)).sum(axis=-1).mean()


def keras_huber(y, t, delta):
    e = y - t
    small = np.abs(e) <= delta
    return mean(np.where(small, 0.5 * e**2, delta * np.abs(e) - 0.5 * delta**2))


KERAS = {
    "ElementwiseMeanSquaredError": lambda y, t: mean((t - y) ** 2),
    "MeanAbsoluteError": lambda y, t: mean(np.abs(t - y)),
    "MeanAbsolutePercentageError": lambda y, t: (
        100 * mean(np.abs((t - y) / np.maximum(np.abs(t), EPSILON)))
    ),
    "MeanSquaredLogarithmicError": lambda y, t: mean(
        (np.log(np.maximum(y, EPSILON) + 1) - np.log(np.maximum(t, EPSILON) + 1)) ** 2
    ),
    "Huber": lambda y, t: keras_huber(y, t, 1.0),
    "LogCosh": lambda y, t: mean(np.abs(y - t) + np.log1p(np.exp(-2 * np.abs(y - t))) - np.log(2)),
    "Poisson": lambda y, t: mean(y - t * np.log(y + EPSILON)),
    "CosineProximity": lambda y, t: -(unit(t) * unit(y)).sum(axis=-1).mean(),
    "Hinge": lambda y, t: mean(np.maximum(1 - t * y, 0)),
    "SquaredHinge": lambda y, t: mean(np.maximum(1 - t * y, 0) ** 2),
    "CategoricalHinge": keras_categorical_hinge,
    "CategoricalCrossEntropy": keras_categorical_cross_entropy,
    "SparseCategoricalCrossEntropy": lambda y, t: keras_categorical_cross_entropy(y, one_hot(t, y)),
    "BinaryCrossEntropy": keras_binary_cross_entropy,
    "SigmoidCrossEntropy": lambda y, t: mean(
        np.maximum(y, 0) - y * t + np.log(1 + np.exp(-np.abs(y)))
    ),
    "KullbackLeiblerDivergence": keras_divergence,
    "SoftmaxCrossEntropy": lambda y, t: (
        np.log(np.exp(y).sum(axis=1)) - y[np.arange(len(y)), t]
    ).mean(),
}
# Keras bounds a probability where the textbook adds 1e-7: they part by 1e-7 / y, y above 1e-3 here.
APART = {"CategoricalCrossEntropy": 1e-4, "SparseCategoricalCrossEntropy": 1e-4}
every_loss = with_each("name", KERAS)
every_shape = pytest.mark.parametrize("shape", [(1, 3), (7, 2), (40, 11)], ids=str)


def draw(name, shape, seed=0):
    rng = np.random.default_rng(seed)
    n, c = shape
    if name in ("CategoricalHinge", "SoftmaxCrossEntropy"):
        return 2 * rng.standard_normal(shape), rng.integers(0, c, n)
    if name in ("Hinge", "SquaredHinge"):
        return 2 * rng.standard_normal(shape), rng.choice([-1.0, 1.0], shape)
    if name == "SigmoidCrossEntropy":
        return 4 * rng.standard_normal(shape), rng.integers(0, 2, shape).astype(float)
    if name == "BinaryCrossEntropy":
        return rng.uniform(0.01, 0.99, shape), rng.integers(0, 2, shape).astype(float)
    if name in ("MeanSquaredLogarithmicError", "Poisson"):
        return rng.uniform(0.01, 3, shape), rng.integers(0, 4, shape).astype(float)
    if name.endswith(("CategoricalCrossEntropy", "Divergence")):
        y = rng.dirichlet(np.full(c, 2.0), n)
        y = (y + 0.001) / (1 + 0.001 * c)
        t = rng.integers(0, c, n)
        if name == "KullbackLeiblerDivergence":
            return y, rng.dirichlet(np.full(c, 2.0), n)
        return y, t if name.startswith("Sparse") else np.eye(c)[t]
    return 2 * rng.standard_normal(shape), 2 * rng.standard_normal(shape)


@every_shape
@every_loss
def test_keras_formula(name, shape):
    y, t = draw(name, shape)
    loss = getattr(losses, name)()
    rtol = APART.get(name, 1e-12)
    assert_allclose(loss.forward(y, t), KERAS[name](y, t), rtol=rtol, atol=1e-14)
    numeric = np.zeros_like(y)
    for i in np.ndindex(shape):
        above, below = y.copy(), y.copy()
        above[i] += 1e-6
        below[i] -= 1e-6
        numeric[i] = (KERAS[name](above, t) - KERAS[name](below, t)) / 2e-6
    if name.endswith("CategoricalCrossEntropy"):
        # Keras' scaling to the sum 1 adds the same number to every class.
        numeric -= 1 / shape[0]
    scale = np.abs(numeric).max()
    assert scale * y.size > 0.5
    assert_allclose(loss.backward(), numeric, rtol=max(rtol, 1e-5), atol=2e-8 * max(1, scale))


def torch_loss(torch, name):
    """PyTorch's loss of tensors y and t."""
    nn = torch.nn
    return {
        "MeanSquaredError": lambda y, t: nn.MSELoss(reduction="sum")(y, t) / 2 / len(y),
        "ElementwiseMeanSquaredError": nn.MSELoss(),
        "MeanAbsoluteError": nn.L1Loss(),
        "Huber": nn.HuberLoss(),
        "Poisson": nn.PoissonNLLLoss(log_input=False, eps=1e-7),
        "CosineProximity": lambda y, t: -nn.CosineSimilarity()(y, t).mean(),
        "CategoricalCrossEntropy": lambda y, t: -(t * torch.log(y + 1e-7)).sum(1).mean(),
        "SparseCategoricalCrossEntropy": lambda y, t: nn.NLLLoss()(torch.log(y + 1e-7), t),
        "BinaryCrossEntropy": nn.BCELoss(),
        "SigmoidCrossEntropy": nn.BCEWithLogitsLoss(),
        "KullbackLeiblerDivergence": lambda y, t: nn.KLDivLoss(reduction="batchmean")(
            torch.log(y), t
        ),
        "SoftmaxCrossEntropy": nn.CrossEntropyLoss(),
    }.get(name)


@every_shape
@pytest.mark.parametrize("name", [*KERAS, "MeanSquaredError"])
def test_torch(name, shape):
    torch = pytest.importorskip("torch")
    theirs = torch_loss(torch, name)
    if theirs is None:
        pytest.skip(f"PyTorch has no {name}")
    y, t = draw(name, shape)
    loss = getattr(losses, name)()
    tensor = torch.tensor(y, requires_grad=True)
    value = theirs(tensor, torch.tensor(t))
    value.backward()
    assert_allclose(loss.forward(y, t), value.item(), rtol=1e-12, atol=1e-14)
    expected = tensor.grad.numpy()
    assert_allclose(loss.backward(), expected, rtol=1e-11, atol=1e-14 * np.abs(expected).max())


def test_torch_at_the_bounds_of_probabilities():
    torch = pytest.importorskip("torch")
    y = np.array([[0.0, 1.0, 0.0, 1.0, 1e-20, 1 - 1e-16]])
    t = np.array([[1.0, 0.0, 0.0, 1.0, 0.5, 0.25]])
    tensor = torch.tensor(y, requires_grad=True)
    value = torch.nn.BCELoss()(tensor, torch.tensor(t))
    value.backward()
    loss = losses.BinaryCrossEntropy()
    assert_allclose(loss.forward(y, t), value.item(), rtol=1e-14)
    # PyTorch's 1e-12 is a float32 there: 4e-9 off.
    assert_allclose(loss.backward(), tensor.grad.numpy(), rtol=1e-8)


@pytest.mark.parametrize("delta", [0.3, 2.5])
def test_other_deltas(delta):
    y, t = draw("Huber", (9, 5))
    loss = losses.Huber(delta)
    assert_allclose(loss.forward(y, t), keras_huber(y, t, delta), rtol=1e-13)
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(y, requires_grad=True)
    torch.nn.HuberLoss(delta=delta)(tensor, torch.tensor(t)).backward()
    assert_allclose(loss.backward(), tensor.grad.numpy(), rtol=1e-13, atol=1e-16)
