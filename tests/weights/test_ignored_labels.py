"""Samples with the ignored label do not count."""

import numpy as np
import pytest
from in_turn import every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal
from weighted_models import BATCH, C, N, drawn_weights, model, outputs, rows, with_ignored

import fastnet
import fastnet.models
import fastnet.reference
from fastnet.layers import Softmax, SoftmaxWithLoss
from fastnet.losses import (
    CategoricalHinge,
    SoftmaxCrossEntropy,
    SparseCategoricalCrossEntropy,
)
from fastnet.optimizer import SGD

IGNORING = {
    "SoftmaxCrossEntropy": SoftmaxCrossEntropy,
    "SparseCategoricalCrossEntropy": SparseCategoricalCrossEntropy,
    "CategoricalHinge": CategoricalHinge,
    "SoftmaxWithLoss": SoftmaxWithLoss,
}
every_ignoring = with_each("name", IGNORING)


@with_each("index", [-1, 2, 255])
@every_ignoring
@every_dtype_name
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
@every_dtype_name
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
