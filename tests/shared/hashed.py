"""What bits.json has hashes of: the results of every layer, loss, optimizer and some networks.

It has a hash for each id: sha256 of the bytes, dtypes and shapes of all results, its first 16
digits. Results depend on the width of a vector and on whether multiply-adds are fused, so there is
a record for each such machine. They depend on neither cache sizes nor the number of threads.

A change that is meant to change bits records them anew, and prints which:

    for bits in 512 256 128; do FASTNET_VECTOR_BITS=$bits python tests/shared/hashed.py; done
    NUMBA_CPU_NAME=nehalem NUMBA_CPU_FEATURES= python tests/shared/hashed.py  # without fusing
"""

import hashlib
import inspect
import json
from pathlib import Path

import examples
import numpy as np
from hashed_networks import NETWORKS, loss_in_a_network, network, optimizer_in_a_network

from fastnet import functions, initializers, layers, losses, optimizer, penalties
from fastnet.info import installation
from fastnet.models import TwoLayerNet
from fastnet.optimizer import Momentum
from fastnet.textbook import first, second

RECORD = Path(__file__).parents[1] / "bits.json"
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
