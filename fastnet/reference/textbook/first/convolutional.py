"""Convolutional networks of the first book, and what its `common.util` has besides."""

import pickle

import numpy as np

from ...gradient import numerical_gradient
from ...layers import Affine, Convolution, Dropout, Pooling, Relu, SoftmaxWithLoss

SIMPLE = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}


class _ConvNet:
    """What both convolutional networks do alike; `_stack` are their layers."""

    params: dict
    last_layer: SoftmaxWithLoss

    def _stack(self) -> list:
        raise NotImplementedError

    def _learning(self) -> list:
        return [layer for layer in self._stack() if isinstance(layer, (Affine, Convolution))]

    def _scores(self, x: np.ndarray, train_flg: bool) -> np.ndarray:
        for layer in self._stack():
            x = layer.forward(x, train_flg) if isinstance(layer, Dropout) else layer.forward(x)
        return x

    def loss(self, x: np.ndarray, t: np.ndarray) -> float:
        """Return the mean cross entropy."""
        return self.last_layer.forward(self._scores(x, True), t)

    def accuracy(self, x: np.ndarray, t: np.ndarray, batch_size: int = 100) -> float:
        """Return the share of x whose largest score is at the label."""
        labels = t if t.ndim == 1 else t.argmax(axis=1)
        y = [self._scores(x[i : i + batch_size], False) for i in range(0, len(x), batch_size)]
        return np.mean(np.concatenate(y).argmax(axis=1) == labels)

    def gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Return the gradient as a dict of fresh arrays by back propagation."""
        self.loss(x, t)
        dout = self.last_layer.backward(1)
        for layer in reversed(self._stack()):
            dout = layer.backward(dout)
        grads = {}
        for i, layer in enumerate(self._learning(), 1):
            grads.update({f"W{i}": layer.grads[0].copy(), f"b{i}": layer.grads[1].copy()})
        return grads

    def save_params(self, file_name: str = "params.pkl") -> None:
        """Write a pickle of the parameters."""
        with open(file_name, "wb") as file:
            pickle.dump(dict(self.params), file)

    def load_params(self, file_name: str = "params.pkl") -> None:
        """Read a pickle of the parameters, which must be one's own."""
        with open(file_name, "rb") as file:
            self.params.update(pickle.load(file))
        for i, layer in enumerate(self._learning(), 1):
            layer.params[:] = [self.params[f"W{i}"], self.params[f"b{i}"]]


def _drawn(shapes: list, stds: list) -> dict:
    params = {}
    for i, (shape, std) in enumerate(zip(shapes, stds, strict=True), 1):
        params[f"W{i}"] = std * np.random.randn(*shape)  # noqa: NPY002
        params[f"b{i}"] = np.zeros(shape[0] if len(shape) == 4 else shape[1])
    return params


def _size(size: int, param: dict) -> int:
    return (size + 2 * param["pad"] - param["filter_size"]) // param["stride"] + 1


class SimpleConvNet(_ConvNet):
    """The textbook's convolutional network: conv, relu, pool, affine, relu, affine, softmax."""

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param: dict = SIMPLE,
        hidden_size: int = 100,
        output_size: int = 10,
        weight_init_std: float = 0.01,
    ) -> None:
        m, size = conv_param["filter_num"], conv_param["filter_size"]
        h, w = (_size(n, conv_param) // 2 for n in input_dim[1:])
        shapes = [(m, input_dim[0], size, size), (m * h * w, hidden_size)]
        self.params = _drawn([*shapes, (hidden_size, output_size)], [weight_init_std] * 3)
        p = self.params
        self.layers = {
            "Conv1": Convolution(p["W1"], p["b1"], conv_param["stride"], conv_param["pad"]),
            "Relu1": Relu(),
            "Pool1": Pooling(2, 2, stride=2),
            "Affine1": Affine(p["W2"], p["b2"]),
            "Relu2": Relu(),
            "Affine2": Affine(p["W3"], p["b3"]),
        }
        self.last_layer = SoftmaxWithLoss()

    def _stack(self) -> list:
        return list(self.layers.values())

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the scores (N, output_size) before softmax."""
        return self._scores(x, False)

    def numerical_gradient(self, x: np.ndarray, t: np.ndarray) -> dict[str, np.ndarray]:
        """Return the gradient as a dict by central differences."""

        def loss(W: np.ndarray) -> float:
            return self.loss(x, t)

        return {key: numerical_gradient(loss, W) for key, W in self.params.items()}


def _deep(filters: int, pad: int = 1) -> dict:
    return {"filter_num": filters, "filter_size": 3, "pad": pad, "stride": 1}


class DeepConvNet(_ConvNet):
    """The textbook's deep network: three times two convolutions and 2x2 maxima, dense layers."""

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param_1: dict = _deep(16),  # noqa: B008
        conv_param_2: dict = _deep(16),  # noqa: B008
        conv_param_3: dict = _deep(32),  # noqa: B008
        conv_param_4: dict = _deep(32, 2),  # noqa: B008
        conv_param_5: dict = _deep(64),  # noqa: B008
        conv_param_6: dict = _deep(64),  # noqa: B008
        hidden_size: int = 50,
        output_size: int = 10,
    ) -> None:
        every = conv_param_1, conv_param_2, conv_param_3, conv_param_4, conv_param_5, conv_param_6
        (c, h, w), fans = input_dim, []
        shapes: list = []
        for i, param in enumerate(every):
            m, size = param["filter_num"], param["filter_size"]
            shapes.append((m, c, size, size))
            fans.append(c * size * size)
            c, h, w = m, _size(h, param) >> i % 2, _size(w, param) >> i % 2
        shapes += [(c * h * w, hidden_size), (hidden_size, output_size)]
        fans += [c * h * w, hidden_size]
        self.params = _drawn(shapes, [np.sqrt(2 / fan) for fan in fans])
        pairs = [(self.params[f"W{i}"], self.params[f"b{i}"]) for i in range(1, 9)]
        self.layers: list = []
        for i, param in enumerate(every):
            self.layers += [Convolution(*pairs[i], param["stride"], param["pad"]), Relu()]
            if i % 2:
                self.layers.append(Pooling(2, 2, stride=2))
        self.layers += [Affine(*pairs[6]), Relu(), Dropout(0.5), Affine(*pairs[7]), Dropout(0.5)]
        self.last_layer = SoftmaxWithLoss()

    def _stack(self) -> list:
        return self.layers

    def predict(self, x: np.ndarray, train_flg: bool = False) -> np.ndarray:
        """Return the scores (N, output_size) before softmax, with random masks in training."""
        return self._scores(x, train_flg)


def smooth_curve(x: np.ndarray) -> np.ndarray:
    """Return a curve smoothed by a Kaiser window of 11 points."""
    window = np.kaiser(11, 2)
    mirrored = np.r_[x[10:0:-1], x, x[-1:-11:-1]]
    return np.convolve(window / window.sum(), mirrored, mode="valid")[5:-5]


def shuffle_dataset(x: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return samples and targets in one random order."""
    order = np.random.permutation(len(x))  # noqa: NPY002
    return x[order], t[order]
