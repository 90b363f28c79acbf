import numpy as np

from . import DTYPES, IMPLEMENTATIONS, assert_agree, assert_close, blank, numbers, part, ratios

# Samples, steps of the encoder and of the decoder, units: the book's date conversion, one step of
# its decoder, and a tiny one.
SIZES = {
    "128-29-10-256": (128, 29, 10, 256),
    "1-29-1-256": (1, 29, 1, 256),
    "2-3-2-4": (2, 3, 2, 4),
}


def arrays(dtype, size):
    """Return hs, h, a and dout, whose inner products are of the size that a network's have."""
    n, t, s, width = SIZES[size]
    hs, h, dout = (numbers(dtype, n, k, width) for k in (t, s, s))
    hs *= hs.dtype.type(width**-0.5)
    a = abs(numbers(dtype, n, s, t)) + hs.dtype.type(0.1)
    return hs, h, a / a.sum(axis=2, keepdims=True), dout


class Attention:
    param_names = ["implementation", "dtype", "size"]
    params = [IMPLEMENTATIONS, DTYPES, [*SIZES]]

    def setup(self, implementation, dtype, size):
        self.hs, self.h, self.a, self.dout = arrays(dtype, size)
        self.da = numbers(dtype, *self.a.shape)
        self.weights, self.ds, self.out = blank(self.a), blank(self.a), blank(self.h)
        self.dhs, self.dh = blank(self.hs), blank(self.h)
        hs, h, a, dout, da = self.hs, self.h, self.a, self.dout, self.da
        assert_agree("weight_sum_forward", hs, a, self.out)
        assert_agree("weight_sum_backward", hs, a, dout, self.dhs, self.ds)
        assert_agree("attention_weight_forward", hs, h, self.weights)
        assert_agree("attention_weight_backward", hs, h, a, da, self.ds, self.dhs, self.dh)
        assert_agree("attention_forward", hs, h, self.weights, self.out)
        assert_agree("attention_backward", hs, h, a, dout, self.ds, self.dhs, self.dh)
        self.kernels = part(implementation, "kernels")

    def time_weight_sum_forward(self, *_):
        self.kernels.weight_sum_forward(self.hs, self.a, self.out)

    def time_weight_sum_backward(self, *_):
        self.kernels.weight_sum_backward(self.hs, self.a, self.dout, self.dhs, self.ds)

    def time_attention_weight_forward(self, *_):
        self.kernels.attention_weight_forward(self.hs, self.h, self.weights)

    def time_attention_weight_backward(self, *_):
        self.kernels.attention_weight_backward(
            self.hs, self.h, self.a, self.da, self.ds, self.dhs, self.dh
        )

    def time_attention_forward(self, *_):
        self.kernels.attention_forward(self.hs, self.h, self.weights, self.out)

    def time_attention_backward(self, *_):
        self.kernels.attention_backward(
            self.hs, self.h, self.a, self.dout, self.ds, self.dhs, self.dh
        )


AttentionRatio = ratios(Attention, size=["128-29-10-256"])


class AttentionLayers:
    """Forward and backward of the layers, on the book's sizes."""

    param_names = ["implementation", "size", "layer"]
    params = [
        IMPLEMENTATIONS,
        ["128-29-10-256", "2-3-2-4"],
        ["WeightSum", "AttentionWeight", "Attention", "TimeAttention"],
    ]

    def setup(self, implementation, size, layer):
        hs, h, a, dout = arrays("float32", size)
        da = numbers("float32", *a.shape)
        one = np.ascontiguousarray
        inputs, gradient = {
            "WeightSum": (one(a[:, 0]), one(dout[:, 0])),
            "AttentionWeight": (one(h[:, 0]), one(da[:, 0])),
            "Attention": (one(h[:, 0]), one(dout[:, 0])),
            "TimeAttention": (h, dout),
        }[layer]
        results = {}
        for name in IMPLEMENTATIONS:
            made = getattr(part(name, "layers"), layer)()
            results[name] = [made.forward(hs, inputs), *made.backward(gradient)]
            if name == implementation:
                self.layer, self.inputs, self.gradient = made, (hs, inputs), gradient
        for ours, theirs in zip(results["fastnet"], results["numpy"], strict=True):
            assert_close(ours, theirs)

    def time_forward(self, *_):
        self.layer.forward(*self.inputs)

    def time_backward(self, *_):
        self.layer.backward(self.gradient)


AttentionLayersRatio = ratios(AttentionLayers, size=["128-29-10-256"])
