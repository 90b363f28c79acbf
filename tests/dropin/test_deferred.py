"""Deferred arrays are used as the arrays that they stand for."""

import pickle

import numpy as np
from in_turn import with_each
from numpy.testing import assert_array_equal

from fastnet.dropin.deferred import Deferred, settled


def is_array(a):
    return isinstance(a, np.ndarray)


USES = [
    lambda a: a + 1,
    lambda a: 2 - a,
    lambda a: a @ a.T,
    lambda a: a.T,
    lambda a: a.sum(axis=0),
    lambda a: a[1:, 0],
    lambda a: a[a > 0],
    lambda a: np.arange(2)[a[0].astype(int) * 0],
    lambda a: np.dot(a, a.T),
    lambda a: np.concatenate([a, a]),
    lambda a: np.stack((a, a), axis=1),
    lambda a: np.exp(a),
    lambda a: np.add.reduce(a),
    lambda a: np.asarray(a),
    lambda a: np.array(a, dtype=np.float32),
    lambda a: a.copy(),
    lambda a: a.reshape(-1),
    lambda a: a < 0,
    lambda a: list(a),
    lambda a: len(a),
    lambda a: 1.5 in a,
    lambda a: repr(a),
    lambda a: str(a),
    lambda a: f"{a}",
    lambda a: pickle.loads(pickle.dumps(a)),
    lambda a: float(a[:1, :1].reshape(())),
    is_array,
    lambda a: (a.shape, a.dtype, a.ndim, a.flags.c_contiguous),
    lambda a: np.zeros_like(a),
    lambda a: np.where(a > 0, a, 0),
]


@with_each("use", USES)
def test_a_deferred_array_is_used_like_an_array(use):
    array = np.array([[1.5, -2.0], [0.25, 4.0]])
    asked = []

    def compute():
        asked.append(1)
        return array.copy()

    deferred = Deferred(compute)
    assert asked == []
    found, expected = use(deferred), use(array)
    assert type(found) is type(expected)
    assert found == expected if isinstance(found, tuple) else np.array_equal(found, expected)
    assert asked == ([] if use is is_array else [1])


def test_a_deferred_array_can_be_changed():
    deferred = Deferred(lambda: np.array([1.0, 2.0, 3.0]))
    view = deferred[:2]
    deferred *= 2
    deferred[0] = 10
    assert_array_equal(settled(deferred), [10, 4, 6])
    assert_array_equal(view, [10, 4])
    other = np.ones(3)
    other += deferred
    np.add(other, 1, out=deferred)
    deferred.shape = (3, 1)
    assert_array_equal(deferred, [[12], [6], [8]])
