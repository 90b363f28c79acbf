"""Small examples that the script's own class or function and fastnet's must answer alike."""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnet.dropin import sequence_examples

__all__ = ["EXAMPLES", "OF_TARGETS", "alike", "outcome"]

Example = Callable[[Any], Any]
# 3 samples of 4 features, 2 outputs; odd numbers, lest two mistakes cancel.
X = np.array([[0.3, -1.2, 2.1, 0.0], [1.7, 0.4, -0.6, 0.9], [-2.3, 0.8, 0.2, -0.1]])
W = np.array([[0.5, -0.3], [1.1, 0.7], [-0.9, 0.2], [0.6, -1.3]])
B = np.array([0.25, -0.75])
DOUT = np.array([[0.4, -0.7], [1.3, 0.2], [-0.8, 0.5]])
BITS = np.array([1, 0, 0, 1])
PIXELS = np.sin(np.arange(120.0)).reshape(2, 3, 5, 4)
FILTERS, SHIFTS = np.cos(np.arange(72.0)).reshape(4, 3, 3, 2), np.array([0.1, -0.2, 0.3, -0.4])
LABELS, ONE_HOT = np.array([1, 0, 1]), np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])


def _layer(x: Any, dout: Any, *params: Any) -> Example:
    """Forward and backward, and what both leave; twice: gradients may be added to those before."""

    def example(kind: Any) -> Any:
        layer, found = kind(*[param.copy() for param in params]), []
        for order in (slice(None), slice(None, None, -1)):
            found += [layer.forward(x[order].copy()), copy.deepcopy(vars(layer))]
            found += [layer.backward(dout.copy()), copy.deepcopy(vars(layer))]
        return found

    return example


def _binary_loss(kind: Any) -> Any:
    layer = kind()
    return layer.forward(X[0].copy(), BITS.copy()), dict(vars(layer)), layer.backward(2.0)


def _loss(*targets: Any) -> Example:
    def example(kind: Any) -> Any:
        found: list[Any] = []
        for t in targets:
            layer = kind()
            found += [layer.forward(DOUT.copy(), t.copy()), dict(vars(layer))]
            found += [layer.backward(), layer.backward(2.0)]
        return found

    return example


def _in_training(*params: Any) -> Example:
    """Three calls forward, one backward and one after training, of matrices and of four axes."""

    def example(kind: Any) -> Any:
        found: list[Any] = []
        for shape in ((3, 4), (3, 1, 2, 2)):
            layer = kind(*[param.copy() for param in params])
            for x in (X, X[::-1], X + 1):
                found += [layer.forward(x.copy().reshape(shape), True), dict(vars(layer))]
            for _ in range(2):
                found += [layer.backward(X.copy().reshape(shape)), dict(vars(layer))]
                layer.forward(X.copy().reshape(shape), True)
            found += [layer.forward(X.copy().reshape(shape), False), dict(vars(layer))]
        return found

    return example


def _network(*more: Any, **options: Any) -> Example:
    """Losses with weight decay and without, in both ways to give targets."""

    def example(kind: Any) -> Any:
        found: list[Any] = []
        for decay in (0, 0.3):
            np.random.seed(5)  # noqa: NPY002  which `outcome` puts back
            network = kind(4, [3, 2], 2, weight_decay_lambda=decay, **options)
            network.params["W2"] += np.arange(6.0).reshape(3, 2)
            for t in (LABELS, ONE_HOT):
                found += [network.loss(X.copy(), t.copy()), network.loss(X.copy(), t.copy(), *more)]
        return [*found, vars(network)]

    return example


def _two_layers(kind: Any) -> Any:
    """Predictions and gradients, in which every weight counts, and the order of these."""
    network = kind(4, 3, 2)
    for i, (name, array) in enumerate(sorted(network.params.items())):
        network.params[name] = array + np.sin(i + np.arange(float(array.size))).reshape(array.shape)
    grads = network.gradient(X.copy(), ONE_HOT.copy())
    return [network.predict(X.copy()), grads, list(grads), dict(vars(network))]


def _windows(function: Any) -> Any:
    """Windows of images in both dtypes, of several sizes."""
    given = PIXELS, PIXELS.astype(np.float32)
    return [function(x, *sizes) for x in given for sizes in ((2, 3), (3, 2, 2, 1))]


def _summed(function: Any) -> Any:
    """Sums of windows in both dtypes; of a gradient of pooling, which has other axes."""
    shape, rows = PIXELS.shape, np.cos(np.arange(324.0)).reshape(18, 18)
    given = rows, rows.astype(np.float32), rows.reshape(2, 9, 3, 6)
    return [function(col, shape, 3, 2, 2, 1) for col in given]


def _images(*arguments: tuple[Any, ...]) -> Example:
    """Layers of images, made in several ways, in both dtypes and orders of memory."""

    def example(kind: Any) -> Any:
        found: list[Any] = []
        for made_of in arguments:
            for x in (PIXELS, PIXELS.astype(np.float32), PIXELS.transpose(0, 1, 3, 2)):
                # A W and b of that dtype, so that it shows whether the layer keeps it.
                own = [a.astype(x.dtype) if isinstance(a, np.ndarray) else a for a in made_of]
                layer = kind(*own)
                for _ in range(2):
                    out = layer.forward(x)
                    found += [out, dict(vars(layer))]
                    found += [layer.backward(np.cos(out)), dict(vars(layer))]
        return found

    return example


def _updates(kind: Any) -> Any:
    """Three updates of a dict, or where the own class takes none, of a list; and the state."""
    for keys in (["W", "b"], [0, 1]):
        params: Any = dict(zip(keys, (W.copy(), B.copy()), strict=True))
        grads: Any = dict(zip(keys, (W - 1.0, B + 1.0), strict=True))
        if keys[0] == 0:
            params, grads = list(params.values()), list(grads.values())
        optimizer = kind()
        try:
            for _ in range(3):
                optimizer.update(params, grads)
        except (AttributeError, IndexError, KeyError, TypeError):
            continue
        return [params[key] for key in keys], vars(optimizer)
    raise TypeError("update takes neither dicts nor lists")


def _function(*calls: tuple[Any, ...]) -> Example:
    return lambda function: [function(*[value.copy() for value in call]) for call in calls]


PROBABILITIES = np.array([[0.2, 0.8], [0.9, 0.1], [0.6, 0.4]])
EXAMPLES: dict[str, Example] = {
    "Affine": _layer(X, DOUT, W, B),
    "MatMul": _layer(X, DOUT, W),
    "Embedding": _layer(LABELS, DOUT, W),
    "Relu": _layer(X, X[::-1]),
    "Sigmoid": _layer(X, X[::-1]),
    "Softmax": _layer(X, X[::-1]),
    "SoftmaxWithLoss": _loss(LABELS, ONE_HOT),
    "SigmoidWithLoss": _binary_loss,
    "Dropout": _in_training(),
    "BatchNormalization": _in_training(W[:, 0], W[:, 1]),
    "Convolution": _images((FILTERS, SHIFTS), (FILTERS, SHIFTS, 2, 1)),
    "Pooling": _images((2, 2), (3, 2, 1)),
    "MultiLayerNet": _network(),
    "MultiLayerNetExtend": _network(True, use_dropout=True, use_batchnorm=True),
    "TwoLayerNet": _two_layers,
    "im2col": _windows,
    "col2im": _summed,
    "SGD": _updates,
    "Momentum": _updates,
    "Nesterov": _updates,
    "AdaGrad": _updates,
    "RMSprop": _updates,
    "Adam": _updates,
    "sigmoid": _function((X,), (B,)),
    "sigmoid_grad": _function((X,), (B,)),
    "relu": _function((X,), (B,)),
    "softmax": _function((X,), (B,)),
    "cross_entropy_error": _function((PROBABILITIES, LABELS), (PROBABILITIES, ONE_HOT)),
    "sum_squared_error": _function((PROBABILITIES, ONE_HOT), (B, PROBABILITIES[0])),
    **sequence_examples.EXAMPLES,
}


# Of what takes labels alone, or one-hot rows alone, as both stand in the first book's text: the
# axes of its targets -> the example.
OF_TARGETS: dict[str, dict[int, Example]] = {
    "SoftmaxWithLoss": {2: _loss(ONE_HOT), 1: _loss(LABELS)},
    "cross_entropy_error": {
        2: _function((PROBABILITIES, ONE_HOT)),
        1: _function((PROBABILITIES, LABELS)),
    },
}


CLOSE = {8: (1e-9, 1e-12), 4: (1e-5, 1e-6), 2: (1e-3, 1e-3)}  # bytes of a number -> tolerances


def outcome(example: Example, kind: Any) -> Any:
    """Return what the example gives, and what it prints: NumPy's global generator is put back."""
    state = np.random.get_state()  # noqa: NPY002
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return example(kind), printed.getvalue()
    finally:
        np.random.set_state(state)  # noqa: NPY002


def alike(own: Any, ours: Any) -> bool:
    """Tell whether all numbers agree, with their dtypes, to 1e-9, of float32 to 1e-5.

    An object may have more in it; one of the script's own classes is looked into.
    """
    if isinstance(own, (list, tuple)):
        same = isinstance(ours, (list, tuple)) and len(own) == len(ours)
        return same and all(map(alike, own, ours))
    if isinstance(own, dict):
        return isinstance(ours, dict) and all(k in ours and alike(own[k], ours[k]) for k in own)
    if isinstance(own, (np.ndarray, np.generic, float)):
        a, b = np.asarray(own), np.asarray(ours)
        same = a.shape == b.shape and a.dtype == b.dtype
        return (
            same
            and (a.dtype.kind not in "f" or _are_close(a, b))
            and (a.dtype.kind == "f" or bool((a == b).all()))
        )
    if type(own) is type(ours) and hasattr(own, "__dict__") and not callable(own):
        return alike(vars(own), vars(ours))
    return bool(own is ours or own == ours)


def _are_close(a: Any, b: Any) -> bool:
    """As np.allclose, in a third of the time where numbers are finite."""
    relative, absolute = CLOSE[a.dtype.itemsize]
    with np.errstate(invalid="ignore"):
        close = (abs(a - b) <= absolute + relative * abs(b)).all()
    return bool(close) or np.allclose(a, b, relative, absolute)
