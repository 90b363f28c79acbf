"""The trainer of the first book."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnet import checks
from fastnet.optimizer import SGD, AdaGrad, Adam, Momentum, Nesterov, Optimizer, RMSprop

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "rmsprpo": RMSprop,  # as the book spells it
    "adam": Adam,
}


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
        """Do the updates of all epochs; if verbose, print the accuracy of all test samples."""
        for _ in range(self.max_iter):
            self.train_step()
        if self.verbose:
            print("=============== Final Test Accuracy ===============")
            print(f"test acc:{self.network.accuracy(self.x_test, self.t_test)}")
