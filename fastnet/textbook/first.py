"""Networks and trainer of the first book: parameters in a dict, weights from NumPy's generator."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks, gradient
from fastnet.initializers import he, normal, xavier
from fastnet.layers import Affine, BatchNormalization, Dropout, Relu, Sigmoid, SoftmaxWithLoss
from fastnet.optimizer import SGD, AdaGrad, Adam, Momentum, Nesterov, Optimizer, RMSprop
from fastnet.penalties import l2_penalty

__all__ = ["MultiLayerNet", "MultiLayerNetExtend", "Trainer"]

ACTIVATIONS = {"sigmoid": Sigmoid, "relu": Relu}
INITIALIZERS = {"relu": he, "he": he, "sigmoid": xavier, "xavier": xavier}
OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "rmsprpo": RMSprop,  # as the book spells it
    "adam": Adam,
}


class MultiLayerNetExtend:
    """The textbook's deep network with weight decay, dropout and batch normalization, in float64.

    Each hidden layer is Affine, BatchNormalization, activation and Dropout, the last Affine alone;
    SoftmaxWithLoss follows. The weights, and the masks of dropout, are drawn from NumPy's global
    generator, so `numpy.random.seed` fixes them, as in the book.

    Parameters
    ----------
    input_size : int
    hidden_size_list : list of int
        Units of each hidden layer.
    output_size : int
    activation : "relu" or "sigmoid"
    weight_init_std : float, or "relu", "he", "sigmoid" or "xavier"
        Standard deviation of the initial weights; the first two names stand for sqrt(2 / D), the
        others for sqrt(1 / D).
    weight_decay_lambda : float
        The loss has weight_decay_lambda / 2 * sum(W**2) of every W added.
    use_dropout : bool
    dropout_ration : float
        In [0, 1): the share that is dropped. So spelt in the book.
    use_batchnorm : bool

    Attributes
    ----------
    params : dict
        W1 (input_size, hidden_size_list[0]), b1, W2 ..., and with batch normalization gamma1,
        beta1 ...; the layers use these very arrays, so an optimizer that changes them changes the
        network.
    layers : dict
        Affine1, BatchNorm1, Activation_function1, Dropout1, Affine2 ..., in the order of forward.
    last_layer : SoftmaxWithLoss
    weight_decay_lambda : float
    hidden_layer_num : int

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, chapter 6, common/multi_layer_net_extend.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.optimizer import SGD
    >>> from fastnet.textbook.first import MultiLayerNetExtend
    >>> np.random.seed(0)
    >>> network, optimizer = MultiLayerNetExtend(2, [8, 8], 2, use_batchnorm=True), SGD(lr=0.5)
    >>> list(network.layers)[:4]
    ['Affine1', 'BatchNorm1', 'Activation_function1', 'Affine2']
    >>> x, t = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    >>> for _ in range(100):
    ...     optimizer.update(network.params, network.gradient(x, t))
    >>> float(network.accuracy(x, t))
    1.0
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: float | str = "relu",
        weight_decay_lambda: float = 0,
        use_dropout: bool = False,
        dropout_ration: float = 0.5,
        use_batchnorm: bool = False,
    ) -> None:
        where = type(self).__name__
        sizes = [checks.count(where, "input_size", input_size)]
        sizes += checks.sizes(where, "hidden_size_list", hidden_size_list)
        sizes.append(checks.count(where, "output_size", output_size))
        checks.choice(where, "activation", activation, ACTIVATIONS)
        if isinstance(weight_init_std, str):
            weight_init_std = weight_init_std.lower()
            checks.choice(where, "weight_init_std", weight_init_std, INITIALIZERS)
        else:
            checks.deviation(where, weight_init_std)
        checks.not_negative(where, "weight_decay_lambda", weight_decay_lambda)
        checks.flag(where, "use_dropout", use_dropout)
        checks.share(where, "dropout_ration", dropout_ration)
        checks.flag(where, "use_batchnorm", use_batchnorm)
        self.hidden_layer_num = len(sizes) - 2
        self.weight_decay_lambda = weight_decay_lambda
        self.params: dict[str, NDArray[Any]] = {}
        self.layers: dict[str, Any] = {}
        for i, shape in enumerate(pairwise(sizes), 1):
            if isinstance(weight_init_std, str):
                W = INITIALIZERS[weight_init_std](shape)
            else:
                W = normal(shape, weight_init_std)
            b = np.zeros(shape[1])
            self.params |= {f"W{i}": W, f"b{i}": b}
            self.layers[f"Affine{i}"] = Affine(W, b)
            if i > self.hidden_layer_num:
                break
            if use_batchnorm:
                gamma, beta = np.ones(shape[1]), np.zeros(shape[1])
                self.params |= {f"gamma{i}": gamma, f"beta{i}": beta}
                self.layers[f"BatchNorm{i}"] = BatchNormalization(gamma, beta)
            self.layers[f"Activation_function{i}"] = ACTIVATIONS[activation]()
            if use_dropout:
                self.layers[f"Dropout{i}"] = Dropout(dropout_ration)
        self.last_layer = SoftmaxWithLoss()

    def predict(self, x: ArrayLike, train_flg: bool = False) -> NDArray[Any]:
        """Return the scores (N, output_size) of x (N, input_size), before the softmax.

        Where train_flg is True, with the statistics of the batch and random masks.
        """
        out: Any = x
        for layer in self.layers.values():
            if isinstance(layer, (BatchNormalization, Dropout)):
                out = layer.forward(out, train_flg)
            else:
                out = layer.forward(out)
        result: NDArray[Any] = out
        return result

    def loss(self, x: ArrayLike, t: ArrayLike, train_flg: bool = False) -> Any:
        """Return the mean cross entropy of x and labels or one-hot rows t, with weight decay."""
        loss = self.last_layer.forward(self.predict(x, train_flg), t)
        if self.weight_decay_lambda:
            for i in range(1, self.hidden_layer_num + 2):
                loss += l2_penalty(self.params[f"W{i}"], self.weight_decay_lambda)
        return loss

    def accuracy(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the share of rows of x (N, input_size) whose largest score is at the label."""
        where = f"{type(self).__name__}.accuracy"
        y = self.predict(checks.samples(where, "x", checks.array(where, "x", x)))
        labels = checks.labels(where, t, len(y), y.shape[1], "predict(x)")
        return np.sum(y.argmax(axis=1) == labels) / len(y)

    def numerical_gradient(self, x: ArrayLike, t: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return the gradient as a dict by central differences: slow, to check `gradient`.

        With dropout every loss has another mask, so there it says nothing. See
        `fastnet.gradient.numerical_gradient`.
        """

        def loss(W: NDArray[Any]) -> Any:
            return self.loss(x, t, train_flg=True)

        return {key: gradient.numerical_gradient(loss, W) for key, W in self.params.items()}

    def gradient(self, x: ArrayLike, t: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return the gradient as a dict of fresh arrays, by back propagation."""
        self.last_layer.forward(self.predict(x, train_flg=True), t)
        dout: Any = self.last_layer.backward(1)
        *later, first = reversed(self.layers.values())
        for layer in later:
            dout = layer.backward(dout)
        # Of 784-100x4-10 on 100 rows, dx of the first layer would take a fifth of the time.
        (first._backward_params if type(first) is Affine else first.backward)(dout)
        grads, decay = {}, self.weight_decay_lambda
        for i in range(1, self.hidden_layer_num + 2):
            affine = self.layers[f"Affine{i}"]
            grads[f"W{i}"] = affine.dW + decay * affine.W if decay else affine.dW.copy()
            grads[f"b{i}"] = affine.db.copy()
            if f"gamma{i}" in self.params:
                norm = self.layers[f"BatchNorm{i}"]
                grads |= {f"gamma{i}": norm.dgamma.copy(), f"beta{i}": norm.dbeta.copy()}
        return grads


class MultiLayerNet(MultiLayerNetExtend):
    """The textbook's deep network, without dropout and batch normalization.

    Its methods, errors and other attributes are those of `MultiLayerNetExtend`.

    Parameters
    ----------
    input_size : int
    hidden_size_list : list of int
        Units of each hidden layer.
    output_size : int
    activation : "relu" or "sigmoid"
    weight_init_std : float, or "relu", "he", "sigmoid" or "xavier"
    weight_decay_lambda : float

    Attributes
    ----------
    params : dict
        W1 (input_size, hidden_size_list[0]), b1, W2 ...
    layers : dict
        Affine1, Activation_function1, Affine2 ..., in the order of forward.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, chapter 6, common/multi_layer_net.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.gradient import gradient_check
    >>> from fastnet.textbook.first import MultiLayerNet
    >>> np.random.seed(0)
    >>> network = MultiLayerNet(2, [8, 8], 2, weight_decay_lambda=0.1)
    >>> errors = gradient_check(network, np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([1, 0]))
    >>> list(errors)
    ['W1', 'b1', 'W2', 'b2', 'W3', 'b3']
    >>> max(errors.values()) < 1e-5
    True
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
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
    """The first book's loop: random batches, their loss after each update, accuracies by epoch.

    Batches are drawn by `numpy.random.choice`, with replacement. The accuracies are taken at the
    first step, and at those whose number is a multiple of len(x_train) / mini_batch_size, which
    need not be whole: of 1,050 samples in batches of 100, at every 21st.

    Parameters
    ----------
    network : MultiLayerNet, TwoLayerNet, or an object with these
        `params`, a dict of arrays; `gradient(x, t)`, a dict; `loss(x, t)`; `accuracy(x, t)`.
    x_train, t_train, x_test, t_test : arrays
        Samples and targets, as the network takes them.
    epochs, mini_batch_size : int
    optimizer : str
        "SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop" (also "RMSprpo", as in the book) or
        "Adam", in any case.
    optimizer_param : dict
        Arguments of the optimizer.
    evaluate_sample_num_per_epoch : int, optional
        Accuracies are those of so many samples, the first ones. Default: of all.
    verbose : bool
        Print each loss and accuracy.

    Attributes
    ----------
    train_loss_list : list
        A loss for each update: that of its batch, after it.
    train_acc_list, test_acc_list : list
    current_iter, current_epoch : int
        Updates, and accuracies, so far.
    optimizer : an object of fastnet.optimizer

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, common/trainer.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.datasets import load_digits
    >>> from fastnet.textbook.first import MultiLayerNet, Trainer
    >>> (x, t), (x_test, t_test) = load_digits(normalize=True)
    >>> np.random.seed(0)
    >>> network = MultiLayerNet(64, [32], 10)
    >>> trainer = Trainer(
    ...     network, x, t, x_test, t_test, 20, 50, "Adam", {"lr": 0.01}, verbose=False
    ... )
    >>> trainer.train()
    >>> len(trainer.train_loss_list), len(trainer.test_acc_list)
    (574, 1)
    >>> bool(network.accuracy(x_test, t_test) > 0.95)
    True
    """

    def __init__(
        self,
        network: Any,
        x_train: ArrayLike,
        t_train: ArrayLike,
        x_test: ArrayLike,
        t_test: ArrayLike,
        epochs: int = 20,
        mini_batch_size: int = 100,
        optimizer: str = "SGD",
        optimizer_param: dict[str, Any] = {"lr": 0.01},  # noqa: B006  read only, as in the book
        evaluate_sample_num_per_epoch: int | None = None,
        verbose: bool = True,
    ) -> None:
        where = "Trainer"
        checks.members(where, "network", network, ("params", "gradient", "loss", "accuracy"))
        train, test = {"x_train": x_train, "t_train": t_train}, {"x_test": x_test, "t_test": t_test}
        self.x_train, self.t_train = checks.equally_long(where, train)
        self.x_test, self.t_test = checks.equally_long(where, test)
        epochs = checks.count(where, "epochs", epochs)
        self.batch_size = checks.count(where, "mini_batch_size", mini_batch_size)
        if isinstance(optimizer, str):
            optimizer = optimizer.lower()
        checks.choice(where, "optimizer", optimizer, OPTIMIZERS)
        kind = OPTIMIZERS[optimizer]
        checks.options(where, "optimizer_param", optimizer_param, kind)
        if evaluate_sample_num_per_epoch is not None:
            checks.count(where, "evaluate_sample_num_per_epoch", evaluate_sample_num_per_epoch)
        checks.flag(where, "verbose", verbose)
        self.network, self.verbose = network, verbose
        self.evaluate_sample_num_per_epoch = evaluate_sample_num_per_epoch
        self.optimizer = kind(**optimizer_param)
        self.iter_per_epoch = max(len(self.x_train) / self.batch_size, 1)  # no whole number
        self.max_iter = int(epochs * self.iter_per_epoch)
        self.current_iter = self.current_epoch = 0
        self.train_loss_list: list[Any] = []
        self.train_acc_list: list[Any] = []
        self.test_acc_list: list[Any] = []

    def train_step(self) -> None:
        """Draw a batch and update on it; take the accuracies where an epoch begins."""
        rows = np.random.choice(len(self.x_train), self.batch_size)  # noqa: NPY002
        x, t = self.x_train[rows], self.t_train[rows]
        self.optimizer.update(self.network.params, self.network.gradient(x, t))
        loss = self.network.loss(x, t)
        self.train_loss_list.append(loss)
        if self.verbose:
            print(f"train loss:{loss}")
        if self.current_iter % self.iter_per_epoch == 0:
            self.current_epoch += 1
            n = self.evaluate_sample_num_per_epoch
            train = self.network.accuracy(self.x_train[:n], self.t_train[:n])
            test = self.network.accuracy(self.x_test[:n], self.t_test[:n])
            self.train_acc_list.append(train)
            self.test_acc_list.append(test)
            if self.verbose:
                print(f"=== epoch:{self.current_epoch}, train acc:{train}, test acc:{test} ===")
        self.current_iter += 1

    def train(self) -> None:
        """Do the updates of all epochs; with verbose, print the accuracy of all test samples."""
        for _ in range(self.max_iter):
            self.train_step()
        if self.verbose:
            print("=============== Final Test Accuracy ===============")
            print(f"test acc:{self.network.accuracy(self.x_test, self.t_test)}")
