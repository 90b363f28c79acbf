"""Networks whose trained bits are recorded: their layers, samples and how they are fitted."""

import examples
import numpy as np

from fastnet import layers, schedules
from fastnet.layers import BatchNormalization, Dense, Dropout, Embedding, MatMul, Rescaling
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam, Momentum


def of_model(model, x, t, history):
    """Return all that a trained model gives: parameters, history, outputs, a step by hand."""
    columns = {name: getattr(history, name, []) for name in ("loss", "accuracy")}
    columns |= {f"val_{name}": getattr(history, f"val_{name}", []) for name in columns}
    results = [model.params, columns, model.predict(x), model.predict(x[:3]), model.evaluate(x, t)]
    if not any(isinstance(layer, Dropout) for layer in model.layers):  # by hand it draws by itself
        few = x[:9], t[:9]
        results += [model.forward(*few), model.backward(), model.grads]
        results += [model.numerical_gradient(*few)]
    return results


def loss_in_a_network(name, dtype):
    """Train a tiny network on a loss: one output of few, and all of them."""
    example = examples.LOSSES[name]
    x, t = examples.numbers(examples.N, 8, seed=1)(dtype), example.targets(dtype)
    stack = [Dense(6, activation="tanh"), Dense(examples.M, activation=example.activation)]
    model = Sequential(stack, example.make(), dtype, seed=1)
    history = model.fit(x, t, epochs=2, batch_size=8, optimizer=SGD(lr=0.1), verbose=0)
    results = of_model(model, x, t, history)
    # One output is judged by the side that it is on; the softmax of one number is 1.
    if t.ndim == 2 and example.activation != "softmax":
        model = Sequential([Dense(1, activation=example.activation)], example.make(), dtype, seed=1)
        history = model.fit(x, t[:, :1], epochs=2, batch_size=8, optimizer=SGD(lr=0.1), verbose=0)
        results += of_model(model, x, t[:, :1], history)
    return results


def optimizer_in_a_network(name, dtype):
    x, t = examples.numbers(21, 8, seed=1)(dtype), examples.labels(21, 5)(dtype)
    model = Sequential([Dense(7, activation="tanh"), Dense(5)], dtype=dtype, seed=1)
    made = examples.OPTIMIZERS[name].make()
    history = model.fit(x, t, epochs=3, batch_size=8, optimizer=made, verbose=0)
    model.forward(x[:8], t[:8])
    model.backward()
    made.update(model.params, model.grads)  # goes on from the states that fit left
    return [model.params, history.loss, history.accuracy]


def called(dtype):
    """Return every layer that takes each row by itself."""
    return [
        Dense(40),
        layers.Gelu(),
        Dropout(0.2),
        Dense(32),
        layers.Elu(0.7),
        Dense(32),
        layers.LeakyRelu(),
        Dropout(0.2, inverted=True),
        MatMul(examples.numbers(32, 24, low=-0.3, high=0.3)(dtype)),
        layers.Silu(),
        Dense(16),
        layers.Softplus(),
        Dense(16),
        layers.Gelu("tanh"),
        Dense(16),
        layers.Identity(),
        layers.Sigmoid(),
        Dense(16),
        layers.Relu(),
        Dense(16),
        layers.Tanh(),
        Dense(10),
    ]


def digits(dtype):
    """Return bytes of which four in five are zero, so that products skip them."""
    rng = np.random.default_rng(2)
    lit = rng.random(600) < 0.2  # columns
    return np.where(lit, rng.integers(1, 256, (1500, 600)), 0).astype(np.uint8)


def table(dtype):
    return [Embedding(examples.numbers(60, 8, seed=4)(dtype)), Dense(64, activation="relu")]


# Name -> layers; what differs from the usual: of the model, of `fit`, and the samples.
NETWORKS = {
    "Dense": (lambda dtype: [Dense(80), Dense(10)], {}, {}),
    "Dense sigmoid": (lambda dtype: [Dense(80, activation="sigmoid"), Dense(10)], {}, {}),
    "Dense relu": (lambda dtype: [Dense(80, activation="relu"), Dense(10)], {}, {}),
    "Dense tanh": (lambda dtype: [Dense(80, activation="tanh"), Dense(10)], {}, {}),
    "deep": (
        lambda dtype: [Dense(m, activation="relu") for m in (64, 50, 33, 17)] + [Dense(10)],
        {},
        {"optimizer": lambda: Momentum(lr=0.05)},
    ),
    "mixed": (called, {}, {}),
    "mixed by Adam": (called, {}, {"optimizer": lambda: Adam(lr=0.01)}),
    "statistics": (
        lambda dtype: [Dense(70), BatchNormalization(), layers.Relu(), Dropout(0.2), Dense(10)],
        {},
        {},
    ),
    "statistics by Adam": (
        lambda dtype: [BatchNormalization(), Dense(70), BatchNormalization(), Dense(10)],
        {},
        {"optimizer": lambda: Adam(lr=0.01)},
    ),
    "Embedding": (lambda dtype: [*table(dtype), Dense(10)], {}, {"samples": "rows of a table"}),
    "Embedding by Adam": (
        lambda dtype: [*table(dtype), Dropout(0.3), Dense(10)],
        {},
        {"samples": "rows of a table", "optimizer": lambda: Adam(lr=0.01)},
    ),
    "penalties": (
        lambda dtype: [Dense(80, activation="relu"), Dense(10)],
        {"l1": 1e-3, "l2": 1e-2},
        {},
    ),
    "penalty by Momentum": (
        lambda dtype: [Dense(80, activation="relu"), BatchNormalization(), Dense(10)],
        {"l2": 1e-2},
        {"optimizer": lambda: Momentum(lr=0.05, clip_norm=1.0)},
    ),
    "schedule": (
        lambda dtype: [Dense(80, activation="relu"), Dense(10)],
        {},
        {"optimizer": lambda: SGD(lr=schedules.CosineDecay(0.2, 9, 0.01))},
    ),
    "regression": (
        lambda dtype: [Dense(80, activation="relu"), Dense(10, activation="sigmoid")],
        {"loss": "mean_squared_error"},
        {"t": lambda dtype: examples.probabilities(700, 10, seed=3)(dtype)},
    ),
    "in order": (
        lambda dtype: [Dense(80, activation="relu"), Dense(10)],
        {},
        {"shuffle": False, "batch_size": 100},
    ),
    "validation": (
        lambda dtype: [Dense(80, activation="relu"), Dropout(0.5), Dense(10)],
        {},
        {"validation_data": 50},
    ),
    "batches of one": (
        lambda dtype: [Dense(6, activation="tanh"), Dense(3)],
        {},
        {"samples": "tiny", "batch_size": 1, "optimizer": lambda: SGD(lr=0.3)},
    ),
    "batches of one by Adam": (
        lambda dtype: [Dense(6, activation="sigmoid"), Dense(3)],
        {},
        {"samples": "tiny", "batch_size": 1, "optimizer": lambda: Adam(lr=0.1)},
    ),
    "bytes": (
        lambda dtype: [Rescaling(1 / 255), Dense(64, activation="relu"), Dense(10)],
        {},
        {"samples": "digits", "batch_size": 64},
    ),
    "bytes with penalties by Adam": (
        lambda dtype: [Rescaling(1 / 255), Dense(64, activation="sigmoid"), Dense(10)],
        {"l1": 1e-4},
        {"samples": "digits", "batch_size": 64, "optimizer": lambda: Adam()},
    ),
    "float64 samples": (
        lambda dtype: [Dense(80, activation="relu"), Dense(10)],
        {},
        {"samples": "float64"},
    ),
}
SAMPLES = {
    "usual": lambda dtype: examples.numbers(700, 100, seed=1)(dtype),
    "float64": lambda dtype: examples.numbers(700, 100, seed=1)("float64"),
    "rows of a table": lambda dtype: examples.labels((700, 9), 60)(dtype),
    "tiny": lambda dtype: examples.numbers(20, 4, seed=1)(dtype),
    "digits": digits,
}


def network(name, dtype):
    """Train a network, whose last batch of an epoch is smaller than the others."""
    stack, options, given = NETWORKS[name]
    given = {"epochs": 3, "batch_size": 64, "optimizer": lambda: SGD(lr=0.1), **given}
    x = SAMPLES[given.pop("samples", "usual")](dtype)
    model = Sequential(stack(dtype), dtype=dtype, seed=1, **options)
    classes = 3 if len(x) == 20 else 10
    t = given.pop("t", examples.labels(len(x), classes))(dtype)
    if "validation_data" in given:
        held_out = given["validation_data"]
        given["validation_data"] = x[:held_out], t[:held_out]
        x, t = x[held_out:], t[held_out:]
    given["optimizer"] = given["optimizer"]()
    history = model.fit(x, t, verbose=0, **given)
    return of_model(model, x, t, history)
