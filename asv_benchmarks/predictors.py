"""What asv_benchmarks/peers.py --predict measures: a network's outputs, written for each library.

Each contender takes a network and returns a function that returns the last layer's outputs, before
any softmax, for all rows of x. It keeps a copy of x, in an array of its own library.
"""

import os
import pathlib

import numpy as np

import fastnet
import fastnet.reference
from asv_benchmarks.contenders import jax_parts, sequential, torch_parts
from asv_benchmarks.peer_networks import LeftOut
from fastnet.datasets import load_mnist

TABLE = ["784-50-10/10000", "784-50-10/1"]


def rows(net):
    """Return the network with one batch alone: of MNIST's test images, or else of random rows."""
    beside = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist"
    folder, x = os.environ.get("FASTNET_MNIST") or beside, net.x[: net.batch_size]
    if net.widths[0] == 784 and len(x) <= 10_000 and os.path.isdir(folder):
        x = load_mnist(folder, normalize=True)[1][0][: len(x)].astype(net.dtype)
    return net._replace(x=x.copy(), t=net.t[: len(x)])


def by_layers(net):
    """The textbook's loop over layers, in NumPy."""
    model, x = sequential(net, fastnet.reference), net.x.copy()
    return lambda: model.predict(x)


def by_chunks(net):
    """NumPy at its best: as many rows at a time as stay in L2, results in place."""
    weights, x = net.weights, net.x.copy()
    chunk = 256  # 784-50-10: 10,000 rows take 10.6 ms, 11.9 all at once

    def activate(y):
        if net.activation == "sigmoid":
            np.negative(y, out=y)
            np.exp(y, out=y)
            y += 1
            np.reciprocal(y, out=y)
        elif net.activation == "relu":
            np.maximum(y, 0, out=y)
        else:
            np.tanh(y, out=y)

    def run():
        out = np.empty((len(x), net.widths[-1]), net.dtype)
        for start in range(0, len(x), chunk):
            y = x[start : start + chunk]
            for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
                y = y @ W
                y += b
                activate(y)
            y = np.matmul(y, weights[-2], out=out[start : start + chunk])
            y += weights[-1]
        return out

    return run


def pytorch(net):
    """All rows at once: no slower than 1,000 at a time, and than products with W.T in order."""
    model, _, x, _, _ = torch_parts(net, np.zeros((1, 1), np.int64))
    import torch

    def run():
        with torch.inference_mode():
            return model(x)

    return run


def torch_compile(net):
    model, _, x, _, _ = torch_parts(net, np.zeros((1, 1), np.int64))
    import torch

    torch._dynamo.reset()  # the graphs of other networks
    model.requires_grad_(False)
    # The weights as constants of the graph, which PyTorch packs as its library likes them best.
    freezing = {"freezing": True, "cpp_wrapper": True}
    compiled = torch.compile(model, fullgraph=True, dynamic=False, options=freezing)
    try:
        with torch.no_grad():
            compiled(x)
    except Exception as error:  # among others: no C++ compiler
        raise LeftOut(f"does not compile here: {str(error).splitlines()[0]}") from error

    def run():
        with torch.no_grad(), torch.compiler.set_stance(skip_guard_eval_unsafe=True):
            return compiled(x)

    return run


def jax_jit(net):
    """All rows at once: 9.5 ms for 10,000, 9.1 with 500 at a time in a `lax.map`."""
    jax, _, params, x, _ = jax_parts(net, 0)
    activation = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, "tanh": jax.numpy.tanh}

    @jax.jit
    def predict(params, x):
        for W, b in zip(params[:-2:2], params[1:-2:2], strict=True):
            x = activation[net.activation](x @ W + b)
        return x @ params[-2] + params[-1]

    return lambda: jax.block_until_ready(predict(params, x))


def scikit_learn(net):
    """`predict_proba` without its softmax, so that the outputs are the same."""
    from sklearn.neural_network import MLPClassifier

    classes = net.widths[-1]
    if classes < 3:
        raise LeftOut("has one output for two classes")
    name = {"sigmoid": "logistic"}.get(net.activation, net.activation)
    model = MLPClassifier(net.widths[1:-1], activation=name, solver="sgd", max_iter=1)
    model.partial_fit(np.zeros((1, net.widths[0]), net.dtype), [0], classes=range(classes))
    model.coefs_, model.intercepts_ = net.weights[::2], net.weights[1::2]
    model.out_activation_ = "identity"
    x = net.x.copy()
    return lambda: model.predict_proba(x)


def ours(net):
    model, x = sequential(net, fastnet), net.x.copy()
    return lambda: model.predict(x)


PREDICTORS = {
    "NumPy layers": by_layers,
    "NumPy chunks": by_chunks,
    "PyTorch": pytorch,
    "torch.compile": torch_compile,
    "JAX jit": jax_jit,
    "scikit-learn": scikit_learn,
    "fastnet": ours,
}
