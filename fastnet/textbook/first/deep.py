"""DeepConvNet of the first book, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks
from fastnet.layers import Affine, Convolution, Dropout, Pooling, Relu, SoftmaxWithLoss
from fastnet.textbook.first.convolutional import (
    ConvNet,
    Sizes,
    conv_sizes,
    convolved_shape,
    drawn,
    image_shape,
    pooled_shape,
)


def _deep(filters: int, pad: int = 1) -> Sizes:
    return {"filter_num": filters, "filter_size": 3, "pad": pad, "stride": 1}


class DeepConvNet(ConvNet):
    """The textbook's deep network: three times two convolutions and 2x2 maxima, then dense layers.

    Dropout is behind both dense layers. The weights, He's, and the masks of dropout are drawn from
    NumPy's global generator, so `numpy.random.seed` fixes them, as in the book.

    Parameters
    ----------
    input_dim : (channels, height, width)
    conv_param_1 ... conv_param_6 : dict
        filter_num, filter_size, pad and stride.
    hidden_size, output_size : int

    Attributes
    ----------
    params : dict
        W1, b1 ... W8, b8; the layers use these very arrays.
    layers : list
        In the order of forward.
    last_layer : SoftmaxWithLoss

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range; nothing was drawn.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 8.1, ch08/deep_convnet.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.textbook.first import DeepConvNet
    >>> np.random.seed(0)
    >>> network = DeepConvNet()
    >>> network.params["W7"].shape, len(network.layers)
    ((1024, 50), 20)
    >>> network.predict(np.zeros((2, 1, 28, 28))).shape
    (2, 10)
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param_1: Sizes = _deep(16),  # noqa: B008  read only, as in the book
        conv_param_2: Sizes = _deep(16),  # noqa: B008
        conv_param_3: Sizes = _deep(32),  # noqa: B008
        conv_param_4: Sizes = _deep(32, 2),  # noqa: B008
        conv_param_5: Sizes = _deep(64),  # noqa: B008
        conv_param_6: Sizes = _deep(64),  # noqa: B008
        hidden_size: int = 50,
        output_size: int = 10,
    ) -> None:
        where = "DeepConvNet"
        given = conv_param_1, conv_param_2, conv_param_3, conv_param_4, conv_param_5, conv_param_6
        shape, shapes = image_shape(where, input_dim), []
        every = [conv_sizes(where, f"conv_param_{i}", value) for i, value in enumerate(given, 1)]
        for i, sizes in enumerate(every, 1):
            size, channels = sizes["filter_size"], shape[0]
            shapes.append((sizes["filter_num"], channels, size, size))
            shape = convolved_shape(where, f"conv_param_{i}", shape, sizes)
            if i % 2 == 0:
                shape = pooled_shape(where, shape)
        hidden = checks.count(where, "hidden_size", hidden_size)
        flat, outputs = (
            shape[0] * shape[1] * shape[2],
            checks.count(where, "output_size", output_size),
        )
        fans = [c * h * w for _, c, h, w in shapes] + [flat, hidden]
        dense = [(flat, hidden), (hidden, outputs)]
        self.params = drawn([*shapes, *dense], [float(np.sqrt(2 / fan)) for fan in fans])
        pairs = [(self.params[f"W{i}"], self.params[f"b{i}"]) for i in range(1, 9)]
        self.layers: list[Any] = []
        for i, (pair, sizes) in enumerate(zip(pairs, every, strict=False), 1):
            self.layers += [Convolution(*pair, sizes["stride"], sizes["pad"]), Relu()]
            if i % 2 == 0:
                self.layers.append(Pooling(2, 2, stride=2))
        self.layers += [Affine(*pairs[6]), Relu(), Dropout(0.5), Affine(*pairs[7]), Dropout(0.5)]
        self.last_layer = SoftmaxWithLoss()

    def _stack(self) -> list[Any]:
        return self.layers

    def predict(self, x: ArrayLike, train_flg: bool = False) -> NDArray[Any]:
        """Return the scores (N, output_size) of x (N, *input_dim), before the softmax.

        Where train_flg is True, with random masks.
        """
        return self._scores(x, train_flg)
