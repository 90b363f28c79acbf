import numpy as np

from . import (
    DTYPES,
    IMPLEMENTATIONS,
    SHAPES,
    assert_agree,
    assert_close,
    blank,
    labels,
    numbers,
    part,
    ratios,
)


class SequenceLoss:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        n, _, m = SHAPES[shape]
        self.x, self.t = numbers(dtype, n, m), labels(n, m)
        self.t[1::3] = -1
        self.y, self.dx, self.loss = blank(self.x), blank(self.x), blank(self.x[0, :1])
        self.one = self.x.dtype.type(1)
        assert_agree("sequence_loss_forward", self.x, self.t, self.y, self.loss)
        part("numpy", "kernels").sequence_loss_forward(self.x, self.t, self.y, self.loss)
        self.out = blank(self.x)  # y stays what the backward kernel reads
        assert_agree("sequence_loss_backward", self.y, self.t, self.one, self.dx)
        self.kernels = part(implementation, "kernels")

    def time_sequence_loss_forward(self, *_):
        self.kernels.sequence_loss_forward(self.x, self.t, self.out, self.loss)

    def time_sequence_loss_backward(self, *_):
        self.kernels.sequence_loss_backward(self.y, self.t, self.one, self.dx)


SequenceLossRatio = ratios(SequenceLoss)

# Samples, steps, features, words: the book's language model, its dates, and a tiny one.
SEQUENCES = {
    "20-35-100-10000": (20, 35, 100, 10_000),
    "128-10-256-59": (128, 10, 256, 59),
    "2-3-4-5": (2, 3, 4, 5),
}


class TimeLayers:
    """Forward and backward of the layers of all steps, but for the recurrent ones."""

    param_names = ["implementation", "size", "layer"]
    params = [
        IMPLEMENTATIONS,
        [*SEQUENCES],
        [
            "TimeEmbedding",
            "TimeAffine",
            "TimeDropout",
            "TimeSoftmaxWithLoss",
            "TimeSigmoidWithLoss",
        ],
    ]

    def setup(self, implementation, size, layer):
        n, t, d, v = SEQUENCES[size]
        arguments, inputs = {
            "TimeEmbedding": ((numbers("float32", v, d),), (labels((n, t), v),)),
            "TimeAffine": (
                (numbers("float32", d, v), numbers("float32", v)),
                (numbers("float32", n, t, d),),
            ),
            "TimeDropout": ((0.5,), (numbers("float32", n, t, d),)),
            "TimeSoftmaxWithLoss": ((), (numbers("float32", n, t, v), labels((n, t), v))),
            "TimeSigmoidWithLoss": ((), (numbers("float32", n, t), labels((n, t), 2))),
        }[layer]
        results = {}
        for name in IMPLEMENTATIONS:
            made = getattr(part(name, "layers"), layer)(*arguments)
            np.random.seed(0)  # noqa: NPY002
            out = made.forward(*inputs)
            gradient = [numbers("float32", *out.shape)] if np.ndim(out) else []
            dx = made.backward(*gradient)
            results[name] = [out, *([] if dx is None else [dx]), *map(np.copy, made.grads)]
            if name == implementation:
                self.layer, self.inputs, self.gradient = made, inputs, gradient
        for ours, theirs in zip(results["fastnet"], results["numpy"], strict=True):
            assert_close(ours, theirs)

    def time_forward(self, *_):
        self.layer.forward(*self.inputs)

    def time_backward(self, *_):
        self.layer.backward(*self.gradient)


TimeLayersRatio = ratios(TimeLayers, size=["20-35-100-10000", "128-10-256-59"])
