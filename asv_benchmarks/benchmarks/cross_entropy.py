from . import (
    DTYPES,
    FAMILY_SHAPES,
    IMPLEMENTATIONS,
    SHAPES,
    assert_agree,
    blank,
    numbers,
    part,
    ratios,
)

KERNELS = [
    "categorical_cross_entropy",
    "binary_cross_entropy",
    "sigmoid_cross_entropy",
    "kullback_leibler_divergence",
]


class CrossEntropy:
    """Of numbers from 0 to 1; to sigmoid_cross_entropy they are logits."""

    param_names = ["implementation", "dtype", "shape", "loss"]
    params = [IMPLEMENTATIONS, DTYPES, FAMILY_SHAPES, KERNELS]

    def setup(self, implementation, dtype, shape, loss):
        n, _, m = SHAPES[shape]
        self.y = 1 / (1 + abs(numbers(dtype, n, m)))
        self.t = self.y[::-1, ::-1].copy()
        self.one = self.y.dtype.type(1)
        self.dx, self.loss = blank(self.y), blank(self.y[0, :1])
        assert_agree(f"{loss}_forward", self.y, self.t, self.loss)
        assert_agree(f"{loss}_backward", self.y, self.t, self.one, self.dx)
        kernels = part(implementation, "kernels")
        self.forward = getattr(kernels, f"{loss}_forward")
        self.backward = getattr(kernels, f"{loss}_backward")

    def time_forward(self, *_):
        self.forward(self.y, self.t, self.loss)

    def time_backward(self, *_):
        self.backward(self.y, self.t, self.one, self.dx)


CrossEntropyRatio = ratios(CrossEntropy)


class SigmoidWithLoss:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        n, _, m = SHAPES[shape]
        self.x = numbers(dtype, n, m)
        self.t = (self.x[::-1, ::-1] > 0).astype(dtype)
        self.y, self.loss = blank(self.x), blank(self.x[0, :1])
        assert_agree("sigmoid_with_loss_forward", self.x, self.t, self.y, self.loss)
        self.kernels = part(implementation, "kernels")

    def time_sigmoid_with_loss_forward(self, *_):
        self.kernels.sigmoid_with_loss_forward(self.x, self.t, self.y, self.loss)


SigmoidWithLossRatio = ratios(SigmoidWithLoss)
