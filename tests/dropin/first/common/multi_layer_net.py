from collections import OrderedDict

import numpy as np
from common.gradient import numerical_gradient
from common.layers import *


class MultiLayerNet:
    def __init__(
        self,
        input_size,
        hidden_size_list,
        output_size,
        activation="relu",
        weight_init_std="relu",
        weight_decay_lambda=0,
    ):
        self.sizes = [input_size, *hidden_size_list, output_size]
        self.weight_decay_lambda = weight_decay_lambda
        self.params, self.layers = {}, OrderedDict()
        kind = {"sigmoid": Sigmoid, "relu": Relu}[activation]
        last = len(hidden_size_list) + 1
        for i in range(1, last + 1):
            n, m = self.sizes[i - 1 : i + 1]
            std = {"relu": np.sqrt(2.0 / n), "sigmoid": np.sqrt(1.0 / n)}.get(
                str(weight_init_std).lower(), weight_init_std
            )
            W = self.params[f"W{i}"] = std * np.random.randn(n, m)
            b = self.params[f"b{i}"] = np.zeros(m)
            self.layers[f"Affine{i}"] = Affine(W, b)
            if i < last:
                self.layers[f"Activation_function{i}"] = kind()
        self.last_layer = SoftmaxWithLoss()

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def weights(self):
        return [self.params[f"W{i}"] for i in range(1, len(self.sizes))]

    def loss(self, x, t):
        decay = sum(0.5 * self.weight_decay_lambda * np.sum(W**2) for W in self.weights())
        return self.last_layer.forward(self.predict(x), t) + decay

    def accuracy(self, x, t):
        y = np.argmax(self.predict(x), axis=1)
        t = t if t.ndim == 1 else np.argmax(t, axis=1)
        return np.sum(y == t) / float(len(x))

    def numerical_gradient(self, x, t):
        def loss(W):
            return self.loss(x, t)

        return {key: numerical_gradient(loss, value) for key, value in self.params.items()}

    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.last_layer.backward(1)
        for layer in reversed(list(self.layers.values())):
            dout = layer.backward(dout)
        grads = {}
        for i, W in enumerate(self.weights(), 1):
            layer = self.layers[f"Affine{i}"]
            grads[f"W{i}"] = layer.dW + self.weight_decay_lambda * W
            grads[f"b{i}"] = layer.db
        return grads
