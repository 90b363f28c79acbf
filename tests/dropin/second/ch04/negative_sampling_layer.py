import collections

from common.layers import Embedding, SigmoidWithLoss
from common.np import *


class EmbeddingDot:
    def __init__(self, W):
        self.embed, self.cache = Embedding(W), None
        self.params, self.grads = self.embed.params, self.embed.grads

    def forward(self, h, idx):
        rows = self.embed.forward(idx)
        self.cache = (h, rows)
        return np.sum(rows * h, axis=1)

    def backward(self, dout):
        h, rows = self.cache
        dout = dout.reshape(dout.shape[0], 1)
        self.embed.backward(dout * h)
        return dout * rows


class UnigramSampler:
    def __init__(self, corpus, power, sample_size):
        counts = collections.Counter(corpus.tolist())
        self.sample_size, self.vocab_size = sample_size, len(counts)
        weights = np.array([counts[i] for i in range(len(counts))], float) ** power
        self.word_p = weights / np.sum(weights)

    def get_negative_sample(self, target):
        drawn = np.zeros((len(target), self.sample_size), dtype=np.int32)
        for i, word in enumerate(target):
            p = self.word_p.copy()
            p[word] = 0
            p /= p.sum()
            drawn[i] = np.random.choice(self.vocab_size, self.sample_size, replace=False, p=p)
        return drawn


class NegativeSamplingLoss:
    def __init__(self, W, corpus, power=0.75, sample_size=5):
        self.sample_size = sample_size
        self.sampler = UnigramSampler(corpus, power, sample_size)
        self.loss_layers = [SigmoidWithLoss() for _ in range(sample_size + 1)]
        self.embed_dot_layers = [EmbeddingDot(W) for _ in range(sample_size + 1)]
        self.params, self.grads = [], []
        for layer in self.embed_dot_layers:
            self.params += layer.params
            self.grads += layer.grads

    def forward(self, h, target):
        drawn = self.sampler.get_negative_sample(target)
        score = self.embed_dot_layers[0].forward(h, target)
        loss = self.loss_layers[0].forward(score, np.ones(len(target), dtype=np.int32))
        for i in range(self.sample_size):
            score = self.embed_dot_layers[1 + i].forward(h, drawn[:, i])
            loss += self.loss_layers[1 + i].forward(score, np.zeros(len(target), dtype=np.int32))
        return loss

    def backward(self, dout=1):
        dh = 0
        for loss, dot in zip(self.loss_layers, self.embed_dot_layers, strict=True):
            dh += dot.backward(loss.backward(dout))
        return dh
