import numpy as np

from . import (
    API_SHAPES,
    IMPLEMENTATIONS,
    SHAPES,
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


LAYERS = {
    "MatMul": lambda layers, W, b, n: layers.MatMul(W),
    "Affine": lambda layers, W, b, n: layers.Affine(W, b),
    "Dense": _dense,
    "Sigmoid": lambda layers, W, b, n: layers.Sigmoid(),
    "Relu": lambda layers, W, b, n: layers.Relu(),
    "Tanh": lambda layers, W, b, n: layers.Tanh(),
    "LeakyRelu": lambda layers, W, b, n: layers.LeakyRelu(),
    "Elu": lambda layers, W, b, n: layers.Elu(),
    "Softplus": lambda layers, W, b, n: layers.Softplus(),
    "Identity": lambda layers, W, b, n: layers.Identity(),
    "Step": lambda layers, W, b, n: layers.Step(),
    "Gelu": lambda layers, W, b, n: layers.Gelu(),
    "Silu": lambda layers, W, b, n: layers.Silu(),
    "Dropout": lambda layers, W, b, n: layers.Dropout(rng=np.random.default_rng(0)),
    "BatchNormalization": lambda layers, W, b, n: layers.BatchNormalization(b, b.copy(), eps=1e-3),
    "Embedding": lambda layers, W, b, n: layers.Embedding(W),
    "Add": lambda layers, W, b, n: layers.Add(),
    "Multiply": lambda layers, W, b, n: layers.Multiply(),
    "Repeat": lambda layers, W, b, n: layers.Repeat(n),
    "Sum": lambda layers, W, b, n: layers.Sum(),
    "Softmax": lambda layers, W, b, n: layers.Softmax(),
    "SoftmaxWithLoss": lambda layers, W, b, n: layers.SoftmaxWithLoss(),
}


class Layers:
    param_names = ["implementation", "dtype", "shape", "layer"]
    params = [IMPLEMENTATIONS, ["float32"], API_SHAPES, [*LAYERS]]

    def setup(self, implementation, dtype, shape, layer):
        n, d, m = SHAPES[shape]
        W, b = numbers(dtype, d, m), numbers(dtype, m)
        W *= W.dtype.type(d**-0.5)  # as a network's: no sigmoid overflows
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
