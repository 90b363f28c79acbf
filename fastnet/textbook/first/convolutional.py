"""Convolutional networks of the first book: what both do alike, and SimpleConvNet, in float64."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks, gradient
from fastnet.layers import Affine, Convolution, Dropout, Pooling, Relu, SoftmaxWithLoss
from fastnet.textbook.first.parameters import read_arrays

Sizes = dict[str, int]
# The book's; read only.
SIMPLE = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}


class ConvNet:
    """What both networks do alike; `_stack` gives their layers in the order of forward."""

    params: dict[str, NDArray[Any]]
    last_layer: SoftmaxWithLoss

    def _stack(self) -> list[Any]:
        raise NotImplementedError

    def _learning(self) -> list[Any]:
        """Return the layers that have W and b, whose numbers are those of the parameters."""
        return [layer for layer in self._stack() if isinstance(layer, (Affine, Convolution))]

    def _scores(self, x: ArrayLike, train_flg: bool) -> NDArray[Any]:
        out: Any = x
        for layer in self._stack():
            if isinstance(layer, Dropout):
                out = layer.forward(out, train_flg)
            else:
                out = layer.forward(out)
        result: NDArray[Any] = out
        return result

    def loss(self, x: ArrayLike, t: ArrayLike) -> Any:
        """Return the mean cross entropy of x and labels or one-hot rows t."""
        return self.last_layer.forward(self._scores(x, True), t)

    def accuracy(self, x: ArrayLike, t: ArrayLike, batch_size: int = 100) -> Any:
        """Return the share of x whose largest score is at the label, a batch at a time.

        The book's leaves out the samples at the end that fill no batch, and counts them as wrong.
        """
        where = f"{type(self).__name__}.accuracy"
        checks.count(where, "batch_size", batch_size)
        x, t = checks.equally_long(where, {"x": x, "t": t})
        labels = t if t.ndim == 1 else t.argmax(axis=1)
        right = 0
        for i in range(0, len(x), batch_size):
            y = self._scores(x[i : i + batch_size], False)
            right += int(np.sum(y.argmax(axis=1) == labels[i : i + batch_size]))
        return np.float64(right / len(x))

    def gradient(self, x: ArrayLike, t: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return the gradient as a dict of fresh arrays, by back propagation."""
        self.loss(x, t)
        dout: Any = self.last_layer.backward(1)
        *later, first = reversed(self._stack())
        for layer in later:
            dout = layer.backward(dout)
        first._backward_params(dout)
        grads: dict[str, NDArray[Any]] = {}
        for i, layer in enumerate(self._learning(), 1):
            grads |= {f"W{i}": layer.dW.copy(), f"b{i}": layer.db.copy()}
        return grads

    def save_params(self, file_name: str | os.PathLike[str] = "params.pkl") -> None:
        """Write the parameters as the book does: a pickle of a dict of arrays."""
        with open(file_name, "wb") as file:
            pickle.dump(dict(self.params), file)

    def load_params(self, file_name: str | os.PathLike[str] = "params.pkl") -> None:
        """Read what save_params, or the book's, has written: arrays alone, whatever else is in it.

        ValueError is raised where the file holds other things, or arrays of other names or shapes;
        nothing was changed.
        """
        where = f"{type(self).__name__}.load_params"
        found = read_arrays(where, file_name)
        shapes, wanted = (
            {name: array.shape for name, array in each.items()} for each in (found, self.params)
        )
        if shapes != wanted:
            wrong = next(n for n in [*wanted, *shapes] if shapes.get(n) != wanted.get(n))
            raise ValueError(
                f"{where}: file_name must hold the arrays of this network, got {wrong} of shape "
                f"{shapes.get(wrong)} where {wanted.get(wrong)} belongs. Make the network with "
                "the sizes of the one that was saved."
            )
        self.params.update(found)
        for i, layer in enumerate(self._learning(), 1):
            layer.W, layer.b = self.params[f"W{i}"], self.params[f"b{i}"]


def conv_sizes(where: str, name: str, value: Any) -> Sizes:
    """Check a dict with what a convolution is made with."""
    if not isinstance(value, dict) or set(value) != set(SIMPLE):
        raise ValueError(
            f"{where}: {name} must be a dict with {', '.join(SIMPLE)}, got {value!r}. "
            f"Give such as {SIMPLE}."
        )
    return {key: checks.count(where, key, n, int(key != "pad")) for key, n in value.items()}


def image_shape(where: str, value: Any) -> tuple[int, int, int]:
    """Check the shape of an image."""
    shape = checks.axis_sizes(where, "input_dim", value, 3)
    return shape[0], shape[1], shape[2]


def convolved_shape(
    where: str, name: str, shape: tuple[int, int, int], sizes: Sizes
) -> tuple[int, int, int]:
    """Return the shape of what a convolution makes of images of a shape."""
    size, pad, stride = (sizes[key] for key in ("filter_size", "pad", "stride"))
    zeros = ((pad, pad), (pad, pad))
    out = checks.windows(where, name, shape[1:], (size,) * 2, (stride,) * 2, (1, 1), zeros)
    return sizes["filter_num"], out[0], out[1]


def pooled_shape(where: str, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the shape of 2 x 2 maxima."""
    _, (h, w) = checks.windows_in(where, "pool", shape[1:], (2, 2), (2, 2), "valid")
    return shape[0], h, w


class SimpleConvNet(ConvNet):
    """The textbook's convolutional network: conv, relu, pool, affine, relu, affine, softmax.

    The weights are drawn from NumPy's global generator, so `numpy.random.seed` fixes them, as in
    the book.

    Parameters
    ----------
    input_dim : (channels, height, width)
    conv_param : dict
        filter_num, filter_size, pad and stride.
    hidden_size, output_size : int
    weight_init_std : float

    Attributes
    ----------
    params : dict
        W1 (filter_num, channels, filter_size, filter_size), b1, W2, b2, W3, b3; the layers use
        these very arrays, so an optimizer that changes them changes the network.
    layers : OrderedDict
        Conv1, Relu1, Pool1, Affine1, Relu2, Affine2.
    last_layer : SoftmaxWithLoss

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 7.5, ch07/simple_convnet.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.first import SimpleConvNet
    >>> np.random.seed(0)
    >>> network = SimpleConvNet()
    >>> {name: array.shape for name, array in network.params.items()}["W2"]
    (4320, 100)
    >>> x, t = np.random.rand(5, 1, 28, 28), np.array([3, 1, 4, 1, 5])
    >>> network.predict(x).shape, round(float(network.loss(x, t)), 1)
    ((5, 10), 2.3)
    >>> sorted(network.gradient(x, t))
    ['W1', 'W2', 'W3', 'b1', 'b2', 'b3']
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param: Sizes = SIMPLE,
        hidden_size: int = 100,
        output_size: int = 10,
        weight_init_std: float = 0.01,
    ) -> None:
        where = "SimpleConvNet"
        shape, sizes = image_shape(where, input_dim), conv_sizes(where, "conv_param", conv_param)
        m, size = sizes["filter_num"], sizes["filter_size"]
        pooled = pooled_shape(where, convolved_shape(where, "input_dim", shape, sizes))
        hidden = checks.count(where, "hidden_size", hidden_size)
        outputs = checks.count(where, "output_size", output_size)
        std = checks.deviation(where, weight_init_std)
        flat = pooled[0] * pooled[1] * pooled[2]
        shapes = [(m, shape[0], size, size), (flat, hidden), (hidden, outputs)]
        self.params = drawn(shapes, [std] * 3)
        p = self.params
        self.layers: OrderedDict[str, Any] = OrderedDict(
            Conv1=Convolution(p["W1"], p["b1"], sizes["stride"], sizes["pad"]),
            Relu1=Relu(),
            Pool1=Pooling(2, 2, stride=2),
            Affine1=Affine(p["W2"], p["b2"]),
            Relu2=Relu(),
            Affine2=Affine(p["W3"], p["b3"]),
        )
        self.last_layer = SoftmaxWithLoss()

    def _stack(self) -> list[Any]:
        return list(self.layers.values())

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """Return the scores (N, output_size) of x (N, *input_dim), before the softmax."""
        return self._scores(x, False)

    def numerical_gradient(self, x: ArrayLike, t: ArrayLike) -> dict[str, NDArray[Any]]:
        """Return the gradient as a dict by central differences: slow, to check `gradient`.

        See `fastnet.gradient.numerical_gradient`.
        """

        def loss(W: NDArray[Any]) -> Any:
            return self.loss(x, t)

        return {key: gradient.numerical_gradient(loss, W) for key, W in self.params.items()}


def drawn(shapes: Iterable[tuple[int, ...]], stds: Iterable[float]) -> dict[str, NDArray[Any]]:
    """Return W1, b1, W2 ...: normal numbers of NumPy's global generator, and zeros."""
    params: dict[str, NDArray[Any]] = {}
    for i, (shape, std) in enumerate(zip(shapes, stds, strict=True), 1):
        outputs = shape[0] if len(shape) == 4 else shape[1]
        params[f"W{i}"] = std * np.random.randn(*shape)  # noqa: NPY002
        params[f"b{i}"] = np.zeros(outputs)
    return params
