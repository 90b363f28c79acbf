"""Words from their neighbours, right ones against drawn ones: Embedding and SigmoidWithLoss.

Then the outputs take the embedding's table, transposed, and the parameters are saved and loaded.
"""

import sys

sys.path.append("..")

import io
import pickle

import numpy as np
from common.layers import Dropout, Embedding, MatMul, SigmoidWithLoss, SoftmaxWithLoss
from common.optimizer import *
from common.trainer import Trainer, remove_duplicate

WORDS, HIDDEN = 12, 6


class EmbeddingDot:
    def __init__(self, W):
        self.embed = Embedding(W)
        self.params, self.grads = self.embed.params, self.embed.grads

    def forward(self, h, idx):
        self.h, self.rows = h, self.embed.forward(idx)
        return np.sum(self.rows * h, axis=1)

    def backward(self, dout):
        dout = dout.reshape(-1, 1)
        self.embed.backward(dout * self.h)
        return dout * self.rows


class Cbow:
    def __init__(self, dtype, samples=3):
        W_in = 0.1 * np.random.randn(WORDS, HIDDEN).astype(dtype)
        W_out = 0.1 * np.random.randn(WORDS, HIDDEN).astype(dtype)
        self.samples = samples
        self.inputs = [Embedding(W_in), Embedding(W_in)]
        self.scores = [EmbeddingDot(W_out) for _ in range(1 + samples)]
        self.losses = [SigmoidWithLoss() for _ in range(1 + samples)]
        self.params, self.grads = [], []
        for layer in self.inputs + self.scores:
            self.params += layer.params
            self.grads += layer.grads

    def forward(self, contexts, target):
        h = sum(layer.forward(contexts[:, i]) for i, layer in enumerate(self.inputs))
        h *= 0.5
        loss = 0.0
        for i, (score, layer) in enumerate(zip(self.scores, self.losses, strict=True)):
            # The labels: ones for the right words, zeros for those drawn.
            known = (np.ones if i == 0 else np.zeros)(len(target), dtype=np.int32)
            drawn = target if i == 0 else np.random.choice(WORDS, len(target))
            loss += layer.forward(score.forward(h, drawn), known)
        return loss

    def backward(self, dout=1):
        dh = 0
        for score, layer in zip(self.scores, self.losses, strict=True):
            dh += score.backward(layer.backward(dout))
        dh *= 0.5
        for layer in self.inputs:
            layer.backward(dh)


class Tied:
    """The next word, by one table for both ends."""

    def __init__(self, dtype):
        W = 0.1 * np.random.randn(WORDS, HIDDEN).astype(dtype)
        self.layers = [Embedding(W), Dropout(0.2), MatMul(W.T)]
        self.loss_layer = SoftmaxWithLoss()
        self.params = [W, *self.layers[2].params]
        self.grads = [*self.layers[0].grads, *self.layers[2].grads]

    def forward(self, x, t):
        for layer in self.layers:
            x = layer.forward(x)
        return self.loss_layer.forward(x, t)

    def backward(self, dout=1):
        dout = self.loss_layer.backward(dout)
        for layer in reversed(self.layers):
            dout = layer.backward(dout)


np.random.seed(7)
text = np.random.randint(0, WORDS, 60)
contexts, target = np.stack([text[:-2], text[2:]], axis=1), text[1:-1]
kinds = (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam)
for kind in kinds:
    model = Cbow("f8")
    ids = [id(array) for array in model.params + model.grads]
    Trainer(model, kind(0.05)).fit(contexts, target, max_epoch=3, batch_size=10, max_grad=0.5)
    assert ids == [id(array) for array in model.params + model.grads]
    print(kind.__name__, model.params[0].ravel()[:9].tolist(), np.random.rand())

model, optimizer = Tied("f8"), Adam(0.02)
assert len(remove_duplicate(model.params, model.grads)[0]) == 1
trainer = Trainer(model, optimizer)
for _ in range(3):
    trainer.fit(text[:-1], text[1:], max_epoch=1, batch_size=8, eval_interval=4)
    optimizer.lr /= 2.0
assert np.shares_memory(model.layers[0].params[0], model.layers[2].params[0])
file = io.BytesIO(pickle.dumps([param.astype(np.float16) for param in model.params]))
for param, saved in zip(model.params, pickle.load(file), strict=True):
    param[...] = saved
trainer.fit(text[:-1], text[1:], max_epoch=2, batch_size=8)
print("tied", model.params[0].ravel()[::7].tolist())
print(type(optimizer).__name__, optimizer.iter, [v.sum() for v in optimizer.v])

model = Cbow("f4", samples=1)
Trainer(model, Adam(0.01)).fit(contexts, target, max_epoch=2, batch_size=10)
print(np.round(model.params[0].ravel()[:9].astype("f8"), 4).tolist())
