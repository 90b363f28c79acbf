"""The textbook's two-layer network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import empty
from numpy.typing import ArrayLike, NDArray

from fastnet import checks, gradient
from fastnet.functions.classes import class_targets
from fastnet.kernels.checked import two_layer_gradient
from fastnet.layers import Affine, Relu, SoftmaxWithLoss
from fastnet.metrics.answers import OF_CLASSES
from fastnet.metrics.ways import judged

FLOAT, LABEL = checks.FLOAT64, checks.INT64


class TwoLayerNet:
    """The textbook's network: Affine, Relu, Affine, SoftmaxWithLoss, in float64.

    The weights are drawn from NumPy's global generator, so `numpy.random.seed` fixes them, as in
    the book.

    Parameters
    ----------
    input_size, hidden_size, output_size : int
    weight_init_std : float
        Standard deviation of the initial weights.

    Attributes
    ----------
    params : dict
        W1 (input_size, hidden_size), b1, W2 (hidden_size, output_size), b2; the layers use these
        very arrays, so an optimizer that changes them changes the network.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 5.7.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.models import TwoLayerNet
    >>> from fastnet.optimizer import SGD
    >>> np.random.seed(0)
    >>> network, optimizer = TwoLayerNet(2, 8, 2, weight_init_std=1.0), SGD(lr=0.5)
    >>> x, t = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    >>> for _ in range(300):
    ...     optimizer.update(network.params, network.gradient(x, t))
    >>> float(network.accuracy(x, t))
    1.0
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float = 0.01,
    ) -> None:
        where = "TwoLayerNet"
        input_size = checks.count(where, "input_size", input_size)
        hidden_size = checks.count(where, "hidden_size", hidden_size)
        output_size = checks.count(where, "output_size", output_size)
        weight_init_std = checks.deviation(where, weight_init_std)
        randn = np.random.randn  # the global generator, in the book's order
        self.params: dict[str, NDArray[Any]] = {
            "W1": weight_init_std * randn(input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": weight_init_std * randn(hidden_size, output_size),
            "b2": np.zeros(output_size),
        }
        self.layers: dict[str, Any] = {
            "Affine1": Affine(self.params["W1"], self.params["b1"]),
            "Relu1": Relu(),
            "Affine2": Affine(self.params["W2"], self.params["b2"]),
        }
        self.lastLayer = SoftmaxWithLoss()

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """Return the scores (N, output_size) of x (N, input_size), before the softmax."""
        out: Any = x
        for layer in self.layers.values():
            out = layer.forward(out)
        result: NDArray[Any] = out
        return result

    def loss(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the mean cross entropy of x (N, input_size) and labels or one-hot rows t."""
        return self.lastLayer.forward(self.predict(x), t)

    def accuracy(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the share of rows of x (N, input_size) whose largest score is at the label.

        NaN where a score is.
        """
        where = "TwoLayerNet.accuracy"
        y = self.predict(checks.samples(where, "x", checks.array(where, "x", x)))
        labels = checks.largest_classes(where, t, len(y), y.shape[1], "predict(x)")
        return np.float64(judged(OF_CLASSES, labels, y))

    def numerical_gradient(self, x: ArrayLike, t: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return the gradient as a dict by central differences: slow, to check `gradient`.

        See `fastnet.gradient.numerical_gradient`.
        """

        def loss(W: NDArray[Any]) -> Any:
            return self.loss(x, t)

        return {key: gradient.numerical_gradient(loss, W) for key, W in self.params.items()}

    def gradient(self, x: ArrayLike, t: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return the gradient as a dict of fresh arrays, by back propagation."""
        found = self._gradient_at_once(x, t) if type(self) is TwoLayerNet else None
        if found is not None:
            return found
        self.loss(x, t)
        dout = self.lastLayer.backward(1)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        first, second = self.layers["Affine1"], self.layers["Affine2"]
        return {
            "W1": first.dW.copy(),
            "b1": first.db.copy(),
            "W2": second.dW.copy(),
            "b2": second.db.copy(),
        }

    def _gradient_at_once(self, x: Any, t: Any) -> dict[str, NDArray[Any]] | None:
        """Return what `gradient` does, and leave in the layers what it does, by one kernel.

        None where a layer was replaced, or its arrays, x or t are none that the kernel takes: then
        the layers do it, and word the errors. One call instead of eight, with no gradient of x,
        makes a step of 64-32-10 on 32 rows 2.2 times as fast.
        """
        layers, loss = self.layers, self.lastLayer
        if len(layers) != 3 or type(loss) is not SoftmaxWithLoss:
            return None
        if loss.label_smoothing or loss.ignore_index is not None:
            return None
        (one, first), (_, relu), (two, second) = layers.items()
        if not (
            type(first) is type(second) is Affine
            and type(relu) is Relu
            and one == "Affine1"
            and two == "Affine2"
        ):
            return None
        try:
            (W1, b1), (W2, b2) = first.params, second.params
            (dW1, db1), (dW2, db2) = first.grads, second.grads
        except ValueError:
            return None
        if not (
            type(W1) is type(b1) is type(W2) is type(b2) is np.ndarray
            and type(dW1) is type(db1) is type(dW2) is type(db2) is np.ndarray
            and W1.dtype is b1.dtype is W2.dtype is b2.dtype is FLOAT
            and dW1.dtype is db1.dtype is dW2.dtype is db2.dtype is FLOAT
        ):
            return None
        if type(x) is not np.ndarray or x.dtype is not FLOAT or not x.flags.carray:
            x = checks.contiguous(checks.array("Affine.forward", "x", x), FLOAT)
        if not x.ndim == W1.ndim == W2.ndim == 2:
            return None
        n, (h, m) = len(x), W2.shape
        if type(t) is not np.ndarray or t.dtype is not LABEL or t.ndim != 1:
            if x.shape[1] != W1.shape[0] or not x.size:  # first comes what is wrong with x
                return None
            t = class_targets("SoftmaxWithLoss.forward", t, n, m, "x")
            if t.ndim == 2:
                return None
        wide, narrow = (n, h), (n, m)
        hidden, y, work = empty(wide), empty(narrow), empty(n * (h + m) + 1)
        labels = empty(n, LABEL)
        if not two_layer_gradient(
            x, t, W1, b1, W2, b2, dW1, db1, dW2, db2, hidden, y, labels, work
        ):
            return None
        first.x, first._x_shape = x, x.shape
        relu.out = second.x = hidden
        second._x_shape = wide
        loss.y, loss.t, loss.loss, loss._labels = y, labels.copy(), work[-1], (labels, narrow, None)
        return {"W1": dW1.copy(), "b1": db1.copy(), "W2": dW2.copy(), "b2": db2.copy()}
