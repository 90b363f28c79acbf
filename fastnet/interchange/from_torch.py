"""Layers from a module of PyTorch."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnet import checks, layers
from fastnet.interchange.to_torch import GRU_GATES, gates_in_order
from fastnet.interchange.torch_settings import check_settings, kind_of

ACTIVATIONS = {
    "ReLU": "Relu",
    "Sigmoid": "Sigmoid",
    "Tanh": "Tanh",
    "SiLU": "Silu",
    "Mish": "Mish",
    "Softplus": "Softplus",
    "Identity": "Identity",
    "Step": "Step",
}
CONVOLUTIONS = {"Conv1d": layers.Conv1D, "Conv2d": layers.Conv2D}
NORMALIZATIONS = {"BatchNorm1d", "BatchNorm2d"}
RECURRENT = {"RNN": layers.SimpleRNN, "LSTM": layers.LSTM, "GRU": layers.GRU}
POOLING = {"MaxPool2d": layers.MaxPooling2D, "AvgPool2d": layers.AveragePooling2D}
KNOWN = {*ACTIVATIONS, *CONVOLUTIONS, *NORMALIZATIONS, *RECURRENT, *POOLING} | {
    *("Linear", "Dropout", "Flatten", "Unflatten", "Embedding", "AdaptiveAvgPool2d", "Softmax"),
    *("GELU", "LeakyReLU", "ELU", "ConstantPad1d", "ConstantPad2d", "ZeroPad1d", "ZeroPad2d"),
    *("Permute", "Rescale", "Sequences", "Last", "Ordered", "AverageInside", "Heads"),  # to_torch's
}


def layers_of(where: str, module: Any, input_shape: Any = None) -> tuple[list[Any], str]:
    """Return layers that compute what a module does in evaluation mode, and their dtype."""
    found = _Layers(where, input_shape)
    found.add_all(module, "module")
    names = {str(each.dtype).removeprefix("torch.") for each in module.parameters()}
    return found.made, "float64" if "float64" in names else "float32"


def _leaves(where: str, module: Any, place: str) -> Any:
    """Yield each module of an nn.Sequential, and of those in it, with its place."""
    if kind_of(module) == "Sequential":
        for i, each in enumerate(module):
            yield from _leaves(where, each, f"{place}[{i}]")
        return
    checks.convertible(where, place, kind_of(module), KNOWN)
    yield place, module


def _array(tensor: Any) -> NDArray[Any]:
    return np.array(tensor.detach().cpu().numpy())


def _pairs(sides: Any) -> tuple[Any, ...]:
    """Return zeros before and behind each axis, of what PyTorch pads with: the last axis first."""
    pairs = list(zip(sides[::2], sides[1::2], strict=True))
    return tuple(reversed(pairs))


class _Layers:
    """Layers, made as the modules come; PyTorch's axes are followed on the way."""

    def __init__(self, where: str, input_shape: Any) -> None:
        self.where, self.made = where, list[Any]()
        # Whether samples have their channels first there, and how many; those of samples that were
        # flattened so.
        self.first, self.channels, self.flattened = False, 1, 1
        self.padding: Any = None  # of a module before a convolution or pooling
        self.shape: tuple[int, ...] | None = None  # of one sample, until a layer takes it
        if input_shape is not None:
            self.shape = checks.shape(where, input_shape)
            if len(self.shape) == 3:
                self.first, self.channels = True, self.shape[0]
                self.shape = (*self.shape[1:], self.shape[0])

    def append(self, layer: Any, module: Any = None) -> None:
        """Append a layer; frozen, where no parameter of its module is to learn."""
        known = [] if module is None else [each.requires_grad for each in module.parameters()]
        if known and not any(known):
            layer.trainable = False
        self.made.append(layer)

    def start(self) -> dict[str, Any]:
        """Return the input_shape for the first layer that takes samples in their shape."""
        shape, self.shape = self.shape, None
        return {} if shape is None else {"input_shape": shape}

    def add_all(self, module: Any, place: str) -> None:
        """Append the layers of a module, and of those in it."""
        flat = list(_leaves(self.where, module, place))
        for i, (found, each) in enumerate(flat):
            behind = flat[i + 1][1] if i + 1 < len(flat) else None
            check_settings(self.where, found, each, behind, self)
            self.add(found, each, behind)
        if self.flattened > 1:
            raise ValueError(
                f"{self.where}: {place} must not end with images that are flattened, got "
                f"{self.flattened} channels behind the last Linear. Leave the Flatten out."
            )

    def branches(self, place: str, module: Any) -> None:
        """Append Branches, each head of which takes what comes."""
        heads = []
        for j, each in enumerate(module.heads):
            head = copy.copy(self)
            head.made = []
            head.add_all(each, f"{place}.heads[{j}]")
            heads.append(head.made)
        self.first, self.flattened, self.shape = False, 1, None
        self.append(layers.Branches(*heads))

    def add(self, place: str, module: Any, behind: Any) -> None:
        """Append the layer of a module."""
        kind = type(module).__name__
        if kind in ACTIVATIONS:
            self.append(getattr(layers, ACTIVATIONS[kind])())
        elif kind == "GELU":
            self.append(layers.Gelu(module.approximate))
        elif kind == "LeakyReLU":
            self.append(layers.LeakyRelu(module.negative_slope))
        elif kind == "ELU":
            self.append(layers.Elu(module.alpha))
        elif kind == "Softmax":
            self.append(layers.Softmax())
        elif kind == "Dropout":
            self.append(layers.Dropout(module.p, inverted=True))
        elif kind == "Rescale":
            self.append(layers.Rescaling(module.scale, module.offset))
        elif kind == "Linear":
            self.linear(place, module)
        elif kind in CONVOLUTIONS:
            self.convolution(place, module)
        elif kind in NORMALIZATIONS:
            self.normalization(place, module)
        elif kind in RECURRENT:
            self.recurrent(place, module, behind)
        elif kind == "Embedding":
            self.shape = None
            self.append(layers.Embedding(_array(module.weight)), module)
        elif kind in POOLING:
            self.pooling(place, module)
        elif kind == "Heads":
            self.branches(place, module)
        else:
            self.shaped(place, kind, module, behind)

    def shaped(self, place: str, kind: str, module: Any, behind: Any) -> None:
        """Append the layer of a module that goes by windows or shapes, or take it into account."""
        if kind.startswith(("ConstantPad", "ZeroPad")):
            value = getattr(module, "value", 0.0)
            pool = type(behind).__name__ == "MaxPool2d"
            checks.same_as_here(self.where, place, "value", value, -np.inf if pool else 0.0)
            self.padding = _pairs(module.padding)
        elif kind == "AverageInside":
            pooled = layers.AveragePooling2D(
                module.size, module.stride, _pairs(module.sides), **self.start()
            )
            self.append(pooled)
        elif kind == "AdaptiveAvgPool2d":
            size = module.output_size
            checks.same_as_here(
                self.where, place, "output_size", (size,) if type(size) is int else (*size,),
                (1,) if type(size) is int else (1, 1),
            )  # fmt: skip
            self.append(layers.GlobalAveragePooling2D(**self.start()))
            self.first = False
        elif kind == "Permute":
            self.first = not self.first
            if self.first and len(module.dims) == 3:
                self.channels = 0  # as many as the convolution behind it takes
        elif kind == "Flatten":
            checks.same_as_here(self.where, place, "start_dim", module.start_dim, 1)
            self.flattened = self.channels if self.first else 1
            self.first = False
            self.append(layers.Flatten(**self.start()))
        elif kind == "Unflatten":
            self.unflatten(place, module, behind)
        elif kind == "Ordered":
            self.flattened = 1
        # Sequences and Last: the layer before them knew.

    def unflatten(self, place: str, module: Any, behind: Any) -> None:
        """Append a Reshape: channels are last there where a Permute follows, or are one."""
        shape = tuple(module.unflattened_size)
        if len(shape) == 3 and type(behind).__name__ != "Permute":
            checks.same_as_here(self.where, place, "channels", shape[0], 1)
            self.first, self.channels, shape = True, 1, (*shape[1:], 1)
        elif len(shape) == 3:
            self.channels = shape[2]
        self.append(layers.Reshape(shape, **self.start()))

    def linear(self, place: str, module: Any) -> None:
        """Append a Dense, its rows in our order."""
        checks.same_as_here(self.where, place, "channels_first", self.first, False)
        W = self.in_order(_array(module.weight).T)
        self.flattened, self.shape = 1, None
        made: Any = layers.MatMul(W)
        if module.bias is not None:
            arrays = {"W": W, "b": _array(module.bias)}
            made = layers.Dense._from_saved({"units": W.shape[1]}, arrays)
        self.append(made, module)

    def in_order(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array whose rows are features, channels last."""
        rows = array.reshape(self.flattened, -1, *array.shape[1:])
        return np.ascontiguousarray(np.moveaxis(rows, 0, 1).reshape(array.shape))

    def convolution(self, place: str, module: Any) -> None:
        """Append a Conv2D or Conv1D."""
        checks.same_as_here(self.where, place, "padding_mode", module.padding_mode, "zeros")
        kernel, padding = _array(module.weight), self.padding or module.padding
        if not isinstance(padding, str):
            padding = tuple(p if isinstance(p, tuple) else (p, p) for p in padding)
        options = {
            "filters": module.out_channels,
            "kernel_size": module.kernel_size,
            "strides": module.stride,
            "padding": padding,
            "dilation": module.dilation,
            "groups": module.groups,
            "use_bias": module.bias is not None,
            **self.start(),
        }
        arrays = {"W": np.ascontiguousarray(np.moveaxis(kernel, (0, 1), (-1, -2)))}
        if module.bias is not None:
            arrays["b"] = _array(module.bias)
        self.append(CONVOLUTIONS[type(module).__name__]._from_saved(options, arrays), module)
        self.first, self.channels, self.padding = True, module.out_channels, None

    def pooling(self, place: str, module: Any) -> None:
        """Append a MaxPooling2D or AveragePooling2D."""
        kind = type(module).__name__
        checks.same_as_here(self.where, place, "ceil_mode", module.ceil_mode, False)
        sides = module.padding if type(module.padding) is tuple else (module.padding,) * 2
        padding = self.padding or tuple((p, p) for p in sides)
        if kind == "MaxPool2d":
            checks.same_as_here(self.where, place, "dilation", module.dilation, 1)
        elif any(p for pair in padding for p in pair):
            checks.same_as_here(
                self.where, place, "count_include_pad", module.count_include_pad, False
            )
        self.padding = None
        self.append(POOLING[kind](module.kernel_size, module.stride, padding, **self.start()))

    def normalization(self, place: str, module: Any) -> None:
        """Append a BatchNormalization."""
        checks.same_as_here(
            self.where, place, "track_running_stats", module.track_running_stats, True
        )
        if module.momentum is None:
            checks.same_as_here(self.where, place, "momentum", None, 0.1)
        mean, var = _array(module.running_mean), _array(module.running_var)
        gamma, beta = np.ones_like(mean), np.zeros_like(mean)
        if module.affine:
            gamma, beta = _array(module.weight), _array(module.bias)
        gamma, beta, mean, var = (self.in_order(each) for each in (gamma, beta, mean, var))
        self.append(
            layers.BatchNormalization(gamma, beta, 1 - module.momentum, mean, var, module.eps),
            module,
        )

    def recurrent(self, place: str, module: Any, behind: Any) -> None:
        """Append the recurrent layers that a module has on top of each other."""
        checks.same_as_here(self.where, place, "batch_first", module.batch_first, True)
        checks.same_as_here(self.where, place, "dropout", module.dropout, 0.0)
        if getattr(module, "proj_size", 0):
            checks.same_as_here(self.where, place, "proj_size", module.proj_size, 0)
        kind = RECURRENT[type(module).__name__]
        for i in range(module.num_layers):
            last = i + 1 == module.num_layers and type(behind).__name__ == "Last"
            options = {"units": module.hidden_size, "return_sequences": not last}
            if kind is layers.SimpleRNN:
                options["activation"] = module.nonlinearity
            start = self.start() if i == 0 else {}
            ends = ("", "_reverse")[: 1 + module.bidirectional]
            arrays = [self.cell(module, f"_l{i}{end}") for end in ends]
            layer: Any = kind(**options, **start)
            names: tuple[str, ...] = ("Wx", "Wh", "b")
            if module.bidirectional:
                layer = layers.Bidirectional(layer)
                names = "Wx1", "Wh1", "b1", "Wx2", "Wh2", "b2"
            flat = dict(zip(names, [each for some in arrays for each in some], strict=True))
            layer._keep([flat[name] for name in layer.array_names])
            self.append(layer, module)

    def cell(self, module: Any, end: str) -> list[NDArray[Any]]:
        """Return Wx, Wh and b of one direction of one of a module's layers."""
        Wx, Wh = (_array(getattr(module, f"weight_{of}{end}")).T for of in ("ih", "hh"))
        b = np.zeros((2, Wx.shape[1]), Wx.dtype)
        if module.bias:
            b = np.stack([_array(getattr(module, f"bias_{of}{end}")) for of in ("ih", "hh")])
        if type(module).__name__ == "GRU":
            Wx, Wh, b = (gates_in_order(array, GRU_GATES) for array in (Wx, Wh, b))
        else:
            b = b.sum(axis=0)
        return [np.ascontiguousarray(array) for array in (Wx, Wh, b)]
