"""Gradients by their definition: central differences, descent along them, and a check of others."""

from collections.abc import Callable
from typing import Any

import numpy as np


def numerical_diff(f: Callable, x: Any) -> Any:
    """Return (f(x + h) - f(x - h)) / 2h, the derivative of f at x; of each element of an array."""
    x = np.asarray(x)
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    h = _steps(x).astype(x.dtype)
    return (f(x + h) - f(x - h)) / (h + h)


def numerical_gradient(f: Callable, x: np.ndarray) -> np.ndarray:
    """Return the gradient of f(x), a number: x is changed in place, an element at a time."""
    return _gradient(f, x)


def _gradient(f: Callable, x: np.ndarray, least: float = 1e-4) -> np.ndarray:
    grad, steps = np.zeros_like(x), _steps(x, least)
    for i in np.ndindex(x.shape):
        kept, h = x[i], steps[i]
        try:
            x[i] = kept + h
            above = float(f(x))
            x[i] = kept - h
            grad[i] = (above - float(f(x))) / (2 * h)
        finally:
            x[i] = kept
    return grad


def gradient_descent(
    f: Callable, init_x: np.ndarray, lr: float = 0.01, step_num: int = 100
) -> tuple[np.ndarray, np.ndarray]:
    """Step down the numerical gradient, in place; return x and the points before each step."""
    x, path = init_x, []
    for _ in range(step_num):
        path.append(x.copy())
        x -= lr * numerical_gradient(f, x)
    return x, np.array(path)


def gradient_check(model: Any, x: np.ndarray, t: np.ndarray) -> dict[str, float]:
    """Return, by name, how far each array of model.gradient is from the numerical gradient.

    The largest difference, over the largest element of either.
    """
    exact, numerical = model.gradient(x, t), model.numerical_gradient(x, t)
    if not isinstance(exact, dict):
        names = [
            f"layers[{k}].{'Wb'[i]}"
            for k, layer in enumerate(model.layers)
            for i in range(len(layer.params))
        ]
        exact, numerical = (dict(zip(names, g, strict=True)) for g in (exact, numerical))
    return {
        key: float(
            np.abs(exact[key] - numerical[key]).max()
            / max(np.abs(exact[key]).max(), np.abs(numerical[key]).max(), 1e-300)
        )
        for key in exact
    }


def _steps(x: np.ndarray, least: float = 1e-4) -> np.ndarray:
    """Return a step for each element of x.

    The least, the textbook's 1e-4, where that is at least the cube root of eps times max(1, |x|),
    which is in float64 up to |x| = 16; else the power of two above that.
    """
    size = np.where(np.isfinite(x), np.abs(x), 1).astype(np.float64)
    scale = np.cbrt(np.finfo(x.dtype.type).eps, dtype=np.float64) * np.maximum(size, 1)
    return np.where(scale <= least, least, np.ldexp(1.0, np.frexp(scale)[1]))
