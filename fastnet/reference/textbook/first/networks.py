"""Networks and trainer of the first book: parameters in a dict, weights from NumPy's generator."""

from typing import Any

import numpy as np

from ... import metrics
from ...functions import _labels
from ...gradient import numerical_gradient
from ...layers import (
    Affine,
    BatchNormalization,
    Dropout,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
)
from ...optimizer import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop
from ...penalties import l2_penalty

ACTIVATIONS = {"sigmoid": Sigmoid, "relu": Relu}
OPTIMIZERS: dict[str, Any] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "rmsprpo": RMSprop,
    "adam": Adam,
}


class MultiLayerNetExtend:
    """The textbook's deep network with weight decay, dropout and batch normalization.

    ``params`` is a dict with W1, b1 ... and gamma1, beta1 ...; ``layers`` has Affine1, BatchNorm1,
    Activation_function1, Dropout1, Affine2 ... in the order of forward.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: list[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: float | str = "relu",
        weight_decay_lambda: float = 0,
        use_dropout: bool = False,
        dropout_ration: float = 0.5,
        use_batchnorm: bool = False,
    ) -> None:
        sizes = [input_size, *hidden_size_list, output_size]
        self.hidden_layer_num = len(hidden_size_list)
        self.weight_decay_lambda = weight_decay_lambda
        self.params: dict = {}
        self.layers: dict = {}
        for i in range(1, len(sizes)):
            n, m = sizes[i - 1 : i + 1]
            he, xavier = np.sqrt(2.0 / n), np.sqrt(1.0 / n)
            names = {"relu": he, "he": he, "sigmoid": xavier, "xavier": xavier}
            std = names.get(str(weight_init_std).lower(), weight_init_std)
            W = std * np.random.randn(n, m)  # noqa: NPY002
            b = np.zeros(m)
            self.params.update({f"W{i}": W, f"b{i}": b})
            self.layers[f"Affine{i}"] = Affine(W, b)
            if i > self.hidden_layer_num:
                break
            if use_batchnorm:
                gamma, beta = np.ones(m), np.zeros(m)
                self.params.update({f"gamma{i}": gamma, f"beta{i}": beta})
                self.layers[f"BatchNorm{i}"] = BatchNormalization(gamma, beta)
            self.layers[f"Activation_function{i}"] = ACTIVATIONS[activation]()
            if use_dropout:
                self.layers[f"Dropout{i}"] = Dropout(dropout_ration)
        self.last_layer = SoftmaxWithLoss()

    def predict(self, x: np.ndarray, train_flg: bool = False) -> np.ndarray:
        """Return the scores (N, output_size) before softmax."""
        for layer in self.layers.values():
            if isinstance(layer, (BatchNormalization, Dropout)):
                x = layer.forward(x, train_flg)
            else:
                x = layer.forward(x)
        return x

    def loss(self, x: np.ndarray, t: np.ndarray, train_flg: bool = False) -> float:
        """Return the mean cross entropy of labels or one-hot rows t, with weight decay."""
        loss = self.last_layer.forward(self.predict(x, train_flg), t)
        for i in range(1, self.hidden_layer_num + 2):
            loss += l2_penalty(self.params[f"W{i}"], self.weight_decay_lambda)
        return loss

    def accuracy(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return the share of rows whose largest score is at the label; NaN where a score is."""
        y = self.predict(x)
        return np.float64(metrics.accuracy(_labels(t, y), y))

    def numerical_gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Return the gradient as a dict by central differences: slow, to check ``gradient``."""

        def loss(W: np.ndarray) -> float:
            return self.loss(x, t, train_flg=True)

        return {key: numerical_gradient(loss, W) for key, W in self.params.items()}

    def gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Return the gradient as a dict of fresh arrays by back propagation."""
        self.last_layer.forward(self.predict(x, train_flg=True), t)
        dout = self.last_layer.backward(1)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        grads = {}
        for i in range(1, self.hidden_layer_num + 2):
            affine = self.layers[f"Affine{i}"]
            grads[f"W{i}"] = affine.dW + self.weight_decay_lambda * affine.W
            grads[f"b{i}"] = affine.db.copy()
            if f"gamma{i}" in self.params:
                norm = self.layers[f"BatchNorm{i}"]
                grads.update({f"gamma{i}": norm.dgamma.copy(), f"beta{i}": norm.dbeta.copy()})
        return grads


class MultiLayerNet(MultiLayerNetExtend):
    """The textbook's deep network, without dropout and batch normalization."""

    def __init__(
        self,
        input_size: int,
        hidden_size_list: list[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: float | str = "relu",
        weight_decay_lambda: float = 0,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size_list,
            output_size,
            activation,
            weight_init_std,
            weight_decay_lambda,
        )


class Trainer:
    """The first book's loop: random batches, their loss after each update, accuracies by epoch."""

    def __init__(
        self,
        network: Any,
        x_train: np.ndarray,
        t_train: np.ndarray,
        x_test: np.ndarray,
        t_test: np.ndarray,
        epochs: int = 20,
        mini_batch_size: int = 100,
        optimizer: str = "SGD",
        optimizer_param: dict[str, Any] = {"lr": 0.01},  # noqa: B006
        evaluate_sample_num_per_epoch: int | None = None,
        verbose: bool = True,
    ) -> None:
        self.network, self.verbose = network, verbose
        self.x_train, self.t_train, self.x_test, self.t_test = x_train, t_train, x_test, t_test
        self.batch_size = mini_batch_size
        self.evaluate_sample_num_per_epoch = evaluate_sample_num_per_epoch
        self.optimizer = OPTIMIZERS[optimizer.lower()](**optimizer_param)
        self.iter_per_epoch = max(len(x_train) / mini_batch_size, 1)
        self.max_iter = int(epochs * self.iter_per_epoch)
        self.current_iter = self.current_epoch = 0
        self.train_loss_list: list[float] = []
        self.train_acc_list: list[float] = []
        self.test_acc_list: list[float] = []

    def train_step(self) -> None:
        """Draw a batch and update on it; take the accuracies where an epoch begins."""
        rows = np.random.choice(len(self.x_train), self.batch_size)  # noqa: NPY002
        x, t = self.x_train[rows], self.t_train[rows]
        self.optimizer.update(self.network.params, self.network.gradient(x, t))
        self.train_loss_list.append(self.network.loss(x, t))
        if self.verbose:
            print(f"train loss:{self.train_loss_list[-1]}")
        if self.current_iter % self.iter_per_epoch == 0:
            self.current_epoch += 1
            n = self.evaluate_sample_num_per_epoch
            self.train_acc_list.append(self.network.accuracy(self.x_train[:n], self.t_train[:n]))
            self.test_acc_list.append(self.network.accuracy(self.x_test[:n], self.t_test[:n]))
            if self.verbose:
                accuracies = self.train_acc_list[-1], self.test_acc_list[-1]
                print("epoch:{}, train acc:{}, test acc:{}".format(self.current_epoch, *accuracies))
        self.current_iter += 1

    def train(self) -> None:
        """Do the updates of all epochs; with verbose, print the accuracy of all test samples."""
        for _ in range(self.max_iter):
            self.train_step()
        if self.verbose:
            print(f"test acc:{self.network.accuracy(self.x_test, self.t_test)}")
