"""The last value that each check takes, and the first that it refuses."""

import math

import numpy as np
import pytest
from in_turn import with_each

from fastnet import checks
from fastnet.checks.arrays import _shown
from fastnet.checks.foreign import _short

F16, F32, F64 = checks.FLOAT16, checks.FLOAT32, checks.FLOAT64
TINY, LARGEST = 5e-324, float(np.finfo(F64).max)  # the least number above 0
LARGEST_32, LARGEST_16 = float(np.finfo(F32).max), 65504.0


def above(value):
    return math.nextafter(value, math.inf)


def of(check, *named, **options):
    """Return a check as a function of the value, which follows `where` and a name if it has one."""
    return lambda value: check("f", *named, value, **options)


def scalar(dtype):
    return lambda value: checks.scalar("f", "dout", value, F64, dtype)


def rates(*dtypes):
    return lambda value: checks.not_negative("f", "eps", value, dtypes)


BELOW_ONE = math.nextafter(1, 0)
# Of numbers: a check, what it takes and gives back as it is, what it refuses.
NUMBERS = {
    "finite_positive": (of(checks.finite_positive, "a"), [TINY, LARGEST], [0, math.inf]),
    "learning_rate": (of(checks.learning_rate), [0, LARGEST], [-TINY, math.inf]),
    "not_negative, float16": (rates(F64, F16), [0, LARGEST_16], [-TINY, above(LARGEST_16)]),
    "not_negative, float32": (rates(F32), [LARGEST_32], [above(LARGEST_32)]),
    "fraction": (of(checks.fraction, "a"), [0, BELOW_ONE], [-TINY, 1]),
    "factor": (of(checks.factor, "a"), [TINY, 1], [0, above(1)]),
    "positive": (of(checks.positive, "a"), [TINY, math.inf], [0]),
    "slope": (of(checks.slope), [0, LARGEST], [-TINY, math.inf]),
    "share": (of(checks.share, "a"), [0, BELOW_ONE], [-TINY, 1]),
    "momentum": (of(checks.momentum), [0, 1], [-TINY, above(1)]),
    "epsilon": (of(checks.epsilon), [TINY, LARGEST], [0, math.inf]),
    "epsilon, float32": (of(checks.epsilon, dtype=F32), [1e-45, LARGEST_32], [1e-46, 1e39]),
    "strength": (of(checks.strength, dtype=F64), [0, LARGEST], [-TINY, math.inf]),
    "strength, float32": (of(checks.strength, dtype=F32), [LARGEST_32], [above(LARGEST_32)]),
    "deviation": (of(checks.deviation), [0, LARGEST], [-TINY, math.inf]),
    "deviation, float32": (
        of(checks.deviation, dtype=F32),
        [LARGEST_32 / 16],
        [above(LARGEST_32 / 16)],
    ),
    "scalar, float32": (scalar(F32), [LARGEST_32, -LARGEST_32, math.inf], [above(LARGEST_32)]),
    "scalar, float16": (scalar(F16), [65504, -65504, 65504.0], [65505, -65505, above(65504.0)]),
    "count": (of(checks.count, "a"), [1], [0]),
    "count of 3": (of(checks.count, "a", least=3), [3], [2]),
    "seed": (of(checks.seed), [0], [-1]),
    "verbosity": (of(checks.verbosity), [0, 2], [-1, 3]),
    "verbosity of one line": (of(checks.verbosity, most=1), [0, 1], [-1, 2]),
    "loss_weights": (
        of(checks.loss_weights, count=2),
        [[0.0, TINY], [LARGEST, 0.0]],
        [[0, 0], [-TINY, 1], [LARGEST, LARGEST], [math.inf, 1]],
    ),
    "axis_sizes": (
        of(checks.axis_sizes, "a", dimensions=2),
        [(1, 1), (2, 1)],
        [(0, 1), (1,), (1, 1, 1)],
    ),
    "target_shape": (of(checks.target_shape, "a"), [(-1, 1)], [(-1, -1), (0,), (-2, 1)]),
    "matrix_shape": (of(checks.matrix_shape), [(1, 1)], [(0, 1), (1, 0), (1,), (1, 1, 1)]),
}


@with_each("name", NUMBERS)
def test_numbers(name):
    check, taken, refused = NUMBERS[name]
    for value in taken:
        assert check(value) == value
    for value in refused:
        with pytest.raises(ValueError, match=r"^f: "):
            check(value)


def labels(t, **options):
    return checks.labels("f", t, 2, 3, **options)


def probabilities(first):
    return checks.class_targets("f", [first, [0.25, 0.75]], 2, 2)


def windows(image, pad=0):
    return checks.windows("f", "x", image, (3, 2), (2, 1), (2, 3), ((pad, 0),) * 2)


def pooled(length, above=0, below=0):
    padding = (above, below), (0, 0)
    return checks.windows_in("f", "a", (4, 4), (length, 4), (2, 2), padding)


def image_axes(shape):
    return checks.image_axes("f", "x", np.zeros(shape))


def finite(value):
    checks.finite("f", "x", np.array([[value, -value]]), F32)


def converted(value):
    return checks.converted("f", "a", np.array([value]), np.zeros(1, F32))


def step_labels(t):
    return checks.step_labels("f", [t], (1, 2, 3), -1)


def between(value):
    checks.between("f", np.array([value]), 0, 1)


WIDE = [np.zeros(1)], [np.zeros(1, np.longdouble)]
WEIGHTS = [{0: 0.0, 1: LARGEST}], [{-1: 1.0}, {2: 1.0}, {0: -TINY}, {0: math.inf}]
SAMPLES = [[0, LARGEST_32]], [[-TINY, 1], [1, 1e39]]
# The same of arrays, whatever is given back.
ARRAYS = {
    "labels": (labels, [[0, 2]], [[-1, 0], [0, 3]]),
    "labels, ignored": (of(checks.labels, n=2, classes=3, ignored=-7), [[0, -7]], [[-7, -8]]),
    "probabilities": (  # 0.999 and 1.001 are off by 1e-3, but for a rounding
        probabilities,
        [[0.5, 0.499 + 1e-9], [0.5, 0.501 - 1e-9], [0.0, 1.0]],
        [[0.5, 0.499 - 1e-9], [0.5, 0.501 + 1e-9], [-1e-9, 1.0]],
    ),
    "class_weights": (of(checks.class_weights, classes=2), *WEIGHTS),
    "sample_weights": (of(checks.sample_weights, n=2, dtype=F32), *SAMPLES),
    "indices": (of(checks.indices, W=(5, 2)), [[0, 4]], [[-1], [5]]),
    "words of five": (of(checks.word_numbers, "a", vocab_size=5), [[0, 4]], [[5], [[1]], 3]),
    "words": (of(checks.word_numbers, "a"), [[0, 2**62]], [[-1]]),
    "windows of words": (of(checks.word_numbers, "a", ndim=2), [[1], [[1]]], [1, [[[1]]]]),
    "step_labels": (step_labels, [[0, 2], [-1, 0]], [[0, 3], [-2, 0]]),
    "finite": (finite, [LARGEST_32], [above(LARGEST_32), math.nan]),
    "between": (between, [0.0, 1.0], [-TINY, above(1), math.nan]),
    "variances": (lambda v: checks.variances("f", "a", np.array([v])), [0.0], [-TINY]),
    "windows": (windows, [(5, 4)], [(4, 4), (5, 3)]),
    "windows, padded": (lambda image: windows(image, 1), [(4, 3)], [(3, 3), (4, 2)]),
    "each_head": (
        of(checks.each_head, "a", names=("b", "c")),
        [[1, 2], (1, 2), {"c": 1, "b": 2}],
        [[1], [1, 2, 3], 1, {"b": 1}, {}],
    ),
    "windows_in": (lambda given: pooled(*given), [(4,), (5, 1), (6, 1, 1)], [(5,), (6, 0, 1)]),
    "image_axes": (image_axes, [(0, 1, 1, 1)], [(1, 1, 0, 1), (0, 1, 0, 1), (1, 1, 1)]),
    "float64 to change": (lambda x: checks.changeable("f", "x", x), *WIDE),
    "float64 to clip": (lambda x: checks.clippable("f", [x]), *WIDE),
    "float64 to take": (of(checks.array, "x"), *WIDE),
    "samples": (
        lambda shape: checks.samples("f", "x", np.zeros(shape)),
        [(1, 1), (1, 1, 1)],
        [2, (0, 2), (2, 0)],
    ),
    "axis": (of(checks.axis, shape=(3, 4)), [-2, 1], [-3, 2]),
    "options": (
        of(checks.options, "a", kind=pow),
        [{}, {"base": 1, "exp": 2, "mod": 3}],
        [{"base": 1, "lr": 2}],
    ),
    "converted": (converted, [LARGEST_32, math.inf, math.nan], [1e39]),
    "channels_come_last": (  # not where they seem to come first
        of(checks.channels_come_last, "x"),
        [(2, 3, 3, 3), (2, 1, 1, 1), (2, 2, 4, 4), (2, 3, 4, 5)],
        [(2, 3, 4, 4), (2, 1, 2, 2)],
    ),
}


@with_each("name", ARRAYS)
def test_arrays(name):
    check, taken, refused = ARRAYS[name]
    for value in taken:
        check(value)
    for value in refused:
        with pytest.raises((IndexError, TypeError, ValueError), match=r"^f: "):
            check(value)


T, NONE = np.array([0, 2]), ((0, 0), (0, 0))
# Calls that are refused, and what the last sentence of the error begins with.
ADVICE = [
    (lambda: checks.targets("f", T, (2, 3)), "Make one-hot rows"),
    (lambda: checks.targets("f", T, (2, 2)), "Give one target"),
    (lambda: checks.targets("f", T - 1, (2, 3)), "Give one target"),
    (lambda: checks.targets("Sequential", np.zeros((2, 3)), (2, 1)), "Give the last layer 3 units"),
    (lambda: checks.targets("Sequential", np.zeros((2, 3, 1)), (2, 1)), "Give one target"),
    (lambda: checks.axis_sizes("f", "a", (1, 1), 1), "Give an int"),
    (lambda: checks.axis_sizes("f", "a", (1,), 2), "Give one for all axes"),
    (lambda: checks.windows("f", "x", (3, 4, 5), (9, 9), (1, 1), (1, 1), NONE), "If channels"),
    (lambda: checks.windows("f", "x", (3, 3, 5), (9, 9), (1, 1), (1, 1), NONE), "Give larger"),
    (lambda: checks.indices("f", [5], (5, 2)), "Count rows"),
    (lambda: checks.indices("f", [5], (5,)), "Count words"),
    (lambda: labels([3, 1], scores="y"), "Count classes from 0: t - 1; or give y 4"),
    (lambda: labels([3, 0], scores="predict(x)"), "Give the last layer 4"),
    (lambda: labels([4, 1]), "Give y 5 columns"),
    (lambda: labels([10**6 - 1, 1]), "Give y 1000000 columns"),
    (lambda: labels([10**6, 1]), "Count classes from 0, of all"),
    (lambda: labels([-1, 0]), "Leave such samples out"),
    (lambda: labels([-2, 0]), "Count classes from 0, of all"),
    (lambda: checks.shaped_samples("f", "x", (3, 1, 2), (2,)), "Reshape it"),
    (lambda: checks.shaped_samples("f", "x", (2,), (1,)), "Give an array"),
    (lambda: checks.shaped_samples("f", "x", (2,), None), "Give an array"),
    (lambda: checks.features("f", "x", 2, 4, (2, 2)), "Reshape one sample"),
    (lambda: checks.features("f", "x", 1, 4, (4,)), "Give x the width"),
    (lambda: checks.features("f", "x", 1, 4, (4, 1, 2)), "Give x the width"),
]


@with_each("call, advice", ADVICE)
def test_advice(call, advice):
    with pytest.raises((IndexError, ValueError)) as raised:
        call()
    got, _, last = str(raised.value).partition(", got ")
    assert got and last.partition(". ")[2].startswith(advice)


FIRST_WRONG = [
    (lambda: checks.between("f", np.array([0.0, 1.0, 2.0]), 0, 1), "got t[2]=2.0."),
    (lambda: checks.between("f", np.array([0.0, 1.0, -2.0]), 0, 1), "got t[2]=-2.0."),
    (lambda: checks.variances("f", "a", np.array([0.0, -1.0])), "got a[1]=-1.0."),
    (lambda: checks.loss_weights("f", [math.inf, 1], 2), "weights[0] must be finite"),
    (lambda: labels([2, 3]), "got t[1]=3."),
]


@pytest.mark.parametrize(("call", "text"), FIRST_WRONG)
def test_errors_name_the_first_that_is_wrong(call, text):
    with pytest.raises((IndexError, ValueError)) as raised:
        call()
    assert text in str(raised.value)


@pytest.mark.parametrize(("show", "most"), [(_shown, 60), (_short, 40)])
def test_values_are_shown_whole_up_to_a_length(show, most):
    for length in (most - 1, most):
        assert show("a" * (length - 2)) == repr("a" * (length - 2))
    assert show("a" * (most - 1)) == "'" + "a" * (most - 4) + "..."
