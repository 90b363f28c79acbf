"""All optimizers on arrays of any dtype and stride, with gradients that overlap, NaN and masks."""

import pickle

import numpy as np
from in_turn import every_dtype, with_each
from numpy.testing import assert_array_equal
from optimizers import SHAPES, STATES, VIEWS, both, every_optimizer, every_option, gradient

from fastnet import optimizer


@every_optimizer
@every_option
@with_each("param", ["f2", "f4", "f8", ">f4"])
@with_each("grad", ["f4", "f8", "i8", ">f8"])
def test_mixed_dtypes_are_computed_in_the_larger(name, options, param, grad, rng):
    """The twin's step in the larger dtype; then parameter and states are rounded to their own."""
    ours, twin = both(name, options)
    W = (10 * rng.standard_normal(50)).astype(param)
    dtype = np.result_type(W.dtype, np.dtype(grad)).type
    own = np.float64 if param == "f8" else np.float32
    expected = W.copy()
    for _ in range(3):
        dW = (10 * gradient(rng, 50)).astype(grad)
        ours.update([W], [dW])
        wide = {0: expected.astype(dtype)}
        for state in STATES[name]:
            if getattr(twin, state):
                getattr(twin, state)[0] = getattr(twin, state)[0].astype(dtype)
        # Plain SGD is NumPy's own expression, whose product is of the gradient's dtype.
        twin.update(wide, {0: dW if (name, options) == ("SGD", "plain") else dW.astype(dtype)})
        expected = wide[0].astype(param)
        for state in STATES[name]:
            getattr(twin, state)[0] = getattr(twin, state)[0].astype(own)
            assert_array_equal(getattr(ours, state)[0], getattr(twin, state)[0])
        assert_array_equal(W, expected)
        assert W.dtype == param


@every_optimizer
@every_option
@every_dtype
@with_each("view", VIEWS)
def test_strided_views_of_all_optimizers(name, options, view, dtype, rng):
    ours, twin = both(name, options)
    base = rng.standard_normal((6, 8)).astype(dtype)
    whole, plain = base.copy(), VIEWS[view](base).copy()
    for _ in range(2):
        grad = VIEWS[view](gradient(rng, (6, 8), dtype))
        ours.update([VIEWS[view](base)], [grad])
        twin.update([plain], [grad])
    VIEWS[view](whole)[...] = plain
    assert_array_equal(base, whole)  # and nothing beside the view


@every_optimizer
@every_option
def test_plain_numbers_of_all_optimizers(name, options):
    ours, twin = both(name, options)
    params = [{"x": -7.0, "y": np.float64(2), "z": 3} for _ in range(2)]
    for _ in range(3):
        for each, held in zip((ours, twin), params, strict=True):
            each.update(held, {"x": 0.1, "y": 4, "z": np.float64(0.5)})
    assert params[0] == params[1] and params[0] != {"x": -7.0, "y": 2.0, "z": 3}
    assert all(isinstance(value, float) for value in params[0].values())


@every_optimizer
@every_option
@every_dtype
@with_each("shift", [1, -1, 0, 20])
def test_gradients_that_overlap_parameters(name, options, shift, dtype):
    memory = (np.arange(1000) / 512 - 1).astype(dtype)
    mine, plain = memory.copy(), memory.copy()
    ours, twin = both(name, options)
    for _ in range(2):
        ours.update([mine[100:900]], [mine[100 + shift : 900 + shift]])
        twin.update([plain[100:900]], [plain[100 + shift : 900 + shift].copy()])
        assert_array_equal(mine, plain)
        mine[...] = plain[...] = memory


@every_optimizer
def test_a_tied_array_has_a_state_for_each_entry(name, rng):
    ours, twin = both(name)
    W = rng.standard_normal((2, 3))
    V = W.copy()
    for _ in range(3):
        grads = [gradient(rng, shape) for shape in [(2, 3), (2, 3), (3, 2)]]
        ours.update([W, W, W.T], grads)
        twin.update([V, V, V.T], grads)
    assert_array_equal(W, V)


@every_optimizer
@every_option
def test_masked_entries_stay(name, options, rng):
    ours, twin = both(name, options)
    data, mask = rng.standard_normal(40), rng.random(40) < 0.5
    W, plain, kept = np.ma.array(data.copy(), mask=mask), data.copy(), data.copy()
    grad = gradient(rng, 40)
    ours.update([W], [grad])
    twin.update([plain], [grad])
    assert_array_equal(W.mask, mask)
    assert_array_equal(W.data, np.where(mask, kept, plain))


@every_optimizer
@every_option
@every_dtype
def test_nan_and_infinity_go_on_in_all_optimizers(name, options, dtype):
    ours, twin = both(name, options)
    W, V = np.ones((2, 6), dtype)
    for bad in ([np.nan, 0, 1, -1, 0, 0], [0, np.inf, -np.inf, 1, 0, 0], [0, 0, 0, 0, 0, 1]):
        grad = np.array(bad, dtype)
        ours.update([W], [grad])
        with np.errstate(invalid="ignore"):
            twin.update([V], [grad])
        assert_array_equal(W, V)
    assert np.isnan(W[0]) and np.isfinite(W[4:]).all()


@every_optimizer
@every_option
def test_an_unpickled_optimizer_goes_on(name, options, rng):
    ours, _ = both(name, options)
    params = [rng.standard_normal(shape) for shape in SHAPES]
    for _ in range(2):
        ours.update(params, [gradient(rng, shape) for shape in SHAPES])
        twice, theirs = pickle.loads(pickle.dumps((ours, params)))
        grads = [gradient(rng, shape) for shape in SHAPES]
        ours.update(params, grads)
        twice.update(theirs, grads)
        for param, wanted in zip(params, theirs, strict=True):
            assert_array_equal(param, wanted)


@every_optimizer
def test_states_of_ones_own(name, rng):
    """From a file, say: of another dtype, or strided."""
    ours, twin = both(name)
    W, grads = rng.standard_normal(20), [gradient(rng, 20) for _ in range(3)]
    V = W.copy()
    ours.update([W], grads[:1])
    twin.update([V], grads[:1])
    for state in STATES[name]:
        kept = getattr(twin, state)[0].astype(np.float32)
        getattr(twin, state)[0] = kept.astype(float)
        setattr(ours, state, [np.repeat(kept, 2)[::2]])
    ours.update([W], grads[1:2])
    twin.update([V], grads[1:2])
    assert_array_equal(W, V)
    for state in STATES[name]:
        assert getattr(ours, state)[0].dtype == np.float32
        assert_array_equal(getattr(ours, state)[0], getattr(twin, state)[0].astype(np.float32))


def test_optimizers_are_shown_with_their_numbers():
    shown = {
        "SGD(lr=0.01)": optimizer.SGD(),
        "Momentum(lr=0.5, momentum=0.9)": optimizer.Momentum(0.5),
        "AdaGrad(lr=0.01, eps=1e-07, weight_decay=0.1)": optimizer.AdaGrad(weight_decay=0.1),
        "RMSprop(lr=0.01, decay_rate=0.5, eps=1e-07)": optimizer.RMSprop(decay_rate=0.5),
        "AdamW(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.01, clip_value=3)": (
            optimizer.AdamW(clip_value=3)
        ),
    }
    for text, each in shown.items():
        assert repr(each) == text


def test_nothing_to_update_in_all_optimizers():
    for name in STATES:
        ours, _ = both(name, "limited")
        ours.update([], [])
        assert ours.iter == 1
