"""From Keras: the same numbers, or one error."""

import os
import re

import numpy as np
import pytest
from interchanged import FLAT, IMAGE, RNG, SEQUENCE, WORDS, V, samples

from fastnet.models import Sequential


@pytest.fixture(scope="module")
def keras():
    """Keras on the backend that is installed."""
    for backend in ("torch", "jax"):
        try:
            __import__(backend)
        except ImportError:
            continue
        os.environ.setdefault("KERAS_BACKEND", backend)
        return pytest.importorskip("keras", reason="Keras is not installed")
    pytest.skip("Keras has no backend here: neither PyTorch nor JAX is installed")


def keras_models(keras):
    kl = keras.layers
    # On PyTorch Keras' mean of windows that reach over an image is another than on JAX.
    padding = "valid" if keras.backend.backend() == "torch" else "same"
    return {
        "dense": (
            FLAT,
            [
                kl.Dense(5, "relu"),
                kl.Dense(4, "gelu"),
                kl.Dense(4, "leaky_relu"),
                kl.Dense(4, use_bias=False),
                kl.Activation("elu"),
                kl.LeakyReLU(negative_slope=0.3),
                kl.ELU(0.5),
                kl.ReLU(),
                kl.Dense(3, "softmax"),
            ],
        ),
        "normalized": (
            FLAT,
            [
                kl.Rescaling(0.5, -0.25),
                kl.Dense(5, "silu"),
                kl.BatchNormalization(),
                kl.Dropout(0.3),
                kl.Dense(3, "mish"),
                kl.BatchNormalization(scale=False),
            ],
        ),
        "images": (
            IMAGE,
            [
                kl.Conv2D(6, 3, strides=2, padding="same", groups=3, activation="relu"),
                kl.BatchNormalization(center=False),
                kl.MaxPooling2D(2, 1, padding="same"),
                kl.Conv2D(4, 2, dilation_rate=2, use_bias=False),
                kl.Flatten(),
                kl.Dense(3),
            ],
        ),
        "average": (
            IMAGE,
            [
                kl.AveragePooling2D(3, 2, padding),
                kl.GlobalAveragePooling2D(),
                kl.Dense(2, "sigmoid"),
            ],
        ),
        "reshaped": (
            FLAT,
            [
                kl.Dense(12, "softplus"),
                kl.Reshape((2, 2, 3)),
                kl.Conv2D(2, 1),
                kl.Flatten(),
                kl.Softmax(),
            ],
        ),
        "sequences": (
            SEQUENCE,
            [
                kl.Conv1D(5, 3, padding="same"),
                kl.LSTM(4, return_sequences=True),
                kl.GRU(4, return_sequences=True),
                kl.SimpleRNN(3),
                kl.Dense(2),
            ],
        ),
        "two directions": (
            SEQUENCE,
            [
                kl.Bidirectional(kl.LSTM(4, return_sequences=True)),
                kl.Bidirectional(kl.GRU(3, use_bias=False)),
                kl.Dense(2),
            ],
        ),
        "words": (WORDS, [kl.Embedding(V, 4), kl.LSTM(5), kl.Dense(3)]),
    }


CASES = [
    "dense",
    "normalized",
    "images",
    "average",
    "reshaped",
    "sequences",
    "two directions",
    "words",
]


@pytest.mark.filterwarnings("ignore")  # Keras'
@pytest.mark.parametrize("case", CASES)
def test_from_keras(keras, case):
    shape, layers = keras_models(keras)[case]
    dtype = "int32" if shape == WORDS else "float32"
    given = keras.Sequential([keras.Input(shape, dtype=dtype), *layers])
    for weight in given.weights:
        if "var" not in weight.path.rsplit("/", 1)[-1] and "seed" not in weight.path:
            weight.assign(RNG.normal(size=weight.shape) / 2)
    layers[0].trainable = False
    x = samples(shape).astype(dtype)
    model = Sequential.from_keras(given, seed=0)
    y = np.asarray(given.predict(x, verbose=0))
    np.testing.assert_allclose(model.predict(x), y, rtol=0, atol=1e-5)
    assert not model.layers[0].trainable
    if case == "images":
        model.fit(x, [0, 1, 2, 0], verbose=0)
        assert (model.predict(x) != y).any()


@pytest.mark.filterwarnings("ignore")  # Keras'
def test_what_has_no_counterpart_in_keras(keras):
    kl = keras.layers
    for layer, error, message in (
        (kl.LayerNormalization(), TypeError, r"model.layers\[0\] must be one of .*, got LayerNorm"),
        (
            kl.Dense(3, "selu"),
            TypeError,
            r"the activation of model.layers\[0\] must be one of .* selu",
        ),
        (kl.BatchNormalization(axis=1), ValueError, r"axis=True, got axis=False"),
        (kl.Softmax(axis=1), ValueError, r"must have axis=-1, got axis=1"),
    ):
        with pytest.raises(error, match=message):
            Sequential.from_keras(keras.Sequential([keras.Input((4, 3)), layer]))
    recurrent = keras.Sequential([keras.Input((4, 3)), kl.GRU(2, reset_after=False)])
    with pytest.raises(ValueError, match="must have reset_after=True, got reset_after=False"):
        Sequential.from_keras(recurrent)
    for last in ((kl.Conv2D(2, 3, activation="softmax"),), (kl.Conv2D(2, 3), kl.Softmax())):
        images = keras.Sequential([keras.Input((5, 5, 1)), *last])
        with pytest.raises(ValueError, match="softmax must be one of numbers in a row, got one of"):
            Sequential.from_keras(images)


@pytest.mark.filterwarnings("ignore")  # Keras'
def test_settings_of_keras_that_would_be_other_numbers_here(keras):
    kl = keras.layers
    other = kl.LSTM(2, go_backwards=True, recurrent_activation="tanh")
    for shape, given, message in (
        (
            (5,),
            (kl.Embedding(9, 4, mask_zero=True), kl.LSTM(3)),
            "mask_zero=False, got mask_zero=T",
        ),
        ((5, 6, 3), (kl.Flatten(data_format="channels_first"),), "data_format='channels_last'"),
        ((5, 6, 3), (kl.GlobalAveragePooling2D(data_format="channels_first"),), "data_format='cha"),
        ((5, 2), (kl.LSTM(2, return_state=True),), "return_state=False"),
        (
            (5, 2),
            (kl.Bidirectional(kl.LSTM(2), backward_layer=other),),
            "recurrent_activation='sig",
        ),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            Sequential.from_keras(keras.Sequential([keras.Input(shape), *given]))
    with pytest.raises(ValueError, match="model must be built, got one without weights"):
        Sequential.from_keras(keras.Sequential([kl.Dense(2)]))
    own = type("Dense", (kl.Dense,), {"call": lambda self, x: 2 * super(own, self).call(x)})
    with pytest.raises(
        TypeError, match=r"model.layers\[0\] must be one of .*, got [\w.]+\.Dense\."
    ):
        Sequential.from_keras(keras.Sequential([keras.Input((3,)), own(2)]))
    x = keras.Input((3,))
    twice = kl.Dense(3, "relu")
    for model in (keras.Model(x, twice(twice(x))), kl.Dense(2), 3):
        with pytest.raises(TypeError, match=r"model must be a Sequential of Keras, got \w+\. "):
            Sequential.from_keras(model)
