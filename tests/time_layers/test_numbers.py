"""The second book's layers of sequences, of attention and of word vectors.

Their numbers against the twins and central differences, and what they keep.
"""

# ruff: noqa: NPY002  the book draws from NumPy's global generator

import copy
import pickle

import examples
import numpy as np
from differences import central_difference
from in_turn import every_dtype, with_each
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import layers
from fastnet.reference import layers as reference

every_layer = with_each("name", examples.SEQUENCES)


def twin_of(layer):
    """Return the reference's layer with the same parameters and settings."""
    kind = getattr(reference, type(layer).__name__)
    if isinstance(layer, layers.NegativeSamplingLoss):
        made = kind(layer.W.copy() if hasattr(layer, "W") else layer.params[0].copy(), [0, 1])
        made.sampler.vocab_size = layer.sampler.vocab_size
        made.sampler.word_p = layer.sampler.word_p
        made.sampler.sample_size = layer.sample_size
        made.sampler.rng = copy.deepcopy(layer.sampler._rng)
        return made
    if isinstance(layer, layers.TimeDropout):
        return kind(layer.dropout_ratio, copy.deepcopy(layer.rng))
    return kind(*[param.copy() for param in layer.params])


class _Drawn:
    """A generator's `choice` by its `random`, in the order in which the layer draws."""

    def __init__(self, rng):
        self.rng = rng

    def choice(self, words, size, replace, p):
        drawn, p = [], p.copy()
        while len(drawn) < size:
            p[drawn] = 0
            sums = np.cumsum(p)
            numbers = self.rng.random(size - len(drawn))
            drawn += dict.fromkeys((sums / sums[-1]).searchsorted(numbers, "right").tolist())
        return drawn


def results(layer, example, dtype):
    """Return what forward and backward return, and the gradients."""
    found = [layer.forward(*example.inputs(dtype)), layer.backward(example.dout(dtype))]
    flat = [each for result in found for each in (result if type(result) is tuple else (result,))]
    return [each for each in flat if each is not None] + [grad.copy() for grad in layer.grads]


@every_dtype
@every_layer
def test_layers_equal_the_reference(name, dtype):
    example = examples.SEQUENCES[name]
    layer = example.make(dtype)
    twin = twin_of(layer)
    if name == "NegativeSamplingLoss":
        twin.sampler.rng = _Drawn(twin.sampler.rng)
    found, expected = results(layer, example, dtype), results(twin, example, dtype)
    assert len(found) == len(expected) >= 2 - (name == "TimeEmbedding")
    for ours, theirs in zip(found, expected, strict=True):
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        assert ours.dtype == dtype and ours.shape == theirs.shape
        largest = max(1e-6, np.abs(theirs).max())
        assert_allclose(ours, theirs, rtol=0, atol=200 * np.finfo(dtype).eps * largest)
        assert largest > 1e-3


@every_layer
def test_gradients_equal_central_differences(name):
    """With respect to every float that the layer reads."""
    example = examples.SEQUENCES[name]
    layer, inputs = example.make("float64"), example.inputs("float64")
    if name == "NegativeSamplingLoss":  # the 1e-7, of which the gradient knows nothing
        inputs[0] *= 0.05
    dout = example.dout("float64")
    state = np.random.default_rng(6)

    def loss():
        for draws in (layer, getattr(layer, "sampler", None)):
            for attribute in ("rng", "_rng"):
                if getattr(draws, attribute, None) is not None:
                    setattr(draws, attribute, copy.deepcopy(state))
        return np.sum(layer.forward(*inputs) * dout)

    loss()
    found = layer.backward(dout)
    found = list(found) if type(found) is tuple else [] if found is None else [found]
    reals = [x for x in inputs if x.dtype.kind == "f"][: len(found)]
    pairs = [*zip(reals, found, strict=True), *zip(layer.params, layer.grads, strict=True)]
    rng = np.random.default_rng(1)
    for array, gradient in [(array, np.array(gradient)) for array, gradient in pairs]:
        picked = np.unravel_index(rng.choice(array.size, min(40, array.size), False), array.shape)
        expected = central_difference(loss, array, at=zip(*picked, strict=True))[picked]
        assert_allclose(gradient[picked], expected, rtol=1e-6, atol=1e-8)
        assert np.abs(expected).max() > 1e-4


@every_dtype
@every_layer
def test_any_layout_gives_the_same_bits_and_inputs_stay(name, dtype):
    example = examples.SEQUENCES[name]

    def strange(array):
        if not isinstance(array, np.ndarray):
            return array
        wide = np.repeat(array, 2, axis=-1)
        wide = np.asfortranarray(wide)[..., ::2]
        wide.flags.writeable = False
        return wide

    plain, other = example.make(dtype), example.make(dtype)
    odd = examples.Layer(
        None, lambda dtype: list(map(strange, example.inputs(dtype))),
        lambda dtype: strange(example.dout(dtype)),
    )  # fmt: skip
    for ours, theirs in zip(
        results(other, odd, dtype), results(plain, example, dtype), strict=True
    ):
        assert_array_equal(ours, theirs)
    inputs, dout = example.inputs(dtype), example.dout(dtype)
    results(plain, examples.Layer(None, lambda _: inputs, lambda _: dout), dtype)
    for array, before in zip(
        [*inputs, dout], [*example.inputs(dtype), example.dout(dtype)], strict=True
    ):
        assert_array_equal(array, before)


@every_layer
def test_what_is_returned_is_the_callers(name):
    example = examples.SEQUENCES[name]
    layer = example.make("float64")
    out = layer.forward(*example.inputs("float64"))
    if isinstance(out, np.ndarray) and out.ndim:
        out[...] = np.nan
    first = results(layer, example, "float64")[-1]
    assert np.isfinite(first).all()


@every_layer
def test_a_copy_and_a_pickle_go_on(name):
    example = examples.SEQUENCES[name]
    layer = example.make("float64")
    layer.forward(*example.inputs("float64"))
    dout = example.dout("float64")
    expected = [layer.backward(dout), [grad.copy() for grad in layer.grads]]
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        found = [other.backward(dout), other.grads]
        for ours, theirs in zip(found, expected, strict=True):
            several = isinstance(theirs, (tuple, list))
            pairs = zip(ours, theirs, strict=True) if several else [(ours, theirs)]
            for each, wanted in pairs:
                assert_array_equal(each, wanted)


def test_time_affine_of_one_step_is_affine():
    rng = np.random.default_rng(0)
    W, b, x = rng.standard_normal((5, 4)), rng.standard_normal(4), rng.standard_normal((6, 1, 5))
    ours, theirs = layers.TimeAffine(W, b), layers.Affine(W, b)
    assert_array_equal(ours.forward(x)[:, 0], theirs.forward(x[:, 0]))
    dout = rng.standard_normal((6, 1, 4))
    assert_array_equal(ours.backward(dout)[:, 0], theirs.backward(dout[:, 0]))
    assert_array_equal(ours.dW, theirs.dW)
    assert_array_equal(ours.db, theirs.db)


def test_tied_weights_are_read_as_they_lie_and_their_gradient_is_the_transpose():
    rng = np.random.default_rng(0)
    table, b, x = (
        rng.standard_normal((4, 5)),
        rng.standard_normal(4),
        rng.standard_normal((2, 3, 5)),
    )
    tied, plain = layers.TimeAffine(table.T, b), layers.TimeAffine(table.T.copy(), b)
    assert tied.W.base is table and tied.dW.T.flags.c_contiguous
    dout = rng.standard_normal((2, 3, 4))
    for ours, theirs in zip(
        [tied.forward(x), tied.backward(dout), tied.dW, tied.db],
        [plain.forward(x), plain.backward(dout), plain.dW, plain.db],
        strict=True,
    ):
        assert_allclose(ours, theirs, rtol=1e-13, atol=1e-14)
    kept = tied.dW
    table[0] = 0
    assert_array_equal(tied.forward(x)[:, :, 0], np.full((2, 3), b[0]))
    tied.backward(dout)
    assert tied.dW is kept


def test_time_dropout_draws_as_the_book_does():
    x = np.ones((4, 3, 5), np.float32)
    layer = layers.TimeDropout(0.4)
    np.random.seed(1)
    out = layer.forward(x)
    np.random.seed(1)
    mask = np.random.rand(4, 3, 5) > 0.4
    assert_allclose(out, mask / np.float32(0.6), rtol=1e-6)
    assert_array_equal(layer.mask, mask)
    assert_array_equal(layer.backward(x), out)
    layer.train_flg = False
    through = layer.forward(x)
    assert_array_equal(through, x)
    assert through is not x


def test_one_hot_labels_are_labels():
    rng = np.random.default_rng(0)
    xs, ts = rng.standard_normal((3, 4, 6)), rng.integers(6, size=(3, 4))
    layer = layers.TimeSoftmaxWithLoss()
    loss, dx = layer.forward(xs, ts), layer.backward()
    assert layer.forward(xs, np.eye(6)[ts]) == loss
    assert_array_equal(layer.backward(), dx)
    assert_array_equal(layer.t, ts)
    layer.ignore_label = 2
    some = layer.forward(xs, ts)
    assert some != loss and (layer.backward()[ts == 2] == 0).all()


def test_attention_of_each_step_is_that_of_all():
    rng = np.random.default_rng(0)
    hs, h, dout = (rng.standard_normal((3, k, 8)) for k in (5, 4, 4))
    every, dhs_of_all = layers.TimeAttention(), np.zeros_like(hs)
    out, (dhs, dh) = every.forward(hs, h), every.backward(dout)
    for s in range(4):
        one = layers.Attention()
        assert_allclose(one.forward(hs, h[:, s]), out[:, s], rtol=1e-13, atol=1e-14)
        assert_allclose(one.attention_weight, every.attention_weights[s], rtol=1e-13)
        first, second = one.backward(dout[:, s])
        dhs_of_all += first
        assert_allclose(second, dh[:, s], rtol=1e-12, atol=1e-13)
    assert_allclose(dhs, dhs_of_all, rtol=1e-12, atol=1e-13)
    assert np.array(every.attention_weights).shape == (4, 3, 5)
