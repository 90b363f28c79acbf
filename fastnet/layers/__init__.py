"""Layers: forward checks, calls a kernel and remembers; backward(dout) returns dx, fills grads.

Every layer has two lists of arrays, `params` and `grads`, which optimizers and models go by. The
arrays keep their identity: backward writes into `grads[i]`. Results have the dtype that NumPy
would give and are the caller's to change, except that an activation's `out` is the array that
forward returned, as in the textbook.
"""

import typing as _typing  # type checkers know TYPE_CHECKING by no other name
from importlib import import_module as _import_module

from fastnet import checks as _checks
from fastnet.layers import activations, gates
from fastnet.layers.activations import *  # noqa: F403
from fastnet.layers.affine import Affine
from fastnet.layers.base import Layer
from fastnet.layers.branches import Branches
from fastnet.layers.dense import ACTIVATIONS as ACTIVATIONS
from fastnet.layers.dense import Dense
from fastnet.layers.elementwise import Activation
from fastnet.layers.gates import *  # noqa: F403
from fastnet.layers.matmul import MatMul
from fastnet.layers.softmax import Softmax, SoftmaxWithLoss
from fastnet.layers.told import LoopLayer, Outputs, Steps

if _typing.TYPE_CHECKING:
    from fastnet.layers.attention import Attention, AttentionWeight, TimeAttention, WeightSum
    from fastnet.layers.average_pooling import AveragePooling2D, GlobalAveragePooling2D
    from fastnet.layers.axes import Repeat, Sum
    from fastnet.layers.batch_normalization import BatchNormalization
    from fastnet.layers.bidirectional import Bidirectional
    from fastnet.layers.conv import Conv1D, Conv2D
    from fastnet.layers.convolution import Convolution
    from fastnet.layers.dropout import Dropout
    from fastnet.layers.embedding import Embedding
    from fastnet.layers.nodes import Add, Multiply
    from fastnet.layers.pooling import MaxPooling2D, Pooling
    from fastnet.layers.recurrent import GRU, LSTM, SimpleRNN
    from fastnet.layers.rescaling import Rescaling
    from fastnet.layers.sampling import EmbeddingDot, NegativeSamplingLoss
    from fastnet.layers.sequence_loss import TimeSigmoidWithLoss, TimeSoftmaxWithLoss
    from fastnet.layers.shapes import Flatten, Reshape
    from fastnet.layers.time_layers import TimeAffine, TimeDropout, TimeEmbedding
    from fastnet.layers.time_recurrence import TimeBiLSTM, TimeGRU, TimeLSTM, TimeRNN
    from fastnet.layers.unigram import UnigramSampler

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
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
    "Layer",
    "LoopLayer",
    "MatMul",
    "MaxPooling2D",
    "Multiply",
    "NegativeSamplingLoss",
    "Outputs",
    "Pooling",
    "Repeat",
    "Rescaling",
    "Reshape",
    "SimpleRNN",
    "Softmax",
    "SoftmaxWithLoss",
    "Steps",
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
__all__ += activations.__all__
__all__ += gates.__all__

# Files that are imported when one of their names is first asked for: a plain network has none of
# them, and they and their kernels are a fifth of what `import fastnet.models` takes.
_LATER = {
    "attention": ("Attention", "AttentionWeight", "TimeAttention", "WeightSum"),
    "average_pooling": ("AveragePooling2D", "GlobalAveragePooling2D"),
    "axes": ("Repeat", "Sum"),
    "batch_normalization": ("BatchNormalization",),
    "bidirectional": ("Bidirectional",),
    "conv": ("Conv1D", "Conv2D"),
    "convolution": ("Convolution",),
    "dropout": ("Dropout",),
    "embedding": ("Embedding",),
    "nodes": ("Add", "Multiply"),
    "pooling": ("MaxPooling2D", "Pooling"),
    "recurrent": ("GRU", "LSTM", "SimpleRNN"),
    "rescaling": ("Rescaling",),
    "sampling": ("EmbeddingDot", "NegativeSamplingLoss"),
    "sequence_loss": ("TimeSigmoidWithLoss", "TimeSoftmaxWithLoss"),
    "shapes": ("Flatten", "Reshape"),
    "time_layers": ("TimeAffine", "TimeDropout", "TimeEmbedding"),
    "time_recurrence": ("TimeBiLSTM", "TimeGRU", "TimeLSTM", "TimeRNN"),
    "unigram": ("UnigramSampler",),
}
_FILES = {name: file for file, names in _LATER.items() for name in names}

for _name in ("Layer", "LoopLayer", "Outputs", "Steps"):  # of the others base.py does it
    globals()[_name].__module__ = __name__  # as pickles and messages have them


if not _typing.TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a layer, or a file of some, when it is first asked for."""
        if name in _LATER:
            return _import_module(f"{__name__}.{name}")
        if name not in _FILES:
            raise _checks.not_in(__name__, name)
        globals()[name] = found = getattr(_import_module(f"{__name__}.{_FILES[name]}"), name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
