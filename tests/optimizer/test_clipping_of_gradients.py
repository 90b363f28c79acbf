"""Clipping by norm and by value."""

import numpy as np
import pytest
from in_turn import with_each
from numpy.testing import assert_array_equal
from optimizers import copies, gradient

from fastnet import optimizer
from fastnet.reference import optimizer as reference_optimizer


def forms_of(grads):
    return [grads, tuple(grads), {f"W{i}": grad for i, grad in enumerate(grads)}]


@with_each("dtype", ["f2", "f4", "f8", ">f4"])
@with_each("form", range(3))
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


@with_each("dtype", ["f2", "f4", "f8", ">f4"])
@with_each("form", range(3))
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
