"""Two layers, trained in a loop that the script writes itself: python this [images] [updates]."""

import sys
from collections import OrderedDict

import numpy as np
from common.gradient import numerical_gradient
from common.layers import *


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01):
        self.params = {
            "W1": weight_init_std * np.random.randn(input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": weight_init_std * np.random.randn(hidden_size, output_size),
            "b2": np.zeros(output_size),
        }
        self.layers = OrderedDict()
        self.layers["Affine1"] = Affine(self.params["W1"], self.params["b1"])
        self.layers["Relu1"] = Relu()
        self.layers["Affine2"] = Affine(self.params["W2"], self.params["b2"])
        self.last = SoftmaxWithLoss()

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        return self.last.forward(self.predict(x), t)

    def accuracy(self, x, t):
        y = np.argmax(self.predict(x), axis=1)
        t = t if t.ndim == 1 else np.argmax(t, axis=1)
        return np.sum(y == t) / float(x.shape[0])

    def numerical_gradient(self, x, t):
        def loss(W):
            return self.loss(x, t)

        return {key: numerical_gradient(loss, W) for key, W in self.params.items()}

    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.last.backward(1)
        for layer in reversed(list(self.layers.values())):
            dout = layer.backward(dout)
        first, second = self.layers["Affine1"], self.layers["Affine2"]
        return {"W1": first.dW, "b1": first.db, "W2": second.dW, "b2": second.db}


def main():
    np.random.seed(0)
    if len(sys.argv) > 1:  # an .npz with x_train, t_train, x_test, t_test
        data = np.load(sys.argv[1])
        x_train, t_train = data["x_train"], data["t_train"]
        x_test, t_test = data["x_test"], data["t_test"]
        hidden, updates, batch = 50, int(sys.argv[2]), 100
    else:
        centres = np.random.randn(4, 12)
        labels = np.random.randint(0, 4, 400)
        x = (centres[labels] + np.random.randn(400, 12)).astype(np.float32)
        t = np.eye(4)[labels]
        x_train, t_train, x_test, t_test = x[:300], t[:300], x[300:], t[300:]
        hidden, updates, batch = 8, 60, 20
        small = TwoLayerNet(12, 3, 4)
        by_definition = small.numerical_gradient(x_train[:5], t_train[:5])
        for key, grad in small.gradient(x_train[:5], t_train[:5]).items():
            print(key, np.average(np.abs(grad - by_definition[key])) < 1e-6)
    classes = t_train.shape[1]
    network = TwoLayerNet(x_train.shape[1], hidden, classes)
    each = max(len(x_train) / batch, 1)
    for i in range(updates):
        chosen = np.random.choice(len(x_train), batch)
        x, t = x_train[chosen], t_train[chosen]
        grads = network.gradient(x, t)
        for key in ("W1", "b1", "W2", "b2"):
            network.params[key] -= 0.1 * grads[key]
        loss = network.loss(x, t)
        if i % each == 0:
            print(loss, network.accuracy(x_train, t_train), network.accuracy(x_test, t_test))


main()
