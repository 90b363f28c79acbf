"""A model as a module of PyTorch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks
from fastnet.interchange.parts import (
    CONVOLUTIONS,
    RECURRENT,
    Part,
    arrays,
    cell,
    directions,
    is_sequence,
    parts_of,
    zeros_around,
)

# Of the gates of a GRU: ours are z, r, g, PyTorch's r, z, g.
GRU_GATES = 1, 0, 2
STOCK = {"Relu": "ReLU", "Sigmoid": "Sigmoid", "Tanh": "Tanh", "Silu": "SiLU", "Mish": "Mish"}
STOCK |= {"Softplus": "Softplus"}


def to_torch(where: str, model: Any) -> Any:
    """Return an nn.Sequential that computes what the model predicts, in evaluation mode."""
    checks.library(where, "torch", "torch", "PyTorch")
    return _Modules(where, model.dtype, parts_of(where, model)[1]).modules.eval()


def gates_in_order(array: NDArray[Any], order: tuple[int, ...]) -> NDArray[Any]:
    """Return an array (..., gates * H) with its gates in another order."""
    parts = np.split(array, len(order), axis=-1)
    return np.concatenate([parts[i] for i in order], axis=-1)


class _Modules:
    """The modules of a model: images have channels first, sequences (N, steps, features)."""

    def __init__(
        self,
        where: str,
        dtype: np.dtype[Any],
        parts: tuple[Part, ...],
        flattened: tuple[int, ...] | None = None,
    ) -> None:
        import torch

        from fastnet.interchange import torch_modules

        self.where, self.dtype, self.torch, self.own = where, dtype, torch, torch_modules
        self.nn: Any = torch.nn
        self.modules: Any = torch.nn.Sequential()
        # The shape of the images that were flattened as they are, channels first.
        self.flattened = flattened
        for part in parts:
            self.add(part, part is parts[-1])
        self.in_order()

    def append(self, module: Any, *given: NDArray[Any] | None) -> None:
        """Append a module, whose parameters and buffers are given in their order."""
        module.to(getattr(self.torch, self.dtype.name))
        tensors = [*module.parameters(), *module.buffers()]
        with self.torch.no_grad():
            for tensor, array in zip(tensors, given, strict=False):
                tensor.copy_(self.torch.from_numpy(np.ascontiguousarray(array, self.dtype)))
        self.modules.append(module)

    def in_order(self) -> None:
        """Bring flattened images into our order, where no product behind them has done it."""
        if self.flattened is not None:
            height, width, channels = self.flattened
            order = np.arange(math.prod(self.flattened)).reshape(channels, height, width)
            self.modules.append(self.own.Ordered(order.transpose(1, 2, 0).ravel()))
            self.flattened = None

    def as_flattened(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array whose rows are features, in the order in which they come."""
        if self.flattened is None:
            return array
        rows = array.reshape(*self.flattened, *array.shape[1:])
        return np.moveaxis(rows, 2, 0).reshape(array.shape)

    def add(self, part: Part, is_last: bool) -> None:
        """Append the modules of a part."""
        kind, nn = part.kind, self.nn
        if kind == "Reshape":
            self.reshape(part.taken, part.made)
        elif kind == "Dense":
            self.product(part)
        elif kind in CONVOLUTIONS:
            self.convolution(part)
        elif kind in RECURRENT:
            self.recurrent(part)
        elif kind in ("MaxPooling2D", "AveragePooling2D"):
            self.pooling(part)
        elif kind == "Branches":
            heads = [
                _Modules(self.where, self.dtype, head, self.flattened).modules
                for head in part.heads
            ]
            self.flattened = None
            self.modules.append(self.own.Heads(heads, joined=not is_last))
        elif kind == "GlobalAveragePooling2D":
            self.modules.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten()])
        elif kind == "BatchNormalization":
            self.normalization(part)
        elif kind == "Embedding":
            (W,) = arrays(part.layer, self.dtype)
            self.append(nn.Embedding(*W.shape), W)
        elif kind == "Dropout":
            ratio = part.layer.dropout_ratio
            self.modules.append(nn.Dropout(ratio))
            if not part.layer.inverted:
                self.modules.append(self.own.Rescale(1 - ratio))
        elif kind == "Rescaling":
            self.modules.append(self.own.Rescale(part.layer.scale, part.layer.offset))
        else:
            self.modules.append(self.activation(part))

    def activation(self, part: Part) -> Any:
        """Return the module of an activation."""
        kind, layer, nn = part.kind, part.layer, self.nn
        if kind == "Softmax":
            self.in_order()
            return nn.Softmax(dim=-1)
        if kind == "Gelu":
            return nn.GELU(approximate=layer.approximate)
        if kind in ("LeakyRelu", "Elu"):
            return (nn.LeakyReLU if kind == "LeakyRelu" else nn.ELU)(layer.alpha)
        return self.own.Step() if kind == "Step" else getattr(nn, STOCK[kind])()

    def reshape(self, taken: tuple[int, ...], made: tuple[int, ...]) -> None:
        """Append what gives samples another shape, with their numbers in our order."""
        if len(taken) == 3 and len(made) == 1:
            self.modules.append(self.nn.Flatten())
            if taken[2] > 1 and taken[0] * taken[1] > 1:
                self.flattened = taken
            return
        self.in_order()
        if len(taken) == 3:
            self.modules.append(self.own.Permute(0, 2, 3, 1))
        if len(taken) > 1:
            self.modules.append(self.nn.Flatten())
        if len(made) > 1:
            self.modules.append(self.nn.Unflatten(1, tuple(made)))
        if len(made) == 3:
            self.modules.append(self.own.Permute(0, 3, 1, 2))

    def product(self, part: Part) -> None:
        """Append a Linear."""
        W, *b = arrays(part.layer, self.dtype)
        W, self.flattened = self.as_flattened(W), None
        self.append(self.nn.Linear(*W.shape, bias=bool(b)), W.T, *b)

    def convolution(self, part: Part) -> None:
        """Append a Conv2d or Conv1d, and zeros before it where they differ at two sides."""
        layer, one = part.layer, part.kind == "Conv1D"
        W, *b = arrays(layer, self.dtype)
        sides = zeros_around(layer, part.taken, part.made)
        same = all(before == behind for before, behind in sides)
        if one:
            self.modules.append(self.own.Permute(0, 2, 1))
        if not same:
            pad = self.nn.ConstantPad1d if one else self.nn.ConstantPad2d
            self.modules.append(pad(_sides(sides), 0.0))
        kind = self.nn.Conv1d if one else self.nn.Conv2d
        module = kind(
            W.shape[-2] * layer.groups,
            layer.filters,
            layer.kernel_size,
            stride=layer.strides,
            padding=tuple(before for before, _ in sides) if same else 0,
            dilation=layer.dilation,
            groups=layer.groups,
            bias=bool(b),
        )
        self.append(module, np.moveaxis(W, (-1, -2), (0, 1)), *b)
        if one:
            self.modules.append(self.own.Permute(0, 2, 1))

    def pooling(self, part: Part) -> None:
        """Append a MaxPool2d or AvgPool2d; what is outside an image counts in neither."""
        layer, nn = part.layer, self.nn
        sides = zeros_around(layer, part.taken, part.made)
        padding = tuple(before for before, _ in sides)
        fits = all(
            before == behind and 2 * before <= size
            for (before, behind), size in zip(sides, layer.pool_size, strict=True)
        )
        if part.kind == "MaxPooling2D":
            if not fits:
                self.modules.append(nn.ConstantPad2d(_sides(sides), -math.inf))
                padding = (0, 0)
            self.modules.append(nn.MaxPool2d(layer.pool_size, layer.strides, padding))
        elif fits:
            average = nn.AvgPool2d(layer.pool_size, layer.strides, padding, count_include_pad=False)
            self.modules.append(average)
        else:
            given = layer.pool_size, layer.strides, _sides(sides)
            self.modules.append(self.own.AverageInside(*given))

    def normalization(self, part: Part) -> None:
        """Append a BatchNorm2d of images, else a BatchNorm1d."""
        layer, last = part.layer, part.taken[-1]
        given = [*arrays(layer, self.dtype), layer.running_mean, layer.running_var]
        given = [self.as_flattened(array) for array in given]
        kind = self.nn.BatchNorm2d if len(part.taken) == 3 else self.nn.BatchNorm1d
        moved = is_sequence(part.taken)
        if moved:
            self.modules.append(self.own.Permute(0, 2, 1))
        self.append(kind(last, eps=layer.eps, momentum=1 - layer.momentum), *given)
        if moved:
            self.modules.append(self.own.Permute(0, 2, 1))

    def recurrent(self, part: Part) -> None:
        """Append an RNN, LSTM or GRU, and what takes the states from what it returns."""
        layer = part.layer
        kind, activation = cell(layer)
        options: dict[str, Any] = {"batch_first": True, "bidirectional": layer._directions == 2}
        if kind == "SimpleRNN":
            if activation not in ("tanh", "relu"):
                checks.same_as_here(self.where, repr(layer), "activation", activation, "tanh")
            options["nonlinearity"] = activation
        given = []
        for Wx, Wh, b in directions(layer, self.dtype):
            if kind == "GRU":
                Wx, Wh, b = (gates_in_order(array, GRU_GATES) for array in (Wx, Wh, b))
            given += [Wx.T, Wh.T, *(b if b.ndim == 2 else (b, np.zeros_like(b)))]
        module = getattr(self.nn, kind.removeprefix("Simple"))
        self.append(module(part.taken[-1], layer.units, **options), *given)
        self.modules.append(self.own.Sequences() if layer.return_sequences else self.own.Last())


def _sides(sides: list[Any]) -> tuple[int, ...]:
    """Return zeros before and behind each axis in PyTorch's order: the last axis first."""
    return tuple(n for pair in reversed(sides) for n in pair)
