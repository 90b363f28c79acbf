from collections import OrderedDict

import numpy as np
from common.gradient import numerical_gradient
from common.layers import *


class MultiLayerNetExtend:
    def __init__(
        self,
        input_size,
        hidden_size_list,
        output_size,
        activation="relu",
        weight_init_std="relu",
        weight_decay_lambda=0,
        use_dropout=False,
        dropout_ration=0.5,
        use_batchnorm=False,
    ):
        self.sizes = [input_size, *hidden_size_list, output_size]
        self.weight_decay_lambda, self.use_batchnorm = weight_decay_lambda, use_batchnorm
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
            if i == last:
                break
            if use_batchnorm:
                gamma, beta = self.params[f"gamma{i}"], self.params[f"beta{i}"] = (
                    np.ones(m),
                    np.zeros(m),
                )
                self.layers[f"BatchNorm{i}"] = BatchNormalization(gamma, beta)
            self.layers[f"Activation_function{i}"] = kind()
            if use_dropout:
                self.layers[f"Dropout{i}"] = Dropout(dropout_ration)
        self.last_layer = SoftmaxWithLoss()

    def predict(self, x, train_flg=False):
        for key, layer in self.layers.items():
            mode = (train_flg,) if "Dropout" in key or "BatchNorm" in key else ()
            x = layer.forward(x, *mode)
        return x

    def weights(self):
        return [self.params[f"W{i}"] for i in range(1, len(self.sizes))]

    def loss(self, x, t, train_flg=False):
        decay = sum(0.5 * self.weight_decay_lambda * np.sum(W**2) for W in self.weights())
        return self.last_layer.forward(self.predict(x, train_flg), t) + decay

    def accuracy(self, X, T):
        y = np.argmax(self.predict(X), axis=1)
        T = T if T.ndim == 1 else np.argmax(T, axis=1)
        return np.sum(y == T) / float(len(X))

    def numerical_gradient(self, X, T):
        def loss(W):
            return self.loss(X, T, train_flg=True)

        return {key: numerical_gradient(loss, value) for key, value in self.params.items()}

    def gradient(self, x, t):
        self.loss(x, t, train_flg=True)
        dout = self.last_layer.backward(1)
        for layer in reversed(list(self.layers.values())):
            dout = layer.backward(dout)
        grads = {}
        for i, W in enumerate(self.weights(), 1):
            layer = self.layers[f"Affine{i}"]
            grads[f"W{i}"] = layer.dW + self.weight_decay_lambda * W
            grads[f"b{i}"] = layer.db
            if self.use_batchnorm and i < len(self.sizes) - 1:
                grads[f"gamma{i}"] = self.layers[f"BatchNorm{i}"].dgamma
                grads[f"beta{i}"] = self.layers[f"BatchNorm{i}"].dbeta
        return grads
