"""Functions of arrays: the activations, softmax and the textbook's errors."""

import numpy as np


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), any shape.

    Examples
    --------
    >>> float(sigmoid(0.0))
    0.5
    """
    return 1 / (1 + np.exp(-x))


def relu(x: np.ndarray) -> np.ndarray:
    """Return max(0, x), any shape; NaN stays NaN.

    Examples
    --------
    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.maximum(0, x)


def sigmoid_grad(x: np.ndarray) -> np.ndarray:
    """Return (1 - sigmoid(x)) * sigmoid(x), any shape.

    Examples
    --------
    >>> float(sigmoid_grad(0.0))
    0.25
    """
    return (1 - sigmoid(x)) * sigmoid(x)


def relu_grad(x: np.ndarray) -> np.ndarray:
    """Return 1 where x >= 0, else 0, any shape.

    Examples
    --------
    >>> relu_grad(np.array([-1.0, 0.0, 2.0]))
    array([0., 1., 1.])
    """
    return np.where(x >= 0, np.ones_like(x), 0)


def step_function(x: np.ndarray) -> np.ndarray:
    """Return 1 where x > 0, else 0, any shape.

    Examples
    --------
    >>> step_function(np.array([-1.0, 0.0, 2.0]))
    array([0, 0, 1])
    """
    return np.array(x > 0, dtype=int)


def identity_function(x: np.ndarray) -> np.ndarray:
    """Return x.

    Examples
    --------
    >>> identity_function(2.0)
    2.0
    """
    return x


def softmax(x: np.ndarray) -> np.ndarray:
    """Return exp(x) / sum(exp(x)) over the last axis.

    Subtracting the largest entry changes nothing but keeps exp from overflowing.

    Examples
    --------
    >>> softmax(np.zeros(4))
    array([0.25, 0.25, 0.25, 0.25])
    """
    y = np.exp(x - np.max(x, axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    return y


def cross_entropy_error(y: np.ndarray, t: np.ndarray) -> float:
    """Return the mean over rows of -log(y[n, t[n]] + 1e-7), or of -sum(t[n] log(y[n] + 1e-7)).

    y holds probabilities, (N, C) or (C,); t holds labels (N,), one-hot rows or probabilities. The
    1e-7 keeps log(0) away, so the least loss is -1e-7, not 0.

    Examples
    --------
    >>> round(float(cross_entropy_error(np.array([[0.1, 0.6, 0.3]]), np.array([1]))), 4)
    0.5108
    """
    if y.ndim == 1:
        y = y.reshape(1, -1)
        t = np.reshape(t, (1, -1))
    n = len(y)
    if _are_soft(t, y):
        return -np.sum(t * np.log(y + 1e-7)) / n
    return -np.sum(np.log(y[np.arange(n), _labels(t, y)] + 1e-7)) / n


def softmax_loss(x: np.ndarray, t: np.ndarray) -> float:
    """Return the cross entropy error of softmax(x), of logits (N, C) or (C,).

    Examples
    --------
    >>> round(float(softmax_loss(np.zeros((2, 3)), np.array([0, 2]))), 4)
    1.0986
    """
    return cross_entropy_error(softmax(x), t)


def sum_squared_error(y: np.ndarray, t: np.ndarray) -> float:
    """Return 0.5 * sum((y - t)**2), any shape.

    Examples
    --------
    >>> float(sum_squared_error(np.array([0.0, 3.0]), np.array([1.0, 1.0])))
    2.5
    """
    return 0.5 * np.sum((y - t) ** 2)


def _are_soft(t: np.ndarray, y: np.ndarray) -> bool:
    """Tell whether t holds probabilities, rows that are not all one-hot."""
    return t.shape == y.shape and t.dtype.kind == "f" and bool((t.max(axis=-1) != 1).any())


def _labels(t: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Class indices of t, which holds labels or, being as large as y, one-hot rows."""
    return t.argmax(axis=1) if t.shape == y.shape else t.reshape(-1)


def im2col(
    input_data: np.ndarray, filter_h: int, filter_w: int, stride: int = 1, pad: int = 0
) -> np.ndarray:
    """Return the windows of images (N, C, H, W), one a row.

    Examples
    --------
    >>> im2col(np.arange(4.0).reshape(1, 1, 2, 2), 2, 1)
    array([[0., 2.],
           [1., 3.]])
    """
    n, c, height, width = input_data.shape
    down = (height + 2 * pad - filter_h) // stride + 1
    right = (width + 2 * pad - filter_w) // stride + 1
    x = input_data if input_data.dtype.kind == "f" else input_data.astype(float)
    source = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    seen = np.lib.stride_tricks.sliding_window_view(source, (filter_h, filter_w), axis=(2, 3))
    seen = seen[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)
    return seen.reshape(n * down * right, c * filter_h * filter_w)


def col2im(
    col: np.ndarray,
    input_shape: tuple[int, ...],
    filter_h: int,
    filter_w: int,
    stride: int = 1,
    pad: int = 0,
) -> np.ndarray:
    """Return images in which each window was added where it lay.

    Examples
    --------
    >>> col2im(np.ones((2, 2)), (1, 1, 3, 1), 2, 1)
    array([[[[1.],
             [2.],
             [1.]]]])
    """
    n, c, height, width = input_shape
    x = col if col.dtype.kind == "f" else col.astype(float)
    source = np.zeros((n, c, height + 2 * pad, width + 2 * pad), x.dtype)
    down = (height + 2 * pad - filter_h) // stride + 1
    right = (width + 2 * pad - filter_w) // stride + 1
    parts = x.reshape(n, down, right, c, filter_h, filter_w).transpose(0, 3, 1, 2, 4, 5)
    for y in range(filter_h):
        for z in range(filter_w):
            stops = y + stride * (down - 1) + 1, z + stride * (right - 1) + 1
            source[:, :, y : stops[0] : stride, z : stops[1] : stride] += parts[..., y, z]
    return source[:, :, pad : pad + height, pad : pad + width]
