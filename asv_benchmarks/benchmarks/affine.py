from . import DTYPES, IMPLEMENTATIONS, SHAPES, TINY, assert_agree, blank, numbers, part, ratios


class Affine:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        n, d, m = SHAPES[shape]
        self.x, self.W, self.dout = (numbers(dtype, *s) for s in [(n, d), (d, m), (n, m)])
        self.W *= self.W.dtype.type(d**-0.5)  # as a network's: no sigmoid overflows
        self.b = numbers(dtype, m)
        self.out, self.dx, self.dW, self.db = map(blank, (self.dout, self.x, self.W, self.b))
        self.kernels = part(implementation, "kernels")
        self.sigmoid = self.kernels.SIGMOID
        self.hidden = 1 / (1 + abs(self.x))  # as a sigmoid's output: between 0 and 1
        self.lr = self.x.dtype.type(TINY)
        assert_agree("affine_forward", self.x, self.W, self.b, self.sigmoid, self.out)
        assert_agree("affine_backward", self.x, self.W, self.dout, self.dx, self.dW, self.db)
        assert_agree("affine_backward_input", self.dout, self.W, self.hidden, self.sigmoid, self.dx)
        assert_agree("affine_backward_params", self.x, self.dout, self.dW, self.db)
        lr = self.x.dtype.type(0.1)
        assert_agree("affine_backward_sgd_update", self.x, self.dout, lr, self.W, self.b)

    def time_affine_forward(self, *_):
        self.kernels.affine_forward(self.x, self.W, self.b, self.sigmoid, self.out)

    def time_affine_backward(self, *_):
        self.kernels.affine_backward(self.x, self.W, self.dout, self.dx, self.dW, self.db)

    def time_affine_backward_input(self, *_):
        self.kernels.affine_backward_input(self.dout, self.W, self.hidden, self.sigmoid, self.dx)

    def time_affine_backward_params(self, *_):
        self.kernels.affine_backward_params(self.x, self.dout, self.dW, self.db)

    def time_affine_backward_sgd_update(self, *_):
        self.kernels.affine_backward_sgd_update(self.x, self.dout, self.lr, self.W, self.b)


AffineRatio = ratios(Affine, dtype=DTYPES, shape=[*SHAPES])
