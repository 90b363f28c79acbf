"""Use all that layers, losses, functions, optimizers, networks and models have, in both dtypes.

By hand and in the compiled loop. Prints what Numba compiled, and how many kernels it loaded:
test_warmup.py runs it, for which nothing may be left to compile.
"""

# ruff: noqa: E402  what imports compile is seen, too

import json

import numpy as np
from numba.core import event

compiled = event.RecordingListener()
event.register("numba:compile", compiled)
from fastnet import functions, layers, losses, optimizer, penalties
from fastnet.models import Sequential, TwoLayerNet
from fastnet.optimizer import SGD
from fastnet.textbook import first, second
from fastnet.warmup import versions

rng = np.random.default_rng(0)
for dtype in ("float32", "float64"):
    x, t = rng.random((6, 4)).astype(dtype), np.arange(6) % 3
    affine = layers.Affine(np.ones((4, 3), dtype), np.ones(3, dtype))
    product = layers.MatMul(np.ones((4, 3), dtype))
    one_each = [affine, product, layers.Softmax(), layers.Dropout()]
    activations = [*layers.activations.__all__, *layers.gates.__all__]
    one_each += [getattr(layers, name)() for name in activations]
    one_each += [layers.Gelu("tanh"), layers.Repeat(2), layers.Sum()]
    for layer in one_each:
        for given in (x, x[0], x[::2], x.T.copy().T, x.tolist()):
            layer.backward(layer.forward(given))
    relu = layers.Relu()
    relu.backward(relu.forward(x[None]))
    normalization = layers.BatchNormalization(np.ones(4, dtype), np.ones(4, dtype))
    normalization.backward(normalization.forward(x)), normalization.forward(x, False)
    embedding = layers.Embedding(x)
    embedding.backward(embedding.forward(t))
    for node in (layers.Add(), layers.Multiply()):
        node.backward(node.forward(x, x[0]))
    for name in ("l1_penalty", "l1_penalty_gradient", "l2_penalty", "l2_penalty_gradient"):
        getattr(penalties, name)(x, 0.1)
    SGD().update(affine.params, affine.grads)
    SGD().update({"W": product.W}, {"W": product.dW})
    for kind in vars(optimizer).values():
        if isinstance(kind, type) and kind is not optimizer.Optimizer:
            kind(clip_norm=1).update(affine.params, affine.grads)
    optimizer.clip_by_norm(affine.grads, 1)
    for activation in (None, "sigmoid", "relu", "tanh"):
        dense = layers.Dense(3, activation)
        dense.build(4, rng, np.dtype(dtype))
        dense.backward(dense.forward(x))
    for loss in (layers.SoftmaxWithLoss(), losses.SoftmaxCrossEntropy()):
        for targets in (t, np.eye(3)[t]):
            loss.forward(x[:, :3], targets)
            loss.backward()
    images = np.zeros((4096, 600), dtype)  # enough of them, mostly zero: products that skip zeros
    images[:, ::7] = 0.5
    net = Sequential([layers.Dense(64), layers.Dense(3)], dtype=dtype, seed=0)
    net.fit(images, np.arange(4096) % 3, batch_size=64, verbose=0)
    yes = np.where(x > 0.5, 1.0, 0.0).astype(dtype)
    for name, kind in losses.LOSSES.items():
        loss = kind()
        if "hinge" in name or "sparse" in name or "softmax" in name:
            targets = yes * 2 - 1 if name in ("hinge", "squared_hinge") else t
        else:
            targets = yes
        loss.forward(x, targets)
        loss.backward()
    loss = losses.SigmoidWithLoss()
    loss.forward(x, yes)
    loss.backward()
    functions.sum_squared_error(x, yes)
    for function in (functions.sigmoid, functions.relu, functions.softmax):
        function(x), function(x[0])
    functions.cross_entropy_error(functions.softmax(x), t)
    for name, units, targets in (
        ("softmax_cross_entropy", 3, t),
        ("mean_squared_error", 1, x[:, 0]),
    ):
        for rows in (x.astype("float32"), x.astype("float64"), (x * 255).astype("uint8")):
            stack = [layers.Dense(5, "tanh"), layers.MatMul(np.ones((5, units))), layers.Tanh()]
            model = Sequential(stack, loss=name, dtype=dtype, seed=0)
            model.fit(rows, targets, 2, 4, validation_data=(rows, targets))
            model.predict(rows), model.evaluate(rows, targets), model.gradient(rows, targets)
            model.numerical_gradient(rows, targets)
            SGD().update(model.params, model.grads)
            if name == "softmax_cross_entropy":
                model.predict_proba(rows)
network = TwoLayerNet(4, 5, 3)
SGD().update(network.params, network.gradient(x, t))
network.accuracy(x, t)

optimizers = [kind for kind in vars(optimizer).values() if isinstance(kind, type)]
optimizers.remove(optimizer.Optimizer)
assert len(optimizers) > 8 and len(losses.LOSSES) > 15
for dtype in ("float32", "float64"):
    x, t = rng.random((6, 4)).astype(dtype), np.arange(6) % 3
    for name in losses.LOSSES:
        targets = t
        if not any(word in name for word in ("categorical_hinge", "sparse", "softmax")):
            targets = np.eye(3)[t].astype(dtype)
            targets = targets * 2 - 1 if name in ("hinge", "squared_hinge") else targets
        last = "sigmoid" if name in ("binary_cross_entropy", "poisson") else None
        if "categorical_cross_entropy" in name or "divergence" in name:
            last = "softmax"
        model = Sequential([layers.Dense(3, last)], loss=name, dtype=dtype, seed=0)
        model.fit(x, targets, 1, 4, verbose=0)
        model.evaluate(x, targets), model.predict(x), model.gradient(x, targets)
        model.numerical_gradient(x, targets)
    for kind in optimizers:
        for more in ({}, {"clip_norm": 1.0}, {"clip_value": 1.0}, {"weight_decay": 0.1}):
            model = Sequential([layers.Dense(3)], dtype=dtype, seed=0)
            model.fit(x, t, 1, 4, optimizer=kind(**more), verbose=0)
        for penalty in ({"l1": 0.1}, {"l2": 0.1}):
            model = Sequential([layers.Dense(3)], dtype=dtype, seed=0, **penalty)
            model.fit(x, t, 1, 4, optimizer=kind(), verbose=0)
    names = [*activations, "Dropout", "BatchNormalization"]
    made = [getattr(layers, name)() for name in names]
    for layer in [*made, layers.Gelu("tanh")]:
        model = Sequential([layers.Dense(5), layer, layers.Dense(3)], dtype=dtype, seed=0)
        model.fit(x, t, 1, 4, verbose=0), model.predict(x), model.gradient(x, t)
    model = Sequential([layers.Embedding(x), layers.Dense(3)], dtype=dtype, seed=0)
    model.fit(t[:, None], t, 1, 4, verbose=0)
    model = Sequential([layers.Dense(3)], losses.SoftmaxCrossEntropy(0.1, 2), dtype, seed=0)
    soft = np.full((6, 3), 1 / 3)
    for targets in (t, soft):
        model.fit(x, targets, 1, 4, sample_weight=np.ones(6), verbose=0), model.gradient(x, targets)
        losses.SoftmaxCrossEntropy().forward(x[:, :3], targets, np.ones(6))
        model.numerical_gradient(x, targets)
    soft_loss = losses.SoftmaxCrossEntropy()
    soft_loss.forward(x[:, :3], soft), soft_loss.backward()
    functions.cross_entropy_error(functions.softmax(x[:, :3]), soft)
    rescaling = layers.Rescaling(2.0)
    rescaling.backward(rescaling.forward(x))
    frozen = [layers.Dense(5), layers.BatchNormalization(), layers.Softmax(), layers.Rescaling(2.0)]
    model = Sequential([*frozen, layers.Dense(3)], dtype=dtype, seed=0)
    for trainable in (True, False):
        frozen[1].trainable = trainable
        model.fit(x, t, 1, 3, optimizer=optimizer.Adam(), verbose=0), model.gradient(x, t)
    for name in ("sigmoid_grad", "relu_grad", "step_function", "identity_function"):
        getattr(functions, name)(x)
    for net in (
        first.MultiLayerNet(4, [5], 3),
        first.MultiLayerNetExtend(4, [5], 3, use_dropout=True, use_batchnorm=True),
    ):
        net.loss(x, t), net.accuracy(x, t), net.gradient(x, t)
    pixels, sequences = rng.random((6, 8, 8, 2)).astype(dtype), rng.random((6, 4, 3)).astype(dtype)
    for stack in (
        [layers.Conv2D(3, 3, activation="relu"), layers.MaxPooling2D(2)],
        [layers.MaxPooling2D(2), layers.Conv2D(3, 3, padding="same")],
        [layers.Conv2D(3, 2), layers.MaxPooling2D(3, strides=1)],
        [layers.AveragePooling2D(2), layers.GlobalAveragePooling2D()],
        [layers.BatchNormalization(), layers.Conv2D(2, 1)],
        [layers.Conv2D(2, 3, groups=2), layers.Relu()],
    ):
        model = Sequential([*stack, layers.Dense(3)], dtype=dtype, seed=0)
        model.fit(pixels, t, 1, 3, verbose=0), model.predict(pixels), model.gradient(pixels, t)
    model = Sequential([layers.Dense(3)], dtype=dtype, seed=0)
    model.fit(x, t, 1, 1, verbose=0)  # an update a sample
    heads = layers.Branches([layers.Dense(3)], [layers.Dense(1)])
    model = Sequential(
        [layers.Dense(2), heads], ["softmax_cross_entropy", "mse"], dtype=dtype, seed=0
    )
    model.fit(x, [t, x[:, :1]], 1, 3, verbose=0)
    for kind in (layers.SimpleRNN, layers.LSTM, layers.GRU):
        for layer in (kind(2), layers.Bidirectional(kind(2))):
            model = Sequential([layer, layers.Dense(3)], dtype=dtype, seed=0)
            model.fit(sequences, t, 1, 3, verbose=0), model.predict(sequences)
            model.gradient(sequences, t)
    for name, gates in (("TimeRNN", 1), ("TimeLSTM", 4), ("TimeGRU", 3)):
        weights = [np.ones(shape, dtype) for shape in ((3, 2 * gates), (2, 2 * gates), 2 * gates)]
        layer = getattr(layers, name)(*weights)
        layer.backward(layer.forward(sequences))
    convolution = layers.Convolution(np.ones((3, 8, 2, 2), dtype), np.ones(3, dtype))
    convolution.backward(convolution.forward(pixels))
    for pool in (layers.Pooling(2, 2), layers.Pooling(3, 3, 1)):
        pool.backward(pool.forward(pixels.transpose(0, 3, 1, 2)))
    functions.col2im(functions.im2col(pixels, 2, 2), pixels.shape, 2, 2)
    for layer in (layers.Attention(), layers.AttentionWeight()):
        layer.backward(layer.forward(sequences, sequences[:, 0]))
    layer = layers.WeightSum()
    layer.backward(layer.forward(sequences, sequences[:, :, 0]))
    dot = layers.EmbeddingDot(x)
    dot.backward(dot.forward(x, t))
    scores = layers.TimeSoftmaxWithLoss()
    scores.forward(sequences, np.zeros((6, 4), int)), scores.backward()
    layers.UnigramSampler([0, 1, 2, 1, 0], 0.75, 1).get_negative_sample(np.array([0, 1]))
    second.ppmi(second.create_co_matrix([0, 1, 2, 1], 3).astype(dtype))

loaded = sum(sum(k.stats.cache_hits.values()) for k in {kernel for kernel, _ in versions()})
names = [e.data["dispatcher"].__qualname__ for _, e in compiled.buffer if e.is_start]
print(json.dumps({"compiled": names, "loaded": loaded}))
