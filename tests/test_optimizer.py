"""Optimizers: NumPy's bits, in place, in every form that the textbooks hand them parameters."""

import copy
import importlib
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastnet import optimizer
from fastnet.optimizer import KERNELS, SGD, Optimizer, _update_at_once
from fastnet.reference import optimizer as reference_optimizer
from fastnet.reference.optimizer import SGD as Reference

SHAPES = [(4, 3), (3,), (3, 2), (2,), (2, 5), (5,)]  # of W, b, W, b ...

every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def pairs(rng, dtype=np.float64):
    shapes = [(4, 3), (3,), (1, 1), (33,), (7, 17), (), (0,), (2, 2, 3)]
    return tuple([np.array(rng.standard_normal(s), dtype) for s in shapes] for _ in range(2))


@every_dtype
@pytest.mark.parametrize("lr", [0.1, 1, 0, np.float32(0.3), np.array(0.25)], ids=repr)
def test_lists_and_dicts_get_the_bits_of_the_reference(lr, dtype, rng):
    params, grads = pairs(rng, dtype)
    expected = [param.copy() for param in params]
    Reference(float(lr)).update(expected, grads)
    in_a_list = [param.copy() for param in params]
    in_a_dict = {f"W{i}": param.copy() for i, param in enumerate(params)}
    before = [*in_a_list, *in_a_dict.values()]
    kept = [grad.copy() for grad in grads]
    SGD(lr).update(in_a_list, grads)
    SGD(lr).update(in_a_dict, {f"W{i}": grad for i, grad in enumerate(grads)})
    for i, wanted in enumerate(expected):
        assert_array_equal(in_a_list[i], wanted)
        assert_array_equal(in_a_dict[f"W{i}"], wanted)
        assert_array_equal(grads[i], kept[i])
        assert in_a_list[i].dtype == dtype
    after = [*in_a_list, *in_a_dict.values()]
    assert all(one is two for one, two in zip(before, after, strict=True))


def test_by_hand():
    W = np.array([1.0, 2.0])
    SGD(lr=0.5).update([W], [np.array([2.0, -4.0])])
    assert_array_equal(W, [0, 4])
    SGD().update([W], [np.array([100.0, 0.0])])
    assert_array_equal(W, [-1, 4])  # the default is 0.01


def test_lr_is_read_at_every_update():
    W, sgd = np.zeros(3), SGD(lr=1)
    sgd.update([W], [np.ones(3)])
    sgd.lr = 10
    sgd.update([W], [np.ones(3)])
    assert_array_equal(W, [-11, -11, -11])


VIEWS = {
    "transposed": lambda a: a.T,
    "sliced": lambda a: a[::2, 1::3],
    "reversed": lambda a: a[::-1, ::-1],
    "column": lambda a: a[:, :1],
}


@every_dtype
@pytest.mark.parametrize("where", ["param", "grad", "both"])
@pytest.mark.parametrize("view", VIEWS)
def test_strided_views_are_written_through(view, where, dtype, rng):
    base, steps = (rng.standard_normal((6, 8)).astype(dtype) for _ in range(2))
    expected, outside = base.copy(), base.copy()
    param, grad = VIEWS[view](base), VIEWS[view](steps)
    if where == "param":
        grad = grad.copy()
    if where == "grad":
        param, base, expected = param.copy(), param, None
    before = param.copy()
    SGD(lr=0.1).update([param], [grad])
    assert_array_equal(param, before - dtype(0.1) * grad)
    if expected is not None:
        VIEWS[view](expected)[...] = param
        assert_array_equal(base, expected)  # and nothing beside the view
    else:
        assert_array_equal(base, VIEWS[view](outside))  # the copy was trained, not the base


@pytest.mark.parametrize("param", ["f2", "f4", "f8", ">f4"])
@pytest.mark.parametrize("grad", ["f2", "f4", "f8", "i8", ">f8"])
def test_mixed_dtypes_are_computed_as_numpy_does(param, grad, rng):
    W = (10 * rng.standard_normal(50)).astype(param)
    dW = (10 * rng.standard_normal(50)).astype(grad)
    expected = W.copy()
    expected -= 0.1 * dW
    SGD(lr=0.1).update([W], [dW])
    assert_array_equal(W, expected)
    assert W.dtype == param


def test_gradients_may_be_read_only_and_more_than_needed():
    params = {"W": np.ones(3), "b": np.ones(2)}
    grads = {"b": np.ones(2), "W": np.ones(3), "other": "of another network"}
    grads["W"].flags.writeable = False
    SGD(lr=1).update(params, grads)
    assert_array_equal(params["W"], np.zeros(3))
    assert_array_equal(params["b"], np.zeros(2))


def test_plain_numbers_are_replaced():
    """optimizer_compare_naive.py of the textbook walks over a dict of two floats."""
    params, grads = {"x": -7.0, "y": np.float64(2)}, {"x": 0.1, "y": 4}
    SGD(lr=0.95).update(params, grads)
    assert params == {"x": -7.0 - 0.95 * 0.1, "y": 2 - 0.95 * 4}
    params = [1.0, np.ones(2)]
    SGD(lr=0.5).update(params, [1, np.ones(2)])
    assert params[0] == 0.5
    assert_array_equal(params[1], [0.5, 0.5])


@every_dtype
@pytest.mark.parametrize("shift", [1, -1, 0, 20])
def test_a_gradient_that_overlaps_its_parameter(shift, dtype):
    memory = np.arange(1000, dtype=dtype)
    ours, plain = memory.copy(), memory.copy()
    for v, each in [(ours, SGD(1.0)), (plain, Reference(1.0))]:
        each.update([v[100:900]], [v[100 + shift : 900 + shift]])
    assert_array_equal(ours, plain)


def test_the_gradients_of_a_tied_array_are_summed():
    W = np.ones((2, 3))
    SGD(lr=1).update([W, W, W.T], [np.full((2, 3), 1.0), np.full((2, 3), 2.0), np.ones((3, 2))])
    assert_array_equal(W, np.full((2, 3), -3.0))


def forms(params, grads):
    """As two lists, as a tuple of gradients, and as two dicts whose keys stand in another order."""
    yield list(params), list(grads)
    yield list(params), tuple(grads)
    keys = [f"W{i}" for i in range(len(params))]
    pairs = list(zip(keys, params, grads, strict=True))
    yield {k: p for k, p, _ in pairs}, {"b": None} | {k: g for k, _, g in pairs[::-1]}


CHANGES = {
    "nothing": lambda p, g: (p, g),
    "strided": lambda p, g: (p, np.repeat(g, 2, axis=-1)[..., ::2]),
    "strided parameter": lambda p, g: (np.repeat(p, 2, axis=-1)[..., ::2], g),
    "read-only gradient": lambda p, g: (p, np.broadcast_to(g, g.shape)),
    "byte-swapped": lambda p, g: (p, g.astype(g.dtype.newbyteorder())),
    "byte-swapped parameter": lambda p, g: (p.astype(p.dtype.newbyteorder()), g),
    "both byte-swapped": lambda p, g: tuple(a.astype(a.dtype.newbyteorder()) for a in (p, g)),
    "masked": lambda p, g: (p, np.ma.array(g)),
    "masked parameter": lambda p, g: (np.ma.array(p, mask=p > 0), g),
    "unpickled": lambda p, g: tuple(pickle.loads(pickle.dumps((p, g)))),
    "another dtype": lambda p, g: (p, g.astype(np.float16)),
    "integers": lambda p, g: (p, (9 * g).astype(np.int64)),
    "one dimension more": lambda p, g: (p[np.newaxis].copy(), g[np.newaxis].copy()),
    "overlap": lambda p, g: (lambda m: (m[:-1].reshape(p.shape), m[1:].reshape(p.shape)))(
        np.linspace(-1, 1, p.size + 1, dtype=p.dtype)
    ),
    "itself": lambda p, g: (p, p),
    "a number": lambda p, g: (0.5, 0.25),
}


@every_dtype
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
@pytest.mark.usefixtures("dispatcher_confused")
def test_one_layer_two_and_more(count, change, dtype, rng):
    """W, b, W, b ... of which each in turn is of another kind: NumPy's result, in place."""
    shapes = [(4, 3), (3,), (3, 17), (17,), (17, 2), (2,)][:count]
    for i in range(count):
        for form in range(3):
            params, grads = (
                [np.array(rng.standard_normal(s), dtype) for s in shapes] for _ in range(2)
            )
            params[i], grads[i] = CHANGES[change](params[i], grads[i])
            expected = pickle.loads(pickle.dumps(params))
            plain = [np.array(grad) for grad in grads]  # a gradient's mask is not looked at
            Reference(0.1).update(expected, plain)
            held, given = list(forms(params, grads))[form]
            SGD(lr=0.1).update(held, given)
            found = list(held.values()) if isinstance(held, dict) else held
            for k, wanted in enumerate(expected):
                if isinstance(params[k], np.ndarray):
                    assert found[k] is params[k]
                assert_array_equal(np.ma.getdata(found[k]), np.ma.getdata(wanted), str(k))


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_any_lr_for_up_to_three_layers(count, rng):
    for lr in (1, np.float32(0.3), np.array(0.25), np.float64(0.1), 1e300, 1e5):
        params, grads = ([rng.standard_normal(s) for s in SHAPES[:count]] for _ in range(2))
        expected = [p - float(lr) * g for p, g in zip(params, grads, strict=True)]
        SGD(lr).update(params, grads)
        for param, wanted in zip(params, expected, strict=True):
            assert_array_equal(param, wanted)


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_a_bad_entry_of_up_to_three_layers_changes_nothing(count):
    shapes = SHAPES[:count]
    for i in range(count):
        for bad in (np.ones(7), None, np.ones(shapes[i], complex)):
            for form in range(3):
                params, grads = ([np.ones(s) for s in shapes] for _ in range(2))
                grads[i] = bad
                held, given = list(forms(params, grads))[form]
                with pytest.raises((TypeError, ValueError), match=r"^SGD\.update: grads\["):
                    SGD(1.0).update(held, given)
                assert all((param == 1).all() for param in params)
        params = {k: np.ones(s) for k, s in enumerate(shapes)}
        grads = {k: np.ones(s) for k, s in enumerate(shapes) if k != i}
        with pytest.raises(KeyError, match="grads must have every key of params"):
            SGD(1.0).update(params, grads)
        assert all((param == 1).all() for param in params.values())


@every_dtype
@pytest.mark.parametrize("count", KERNELS)
def test_up_to_three_layers_take_one_kernel(count, dtype):
    """Else the tests above would see what is checked in Python alone."""
    params, grads = ([np.ones(s, dtype) for s in SHAPES[:count]] for _ in range(2))
    assert _update_at_once(params, grads, 0.25) is True
    named = dict(enumerate(params))
    assert _update_at_once(named, dict(enumerate(grads)) | {"b": None}, 0.25) is True
    assert all((param == 0.5).all() for param in params)
    assert not _update_at_once(params, [*grads[:-1], grads[-1].astype(np.float16)], 0.25)


def test_nan_and_infinite_gradients_go_on():
    W = np.ones(3)
    SGD(lr=1).update([W], [np.array([np.nan, np.inf, 0])])
    assert_array_equal(W, [np.nan, -np.inf, 1])


def test_nothing_to_update():
    SGD().update([], [])
    SGD().update({}, {"W": np.ones(2)})


# --------------------------------------------------------------------------- all optimizers

KINDS = {
    name: kind
    for name, kind in vars(optimizer).items()
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer
}
STATES = {name: kind.state_names for name, kind in KINDS.items()}
# No option; and all of them: the norm of the gradients below is some 15.
OPTIONS = {"plain": {}, "limited": {"weight_decay": 0.01, "clip_value": 0.5, "clip_norm": 9.0}}

every_optimizer = pytest.mark.parametrize("name", STATES)
every_option = pytest.mark.parametrize("options", OPTIONS)


def both(name, options="plain", **more):
    """Return an optimizer and its NumPy twin."""
    return [getattr(m, name)(**OPTIONS[options], **more) for m in (optimizer, reference_optimizer)]


def gradient(rng, shape, dtype=np.float64):
    """Multiples of 2**-10: their squares are summed without rounding, so all norms are the same."""
    return np.asarray(np.round(1024 * rng.standard_normal(shape)) / 1024, dtype)


def copies(arrays):
    return copy.deepcopy(arrays)  # pickle would make byte-swapped arrays native


@every_optimizer
@every_option
@every_dtype
def test_100_steps_have_the_bits_of_the_reference(name, options, dtype, rng):
    ours, twin = both(name, options)
    theirs, _ = pairs(rng, dtype)
    in_a_list = copies(theirs)
    held = list(in_a_list)
    in_a_dict = {f"W{i}": param.copy() for i, param in enumerate(theirs)}
    second, _ = both(name, options)
    start = copies(theirs)
    # The twin gets vectors: before NumPy 2 a float32 without an axis times 0.1 is a float64.
    theirs = [np.atleast_1d(param) for param in theirs]
    for _ in range(100):
        grads = [gradient(rng, param.shape, dtype) for param in start]
        kept = copies(grads)
        ours.update(in_a_list, grads)
        second.update(in_a_dict, {f"W{i}": grad for i, grad in enumerate(grads)} | {"more": None})
        twin.update(theirs, [np.atleast_1d(grad) for grad in grads])
        for grad, before in zip(grads, kept, strict=True):
            assert_array_equal(grad, before)
    for i, wanted in enumerate(theirs):
        assert in_a_list[i] is held[i]
        assert_array_equal(in_a_list[i], wanted)
        assert_array_equal(in_a_dict[f"W{i}"], wanted)
        assert wanted.size == 0 or not np.array_equal(wanted, start[i])
        for state in STATES[name]:
            assert type(getattr(ours, state)) is list and type(getattr(second, state)) is dict
            assert getattr(ours, state)[i].dtype == dtype
            assert_array_equal(getattr(ours, state)[i], getattr(twin, state)[i])
            assert_array_equal(getattr(second, state)[f"W{i}"], getattr(twin, state)[i])
    assert ours.iter == second.iter == twin.iter == 100


# Ours -> PyTorch's, where it has one, with the numbers that make the rules the same. Adam's eps is
# another one there, and the beta1 of PyTorch's NAdam grows for 1 / momentum_decay updates.
PYTORCH = {
    "SGD": ({"lr": 0.1}, "SGD", {}),
    "Momentum": ({"lr": 0.1, "momentum": 0.8}, "SGD", {"momentum": 0.8}),
    "Nesterov": ({"lr": 0.1, "momentum": 0.8}, "SGD", {"momentum": 0.8, "nesterov": True}),
    "AdaGrad": ({"lr": 0.1}, "Adagrad", {"eps": 1e-7}),
    "RMSprop": ({"lr": 0.1, "decay_rate": 0.9}, "RMSprop", {"alpha": 0.9, "eps": 1e-7}),
    "AdaDelta": ({"lr": 0.5}, "Adadelta", {"rho": 0.95, "eps": 1e-6}),
    "Adam": ({"lr": 0.1, "eps": 0.0}, "Adam", {"eps": 0.0}),
    "Nadam": ({"lr": 0.1}, "NAdam", {"momentum_decay": 1e9, "eps": 1e-8}),
    "AdamW": ({"lr": 0.1}, "AdamW", {"eps": 1e-8}),
}


@pytest.mark.parametrize("name", PYTORCH)
@every_option
def test_100_steps_beside_pytorch(name, options, rng, monkeypatch):
    torch = pytest.importorskip("torch")
    # NAdam keeps a product of betas in the default dtype.
    module = importlib.import_module("torch.optim.nadam")
    monkeypatch.setattr(module, "_get_scalar_dtype", lambda: torch.float64)
    mine, theirs, numbers = PYTORCH[name]
    limits = dict(OPTIONS[options]) or {"weight_decay": 0.0}
    ours = getattr(optimizer, name)(**mine, **limits)
    params = [rng.standard_normal(shape) for shape in SHAPES]
    tensors = [torch.tensor(param) for param in params]
    kind = getattr(torch.optim, theirs)
    twin = kind(tensors, lr=mine["lr"], weight_decay=limits["weight_decay"], **numbers)
    for _ in range(100):
        grads = [3 * rng.standard_normal(shape) for shape in SHAPES]
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = torch.tensor(grad)
        if "clip_norm" in limits:
            torch.nn.utils.clip_grad_norm_(tensors, limits["clip_norm"])
            torch.nn.utils.clip_grad_value_(tensors, limits["clip_value"])
        ours.update(params, grads)
        twin.step()
    for param, tensor in zip(params, tensors, strict=True):
        # Ten roundings a step, each of at most half an ulp of a number below 32.
        assert abs(param).max() < 32
        assert abs(param - tensor.numpy()).max() <= 100 * 10 * 16 * 2**-53


def test_nesterov_in_the_order_of_the_first_book():
    W, ours = np.ones(1), optimizer.Nesterov(lr=0.1, momentum=0.9)
    for _ in range(3):
        ours.update({"W": W}, {"W": np.ones(1)})
    assert W[0] == pytest.approx(0.1951, rel=1e-14)


@every_optimizer
@every_option
def test_a_tied_array_is_updated_once_with_the_sum(name, options, rng):
    W, b = rng.standard_normal((3, 4)), rng.standard_normal(3)
    params, separate = {"W": W, "b": b, "out": W.T}, {"W": W.copy(), "b": b.copy()}
    ours, alone = (both(name, options)[0] for _ in range(2))
    for _ in range(5):
        grads = {key: gradient(rng, param.shape) for key, param in params.items()}
        kept = copies(grads)
        ours.update(params, grads)
        for key, grad in grads.items():
            assert_array_equal(grad, kept[key])
        alone.update(separate, grads | {"W": grads["W"] + grads["out"].T})
    if name == "SGD" and options == "plain":  # one gradient after the other: a rounding more
        assert_allclose(W, separate["W"], rtol=0, atol=5 * 2**-51)
    else:
        assert_array_equal(W, separate["W"])
    assert_array_equal(b, separate["b"])
    assert all(set(getattr(ours, state)) == {"W", "b"} for state in STATES[name])


def in_a_vector(W):
    memory = np.append(W, W[0])
    return [memory[:12].reshape(3, 4), memory[12:], memory[:12].reshape(3, 4).T]


def in_a_buffer(W):
    W = np.ndarray(W.shape, W.dtype, bytearray(W.tobytes()))
    return [W, W[0].copy(), W.T]


TIED = {
    "itself": lambda W: [W, W[0].copy(), W],
    "its transpose": lambda W: [W, W[0].copy(), W.T],
    "transposed first": lambda W: [W.T, W[0].copy(), W],
    "three times": lambda W: [W, W.T, W[0].copy(), W, W.T],
    "square": lambda W: [square := W[:, :3].copy(), square.T, W[0].copy(), square],
    "a row": lambda W: [W[:1], W[1].copy(), W[:1].T],
    "strided": lambda W: [W[::2, 1:], W[1].copy(), W[::2, 1:].T],
    "a vector": lambda W: [b := W[0].copy(), W, b],
    "in a vector": in_a_vector,
    "in a buffer": in_a_buffer,
}


@every_optimizer
@every_option
@pytest.mark.parametrize("tie", TIED)
def test_tied_arrays_get_the_bits_of_the_reference(name, options, tie, rng):
    W = rng.standard_normal((3, 4))
    ours, twin = both(name, options)
    params, theirs = TIED[tie](W.copy()), TIED[tie](W.copy())
    for _ in range(5):
        grads = [gradient(rng, param.shape) for param in params]
        ours.update(params, grads)
        twin.update(theirs, grads)
    for param, wanted in zip(params, theirs, strict=True):
        assert_array_equal(param, wanted)


def test_arrays_that_share_but_a_part_are_not_tied():
    memory = np.zeros(7)
    optimizer.Momentum(1.0).update([memory[:6], memory[1:]], [np.ones(6), np.ones(6)])
    assert_array_equal(memory, [-1, -2, -2, -2, -2, -2, -1])


def test_plain_numbers_are_not_tied():
    params = [1.0, 1.0, params_of_nothing := np.zeros(0), params_of_nothing]
    optimizer.Momentum(1.0).update(params, [1.0, 2.0, np.zeros(0), np.zeros(0)])
    assert params[:2] == [0.0, -1.0]


def test_a_tie_may_be_made_and_cut():
    W, ours = np.ones((2, 3)), optimizer.Momentum(1.0, momentum=0.5)
    b, ones = np.ones(4), [np.ones((2, 3)), np.ones((2, 3)), np.ones(4)]
    ours.update([W, W, b], ones)
    assert ours.v[1] is None
    ours.update([W, W, b], ones)
    assert_array_equal(W, 1 - 2 - 3)
    assert_array_equal(b, 1 - 1 - 1.5)
    ours.update([W, other := W.copy(), b], ones)
    assert_array_equal(W, -4 - 2.5)
    assert_array_equal(other, -4 - 1)


@every_optimizer
def test_numbers_are_read_at_every_update(name, rng):
    ours, twin = both(name)
    params, _ = pairs(rng)
    theirs = copies(params)
    changes = {"lr": 0.5, "weight_decay": 0.1, "clip_value": 1.5, "clip_norm": 3.0, "eps": 1e-3}
    changes |= {"momentum": 0.5, "decay_rate": 0.5, "beta1": 0.5, "beta2": 0.25}
    for number, value in [(None, None), *changes.items()]:
        if hasattr(ours, str(number)):
            setattr(ours, number, value)
            setattr(twin, number, value)
        grads = [gradient(rng, param.shape) for param in params]
        ours.update(params, grads)
        before = copies(theirs)
        twin.update(theirs, grads)
        assert_array_equal(params[3], theirs[3])
        assert (theirs[3] != before[3]).all()


def test_a_number_in_an_array_is_read_anew():
    W, lr = np.zeros(3), np.array(1.0)
    momentum = optimizer.Momentum(lr, momentum=0)
    momentum.update([W], [np.ones(3)])
    lr[...] = 10
    momentum.update([W], [np.ones(3)])
    assert_array_equal(W, -11)


def test_a_large_number_is_checked_in_the_dtype_of_each_parameter():
    ours = optimizer.Adam(1e39)
    params = [np.ones(3)]
    ours.update(params, [np.ones(3)])
    params[0] = single = np.ones(3, np.float32)
    with pytest.raises(
        ValueError, match=r"^Adam\.update: lr must be finite in float32, got 1e\+39"
    ):
        ours.update(params, [single])
    assert_array_equal(single, 1)


@every_optimizer
def test_a_schedule_of_the_learning_rate(name, rng):
    ours, _ = both(name, lr=lambda step: 0.5 / (1 + step))
    plain, _ = both(name)
    params, _ = pairs(rng)
    theirs = copies(params)
    for step in range(4):
        _, grads = pairs(rng)
        ours.update(params, grads)
        plain.lr = 0.5 / (1 + step)
        plain.update(theirs, grads)
    for param, wanted in zip(params, theirs, strict=True):
        assert_array_equal(param, wanted)


@every_optimizer
def test_states_are_kept_by_key(name, rng):
    """Whatever the order of the keys, and where some come later."""
    ours, _ = both(name)
    apart = {key: both(name)[0] for key in "abc"}
    params = {key: rng.standard_normal(5) for key in "abc"}
    expected = copies(params)
    for keys in ("a", "cb", "bac", "b"):
        grads = {key: rng.standard_normal(5) for key in "abc"}
        ours.update({key: params[key] for key in keys}, grads)
        for key in keys:
            apart[key].iter = ours.iter - 1
            apart[key].update([expected[key]], [grads[key]])
    for key in "abc":
        assert_array_equal(params[key], expected[key])
        for state in STATES[name]:
            assert_array_equal(getattr(ours, state)[key], getattr(apart[key], state)[0])


@every_optimizer
def test_a_list_may_grow(name, rng):
    ours, apart = both(name)[0], [both(name)[0] for _ in range(2)]
    params = [rng.standard_normal(4) for _ in range(2)]
    expected = copies(params)
    for count in (1, 2, 1):
        grads = [rng.standard_normal(4) for _ in range(2)]
        ours.update(params[:count], grads[:count])
        for i in range(count):
            apart[i].iter = ours.iter - 1
            apart[i].update([expected[i]], [grads[i]])
    assert_array_equal(params, expected)


@every_optimizer
@every_option
@pytest.mark.parametrize("param", ["f2", "f4", "f8", ">f4"])
@pytest.mark.parametrize("grad", ["f4", "f8", "i8", ">f8"])
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
@pytest.mark.parametrize("view", VIEWS)
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
@pytest.mark.parametrize("shift", [1, -1, 0, 20])
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


# --------------------------------------------------------------------------- nothing changes

BAD = {
    "shape": (np.ones(3), np.ones(2)),
    "no gradient": (np.ones(3), None),
    "integers": (np.ones(3, int), np.ones(3)),
    "complex": (np.ones(3), np.ones(3, complex)),
    "read-only": (np.broadcast_to(1.0, (3,)), np.ones(3)),
    "text": ("W", 1.0),
}
SPOILT = {
    "lr": ([-0.1, np.nan, "0.1", 1e39, lambda step: -1.0], "SGD AdaGrad Adam"),
    "momentum": ([1.0, -0.1, np.nan, None], "Momentum Nesterov"),
    "decay_rate": ([1.0, "0.9"], "RMSprop AdaDelta"),
    "beta1": ([1.0, -1e-9], "Adam Nadam AdamW"),
    "beta2": ([1.5, np.inf], "Adam Nadam AdamW"),
    "eps": ([-1e-7, np.inf, 1e39], "AdaGrad Adam"),
    "weight_decay": ([-0.1, np.nan, 1e39], "SGD Momentum AdamW"),
    "clip_value": ([0, -1.0, np.nan], "SGD Adam"),
    "clip_norm": ([0, "1"], "SGD Adam"),
}


def unchanged(ours, call):
    before = copies(vars(ours)) if not callable(ours.lr) else None
    with pytest.raises((KeyError, TypeError, ValueError), match=f"^.?{type(ours).__name__}"):
        call()
    after = vars(ours)
    for name, value in (before or {}).items():
        assert str(after[name]) == str(value)


@every_optimizer
@every_option
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("steps", [0, 1])
def test_a_refused_update_changes_nothing(name, options, bad, steps):
    ours, _ = both(name, options)
    first, (param, grad) = np.ones(3), BAD[bad]
    for _ in range(steps):
        ours.update([first], [np.ones(3)])
    kept = first.copy()
    unchanged(ours, lambda: ours.update([first, param], [np.ones(3), grad]))
    unchanged(ours, lambda: ours.update([first], []))
    if not steps:
        unchanged(ours, lambda: ours.update({0: first, 1: first}, {0: np.ones(3)}))
    assert_array_equal(first, kept)


@pytest.mark.parametrize("number", SPOILT)
def test_a_bad_number_changes_nothing(number):
    values, names = SPOILT[number]
    for name in names.split():
        for value in values:
            ours, _ = both(name)
            W = np.ones(3, np.float32)
            setattr(ours, number, value)
            unchanged(ours, lambda ours=ours, W=W: ours.update([W], [np.ones(3, np.float32)]))
            assert_array_equal(W, 1)
            assert ours.iter == 0
            if value == 1e39 or callable(value):
                continue
            with pytest.raises((TypeError, ValueError), match=rf"^{name}: {number} must "):
                getattr(optimizer, name)(**{number: value})


@pytest.mark.parametrize("name", [name for name, states in STATES.items() if states])
def test_states_that_do_not_fit_change_nothing(name):
    state = STATES[name][-1]
    for bad, text in [
        ({0: np.zeros(2)}, f"{state} must be a list like params, got a dict. Make another"),
        ([np.zeros(2)], rf"{state}\[0\] must have shape \(3,\) to match params\[0\], got \(2,\)\."),
        ([0.0], rf"{state}\[0\] must be an array of floats, got 0\.0\. Leave {state} to the"),
        ([np.zeros(3, int)], rf"{state}\[0\] must be an array of floats, got an array of shape"),
    ]:
        ours, W = both(name)[0], np.ones(3)
        setattr(ours, state, bad)
        with pytest.raises((TypeError, ValueError), match=rf"^{name}\.update: {text}"):
            ours.update([W], [np.ones(3)])
        assert_array_equal(W, 1)
        assert ours.iter == 0
        assert all(getattr(ours, other) is None for other in STATES[name][:-1])


# --------------------------------------------------------------------------- clipping


def forms_of(grads):
    return [grads, tuple(grads), {f"W{i}": grad for i, grad in enumerate(grads)}]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
@pytest.mark.parametrize("form", range(3))
def test_clip_by_norm(form, dtype, rng):
    grads = [gradient(rng, shape).astype(dtype) for shape in [(4, 3), (3,), ()]]
    norm = float(np.sqrt(sum(np.sum(grad.astype(float) ** 2) for grad in grads)))
    for limit in (100.0, 2 * norm, norm / 3):
        ours, theirs = copies(grads), copies(grads)
        assert optimizer.clip_by_norm(forms_of(ours)[form], limit) == norm
        assert reference_optimizer.clip_by_norm(forms_of(theirs)[form], limit) == norm
        for grad, wanted, before in zip(ours, theirs, grads, strict=True):
            assert_array_equal(grad, wanted)
            assert grad.dtype == dtype
            assert (limit > norm) == bool((grad == before).all())
    shrunk = np.sqrt(sum(np.sum(grad.astype(float) ** 2) for grad in ours))
    assert shrunk == pytest.approx(norm / 3, rel=1e-6 + 2 * float(np.finfo(dtype).eps))


def test_clip_by_norm_writes_through_views_and_leaves_nan():
    base = np.full((4, 4), 3.0)
    assert optimizer.clip_by_norm([base[::2, ::2], base[1::2, 1::2].T], 1.0) == pytest.approx(
        72**0.5
    )
    assert (base == 3).sum() == 8 and np.ptp(base[::2, ::2]) == 0
    grads = [np.array([np.nan, 30.0])]
    assert np.isnan(optimizer.clip_by_norm(grads, 1.0))
    assert_array_equal(grads[0], [np.nan, 30.0])
    assert optimizer.clip_by_norm([], 1.0) == 0


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
@pytest.mark.parametrize("form", range(3))
def test_clip_by_value(form, dtype):
    values = [np.nan, np.inf, -np.inf, 5.0, -5.0, 0.5, -0.5, -0.0]
    grads = [np.array(values, dtype), np.array(values, dtype)[::-1][::2]]
    expected = [np.clip(grad, -1, 1) for grad in grads]
    optimizer.clip_by_value(forms_of(grads)[form], 1)
    for grad, wanted in zip(grads, expected, strict=True):
        assert_array_equal(grad, wanted)
        assert grad.dtype == dtype
    kept = copies(grads)
    for limit in (1e300, np.inf):
        optimizer.clip_by_value(grads, limit)
        assert_array_equal(grads[0], kept[0])


def test_clipping_refuses_what_cannot_be_clipped():
    for clip, number in [
        (optimizer.clip_by_norm, "max_norm"),
        (optimizer.clip_by_value, "clip_value"),
    ]:
        name, good = clip.__name__, np.full(3, 9.0)
        for grads, limit, error, text in [
            (good, 1, TypeError, "grads must be a list or a dict of arrays, got an array of shape "
             "(3,) and dtype float64. Give layer.grads, or a network's gradient."),
            ([good, 1.0], 1, TypeError, "grads[1] must be an array of float16, float32 or float64, "
             "got 1.0. Convert it to float64."),
            ({"a": good, "W": np.ones(2, int)}, 1, TypeError, "grads['W'] must be an array of "
             "float16, float32 or float64, got an array of shape (2,) and dtype int64. Convert it "
             "to float64."),
            ([good, np.broadcast_to(9.0, 2)], 1, ValueError, "grads[1] must be writeable, got a "
             "read-only array. Clip a copy."),
            ([good], 0, ValueError, f"{number} must be above 0, got 0.0. Give a number such as 1."),
            ([good], np.nan, ValueError, f"{number} must be above 0, got nan. Give a number such "
             "as 1."),
            ([good], None, TypeError, f"{number} must be a real number, got None. Give a float."),
        ]:  # fmt: skip
            with pytest.raises(error) as raised:
                clip(grads, limit)
            assert raised.value.args == (f"{name}: {text}",)
            assert_array_equal(good, 9.0)
