"""Several outputs in use: files, names, callbacks, metrics, PyTorch, and what they need."""

import copy
import pickle

import numpy as np
import pytest
from headed import KIND, LOSSES, SIZE, N, X, case, every_case, made, numbers, stack
from in_turn import with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import layers
from fastnet.layers import (
    Branches,
    Dense,
    Dropout,
    Embedding,
)
from fastnet.losses import Huber, MeanSquaredError, SoftmaxCrossEntropy, WeightedLosses
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam, Momentum


@every_case
def test_a_file_a_pickle_and_a_copy_go_on_to_the_bit(name, tmp_path):
    model, x, t = case(name, dtype="float32")
    model.fit(x, t, 1, 16, Adam(), verbose=0)
    path = tmp_path / "model.safetensors"
    model.save(path)
    others = [Sequential.load(path), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    model.fit(x, t, 2, 16, verbose=0)
    for other in others:
        other.fit(x, t, 2, 16, verbose=0)
        assert_array_equal(other.parameter_vector, model.parameter_vector)
        for y, z in zip(other.predict(x), model.predict(x), strict=True):
            assert_array_equal(y, z)


def test_heads_go_by_their_names():
    heads = {"kind": [Dense(3)], "size": [Dropout(0.2), Dense(1)]}
    model = Sequential(
        [Dense(8, "relu"), Branches(heads)],
        loss={"size": Huber(delta=2.0), "kind": "softmax_cross_entropy"},
        loss_weights={"kind": 1, "size": 3},
        seed=0,
    )
    assert "kind=[Dense(3)]" in repr(model) and model.loss == "huber+softmax_cross_entropy"
    t = {"size": SIZE[:, 0], "kind": KIND}
    history = model.fit(
        X, t, 2, verbose=0, validation_data=(X, t), metrics={"kind": ["accuracy", "f1"]},
        class_weight={"kind": {0: 2.0}}, sample_weight={"size": np.ones(N)},
    )  # fmt: skip
    names = ["loss", "kind_loss", "size_loss", "kind_accuracy", "kind_f1"]
    assert list(history.to_dict()) == [*names, *(f"val_{name}" for name in names), "seconds"]
    kind, size = model.predict(X)
    assert kind.shape == (N, 3) and size.shape == (N,)  # as its targets were
    assert [y.shape for y in model.predict(X[0])] == [(3,), ()]
    found = model.evaluate(X, t, metrics={"size": ["mae", spread]})
    assert_allclose(found["size_mae"], np.abs(size - SIZE[:, 0]).mean(), rtol=1e-5)
    assert_allclose(found["size_spread"], np.ptp(size), rtol=1e-5)
    by_list = model.evaluate(X, [KIND, SIZE[:, 0]], metrics=[None, ["mae"]])
    assert by_list["size_mae"] == found["size_mae"]


def test_a_share_is_held_out_of_each_head():
    model, other = made(), made()
    weights = {"head1": np.arange(1.0, N + 1)}
    k = int(N * 0.75)
    seen = model.fit(
        X, [KIND, SIZE], 2, verbose=0, validation_split=0.25, sample_weight=weights, shuffle=False
    )
    expected = other.fit(
        X[:k], [KIND[:k], SIZE[:k]], 2, verbose=0, shuffle=False,
        sample_weight={"head1": weights["head1"][:k]},
        validation_data=(X[k:], [KIND[k:], SIZE[k:]], {"head1": weights["head1"][k:]}),
    )  # fmt: skip
    assert_array_equal(model.parameter_vector, other.parameter_vector)
    assert seen.val_head1_loss == expected.val_head1_loss


def test_callbacks_see_each_head():
    seen = []
    model = made()
    model.fit(X, [KIND, SIZE], 2, verbose=0, callbacks=[lambda epoch, logs: seen.append(logs)])
    assert [sorted(logs) for logs in seen] == [
        ["head0_accuracy", "head0_loss", "head1_loss", "loss"]
    ] * 2


def test_metrics_of_a_head_are_of_its_own_outputs():
    model, x, t = case("sequences")
    model.build((4, 3))
    seen = model.evaluate(x, t, metrics={"head0": ["f1"], "head1": ["mae"], "head2": ["mae"]})
    ys = model.predict(x)
    for j in (1, 2):
        assert_allclose(seen[f"head{j}_mae"], np.abs(ys[j] - t[j]).mean())
    assert 0 < seen["head0_f1"] < 1


def test_a_summary_lists_the_layers_of_heads(capsys):
    model = made()
    model.build(5)
    model.layers[2].heads[0][0].trainable = False
    model.summary()
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[3:] == [
        "Branches (5,)",
        "head0: Dense (3,) (7, 3) (3,) 24 frozen",
        "head1: Dense tanh (6,) (7, 6) (6,) 48",
        "head1: Dense (2,) (6, 2) (2,) 14",
        "total 197",
        "trainable 173",
    ]


def spread(t, y):
    return np.ptp(y)


def test_weighted_losses_are_taken_as_they_are():
    given = WeightedLosses([SoftmaxCrossEntropy(), MeanSquaredError()], [1, 3])
    model = Sequential(stack(layers), loss=given, dtype="float64", seed=0)
    other = made(loss_weights=[1, 3])
    for each in (model, other):
        each.fit(X, [KIND, SIZE], 2, verbose=0)
    assert_array_equal(model.parameter_vector, other.parameter_vector)


def test_a_loss_of_your_own_is_stepped_by_hand():
    model = made()
    ys = model.forward(X)
    assert [y.shape for y in ys] == [(N, 3), (N, 2)]
    douts = [numbers(N, 3), numbers(N, 2)]
    dx = model.backward(douts)
    assert dx.shape == X.shape
    grads = [grad.copy() for grad in model.grads]
    h = 1e-6
    W = model.layers[0].W
    W[1, 2] += h
    up = sum((y * d).sum() for y, d in zip(model.forward(X), douts, strict=True))
    W[1, 2] -= 2 * h
    down = sum((y * d).sum() for y, d in zip(model.forward(X), douts, strict=True))
    assert_allclose(grads[0][1, 2], (up - down) / (2 * h), rtol=1e-5)
    one = model.forward(X[0])
    assert [y.shape for y in one] == [(3,), (2,)]
    assert model.backward([np.ones(3), np.ones(2)]).shape == (5,)


def test_training_ends_where_a_head_is_not_finite():
    model = made()
    t = SIZE.copy()
    t[7, 1] = np.nan
    with pytest.raises(FloatingPointError, match=r"head1: t must be finite, got t\[7, 1\]=nan"):
        model.fit(X, [KIND, t], 3, 10, verbose=0)
    assert np.isfinite(model.parameter_vector).all()


def test_pytorch_learns_the_same():
    torch = pytest.importorskip("torch")
    model = made(loss_weights=[1, 3])
    model.build(5)
    W = [torch.tensor(array.copy(), requires_grad=True) for array in model.params]
    step = torch.optim.SGD(W, lr=0.1)
    x, kind, size = map(torch.tensor, (X, KIND, SIZE))
    for _ in range(3):
        for i in range(0, N, 10):
            part = slice(i, i + 10)
            h = torch.tanh(torch.relu(x[part] @ W[0] + W[1]) @ W[2] + W[3])
            y = torch.tanh(h @ W[6] + W[7]) @ W[8] + W[9]
            first = torch.nn.functional.cross_entropy(h @ W[4] + W[5], kind[part])
            second = ((y - size[part]) ** 2).sum() / (2 * len(y))
            step.zero_grad()
            ((first + 3 * second) / 4).backward()
            step.step()
    model.fit(X, [KIND, SIZE], 3, 10, SGD(lr=0.1), shuffle=False, verbose=0)
    for array, other in zip(model.params, W, strict=True):
        assert_allclose(array, other.detach().numpy(), rtol=1e-11, atol=1e-12)


@with_each(
    "make, text",
    [
        (lambda: Branches(), "Branches: heads must be lists of layers, got none"),
        (lambda: Branches(Dense(3)), r"Branches: heads\[0\] must be a list of layers, got Dense"),
        (lambda: Branches([]), r"Branches: heads\[0\] must have a layer, got an empty list"),
        (lambda: Branches([Branches([Dense(1)])]), "must be layers in a row, got Branches in it"),
        (lambda: Branches({"a b": [Dense(1)]}), "names must be words that may stand before _loss"),
        (lambda: Branches({"val": [Dense(1)]}), "names must be words that may stand before _loss"),
        (
            lambda: Sequential([Branches([Dense(1)], [Dense(2)])]),
            "loss must be a list of 2, one for each of the heads head0, head1, got loss=",
        ),
        (
            lambda: made().fit(X, KIND, verbose=0),
            "t must be a list of 2, one for each of the heads head0, head1, got",
        ),
        (
            lambda: made().fit(X, {"head0": KIND}, verbose=0),
            "t must have the keys 'head0', 'head1', got 'head0'",
        ),
        (
            lambda: made().fit(X, [KIND + 1, SIZE], verbose=0),
            r"Sequential.fit: t of head0: t must be in 0..2",
        ),
        (
            lambda: Sequential([Dense(3)], loss=LOSSES).fit(X, [KIND, SIZE], verbose=0),
            "layers must end with Branches of 2 heads, one for each loss, got Dense",
        ),
        (
            lambda: Sequential([Dense(3)], loss_weights=[1]),
            "loss_weights must be None for one loss",
        ),
        (
            lambda: Sequential([Branches([Dense(1)], [Dense(2)])], loss=["mse"]),
            "layers must end with Branches of 1 heads",
        ),
        (
            lambda: Sequential(
                [Branches([Dense(1)], [Dense(2, "sigmoid")])], loss=["mse", "softmax_cross_entropy"]
            ),
            "layers must end with logits",
        ),
        (
            lambda: Sequential([Branches([Embedding(np.ones((3, 2)))])], loss=["mse"]),
            r"Embedding must be the first layer, as it takes row numbers, got it as "
            r"layers\[0\].heads\[0\]\[0\]",
        ),
        (
            lambda: made().backward(),
            "call forward first",
        ),
    ],
)
def test_errors_say_what_heads_need(make, text):
    with pytest.raises((TypeError, ValueError, IndexError, RuntimeError), match=text):
        make()


def test_a_layer_of_a_head_belongs_to_one_model():
    model = made()
    with pytest.raises(ValueError, match="must belong to no other model"):
        Sequential([Dense(2), *model.layers[2].heads[0]], seed=0)
    model.layers[2].heads[0].append(Dense(3))
    model.fit(X, [KIND, SIZE], verbose=0)
    assert len(model.params) == 12


def test_momentum_goes_on_in_frozen_and_thawed_heads():
    model, head = made(), None
    model.fit(X, [KIND, SIZE], 1, 10, Momentum(), verbose=0)
    head = model.layers[2].heads[1]
    head[0].trainable = head[1].trainable = False
    kept = head[0].W.copy()
    model.fit(X, [KIND, SIZE], 1, 10, verbose=0)
    assert_array_equal(head[0].W, kept)
    model.trainable = True
    model.fit(X, [KIND, SIZE], 1, 10, verbose=0)
    assert (head[0].W != kept).any()
