"""To PyTorch and back: the same numbers, or one error."""

import re
import sys

import numpy as np
import pytest
from in_turn import every_dtype_name
from interchanged import HEADS, IMAGE, MODELS, SEQUENCE, assert_close, channels_first, made, samples

from fastnet.layers import (
    Activation,
    Dense,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD


def channels_last(y):
    return np.moveaxis(y, 1, -1) if y.ndim == 4 else y


def of_torch(torch, module, x):
    with torch.no_grad():
        found = module(torch.from_numpy(channels_first(x).copy()))
    if isinstance(found, list):
        return [channels_last(each.numpy()) for each in found]
    return channels_last(found.numpy())


@every_dtype_name
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
        (nn.ReLU(), 3, "softmax_cross_entropy"),  # of a range of which one end is a probability's
        (nn.Tanh(), 3, "softmax_cross_entropy"),
        (nn.Tanh(), 1, "mean_squared_error"),
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
