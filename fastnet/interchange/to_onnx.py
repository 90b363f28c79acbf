"""A model as a file of ONNX."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnet import checks, weights_file
from fastnet.interchange.parts import (
    CONVOLUTIONS,
    RECURRENT,
    Part,
    arrays,
    cell,
    directions,
    is_sequence,
    made_by,
    parts_of,
    zeros_around,
)
from fastnet.interchange.to_torch import gates_in_order

OPSET, IR_VERSION = 17, 8  # of 2022: what runs ONNX at all runs these
# Ours are i, f, g, o; ONNX' i, o, f, g. Of a GRU both are z, r, g.
LSTM_GATES = 0, 3, 1, 2
STOCK = {"Relu": "Relu", "Sigmoid": "Sigmoid", "Tanh": "Tanh", "Softplus": "Softplus"}
CELL_ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "sigmoid": "Sigmoid", "identity": "Affine"}
FLOAT = np.float32


def to_onnx(where: str, model: Any, path: Any) -> None:
    """Write a model to a file, whole or not at all."""
    checks.library(where, "onnx", "'fastnet-numba[onnx]'")
    graph = _Graph(where, model)
    weights_file.write_whole(where, path, graph.model().SerializeToString())


class _Graph:
    """The nodes of a model, from x to y; images have their channels last between them."""

    def __init__(self, where: str, model: Any) -> None:
        import onnx

        self.where, self.onnx, self.helper = where, onnx, onnx.helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.value = "x"  # the last one
        self.count = 0
        self.shape, parts = parts_of(where, model)
        self.words = bool(model.layers) and model.layers[0].takes_row_numbers
        self.outputs: list[Any] = []
        for part in parts[:-1]:
            self.add(part)
        if parts and parts[-1].kind == "Branches":
            self.branches(parts[-1], parts[-1].layer.names)
            return
        for part in parts[-1:]:
            self.add(part)
        self.output("y", made_by(parts, self.shape))

    def model(self) -> Any:
        """Return the whole, checked."""
        helper, kinds = self.helper, self.onnx.TensorProto
        kind = kinds.INT64 if self.words else kinds.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "fastnet",
            [helper.make_tensor_value_info("x", kind, ["N", *self.shape])],
            self.outputs,
            self.constants,
        )
        model = helper.make_model(
            graph,
            producer_name="fastnet",
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        self.onnx.checker.check_model(model, full_check=True)
        return model

    def output(self, name: str, shape: tuple[int, ...]) -> None:
        """Make the last value an output of the model, (N, *shape)."""
        self.node("Identity", output=name)
        kind = self.onnx.TensorProto.FLOAT
        self.outputs.append(self.helper.make_tensor_value_info(name, kind, ["N", *shape]))

    def branches(self, part: Part, names: tuple[str, ...] = ()) -> None:
        """Append the nodes of all heads: outputs of the model by their names, else one row."""
        x, found = self.value, []
        for j, head in enumerate(part.heads):
            self.value = x
            for each in head:
                self.add(each)
            if names:
                self.output(names[j], made_by(head, part.taken))
            found.append(self.value)
        if not names:
            self.of(tuple(found), "Concat", axis=1)

    def constant(self, array: Any, dtype: Any = FLOAT) -> str:
        """Return the name of an array."""
        self.count += 1
        name = f"c{self.count}"
        array = np.ascontiguousarray(array, dtype).reshape(np.shape(array))
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def node(self, operator: str, *more: str, output: str = "", **attributes: Any) -> str:
        """Append a node whose first input is the last value, which its output becomes."""
        return self.of((self.value, *more), operator, output, **attributes)

    def of(self, inputs: tuple[str, ...], operator: str, output: str = "", **options: Any) -> str:
        """Append a node of such inputs, whose output is the last value from then on."""
        self.count += 1
        self.value = output or f"v{self.count}"
        self.nodes.append(self.helper.make_node(operator, inputs, [self.value], **options))
        return self.value

    def transpose(self, *axes: int) -> None:
        """Append a Transpose."""
        self.node("Transpose", perm=axes)

    def reshape(self, *shape: int) -> None:
        """Append a Reshape of samples; the first number is theirs."""
        self.node("Reshape", self.constant(shape, np.int64))

    def add(self, part: Part) -> None:
        """Append the nodes of a part."""
        kind, layer = part.kind, part.layer
        if kind == "Reshape":
            self.reshape(-1, *part.made)
        elif kind == "Dense":
            W, *b = arrays(layer, FLOAT)
            if is_sequence(part.taken) or not b:
                self.node("MatMul", self.constant(W))
                if b:
                    self.node("Add", self.constant(b[0]))
            else:
                self.node("Gemm", self.constant(W), self.constant(b[0]))
        elif kind in CONVOLUTIONS:
            self.convolution(part)
        elif kind in RECURRENT:
            self.recurrent(part)
        elif kind in ("MaxPooling2D", "AveragePooling2D"):
            self.pooling(part)
        elif kind == "Branches":
            self.branches(part)
        elif kind == "GlobalAveragePooling2D":
            self.node("ReduceMean", axes=(1, 2), keepdims=0)
        elif kind == "BatchNormalization":
            self.normalization(part)
        elif kind == "Embedding":
            table = self.constant(arrays(layer, FLOAT)[0])
            self.of((table, self.value), "Gather")
        elif kind == "Dropout":
            if not layer.inverted and layer.dropout_ratio:
                self.node("Mul", self.constant(1 - layer.dropout_ratio))
        elif kind == "Rescaling":
            self.node("Mul", self.constant(layer.scale))
            if layer.offset:
                self.node("Add", self.constant(layer.offset))
        else:
            self.activation(kind, layer)

    def activation(self, kind: str, layer: Any) -> None:
        """Append the nodes of an activation."""
        x = self.value
        if kind in STOCK:
            self.node(STOCK[kind])
        elif kind == "Softmax":
            self.node("Softmax", axis=-1)
        elif kind in ("LeakyRelu", "Elu"):
            self.node(kind, alpha=float(layer.alpha))
        elif kind == "Silu":
            self.node("Sigmoid")
            self.node("Mul", x)
        elif kind == "Mish":
            self.node("Softplus")
            self.node("Tanh")
            self.node("Mul", x)
        elif kind == "Step":
            self.node("Greater", self.constant(0.0))
            self.node("Cast", to=self.onnx.TensorProto.FLOAT)
        else:
            self.gelu(x, layer.approximate)

    def gelu(self, x: str, approximate: str) -> None:
        """Append x / 2 * (1 + erf(x / sqrt(2))), or the form with tanh."""
        if approximate == "none":
            self.node("Mul", self.constant(math.sqrt(0.5)))
            self.node("Erf")
        else:
            self.node("Mul", x)
            self.node("Mul", self.constant(0.044715))
            self.node("Add", self.constant(1.0))
            self.node("Mul", x)
            self.node("Mul", self.constant(math.sqrt(2 / math.pi)))
            self.node("Tanh")
        self.node("Add", self.constant(1.0))
        self.node("Mul", x)
        self.node("Mul", self.constant(0.5))

    def convolution(self, part: Part) -> None:
        """Append a Conv, between two Transposes."""
        layer = part.layer
        W, *b = arrays(layer, FLOAT)
        sides = zeros_around(layer, part.taken, part.made)
        inputs = [self.constant(np.moveaxis(W, (-1, -2), (0, 1))), *map(self.constant, b)]
        options = {
            "kernel_shape": layer.kernel_size,
            "strides": layer.strides,
            "dilations": layer.dilation,
            "group": layer.groups,
        }
        self.channels_first(part, "Conv", *inputs, pads=_pads(sides), **options)

    def channels_first(self, part: Part, operator: str, *inputs: str, **options: Any) -> None:
        """Append a node that has channels first, between two Transposes."""
        to, back = (0, 2, 1), (0, 2, 1)
        if len(part.taken) == 3:
            to, back = (0, 3, 1, 2), (0, 2, 3, 1)  # type: ignore[assignment]
        self.transpose(*to)
        self.node(operator, *inputs, **options)
        self.transpose(*back)

    def pooling(self, part: Part) -> None:
        """Append a MaxPool or AveragePool; what is outside an image counts in neither."""
        layer = part.layer
        options: dict[str, Any] = {"kernel_shape": layer.pool_size, "strides": layer.strides}
        options["pads"] = _pads(zeros_around(layer, part.taken, part.made))
        operator = "MaxPool"
        if part.kind == "AveragePooling2D":
            operator, options["count_include_pad"] = "AveragePool", 0
        self.channels_first(part, operator, **options)

    def normalization(self, part: Part) -> None:
        """Append the product and the sum that a BatchNormalization is after training."""
        layer = part.layer
        gamma, beta = arrays(layer, np.float64)
        scale = gamma / np.sqrt(np.float64(layer.eps) + layer.running_var)
        self.node("Mul", self.constant(scale))
        self.node("Add", self.constant(beta - layer.running_mean * scale))

    def recurrent(self, part: Part) -> None:
        """Append an RNN, LSTM or GRU: ONNX has the steps first, and directions on an axis."""
        layer = part.layer
        kind, activation = cell(layer)
        Wx, Wh, b = [], [], []
        for given in directions(layer, FLOAT):
            one, two, bias = given
            if kind == "LSTM":
                one, two, bias = (gates_in_order(array, LSTM_GATES) for array in given)
            Wx.append(one.T)
            Wh.append(two.T)
            b.append(np.concatenate(bias if bias.ndim == 2 else [bias, np.zeros_like(bias)]))
        count, h = layer._directions, layer.units
        options: dict[str, Any] = {"hidden_size": h}
        options["direction"] = "bidirectional" if count == 2 else "forward"
        if kind == "GRU":
            options["linear_before_reset"] = 1
        if kind == "SimpleRNN":
            options["activations"] = [CELL_ACTIVATIONS[activation]] * count
            if activation == "identity":
                options |= {"activation_alpha": [1.0] * count, "activation_beta": [0.0] * count}
        self.transpose(1, 0, 2)
        inputs = self.value, *(self.constant(np.stack(each)) for each in (Wx, Wh, b))
        self.count += 1
        states, last = f"v{self.count}", f"h{self.count}"
        operator = kind.removeprefix("Simple")
        outputs = [states, last]
        self.nodes.append(self.helper.make_node(operator, inputs, outputs, **options))
        if layer.return_sequences:  # (steps, directions, N, H)
            self.value = states
            self.transpose(2, 0, 1, 3)
            self.reshape(0, 0, count * h)
        else:  # (directions, N, H)
            self.value = last
            self.transpose(1, 0, 2)
            self.reshape(0, count * h)


def _pads(sides: list[Any]) -> list[int]:
    """Return zeros before all axes, and then behind all."""
    return [before for before, _ in sides] + [behind for _, behind in sides]
