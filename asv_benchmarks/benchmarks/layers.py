import importlib
import inspect

import numpy as np

from . import (
    API_SHAPES,
    DTYPES,
    IMPLEMENTATIONS,
    SHAPES,
    TINY,
    assert_close,
    labels,
    numbers,
    part,
    ratios,
)


def _dense(layers, W, b, n):
    layer = layers.Dense(len(b), activation="sigmoid")
    layer.build(len(W), np.random.default_rng(0), W.dtype)
    return layer


def _branches(layers, W, b, n):
    layer = layers.Branches([layers.Dense(10)], [layers.Relu()])
    layer.build((len(b),), np.random.default_rng(0), W.dtype)
    return layer


def plain(kind):
    """Tell whether a public name is a layer that is made without arguments."""
    return (
        inspect.isclass(kind)
        and hasattr(kind, "backward")
        and all(
            p.default is not p.empty or p.kind is p.VAR_POSITIONAL or p.kind is p.VAR_KEYWORD
            for p in inspect.signature(kind).parameters.values()
        )
    )


# A base class, what moves nothing, and what is timed in attention.py, sequence_loss.py and
# average_pooling.py.
ELSEWHERE = {"Activation", "Attention", "AttentionWeight", "TimeAttention", "TimeDropout"}
ELSEWHERE |= {"TimeSigmoidWithLoss", "TimeSoftmaxWithLoss", "WeightSum", "Flatten"}
ELSEWHERE |= {"MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D"}
KINDS = importlib.import_module("fastnet.layers")
LAYERS = {
    name: lambda layers, W, b, n, name=name: getattr(layers, name)()
    for name in KINDS.__all__
    if name not in ELSEWHERE and plain(getattr(KINDS, name))
} | {
    "MatMul": lambda layers, W, b, n: layers.MatMul(W),
    "Affine": lambda layers, W, b, n: layers.Affine(W, b),
    "Dense": _dense,
    "Branches": _branches,
    "Dropout": lambda layers, W, b, n: layers.Dropout(rng=np.random.default_rng(0)),
    "BatchNormalization": lambda layers, W, b, n: layers.BatchNormalization(b, b.copy(), eps=1e-3),
    "Embedding": lambda layers, W, b, n: layers.Embedding(W),
    "Repeat": lambda layers, W, b, n: layers.Repeat(n),
    "Rescaling": lambda layers, W, b, n: layers.Rescaling(1 / 255, -0.5),
}


class Layers:
    param_names = ["implementation", "dtype", "shape", "layer"]
    params = [IMPLEMENTATIONS, ["float32"], API_SHAPES, [*LAYERS]]

    def setup(self, implementation, dtype, shape, layer):
        n, d, m = SHAPES[shape]
        W, b = numbers(dtype, d, m), numbers(dtype, m)
        W *= W.dtype.type(d**-0.5)  # as a network's: no sigmoid overflows
        if layer == "BatchNormalization":
            n = max(n, 2)  # one row has no variance, which is warned of
        x = numbers(dtype, n, d if layer in ("MatMul", "Affine", "Dense") else m)
        self.forward_arguments = {
            "Add": [x, x[::-1].copy()],
            "Multiply": [x, x[::-1].copy()],
            "Embedding": [labels(n, d)],
            "Repeat": [x[:1].copy()],
            "SoftmaxWithLoss": [x, labels(n, m)],
        }.get(layer, [x])
        results = {}
        for name in IMPLEMENTATIONS:
            made = LAYERS[layer](part(name, "layers"), W, b, n)
            out = made.forward(*self.forward_arguments)
            dout = [numbers(dtype, *out.shape)[::-1].copy()] if out.ndim else []
            self.backward_arguments = dout
            dx = made.backward(*self.backward_arguments)
            dxs = dx if isinstance(dx, tuple) else [] if dx is None else [dx]
            results[name] = [out, *dxs, *made.grads]
            if name == implementation:
                self.layer = made
        for ours, theirs in zip(results["fastnet"], results["numpy"], strict=True):
            assert_close(ours, theirs)

    def time_forward(self, *_):
        self.layer.forward(*self.forward_arguments)

    def time_backward(self, *_):
        self.layer.backward(*self.backward_arguments)


LayersRatio = ratios(Layers)


# Samples a batch, then the width of each layer: calls and checks, and little arithmetic.
SMALL_NETWORKS = {
    "2-2-2/1": (1, 2, 2, 2),
    "3-4-2/1": (1, 3, 4, 2),
    "4-4-2/1": (1, 4, 4, 2),
    "4-64-2/1": (1, 4, 64, 2),
    "64-32-10/32": (32, 64, 32, 10),
}


class ByHand:
    """Forward, backward and update of a network, of its parts, and of a row without its axis."""

    param_names = ["implementation", "dtype", "network"]
    params = [IMPLEMENTATIONS, DTYPES, [*SMALL_NETWORKS]]

    def setup(self, implementation, dtype, network):
        n, d, h, c = SMALL_NETWORKS[network]
        self.x, self.dout = numbers(dtype, n, d), numbers(dtype, n, h)
        self.row, self.dout_of_row = self.x[0], self.dout[0]
        self.scores, self.t = numbers(dtype, n, c), labels(n, c)
        results = {}
        for name in IMPLEMENTATIONS:
            layers, optimizer = part(name, "layers"), part(name, "optimizer")
            weights = [numbers(dtype, *shape) for shape in ((d, h), (h,), (h, c), (c,))]
            weights[0] *= weights[0].dtype.type(d**-0.5)
            weights[2] *= weights[2].dtype.type(h**-0.5)
            self.affine, self.sigmoid = layers.Affine(*weights[:2]), layers.Sigmoid()
            self.second, self.loss = layers.Affine(*weights[2:]), layers.SoftmaxWithLoss()
            self.optimizer = optimizer.SGD(lr=TINY)
            results[name] = [
                *self.time_row(),
                *self.time_affine(),
                *self.time_sigmoid(),
                *self.time_loss(),
                *self.time_step(),
                *[grad.copy() for grad in self.affine.grads + self.second.grads],
            ]
            if name == implementation:
                made = vars(self).copy()
        vars(self).update(made)
        for ours, theirs in zip(results["fastnet"], results["numpy"], strict=True):
            assert_close(ours, theirs)

    def time_row(self, *_):
        affine, optimizer = self.affine, self.optimizer
        out = affine.forward(self.row)
        dx = affine.backward(self.dout_of_row)
        optimizer.update(affine.params, affine.grads)
        return out, dx

    def time_affine(self, *_):
        affine, optimizer = self.affine, self.optimizer
        out = affine.forward(self.x)
        dx = affine.backward(self.dout)
        optimizer.update(affine.params, affine.grads)
        return out, dx

    def time_sigmoid(self, *_):
        return self.sigmoid.forward(self.dout), self.sigmoid.backward(self.dout)

    def time_loss(self, *_):
        return self.loss.forward(self.scores, self.t), self.loss.backward()

    def time_step(self, *_):
        layers = [self.affine, self.sigmoid, self.second]
        out = self.x
        for layer in layers:
            out = layer.forward(out)
        loss = self.loss.forward(out, self.t)
        dout = self.loss.backward()
        for layer in reversed(layers):
            dout = layer.backward(dout)
        for layer in (self.affine, self.second):
            self.optimizer.update(layer.params, layer.grads)
        return loss, dout


ByHandRatio = ratios(ByHand, network=[*SMALL_NETWORKS])
