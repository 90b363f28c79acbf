"""Cross entropy with probabilities for targets: kernels, by hand, and in the compiled loop."""

import numpy as np
import pytest
from in_turn import every_dtype, every_dtype_name, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import functions, kernels, reference
from fastnet.layers import Dense, SoftmaxWithLoss
from fastnet.losses import SoftmaxCrossEntropy
from fastnet.models import Sequential, TwoLayerNet
from fastnet.optimizer import SGD
from fastnet.textbook import first

every_width = with_each("classes", [1, 2, 3, 10, 16, 37, 200])
KINDS = {"SoftmaxCrossEntropy": SoftmaxCrossEntropy, "SoftmaxWithLoss": SoftmaxWithLoss}
every_kind = with_each("name", KINDS)
N = 23


def drawn(classes, dtype=np.float64, n=N):
    """Logits of which some probabilities are large, and rows of probabilities."""
    rng = np.random.default_rng(classes)
    x, t = 3 * rng.standard_normal((n, classes)), rng.dirichlet(np.ones(classes), n)
    t[2] = np.eye(classes)[0]
    return x.astype(dtype), t.astype(dtype)


def computed(x, t):
    y, dx, loss = np.empty_like(x), np.empty_like(x), np.empty(1, x.dtype)
    kernels.soft_cross_entropy_forward(x, t, y, loss)
    kernels.soft_cross_entropy_backward(y, t, x.dtype.type(1), dx)
    return loss[0], y, dx


@every_width
@every_dtype
def test_kernels_agree_with_the_twin(dtype, classes):
    x, t = drawn(classes, dtype)
    wide, given = x.astype(np.float64), t.astype(np.float64)
    y, dx, loss = np.empty_like(wide), np.empty_like(wide), np.empty(1)
    reference.kernels.soft_cross_entropy_forward(wide, given, y, loss)
    reference.kernels.soft_cross_entropy_backward(y, given, 1.0, dx)
    bound = (classes + 8) * np.finfo(dtype).eps
    found = computed(x, t)
    assert_allclose(found[0], loss[0], rtol=bound, atol=bound)
    assert_allclose(found[1], y, rtol=0, atol=bound)
    assert_allclose(found[2], dx, rtol=0, atol=bound)


@every_width
@every_dtype
def test_one_hot_rows_have_the_loss_of_labels(dtype, classes):
    x, labels = drawn(classes, dtype)[0], np.arange(N) % classes
    loss, y, dx = computed(x, np.eye(classes, dtype=dtype)[labels])
    total, probabilities, gradient = np.empty(1, dtype), np.empty_like(x), np.empty_like(x)
    kernels.softmax_cross_entropy_forward(x, labels, probabilities, total)
    kernels.softmax_cross_entropy_backward(probabilities, labels, dtype(1), gradient)
    bound = 8 * np.finfo(dtype).eps
    assert_allclose(loss, total[0], rtol=bound, atol=bound)
    assert_allclose(y, probabilities, rtol=bound)
    assert_allclose(dx, gradient, rtol=bound, atol=bound / N)


@every_dtype
def test_large_logits_and_impossible_classes(dtype):
    x, t = drawn(5, dtype)
    loss = computed(x, t)[0]
    far = computed(x + dtype(2**20), t)[0]
    assert_allclose(far, loss, rtol=0, atol=2**20 * np.finfo(dtype).eps)
    assert computed(np.array([[0, 1e30]], dtype), np.array([[1, 0]], dtype))[0] == dtype(1e30)
    # A class of probability 0 whose logit is -inf has no part in the loss.
    loss, _, dx = computed(np.array([[0, -np.inf]], dtype), np.array([[1, 0]], dtype))
    assert loss == 0
    assert_array_equal(dx, [[0, 0]])
    assert np.isnan(computed(np.array([[np.nan, 0]], dtype), np.array([[0, 1]], dtype))[0])


def test_a_row_of_zeros_has_no_loss():
    x, t = drawn(5)
    t[3] = 0
    _, _, dx = computed(x, t)
    assert_array_equal(dx[3], 0)
    x[3] += 5 * np.arange(5)
    assert computed(x, t)[0] == computed(drawn(5)[0], t)[0]


@pytest.mark.parametrize("classes", [2, 10, 37])
def test_the_gradient_is_that_of_the_loss(classes):
    x, t = drawn(classes, n=4)
    t[1] *= 0.5  # of a row that does not add up to 1, too
    dx = computed(x, t)[2]
    for at in np.ndindex(x.shape):
        upper, lower = x.copy(), x.copy()
        upper[at] += 1e-5
        lower[at] -= 1e-5
        slope = (computed(upper, t)[0] - computed(lower, t)[0]) / 2e-5
        assert abs(slope - dx[at]) < 1e-9


# --------------------------------------------------------------------------- by hand


@every_kind
@every_dtype
@with_each("given", [np.float16, np.float32, np.float64, "list", "Fortran"])
def test_by_hand_as_the_twin(name, dtype, given):
    x, t = drawn(10, dtype)
    if given == "list":
        t = t.tolist()
    else:
        t = np.asfortranarray(t) if given == "Fortran" else t.astype(given)
    plain = getattr(reference.losses if name == "SoftmaxCrossEntropy" else reference.layers, name)()
    loss, kept = KINDS[name](), np.array(t)
    wanted = plain.forward(x.astype(np.float64), np.array(t, np.float64))
    bound = 20 * np.finfo(dtype).eps
    value = loss.forward(x, t)
    assert type(value) is dtype and value == loss.loss
    assert_allclose(value, wanted, rtol=bound)
    for dout in (1, 0.3):
        dx = loss.backward(dout)
        assert dx.dtype == dtype
        assert_allclose(dx, plain.backward(dout), rtol=0, atol=bound)
    assert loss.t.shape == loss.y.shape == x.shape and loss.t.dtype == dtype
    assert_array_equal(np.array(t), kept)
    loss.t[...] = 7  # a copy: backward goes by what it was, and by what it was given
    if given != "list":
        t[...] = 7
    assert_allclose(loss.backward(), plain.backward(), rtol=0, atol=bound)


@every_kind
def test_one_hot_rows_stay_labels(name):
    """With their bits, in whatever dtype they come."""
    x, labels = drawn(10)[0], np.arange(N) % 10
    loss, other = KINDS[name](), KINDS[name]()
    value = loss.forward(x, labels)
    for t in (
        np.eye(10)[labels],
        np.eye(10, dtype=np.float32)[labels],
        np.eye(10, dtype=int)[labels],
    ):
        assert other.forward(x, t) == value
        assert_array_equal(other.backward(), loss.backward())
        assert_array_equal(other.t, labels)


def test_the_functions_take_probabilities():
    x, t = drawn(10)
    y = functions.softmax(x)
    wanted = -(t * np.log(y + 1e-7)).sum() / N
    assert_allclose(functions.cross_entropy_error(y, t), wanted, rtol=1e-13)
    assert_allclose(functions.softmax_loss(x, t), wanted, rtol=1e-13)
    assert_allclose(reference.functions.cross_entropy_error(y, t), wanted, rtol=1e-13)
    single = functions.cross_entropy_error(y[0], t[0])
    assert_allclose(single, -(t[0] * np.log(y[0] + 1e-7)).sum(), rtol=1e-13)
    assert functions.softmax_loss(x.astype(np.float32), t).dtype == np.float32


@pytest.mark.parametrize(
    "make", [lambda: TwoLayerNet(5, 4, 3), lambda: first.MultiLayerNet(5, [4], 3)]
)
def test_the_textbooks_networks_take_probabilities(make):
    net = make()
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((7, 5)), rng.dirichlet(np.ones(3), 7)
    for array in net.params.values():
        array[...] = rng.standard_normal(array.shape) / 2
    found, numerical = net.gradient(x, t), net.numerical_gradient(x, t)
    for key, grad in found.items():
        # The textbook's gradient is that of a logarithm without the 1e-7.
        assert_allclose(grad, numerical[key], rtol=0, atol=1e-6)
    assert net.accuracy(x, t) == np.mean(net.predict(x).argmax(axis=1) == t.argmax(axis=1))


def test_as_torch():
    torch = pytest.importorskip("torch", reason="PyTorch, whose loss this is, is not installed")
    x, t = drawn(10)
    logits = torch.tensor(x, requires_grad=True)
    theirs = torch.nn.CrossEntropyLoss()(logits, torch.tensor(t))
    theirs.backward()
    loss = SoftmaxCrossEntropy()
    assert_allclose(loss.forward(x, t), theirs.item(), rtol=1e-13)
    assert_allclose(loss.backward(), logits.grad.numpy(), rtol=0, atol=1e-15)


# --------------------------------------------------------------------------- in the loop


def model(dtype="float64"):
    return Sequential([Dense(7, "tanh"), Dense(5)], dtype=dtype, seed=0)


@every_dtype_name
def test_fit_goes_as_steps_by_hand(dtype):
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((N, 4)).astype(dtype), drawn(5, dtype)[1]
    looped, by_hand = model(dtype), model(dtype)
    looped.fit(x, t, 4, 8, shuffle=False, verbose=0)
    by_hand.build(4)
    sgd = SGD(0.01)
    for start in [0, 8, 16] * 4:
        by_hand.forward(x[start : start + 8], t[start : start + 8])
        by_hand.backward()
        sgd.update(by_hand.params, by_hand.grads)
    bound = 100 * np.finfo(dtype).eps
    assert_allclose(looped.parameter_vector, by_hand.parameter_vector, rtol=bound, atol=bound)
    seen = looped.evaluate(x, t)
    assert_allclose(seen["loss"], looped.forward(x, t), rtol=bound)
    assert seen["accuracy"] == np.mean(looped.predict(x).argmax(axis=1) == t.argmax(axis=1))
    grads, numerical = looped.gradient(x, t), looped.numerical_gradient(x, t)
    for grad, slope in zip(grads, numerical, strict=True):
        assert_allclose(grad, slope, rtol=0, atol=1e-8 + 20 * np.finfo(dtype).eps)


def test_one_hot_rows_train_to_the_bits_of_labels():
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((N, 4)), rng.integers(0, 5, N)
    one, other = model(), model()
    assert (
        one.fit(x, labels, 3, verbose=0).loss == other.fit(x, np.eye(5)[labels], 3, verbose=0).loss
    )
    assert_array_equal(one.parameter_vector, other.parameter_vector)


def test_soft_targets_of_the_validation_data():
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((N, 4)), drawn(5)[1]
    net = model()
    seen = net.fit(x, t.argmax(axis=1), 2, validation_data=(x, t), verbose=0)
    assert seen.val_loss[-1] == net.evaluate(x, t)["loss"]


def test_rows_of_wrong_sums_are_told():
    x, t = np.ones((N, 4)), drawn(5)[1]
    t[4] *= 0.99
    with pytest.raises(ValueError) as raised:
        model().fit(x, t)
    shown = np.array2string(t[4])
    assert str(raised.value) == (
        "Sequential.fit: t must be one-hot, or rows of probabilities that add up to 1, got "
        f"t[4]={shown}. Give labels (N,), one-hot rows, or each row divided by its sum."
    )
    model().fit(x, t / t.sum(axis=1, keepdims=True), verbose=0)  # as it says
    model().fit(x, t.round(4) / t.sum(axis=1, keepdims=True).round(3), verbose=0)
