"""Models that go to other libraries and back, and how their outputs are compared."""

import numpy as np

from fastnet.layers import (
    GRU,
    LSTM,
    Affine,
    AveragePooling2D,
    BatchNormalization,
    Bidirectional,
    Branches,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Elu,
    Embedding,
    Flatten,
    Gelu,
    GlobalAveragePooling2D,
    LeakyRelu,
    MatMul,
    MaxPooling2D,
    Mish,
    Relu,
    Rescaling,
    Reshape,
    Sigmoid,
    Silu,
    SimpleRNN,
    Softmax,
    Softplus,
    Step,
    Tanh,
)
from fastnet.models import Sequential

RNG = np.random.default_rng(0)
FLAT, IMAGE, SEQUENCE, WORDS = (6,), (9, 8, 3), (7, 4), (5,)
V = 11  # words


def bn(**options):
    return BatchNormalization(eps=1e-3, **options)


# Shape of a sample, and layers.
MODELS = {
    "dense": (FLAT, lambda: [Dense(5, "relu"), Dense(4, "tanh"), Dense(3)]),
    "affine and matmul": (
        FLAT,
        lambda: [
            Affine(RNG.normal(size=(6, 4)), RNG.normal(size=4)),
            MatMul(RNG.normal(size=(4, 3))),
        ],
    ),
    "activations": (
        FLAT,
        lambda: [
            Dense(5),
            Relu(),
            Dense(5),
            LeakyRelu(0.3),
            Dense(5),
            Elu(0.7),
            Silu(),
            Mish(),
            Dense(5, "gelu"),
            Gelu("tanh"),
            Dense(6),
            Softplus(),
            Tanh(),
            Sigmoid(),
        ],
    ),
    "step": (FLAT, lambda: [Dense(5), Step(), Dense(3)]),
    "softmax": (FLAT, lambda: [Dense(5, "softmax")]),
    "softmax of images": (IMAGE, lambda: [Conv2D(2, 3), Softmax(), Flatten(), Dense(3)]),
    "rescaled": (
        FLAT,
        lambda: [Rescaling(0.5, -1.0), Dense(5), Dropout(0.25), Dense(3), Dropout(0.5, True)],
    ),
    "normalized": (FLAT, lambda: [Dense(5), bn(), Relu(), Dense(3)]),
    "convolution": (
        IMAGE,
        lambda: [
            Conv2D(4, 3, activation="relu"),
            MaxPooling2D(2),
            Conv2D(5, (2, 1), padding=((0, 1), (1, 1))),
            Flatten(),
            Relu(),
            bn(),
            Dense(3),
        ],
    ),
    "same": (
        IMAGE,
        lambda: [
            Conv2D(6, (2, 3), strides=2, padding="same", groups=3, use_bias=False),
            bn(),
            MaxPooling2D(2, 1, padding="same"),
            Dense(3),
        ],
    ),
    "dilated": (
        IMAGE,
        lambda: [Conv2D(4, 3, dilation=2, padding=1), AveragePooling2D(2, 1), Dense(2)],
    ),
    "average": (
        IMAGE,
        lambda: [
            AveragePooling2D(3, 2, padding="same"),
            AveragePooling2D(2, 2, padding=1),
            Dense(2),
        ],
    ),
    "average at one side": (
        IMAGE,
        lambda: [AveragePooling2D(2, 3, padding=((1, 0), (0, 1))), Dense(2)],
    ),
    "global average": (IMAGE, lambda: [Conv2D(4, 3), GlobalAveragePooling2D(), Dense(3)]),
    "image out": (IMAGE, lambda: [Conv2D(4, 3), Tanh()]),
    "flattened out": (IMAGE, lambda: [Conv2D(4, 3), Flatten(), Softplus()]),
    "flattened first": (IMAGE, lambda: [Flatten(), Dense(3)]),
    "two pixels": ((2, 1, 2), lambda: [Flatten(), Dense(3)]),
    "reshaped": (
        FLAT,
        lambda: [Dense(24), Reshape((4, 2, 3)), Conv2D(2, 2), Reshape((3, 2)), Dense(3)],
    ),
    "conv1d": (
        SEQUENCE,
        lambda: [
            Conv1D(5, 3, activation="tanh", padding=1),
            bn(),
            Conv1D(4, 2, strides=2),
            Dense(3),
        ],
    ),
    "conv1d, uneven": (SEQUENCE, lambda: [Conv1D(5, 2, padding="same"), Flatten(), Dense(3)]),
    "rnn": (
        SEQUENCE,
        lambda: [SimpleRNN(5, return_sequences=True), SimpleRNN(4, "relu"), Dense(2)],
    ),
    "lstm": (SEQUENCE, lambda: [LSTM(5, return_sequences=True), bn(), LSTM(4), Dense(2)]),
    "gru": (SEQUENCE, lambda: [GRU(5, return_sequences=True), Dense(6, "relu"), GRU(4), Dense(2)]),
    "bidirectional": (
        SEQUENCE,
        lambda: [
            Bidirectional(LSTM(5, return_sequences=True)),
            Bidirectional(GRU(4, return_sequences=True)),
            Bidirectional(SimpleRNN(3)),
            Dense(2),
        ],
    ),
    "sequence out": (SEQUENCE, lambda: [LSTM(5, return_sequences=True), Dense(3), Softmax()]),
    "words": (WORDS, lambda: [Embedding(V, 4), Dense(3)]),
    "words in steps": (WORDS, lambda: [Embedding(V, 4), GRU(5), Dense(3)]),
    "normalized first": (SEQUENCE, lambda: [bn(), LSTM(3), Dense(2)]),
}
# With several outputs: the second takes what the trunk has flattened.
HEADS = {
    "heads": (
        IMAGE,
        lambda: [Conv2D(4, 3), Branches([Conv2D(2, 2), Tanh()], [Dense(3, "tanh"), Dense(1)])],
    ),
    "flattened heads": (
        IMAGE,
        lambda: [Conv2D(4, 3), Flatten(), Branches([Dense(2)], [Relu(), bn()])],
    ),
}
MODELS["heads inside"] = (
    IMAGE,
    lambda: [Conv2D(4, 3), Branches([Conv2D(2, 2)], [Flatten(), Dense(3)]), Relu(), Dense(3)],
)
# Each activation of wide inputs: among small ones the two forms of GELU are the same to 1e-5.
ALONE = {
    **{kind.__name__: kind for kind in (Relu, Elu, Silu, Mish, Sigmoid, Tanh, Softplus)},
    "LeakyRelu": lambda: LeakyRelu(0.3),
    **{f"Gelu, {form}": lambda form=form: Gelu(form) for form in ("none", "tanh")},
}
MODELS |= {
    f"{name} alone": (FLAT, lambda make=make: [Rescaling(3.0), make(), Dense(3)])
    for name, make in ALONE.items()
}
OTHER_THAN_TORCH = {
    "rnn, sigmoid": (
        SEQUENCE,
        lambda: [SimpleRNN(5, "sigmoid", return_sequences=True), SimpleRNN(4, "identity")],
    ),
}


def samples(shape, n=4):
    if shape == WORDS:
        return RNG.integers(0, V, (n, *shape))
    return RNG.normal(size=(n, *shape))


def made(case, dtype="float64"):
    """A model with statistics and biases of its own, and samples."""
    shape, layers = {**MODELS, **HEADS, **OTHER_THAN_TORCH}[case]
    found = layers()
    ends = {"sequence out", "softmax"}
    loss = "sparse_categorical_cross_entropy" if case in ends else "mse"
    if case in HEADS:
        loss = ["mse"] * 2
    model = Sequential(found, loss, dtype, seed=1)
    x = samples(shape)
    model.predict(x)
    model.parameter_vector[...] = RNG.normal(size=model.parameter_vector.size) / 4
    for layer in [each for one in found for each in (*getattr(one, "layers", ()), one)]:
        if isinstance(layer, BatchNormalization):
            layer.running_mean[...] = RNG.normal(size=layer.running_mean.shape) / 4
            layer.running_var[...] = RNG.random(layer.running_var.shape) + 0.5
    return model, x if shape == WORDS else x.astype(dtype)


def channels_first(x):
    return np.moveaxis(x, -1, 1) if x.ndim == 4 else x


def assert_close(found, wanted, close):
    """Compare outputs, or those of each head."""
    if not isinstance(wanted, list):
        found, wanted = [found], [wanted]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=close)
