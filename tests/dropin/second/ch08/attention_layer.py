from common.layers import Softmax
from common.np import *


class WeightSum:
    def __init__(self):
        self.params, self.grads, self.cache = [], [], None

    def forward(self, hs, a):
        ar = a.reshape(*hs.shape[:2], 1)
        self.cache = (hs, ar)
        return np.sum(hs * ar, axis=1)

    def backward(self, dc):
        hs, ar = self.cache
        spread = dc[:, np.newaxis].repeat(hs.shape[1], axis=1)
        return spread * ar, np.sum(spread * hs, axis=2)


class AttentionWeight:
    def __init__(self):
        self.params, self.grads, self.softmax, self.cache = [], [], Softmax(), None

    def forward(self, hs, h):
        hr = h.reshape(len(hs), 1, -1)
        self.cache = (hs, hr)
        return self.softmax.forward(np.sum(hs * hr, axis=2))

    def backward(self, da):
        hs, hr = self.cache
        spread = self.softmax.backward(da)[:, :, np.newaxis].repeat(hs.shape[2], axis=2)
        return spread * hr, np.sum(spread * hs, axis=1)


class Attention:
    def __init__(self):
        self.params, self.grads = [], []
        self.attention_weight_layer, self.weight_sum_layer = AttentionWeight(), WeightSum()
        self.attention_weight = None

    def forward(self, hs, h):
        self.attention_weight = self.attention_weight_layer.forward(hs, h)
        return self.weight_sum_layer.forward(hs, self.attention_weight)

    def backward(self, dout):
        first, da = self.weight_sum_layer.backward(dout)
        second, dh = self.attention_weight_layer.backward(da)
        return first + second, dh


class TimeAttention:
    def __init__(self):
        self.params, self.grads = [], []
        self.layers = self.attention_weights = None

    def forward(self, hs_enc, hs_dec):
        out, self.layers, self.attention_weights = np.empty_like(hs_dec), [], []
        for t in range(hs_dec.shape[1]):
            layer = Attention()
            out[:, t] = layer.forward(hs_enc, hs_dec[:, t])
            self.layers.append(layer)
            self.attention_weights.append(layer.attention_weight)
        return out

    def backward(self, dout):
        dhs_enc, dhs_dec = 0, np.empty_like(dout)
        for t, layer in enumerate(self.layers):
            dhs, dhs_dec[:, t] = layer.backward(dout[:, t])
            dhs_enc = dhs_enc + dhs
        return dhs_enc, dhs_dec
