"""Models to PyTorch and ONNX, and from PyTorch, Keras and scikit-learn: the same numbers.

Outputs are such that no activation is saturated. In float64 the two sides differ by rounding alone;
in float32 by at most 1e-5.
"""

import importlib
import os
import re
import sys

import numpy as np
import pytest

from fastnet import checks
from fastnet.layers import (
    GRU,
    LSTM,
    Activation,
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
from fastnet.optimizer import SGD

RNG = np.random.default_rng(0)
FLAT, IMAGE, SEQUENCE, WORDS = (6,), (9, 8, 3), (7, 4), (5,)
V = 11  # words


@pytest.fixture(autouse=True)
def same_numbers_in_any_order_of_tests():
    RNG.bit_generator.state = np.random.default_rng(0).bit_generator.state


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


def channels_last(y):
    return np.moveaxis(y, 1, -1) if y.ndim == 4 else y


def of_torch(torch, module, x):
    with torch.no_grad():
        found = module(torch.from_numpy(channels_first(x).copy()))
    if isinstance(found, list):
        return [channels_last(each.numpy()) for each in found]
    return channels_last(found.numpy())


def assert_close(found, wanted, close):
    """Compare outputs, or those of each head."""
    if not isinstance(wanted, list):
        found, wanted = [found], [wanted]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=close)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


# ----------------------------------------------------------------------------------------- PyTorch


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", [*MODELS, *HEADS])
def test_to_torch_and_back(torch, case, dtype):
    model, x = made(case, dtype)
    close = 1e-12 if dtype == "float64" else 1e-5
    y = model.predict(x)
    module = model.to_torch()
    assert not module.training
    assert_close(of_torch(torch, module, x), y, close)
    shape = module_shape = x.shape[1:]
    if len(shape) == 3:
        module_shape = shape[2], *shape[:2]
    loss = ["mse"] * 2 if case in HEADS else model.loss
    back = Sequential.from_torch(module, loss, input_shape=module_shape)
    assert back.dtype == model.dtype
    assert_close(back.predict(x), y, close)


def test_what_is_learnt_afterwards_is_another_s(torch):
    model, x = made("dense")
    module = model.to_torch()
    before = of_torch(torch, module, x)
    model.fit(x, np.zeros((4, 3)), optimizer=SGD(0.1), verbose=0)
    np.testing.assert_array_equal(of_torch(torch, module, x), before)
    back = Sequential.from_torch(module, "mse")
    back.fit(x, np.zeros((4, 3)), optimizer=SGD(0.1), verbose=0)
    np.testing.assert_array_equal(of_torch(torch, module, x), before)


def stock(nn):
    """What users of PyTorch write: images flattened with channels first."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.BatchNorm1d(4 * 4 * 4),
        nn.Dropout(0.25),
        nn.Linear(4 * 4 * 4, 5),
    )


def test_training_goes_on_as_pytorch_would(torch):
    nn = torch.nn
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(168, 3)).double()
    model = Sequential.from_torch(module, seed=0)
    assert model.loss == "softmax_cross_entropy"
    x, t = samples(IMAGE, 12), np.arange(12) % 3
    options = {"epochs": 3, "batch_size": 12, "shuffle": False, "verbose": 0}
    model.fit(x, t, optimizer=SGD(lr=0.1), **options)
    model.fit(x, t, **options)  # and once more
    sgd = torch.optim.SGD(module.parameters(), lr=0.1)
    given, labels = torch.from_numpy(channels_first(x).copy()), torch.from_numpy(t)
    for _ in range(6):
        sgd.zero_grad()
        nn.functional.cross_entropy(module(given), labels).backward()
        sgd.step()
    np.testing.assert_allclose(model.predict(x), of_torch(torch, module, x), rtol=0, atol=1e-12)


def test_a_module_as_it_is_written(torch):
    torch.manual_seed(0)
    module = stock(torch.nn)
    x = samples((8, 8, 3)).astype("float32")
    for _ in range(3):
        module(torch.from_numpy(channels_first(x).copy()))  # statistics
    module[0][0].requires_grad_(False)
    module.eval()
    model = Sequential.from_torch(module)
    np.testing.assert_allclose(model.predict(x), of_torch(torch, module, x), rtol=0, atol=1e-5)
    assert [layer.trainable for layer in model.layers[:2]] == [False, True]
    again = Sequential.from_torch(model.to_torch())
    np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=0, atol=1e-5)


def test_recurrent_modules_on_top_of_each_other(torch):
    from fastnet.interchange.torch_modules import Last, Sequences

    nn = torch.nn
    torch.manual_seed(0)
    x = samples(SEQUENCE).astype("float32")
    for kind, options in (
        (nn.LSTM, {}),
        (nn.GRU, {"bias": False}),
        (nn.RNN, {"bidirectional": True}),
    ):
        for end in (Last, Sequences):
            width = 5 * (2 if options.get("bidirectional") else 1)
            rnn = kind(4, 5, num_layers=2, batch_first=True, **options)
            # Of several layers PyTorch returns the last states of all.
            ends = [Sequences()] if end is Sequences else []
            module = nn.Sequential(rnn, *ends, *([nn.Linear(width, 3)] if ends else [])).eval()
            model = Sequential.from_torch(module, loss="mse")
            assert [type(each).__name__ for each in model.layers][:2] in (
                [{"RNN": "SimpleRNN"}.get(kind.__name__, kind.__name__)] * 2, ["Bidirectional"] * 2,
            )  # fmt: skip
            with torch.no_grad():
                found = module(torch.from_numpy(x))
            found = found if ends else found[0]
            np.testing.assert_allclose(model.predict(x), found.numpy(), rtol=0, atol=1e-5)


def test_the_loss_goes_by_the_last_module(torch):
    nn = torch.nn
    for last, units, loss in (
        (nn.Softmax(1), 3, "sparse_categorical_cross_entropy"),
        (nn.Sigmoid(), 3, "binary_cross_entropy"),
        (nn.Identity(), 1, "mean_squared_error"),
        (nn.Identity(), 3, "softmax_cross_entropy"),
    ):
        assert Sequential.from_torch(nn.Sequential(nn.Linear(4, units), last)).loss == loss


def test_what_has_no_counterpart_in_torch(torch):
    nn = torch.nn
    with pytest.raises(TypeError) as caught:
        Sequential.from_torch(nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.PReLU())))
    assert re.fullmatch(
        r"Sequential\.from_torch: module\[1\]\[0\] must be one of .*, got PReLU\. Leave it out, or "
        "convert the layers before and behind it by themselves.",
        str(caught.value),
    )
    for module, message in {
        nn.LSTM(3, 2): "module must have batch_first=True, got batch_first=False, which has no "
        "counterpart. Train it with batch_first=True.",
        nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect"): "padding_mode='zeros'",
        nn.MaxPool2d(2, ceil_mode=True): "ceil_mode=False",
        nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten()): "must not end with images",
        nn.Sequential(nn.Conv2d(3, 2, 3), nn.Linear(5, 2)): "channels_first=False",
    }.items():
        with pytest.raises(ValueError, match=re.escape(message)):
            Sequential.from_torch(module)
    model, _ = made("rnn, sigmoid")
    with pytest.raises(ValueError, match=r"must have activation='tanh', got activation='sigmoid'"):
        model.to_torch()


def test_settings_of_pytorch_that_would_be_other_numbers_here(torch):
    from fastnet.interchange.torch_modules import Sequences

    nn = torch.nn
    hooked = nn.Linear(3, 2)
    hooked.register_forward_hook(lambda module, given, found: 2 * found)
    sequences = nn.LSTM(3, 2, batch_first=True), Sequences()
    for module, message in (
        ((nn.Linear(3, 2), nn.Softmax(0)), "must have dim=-1, got dim=0"),
        ((*sequences, nn.Softmax(1)), "must have dim=-1, got dim=1"),
        ((nn.Conv2d(1, 2, 3), nn.Softmax(1)), "must be a Softmax of numbers in a row, got one of"),
        ((nn.Linear(3, 2), nn.Softplus(2.0)), "must have beta=1.0, got beta=2.0"),
        ((nn.Linear(3, 2), nn.Softplus(threshold=1)), "must have threshold=20.0"),
        ((nn.AvgPool2d(2, divisor_override=3),), "must have divisor_override=None"),
        ((nn.Embedding(3, 2, max_norm=1.0),), "must have max_norm=None"),
        ((nn.Conv2d(1, 2, 3), nn.Flatten(1, 2)), "must have end_dim=-1, got end_dim=2"),
        (
            (nn.ZeroPad2d(1),),
            "must stand before one of Conv1d, Conv2d, MaxPool2d without a padding",
        ),
        ((nn.ZeroPad2d(1), nn.Conv2d(1, 2, 3, padding=1)), "got Conv2d behind it"),
        ((nn.ZeroPad2d(1), nn.AvgPool2d(2, count_include_pad=False)), "got AvgPool2d behind it"),
        ((nn.ZeroPad2d(1), nn.Sigmoid(), nn.Conv2d(1, 2, 3)), "got Sigmoid behind it"),
        ((hooked,), "must have _forward_hooks={}"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            Sequential.from_torch(nn.Sequential(*module))
    own = type("Step", (nn.Module,), {"forward": lambda self, x: torch.sign(x)})
    for module in (own(), 3):
        with pytest.raises(TypeError, match=r"module must be one of .*, got [\w.]+\.(Step|int)\."):
            Sequential.from_torch(module)
    for dim in (-1, 1):
        module = nn.Sequential(nn.Linear(3, 2), nn.Softmax(dim))
        x = samples((3,)).astype("float32")
        found = Sequential.from_torch(module).predict(x)
        np.testing.assert_allclose(found, of_torch(torch, module, x), rtol=0, atol=1e-6)


def test_last_states_of_modules_on_top_of_each_other(torch):
    from fastnet.interchange.torch_modules import Last

    nn = torch.nn
    torch.manual_seed(0)
    x = samples(SEQUENCE).astype("float32")
    for options in ({}, {"bidirectional": True}):
        rnn = nn.LSTM(4, 5, num_layers=2, batch_first=True, **options)
        module = nn.Sequential(rnn, Last()).eval()
        found = Sequential.from_torch(module, loss="mse").predict(x)
        np.testing.assert_allclose(found, of_torch(torch, module, x), rtol=0, atol=1e-6)


class Double(Activation):
    """A layer of a user's own."""


def test_a_layer_of_ones_own_has_no_counterpart(torch, monkeypatch):
    class Dense2(Dense):
        pass

    model = Sequential([Dense2(3)], seed=0)
    with pytest.raises(RuntimeError, match="the number of inputs must be known"):
        model.to_torch()
    model.build(4)
    with pytest.raises(
        TypeError, match=r"^Sequential.to_torch: layers\[0\] must be one of .*Dense2"
    ):
        model.to_torch()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        ImportError, match=r"^Sequential.to_torch: PyTorch must be installed, got .*"
    ):
        model.to_torch()


# -------------------------------------------------------------------------------------------- ONNX


@pytest.mark.parametrize("case", [*MODELS, *HEADS, *OTHER_THAN_TORCH])
def test_onnxruntime_agrees(case, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    model, x = made(case, "float32")
    model.to_onnx(tmp_path / "model.onnx")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(tmp_path / "model.onnx", options)
    for n in (1, 4):
        found = session.run(None, {"x": x[:n]})
        assert_close(found if case in HEADS else found[0], model.predict(x[:n]), 1e-5)
    names = [each.name for each in session.get_outputs()]
    assert names == (["head0", "head1"] if case in HEADS else ["y"])
    assert os.listdir(tmp_path) == ["model.onnx"]


def test_onnx_is_an_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    model, _ = made("dense")
    with pytest.raises(ImportError) as caught:
        model.to_onnx(tmp_path / "model.onnx")
    assert str(caught.value).startswith("Sequential.to_onnx: onnx must be installed, got ")
    assert str(caught.value).endswith(". Run pip install 'fastnet-numba[onnx]'.")


# ------------------------------------------------------------------------------------------- Keras


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


# ------------------------------------------------------------------------------------ scikit-learn


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("module", ["sklearn.neural_network", "fastnet.sklearn"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu", "gelu"])
def test_from_sklearn(module, activation):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    neural = importlib.import_module(module)
    if activation == "gelu" and module != "fastnet.sklearn":
        return
    x = RNG.normal(size=(40, 5))
    options = {
        "hidden_layer_sizes": (6, 4),
        "activation": activation,
        "max_iter": 5,
        "random_state": 0,
    }
    names = np.array(["a", "b", "c"])
    three = neural.MLPClassifier(**options).fit(x, names[np.arange(40) % 3])
    model = Sequential.from_sklearn(three)
    np.testing.assert_allclose(model.predict_proba(x), three.predict_proba(x), rtol=0, atol=1e-12)
    assert (names[model.predict(x).argmax(1)] == three.predict(x)).all()
    two = neural.MLPClassifier(**options).fit(x, np.arange(40) % 2)
    found = Sequential.from_sklearn(two).predict(x)[:, 0]
    np.testing.assert_allclose(found, two.predict_proba(x)[:, 1], rtol=0, atol=1e-12)
    many = neural.MLPClassifier(**options).fit(x, (x[:, :3] > 0).astype(int))
    found = Sequential.from_sklearn(many).predict(x)
    np.testing.assert_allclose(found, many.predict_proba(x), rtol=0, atol=1e-12)
    for t in (x[:, 0], x[:, :2]):
        numbers = neural.MLPRegressor(**options).fit(x.astype("float32"), t.astype("float32"))
        model = Sequential.from_sklearn(numbers, seed=0)
        found = model.predict(x.astype("float32")).reshape(t.shape)
        assert model.dtype == "float32"
        np.testing.assert_allclose(found, numbers.predict(x.astype("float32")), rtol=0, atol=1e-5)
        before = model.evaluate(x, t)["loss"]
        model.fit(x, t, epochs=5, verbose=0)
        model.fit(x, t, epochs=5, verbose=0)
        assert model.evaluate(x, t)["loss"] < before
    with pytest.raises(TypeError) as caught:
        Sequential.from_sklearn(neural.MLPRegressor())
    assert str(caught.value) == (
        "Sequential.from_sklearn: mlp must be an MLPClassifier or MLPRegressor that is fitted, got "
        "MLPRegressor. Call mlp.fit(x, t) first."
    )


def test_a_library_that_is_not_there():
    with pytest.raises(
        ImportError, match=r"^here: nothing must be installed, got .*\. Run pip install x\.$"
    ):
        checks.library("here", "nothing", "x")
