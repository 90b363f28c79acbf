"""A network of two layers in the style of chapter 4: there are no layers yet, only functions."""

import numpy as np
from common.functions import *


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01):
        self.params = {
            "W1": weight_init_std * np.random.randn(input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": weight_init_std * np.random.randn(hidden_size, output_size),
            "b2": np.zeros(output_size),
        }

    def _hidden(self, x):
        return x @ self.params["W1"] + self.params["b1"]

    def predict(self, x):
        z = sigmoid(self._hidden(x))
        return softmax(z @ self.params["W2"] + self.params["b2"])

    def loss(self, x, t):
        return cross_entropy_error(self.predict(x), t)

    def accuracy(self, x, t):
        return np.mean(np.argmax(self.predict(x), axis=1) == np.argmax(t, axis=1))

    def gradient(self, x, t):
        a = self._hidden(x)
        z = sigmoid(a)
        dy = (softmax(z @ self.params["W2"] + self.params["b2"]) - t) / len(x)
        da = sigmoid_grad(a) * (dy @ self.params["W2"].T)
        return {"W2": z.T @ dy, "b2": dy.sum(axis=0), "W1": x.T @ da, "b1": da.sum(axis=0)}
