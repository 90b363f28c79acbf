"""Layers of all steps, attention and negative sampling, as the later chapters use them."""

import sys

sys.path.append("..")

import numpy as np
from ch04.negative_sampling_layer import NegativeSamplingLoss
from ch08.attention_layer import TimeAttention
from common.layers import Embedding
from common.optimizer import SGD, Adam
from common.time_layers import *
from common.trainer import Trainer
from common.util import *

WORDS, HIDDEN, STEPS = 12, 6, 5


class Model:
    """The next word, from a table, attention to all words before it, and that table again."""

    def __init__(self):
        table = 0.3 * np.random.randn(WORDS, HIDDEN).astype("f")
        self.layers = [TimeEmbedding(table), TimeDropout(0.2)]
        self.attention = TimeAttention()
        self.affine = TimeAffine(table.T, np.zeros(WORDS, "f"))
        self.loss = TimeSoftmaxWithLoss()
        self.params, self.grads = [], []
        for layer in (*self.layers, self.affine):
            self.params += layer.params
            self.grads += layer.grads

    def forward(self, xs, ts):
        for layer in self.layers:
            xs = layer.forward(xs)
        return self.loss.forward(self.affine.forward(self.attention.forward(xs, xs)), ts)

    def backward(self, dout=1):
        dout = self.affine.backward(self.loss.backward(dout))
        dout = sum(self.attention.backward(dout))
        for layer in reversed(self.layers):
            dout = layer.backward(dout)


class Cbow:
    def __init__(self, corpus):
        W_in, W_out = (0.1 * np.random.randn(WORDS, HIDDEN).astype("f") for _ in range(2))
        self.inputs = [Embedding(W_in), Embedding(W_in)]
        self.loss = NegativeSamplingLoss(W_out, corpus, sample_size=3)
        self.params, self.grads = [], []
        for layer in [*self.inputs, self.loss]:
            self.params += layer.params
            self.grads += layer.grads

    def forward(self, contexts, target):
        h = sum(layer.forward(contexts[:, i]) for i, layer in enumerate(self.inputs))
        h *= 0.5
        return self.loss.forward(h, target)

    def backward(self, dout=1):
        dout = self.loss.backward(dout) * 0.5
        for layer in self.inputs:
            layer.backward(dout)


np.random.seed(1)
corpus = np.concatenate([np.arange(WORDS), np.random.randint(0, WORDS, 400) ** 2 // WORDS])
contexts, target = create_contexts_target(corpus)
Trainer(Cbow(corpus), Adam()).fit(contexts, target, 2, 20)
print(convert_one_hot(contexts[:3], WORDS).sum(axis=0))
counts = create_co_matrix(corpus, WORDS, 2)
names = {i: chr(97 + i) for i in range(WORDS)}
most_similar("c", {name: i for i, name in names.items()}, names, ppmi(counts), 3)

xs = corpus[:400].reshape(-1, STEPS)
ts = np.roll(corpus[:400], -1).reshape(-1, STEPS)
ts[:, 0] = -1
model = Model()
Trainer(model, SGD(0.5)).fit(xs, ts, 3, 16)
print(np.array(model.attention.attention_weights).sum(axis=0)[0])
scores, answers = np.random.randn(7, 4).astype("f"), np.random.randint(0, 2, (7, 4))
loss = TimeSigmoidWithLoss()
print(loss.forward(scores, answers), loss.backward()[0])
grads = [layer.grads[0] for layer in (model.layers[0], model.affine)]
clip_grads(grads, 0.01)
print([np.sum(grad**2) for grad in grads])
for kind, gates in ((TimeRNN, 1), (TimeLSTM, 4), (TimeGRU, 3)):
    shapes = (HIDDEN, gates * HIDDEN), (HIDDEN, gates * HIDDEN), gates * HIDDEN
    layer = kind(*[0.5 * np.random.randn(*np.atleast_1d(k)).astype("f") for k in shapes], True)
    for _ in range(2):
        hs = layer.forward(np.random.randn(4, STEPS, HIDDEN).astype("f"))
        dxs = layer.backward(np.ones_like(hs))
    found = [hs, dxs, layer.dh, layer.h, *layer.grads]
    print([f"{np.abs(array).sum():.3f}" for array in found])
