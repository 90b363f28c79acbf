"""The bits of results, compared with recorded hashes: what is rebuilt still computes the same.

bits.json has a hash for each id: sha256 of the bytes, dtypes and shapes of all results, its first
16 digits. Results depend on the width of a vector and on whether multiply-adds are fused, so there
is a record for each such machine, and where there is none the tests are skipped. They depend on
neither the size of a cache nor the number of threads.

A change that is meant to change bits records them anew, and prints which:

    for bits in 512 256 128; do FASTNET_VECTOR_BITS=$bits python tests/test_bits.py; done
    NUMBA_CPU_NAME=nehalem NUMBA_CPU_FEATURES= python tests/test_bits.py  # without fusing
"""

import hashlib
import inspect
import json
import threading
from pathlib import Path

import examples
import numpy as np
import pytest

import fastnet
from fastnet import functions, initializers, layers, losses, optimizer, penalties, schedules
from fastnet.info import installation
from fastnet.layers import BatchNormalization, Dense, Dropout, Embedding, MatMul, Rescaling
from fastnet.models import Sequential, TwoLayerNet
from fastnet.optimizer import SGD, Adam, Momentum
from fastnet.textbook import first, second

RECORD = Path(__file__).with_name("bits.json")
DTYPES = ["float32", "float64"]


def machine():
    """Return what bits depend on: "AVX2, fused multiply-add"."""
    words = installation()["vectors"].split(", ")
    return f"{words[0].split(':')[0]}, {words[-1]}"


def digest(results):
    """Return the hash of arrays and numbers, in lists and dictionaries of any depth."""
    found = hashlib.sha256()

    def add(result):
        if isinstance(result, dict):
            add(list(result.items()))
        elif isinstance(result, (list, tuple)):
            for each in result:
                add(each)
        elif isinstance(result, str) or result is None:
            found.update(repr(result).encode())
        else:
            array = np.asarray(result)
            found.update(f"{array.dtype.str} {array.shape}".encode())
            found.update(array.tobytes())

    add(results)
    return found.hexdigest()[:16]


# --------------------------------------------------------------------------- by hand


def layer_results(name, dtype):
    example = examples.LAYERS[name]
    layer, results = example.make(dtype), []
    for scale in (1, 2):  # the second step meets running statistics and other random numbers
        inputs = example.inputs(dtype)
        if name not in ("Embedding", "SoftmaxWithLoss"):
            inputs = [scale * x if x.dtype.kind == "f" else x for x in inputs]
        results.append(layer.forward(*inputs))
        results.append(layer.backward(example.dout(dtype)))
        results.append([grad.copy() for grad in layer.grads])
    if "train_flg" in inspect.signature(layer.forward).parameters:
        results.append(layer.forward(*inputs, train_flg=False))
        results.append(getattr(layer, "running_mean", None))
        results.append(getattr(layer, "running_var", None))
    return results


def loss_results(name, dtype):
    example = examples.LOSSES[name]
    loss = example.make()
    return [
        loss.forward(example.inputs(dtype), example.targets(dtype)),
        loss.backward(),
        loss.backward(0.3),
    ]


def optimizer_results(name, dtype):
    example = examples.OPTIMIZERS[name]
    made, params = example.make(), example.params(dtype)
    for step in range(4):
        made.update(params, example.grads(dtype, step))
    states = {
        name: held
        for name, held in sorted(vars(made).items())
        if name[0] != "_" and type(held) is list
    }
    return [params, states]


def array_functions(dtype):
    x, y = examples.numbers(21, 37)(dtype), examples.probabilities(21, 37)(dtype)
    wide, t = 50 * x, examples.labels(21, 37)(dtype)
    return [
        [[f(x), f(wide), f(x[0]), f(x[0, 0])] for f in (functions.sigmoid, functions.relu)],
        [functions.softmax(x), functions.softmax(wide), functions.softmax(x[0])],
        [functions.cross_entropy_error(y, t), functions.cross_entropy_error(y, np.eye(37)[t])],
        [functions.softmax_loss(x, t), functions.sum_squared_error(x, y)],
        [getattr(penalties, name)(x, 0.3) for name in penalties.__all__],
    ]


def initial_weights(dtype):
    kinds = [initializers.glorot, initializers.he, initializers.lecun, initializers.xavier]
    kinds.append(initializers.normal)
    return [kind((7, 5), rng=np.random.default_rng(3), dtype=dtype) for kind in kinds]


def clipping(dtype):
    results = []
    for change, limit in ((optimizer.clip_by_norm, 3.0), (optimizer.clip_by_value, 0.7)):
        grads = [examples.numbers(21, 37)(dtype), examples.numbers(5)(dtype)]
        results += [change(grads, limit), grads]
    return results


# --------------------------------------------------------------------------- networks


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


# --------------------------------------------------------------------------- textbooks


def two_layer_net(dtype):
    model = _seeded(TwoLayerNet, 8, 6, 5)
    x, t = examples.numbers(21, 8, seed=1)(dtype), examples.labels(21, 5)(dtype)
    gradients = model.gradient(x, t)
    return [model.params, model.predict(x), model.loss(x, t), gradients, model.accuracy(x, t)]


def multi_layer_net(dtype):
    options = {"use_dropout": True, "use_batchnorm": True, "weight_decay_lambda": 0.1}
    model = _seeded(first.MultiLayerNetExtend, 8, [7, 6], 5, **options)
    x, t = examples.numbers(21, 8, seed=1)(dtype), examples.labels(21, 5)(dtype)
    np.random.seed(6)  # noqa: NPY002
    results = [model.gradient(x, t), model.loss(x, t), model.predict(x)]
    trainer = first.Trainer(
        model, x, t, x, t, epochs=2, mini_batch_size=8, optimizer="Adam", verbose=False
    )
    trainer.train()
    return [*results, trainer.train_loss_list, trainer.train_acc_list, model.params]


def second_trainer(dtype):
    class Model:
        def __init__(self):
            W, b = examples.numbers(8, 5)(dtype), examples.numbers(5)(dtype)
            self.affine, self.loss = layers.Affine(W, b), layers.SoftmaxWithLoss()
            self.params, self.grads = self.affine.params, self.affine.grads

        def forward(self, x, t):
            return self.loss.forward(self.affine.forward(x), t)

        def backward(self, dout=1):
            return self.affine.backward(self.loss.backward(dout))

    x, t = examples.numbers(21, 8, seed=1)(dtype), examples.labels(21, 5)(dtype)
    trainer = second.Trainer(Model(), Momentum(lr=0.1))
    np.random.seed(6)  # noqa: NPY002
    trainer.fit(x, t, max_epoch=2, batch_size=8, max_grad=1.0, eval_interval=None)
    return [trainer.loss_list, trainer.model.params]


def _seeded(make, *arguments, **options):
    np.random.seed(5)  # noqa: NPY002  the books draw from the global generator
    return make(*arguments, **options)


# --------------------------------------------------------------------------- the tests

# Kind -> names, and results(name, dtype).
KINDS = {
    "layer": (examples.LAYERS, layer_results),
    "loss": (examples.LOSSES, loss_results),
    "optimizer": (examples.OPTIMIZERS, optimizer_results),
    "loss in a network": (
        [n for n, e in examples.LOSSES.items() if type(e.make()) in losses.LOSSES.values()],
        loss_in_a_network,
    ),
    "optimizer in a network": (examples.OPTIMIZERS, optimizer_in_a_network),
    "network": (NETWORKS, network),
}
ONCE = {
    "functions": array_functions,
    "initializers": initial_weights,
    "clipping": clipping,
    "TwoLayerNet": two_layer_net,
    "MultiLayerNetExtend": multi_layer_net,
    "second book's Trainer": second_trainer,
}
# Id -> results().
CASES = {
    f"{kind}-{name}-{dtype}": (lambda f=results, n=name, d=dtype: f(n, d))
    for kind, (names, results) in KINDS.items()
    for name in names
    for dtype in DTYPES
} | {
    f"{name}-{dtype}": (lambda f=results, d=dtype: f(d))
    for name, results in ONCE.items()
    for dtype in DTYPES
}


@pytest.fixture(scope="module")
def recorded():
    record = json.loads(RECORD.read_text())
    if machine() not in record:
        pytest.skip(f"bits.json has no record for {machine()}")
    return record[machine()]


@pytest.fixture
def threads_restored():
    before = fastnet.get_num_threads()
    yield
    fastnet.set_num_threads(before)


@pytest.mark.parametrize("case", CASES)
def test_results_have_the_bits_of_the_record(case, recorded):
    assert digest(CASES[case]()) == recorded[case]


@pytest.mark.usefixtures("threads_restored")
@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("network-")])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_gives_the_bits_of_the_record(threads, case, recorded):
    fastnet.set_num_threads(threads)
    assert digest(CASES[case]()) == recorded[case]
    if threads > 1 and "of one" not in case:  # those are too small for more than one
        assert any(thread.name == "fastnet" for thread in threading.enumerate())


def test_the_record_has_each_case_once(recorded):
    assert sorted(recorded) == sorted(CASES)


def test_a_digest_tells_values_dtypes_and_shapes_apart():
    zeros = np.zeros(4)
    others = [zeros, -zeros, zeros.reshape(2, 2), zeros.astype("f4"), np.zeros(8, "f4"), zeros[:3]]
    assert len({digest([array]) for array in others}) == len(others)


def test_every_public_class_has_an_example():
    made = {type(example.make("float64")).__name__ for example in examples.LAYERS.values()}
    bases = {"Activation", "Layer", "LoopLayer", "Outputs", "Steps", "UnigramSampler"}
    assert made == set(layers.__all__) - bases
    made = {type(example.make()) for example in examples.LOSSES.values()}
    bases = ("LOSSES", "LoopLoss", "Loss")
    public = {getattr(losses, name) for name in losses.__all__ if name not in bases}
    assert made == public and set(losses.LOSSES.values()) <= made
    made = {type(example.make()).__name__ for example in examples.OPTIMIZERS.values()}
    assert made == {name for name in optimizer.__all__ if name[0].isupper()} - {"Optimizer"}


def record():
    """Write this machine's hashes, and print what changed."""
    every = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    before = every.get(machine(), {})
    after = {case: digest(results()) for case, results in CASES.items()}
    every[machine()] = after
    RECORD.write_text(json.dumps(dict(sorted(every.items())), indent=0) + "\n")
    for case in {**before, **after}:
        if case not in after:
            print(f"gone: {case}")
        elif before.get(case) != after[case]:
            print(f"{'changed' if case in before else 'new'}: {case}")
    print(f"{machine()}: {len(after)} hashes in {RECORD.name}")


if __name__ == "__main__":
    record()
