import numpy as np

from . import DTYPES, IMPLEMENTATIONS, SHAPES, assert_close, labels, numbers, part


def _dense(layers, W, b):
    layer = layers.Dense(len(b), activation="sigmoid")
    layer.build(len(W), np.random.default_rng(0), W.dtype)
    return layer


LAYERS = {
    "MatMul": lambda layers, W, b: layers.MatMul(W),
    "Affine": lambda layers, W, b: layers.Affine(W, b),
    "Dense": _dense,
    "Sigmoid": lambda layers, W, b: layers.Sigmoid(),
    "Relu": lambda layers, W, b: layers.Relu(),
    "Tanh": lambda layers, W, b: layers.Tanh(),
    "LeakyRelu": lambda layers, W, b: layers.LeakyRelu(),
    "Elu": lambda layers, W, b: layers.Elu(),
    "Softplus": lambda layers, W, b: layers.Softplus(),
    "Gelu": lambda layers, W, b: layers.Gelu(),
    "Silu": lambda layers, W, b: layers.Silu(),
    "Dropout": lambda layers, W, b: layers.Dropout(rng=np.random.default_rng(0)),
    "BatchNormalization": lambda layers, W, b: layers.BatchNormalization(b, b.copy(), eps=1e-3),
    "Softmax": lambda layers, W, b: layers.Softmax(),
    "SoftmaxWithLoss": lambda layers, W, b: layers.SoftmaxWithLoss(),
}


class Layers:
    param_names = ["implementation", "dtype", "shape", "layer"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES], [*LAYERS]]

    def setup(self, implementation, dtype, shape, layer):
        n, d, m = SHAPES[shape]
        W, b = numbers(dtype, d, m), numbers(dtype, m)
        W *= W.dtype.type(d**-0.5)  # as a network's: no sigmoid overflows
        product = layer in ("MatMul", "Affine", "Dense")
        self.forward_arguments = [numbers(dtype, n, d if product else m)]
        self.backward_arguments = [numbers(dtype, n, m)[::-1].copy()]
        if layer == "SoftmaxWithLoss":
            self.forward_arguments.append(labels(n, m))
            self.backward_arguments = []
        results = {}
        for name in IMPLEMENTATIONS:
            made = LAYERS[layer](part(name, "layers"), W, b)
            out = made.forward(*self.forward_arguments)
            dx = made.backward(*self.backward_arguments)
            results[name] = [out, dx, *made.grads]
            if name == implementation:
                self.layer = made
        for ours, theirs in zip(results["fastnet"], results["numpy"], strict=True):
            assert_close(ours, theirs)

    def time_forward(self, *_):
        self.layer.forward(*self.forward_arguments)

    def time_backward(self, *_):
        self.layer.backward(*self.backward_arguments)
