"""Layers: forward remembers what backward needs; backward(dout) returns dx and fills grads."""

from .activations import Elu, Gelu, Identity, LeakyRelu, Relu, Sigmoid, Silu, Softplus, Step, Tanh
from .batch_normalization import BatchNormalization
from .dense import Dense
from .dropout import Dropout
from .embedding import Embedding
from .nodes import Add, Multiply, Repeat, Sum
from .products import Affine, MatMul
from .softmax import Softmax, SoftmaxWithLoss

__all__ = [
    "Add",
    "Affine",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "Elu",
    "Embedding",
    "Gelu",
    "Identity",
    "LeakyRelu",
    "MatMul",
    "Multiply",
    "Relu",
    "Repeat",
    "Sigmoid",
    "Silu",
    "Softmax",
    "SoftmaxWithLoss",
    "Softplus",
    "Step",
    "Sum",
    "Tanh",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # as pickles and messages have them
