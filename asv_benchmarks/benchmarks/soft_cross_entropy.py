from . import DTYPES, IMPLEMENTATIONS, SHAPES, assert_agree, blank, numbers, part, ratios


class SoftCrossEntropy:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        n, _, m = SHAPES[shape]
        self.x, self.t = numbers(dtype, n, m), abs(numbers(dtype, n, m)) + 1
        self.t /= self.t.sum(axis=1, keepdims=True)
        self.one = self.x.dtype.type(1)
        self.y, self.dx, self.loss = blank(self.x), blank(self.x), blank(self.x[0, :1])
        assert_agree("soft_cross_entropy_forward", self.x, self.t, self.y, self.loss)
        part("numpy", "kernels").soft_cross_entropy_forward(self.x, self.t, self.y, self.loss)
        self.out = blank(self.x)  # y stays what the backward kernel reads
        assert_agree("soft_cross_entropy_backward", self.y, self.t, self.one, self.dx)
        self.kernels = part(implementation, "kernels")

    def time_soft_cross_entropy_forward(self, *_):
        self.kernels.soft_cross_entropy_forward(self.x, self.t, self.out, self.loss)

    def time_soft_cross_entropy_backward(self, *_):
        self.kernels.soft_cross_entropy_backward(self.y, self.t, self.one, self.dx)


SoftCrossEntropyRatio = ratios(SoftCrossEntropy)
