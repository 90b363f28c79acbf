"""How many operations a call of the books' classes and functions is counted for."""

from types import SimpleNamespace

import numpy as np
from in_turn import with_each

from fastnet.dropin.known import CALL, KNOWN


def array(*shape):
    return np.zeros(shape)


def layer(*shapes, **named):
    return SimpleNamespace(params=[array(*shape) for shape in shapes], **named)


X, DOUT, WORDS, STEPS = array(3, 5), array(3, 7), array(4), array(2, 3, 5)
ROWS, WEIGHTS, IMAGES = array(2, 5), array(2, 3), array(2, 3, 9, 8)
DENSE, MATMUL = layer((5, 7), (7,), W=array(5, 7)), layer((5, 7))
FILTERS = SimpleNamespace(W=array(4, 3, 2, 5), stride=2)
GATES, SAMPLER = layer((5, 8), (4, 8), (8,)), SimpleNamespace(word_p=range(6))
ARRAYS = {"W": array(5, 7), "b": array(7)}
NETWORK = SimpleNamespace(params=ARRAYS)
TWO_LAYERS = SimpleNamespace(params={"W1": array(5, 7), "W2": array(7, 2), "b1": array(7)})
EACH = {"forward": [(None, X), 15 * 100], "backward": [(None, DOUT), 21 * 100]}
LIGHTLY = {"forward": [(None, X), 15 * 5], "backward": [(None, DOUT), 21 * 5]}
LOSS = {"forward": [(None, X, WORDS), 15 * 100], "backward": [(None, 1), 0]}  # a number has no size
PRODUCT = {"forward": [(DENSE, X), 3 * 5 * 7], "backward": [(DENSE, DOUT), 2 * 3 * 5 * 7]}
LEARNED = {"update": [(None, [*ARRAYS.values()], []), 42 * 100]}
LEARNED_LIGHTLY = {"update": [(None, ARRAYS, {}), 42 * 5]}
STEPPED = {"forward": [(GATES, X, X), 3 * 72 * 2], "backward": [(GATES, X, X), 3 * 72 * 2 * 2]}
OF_STEPS = {
    "forward": [(GATES, STEPS, X), 6 * 72 * 2],
    "backward": [(GATES, STEPS, X), 6 * 72 * 2 * 2],
}
ATTENDED = {"forward": [(None, STEPS, ROWS), 30 * 100], "backward": [(None, ROWS), 10 * 20 * 100]}


def now(count, *args):
    return {"now": [args, count]}


# Name -> method -> its arguments, and what is counted beside the call itself.
COSTS = {
    **dict.fromkeys(("Relu", "Sigmoid", "Softmax", "BatchNormalization"), EACH),
    **dict.fromkeys(("Dropout", "TimeDropout"), LIGHTLY),
    **dict.fromkeys(("SoftmaxWithLoss", "SigmoidWithLoss", "TimeSoftmaxWithLoss"), LOSS),
    **dict.fromkeys(("TimeSigmoidWithLoss", "EmbeddingDot", "NegativeSamplingLoss"), LOSS),
    **dict.fromkeys(("SGD", "Momentum"), LEARNED_LIGHTLY),
    **dict.fromkeys(("Nesterov", "AdaGrad", "RMSprop", "Adam"), LEARNED),
    **dict.fromkeys(("GRU", "LSTM"), STEPPED),
    **dict.fromkeys(("TimeGRU", "TimeLSTM", "TimeRNN"), OF_STEPS),
    **dict.fromkeys(("WeightSum", "AttentionWeight", "Attention"), ATTENDED),
    "TimeAttention": {**ATTENDED, "forward": [(None, STEPS, array(2, 4, 5)), 30 * 4 * 100]},
    "Affine": PRODUCT,
    "TimeAffine": PRODUCT,
    "MatMul": {"forward": [(MATMUL, X), 3 * 5 * 7], "backward": [(MATMUL, DOUT), 2 * 3 * 5 * 7]},
    "Embedding": {**EACH, "forward": [(None, WORDS), 4 * 100]},
    "TimeEmbedding": {
        "forward": [(MATMUL, X, X), 35 * 5 * 5],
        "backward": [(MATMUL, X, X), 35 * 5 * 5],
    },
    "Convolution": {
        "forward": [(FILTERS, IMAGES), 432 * 10 // 4 * 200],
        "backward": [(FILTERS, IMAGES), 2 * 432 // 4 * 30 * 200],
    },
    "TwoLayerNet": {
        "predict": [(TWO_LAYERS, X), 3 * (5 * 7 + 7 * 2)],
        "gradient": [(TWO_LAYERS, X, WORDS), 2 * 3 * (5 * 7 + 7 * 2)],
    },
    "MultiLayerNet": {"loss": [(NETWORK, X, WORDS), 35 * 20]},
    "MultiLayerNetExtend": {"loss": [(NETWORK, X, WORDS), 35 * 20]},
    "Pooling": {"forward": [(None, X), 15 * 1000], "backward": [(None, DOUT), 21 * 1000]},
    "UnigramSampler": {"get_negative_sample": [(SAMPLER, WORDS), 4 * 6 * 1000]},
    **dict.fromkeys(("sigmoid", "sigmoid_grad", "relu", "softmax"), now(15 * 100, X)),
    **dict.fromkeys(("cross_entropy_error", "sum_squared_error"), now(15 * 100, X, X)),
    "im2col": now(432 * 6 // 4 * 100, IMAGES, 2, 3, 2),
    "col2im": now(15 * 100, X),
    "clip_grads": now(36 * 5, [X, DOUT], 1.0),
    "remove_duplicate": now(36 * 5, [X, DOUT], [X, DOUT]),
    "convert_one_hot": now(4 * 50_000, WORDS, 7),
    "create_co_matrix": now(4 * 50_000, WORDS, 7),
    "create_contexts_target": now(4 * 50_000, WORDS),
    "most_similar": now(15 * 500, "a", {}, {}, X),
    "ppmi": now(15 * 50_000, X),
}


@with_each("name", KNOWN)
def test_calls_are_counted(name):
    assert COSTS[name].keys() == (KNOWN[name].methods or {"now": ""}).keys()
    for method, (args, operations) in COSTS[name].items():
        assert KNOWN[name].operations(method, args) == CALL + operations


def test_windows_of_one_step_and_a_layer_that_samples():
    assert KNOWN["im2col"].operations("now", (IMAGES, 2, 3)) == CALL + 432 * 6 * 100
    sampled = SimpleNamespace(sampler=SAMPLER)
    drawn = KNOWN["UnigramSampler"].operations("get_negative_sample", (sampled, WORDS))
    assert drawn == CALL + 4 * 6 * 1000
    assert CALL == 60_000
