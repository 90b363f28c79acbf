"""The first book's networks: `two_layer_net` of chapter 4, and the weight decay of `common`'s.

Their methods get the script's own as `own`, as those of the layers in first.py do. Chapter 4 has no
layers yet: its network writes out the products, which are all of its time. `MultiLayerNet` squares
every W into a new array, for a decay of 0, too: of 784-100-100-10 and one sample that is half of
what the loss takes on kernels.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, cast

from numpy import empty

from fastnet import checks
from fastnet.dropin.deferred import settled
from fastnet.dropin.first import Own
from fastnet.dropin.products import narrower, product
from fastnet.kernels.activations import SIGMOID
from fastnet.kernels.affine import affine_backward_input, affine_backward_params
from fastnet.kernels.clipping import squared_norm_forward
from fastnet.kernels.softmax import softmax_forward

__all__ = ["MultiLayerNet", "MultiLayerNetExtend", "TwoLayerNet"]

TWO_LAYERS = {"W1", "b1", "W2", "b2"}


def _two_layers(network: Any, x: Any) -> tuple[Any, Any, Any, Any] | None:
    """Return W1, b1, W2 and b2; None where the network is another, or no kernel takes it and x."""
    params = vars(network).get("params")
    if len(vars(network)) > 1 or not isinstance(params, dict) or params.keys() != TWO_LAYERS:
        return None
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    if checks.common_dtype(W1, b1, W2, b2) is None or not W1.ndim == W2.ndim == 2:
        return None
    if b1.shape != W1.shape[1:] or b2.shape != W2.shape[1:] or len(W2) != len(b1) or not b2.size:
        return None
    if not narrower(x, W1) or x.ndim != 2 or not x.size or x.shape[1] != len(W1):
        return None
    return W1, b1, W2, b2


@functools.cache
def _is_as_tried(kind: Any, own: Any) -> bool:
    """Tell whether what the script's own method asks of its class is no subclass's.

    A script may have a method for the hidden layer, say, of which a subclass has another.
    """
    of = own.__module__, own.__qualname__.rpartition(".")[0]
    later = list(kind.__mro__)
    while later and (later[-1].__module__, later[-1].__qualname__) != of:
        later.pop()
    if not later:
        return False
    owner, methods = later.pop(), [own]
    asked: set[str] = set()
    while methods:
        code = getattr(inspect.unwrap(methods.pop()), "__code__", None)
        names = {name for name in (code.co_names if code else ()) if name in vars(owner)}
        methods += [vars(owner)[name] for name in names - asked]
        asked |= names
    others = [vars(base)[name] for base in later for name in asked & vars(base).keys()]
    return all("own" in (getattr(other, "__kwdefaults__", None) or ()) for other in others)


class TwoLayerNet(Own):
    """softmax(sigmoid(x @ W1 + b1) @ W2 + b2), and the gradient of its cross entropy."""

    def predict(self, x: Any, *, own: Any) -> Any:
        """Return the probabilities, (N, M)."""
        x, kind = settled(x), cast(Any, type(self))
        found = _two_layers(self, x)
        if found is None or not _is_as_tried(kind, own):
            return own(self, x)
        return _outputs(x, *found)[1]

    def gradient(self, x: Any, t: Any, *, own: Any) -> Any:
        """Return the gradients of W1, b1, W2 and b2, fresh arrays; t is one-hot."""
        x, t, kind = settled(x), settled(t), cast(Any, type(self))
        found = _two_layers(self, x)
        if found is None or not narrower(t, found[2]) or t.shape != (len(x), len(found[3])):
            return own(self, x, t)
        if not _is_as_tried(kind, own):
            return own(self, x, t)
        W1, b1, W2, b2 = found
        z, y = _outputs(x, W1, b1, W2, b2)
        dy = checks.contiguous((y - t) / len(x), y.dtype)
        dz = empty(z.shape, z.dtype)
        affine_backward_input(dy, W2, z, SIGMOID, dz)
        # Of what was looked at: another thread may have put other weights into params since.
        named = {"W2": W2, "b2": b2, "W1": W1, "b1": b1}  # in the book's order
        grads = {name: empty(array.shape, z.dtype) for name, array in named.items()}
        affine_backward_params(z, dy, grads["W2"], grads["b2"])
        affine_backward_params(checks.contiguous(x, z.dtype), dz, grads["W1"], grads["b1"])
        return grads


def _outputs(x: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> tuple[Any, Any]:
    """Return what the hidden layer gives, and the probabilities."""
    z = product(x, W1, b1, SIGMOID)
    a = product(z, W2, b2)
    y = empty(a.shape, a.dtype)
    softmax_forward(a, y)
    return z, y


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
