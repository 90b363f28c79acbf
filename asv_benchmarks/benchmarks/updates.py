from . import DTYPES, IMPLEMENTATIONS, SHAPES, TINY, assert_agree, numbers, part


class Updates:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        _, d, m = SHAPES[shape]
        self.grad = numbers(dtype, d * m)
        self.param = self.grad[::-1].copy()
        self.lr = self.grad.dtype.type(TINY)
        assert_agree("sgd_update", self.grad, self.grad.dtype.type(0.1), self.param)
        self.kernels = part(implementation, "kernels")

    def time_sgd_update(self, *_):
        self.kernels.sgd_update(self.grad, self.lr, self.param)
