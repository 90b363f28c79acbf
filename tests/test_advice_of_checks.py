"""The advice of the other errors, each beside a call that follows it. The rest: advice/."""

import numpy as np
import pytest

from fastnet import gradient, initializers, optimizer, schedules
from fastnet.functions import softmax, sum_squared_error
from fastnet.layers import (
    Add,
    Affine,
    BatchNormalization,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LeakyRelu,
    MatMul,
    Relu,
    Softmax,
    Sum,
)
from fastnet.losses import (
    Hinge,
    Huber,
    Loss,
    MeanSquaredError,
    Poisson,
    SigmoidWithLoss,
    SoftmaxCrossEntropy,
    WeightedLosses,
)
from fastnet.models import History, Sequential, TwoLayerNet
from fastnet.optimizer import SGD, Momentum
from fastnet.penalties import l2_penalty
from fastnet.plot import save_learning_curves
from fastnet.textbook import first, second

X, T = np.random.default_rng(0).random((12, 3)), np.arange(12) % 3
W, B = np.ones((3, 2)), np.zeros(2)
OWN = W.copy()  # of an optimizer


def model(**options):
    return Sequential([Dense(3, input_shape=3)], seed=0, **options)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def called(layer, x=X):
    layer.forward(x)
    return layer


def assigned(thing, **values):
    for name, value in values.items():
        setattr(thing, name, value)
    return thing


def with_(items, thing):
    """Return the thing with its params or grads replaced by other lists."""
    return assigned(thing, **{name: list(value) for name, value in items.items()})


class Plain(Layer):
    """A layer for steps by hand alone."""

    def forward(self, x):
        return x

    def backward(self, dout):
        return dout


class PlainLoss(Loss):
    def forward(self, x, t):
        self.y = x
        return x.sum()

    def backward(self, dout=1):
        return np.full_like(self.y, dout)


class OwnUpdate(SGD):
    def update(self, params, grads):
        self.iter += 1


class Doubled(Relu):
    def forward(self, x):
        return 2 * super().forward(x)


def by_hand(network, rule):
    network.forward(X, T)
    network.backward()
    rule.update(network.params, network.grads)


def tied():
    shared = X.copy()
    return shared, [MatMul(shared), Relu(), MatMul(shared.T)]


def net():
    return first.MultiLayerNet(3, [4], 3)


OF_SIZE = "Give a number such as"
# (bad call, the end of its message, the call that follows it)
FOLLOWED = {
    "samples of other widths": (
        lambda: model().predict(X[:, :2]), "Give x the width that the first layer takes.",
        lambda: model().predict(X),
    ),
    "samples in columns": (
        lambda: model().predict(X.T), "Transpose it to one sample a row: x.T.",
        lambda: model().predict(X.T.T),
    ),
    "one image": (
        lambda: model().predict(np.ones((3, 1))), "Reshape one sample to (1, D): x.reshape(1, -1).",
        lambda: model().predict(np.ones((3, 1)).reshape(1, -1)),
    ),
    "nothing": (
        lambda: model().predict([]), "Give an array of samples, one a row.",
        lambda: model().predict(X[:1]),
    ),
    "a ragged list": (
        lambda: model().predict([[1, 2, 3], [1, 2]]), "Give every row the same length.",
        lambda: model().predict([[1, 2, 3], [1, 2, 4]]),
    ),
    "nothing to multiply": (
        lambda: MatMul(W).forward(np.empty((0, 3))), "Give an array (N, D).",
        lambda: MatMul(W).forward(X),
    ),
    "logits of one axis too many": (
        lambda: SoftmaxCrossEntropy().forward(X.reshape(2, 6, 3), T),
        "Reshape x to (N, C), with one row a sample.",
        lambda: SoftmaxCrossEntropy().forward(X.reshape(2, 6, 3).reshape(-1, 3), T),
    ),
    "a gradient of another shape": (
        lambda: called(Relu()).backward(X[1:]), "Give one number for each output of forward.",
        lambda: called(Relu()).backward(X),
    ),
    "errors of another shape": (
        lambda: sum_squared_error(X, X[1:]), "Give one number for each output of forward.",
        lambda: sum_squared_error(X, X),
    ),
    "an out that was changed": (
        lambda: assigned(called(Dense3("tanh")), out=X[1:]).backward(np.ones((12, 3))),
        "Call forward first, and leave its out as it is.",
        lambda: called(Dense3("tanh")).backward(np.ones((12, 3))),
    ),
    "targets too few": (
        lambda: MeanSquaredError().forward(X, X[1:]), "Give one target for each output.",
        lambda: MeanSquaredError().forward(X, X),
    ),
    "labels too few": (
        lambda: model().fit(X, T[1:], verbose=0), "Give one label or one one-hot row a sample.",
        lambda: model().fit(X, T, verbose=0),
    ),
    "probabilities for labels": (
        lambda: SoftmaxCrossEntropy().forward(X, X),
        "Give labels (N,), one-hot rows, or each row divided by its sum.",
        lambda: SoftmaxCrossEntropy().forward(X, X / X.sum(axis=1, keepdims=True)),
    ),
    "an axis of text": (
        lambda: Sum("0"), "Give an int.", lambda: Sum(0),
    ),
    "an axis beyond": (
        lambda: Sum(2).forward(X), "Give x more dimensions, or another axis.",
        lambda: [Sum(2).forward(X[None]), Sum(1).forward(X)],
    ),
    "a sum of nothing": (
        lambda: Sum(0).forward(np.empty((0, 2))), "Give one or more.", lambda: Sum(0).forward(X),
    ),
    "row numbers from 1": (
        lambda: Embedding(W).forward([1, 3]), "Count rows from 0.",
        lambda: Embedding(W).forward([0, 2]),
    ),
    "targets of a hinge": (
        lambda: Hinge().forward(X, T[:, None] % 2 + 0 * X),
        "Give 2 * t - 1 for targets 0 and 1.",
        lambda: Hinge().forward(X, 2 * (T[:, None] % 2 + 0 * X) - 1),
    ),
    "counts below 0": (
        lambda: Poisson().forward(X, -X), "Give counts or sizes.",
        lambda: Poisson().forward(X, X),
    ),
    "yes and no": (
        lambda: SigmoidWithLoss().forward(X, X), "Give 1 for yes and 0 for no.",
        lambda: SigmoidWithLoss().forward(X, X > 0.5),
    ),
    # layers
    "weights of one axis": (
        lambda: MatMul(B), "Give an array (D, M).", lambda: MatMul(W),
    ),
    "a bias of another width": (
        lambda: Affine(W, np.zeros(3)), "Assign W and b of the same M.", lambda: Affine(W, B),
    ),
    "too few params": (
        lambda: with_({"grads": [W]}, called(Affine(W, B))).backward(np.ones((12, 2))),
        "Assign to its entries; add and remove none.",
        lambda: called(Affine(W, B)).backward(np.ones((12, 2))),
    ),
    "grads of another shape": (
        lambda: with_({"grads": [W[:2], B]}, called(Affine(W, B))).backward(np.ones((12, 2))),
        "Assign layer.W and layer.b, which remake the gradients.",
        lambda: called(assigned(with_({"grads": [W[:2], B]}, Affine(W, B)), W=W, b=B)).backward(
            np.ones((12, 2))
        ),
    ),
    "backward first": (
        lambda: Relu().backward(X), "call forward first.", lambda: called(Relu()).backward(X),
    ),
    "an unbuilt Dense": (
        lambda: Dense(2).forward(X),
        "call build(n_in, rng, dtype) first, or put the layer into a Sequential and build or fit "
        "that.",
        lambda: [Dense3(None).forward(X), model().layers[0].forward(X)],
    ),
    "units of a built Dense": (
        lambda: assigned(Dense3(None), units=4),
        "Assign layer.W and layer.b, or make another Dense.",
        lambda: [
            assigned(Dense3(None), W=np.ones((3, 4)), b=np.zeros(4)).forward(X), Dense(4).units
        ],
    ),
    "gamma alone": (
        lambda: BatchNormalization(np.ones(3)), "Give both, or neither.",
        lambda: [BatchNormalization(np.ones(3), np.zeros(3)), BatchNormalization()],
    ),
    "beta of another width": (
        lambda: BatchNormalization(np.ones(3), B), "Give one number for each feature.",
        lambda: BatchNormalization(np.ones(3), np.zeros(3)),
    ),
    "a negative variance": (
        lambda: BatchNormalization(np.ones(3), np.zeros(3), 0.9, np.zeros(3), -np.ones(3)),
        "Give variances.",
        lambda: BatchNormalization(np.ones(3), np.zeros(3), 0.9, np.zeros(3), np.ones(3)),
    ),
    "features of gamma": (
        lambda: BatchNormalization(np.ones(3), np.zeros(3)).forward(X[:, :2]),
        "Give samples of 3 numbers.",
        lambda: BatchNormalization(np.ones(3), np.zeros(3)).forward(X),
    ),
    # losses together
    "no losses": (
        lambda: WeightedLosses([]), "Give one for each output.",
        lambda: WeightedLosses([Huber()]),
    ),
    "the class of a loss": (
        lambda: WeightedLosses([MeanSquaredError]),
        "Give a loss object, such as MeanSquaredError().",
        lambda: WeightedLosses([MeanSquaredError()]),
    ),
    "a loss twice": (
        lambda: WeightedLosses([loss := Huber(), loss]),
        "Make one for each output: a loss remembers what it was given.",
        lambda: WeightedLosses([Huber(), Huber()]),
    ),
    "a negative weight": (
        lambda: WeightedLosses([Huber(), Huber()], [1, -1]), "Give 0 to leave a loss out.",
        lambda: WeightedLosses([Huber(), Huber()], [1, 0]),
    ),
    "weights of nothing": (
        lambda: WeightedLosses([Huber()], [0]), "Give weights such as 1.",
        lambda: WeightedLosses([Huber()], [1]),
    ),
    "too few weights": (
        lambda: WeightedLosses([Huber(), Huber()], [1]), "Give as many as there are losses.",
        lambda: WeightedLosses([Huber(), Huber()], [1, 1]),
    ),
    # models
    "a pair": (
        lambda: model().fit(X, T, validation_data=X, verbose=0), "Give (x, t).",
        lambda: model().fit(X, T, validation_data=(X, T), verbose=0),
    ),
    "no list of layers": (
        lambda: Sequential(Dense(3)), "Give [Dense(...), ...].", lambda: Sequential([Dense(3)]),
    ),
    "no layers": (
        lambda: Sequential().predict(X), "add a layer first.",
        lambda: Sequential([Dense(2)]).predict(X),
    ),
    "unknown inputs": (
        lambda: Sequential([Dense(3)]).params,
        "Call fit or build(n_in) first, or give the first Dense an input_shape.",
        lambda: [Sequential([built := Dense(3)]).build(3), built.W, model().params],
    ),
    "inputs that the layers do not take": (
        lambda: model().build(4), "Give n_in the width that the first layer takes.",
        lambda: model().build(3),
    ),
    "layers that do not fit": (
        lambda: Sequential([MatMul(W), MatMul(W)]),
        "Match each layer to the output of the one before it.",
        lambda: Sequential([MatMul(W), MatMul(W.T.copy())]),
    ),
    "a layer twice": (
        lambda: Sequential([layer := Relu(), layer]),
        "Make another layer with the same arguments.",
        lambda: Sequential([Relu(), Relu()]),
    ),
    "a layer that computes otherwise": (
        lambda: Sequential([Doubled()]), "Give it an in_loop, too.",
        lambda: Sequential([
            type("Said", (Doubled,), {"in_loop": Relu.in_loop})()
        ]),
    ),
    "an embedding behind": (
        lambda: Sequential([Relu(), Embedding(W)]), "Put it first.",
        lambda: Sequential([Embedding(W), Relu()]),
    ),
    "tied weights": (
        lambda: Sequential(tied()[1]),
        "Copy it; or, to keep the two tied, step the layers by hand: forward, backward, "
        "optimizer.update.",
        lambda: [
            Sequential([MatMul(X.copy()), Relu(), MatMul(X.T.copy())]),
            step_tied(*tied()),
        ],
    ),
    "an array of another shape": (
        lambda: assigned_in(model(), np.ones((3, 4))), "Make a new model.",
        lambda: Sequential([MatMul(np.ones((3, 4)))]).predict(X),
    ),
    "weights that overflow": (
        lambda: Sequential([MatMul(1e300 * W)]),
        "Scale it down, or make a model of float64.",
        lambda: [
            Sequential([MatMul(1e30 * W)]), Sequential([MatMul(1e300 * W)], dtype="float64")
        ],
    ),
    "weights that are not finite": (
        lambda: assigned_in(model(), np.full((3, 3), np.nan)).fit(X, T, verbose=0),
        "Assign finite numbers.",
        lambda: assigned_in(model(), np.ones((3, 3))).fit(X, T, verbose=0),
    ),
    "too many units": (
        lambda: Sequential([Dense(2**41, input_shape=3)]), "Give fewer units.",
        lambda: Sequential([Dense(2**4, input_shape=3)]),
    ),
    "a loss that is set later": (
        lambda: assigned(model(), loss="huber"), "Make a new model with that loss.",
        lambda: model(loss="huber"),
    ),
    "probabilities of no logits": (
        lambda: model(loss="huber").predict_proba(X), "Use predict.",
        lambda: model(loss="huber").predict(X),
    ),
    "a layer for steps by hand": (
        lambda: Sequential([Dense(3), Plain()]).fit(X, T, verbose=0),
        "Write it, or step by hand: model.forward, model.backward, optimizer.update.",
        lambda: by_hand(Sequential([Dense(3), Plain()]), SGD()),
    ),
    "a loss for steps by hand": (
        lambda: Sequential([Dense(3)], PlainLoss()).fit(X, X, verbose=0),
        "Write it, or step by hand: model.forward, model.backward, optimizer.update.",
        lambda: Sequential([Dense(3)], PlainLoss()).forward(X, X),
    ),
    "an update of one's own": (
        lambda: model().fit(X, T, optimizer=OwnUpdate(), verbose=0),
        "Step by hand: forward, backward, optimizer.update(model.params, model.grads).",
        lambda: by_hand(model(), OwnUpdate()),
    ),
    "an optimizer without an entry": (
        lambda: model().fit(X, T, optimizer=NoEntry(lr=0.1), verbose=0),
        "Step by hand: model.forward, model.backward, optimizer.update.",
        lambda: by_hand(model(), NoEntry(lr=0.1)),
    ),
    "NaN in x": (
        lambda: model().fit(np.full_like(X, np.nan), T, verbose=0),
        "Leave the sample out, or put a number in its place.",
        lambda: model().fit(np.nan_to_num(np.full_like(X, np.nan)), T, verbose=0),
    ),
    # optimizers
    "a key without gradient": (
        lambda: SGD().update({"W": W.copy(), "b": B.copy()}, {"W": W}),
        "Compute its gradient, or leave it out of params.",
        lambda: SGD().update({"W": W.copy()}, {"W": W}),
    ),
    "too few gradients": (
        lambda: SGD().update([W.copy(), B.copy()], [W]), "Give the two lists of the same layers.",
        lambda: SGD().update([W.copy(), B.copy()], [W, B]),
    ),
    "an array for a list": (
        lambda: SGD().update(W.copy(), W),
        "Give layer.params and layer.grads, or a network's params and gradient.",
        lambda: SGD().update(*(lambda layer: (layer.params, layer.grads))(Affine(W.copy(), B))),
    ),
    "integers to learn": (
        lambda: SGD().update([np.ones(2, int)], [B]), "Convert it before training.",
        lambda: SGD().update([np.ones(2, int).astype(float)], [B]),
    ),
    "a read-only parameter": (
        lambda: SGD().update([read_only(W)], [W]), "Train a copy of it.",
        lambda: SGD().update([read_only(W).copy()], [W]),
    ),
    "the gradient of another": (
        lambda: SGD().update([W.copy()], [B]), "Give the gradient of that array.",
        lambda: SGD().update([W.copy()], [W]),
    ),
    "a list, then a dict": (
        lambda: updated(Momentum()).update({"W": W.copy()}, {"W": W}),
        "Make another optimizer for other parameters.",
        lambda: Momentum().update({"W": W.copy()}, {"W": W}),
    ),
    "a state that was changed": (
        lambda: assigned(updated(Momentum()), v=["no"]).update([OWN], [W]),
        "Leave v to the optimizer.",
        lambda: updated(Momentum()).update([OWN], [W]),
    ),
    "a read-only state": (
        lambda: assigned(updated(Momentum()), v=[read_only(W)]).update([OWN], [W]),
        "Assign a copy.",
        lambda: assigned(updated(Momentum()), v=[read_only(W).copy()]).update([OWN], [W]),
    ),
    "a gradient to clip": (
        lambda: optimizer.clip_by_norm(W, 1.0), "Give layer.grads, or a network's gradient.",
        lambda: optimizer.clip_by_norm([W.copy()], 1.0),
    ),
    "integers to clip": (
        lambda: optimizer.clip_by_norm([np.ones(2, int)], 1.0), "Convert it to float64.",
        lambda: optimizer.clip_by_norm([np.ones(2, int).astype("float64")], 1.0),
    ),
    "a read-only gradient to clip": (
        lambda: optimizer.clip_by_norm([read_only(W)], 1.0), "Clip a copy.",
        lambda: optimizer.clip_by_norm([read_only(W).copy()], 1.0),
    ),
    # gradients by definition
    "a list to differentiate at": (
        lambda: gradient.numerical_gradient(np.sum, [1.0]), "Give numpy.array(x, float).",
        lambda: gradient.numerical_gradient(np.sum, np.array([1.0], float)),
    ),
    "integers to differentiate at": (
        lambda: gradient.numerical_gradient(np.sum, np.ones(2, int)), "Give x.astype(float).",
        lambda: gradient.numerical_gradient(np.sum, np.ones(2, int).astype(float)),
    ),
    "a read-only point": (
        lambda: gradient.numerical_gradient(np.sum, read_only(W)), "Give x.copy().",
        lambda: gradient.numerical_gradient(np.sum, read_only(W).copy()),
    ),
    "no function": (
        lambda: gradient.numerical_gradient(1, W.copy()), "Give one that takes x.",
        lambda: gradient.numerical_gradient(np.sum, W.copy()),
    ),
    "one number of many": (
        lambda: gradient.numerical_diff(np.sum, W.copy()),
        "For a function that makes one number of many, use numerical_gradient.",
        lambda: gradient.numerical_gradient(np.sum, W.copy()),
    ),
    "no model": (
        lambda: gradient.gradient_check(1, X, T),
        "Give a Sequential, a TwoLayerNet, or an object with these, params and grads.",
        lambda: [gradient.gradient_check(model(), X, T),
                 gradient.gradient_check(TwoLayerNet(3, 4, 3), X, T)],
    ),
    "a loss of chance": (
        lambda: gradient.gradient_check(dropping(), X, T),
        "Leave out what is random, such as Dropout, and stateful=True.",
        lambda: gradient.gradient_check(model(), X, T),
    ),
    # numbers
    "text for a number": (lambda: SGD(lr="0.1"), "Give a float.", lambda: SGD(lr=float("0.1"))),
    "half an epoch": (
        lambda: model().fit(X, T, epochs=1.0, verbose=0), "Give an int.",
        lambda: model().fit(X, T, epochs=int(1.0), verbose=0),
    ),
    "no epoch": (
        lambda: model().fit(X, T, epochs=0, verbose=0), "Give a positive int.",
        lambda: model().fit(X, T, epochs=1, verbose=0),
    ),
    "a negative step": (
        lambda: schedules.StepDecay(0.1, 2)(-1), "Give such a number.",
        lambda: schedules.StepDecay(0.1, 2)(0),
    ),
    "a negative seed": (
        lambda: model_seeded(-1), "Give such a number.", lambda: model_seeded(0),
    ),
    "a seed of text": (lambda: model_seeded("0"), "Give an int.", lambda: model_seeded(int("0"))),
    "a flag": (
        lambda: model().fit(X, T, shuffle=1, verbose=0), "Give one of the two.",
        lambda: model().fit(X, T, shuffle=True, verbose=0),
    ),
    "no dimension": (
        lambda: Dense(3, input_shape=()), "Give the shape of one sample, such as (784,).",
        lambda: Dense(3, input_shape=(784,)),
    ),
    "a dtype": (
        lambda: model(dtype="float16"), 'Give dtype="float32" or dtype="float64".',
        lambda: [model(dtype="float32"), model(dtype="float64")],
    ),
    "a generator": (
        lambda: Dense(3).build(3, 0, "float32"), "Give numpy.random.default_rng(seed).",
        lambda: Dense(3).build(3, np.random.default_rng(0), "float32"),
    ),
    "dout beyond float32": (
        lambda: scalar(1e300), f"{OF_SIZE} 1.", lambda: scalar(1),
    ),
    "delta": (lambda: Huber(0), f"{OF_SIZE} 1.", lambda: Huber(1)),
    "an infinite rate": (lambda: SGD(np.inf), f"{OF_SIZE} 0.1.", lambda: SGD(0.1)),
    "a negative decay": (
        lambda: SGD(0.1, weight_decay=-1), f"{OF_SIZE} 1e-4.",
        lambda: SGD(0.1, weight_decay=1e-4),
    ),
    "a momentum of 1": (lambda: Momentum(0.1, 1), f"{OF_SIZE} 0.9.", lambda: Momentum(0.1, 0.9)),
    "a factor": (
        lambda: schedules.StepDecay(0.1, 2, 2.0), f"{OF_SIZE} 0.1.",
        lambda: schedules.StepDecay(0.1, 2, 0.1),
    ),
    "a limit of 0": (
        lambda: SGD(0.1, clip_norm=0), f"{OF_SIZE} 1.", lambda: SGD(0.1, clip_norm=1),
    ),
    "a negative slope": (lambda: LeakyRelu(-1), f"{OF_SIZE} 0.01.", lambda: LeakyRelu(0.01)),
    "a share of 1": (lambda: Dropout(1), f"{OF_SIZE} 0.5.", lambda: Dropout(0.5)),
    "a running momentum": (
        lambda: BatchNormalization(momentum=2), f"{OF_SIZE} 0.9.",
        lambda: BatchNormalization(momentum=0.9),
    ),
    "an eps of 0": (
        lambda: BatchNormalization(eps=0), f"{OF_SIZE} 1e-6.",
        lambda: BatchNormalization(eps=1e-6),
    ),
    "a negative spread": (
        lambda: Dense(3, weight_init_std=-1), f"{OF_SIZE} 0.01.",
        lambda: Dense(3, weight_init_std=0.01),
    ),
    "a rate beyond float32": (
        lambda: model().fit(X, T, optimizer=SGD(1e300), verbose=0), f"{OF_SIZE} 0.1.",
        lambda: model().fit(X, T, optimizer=SGD(0.1), verbose=0),
    ),
    "a spread beyond float32": (
        lambda: Dense(3, weight_init_std=1e300).build(3, np.random.default_rng(0), "float32"),
        f"{OF_SIZE} 0.01.",
        lambda: Dense(3, weight_init_std=0.01).build(3, np.random.default_rng(0), "float32"),
    ),
    "a strength": (
        lambda: l2_penalty(W, -1), f"{OF_SIZE} 0.01.", lambda: l2_penalty(W, 0.01),
    ),
    "a shape of one axis": (
        lambda: initializers.he((3,), np.random.default_rng(0)), "Give two ints.",
        lambda: initializers.he((3, 4), np.random.default_rng(0)),
    ),
    "shapes that do not broadcast": (
        lambda: Add().forward(X, W), "Make their lengths equal, or 1.",
        lambda: [Add().forward(X, X), Add().forward(X, X[:1])],
    ),
    # files and pictures
    "a number for a path": (
        lambda: model().save(1.5), "Give a file name.", None,
    ),
    "no path": (lambda: model().save(""), "Give another.", None),
    "curves of nothing": (
        lambda: save_learning_curves(History(), "x.png"), "Call fit first.", None,
    ),
    # the textbooks' classes
    "sizes": (
        lambda: first.MultiLayerNet(3, 4, 3),
        "Give one for each hidden layer, such as [100, 100].",
        lambda: first.MultiLayerNet(3, [100, 100], 3),
    ),
    "no network": (
        lambda: first.Trainer(1, X, T, X, T, verbose=False), "Make one of a class that has these.",
        lambda: first.Trainer(net(), X, T, X, T, mini_batch_size=4, verbose=False),
    ),
    "x and t of two lengths": (
        lambda: first.Trainer(net(), X, T[1:], X, T, verbose=False), "Give equally many.",
        lambda: first.Trainer(net(), X[1:], T[1:], X, T, mini_batch_size=4, verbose=False),
    ),
    "arguments of an optimizer": (
        lambda: first.Trainer(net(), X, T, X, T, optimizer_param={"rate": 1}, verbose=False),
        "Give a dict such as {'lr': 0.01}.",
        lambda: first.Trainer(net(), X, T, X, T, mini_batch_size=4, verbose=False,
                              optimizer_param={"lr": 0.01}),
    ),
    "a batch of more than all": (
        lambda: second.Trainer(net2(), SGD()).fit(X, T, 1, 13), "Give fewer.",
        lambda: second.Trainer(net2(), SGD()).fit(X, T, 1, 12),
    ),
    "duplicates of one list": (
        lambda: second.remove_duplicate([W, B], [W]), "Give the two lists of the same layers.",
        lambda: second.remove_duplicate([W, B], [W, B]),
    ),
}  # fmt: skip


def Dense3(activation):  # with weights
    layer = Dense(3, activation=activation)
    layer.build(3, np.random.default_rng(0), "float64")
    return layer


def assigned_in(network, array):
    network.layers[0].W = array
    assert network.params
    return network


def step_tied(shared, stack):
    out = np.ones((2, 12))
    for layer in stack:
        out = layer.forward(out)
    for layer in stack[::-1]:
        out = layer.backward(out)
    params = [p for layer in stack for p in layer.params]
    SGD().update(params, [g for layer in stack for g in layer.grads])


class NoEntry(optimizer.Optimizer):
    kernel = staticmethod(SGD.kernel)


def updated(rule):
    rule.update([OWN], [W])
    return rule


def dropping():
    return Sequential([Dense(40), Dropout(), Dense(3)], seed=0)


def model_seeded(seed):
    return Sequential([Dense(3)], seed=seed)


def scalar(dout):
    loss = SoftmaxCrossEntropy()
    loss.forward(X.astype(np.float32), T)
    return loss.backward(dout)


class net2:  # as much as the second book's Trainer asks for
    def __init__(self):
        self.layer, self.last = Affine(np.ones((3, 3)), np.zeros(3)), SoftmaxCrossEntropy()
        self.params, self.grads = self.layer.params, self.layer.grads

    def forward(self, x, t):
        return self.last.forward(self.layer.forward(x), t)

    def backward(self):
        self.layer.backward(self.last.backward())


@pytest.mark.parametrize("case", FOLLOWED)
def test_advice_that_is_followed(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    bad, advice, good = FOLLOWED[case]
    with pytest.raises(Exception) as caught:
        bad()
    message = caught.value.args[0]
    assert message.endswith(advice) and "\n" not in message
    if good is not None:
        good()


def test_files(tmp_path):
    history = model().fit(X, T, verbose=0)
    path = tmp_path / "none" / "model.safetensors"
    with pytest.raises(FileNotFoundError, match=r"Make the folder first\.$"):
        model().save(path)
    path.parent.mkdir()
    with pytest.raises(IsADirectoryError, match=r"Add a file name, such as model\.safetensors\.$"):
        model().save(path.parent)
    model().save(path)
    (tmp_path / "other").write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"Give a file that Sequential\.save wrote\.$"):
        Sequential.load(tmp_path / "other")
    Sequential.load(path)
    save_learning_curves(history, tmp_path / "x.png")


def test_softmax_is_left_out():
    with pytest.raises(ValueError, match="Leave that activation out, or end with Softmax"):
        Sequential([Dense(3), Softmax()])
    Sequential([Dense(3), Softmax()], "categorical_cross_entropy").fit(X, np.eye(3)[T], verbose=0)
    ready = model()
    ready.fit(X, T, verbose=0)
    np.testing.assert_allclose(ready.predict_proba(X), softmax(ready.predict(X)), rtol=1e-6)
