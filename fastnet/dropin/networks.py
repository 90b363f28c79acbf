"""The first book's `common.multi_layer_net` and its extension: the weight decay in a loss.

Their methods get the script's own as `own`, as those of the layers in first.py do. The book squares
every W into a new array, for a decay of 0, too: of 784-100-100-10 and one sample that is half of
what the loss takes on kernels.
"""

from __future__ import annotations

from typing import Any

from numpy import empty

from fastnet import checks
from fastnet.dropin.first import Own
from fastnet.kernels.clipping import squared_norm_forward

__all__ = ["MultiLayerNet", "MultiLayerNetExtend"]


def _decay(network: Any) -> Any:
    """Return the sum over W1, W2, ... of half their squares times lambda, in their dtype.

    None where no kernel takes one of them.
    """
    params, strength, squares = network.params, network.weight_decay_lambda, empty(1)
    total, i = 0, 1
    while (W := params.get(f"W{i}")) is not None:
        if (dtype := checks.common_dtype(W)) is None:
            return None
        squared_norm_forward(W.reshape(-1), squares)
        total += 0.5 * strength * dtype.type(squares[0])
        i += 1
    return total


class MultiLayerNet(Own):
    """Dense layers with an activation, and a loss with weight decay."""

    def loss(self, x: Any, t: Any, *, own: Any) -> Any:
        """Return the last layer's loss and the decay."""
        decay = _decay(self)
        if decay is None:
            return own(self, x, t)
        return self.last_layer.forward(self.predict(x), t) + decay


class MultiLayerNetExtend(Own):
    """The same with dropout and batch normalization, which training tells apart."""

    def loss(self, x: Any, t: Any, train_flg: Any = False, *, own: Any) -> Any:
        """Return the last layer's loss and the decay."""
        decay = _decay(self)
        if decay is None:
            return own(self, x, t, train_flg)
        return self.last_layer.forward(self.predict(x, train_flg), t) + decay
