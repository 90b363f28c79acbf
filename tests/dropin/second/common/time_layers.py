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


class RNN:
    def __init__(self, Wx, Wh, b):
        self.params, self.grads = [Wx, Wh, b], [np.zeros_like(p) for p in (Wx, Wh, b)]
        self.cache = None

    def forward(self, x, h_prev):
        Wx, Wh, b = self.params
        h_next = np.tanh(np.dot(h_prev, Wh) + np.dot(x, Wx) + b)
        self.cache = (x, h_prev, h_next)
        return h_next

    def backward(self, dh_next):
        (Wx, Wh, _), (x, h_prev, h_next) = self.params, self.cache
        return spread(self.grads, x, h_prev, dh_next * (1 - h_next**2), Wx, Wh)


def spread(grads, x, h, dt, Wx, Wh):
    for grad, found in zip(grads, (np.dot(x.T, dt), np.dot(h.T, dt), dt.sum(axis=0)), strict=True):
        grad[...] = found
    return np.dot(dt, Wx.T), np.dot(dt, Wh.T)


class LSTM(RNN):
    def forward(self, x, h_prev, c_prev):
        Wx, Wh, b = self.params
        f, g, i, o = np.split(np.dot(x, Wx) + np.dot(h_prev, Wh) + b, 4, axis=1)
        f, g, i, o = sigmoid(f), np.tanh(g), sigmoid(i), sigmoid(o)
        c_next = f * c_prev + g * i
        self.cache = (x, h_prev, c_prev, i, f, g, o, c_next)
        return o * np.tanh(c_next), c_next

    def backward(self, dh_next, dc_next):
        (Wx, Wh, _), (x, h_prev, c_prev, i, f, g, o, c_next) = self.params, self.cache
        t = np.tanh(c_next)
        ds = dc_next + dh_next * o * (1 - t**2)
        parts = ds * c_prev * f * (1 - f), ds * i * (1 - g**2), ds * g * i * (1 - i)
        da = np.hstack((*parts, dh_next * t * o * (1 - o)))
        return (*spread(self.grads, x, h_prev, da, Wx, Wh), ds * f)


class GRU(RNN):
    def forward(self, x, h_prev):
        Wx, Wh, b = self.params
        n = 2 * len(Wh)
        a = np.dot(x, Wx) + b
        z, r = np.split(sigmoid(a[:, :n] + np.dot(h_prev, Wh[:, :n])), 2, axis=1)
        h_hat = np.tanh(a[:, n:] + np.dot(r * h_prev, Wh[:, n:]))
        self.cache = (x, h_prev, z, r, h_hat)
        return (1 - z) * h_prev + z * h_hat

    def backward(self, dh_next):
        (Wx, Wh, _), (x, h_prev, z, r, h_hat) = self.params, self.cache
        n = 2 * len(Wh)
        dt = dh_next * z * (1 - h_hat**2)
        dhr = np.dot(dt, Wh[:, n:].T)
        da = np.hstack((dh_next * (h_hat - h_prev) * z * (1 - z), dhr * h_prev * r * (1 - r)))
        dx, _ = spread(self.grads, x, h_prev, np.hstack((da, dt)), Wx, Wh)
        self.grads[1][:, n:] = np.dot((r * h_prev).T, dt)
        return dx, np.dot(da, Wh[:, :n].T) + dh_next * (1 - z) + dhr * r


class TimeRNN:
    step, states = RNN, ("h",)

    def __init__(self, Wx, Wh, b, stateful=False):
        self.params, self.grads = [Wx, Wh, b], [np.zeros_like(p) for p in (Wx, Wh, b)]
        self.layers, self.h, self.dh, self.stateful = None, None, None, stateful

    def forward(self, xs):
        (n, steps, _), h = xs.shape, len(self.params[1])
        self.layers, hs = [], np.empty((n, steps, h), dtype="f")
        for name in self.states:
            if not self.stateful or getattr(self, name) is None:
                setattr(self, name, np.zeros((n, h), dtype="f"))
        for t in range(steps):
            self.layers.append(self.step(*self.params))
            found = self.layers[t].forward(xs[:, t], *[getattr(self, k) for k in self.states])
            found = found if isinstance(found, tuple) else (found,)
            for name, state in zip(self.states, found, strict=True):
                setattr(self, name, state)
            hs[:, t] = self.h
        return hs

    def backward(self, dhs):
        dxs = np.empty((*dhs.shape[:2], len(self.params[0])), dtype="f")
        dh, others, grads = 0, [0] * (len(self.states) - 1), [0, 0, 0]
        for t in reversed(range(dhs.shape[1])):
            dxs[:, t], dh, *others = self.layers[t].backward(dhs[:, t] + dh, *others)
            grads = [a + b for a, b in zip(grads, self.layers[t].grads, strict=True)]
        for grad, found in zip(self.grads, grads, strict=True):
            grad[...] = found
        self.dh = dh
        return dxs

    def set_state(self, h):
        self.h = h

    def reset_state(self):
        self.h = None


class TimeGRU(TimeRNN):
    step = GRU


class TimeLSTM(TimeRNN):
    step, states = LSTM, ("h", "c")

    def __init__(self, Wx, Wh, b, stateful=False):
        super().__init__(Wx, Wh, b, stateful)
        self.c = None

    def set_state(self, h, c=None):
        self.h, self.c = h, c

    def reset_state(self):
        self.h = self.c = None
