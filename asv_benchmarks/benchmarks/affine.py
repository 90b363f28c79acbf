import numpy as np

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


class AffineOfDigits:
    """Of MNIST's shape, with as many zeros in as large parts: those that are skipped."""

    param_names = ["implementation", "dtype"]
    params = [IMPLEMENTATIONS, DTYPES]

    def setup(self, implementation, dtype):
        n, d, m = SHAPES["100-784-50"]
        self.x, self.W, self.dout = (numbers(dtype, *s) for s in [(n, d), (d, m), (n, m)])
        side = np.arange(28) - 13.5
        rng = np.random.default_rng(0)
        for image in self.x.reshape(n, 28, 28):  # a ring of 20 % of the pixels
            rows, columns = side - rng.uniform(-2, 2), side - rng.uniform(-2, 2)
            radius = np.hypot(rows[:, None], columns) - rng.uniform(5, 9)
            image[abs(radius) > 1.8] = 0
        assert 0.15 < np.count_nonzero(self.x) / self.x.size < 0.25
        self.b = numbers(dtype, m)
        self.out, self.dW, self.db = map(blank, (self.dout, self.W, self.b))
        self.kernels = part(implementation, "kernels")
        assert_agree("affine_forward", self.x, self.W, self.b, self.kernels.IDENTITY, self.out)
        assert_agree("affine_backward_params", self.x, self.dout, self.dW, self.db)

    def time_affine_forward(self, *_):
        self.kernels.affine_forward(self.x, self.W, self.b, self.kernels.IDENTITY, self.out)

    def time_affine_backward_params(self, *_):
        self.kernels.affine_backward_params(self.x, self.dout, self.dW, self.db)


AffineRatio = ratios(Affine, dtype=DTYPES, shape=[*SHAPES])
AffineOfDigitsRatio = ratios(AffineOfDigits, dtype=DTYPES)
