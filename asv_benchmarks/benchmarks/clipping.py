import numpy as np

from . import DTYPES, IMPLEMENTATIONS, assert_agree, numbers, part, ratios


class Norm:
    param_names = ["implementation", "dtype", "size"]
    params = [IMPLEMENTATIONS, DTYPES, [100_000, 10_000_000]]

    def setup(self, implementation, dtype, size):
        self.x, self.total = np.tile(numbers(dtype, 1000), size // 1000), np.empty(1)
        assert_agree("squared_norm_forward", self.x[:1000].copy(), self.total)
        self.kernels = part(implementation, "kernels")

    def time_squared_norm_forward(self, *_):
        self.kernels.squared_norm_forward(self.x, self.total)


NormRatio = ratios(Norm)
