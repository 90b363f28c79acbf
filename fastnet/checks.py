"""The one place that words and raises an error about an argument.

`where` is the public name that the user called, `name` the argument's. What a check returns is
fit for a kernel or one `contiguous` away from it: a kernel itself checks nothing.
"""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "array",
    "between",
    "bias",
    "built",
    "choice",
    "clippable",
    "contiguous",
    "count",
    "deviation",
    "entries",
    "equally_long",
    "factor",
    "finite_positive",
    "fits",
    "float_dtype",
    "fraction",
    "generator",
    "gradients",
    "labels",
    "learning_rate",
    "lengths",
    "loss_objects",
    "loss_weights",
    "members",
    "no_matplotlib",
    "no_optimizer",
    "not_negative",
    "number",
    "options",
    "pairs",
    "parameter",
    "positive",
    "remembered",
    "result_dtype",
    "returned",
    "rows",
    "same_shape",
    "scalar",
    "shape",
    "sizes",
    "state",
    "state_kind",
    "table",
    "targets",
    "two_values",
    "unbuilt",
    "unchanged",
    "usual",
]

FLOAT16, FLOAT32, FLOAT64 = np.dtype("float16"), np.dtype("float32"), np.dtype("float64")
INT64, UINT64 = np.dtype(np.int64), np.dtype(np.uint64)
COMPUTED = (FLOAT32, FLOAT64)  # what kernels are compiled for
LARGEST = {t.itemsize: float(np.finfo(t).max) for t in (FLOAT16, *COMPUTED)}  # in any byte order


# --------------------------------------------------------------------------- dtypes and layout


def array(where: str, name: str, value: ArrayLike) -> NDArray[Any]:
    """Return value as a plain ndarray of bool, integers, float16, float32 or float64."""
    if type(value) is np.ndarray and value.dtype in COMPUTED:
        return value
    try:
        found = np.asarray(value)
    except ValueError:
        raise ValueError(
            f"{where}: {name} must be an array, got a {type(value).__name__} whose parts differ in "
            "length. Give every row the same length."
        ) from None
    if found.dtype.kind not in "biuf" or found.dtype.itemsize > 8:
        raise TypeError(
            f"{where}: {name} must be an array of integers, float16, float32 or float64, got "
            f"{_kind(value, found)}. Convert it to float32 or float64."
        )
    return found


def result_dtype(*arrays: NDArray[Any]) -> np.dtype[Any]:
    """Return the dtype that NumPy would give a product of the arrays; integers alone give float64.

    The usual case, one dtype for all, is told apart first: 0.1 us, where np.result_type takes 0.5.
    """
    dtype = arrays[0].dtype
    if dtype in COMPUTED:
        for other in arrays:
            if other.dtype is not dtype:
                break
        else:
            return dtype
    dtype = np.result_type(*[array.dtype for array in arrays])
    return np.dtype(dtype.type) if dtype.kind == "f" else FLOAT64


def usual(first: Any, *others: Any) -> np.dtype[Any] | None:
    """Return the dtype that all share where kernels take them as they are, else None.

    It spares the usual call `array`, `result_dtype` and `contiguous`: 0.06 us an array, not 0.3.
    """
    if type(first) is ndarray and first.flags.carray:
        dtype = first.dtype
        if dtype is FLOAT64 or dtype is FLOAT32:
            for array in others:
                if type(array) is not ndarray or array.dtype is not dtype or not array.flags.carray:
                    return None
            return dtype
    return None


def fits(array: Any, dtype: np.dtype[Any]) -> bool:
    """Tell whether kernels take it: a C-contiguous, aligned, writeable ndarray of that dtype."""
    return (
        type(array) is np.ndarray
        # "is" alone would copy every array out of a pickle, whose dtype is another object.
        and (array.dtype is dtype or array.dtype == dtype)
        and array.flags.carray
    )


def contiguous(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the array if it fits a kernel, else a copy that does; float16 becomes float32.

    Read-only arrays are copied too: Numba would compile every kernel once more for them.
    """
    if dtype.itemsize == 2:  # "is FLOAT16" would not be true of one out of a pickle
        dtype = FLOAT32
    return array if fits(array, dtype) else np.array(array, dtype, order="C")


def returned(out: NDArray[Any], dtype: np.dtype[Any]) -> Any:
    """Return a kernel's output as NumPy would: of that dtype, a scalar where it has no shape."""
    if out.dtype is not dtype and out.dtype != dtype:
        out = out.astype(dtype)
    return out if out.ndim else out[()]


# --------------------------------------------------------------------------- shapes


def rows(where: str, name: str, array: NDArray[Any], W: NDArray[Any] | None = None) -> NDArray[Any]:
    """Return the array as a matrix (N, D): (D,) is one row, (N, ...) is N rows to flatten.

    Where W (D, M) is given, D must be its D.
    """
    shape = array.shape
    if len(shape) == 0 or array.size == 0:
        raise ValueError(
            f"{where}: {name} must have at least one row and one feature, got {name}.shape={shape}."
            " Give an array (N, D)."
        )
    if len(shape) != 2:
        array = array.reshape(1 if len(shape) == 1 else shape[0], -1)
    if W is not None and array.shape[1] != W.shape[0]:
        features = W.shape[0]
        raise ValueError(
            f"{where}: {name} must have {features} features to match W {W.shape}, got "
            f"{name}.shape={shape}. Reshape {name} to (N, {features})."
        )
    return array


def table(where: str, name: str, array: NDArray[Any], *, single: bool = False) -> NDArray[Any]:
    """Check that the array is (N, C), or (C,) too where single is True, and is not empty."""
    if array.ndim == 2 or (single and array.ndim == 1):
        if array.size:
            return array
        rule, advice = "must have at least one row and one class", "Give one sample or more"
    else:
        rule = f"must be {'(C,) or ' * single}(N, C)"
        advice = f"Reshape {name} to (N, C), with one row a sample"
    raise ValueError(f"{where}: {name} {rule}, got {name}.shape={array.shape}. {advice}.")


def same_shape(where: str, name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Check that a gradient or a target has the shape of the output that it belongs to."""
    if array.shape != shape:
        raise ValueError(
            f"{where}: {name} must have shape {shape}, got {name}.shape={array.shape}. "
            "Give one number for each output of forward."
        )


def unchanged(where: str, name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Check that what forward left for backward, which a caller may assign to, still fits."""
    if array.shape != shape:
        raise ValueError(
            f"{where}: {name} must have shape {shape}, got {name}.shape={array.shape}. "
            f"Call forward first, and leave its {name} as it is."
        )


def targets(where: str, t: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return targets in the shape (N, C) of the outputs; (N,) will do where C is 1."""
    if t.shape == shape or (t.shape == shape[:1] and shape[1] == 1):
        return t.reshape(shape)
    raise ValueError(
        f"{where}: t must have shape {shape} to match x, got t.shape={t.shape}. "
        "Give one target for each output."
    )


def parameter(where: str, name: str, value: ArrayLike, ndim: int) -> NDArray[Any]:
    """Return a layer's W (ndim 2) or b (1): float32 and float64 arrays themselves, never a copy.

    Lists and integers become float64, float16 becomes float32.
    """
    found = value if isinstance(value, np.ndarray) else array(where, name, value)
    if found.dtype not in COMPUTED:
        dtype = result_dtype(array(where, name, found))
        if not (found.dtype.kind == "f" and dtype.itemsize > 2):  # else: of the other byte order
            found = found.astype(FLOAT32 if dtype == FLOAT16 else dtype)
    if found.ndim != ndim or found.size == 0:
        wanted = "(D, M)" if ndim == 2 else "(M,)"
        raise ValueError(
            f"{where}: {name} must be {wanted} with at least one entry, got "
            f"{name}.shape={found.shape}. Give an array {wanted}."
        )
    return found


def bias(where: str, b: NDArray[Any], W: NDArray[Any]) -> None:
    """Check that b (M,) has an entry for each column of W (D, M)."""
    if b.shape != W.shape[1:]:
        raise ValueError(
            f"{where}: b must have shape {W.shape[1:]} to match W {W.shape}, got "
            f"b.shape={b.shape}. Assign W and b of the same M."
        )


def lengths(where: str, name: str, arrays: Collection[NDArray[Any]], count: int) -> None:
    """Check that a layer's params or grads still hold as many arrays as it made."""
    if len(arrays) != count:
        raise ValueError(
            f"{where}: {name} must hold {count} array{'s' * (count > 1)}, got {len(arrays)}. "
            "Assign to its entries; add and remove none."
        )


def gradients(
    where: str, params: tuple[NDArray[Any], ...], grads: tuple[NDArray[Any], ...], count: int
) -> None:
    """Check that the arrays in a layer's params and grads still fit each other."""
    if len(params) != count or len(grads) != count:
        lengths(where, "params", params, count)
        lengths(where, "grads", grads, count)
    W = params[0].shape
    if grads[0].shape == W and (count == 1 or grads[1].shape == params[1].shape == W[1:]):
        return
    for i, param in enumerate(params):
        if grads[i].shape != param.shape:
            raise ValueError(
                f"{where}: grads[{i}] must have shape {param.shape} to match params[{i}], got "
                f"{grads[i].shape}. Assign layer.W and layer.b, which remake the gradients."
            )
    bias(where, params[1], params[0])


# --------------------------------------------------------------------------- labels


def labels(where: str, t: ArrayLike, n: int, classes: int, scores: str = "y") -> NDArray[np.int64]:
    """Return n labels as a fresh int64 array, from integers (N,) or one-hot rows (N, C).

    Fresh, because a kernel trusts them: a caller's array may be changed before backward.
    `scores` names the array (n, classes) that the labels belong to.
    """
    found = t if type(t) is ndarray else array(where, "t", t)
    shape = found.shape
    if shape == (n, classes):
        return _from_one_hot(where, array(where, "t", found))
    if shape != (n,) and shape != (n, 1):
        raise ValueError(
            f"{where}: t must have shape ({n},) or ({n}, {classes}) to match "
            f"{scores}.shape=({n}, {classes}), got t.shape={shape}. "
            "Give one label or one one-hot row a sample."
        )
    if found.dtype.kind not in "biu":
        raise TypeError(
            f"{where}: t must be integer labels or one-hot rows, got {_kind(t, found)} with "
            f"t.shape={found.shape}. Convert labels with t.astype(int)."
        )
    result = found.astype(INT64, "C")
    if len(shape) != 1:
        result = result.ravel()
    # Negative labels are huge as unsigned numbers: one pass finds both kinds of bad ones. By
    # argmax, which takes 0.1 us for 32 labels where max takes 0.8.
    unsigned = result.view(UINT64)
    if unsigned.item(unsigned.argmax()) >= classes:
        i = int(np.flatnonzero(unsigned >= classes)[0])
        raise IndexError(
            f"{where}: t must be in 0..{classes - 1} for {scores}.shape=({n}, {classes}), got "
            f"t[{i}]={found.reshape(-1)[i]}. Count classes from 0."
        )
    return result


def _from_one_hot(where: str, t: NDArray[Any]) -> NDArray[np.int64]:
    result = t.argmax(axis=1)
    # As many entries other than 0 as rows, and a largest entry of 1 in each: one 1 a row.
    good = t[np.arange(len(t)), result] == 1
    if np.count_nonzero(t) != len(t) or not good.all():
        i = int(np.flatnonzero(~good | (np.count_nonzero(t, axis=1) != 1))[0])
        shown = np.array2string(t[i], threshold=10, max_line_width=1000)
        raise ValueError(
            f"{where}: t must be one-hot, a single 1 and zeros in each row, got t[{i}]={shown}. "
            "Give labels (N,) or one-hot rows (N, C)."
        )
    return result.astype(np.int64, copy=False)


# --------------------------------------------------------------------------- values of targets


def between(where: str, t: NDArray[Any], low: float, high: float) -> None:
    """Check that no target lies outside low..high, and none is NaN; high may be infinity."""
    if not (t.min() >= low and t.max() <= high):
        rule = f"be at least {low:g}" if high == math.inf else f"lie in {low:g}..{high:g}"
        advice = "Give counts or sizes" if high == math.inf else "Give probabilities"
        _target(where, t, (t >= low) & (t <= high), rule, advice)


def two_values(where: str, t: NDArray[Any], low: float, high: float, advice: str) -> None:
    """Check that every target is one of two numbers."""
    good = (t == low) | (t == high)
    if not good.all():
        _target(where, t, good, f"be {low:g} or {high:g}", advice)


def _target(where: str, t: NDArray[Any], good: NDArray[Any], rule: str, advice: str) -> None:
    """Word what is wrong with the first target that is not good."""
    i = tuple(map(int, np.argwhere(~good)[0]))
    raise ValueError(f"{where}: t must {rule}, got t[{', '.join(map(str, i))}]={t[i]}. {advice}.")


# --------------------------------------------------------------------------- numbers and names


def number(where: str, name: str, value: Any) -> float:
    """Return one real number as a float: Python's, NumPy's, or an array of no dimension."""
    if type(value) is float:
        return value
    if type(value) is int and -(2**53) <= value <= 2**53:  # the usual dout, 1, is one
        return float(value)
    found = np.asarray(value) if np.isscalar(value) or isinstance(value, np.ndarray) else None
    if found is None or found.ndim or found.dtype.kind not in "biuf":
        raise TypeError(
            f"{where}: {name} must be a real number, got {_shown(value)}. Give a float."
        )
    return float(found)


def scalar(where: str, name: str, value: Any, computed: np.dtype[Any], dtype: np.dtype[Any]) -> Any:
    """Return a number as a kernel's scalar; it must not overflow in dtype. inf and NaN go on."""
    found = number(where, name, value)
    if LARGEST[dtype.itemsize] < abs(found) < math.inf:
        raise ValueError(
            f"{where}: {name} must be finite in {dtype.name}, got {found}. Give a number such as 1."
        )
    # Numba takes a Python float for a float64.
    return found if computed is FLOAT64 else computed.type(found)


def finite_positive(where: str, name: str, value: Any) -> float:
    """Return a number as a float; it must be finite and above 0."""
    found = number(where, name, value)
    if not 0 < found < math.inf:
        raise ValueError(
            f"{where}: {name} must be finite and positive, got {found}. Give a number such as 1."
        )
    return found


def learning_rate(where: str, value: Any, dtypes: Iterable[np.dtype[Any]] = ()) -> float:
    """Return a learning rate as a float; see `not_negative`."""
    return not_negative(where, "lr", value, dtypes)


def not_negative(
    where: str,
    name: str,
    value: Any,
    dtypes: Iterable[np.dtype[Any]] = (),
    example: str = "0.1",
) -> float:
    """Return a rate as a float; it must be finite, and may be 0.

    `dtypes` are those of the parameters, in each of which it must be finite too.
    """
    found = number(where, name, value)
    advice = f"Give a number such as {example}."
    if not math.isfinite(found):
        raise ValueError(f"{where}: {name} must be finite, got {found}. {advice}")
    if found < 0:
        raise ValueError(f"{where}: {name} must not be negative, got {found}. {advice}")
    if found > LARGEST[2]:
        for dtype in dtypes:
            if found > LARGEST[dtype.itemsize]:
                raise ValueError(
                    f"{where}: {name} must be finite in {dtype.name}, got {found}. {advice}"
                )
    return found


def fraction(where: str, name: str, value: Any) -> float:
    """Return a momentum or another rate of decay as a float; it must be in [0, 1)."""
    found = number(where, name, value)
    if not 0 <= found < 1:
        raise ValueError(
            f"{where}: {name} must be in [0, 1), got {found}. Give a number such as 0.9."
        )
    return found


def factor(where: str, name: str, value: Any) -> float:
    """Return a factor by which a learning rate falls as a float; it must be in (0, 1]."""
    found = number(where, name, value)
    if not 0 < found <= 1:
        raise ValueError(
            f"{where}: {name} must be in (0, 1], got {found}. Give a number such as 0.1."
        )
    return found


def positive(where: str, name: str, value: Any) -> float:
    """Return a number above 0 as a float; it may be infinite."""
    found = number(where, name, value)
    if not found > 0:
        raise ValueError(f"{where}: {name} must be above 0, got {found}. Give a number such as 1.")
    return found


def count(where: str, name: str, value: Any) -> int:
    """Return a whole number of at least 1, Python's or NumPy's."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(
            f"{where}: {name} must be a whole number, got {_shown(value)}. Give an int."
        )
    if value < 1:
        raise ValueError(f"{where}: {name} must be at least 1, got {value}. Give a positive int.")
    return int(value)


def shape(where: str, value: Any) -> tuple[int, ...]:
    """Return input_shape as a tuple of whole numbers of at least 1; a number is one dimension."""
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    if not sizes:
        raise ValueError(
            f"{where}: input_shape must have a dimension, got (). Give the shape of one sample, "
            "such as (784,)."
        )
    return tuple(count(where, "input_shape", size) for size in sizes)


def deviation(
    where: str, value: Any, dtype: np.dtype[Any] | None = None, name: str = "weight_init_std"
) -> float:
    """Return a standard deviation as a float; it must be finite and not negative.

    Where dtype is given, weights drawn with it must be finite in that: NumPy's normal numbers
    stay below 16, as their tail is the logarithm of 53 random bits.
    """
    std = number(where, name, value)
    if not 0 <= std < math.inf:
        raise ValueError(
            f"{where}: {name} must be finite and not negative, got {std}. "
            "Give a number such as 0.01."
        )
    if dtype is not None and std > LARGEST[dtype.itemsize] / 16:
        raise ValueError(
            f"{where}: {name} must leave the weights finite in {dtype.name}, got {std}. "
            "Give a number such as 0.01."
        )
    return std


def float_dtype(where: str, value: Any) -> np.dtype[Any]:
    """Return float32 or float64, by any of the names that NumPy has for them."""
    try:
        found = np.dtype(value)
    except (TypeError, ValueError, SyntaxError):
        found = FLOAT16
    if value is None or found not in COMPUTED:  # NumPy takes None for float64
        raise TypeError(
            f"{where}: dtype must be float32 or float64, got {_shown(value)}. "
            'Give dtype="float32" or dtype="float64".'
        )
    return FLOAT32 if found == FLOAT32 else FLOAT64


def generator(where: str, rng: Any) -> None:
    """Check that rng draws random numbers."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{where}: rng must be a numpy.random.Generator, got {_shown(rng)}. "
            "Give numpy.random.default_rng(seed)."
        )


def choice(where: str, name: str, value: Any, choices: Collection[str]) -> None:
    """Check that value is one of the given words."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"{where}: {name} must be one of {', '.join(map(repr, choices))}, got {_shown(value)}. "
            "Give one of these names."
        )


# --------------------------------------------------------------------------- order of calls


def remembered(where: str, layer: Any, attribute: str) -> Any:
    """Return what forward left in the layer for backward."""
    try:
        return getattr(layer, attribute)
    except AttributeError:
        raise RuntimeError(f"{where}: call forward first.") from None


def built(where: str, params: list[NDArray[Any]]) -> None:
    """Check that a Dense has its weights."""
    if not params:
        raise RuntimeError(
            f"{where}: call build(n_in, rng, dtype) first, or put the layer into a Sequential and "
            "build or fit that."
        )


def unbuilt(where: str, name: str, value: Any, params: list[NDArray[Any]]) -> None:
    """Check that a Dense has no weights yet, which an argument set later would not change."""
    if params:
        raise RuntimeError(
            f"{where}: {name} must be set before build, got {_shown(value)} for W "
            f"{params[0].shape}. Assign layer.W and layer.b, or make another Dense."
        )


# --------------------------------------------------------------------------- several losses


def loss_objects(where: str, value: Any) -> list[Any]:
    """Return a list of one loss object or more, each with forward and backward, all different."""
    if not isinstance(value, (list, tuple)) or not value:
        raise TypeError(
            f"{where}: losses must be a list of at least one loss, got {_shown(value)}. "
            "Give one for each output."
        )
    for i, loss in enumerate(value):
        # A class has both, too, but no place to remember an output.
        if isinstance(loss, type) or not (hasattr(loss, "forward") and hasattr(loss, "backward")):
            raise TypeError(
                f"{where}: losses[{i}] must have forward and backward, got {_shown(loss)}. "
                "Give a loss object, such as MeanSquaredError()."
            )
        for j in range(i):
            if value[j] is loss:
                raise ValueError(
                    f"{where}: losses[{i}] must be an object of its own, got losses[{j}] again. "
                    "Make one for each output: a loss remembers what it was given."
                )
    return list(value)


def loss_weights(where: str, value: Any, count: int) -> list[float]:
    """Return the weights of so many losses: finite, not negative, and not all 0; None is all 1."""
    if value is None:
        return [1.0] * count
    entries(where, "weights", value, count)
    found = [number(where, f"weights[{i}]", weight) for i, weight in enumerate(value)]
    for i, weight in enumerate(found):
        if not 0 <= weight < math.inf:
            raise ValueError(
                f"{where}: weights[{i}] must be finite and not negative, got {weight}. "
                "Give 0 to leave a loss out."
            )
    if not 0 < sum(found) < math.inf:
        raise ValueError(
            f"{where}: weights must have a finite sum above 0, got {sum(found)}. "
            "Give weights such as 1."
        )
    return found


def entries(where: str, name: str, value: Any, count: int) -> None:
    """Check that value has one entry for each loss."""
    if not isinstance(value, (list, tuple)) or len(value) != count:
        got = f"{len(value)}" if isinstance(value, (list, tuple)) else _shown(value)
        raise ValueError(
            f"{where}: {name} must be a list of {count}, one for each loss, got {got}. "
            "Give as many as there are losses."
        )


# ------------------------------------------------------------------------- gradients by definition


def function(where: str, name: str, value: Any) -> None:
    """Check that value can be called."""
    if not callable(value):
        raise TypeError(
            f"{where}: {name} must be a function, got {_shown(value)}. Give one that takes x."
        )


def changeable(where: str, name: str, value: Any) -> None:
    """Check that value is an array of floats whose elements can be changed in place."""
    if not isinstance(value, ndarray):
        raise TypeError(
            f"{where}: {name} must be an array, as it is changed in place, got {_shown(value)}. "
            f"Give numpy.array({name}, float)."
        )
    if value.dtype.kind != "f" or value.dtype.itemsize > 8:
        raise TypeError(
            f"{where}: {name} must be an array of float16, float32 or float64, got dtype "
            f"{value.dtype}. Give {name}.astype(float)."
        )
    if not value.flags.writeable:
        raise ValueError(
            f"{where}: {name} must be writeable, as it is changed in place, got a read-only array. "
            f"Give {name}.copy()."
        )


def one_each(where: str, value: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Check that f gave as many numbers as it was given."""
    if value.shape != shape:
        raise ValueError(
            f"{where}: f(x) must have the shape of x {shape}, got {value.shape}. For a function "
            "that makes one number of many, use numerical_gradient."
        )


def derivable(where: str, model: Any) -> tuple[Any, Any]:
    """Return a model's function of (x, t) that gives the loss, and the one for the gradient.

    The second is None where backward fills grads instead.
    """
    loss, gradient = (getattr(model, name, None) for name in ("loss", "gradient"))
    if not callable(loss):  # the name of one, in Sequential
        loss = getattr(model, "forward", None)
    if not callable(loss):
        lacking = "loss and forward"
    elif not callable(gradient) and not callable(getattr(model, "backward", None)):
        lacking = "gradient and backward"
    else:
        return loss, gradient if callable(gradient) else None
    raise TypeError(
        f"{where}: model must have loss(x, t) or forward(x, t), and gradient(x, t) or backward(), "
        f"got {type(model).__name__} without {lacking}. Give a Sequential, a TwoLayerNet, or an "
        "object with these, params and grads."
    )


def repeatable(where: str, first: Any, second: Any) -> None:
    """Check that a loss was the same twice; NaN is."""
    if first != second and (first == first or second == second):
        raise ValueError(
            f"{where}: loss must be the same in every call, got {first} and then {second}. "
            "Leave out what is random, such as Dropout."
        )


# --------------------------------------------------------------------------- optimizers


def pairs(where: str, params: Any, grads: Any) -> list[tuple[Any, Any, Any, bool]]:
    """Return (key, param, grad, fits) for every entry of two lists, or of dicts by params' keys.

    fits tells whether an update kernel takes the two arrays as they are.
    """
    if isinstance(params, dict) and isinstance(grads, dict):
        for key in params:
            if key not in grads:
                raise KeyError(
                    f"{where}: grads must have every key of params, got none for {key!r}. "
                    "Compute its gradient, or leave it out of params."
                )
        keys: Any = params
    elif isinstance(params, list) and isinstance(grads, (list, tuple)):
        if len(params) != len(grads):
            raise ValueError(
                f"{where}: grads must be as many as params, got {len(grads)} grads for "
                f"{len(params)} params. Give the two lists of the same layers."
            )
        keys = range(len(params))
    else:
        raise TypeError(
            f"{where}: params and grads must be two lists or two dicts, got "
            f"{type(params).__name__} and {type(grads).__name__}. Give layer.params and "
            "layer.grads, or a network's params and gradient."
        )
    found = []
    for key in keys:
        param, grad = params[key], grads[key]
        if (  # `usual` and two owners of their memory, in line: a third of the time
            type(param) is type(grad) is ndarray
            and param.flags.carray
            and grad.flags.carray
            and ((dtype := param.dtype) is FLOAT64 or dtype is FLOAT32)
            and grad.dtype is dtype
            and param.shape == grad.shape
            and param.base is grad.base is None
        ):
            found.append((key, param, grad, True))
        else:
            found.append(_pair(where, key, param, grad))
    return found


def _pair(where: str, key: Any, param: Any, grad: Any) -> tuple[Any, Any, Any, bool]:
    """Check one parameter that an optimizer is to change, and its gradient."""
    if (
        type(param) is np.ndarray
        and param.dtype in COMPUTED
        and param.flags.carray
        and fits(grad, param.dtype)
        and grad.shape == param.shape
        # Where they overlap, the kernel would read what it has written; NumPy looks ahead.
        and not np.may_share_memory(param, grad)
    ):
        return key, param, grad, True
    if not isinstance(param, np.ndarray):
        number(where, f"params[{key!r}]", param)
        return key, param, number(where, f"grads[{key!r}]", grad), False
    if param.dtype.kind != "f" or param.dtype.itemsize > 8:
        raise TypeError(
            f"{where}: params[{key!r}] must be an array of float16, float32 or float64, got dtype "
            f"{param.dtype}. Convert it before training."
        )
    if not param.flags.writeable:
        raise ValueError(
            f"{where}: params[{key!r}] must be writeable, got a read-only array. "
            "Train a copy of it."
        )
    grad = array(where, f"grads[{key!r}]", grad)
    if grad.shape != param.shape:
        raise ValueError(
            f"{where}: grads[{key!r}] must have shape {param.shape} to match params[{key!r}], got "
            f"{grad.shape}. Give the gradient of that array."
        )
    return key, param, grad, False


def state_kind(where: str, name: str, kind: type, held: Any) -> None:
    """Check that what an optimizer keeps under a name is a list or dict as params is."""
    if not isinstance(held, kind):
        raise TypeError(
            f"{where}: {name} must be a {kind.__name__} like params, got a {type(held).__name__}. "
            "Make another optimizer for other parameters."
        )


def state(where: str, name: str, key: Any, array: Any, shape: tuple[int, ...]) -> None:
    """Check one array that an optimizer keeps against its parameter's shape."""
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise TypeError(
            f"{where}: {name}[{key!r}] must be an array of floats, got {_shown(array)}. "
            f"Leave {name} to the optimizer."
        )
    if array.shape != shape:
        raise ValueError(
            f"{where}: {name}[{key!r}] must have shape {shape} to match params[{key!r}], got "
            f"{array.shape}. Make another optimizer for other parameters."
        )


def clippable(where: str, grads: Any) -> list[NDArray[Any]]:
    """Return the arrays of a list, tuple or dict of gradients that are to be changed in place."""
    if not isinstance(grads, (list, tuple, dict)):
        raise TypeError(
            f"{where}: grads must be a list or a dict of arrays, got {_shown(grads)}. "
            "Give layer.grads, or a network's gradient."
        )
    entries = grads.items() if isinstance(grads, dict) else enumerate(grads)
    for key, grad in entries:
        if not isinstance(grad, np.ndarray) or grad.dtype.kind != "f" or grad.dtype.itemsize > 8:
            raise TypeError(
                f"{where}: grads[{key!r}] must be an array of float16, float32 or float64, got "
                f"{_shown(grad)}. Convert it to float64."
            )
        if not grad.flags.writeable:
            raise ValueError(
                f"{where}: grads[{key!r}] must be writeable, got a read-only array. Clip a copy."
            )
    return [*grads.values()] if isinstance(grads, dict) else [*grads]


# --------------------------------------------------------------------------- how values are shown


def _kind(value: Any, found: NDArray[Any]) -> str:
    if isinstance(value, np.ndarray):
        return f"dtype {found.dtype}"
    return f"{type(value).__name__} of dtype {found.dtype}"


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


# --------------------------------------------------------------------------- models


def seed(where: str, value: Any) -> int | None:
    """Return a seed for numpy.random.default_rng: a whole number of at least 0, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(
            f"{where}: seed must be a whole number or None, got {_shown(value)}. Give an int."
        )
    if value < 0:
        raise ValueError(f"{where}: seed must be at least 0, got {value}. Give such a number.")
    return int(value)


def flag(where: str, name: str, value: Any) -> None:
    """Check that value is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(
            f"{where}: {name} must be True or False, got {_shown(value)}. Give one of the two."
        )


def path(where: str, value: Any) -> str:
    """Return the path of a file as text, from text, bytes or a path object."""
    try:
        found = os.fsdecode(value)
    except TypeError:
        raise TypeError(
            f"{where}: path must be text, bytes or a path, got {_shown(value)}. Give a file name."
        ) from None
    if not found or "\0" in found:
        raise ValueError(f"{where}: path must be a file name, got {found!r}. Give another.")
    return found


def converted(where: str, name: str, array: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
    """Write a parameter into out, in whose dtype its finite numbers must stay finite; return it."""
    with np.errstate(over="ignore"):
        out[...] = array
    if out.dtype.itemsize < array.dtype.itemsize and (np.isfinite(array) > np.isfinite(out)).any():
        raise ValueError(
            f"{where}: {name} must be finite in {out.dtype.name}, got numbers up to "
            f"{np.abs(array[np.isfinite(array)]).max():g}. Scale it down, or make a model of "
            f"{array.dtype.name}."
        )
    return out


def instance(where: str, name: str, value: Any, kind: type) -> None:
    """Check that value is an object of a class of fastnet's."""
    if not isinstance(value, kind):
        raise TypeError(
            f"{where}: {name} must be a {kind.__module__}.{kind.__qualname__}, got "
            f"{_shown(value)}. Give one, such as {kind.__qualname__}()."
        )


def no_optimizer(where: str, value: Any) -> TypeError:
    """Return the error for an optimizer that is none."""
    return TypeError(
        f"{where}: optimizer must be one of fastnet.optimizer, got {_shown(value)}. "
        "Give one, such as SGD()."
    )


def pair(where: str, name: str, value: Any) -> None:
    """Check that value is a pair (x, t)."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        got = f"{len(value)} parts" if isinstance(value, (tuple, list)) else _shown(value)
        raise TypeError(f"{where}: {name} must be a pair, got {got}. Give (x, t).")


def samples(where: str, name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return the array as a matrix (N, D) of at least one sample; (N, ...) is flattened."""
    if array.ndim < 2 or array.size == 0:
        raise ValueError(
            f"{where}: {name} must be (N, D) with at least one sample and one feature, got "
            f"{name}.shape={array.shape}. Reshape one sample to (1, D)."
        )
    return array if array.ndim == 2 else array.reshape(len(array), -1)


def features(where: str, name: str, found: int, known: int) -> None:
    """Check the number of features of x against the one that the model takes."""
    if found != known:
        raise ValueError(
            f"{where}: {name} must have {known} features, got {found}. "
            f"Give {name} the width that the first layer takes."
        )


# --------------------------------------------------------------------------- layers


def slope(where: str, value: Any) -> float:
    """Return an alpha as a float; it must be finite and not negative."""
    alpha = number(where, "alpha", value)
    if not 0 <= alpha < math.inf:
        raise ValueError(
            f"{where}: alpha must be finite and not negative, got {alpha}. "
            "Give a number such as 0.01."
        )
    return alpha


def share(where: str, name: str, value: Any) -> float:
    """Return a share of what is dropped as a float, from 0 to below 1."""
    found = number(where, name, value)
    if not 0 <= found < 1:
        raise ValueError(
            f"{where}: {name} must be at least 0 and below 1, got {found}. "
            "Give a number such as 0.5."
        )
    return found


def momentum(where: str, value: Any) -> float:
    """Return the momentum of running statistics as a float, from 0 to 1."""
    found = number(where, "momentum", value)
    if not 0 <= found <= 1:
        raise ValueError(
            f"{where}: momentum must be in 0..1, got {found}. Give a number such as 0.9."
        )
    return found


def epsilon(where: str, value: Any, dtype: np.dtype[Any] = FLOAT64) -> float:
    """Return what keeps a variance from 0 as a float; it must be above 0 and finite in dtype."""
    found = number(where, "eps", value)
    if not 0 < dtype.type(min(found, 1)) or not found <= LARGEST[dtype.itemsize]:
        raise ValueError(
            f"{where}: eps must be above 0 and finite in {dtype.name}, got {found}. "
            "Give a number such as 1e-6."
        )
    return found


def together(where: str, name: str, value: Any, other: str, companion: Any) -> None:
    """Check that both of two arguments are given, or neither."""
    if (value is None) != (companion is None):
        given, missing = (other, name) if value is None else (name, other)
        raise TypeError(
            f"{where}: {missing} must be given where {given} is, got None. Give both, or neither."
        )


def same_features(where: str, name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Check that an array of features, such as beta, has the length of gamma."""
    if np.shape(array) != shape:
        raise ValueError(
            f"{where}: {name} must have shape {shape}, got {name}.shape={np.shape(array)}. "
            "Give one number for each feature."
        )


def normalized(
    where: str, name: str, shape: tuple[int, ...], found: int, gamma: tuple[int, ...]
) -> None:
    """Check that samples have as many features as gamma (D,)."""
    if (found,) != gamma:
        raise ValueError(
            f"{where}: {name} must have {gamma[0]} features to match gamma {gamma}, got "
            f"{name}.shape={shape}. Give samples of {gamma[0]} numbers."
        )


def indices(
    where: str, value: ArrayLike, W: tuple[int, ...], name: str = "idx"
) -> NDArray[np.int64]:
    """Return row numbers of W (V, H) as a fresh int64 array of any shape."""
    found = array(where, name, value)
    if found.dtype.kind not in "iu" and found.size:
        raise TypeError(
            f"{where}: {name} must be integers, got {_kind(value, found)}. "
            f"Convert it with {name}.astype(int)."
        )
    result = found.astype(INT64, "C")
    bad = result.view(UINT64) >= W[0]  # negative ones are huge
    if bad.any():
        i = tuple(int(k) for k in np.argwhere(bad)[0])
        raise IndexError(
            f"{where}: {name} must be in 0..{W[0] - 1} for W {W}, got "
            f"{name}[{', '.join(map(str, i)) or '()'}]={found[i]}. Count rows from 0."
        )
    return result


def axis(where: str, value: Any, shape: tuple[int, ...] | None = None) -> int:
    """Return an axis as an int; where a shape is given, one of its axes, counted from 0."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{where}: axis must be a whole number, got {_shown(value)}. Give an int.")
    if shape is None:
        return int(value)
    if not -len(shape) <= value < len(shape):
        raise ValueError(
            f"{where}: axis must be one of x, got {value} for x.shape={shape}. "
            "Give x more dimensions, or another axis."
        )
    return int(value) % len(shape)


def summed(where: str, shape: tuple[int, ...], axis: int) -> None:
    """Check that there is something to sum."""
    if shape[axis] == 0:
        raise ValueError(
            f"{where}: x must have an entry along axis {axis}, got x.shape={shape}. "
            "Give one or more."
        )


def broadcast(where: str, x: tuple[int, ...], y: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape to which two shapes broadcast."""
    try:
        return np.broadcast_shapes(x, y)
    except ValueError:
        raise ValueError(
            f"{where}: y must have a shape that broadcasts with x {x}, got y.shape={y}. "
            "Make their lengths equal, or 1."
        ) from None


def strength(where: str, value: Any, dtype: np.dtype[Any]) -> Any:
    """Return a penalty's strength as a kernel's scalar; it must not be negative."""
    found = number(where, "strength", value)
    if not 0 <= found <= LARGEST[dtype.itemsize]:
        raise ValueError(
            f"{where}: strength must be finite in {dtype.name} and not negative, got {found}. "
            "Give a number such as 0.01."
        )
    return found if dtype is FLOAT64 else dtype.type(found)


def matrix_shape(where: str, value: Any) -> tuple[int, int]:
    """Return the shape of weights, (D, M), as two whole numbers of at least 1."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{where}: shape must be (D, M), got {_shown(value)}. Give two ints.")
    return count(where, "shape", value[0]), count(where, "shape", value[1])


# --------------------------------------------------------------------------- the textbooks' classes


def sizes(where: str, name: str, value: Any) -> list[int]:
    """Return a list of whole numbers of at least 1; it may be empty."""
    if not isinstance(value, (list, tuple)):
        raise TypeError(
            f"{where}: {name} must be a list of whole numbers, got {_shown(value)}. "
            "Give one for each hidden layer, such as [100, 100]."
        )
    return [count(where, f"{name}[{i}]", size) for i, size in enumerate(value)]


def members(where: str, name: str, value: Any, needed: tuple[str, ...]) -> None:
    """Check that an object has what is needed of it."""
    for member in needed:
        if isinstance(value, type) or not hasattr(value, member):
            raise TypeError(
                f"{where}: {name} must be an object with {', '.join(needed)}, got {_shown(value)}. "
                "Make one of a class that has these."
            )


def equally_long(where: str, given: dict[str, ArrayLike]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return samples and targets, given by their names, as arrays: one target for each sample."""
    x, t = (array(where, name, value) for name, value in given.items())
    if x.ndim == 0 or t.ndim == 0 or len(x) == 0 or len(x) != len(t):
        first, second = given
        raise ValueError(
            f"{where}: {second} must have a target for each sample, and {first} a sample, got "
            f"{first}.shape={x.shape} and {second}.shape={t.shape}. Give equally many."
        )
    return x, t


def options(where: str, name: str, value: Any, kind: type) -> None:
    """Check that value is a dict of arguments that a class takes."""
    known = inspect.signature(kind).parameters
    if not isinstance(value, dict) or not value.keys() <= known.keys():
        raise TypeError(
            f"{where}: {name} must be a dict of arguments of {kind.__name__} "
            f"({', '.join(known)}), got {_shown(value)}. Give a dict such as {{'lr': 0.01}}."
        )


def no_matplotlib(where: str, error: ImportError) -> ImportError:
    """Return the error for matplotlib that cannot be imported."""
    return ImportError(
        f"{where}: matplotlib must be installed, got {str(error)!r}. "
        "Run pip install 'fastnet-numba[plot]'."
    )
