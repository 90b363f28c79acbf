import numpy as np

from . import DTYPES, IMPLEMENTATIONS, SHAPES, assert_agree, blank, numbers, part, ratios


class Dropout:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        n, _, m = SHAPES[shape]
        self.x = numbers(dtype, n, m)
        self.out, self.scale = blank(self.x), self.x.dtype.type(2)
        self.mask = np.full((n, m), 9, np.uint8)
        assert_agree("dropout_mask", 1, 2, 0.5, self.mask)
        self.kernels = part(implementation, "kernels")
        self.kernels.dropout_mask(1, 2, 0.5, self.mask)
        assert_agree("dropout_forward", self.x, self.mask, self.scale, self.out)
        assert_agree("dropout_backward", self.mask, self.scale, self.x, self.out)

    def time_dropout_mask(self, *_):
        self.kernels.dropout_mask(1, 2, 0.5, self.mask)

    def time_dropout_forward(self, *_):
        self.kernels.dropout_forward(self.x, self.mask, self.scale, self.out)

    def time_dropout_backward(self, *_):
        self.kernels.dropout_backward(self.mask, self.scale, self.x, self.out)


DropoutRatio = ratios(Dropout)
