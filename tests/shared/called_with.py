"""A call of everything that takes arrays, with the layouts and dtypes that arrays have."""

import pickle
from functools import partial

import numpy as np
from made_layers import read_only

from fastnet import functions, layers, losses, optimizer, penalties

T = np.array([0, 3, 1, 2, 2, 0])
N, D = 6, 4


def weights(dtype=np.float64):
    rng = np.random.default_rng(5)
    return rng.standard_normal((D, D)).astype(dtype), rng.standard_normal(D).astype(dtype)


def scales(dtype=np.float64):
    b = weights(dtype)[1]
    return b, b[::-1].copy()


def function(f):
    return lambda x, dout, dtype: [f(x)]


def layer(make):
    """Call both ways; return all that comes out, gradients as copies."""

    def call(x, dout, dtype):
        made = make(dtype)
        results = [made.forward(x), made.backward(dout)]
        return results + [grad.copy() for grad in made.grads]

    return call


def loss(make):
    def call(x, dout, dtype):
        made = make()
        return [made.forward(x, T), made.backward()]

    return call


def of_targets(make, change):
    """Call a loss with targets that fit it, made of dout."""

    def call(x, dout, dtype):
        made = make()
        return [made.forward(x, change(dout)), made.backward()]

    return call


def given(dout):
    return dout


def signs(dout):
    return np.where(np.asarray(dout) > 0, 1, -1).astype(np.int8)


def yes_or_no(dout):
    return np.asarray(dout) > 0


def weighted(x, dout, dtype):
    made = losses.WeightedLosses([losses.MeanSquaredError(), losses.MeanAbsoluteError()], [1, 2])
    return [made.forward([x, dout], [dout, x]), *made.backward()]


def sgd(x, dout, dtype):
    W = np.ones((N, D), dtype)
    optimizer.SGD(lr=0.1).update([W], [dout])
    return [W]


def updated(make):
    """Do two updates: the second finds states."""

    def call(x, dout, dtype):
        W, made = np.ones((N, D), dtype), make(clip_norm=1.0)
        made.update([W], [dout])
        made.update([W], [dout])
        return [W]

    return call


UPDATES = {
    kind.__name__: updated(kind)
    for kind in vars(optimizer).values()
    if isinstance(kind, type) and kind not in (optimizer.Optimizer, optimizer.SGD)
} | {"SGD": sgd, "SGD with a limit": updated(optimizer.SGD)}


def dense(activation):
    def make(dtype):
        made = layers.Dense(D, activation=activation)
        made.build(D, np.random.default_rng(0), dtype)
        return made

    return make


ACTIVATIONS = [*layers.activations.__all__, *layers.gates.__all__]
PENALTIES = ["l1_penalty", "l1_penalty_gradient", "l2_penalty", "l2_penalty_gradient"]


def repeat(x, dout, dtype):
    made = layers.Repeat(2, axis=1)
    return [made.forward(x), made.backward(np.concatenate([dout, dout], axis=1))]


def sum_of(x, dout, dtype):
    made = layers.Sum()
    return [made.forward(x), made.backward(dout[:1])]


def two(kind):
    def call(x, dout, dtype):
        made = kind()
        return [made.forward(x, dout), *made.backward(dout)]

    return call


def of_steps(make, forward, backward):
    """Call a layer of sequences: x and dout are one of six steps, or six of one."""

    def call(x, dout, dtype):
        made = make(dtype)
        results = [made.forward(*forward(x, dout)), made.backward(*backward(x, dout))]
        flat = [each for one in results for each in (one if type(one) is tuple else (one,))]
        return [each for each in flat if each is not None] + [grad.copy() for grad in made.grads]

    return call


def negative_sampling(dtype):
    W, rng = weights(dtype)[0], np.random.default_rng(0)
    return layers.NegativeSamplingLoss(W, [0, 1, 2, 3], sample_size=2, rng=rng)


SEQUENCES = {
    "TimeEmbedding": of_steps(
        lambda dtype: layers.TimeEmbedding(weights(dtype)[0]),
        lambda x, dout: [[T]],
        lambda x, dout: [[dout]],
    ),
    "TimeAffine": of_steps(
        lambda dtype: layers.TimeAffine(*weights(dtype)),
        lambda x, dout: [[x]],
        lambda x, dout: [[dout]],
    ),
    "TimeAffine tied": of_steps(
        lambda dtype: layers.TimeAffine(weights(dtype)[0].T, weights(dtype)[1]),
        lambda x, dout: [[x]],
        lambda x, dout: [[dout]],
    ),
    "TimeDropout": of_steps(
        lambda dtype: layers.TimeDropout(rng=np.random.default_rng(0)),
        lambda x, dout: [[x]],
        lambda x, dout: [[dout]],
    ),
    "TimeSoftmaxWithLoss": of_steps(
        lambda dtype: layers.TimeSoftmaxWithLoss(),
        lambda x, dout: ([x], [T - 1]),
        lambda x, dout: (),
    ),
    "TimeSigmoidWithLoss": of_steps(
        lambda dtype: layers.TimeSigmoidWithLoss(),
        lambda x, dout: (x, yes_or_no(dout)),
        lambda x, dout: (),
    ),
    "WeightSum": of_steps(
        lambda dtype: layers.WeightSum(),
        lambda x, dout: ([x], np.asarray(dout).T[:1]),
        lambda x, dout: [dout[:1]],
    ),
    "AttentionWeight": of_steps(
        lambda dtype: layers.AttentionWeight(),
        lambda x, dout: ([x], dout[:1]),
        lambda x, dout: [np.asarray(dout).T[:1]],
    ),
    "Attention": of_steps(
        lambda dtype: layers.Attention(),
        lambda x, dout: ([x], dout[:1]),
        lambda x, dout: [dout[:1]],
    ),
    "TimeAttention": of_steps(
        lambda dtype: layers.TimeAttention(),
        lambda x, dout: ([x], [dout]),
        lambda x, dout: [[dout]],
    ),
    "EmbeddingDot": of_steps(
        lambda dtype: layers.EmbeddingDot(weights(dtype)[0]),
        lambda x, dout: (x, T),
        lambda x, dout: [np.ones(N, np.float32)],
    ),
    "NegativeSamplingLoss": of_steps(negative_sampling, lambda x, dout: (x, T), lambda x, dout: ()),
}


# Name -> call(x, dout, dtype of the parameters): all its results. x and dout are (N, D).
CALLS = {
    "sigmoid": function(functions.sigmoid),
    "relu": function(functions.relu),
    "sigmoid_grad": function(functions.sigmoid_grad),
    "relu_grad": function(functions.relu_grad),
    "softmax": function(functions.softmax),
    "cross_entropy_error": function(lambda x: functions.cross_entropy_error(x, T)),
    "softmax_loss": function(lambda x: functions.softmax_loss(x, T)),
    "Softmax": layer(lambda dtype: layers.Softmax()),
    **{name: layer(lambda dtype, name=name: getattr(layers, name)()) for name in ACTIVATIONS},
    "Gelu tanh": layer(lambda dtype: layers.Gelu("tanh")),
    "Rescaling": layer(lambda dtype: layers.Rescaling(0.5, -0.25)),
    "Dropout": layer(lambda dtype: layers.Dropout(rng=np.random.default_rng(0))),
    "BatchNormalization": layer(lambda dtype: layers.BatchNormalization(*scales(dtype))),
    "Repeat": repeat,
    "Sum": sum_of,
    "Add": two(layers.Add),
    "Multiply": two(layers.Multiply),
    **{name: function(partial(getattr(penalties, name), strength=0.5)) for name in PENALTIES},
    "MatMul": layer(lambda dtype: layers.MatMul(weights(dtype)[0])),
    "Affine": layer(lambda dtype: layers.Affine(*weights(dtype))),
    "Dense": layer(dense(None)),
    "Dense sigmoid": layer(dense("sigmoid")),
    "Dense relu": layer(dense("relu")),
    "Dense tanh": layer(dense("tanh")),
    **{kind.__name__: of_targets(kind, given) for kind in losses.LOSSES.values()},
    "SoftmaxWithLoss": loss(layers.SoftmaxWithLoss),
    "SoftmaxCrossEntropy": loss(losses.SoftmaxCrossEntropy),
    "sum_squared_error": lambda x, dout, dtype: [functions.sum_squared_error(x, dout)],
    "CategoricalHinge": loss(losses.CategoricalHinge),
    "SparseCategoricalCrossEntropy": loss(losses.SparseCategoricalCrossEntropy),
    "MeanSquaredLogarithmicError": of_targets(losses.MeanSquaredLogarithmicError, yes_or_no),
    "Poisson": of_targets(losses.Poisson, yes_or_no),
    "CategoricalCrossEntropy": of_targets(losses.CategoricalCrossEntropy, yes_or_no),
    "BinaryCrossEntropy": of_targets(losses.BinaryCrossEntropy, yes_or_no),
    "SigmoidCrossEntropy": of_targets(losses.SigmoidCrossEntropy, yes_or_no),
    "KullbackLeiblerDivergence": of_targets(losses.KullbackLeiblerDivergence, yes_or_no),
    "Hinge": of_targets(losses.Hinge, signs),
    "SquaredHinge": of_targets(losses.SquaredHinge, signs),
    "SigmoidWithLoss": of_targets(losses.SigmoidWithLoss, yes_or_no),
    "WeightedLosses": weighted,
    **SEQUENCES,
    **UPDATES,
}
PRODUCTS = {"MatMul", "Affine", "Dense", "Dense sigmoid", "Dense relu", "Dense tanh"}


PRODUCTS |= {"BatchNormalization"}


def sliced(array):
    big = np.zeros((2 * N, D + 3), array.dtype)
    big[::2, 1 : D + 1] = array
    return big[::2, 1 : D + 1]


def unaligned(array):
    memory = bytearray(1 + array.nbytes)
    memory[1:] = array.tobytes()
    found = np.frombuffer(memory, array.dtype, offset=1).reshape(array.shape)
    assert not found.flags.aligned or array.itemsize == 1
    return found


LAYOUTS = {
    "contiguous": np.copy,
    "Fortran": np.asfortranarray,
    "sliced": sliced,
    "every other column": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
    "negative strides": lambda array: array[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": read_only,
    "unaligned": unaligned,
    "byte-swapped": lambda array: array.astype(array.dtype.newbyteorder()),
    "unpickled": lambda array: pickle.loads(pickle.dumps(array)),
    "masked": np.ma.array,  # a subclass, which Numba does not take; the mask is not looked at
}


def inputs(dtype=np.float64):
    rng = np.random.default_rng(0)
    x = rng.uniform(0.05, 1.5, (N, D)).astype(dtype)  # cross_entropy_error wants it positive
    return x, rng.standard_normal((N, D)).astype(dtype)


def arrays(value):
    return [array for array in value if isinstance(array, np.ndarray)]
