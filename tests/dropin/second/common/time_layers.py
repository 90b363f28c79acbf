from common.functions import sigmoid, softmax
from common.layers import *
from common.np import *


class TimeEmbedding:
    def __init__(self, W):
        self.params, self.grads = [W], [np.zeros_like(W)]
        self.layers, self.W = None, W

    def forward(self, xs):
        n, steps = xs.shape
        out, self.layers = np.empty((n, steps, self.W.shape[1]), "f"), []
        for t in range(steps):
            self.layers.append(Embedding(self.W))
            out[:, t] = self.layers[t].forward(xs[:, t])
        return out

    def backward(self, dout):
        total = 0
        for t, layer in enumerate(self.layers):
            layer.backward(dout[:, t])
            total = total + layer.grads[0]
        self.grads[0][...] = total


class TimeAffine:
    def __init__(self, W, b):
        self.params, self.grads = [W, b], [np.zeros_like(W), np.zeros_like(b)]
        self.x = None

    def forward(self, x):
        (n, steps, _), (W, b) = x.shape, self.params
        self.x = x
        return (np.dot(x.reshape(n * steps, -1), W) + b).reshape(n, steps, -1)

    def backward(self, dout):
        x, (W, _) = self.x, self.params
        n, steps, _ = x.shape
        rows, dout = x.reshape(n * steps, -1), dout.reshape(n * steps, -1)
        self.grads[0][...] = np.dot(rows.T, dout)
        self.grads[1][...] = np.sum(dout, axis=0)
        return np.dot(dout, W.T).reshape(*x.shape)


class TimeDropout:
    def __init__(self, dropout_ratio=0.5):
        self.params, self.grads = [], []
        self.dropout_ratio, self.mask, self.train_flg = dropout_ratio, None, True

    def forward(self, xs):
        if not self.train_flg:
            return xs
        kept = np.random.rand(*xs.shape) > self.dropout_ratio
        self.mask = kept.astype(np.float32) * (1 / (1.0 - self.dropout_ratio))
        return xs * self.mask

    def backward(self, dout):
        return dout * self.mask


class TimeSoftmaxWithLoss:
    def __init__(self):
        self.params, self.grads = [], []
        self.cache, self.ignore_label = None, -1

    def forward(self, xs, ts):
        n, steps, words = xs.shape
        ts = ts.argmax(axis=2) if ts.ndim == 3 else ts
        mask = (ts != self.ignore_label).reshape(n * steps)
        ts, ys = ts.reshape(n * steps), softmax(xs.reshape(n * steps, words))
        losses = np.log(ys[np.arange(n * steps), ts])
        losses *= mask
        loss = -np.sum(losses)
        loss /= mask.sum()
        self.cache = (ts, ys, mask, (n, steps, words))
        return loss

    def backward(self, dout=1):
        ts, dx, mask, shape = self.cache
        dx[np.arange(len(ts)), ts] -= 1
        dx *= dout
        dx /= mask.sum()
        dx *= mask[:, np.newaxis]
        return dx.reshape(shape)


class TimeSigmoidWithLoss:
    def __init__(self):
        self.params, self.grads = [], []
        self.xs_shape = self.layers = None

    def forward(self, xs, ts):
        self.xs_shape, self.layers, loss = xs.shape, [], 0
        for t in range(xs.shape[1]):
            self.layers.append(SigmoidWithLoss())
            loss += self.layers[t].forward(xs[:, t], ts[:, t])
        return loss / xs.shape[1]

    def backward(self, dout=1):
        dxs = np.empty(self.xs_shape, dtype="f")
        dout *= 1 / self.xs_shape[1]
        for t, layer in enumerate(self.layers):
            dxs[:, t] = layer.backward(dout)
        return dxs
