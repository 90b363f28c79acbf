"""Layers: forward remembers what backward needs; backward(dout) returns dx and fills grads."""

from . import activations
from .activations import *  # noqa: F403
from .attention import Attention, AttentionWeight, TimeAttention, WeightSum
from .batch_normalization import BatchNormalization
from .branches import Branches
from .conv import Conv1D, Conv2D
from .convolution import Convolution
from .dense import Dense
from .dropout import Dropout
from .embedding import Embedding
from .nodes import Add, Multiply, Repeat, Sum
from .pooling import (
    AveragePooling2D,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    Pooling,
    Reshape,
)
from .products import Affine, MatMul
from .recurrent import GRU, LSTM, Bidirectional, SimpleRNN
from .rescaling import Rescaling
from .sampling import EmbeddingDot, NegativeSamplingLoss, UnigramSampler
from .softmax import Softmax, SoftmaxWithLoss
from .time_layers import (
    TimeAffine,
    TimeDropout,
    TimeEmbedding,
    TimeSigmoidWithLoss,
    TimeSoftmaxWithLoss,
)
from .time_recurrence import TimeBiLSTM, TimeGRU, TimeLSTM, TimeRNN

__all__ = [
    "GRU",
    "LSTM",
    "Add",
    "Affine",
    "Attention",
    "AttentionWeight",
    "AveragePooling2D",
    "BatchNormalization",
    "Bidirectional",
    "Branches",
    "Conv1D",
    "Conv2D",
    "Convolution",
    "Dense",
    "Dropout",
    "Embedding",
    "EmbeddingDot",
    "Flatten",
    "GlobalAveragePooling2D",
    "MatMul",
    "MaxPooling2D",
    "Multiply",
    "NegativeSamplingLoss",
    "Pooling",
    "Repeat",
    "Rescaling",
    "Reshape",
    "SimpleRNN",
    "Softmax",
    "SoftmaxWithLoss",
    "Sum",
    "TimeAffine",
    "TimeAttention",
    "TimeBiLSTM",
    "TimeDropout",
    "TimeEmbedding",
    "TimeGRU",
    "TimeLSTM",
    "TimeRNN",
    "TimeSigmoidWithLoss",
    "TimeSoftmaxWithLoss",
    "UnigramSampler",
    "WeightSum",
]
__all__ += [
    name
    for name, kind in vars(activations).items()
    if isinstance(kind, type) and kind.__module__ == activations.__name__ and name[0] != "_"
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # as pickles and messages have them
