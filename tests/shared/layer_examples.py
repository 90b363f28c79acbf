"""Every layer: how to make it, and inputs and gradients that suit it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from drawn import D, M, N, labels, numbers

from fastnet import layers


class Layer(NamedTuple):
    """A layer: its output has the shape of `dout`."""

    make: Callable[[Any], Any]  # dtype of the parameters -> layer
    inputs: Callable[[Any], list]  # dtype -> what forward takes
    dout: Callable[[Any], Any]  # dtype -> what backward takes


def _of_one(make, *shape, out=None):
    """Return the example of a layer of one array, whose output has the shape `out`."""
    x = numbers(*shape, seed=1)
    return Layer(make, lambda dtype: [x(dtype)], numbers(*(out or shape), seed=2))


def _of_two(make):
    x, y = numbers(N, D, seed=1), numbers(N, D, seed=3)
    return Layer(make, lambda dtype: [x(dtype), y(dtype)], numbers(N, D, seed=2))


def _dense(activation):
    def make(dtype):
        layer = layers.Dense(M, activation=activation)
        layer.build(D, np.random.default_rng(4), dtype)
        return layer

    return make


def _affine(n, d, m):
    W, b = numbers(d, m, seed=4), numbers(m, seed=5)
    return _of_one(lambda dtype: layers.Affine(W(dtype), b(dtype)), n, d, out=(n, m))


def _matmul(dtype):
    return layers.MatMul(numbers(D, M, seed=4)(dtype))


def _batch_normalization(dtype):
    return layers.BatchNormalization(numbers(D, seed=4)(dtype), numbers(D, seed=5)(dtype))


def _dropout(**options):
    return lambda dtype: layers.Dropout(rng=np.random.default_rng(6), **options)


def _convolution(*shape, **options):
    W, b = numbers(*shape, seed=4), numbers(shape[0], seed=5)
    return lambda dtype: layers.Convolution(W(dtype), b(dtype), **options)


def _conv(kind, *arguments, image, **options):
    def make(dtype):
        layer = getattr(layers, kind)(*arguments, **options)
        layer.build(image, np.random.default_rng(4), dtype)
        return layer

    return make


def _embedding(dtype):
    return layers.Embedding(numbers(50, M, seed=4)(dtype))


def _steps(dtype):
    """Return words (N, 3), and steps whose labels leave some out."""
    return labels((7, 3), 50)(dtype), np.where(labels((7, 3), 9, 8)(dtype) < 2, -1, 4)


def _negative_sampling(dtype):
    corpus, rng = labels(400, 50, 7)(dtype) % 41, np.random.default_rng(6)
    corpus = np.concatenate([np.arange(50), corpus])
    return layers.NegativeSamplingLoss(numbers(50, M, seed=4)(dtype), corpus, rng=rng)


def _of_steps(make, *shapes, out):
    """Return the example of a layer of steps; its inputs have the shapes."""
    draws = [numbers(*shape, seed=1 + 2 * i) for i, shape in enumerate(shapes)]
    return Layer(make, lambda dtype: [draw(dtype) for draw in draws], numbers(*out, seed=2))


def _time_affine(dtype):
    return layers.TimeAffine(numbers(D, M, seed=4)(dtype), numbers(M, seed=5)(dtype))


def _tied(dtype):
    return layers.TimeAffine(numbers(M, D, seed=4)(dtype).T, numbers(M, seed=5)(dtype))


STEPS = 7, 3, D  # samples, steps, features
SEQUENCES = {
    "TimeEmbedding": Layer(
        lambda dtype: layers.TimeEmbedding(numbers(50, M, seed=4)(dtype)),
        lambda dtype: [_steps(dtype)[0]],
        numbers(7, 3, M, seed=2),
    ),
    "TimeAffine": _of_steps(_time_affine, STEPS, out=(7, 3, M)),
    "TimeAffine tied": _of_steps(_tied, STEPS, out=(7, 3, M)),
    "TimeDropout": _of_steps(
        lambda dtype: layers.TimeDropout(0.3, rng=np.random.default_rng(6)), STEPS, out=STEPS
    ),
    "TimeSoftmaxWithLoss": Layer(
        lambda dtype: layers.TimeSoftmaxWithLoss(),
        lambda dtype: [numbers(*STEPS, seed=1)(dtype), _steps(dtype)[1]],
        lambda dtype: 0.5,
    ),
    "TimeSigmoidWithLoss": Layer(
        lambda dtype: layers.TimeSigmoidWithLoss(),
        lambda dtype: [numbers(7, 3, seed=1)(dtype), labels((7, 3), 2)(dtype)],
        lambda dtype: 0.5,
    ),
    "WeightSum": _of_steps(lambda dtype: layers.WeightSum(), STEPS, STEPS[:2], out=(7, D)),
    "AttentionWeight": _of_steps(
        lambda dtype: layers.AttentionWeight(), STEPS, (7, D), out=STEPS[:2]
    ),
    "Attention": _of_steps(lambda dtype: layers.Attention(), STEPS, (7, D), out=(7, D)),
    "TimeAttention": _of_steps(
        lambda dtype: layers.TimeAttention(), STEPS, (7, 5, D), out=(7, 5, D)
    ),
    "EmbeddingDot": Layer(
        lambda dtype: layers.EmbeddingDot(numbers(50, M, seed=4)(dtype)),
        lambda dtype: [numbers(N, M, seed=1)(dtype), labels(N, 50)(dtype)],
        numbers(N, seed=2),
    ),
    "NegativeSamplingLoss": Layer(
        _negative_sampling,
        lambda dtype: [numbers(N, M, seed=1)(dtype), labels(N, 50)(dtype)],
        lambda dtype: 0.5,
    ),
}


IMAGES = 4, 9, 8, 19  # rows and columns that are odd, and channels that fill no vector
_WINDOWS = [(2, None, "valid"), (3, 2, "same"), ((2, 3), (1, 2), 1)]


def _pooling(name, *arguments):
    def make(dtype):
        return getattr(layers, name)(*arguments)

    return _of_one(make, *IMAGES, out=(IMAGES[0], *make(None).output_shape(IMAGES[1:])))


def _recurrent(name, gates, **options):
    """Return the example of a layer over sequences, more rows of a batch than go on together."""
    n, steps, units = 58, 3, 19
    columns, both = gates * units, 1 + (name == "TimeBiLSTM")

    def make(dtype):
        shapes = [(D, columns), (units, columns), (columns,)] * both
        weights = [numbers(*s, low=-0.3, high=0.3, seed=4 + i)(dtype) for i, s in enumerate(shapes)]
        return getattr(layers, name)(*weights, **options)

    return _of_one(make, n, steps, D, out=(n, steps, both * units))


_KERAS: dict[str, Any] = {
    "SimpleRNN": lambda: layers.SimpleRNN(19, return_sequences=True),
    "SimpleRNN relu": lambda: layers.SimpleRNN(19, "relu"),
    "LSTM": lambda: layers.LSTM(19, return_sequences=True),
    "LSTM last": lambda: layers.LSTM(19),
    "LSTM stateful": lambda: layers.LSTM(19, stateful=True, batch_size=58),
    "GRU": lambda: layers.GRU(19, return_sequences=True),
    "GRU last": lambda: layers.GRU(19),
    "Bidirectional": lambda: layers.Bidirectional(layers.LSTM(19, return_sequences=True)),
    "Bidirectional last": lambda: layers.Bidirectional(layers.GRU(19)),
}


def _built(make):
    """Return the example of a recurrent layer that knows its units alone."""
    n, steps = 58, 3

    def built(dtype):
        layer = make()
        layer.build((steps, D), np.random.default_rng(4), dtype)
        return layer

    return _of_one(built, n, steps, D, out=(n, *make().output_shape((steps, D))))


def _branches(dtype):
    made = layers.Branches([layers.Dense(M)], [layers.Relu(), layers.Dense(5, "tanh")])
    made.build((D,), np.random.default_rng(4), dtype)
    return made


def _plain(name):
    return lambda dtype: getattr(layers, name)()


ACTIVATIONS = [*layers.activations.__all__, *layers.gates.__all__]
_ELEMENTWISE = {
    **{name: _plain(name) for name in ACTIVATIONS},
    "Elu alpha": lambda dtype: layers.Elu(0.3),
    "Gelu tanh": lambda dtype: layers.Gelu("tanh"),
    "LeakyRelu alpha": lambda dtype: layers.LeakyRelu(0.3),
    "Softmax": lambda dtype: layers.Softmax(),
    "BatchNormalization": _batch_normalization,
    "Rescaling": lambda dtype: layers.Rescaling(0.3, -0.7),
    "Dropout": _dropout(),
    "Dropout inverted": _dropout(dropout_ratio=0.3, inverted=True),
}
# Rows, features and outputs of products that take different ways: a single row, dot products, few
# outputs, shallow sums, sums of several blocks, copied panels of W.
_PRODUCTS = [(1, D, M), (1, 300, 100), (3, 60, 70), (70, 64, 5), (70, 3, 130), (70, 300, 130)]

LAYERS: dict[str, Layer] = {
    **{name: _of_one(make, N, D) for name, make in _ELEMENTWISE.items()},
    **{f"Dense {a}": _of_one(_dense(a), N, D, out=(N, M)) for a in layers.ACTIVATIONS},
    "Dense": _of_one(_dense(None), N, D, out=(N, M)),
    "MatMul": _of_one(_matmul, N, D, out=(N, M)),
    "Affine": _affine(N, D, M),
    **{f"Affine {n}x{d}x{m}": _affine(n, d, m) for n, d, m in _PRODUCTS},
    "Convolution": _of_one(_convolution(17, 3, 3, 3, pad=1), 5, 3, 9, 8, out=(5, 17, 9, 8)),
    "Convolution stride": _of_one(
        _convolution(5, 33, 3, 2, stride=2), 3, 33, 9, 8, out=(3, 5, 4, 4)
    ),
    "Convolution of one channel": _of_one(
        _convolution(30, 1, 5, 5), 3, 1, 12, 12, out=(3, 30, 8, 8)
    ),
    "Conv2D": _of_one(
        _conv("Conv2D", 17, 3, padding="same", activation="relu", image=(9, 8, 3)),
        5,
        9,
        8,
        3,
        out=(5, 9, 8, 17),
    ),
    "Conv2D groups": _of_one(
        _conv(
            "Conv2D",
            36,
            (3, 2),
            strides=(2, 1),
            padding=((1, 2), 0),
            dilation=(1, 2),
            groups=4,
            activation="gelu",
            use_bias=False,
            image=(9, 8, 20),
        ),
        3,
        9,
        8,
        20,
        out=(3, 5, 6, 36),
    ),
    "Conv1D": _of_one(
        _conv("Conv1D", 19, 4, strides=2, activation="tanh", image=(20, 18)),
        3,
        20,
        18,
        out=(3, 9, 19),
    ),
    **{f"MaxPooling2D {g}": _pooling("MaxPooling2D", *g) for g in _WINDOWS},
    **{f"AveragePooling2D {g}": _pooling("AveragePooling2D", *g) for g in _WINDOWS},
    "GlobalAveragePooling2D": _of_one(
        lambda dtype: layers.GlobalAveragePooling2D(), *IMAGES, out=(IMAGES[0], IMAGES[3])
    ),
    "Pooling": _of_one(lambda dtype: layers.Pooling(2, 2), 4, 19, 9, 8, out=(4, 19, 4, 4)),
    "Pooling padded": _of_one(
        lambda dtype: layers.Pooling(3, 2, stride=2, pad=1), 4, 19, 9, 8, out=(4, 19, 5, 5)
    ),
    "Flatten": _of_one(lambda dtype: layers.Flatten(), 4, 3, 5, 2, out=(4, 30)),
    "Reshape": _of_one(lambda dtype: layers.Reshape((5, 6)), 4, 3, 5, 2, out=(4, 5, 6)),
    "Embedding": Layer(
        _embedding, lambda dtype: [labels((N, 3), 50)(dtype)], numbers(N, 3, M, seed=2)
    ),
    "TimeRNN": _recurrent("TimeRNN", 1),
    "TimeLSTM": _recurrent("TimeLSTM", 4),
    "TimeLSTM stateful": _recurrent("TimeLSTM", 4, stateful=True),
    "TimeGRU": _recurrent("TimeGRU", 3),
    "TimeBiLSTM": _recurrent("TimeBiLSTM", 4),
    **{name: _built(make) for name, make in _KERAS.items()},
    "Branches": _of_one(_branches, N, D, out=(N, M + 5)),
    "Add": _of_two(lambda dtype: layers.Add()),
    "Multiply": _of_two(lambda dtype: layers.Multiply()),
    "Repeat": _of_one(lambda dtype: layers.Repeat(3, axis=1), N, D, out=(N, 3 * D)),
    "Sum": _of_one(lambda dtype: layers.Sum(), N, D, out=(1, D)),
    "SoftmaxWithLoss": Layer(
        lambda dtype: layers.SoftmaxWithLoss(),
        lambda dtype: [numbers(N, M)(dtype), labels(N, M)(dtype)],
        lambda dtype: 0.5,
    ),
    **SEQUENCES,
}
