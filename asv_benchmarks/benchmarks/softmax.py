from . import DTYPES, IMPLEMENTATIONS, SHAPES, assert_agree, blank, labels, numbers, part, ratios


class Softmax:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        n, _, m = SHAPES[shape]
        self.x, self.t = numbers(dtype, n, m), labels(n, m)
        self.dout = self.x[::-1].copy()
        self.one = self.x.dtype.type(1)
        self.y, self.dx, self.loss = blank(self.x), blank(self.x), blank(self.x[0, :1])
        assert_agree("softmax_forward", self.x, self.y)
        assert_agree("softmax_cross_entropy_forward", self.x, self.t, self.y, self.loss)
        part("numpy", "kernels").softmax_forward(self.x, self.y)
        self.out = blank(self.x)  # y stays what the backward kernels and the loss read
        assert_agree("softmax_backward", self.y, self.dout, self.dx)
        assert_agree("cross_entropy_forward", self.y, self.t, self.loss)
        assert_agree("cross_entropy_backward", self.y, self.t, self.one, self.dx)
        assert_agree("softmax_cross_entropy_backward", self.y, self.t, self.one, self.dx)
        self.kernels = part(implementation, "kernels")

    def time_softmax_forward(self, *_):
        self.kernels.softmax_forward(self.x, self.out)

    def time_softmax_backward(self, *_):
        self.kernels.softmax_backward(self.y, self.dout, self.dx)

    def time_cross_entropy_forward(self, *_):
        self.kernels.cross_entropy_forward(self.y, self.t, self.loss)

    def time_cross_entropy_backward(self, *_):
        self.kernels.cross_entropy_backward(self.y, self.t, self.one, self.dx)

    def time_softmax_cross_entropy_forward(self, *_):
        self.kernels.softmax_cross_entropy_forward(self.x, self.t, self.out, self.loss)

    def time_softmax_cross_entropy_backward(self, *_):
        self.kernels.softmax_cross_entropy_backward(self.y, self.t, self.one, self.dx)


SoftmaxRatio = ratios(Softmax)
