"""Small examples of the second book's names of words and sequences: see examples.py."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["EXAMPLES"]

Example = Callable[[Any], Any]
RNG = np.random.default_rng(3)


def _numbers(*shape: int) -> Any:
    return RNG.uniform(-1, 1, shape).astype(np.float32)


XS, HS, STATES = _numbers(3, 4, 5), _numbers(3, 4, 5), _numbers(3, 2, 5)
W, B, TABLE, WEIGHTS = _numbers(5, 6), _numbers(6), _numbers(7, 5), _numbers(3, 4)
WORDS = np.array([[1, 0, 3, 1], [2, 5, 5, 0], [6, 1, 2, 2]])
SOME = np.array([[1, 0, 3, -1], [2, -1, 4, 0], [3, 1, 2, 2]])
CORPUS = np.array([0, 1, 2, 3, 4, 1, 5, 6, 2, 1, 3, 4, 1, 2, 3, 6, 5, 1])


def _of_steps(inputs: list[Any], dout: Any, *params: Any) -> Example:
    """Forward and backward, and what both leave in the layer, layers of steps too."""

    def example(kind: Any) -> Any:
        layer, found = kind(*[param.copy() for param in params]), []
        for _ in range(2):  # gradients may be added to those before
            found += [layer.forward(*[x.copy() for x in inputs]), copy.deepcopy(vars(layer))]
            found.append(layer.backward(*dout))
        # What backward leaves in the layers of steps is not made anew.
        return [*found, {name: held for name, held in vars(layer).items() if name != "layers"}]

    return example


def _tied(kind: Any) -> Any:
    """With a W that is the transpose of a table, and with one that is none."""
    plain = _of_steps([XS], [_numbers_of(6)], W, B)(kind)
    layer = kind(TABLE.copy().T[:, :6].copy(order="F"), B.copy())
    found = [layer.forward(XS.copy()), layer.backward(_numbers_of(6)), layer.grads]
    return [plain, found]


def _recurrent(gates: int) -> Example:
    """Two batches, of a layer that forgets and of one that goes on, from its own state or given."""

    def example(kind: Any) -> Any:
        found: list[Any] = []
        draw = np.random.default_rng(gates).uniform
        Wx, Wh, b = (draw(-1, 1, shape).astype("f") for shape in ((5, 4), (4, 4), 4))
        Wx, Wh = (
            Wx.repeat(gates, 1) * (1 + np.arange(4 * gates) / 9).astype("f"),
            Wh.repeat(gates, 1),
        )
        for stateful in (False, True):
            layer = kind(Wx.copy(), Wh.copy(), b.repeat(gates), stateful)
            for xs in (XS, HS):
                found += [layer.forward(xs.copy()), copy.deepcopy(vars(layer))]
                found += [layer.backward(_numbers_of(4)), layer.dh]
                found.append([grad.copy() for grad in layer.grads])
            layer.set_state(STATES[:, 0, :4].copy())
            found += [layer.forward(XS.copy()), layer.h, layer.backward(_numbers_of(4)), layer.dh]
            layer.reset_state()
            found.append(layer.h)
        return found

    return example


def _stepped(gates: int) -> Example:
    """A step in both dtypes, and its gradient, twice: the second goes by what is in the cache."""

    def example(kind: Any) -> Any:
        found: list[Any] = []
        draw = np.random.default_rng(gates).uniform
        params = [draw(-1, 1, shape) for shape in ((5, 4 * gates), (4, 4 * gates), 4 * gates)]
        states = [draw(-1, 1, (3, 4)) for _ in range(2 if gates == 4 else 1)]
        for dtype in ("float32", "float64"):
            layer = kind(*[param.astype(dtype) for param in params])
            given = [state.astype(dtype) for state in states]
            found += [layer.forward(XS[:, 1].astype(dtype), *given), list(layer.cache)]
            for factor in (1, 3):
                found += [layer.backward(*[(factor * state).astype(dtype) for state in states])]
                found.append([grad.copy() for grad in layer.grads])
            found.append({**vars(layer)})
        return found

    return example


def _numbers_of(width: int) -> Any:
    return np.random.default_rng(4).uniform(-1, 1, (3, 4, width)).astype(np.float32)


def _labels(kind: Any) -> Any:
    """Labels of which some do not count, and one-hot rows."""
    found: list[Any] = []
    scores = _numbers_of(6).astype(np.float64)  # its loss is float64 in either
    for ts in (SOME, np.eye(6)[np.maximum(SOME, 0)]):
        layer = kind()
        found += [layer.forward(scores.copy(), ts.copy()), list(layer.cache)]
        found += [layer.backward(0.5), {**vars(layer)}]
    return found


def _dropout(kind: Any) -> Any:
    layer = kind(0.4)
    found = [layer.forward(XS.copy()), layer.mask, layer.backward(HS.copy())]
    layer.train_flg = False
    return [*found, layer.forward(XS.copy()), {**vars(layer)}]


def _sampler(kind: Any) -> Any:
    sampler = kind(CORPUS, 0.75, 3)
    return [sampler.get_negative_sample(WORDS[i]) for i in range(3)], {**vars(sampler)}


def _sampled(kind: Any) -> Any:
    layer = kind(TABLE.astype(np.float64), CORPUS, 0.75, 2)
    h = HS[:, 0].astype(np.float64)
    found = [layer.forward(h, WORDS[:, 0]), layer.backward(0.5), layer.grads]
    return [*found, layer.embed_dot_layers, layer.loss_layers]


def _clipped(function: Any) -> Any:
    found = []
    for limit in (0.5, 5.0, 500.0):
        grads = [XS.copy(), W.copy().T, B.copy()]
        found += [function(grads, limit), grads]
    return found


def _shared(function: Any) -> Any:
    """Parameters of which none, one or a transpose stands there twice, or all but equals one."""
    found = []
    for more in ([], [W, B], [W.T.copy(), B + 1], [W.T + np.eye(*W.T.shape)[::-1], W]):
        params = [W, B, *more, XS[0]]
        grads = [param + i for i, param in enumerate(params)]
        found += [function(params, grads), params, grads]
    return found


def _counted(function: Any) -> Any:
    return [function(CORPUS, 7), function(CORPUS, 8, 3)]


def _information(function: Any) -> Any:
    C = np.array([[0, 3, 1], [3, 0, 0], [1, 0, 2]], np.int32)
    return [function(C), function(C, True), function(C.repeat(2, 0).repeat(2, 1), eps=1e-3)]


def _similar(function: Any) -> Any:
    names = ["a", "b", "c", "d", "e", "f", "g"]
    numbers = {name: i for i, name in enumerate(names)}
    for table in (TABLE, (9 * TABLE).astype(np.int32), TABLE.astype(np.float16)):
        function("c", numbers, dict(enumerate(names)), table.copy(), 3)
    return function("z", numbers, dict(enumerate(names)), TABLE)


def _contexts(function: Any) -> Any:
    return [function(CORPUS), function(CORPUS, 3)]


def _one_hot(function: Any) -> Any:
    return [function(CORPUS, 7), function(WORDS, 8)]


EXAMPLES: dict[str, Example] = {
    "TimeEmbedding": _of_steps([WORDS], [_numbers(3, 4, 5)], TABLE),
    "TimeAffine": _tied,
    "TimeDropout": _dropout,
    "GRU": _stepped(3),
    "LSTM": _stepped(4),
    "TimeGRU": _recurrent(3),
    "TimeLSTM": _recurrent(4),
    "TimeRNN": _recurrent(1),
    "TimeSoftmaxWithLoss": _labels,
    "TimeSigmoidWithLoss": _of_steps([WEIGHTS, WORDS % 2], [0.5]),
    "EmbeddingDot": _of_steps([HS[:, 0], WORDS[:, 0]], [WEIGHTS[:, 0]], TABLE),
    "UnigramSampler": _sampler,
    "NegativeSamplingLoss": _sampled,
    "WeightSum": _of_steps([HS, WEIGHTS], [STATES[:, 0]]),
    "AttentionWeight": _of_steps([HS, STATES[:, 0]], [WEIGHTS]),
    "Attention": _of_steps([HS, STATES[:, 0]], [STATES[:, 1]]),
    "TimeAttention": _of_steps([HS, STATES], [_numbers(3, 2, 5)]),
    "clip_grads": _clipped,
    "remove_duplicate": _shared,
    "convert_one_hot": _one_hot,
    "create_co_matrix": _counted,
    "create_contexts_target": _contexts,
    "most_similar": _similar,
    "ppmi": _information,
}
