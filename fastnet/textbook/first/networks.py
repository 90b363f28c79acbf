"""Networks of the first book: parameters in a dict, weights from NumPy's generator."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks, gradient
from fastnet.initializers import he, normal, xavier
from fastnet.layers import Affine, BatchNormalization, Dropout, Relu, Sigmoid, SoftmaxWithLoss
from fastnet.metrics.answers import OF_CLASSES
from fastnet.metrics.ways import judged
from fastnet.penalties import l2_penalty

ACTIVATIONS = {"sigmoid": Sigmoid, "relu": Relu}
INITIALIZERS = {"relu": he, "he": he, "sigmoid": xavier, "xavier": xavier}


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
        """Return the share of rows of x (N, input_size) whose largest score is at the label.

        NaN where a score is.
        """
        where = f"{type(self).__name__}.accuracy"
        y = self.predict(checks.samples(where, "x", checks.array(where, "x", x)))
        labels = checks.largest_classes(where, t, len(y), y.shape[1], "predict(x)")
        return np.float64(judged(OF_CLASSES, labels, y))

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
