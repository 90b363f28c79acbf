"""Weights of samples and classes, the label that does not count, smoothed targets.

By hand and in the compiled loop, against the NumPy twins, gradients by definition, and PyTorch.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastnet
import fastnet.models
import fastnet.reference
from fastnet import layers, losses
from fastnet.layers import BatchNormalization, Dense, Dropout, Softmax, SoftmaxWithLoss
from fastnet.losses import (
    LOSSES,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    CategoricalHinge,
    Loss,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    SparseCategoricalCrossEntropy,
)
from fastnet.models import Sequential
from fastnet.optimizer import SGD, Adam

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_loss = pytest.mark.parametrize("name", LOSSES)
N, C, BATCH = 23, 4, 5
LAST = {
    "binary_cross_entropy": "sigmoid",
    "categorical_cross_entropy": "softmax",
    "kullback_leibler_divergence": "softmax",
    "mean_squared_logarithmic_error": "sigmoid",
    "poisson": "softplus",
    "sparse_categorical_cross_entropy": "softmax",
}


def targets(name, n=N, seed=0):
    rng = np.random.default_rng(seed)
    if LOSSES[name].takes_labels:
        return rng.integers(0, C, n)
    t = np.eye(C)[rng.integers(0, C, n)]
    if name in ("hinge", "squared_hinge"):
        t = 2 * t - 1
    return t + 0.5 if name == "mean_absolute_percentage_error" else t


def outputs(name, dtype):
    y = np.random.default_rng(1).dirichlet(np.ones(C), N)
    return (y if name in LAST else 4 * y - 1).astype(dtype)


def drawn_weights(dtype="float64"):
    weights = np.random.default_rng(2).uniform(0, 3, N).astype(dtype)
    weights[[0, 7]] = 0
    return weights


def kinds(name):
    """The loss, here and in NumPy."""
    kind = LOSSES.get(name, SoftmaxWithLoss)
    room = fastnet.reference.layers if kind is SoftmaxWithLoss else fastnet.reference.losses
    return kind, getattr(room, kind.__name__)


def model(loss, last=None, dtype="float64", package=fastnet, hidden=()):
    kind = package.layers.Dense
    end = [kind(C, last)]
    return package.models.Sequential([kind(6, "tanh"), *hidden, *end], loss, dtype, seed=0)


def rows(dtype="float64"):
    return np.random.default_rng(3).standard_normal((N, 5)).astype(dtype)


# --------------------------------------------------------------------------- weights by hand


@pytest.mark.parametrize("name", [*LOSSES, "softmax_with_loss"])
@every_dtype
def test_by_hand_as_the_twin(name, dtype):
    kind, plain = kinds(name)
    t = targets(name if name in LOSSES else "softmax_cross_entropy")
    y, weights = outputs(name, dtype), drawn_weights(dtype)
    loss, twin = kind(), plain()
    value = loss.forward(y, t, weights)
    wanted = twin.forward(y.astype(float), np.asarray(t), weights.astype(float))
    bound = 40 * np.finfo(dtype).eps
    assert type(value) is np.dtype(dtype).type or t.ndim == 2
    assert_allclose(value, wanted, rtol=bound, atol=bound)
    for dout in (1, 0.3):
        dx = loss.backward(dout)
        assert_allclose(dx, twin.backward(dout), rtol=bound, atol=bound)
    assert_array_equal(dx[[0, 7]], 0)


@pytest.mark.parametrize("name", [*LOSSES, "softmax_with_loss"])
def test_the_gradient_by_hand_is_that_of_the_weighted_loss(name):
    kind = kinds(name)[0]
    t = targets(name if name in LOSSES else "softmax_cross_entropy")
    y, weights, loss = outputs(name, "float64"), drawn_weights(), kind()
    # Away from kinks and from 0.
    y = np.clip(y, 0.05, None) if name in LAST else y
    loss.forward(y, t, weights)
    dx = loss.backward()
    for at in [(0, 1), (3, 0), (4, 2), (9, 3)]:
        upper, lower = y.copy(), y.copy()
        upper[at] += 1e-6
        lower[at] -= 1e-6
        slope = (kind().forward(upper, t, weights) - kind().forward(lower, t, weights)) / 2e-6
        # The textbook's gradient is that of a logarithm without the 1e-7.
        assert abs(slope - dx[at]) < (1e-6 if name == "softmax_with_loss" else 1e-7) * max(
            1, abs(slope)
        )


@every_loss
def test_the_mean_is_over_the_samples(name):
    """sum(w l) / N, and not / sum(w): weights of 2 give twice the loss and gradient."""
    kind, y, t = LOSSES[name], outputs(name, "float64"), targets(name)
    plain, weighted = kind(), kind()
    value = plain.forward(y, t)
    for weight in (1.0, 2.0):
        assert_allclose(weighted.forward(y, t, np.full(N, weight)), weight * value, rtol=1e-14)
        assert_allclose(weighted.backward(), weight * plain.backward(), rtol=1e-14, atol=1e-18)
    rows = [float(kind().forward(y[i : i + 1], t[i : i + 1])) for i in range(N)]
    weights = drawn_weights()
    assert_allclose(weighted.forward(y, t, weights), np.dot(rows, weights) / N, rtol=1e-13)
    assert_allclose(weighted.forward(y, t, weights.tolist()), weighted.loss, rtol=0)
    value = weighted.forward(y, t)  # and none again
    assert value == plain.loss
    assert_array_equal(weighted.backward(), plain.backward())


# --------------------------------------------------------------------------- weights in the loop


def by_hand(net, x, t, weights, optimizer, epochs):
    seen = []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, N, BATCH):
            part = slice(start, start + BATCH)
            total += float(net.forward(x[part], t[part], weights[part])) * len(x[part])
            net.backward()
            optimizer.update(net.params, net.grads)
        seen.append(total / N)
    return seen


@pytest.mark.parametrize("optimizer", [SGD, Adam])
@every_loss
@every_dtype
def test_fit_goes_as_steps_by_hand(name, dtype, optimizer):
    x, t, weights = rows(dtype), targets(name), drawn_weights(dtype)
    looped, hand = (model(name, LAST.get(name), dtype) for _ in range(2))
    hand.build(5)
    settings = {"shuffle": False, "verbose": 0, "sample_weight": weights}
    seen = looped.fit(x, t, 4, BATCH, optimizer(0.01), **settings).loss
    wanted = by_hand(hand, x, t, weights, optimizer(0.01), 4)
    bound = 400 * np.finfo(dtype).eps
    assert_allclose(looped.parameter_vector, hand.parameter_vector, rtol=bound, atol=bound)
    assert_allclose(seen, wanted, rtol=bound, atol=bound)
    evaluated = looped.evaluate(x, t, sample_weight=weights)
    assert_allclose(evaluated["loss"], looped.forward(x, t, weights), rtol=bound, atol=bound)
    # Answers count alike.
    assert evaluated.get("accuracy") == looped.evaluate(x, t).get("accuracy")


@every_loss
def test_the_gradient_of_a_weighted_model(name):
    x, t, weights = rows(), targets(name), drawn_weights()
    net = model(name, LAST.get(name))
    grads = net.gradient(x, t, weights)
    for grad, slope in zip(grads, net.numerical_gradient(x, t, weights), strict=True):
        assert_allclose(grad, slope, rtol=0, atol=2e-8 * max(1, np.abs(grad).max()))
    plain = net.gradient(x, t)
    assert not np.allclose(plain[0], grads[0], rtol=1e-3)


@every_loss
@every_dtype
def test_weights_of_one_change_no_bit(name, dtype):
    x, t = rows(dtype), targets(name)
    plain, weighted = (model(name, LAST.get(name), dtype) for _ in range(2))
    wanted = plain.fit(x, t, 3, BATCH, verbose=0).loss
    seen = weighted.fit(x, t, 3, BATCH, verbose=0, sample_weight=np.ones(N)).loss
    assert seen == wanted
    assert_array_equal(weighted.parameter_vector, plain.parameter_vector)
    assert weighted.evaluate(x, t, sample_weight=np.ones(N)) == plain.evaluate(x, t)


@pytest.mark.parametrize("threads", [1, 2])
def test_in_batches_of_any_size_with_any_threads(threads):
    """Also one sample an update, which an unweighted network has a way of its own for."""
    x, t, weights = rows(), targets("softmax_cross_entropy"), drawn_weights()
    before = fastnet.get_num_threads()
    fastnet.set_num_threads(threads)
    try:
        for batch in (1, 3, N):
            ours = Sequential([Dense(3, "tanh"), Dense(C)], dtype="float64", seed=0)
            plain = fastnet.reference
            theirs = plain.models.Sequential(
                [plain.layers.Dense(3, "tanh"), plain.layers.Dense(C)], dtype="float64", seed=0
            )
            seen = ours.fit(x, t, 3, batch, SGD(0.1), verbose=0, sample_weight=weights)
            wanted = theirs.fit(x, t, 3, batch, plain.optimizer.SGD(0.1), sample_weight=weights)
            assert_allclose(seen.loss, wanted.loss, rtol=1e-11)
            assert seen.accuracy == wanted.accuracy
            assert_allclose(ours.parameter_vector, theirs.parameter_vector, rtol=0, atol=1e-12)
    finally:
        fastnet.set_num_threads(before)


def test_weights_leave_penalties_alone():
    x, t, weights = rows(), targets("softmax_cross_entropy"), drawn_weights()
    ours, theirs = (
        package.models.Sequential(
            [package.layers.Dense(C)], dtype="float64", seed=0, l1=0.01, l2=0.1
        )
        for package in (fastnet, fastnet.reference)
    )
    seen = ours.fit(x, t, 3, BATCH, SGD(0.1), verbose=0, sample_weight=weights)
    wanted = theirs.fit(x, t, 3, BATCH, fastnet.reference.optimizer.SGD(0.1), sample_weight=weights)
    assert_allclose(seen.loss, wanted.loss, rtol=1e-12)
    assert_allclose(ours.forward(x, t, weights), theirs.forward(x, t, weights), rtol=1e-12)


def test_penalties_and_samples_that_do_not_count():
    """What large weights cost is no part of what is divided by the samples that count."""
    x, (t, kept) = rows(), with_ignored()
    loss = SoftmaxCrossEntropy(ignore_index=-1)
    ours = Sequential([Dense(C)], loss, "float64", seed=0, l1=0.01, l2=0.1)
    theirs = Sequential([Dense(C)], SoftmaxCrossEntropy(), "float64", seed=0, l1=0.01, l2=0.1)
    optimizer = SGD(0.1)
    seen = ours.fit(x, t, 3, N, optimizer, shuffle=False, verbose=0)
    wanted = theirs.fit(x[kept], t[kept], 3, N, SGD(0.1), shuffle=False, verbose=0)
    assert_allclose(seen.loss, wanted.loss, rtol=1e-12)
    assert_allclose(ours.parameter_vector, theirs.parameter_vector, rtol=1e-12)


def test_validation_data_weigh_alike():
    """Neither the weights of the training, nor a loss that its targets need."""
    x, t, weights = rows(), targets("softmax_cross_entropy"), drawn_weights()
    soft = np.random.default_rng(0).dirichlet(np.ones(C), N)
    net = model("softmax_cross_entropy")
    for given, held_out in ((t, t), (soft, t), (t, soft)):
        seen = net.fit(
            x, given, 2, BATCH, validation_data=(x[:9], held_out[:9]), verbose=0,
            sample_weight=weights,
        )  # fmt: skip
        wanted = net.evaluate(x[:9], held_out[:9])
        assert (seen.val_loss[-1], seen.val_accuracy[-1]) == tuple(wanted.values())


def test_the_users_weights_are_read_once_and_stay():
    x, t, weights = rows("float32"), targets("softmax_cross_entropy"), drawn_weights()
    kept = weights.copy()
    net = model("softmax_cross_entropy", dtype="float32", hidden=[BatchNormalization(), Dropout()])
    net.fit(x, t, 2, BATCH, verbose=0, sample_weight=weights, class_weight={1: 2})
    assert_array_equal(weights, kept)


def test_a_loss_of_ones_own_is_weighted_in_the_loop():
    class Own(losses.MeanSquaredError):
        """The same, by another name."""

    class Plain(Loss):
        def forward(self, x, t):
            self.y, self.t = x, t
            return ((x - t) ** 2).sum() / 2 / len(x)

        def backward(self, dout=1):
            return (self.y - self.t) * dout / len(self.y)

        def in_loop(self):
            return losses.MeanSquaredError().in_loop()

    x, t, weights = rows(), targets("mean_squared_error"), drawn_weights()
    wanted = model("mean_squared_error").fit(x, t, 3, verbose=0, sample_weight=weights).loss
    for loss in (Own(), Plain()):
        assert model(loss).fit(x, t, 3, verbose=0, sample_weight=weights).loss == wanted


# --------------------------------------------------------------------------- classes


CLASSED = {
    "softmax_cross_entropy": None,
    "sparse_categorical_cross_entropy": "softmax",
    "categorical_cross_entropy": "softmax",
    "categorical_hinge": None,
}


@pytest.mark.parametrize("name", CLASSED)
def test_class_weights_are_those_of_the_samples(name):
    x, t = rows(), targets(name)
    labels = t if t.ndim == 1 else t.argmax(axis=1)
    of_class = {0: 0.5, 3: 4}
    weights = np.array([of_class.get(int(label), 1) for label in labels], float)
    one, other, both, alike = (model(name, CLASSED[name]) for _ in range(4))
    wanted = one.fit(x, t, 3, BATCH, verbose=0, sample_weight=weights)
    seen = other.fit(x, t, 3, BATCH, verbose=0, class_weight=of_class)
    assert seen.loss == wanted.loss
    assert_array_equal(one.parameter_vector, other.parameter_vector)
    own = drawn_weights()
    wanted = both.fit(x, t, 3, BATCH, verbose=0, sample_weight=own * weights)
    seen = alike.fit(x, t, 3, BATCH, verbose=0, sample_weight=own, class_weight=of_class)
    assert seen.loss == wanted.loss


@pytest.mark.parametrize(
    ("name", "no"), [("sigmoid_cross_entropy", 0), ("binary_cross_entropy", 0), ("hinge", -1)]
)
def test_class_weights_of_yes_and_no(name, no):
    x = rows()
    t = np.where(x[:, 0] > 0.2, 1, no)
    stack = [[Dense(1, LAST.get(name))] for _ in range(2)]
    one, other = (Sequential(layers, name, "float64", seed=0) for layers in stack)
    wanted = one.fit(x, t, 3, BATCH, verbose=0, sample_weight=np.where(t == 1, 5.0, 0.5))
    seen = other.fit(x, t, 3, BATCH, verbose=0, class_weight={1: 5, 0: 0.5})
    assert seen.loss == wanted.loss


def test_class_weights_as_torch():
    """torch.nn.CrossEntropyLoss(weight=...) divides by the sum of the weights: so do we, then."""
    torch = pytest.importorskip("torch", reason="PyTorch, whose loss this is, is not installed")
    x, t = outputs("softmax_cross_entropy", "float64"), targets("softmax_cross_entropy")
    of_class = np.array([0.5, 1.0, 2.0, 4.0])
    logits = torch.tensor(x, requires_grad=True)
    theirs = torch.nn.CrossEntropyLoss(weight=torch.tensor(of_class))(logits, torch.tensor(t))
    theirs.backward()
    weights = of_class[t]
    loss = SoftmaxCrossEntropy()
    assert_allclose(loss.forward(x, t, weights / weights.mean()), theirs.item(), rtol=1e-13)
    assert_allclose(loss.backward(), logits.grad.numpy(), rtol=0, atol=1e-15)


# --------------------------------------------------------------------------- the ignored label

IGNORING = {
    "SoftmaxCrossEntropy": SoftmaxCrossEntropy,
    "SparseCategoricalCrossEntropy": SparseCategoricalCrossEntropy,
    "CategoricalHinge": CategoricalHinge,
    "SoftmaxWithLoss": SoftmaxWithLoss,
}
every_ignoring = pytest.mark.parametrize("name", IGNORING)


def with_ignored(index=-1):
    t = targets("softmax_cross_entropy")
    t[[1, 2, 9, 22]] = index
    return t, t != index


@pytest.mark.parametrize("index", [-1, 2, 255])
@every_ignoring
@every_dtype
def test_ignored_samples_do_not_count(name, dtype, index):
    """The mean and the gradient are those of the others alone."""
    t, kept = with_ignored(index)
    y = outputs("sparse_categorical_cross_entropy", dtype)
    loss, others = IGNORING[name](ignore_index=index), IGNORING[name]()
    bound = 8 * np.finfo(dtype).eps
    assert_allclose(loss.forward(y, t), others.forward(y[kept], t[kept]), rtol=bound)
    dx = loss.backward(0.5)
    assert_array_equal(dx[~kept], 0)
    assert_allclose(dx[kept], others.backward(0.5), rtol=4 * bound, atol=bound / N)
    assert type(loss.loss) is np.dtype(dtype).type
    room = fastnet.reference.layers if name == "SoftmaxWithLoss" else fastnet.reference.losses
    twin = getattr(room, name)(ignore_index=index)
    weights = drawn_weights(dtype)
    for given in ((), (weights,)):
        assert_allclose(loss.forward(y, t, *given), twin.forward(y, t, *given), rtol=4 * bound)
        assert_allclose(loss.backward(), twin.backward(), rtol=8 * bound, atol=bound / N)
    nothing = np.full(N, index)
    assert loss.forward(y, nothing) == 0
    assert_array_equal(loss.backward(), 0)
    with pytest.raises(IndexError, match="t must be in"):
        loss.forward(y, np.where(kept, t, -7))
    with pytest.raises(IndexError, match="t must be in"):
        others.forward(y, np.where(kept, t, -7))


@pytest.mark.parametrize(
    ("kind", "last"),
    [
        (SoftmaxCrossEntropy, None),
        (SparseCategoricalCrossEntropy, "softmax"),
        (CategoricalHinge, None),
    ],
)
@every_dtype
def test_fit_leaves_ignored_samples_out(kind, last, dtype):
    """As if they were not there, if each batch is: their rows are looked at by nobody."""
    x = rows(dtype)
    t, kept = with_ignored()
    t[BATCH : 2 * BATCH] = -1  # a whole batch: no update but that of nothing
    kept = t != -1
    net, twin = model(kind(ignore_index=-1), last, dtype), model(kind(), last, dtype)
    twin.build(5)
    x[~kept] = 1e30  # whose loss overflows in float32
    if dtype == "float32":
        x[~kept] = 50
    seen = net.fit(x, t, 3, BATCH, SGD(0.1), shuffle=False, verbose=0)
    optimizer = SGD(0.1)
    for _ in range(3):
        for start in range(0, N, BATCH):
            part = np.flatnonzero(kept[start : start + BATCH]) + start
            if len(part):
                twin.forward(x[part], t[part])
                twin.backward()
                optimizer.update(twin.params, twin.grads)
    bound = 200 * np.finfo(dtype).eps
    assert_allclose(net.parameter_vector, twin.parameter_vector, rtol=bound, atol=bound)
    evaluated = net.evaluate(x, t)
    wanted = net.evaluate(x[kept], t[kept])
    assert_allclose(evaluated["loss"], wanted["loss"], rtol=bound)
    assert evaluated["accuracy"] == wanted["accuracy"]  # nor are their answers counted
    assert_allclose(net.forward(x, t), wanted["loss"], rtol=bound)
    assert len(seen.loss) == 3
    small = x.clip(-3, 3)
    for grad, slope in zip(net.gradient(small, t), net.numerical_gradient(small, t), strict=True):
        assert_allclose(grad, slope, rtol=0, atol=1e-8 + 30 * np.finfo(dtype).eps)


@pytest.mark.parametrize("loss", ["SoftmaxCrossEntropy", "SparseCategoricalCrossEntropy"])
def test_a_model_that_ignores_as_its_twin(loss):
    x, (t, _) = rows(), with_ignored()
    ours, theirs = (
        package.models.Sequential(
            [package.layers.Dense(6, "tanh"), package.layers.Dense(C), *end],
            getattr(package.losses, loss)(ignore_index=-1),
            "float64",
            seed=0,
        )
        for package, end in (
            (fastnet, [] if loss[1] == "o" else [Softmax()]),
            (fastnet.reference, [] if loss[1] == "o" else [fastnet.reference.layers.Softmax()]),
        )
    )
    weights = drawn_weights()
    seen = ours.fit(x, t, 3, BATCH, SGD(0.1), (x, t), verbose=0, sample_weight=weights)
    wanted = theirs.fit(
        x, t, 3, BATCH, fastnet.reference.optimizer.SGD(0.1), (x, t), sample_weight=weights
    )
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert_allclose(getattr(seen, name), getattr(wanted, name), rtol=1e-12)


def test_ignoring_as_torch():
    torch = pytest.importorskip("torch", reason="PyTorch, whose loss this is, is not installed")
    x, (t, _) = outputs("softmax_cross_entropy", "float64"), with_ignored(-100)
    for smoothing in (0.0, 0.2):
        logits = torch.tensor(x, requires_grad=True)
        made = torch.nn.CrossEntropyLoss(ignore_index=-100, label_smoothing=smoothing)
        theirs = made(logits, torch.tensor(t))
        theirs.backward()
        loss = SoftmaxCrossEntropy(label_smoothing=smoothing, ignore_index=-100)
        assert_allclose(loss.forward(x, t), theirs.item(), rtol=1e-13)
        assert_allclose(loss.backward(), logits.grad.numpy(), rtol=0, atol=1e-15)


# --------------------------------------------------------------------------- smoothed targets


SMOOTHED = {
    "SoftmaxCrossEntropy": None,
    "CategoricalCrossEntropy": "softmax",
    "BinaryCrossEntropy": "sigmoid",
    "SigmoidCrossEntropy": None,
}


@pytest.mark.parametrize("given", ["labels", "one-hot", "soft"])
@pytest.mark.parametrize("name", SMOOTHED)
@every_dtype
def test_smoothing_is_that_of_the_targets(name, dtype, given):
    """(1 - s) t + s / C, of yes and no s / 2: by hand, in the loop, and in NumPy."""
    t = np.eye(C)[targets("softmax_cross_entropy")]
    if given == "soft":
        t = 0.7 * t + 0.3 * np.roll(t, 1, axis=1)
    share = 0.2
    by_hand = (1 - share) * t + share / (2 if SMOOTHED[name] == "sigmoid" or "Sig" in name else C)
    if given == "labels":
        if name != "SoftmaxCrossEntropy":
            pytest.skip("which takes no labels")
        t = t.argmax(axis=1)
    kind, plain = getattr(losses, name), getattr(fastnet.reference.losses, name)
    y = outputs("binary_cross_entropy", dtype)
    loss, twin, exact = kind(label_smoothing=share), plain(label_smoothing=share), kind()
    bound = 20 * np.finfo(dtype).eps
    kept = t.copy()
    assert_allclose(loss.forward(y, t), exact.forward(y, by_hand.astype(dtype)), rtol=bound)
    assert_allclose(loss.backward(), exact.backward(), rtol=bound, atol=bound)
    assert_allclose(loss.forward(y, t), twin.forward(y.astype(float), t), rtol=bound)
    assert_allclose(loss.backward(), twin.backward(), rtol=0, atol=bound)
    assert_array_equal(t, kept)
    x = rows(dtype)
    smooth, other = model(loss, SMOOTHED[name], dtype), model(exact, SMOOTHED[name], dtype)
    seen = smooth.fit(x, t, 4, BATCH, SGD(0.1), verbose=0)
    wanted = other.fit(x, by_hand, 4, BATCH, SGD(0.1), verbose=0)
    assert_allclose(seen.loss, wanted.loss, rtol=10 * bound)
    assert_allclose(smooth.parameter_vector, other.parameter_vector, rtol=0, atol=20 * bound)
    assert_allclose(smooth.evaluate(x, t)["loss"], smooth.forward(x, t), rtol=4 * bound)
    for grad, slope in zip(smooth.gradient(x, t), smooth.numerical_gradient(x, t), strict=True):
        assert_allclose(grad, slope, rtol=0, atol=1e-8 + 30 * np.finfo(dtype).eps)
    weights = drawn_weights(dtype)
    value = smooth.forward(x, t, weights)
    assert_allclose(smooth.evaluate(x, t, sample_weight=weights)["loss"], value, rtol=4 * bound)


@pytest.mark.parametrize("classes", [1, 2, 3, 10, 37, 200])
@every_dtype
def test_the_loops_smoothing_of_any_width(dtype, classes):
    rng = np.random.default_rng(0)
    x, t = 3 * rng.standard_normal((N, classes)).astype(dtype), rng.integers(0, classes, N)
    net = Sequential([Dense(classes)], SoftmaxCrossEntropy(label_smoothing=0.3), dtype, seed=0)
    net.build(classes)
    net.layers[0].W[...] = np.eye(classes)
    bound = (classes + 20) * np.finfo(dtype).eps
    assert_allclose(net.evaluate(x, t)["loss"], net.forward(x, t), rtol=bound, atol=bound)
    assert net.evaluate(x, t)["accuracy"] == np.mean(x.argmax(axis=1) == t)


def test_the_textbooks_loss_is_smoothed():
    y, t = outputs("softmax_cross_entropy", "float64"), targets("softmax_cross_entropy")
    loss, exact = SoftmaxWithLoss(label_smoothing=0.2), SoftmaxWithLoss()
    twin = fastnet.reference.layers.SoftmaxWithLoss(label_smoothing=0.2)
    soft = 0.8 * np.eye(C)[t] + 0.05
    assert_allclose(loss.forward(y, t), exact.forward(y, soft), rtol=1e-14)
    assert_allclose(loss.backward(), exact.backward(), rtol=0, atol=1e-16)
    assert_allclose(loss.forward(y, t), twin.forward(y, t), rtol=1e-14)
    assert_allclose(loss.backward(), twin.backward(), rtol=0, atol=1e-16)
    net = fastnet.models.TwoLayerNet(5, 4, C)
    net.lastLayer = loss
    plain = fastnet.models.TwoLayerNet(5, 4, C)
    for key, array in plain.params.items():
        array[...] = net.params[key]
    found, other = net.gradient(rows(), t), plain.gradient(rows(), t)
    assert not np.allclose(found["W2"], other["W2"])


def test_losses_with_arguments_are_saved(tmp_path):
    x, (t, _) = rows(), with_ignored()
    net = model(SoftmaxCrossEntropy(label_smoothing=0.1, ignore_index=-1))
    net.fit(x, t, 2, verbose=0)
    net.save(tmp_path / "model.safetensors")
    again = Sequential.load(tmp_path / "model.safetensors")
    assert repr(again._loss) == "SoftmaxCrossEntropy(label_smoothing=0.1, ignore_index=-1)"
    assert again.fit(x, t, 2, verbose=0).loss == net.fit(x, t, 2, verbose=0).loss
    assert repr(SoftmaxCrossEntropy()) == "SoftmaxCrossEntropy()"
    assert repr(CategoricalCrossEntropy()) == "CategoricalCrossEntropy()"


# --------------------------------------------------------------------------- what is refused

ARGUMENTS = [
    (
        lambda: SoftmaxCrossEntropy(label_smoothing=1),
        ValueError,
        "SoftmaxCrossEntropy: label_smoothing must be at least 0 and below 1, got 1.0. Give a "
        "number such as 0.5.",
    ),
    (
        lambda: SoftmaxWithLoss(ignore_index=True),
        TypeError,
        "SoftmaxWithLoss: ignore_index must be a whole number or None, got True. Give a label "
        "such as -1.",
    ),
    (
        lambda: setattr(BinaryCrossEntropy(), "label_smoothing", -0.1),
        ValueError,
        "BinaryCrossEntropy.label_smoothing: label_smoothing must be at least 0 and below 1, got "
        "-0.1. Give a number such as 0.5.",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), ARGUMENTS)
def test_bad_arguments(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == text


NEGATIVE = "must be finite and not negative, got"
BAD = {
    "too few": (
        {"sample_weight": np.ones(N - 1)}, ValueError,
        f"sample_weight must have shape ({N},), got sample_weight.shape=({N - 1},). "
        "Give one number a sample.",
    ),
    "negative": (
        {"sample_weight": np.r_[np.ones(N - 1), -1]}, ValueError,
        f"sample_weight {NEGATIVE} sample_weight[{N - 1}]=-1.0. Give 0 to leave a sample out.",
    ),
    "NaN": (
        {"sample_weight": np.r_[np.nan, np.ones(N - 1)]}, ValueError,
        f"sample_weight {NEGATIVE} sample_weight[0]=nan. Give 0 to leave a sample out.",
    ),
    "too large": (
        {"sample_weight": np.r_[1e300, np.ones(N - 1)]}, ValueError,
        f"sample_weight {NEGATIVE} sample_weight[0]=1e+300. Give 0 to leave a sample out.",
    ),
    "strings": (
        {"sample_weight": ["a"] * N}, TypeError,
        "sample_weight must be an array of integers, float16, float32 or float64, got list of "
        "dtype <U1 with sample_weight[0]='a'. Number what are names, of all sample_weight at once: "
        "numpy.unique(sample_weight, return_inverse=True)[1].",
    ),
    "no dict": (
        {"class_weight": [1, 2]}, TypeError,
        "class_weight must be a dict of class -> weight, got [1, 2]. "
        "Give one such as {0: 1.0, 1: 5.0}.",
    ),
    "no class": (
        {"class_weight": {"a": 1}}, TypeError,
        "class_weight must have classes for keys, got 'a'. Give whole numbers.",
    ),
    "another class": (
        {"class_weight": {C: 1}}, ValueError,
        f"class_weight must have keys in 0..{C - 1}, got {C}. Count classes from 0.",
    ),
    "no number": (
        {"class_weight": {1: None}}, TypeError,
        "class_weight[1] must be a real number, got None. Give a float.",
    ),
    "negative class": (
        {"class_weight": {1: -2}}, ValueError,
        f"class_weight[1] {NEGATIVE} -2.0. Give 0 to leave a class out.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_weights(case):
    arguments, error, text = BAD[case]
    net, x, t = (
        model("softmax_cross_entropy", dtype="float32"),
        rows(),
        targets("categorical_hinge"),
    )
    calls = {"fit": lambda: net.fit(x, t, verbose=0, **arguments)}
    if "sample_weight" in arguments:
        calls |= {
            "evaluate": lambda: net.evaluate(x, t, **arguments),
            "forward": lambda: net.forward(x, t, **arguments),
            "numerical_gradient": lambda: net.numerical_gradient(x, t, **arguments),
        }
    for name, call in calls.items():
        before = net._rng.bit_generator.state
        with pytest.raises(error) as raised:
            call()
        assert str(raised.value) == f"Sequential.{name}: {text}"
        assert net._rng.bit_generator.state == before
    if "sample_weight" in arguments:
        for kind in (SoftmaxCrossEntropy, SoftmaxWithLoss, CategoricalHinge):
            with pytest.raises(error) as raised:
                kind().forward(np.ones((N, C), np.float32), t, **arguments)
            assert str(raised.value) == f"{kind.__name__}.forward: {text}"


@pytest.mark.parametrize("name", ["mean_squared_error", "sigmoid_cross_entropy", "hinge"])
def test_class_weights_without_classes(name):
    with pytest.raises(TypeError) as raised:
        model(name).fit(rows(), targets(name), class_weight={0: 1})
    assert str(raised.value) == (
        f'Sequential.fit: class_weight must be None for loss="{name}", whose targets are no '
        "classes, got a value. Give sample_weight."
    )


def test_nothing_that_counts():
    net, t = model(SoftmaxCrossEntropy(ignore_index=-1)), np.full(N, -1)
    text = "t must have a label other than ignore_index=-1, got no other. Give samples that count."
    for name, call in {"fit": net.fit, "evaluate": net.evaluate, "forward": net.forward}.items():
        with pytest.raises(ValueError) as raised:
            call(rows(), t)
        assert str(raised.value) == f"Sequential.{name}: {text}"
    with pytest.raises(ValueError, match=r"^Sequential\.fit: validation_data\[1\]: t must have"):
        net.fit(rows(), targets("categorical_hinge"), validation_data=(rows(), t), verbose=0)


def test_labels_that_are_ignored_are_no_others():
    net, (t, _) = model("softmax_cross_entropy"), with_ignored()
    with pytest.raises(IndexError, match=r"t\[1\]=-1\. Leave such samples out by"):
        net.fit(rows(), t)
    assert SigmoidCrossEntropy().label_smoothing == 0
    assert isinstance(layers.SoftmaxWithLoss().ignore_index, type(None))
