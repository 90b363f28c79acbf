import numpy as np

from . import DTYPES, IMPLEMENTATIONS, SHAPES, assert_agree, blank, numbers, part, ratios


class Elementary:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        n, _, m = SHAPES[shape]
        self.x = numbers(dtype, n, m)
        self.positive = np.abs(self.x) + self.x.dtype.type(0.1)
        self.out = blank(self.x)
        assert_agree("exp_forward", self.x, self.out)
        assert_agree("log_forward", self.positive, self.out)
        self.kernels = part(implementation, "kernels")

    def time_exp_forward(self, *_):
        self.kernels.exp_forward(self.x, self.out)

    def time_log_forward(self, *_):
        self.kernels.log_forward(self.positive, self.out)


ElementaryRatio = ratios(Elementary)
