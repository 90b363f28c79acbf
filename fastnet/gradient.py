"""Gradients by central differences, descent along them, and a check of a model's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnet import checks

__all__ = ["gradient_check", "gradient_descent", "numerical_diff", "numerical_gradient"]


def numerical_diff(f: Callable[[Any], Any], x: ArrayLike) -> Any:
    """Derivative of a function of one number, (f(x + h) - f(x - h)) / 2h.

    Parameters
    ----------
    f : function
        Of a number, or of an array, element by element.
    x : number, or array of any shape
        Integers become float64.

    Returns
    -------
    float for a Python number, else an array of x.shape or a scalar

    Raises
    ------
    TypeError
        f is no function, or x or f(x) holds no real numbers.
    ValueError
        f(x) has another shape than x.

    Notes
    -----
    The step h is that of `numerical_gradient`. Source: Saitoh, Deep Learning from Scratch, section
    4.3.1.

    Examples
    --------
    >>> from fastnet.gradient import numerical_diff
    >>> numerical_diff(lambda x: 0.01 * x**2 + 0.1 * x, 5)
    0.1999999999990898
    """
    where = "numerical_diff"
    checks.function(where, "f", f)
    found = checks.array(where, "x", x)
    found = found.astype(checks.result_dtype(found))
    h = _steps(found).astype(found.dtype)
    plain = type(x) in (int, float)
    sides = []
    for shifted in (found + h, found - h):
        y = checks.array(where, "f(x)", f(float(shifted) if plain else shifted))
        checks.one_each(where, y, found.shape)
        sides.append(y if y.dtype.kind == "f" else y.astype(checks.FLOAT64))
    slope = (sides[0] - sides[1]) / (h + h)  # 2 h of one float32 is a float64 before NumPy 2
    return float(slope) if plain else slope


def numerical_gradient(f: Callable[[NDArray[Any]], Any], x: NDArray[Any]) -> NDArray[Any]:
    """Gradient of a function of many numbers, by central differences in each of them.

        grad[i] = (f(x with x[i] + h) - f(x with x[i] - h)) / 2h

    Parameters
    ----------
    f : function
        Of x, giving a number. It may ignore its argument and read the array itself: a network's
        loss, where x is one of its weights.
    x : array of any shape, float16, float32 or float64
        Changed in place, an element at a time, and put back to the bit, also where f raises.

    Returns
    -------
    array of x.shape, of the dtype of x

    Raises
    ------
    TypeError
        f is no function, x is no array of floats, or f(x) is no real number.
    ValueError
        x is read-only.

    Notes
    -----
    The step h is the textbook's, 1e-4, where that is at least the cube root of the dtype's eps
    times max(1, |x[i]|): in float64 up to |x[i]| = 16. Else it is the power of two above that:
    2**-7 in float32, where 1e-4 is too small, as the rounding of f divided by 2h drowns the
    gradient. For 64-32-10 with sigmoid or tanh, on 32 rows, the worst error over the largest
    gradient is 4e-4 to 5e-4 with 2**-7, and 3e-2 with 1e-4; in float64, 2e-9. Where a step crosses
    the kink of a ReLU, the error is up to 5e-2 in float32.

    For all parameters of a `Sequential` at once, compiled and in float64 inside, call its
    `numerical_gradient(x, t)`. Source: Saitoh, Deep Learning from Scratch, section 4.4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.gradient import numerical_gradient
    >>> x = np.array([3.0, 4.0])
    >>> numerical_gradient(lambda x: x[0] ** 2 + x[1] ** 2, x)
    array([6., 8.])
    """
    where = "numerical_gradient"
    checks.function(where, "f", f)
    checks.changeable(where, "x", x)
    return _gradient(where, f, x)


def gradient_descent(
    f: Callable[[NDArray[Any]], Any],
    init_x: NDArray[Any],
    lr: float = 0.01,
    step_num: int = 100,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Step down the numerical gradient of a function, x -= lr * grad.

    Parameters
    ----------
    f : function
        Of an array, giving a number.
    init_x : array of any shape, float16, float32 or float64
        Where to start. Changed in place, as in the textbook: give a copy to keep it.
    lr : float
    step_num : int

    Returns
    -------
    x : array
        init_x itself, after the last step.
    path : (step_num, ...)
        The points before each step, the first of them the start.

    Raises
    ------
    TypeError, ValueError
        An argument is of another kind, or out of range, or f(x) is no real number. Where f raises,
        init_x stays at the last step.

    Notes
    -----
    Source: Saitoh, Deep Learning from Scratch, section 4.4.1 and ch04/gradient_method.py.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.gradient import gradient_descent
    >>> x, path = gradient_descent(lambda x: np.sum(x**2), np.array([-3.0, 4.0]), lr=0.1)
    >>> x
    array([-6.11110793e-10,  8.14814391e-10])
    >>> path[:2]
    array([[-3. ,  4. ],
           [-2.4,  3.2]])
    """
    where = "gradient_descent"
    checks.function(where, "f", f)
    checks.changeable(where, "init_x", init_x)
    lr = checks.learning_rate(where, lr, [init_x.dtype])
    step_num = checks.count(where, "step_num", step_num)
    x = init_x
    path = np.empty((step_num, *x.shape), x.dtype)
    for point in path.reshape(step_num, -1):
        point[...] = x.ravel()
        x -= lr * _gradient(where, f, x)
    return x, path


def gradient_check(model: Any, x: ArrayLike, t: ArrayLike) -> dict[str, float]:
    """Compare a model's gradient with the one by definition.

        error of an array = largest |gradient - numerical| / largest of |gradient|, |numerical|

    Parameters
    ----------
    model : Sequential, TwoLayerNet, or an object with these
        `params`, a list or dict of arrays; `loss(x, t)` or `forward(x, t)`, a number;
        `gradient(x, t)`, or `backward()` that fills `grads`, like params. Of other models than
        Sequential, each array of params is changed in place and put back.
    x, t
        A few samples and their targets, as the model takes them.

    Returns
    -------
    dict of float
        By the keys of params; of a list by `layers[k].W`, where layers has the array, else
        `params[i]`. 0 where both gradients are 0, NaN where one holds NaN.

    Raises
    ------
    TypeError
        The model lacks one of these.
    ValueError
        Its loss differs from call to call; its gradients do not fit params.

    Notes
    -----
    The step is the power of two above the cube root of eps times max(1, |p|): 2**-17 in float64 for
    |p| up to 1, as a smaller one than `numerical_gradient` takes meets fewer kinks of ReLU; where
    it meets one, an element can be far off, for another batch another. Otherwise a right gradient
    is within 1e-8 or so in float64, 1e-6 where the loss is the textbook's with 1e-7 in its
    logarithm, 1e-5 for a float32 `Sequential`, whose numerical gradient is computed in float64, and
    1e-2 for other models in float32. A wrong sign or index gives 0.1 to 2.

    Source: Saitoh, Deep Learning from Scratch, section 5.7.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.gradient import gradient_check
    >>> from fastnet.layers import Dense
    >>> from fastnet.models import Sequential
    >>> model = Sequential([Dense(8, activation="tanh"), Dense(3)], dtype="float64", seed=0)
    >>> errors = gradient_check(model, np.eye(4), np.array([0, 1, 2, 0]))
    >>> list(errors)
    ['layers[0].W', 'layers[0].b', 'layers[1].W', 'layers[1].b']
    >>> max(errors.values()) < 1e-7
    True
    """
    where = "gradient_check"
    loss, gradient = checks.derivable(where, model)
    checks.repeatable(where, loss(x, t), loss(x, t))
    if gradient is not None:
        found = gradient(x, t)
    else:
        model.backward()  # of the second loss
        found = model.grads
    params = model.params
    exact = {
        key: np.array(grad, checks.FLOAT64)
        for (key, _, grad, _) in checks.pairs(where, params, found)
    }
    if hasattr(type(model), "parameter_vector"):  # a Sequential: compiled
        numerical = model.numerical_gradient(x, t)
    else:
        for key in exact:
            checks.changeable(where, f"params[{key!r}]", params[key])
        numerical = {key: _gradient(where, lambda _: loss(x, t), params[key], 0) for key in exact}
    names = dict(zip(exact, exact, strict=True))
    if not isinstance(params, dict):
        names = {i: _name(model, i, array) for i, array in enumerate(params)}
    return {name: _error(exact[key], numerical[key]) for key, name in names.items()}


@functools.cache  # it takes 3 us
def _root(dtype: np.dtype[Any]) -> Any:
    """Return the cube root of the precision of floats."""
    return np.cbrt(np.finfo(dtype).eps, dtype=checks.FLOAT64)


def _steps(x: NDArray[Any], least: float = 1e-4) -> NDArray[np.float64]:
    """Return the step of a central difference for each element, see `numerical_gradient`."""
    size = np.where(np.isfinite(x), np.abs(x), 1).astype(checks.FLOAT64)
    scale = _root(x.dtype) * np.maximum(size, 1)
    # A power of two, so that x + h and x - h are rounded little: in float32 1 + 0.005 is by 1e-5
    # of the step.
    return np.where(scale <= least, least, np.ldexp(1.0, np.frexp(scale)[1]))


def _gradient(
    where: str, f: Callable[[NDArray[Any]], Any], x: NDArray[Any], least: float = 1e-4
) -> NDArray[Any]:
    """Return `numerical_gradient` of what was checked."""
    grad, steps = np.zeros(x.shape, x.dtype), _steps(x, least)
    for i in np.ndindex(x.shape):
        kept, h = x[i], steps[i]
        try:
            x[i] = kept + h
            above = checks.number(where, "f(x)", f(x))
            x[i] = kept - h
            grad[i] = (above - checks.number(where, "f(x)", f(x))) / (2 * h)
        finally:
            x[i] = kept
    return grad


def _name(model: Any, i: int, array: NDArray[Any]) -> str:
    """Return what an entry of a model's list of params is called in its layers."""
    layers = getattr(model, "layers", None)
    for k, layer in enumerate(layers if isinstance(layers, (list, tuple)) else ()):
        for name in ("W", "b", "gamma", "beta"):
            if getattr(layer, name, None) is array:
                return f"layers[{k}].{name}"
    return f"params[{i}]"


def _error(exact: NDArray[Any], numerical: NDArray[Any]) -> float:
    """Return the largest difference of two arrays over their largest element; 0 for zeros."""
    largest = max(np.abs(exact).max(initial=0), np.abs(numerical).max(initial=0))
    if largest == 0:
        return 0.0
    with np.errstate(invalid="ignore"):  # of infinities
        return float(np.abs(exact - numerical).max() / largest)
