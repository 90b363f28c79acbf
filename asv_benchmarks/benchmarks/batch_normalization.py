import numpy as np

from . import DTYPES, IMPLEMENTATIONS, SHAPES, assert_agree, blank, numbers, part, ratios


class BatchNormalization:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        n, _, m = SHAPES[shape]
        x = numbers(dtype, n, m)
        scalar, gamma, beta = x.dtype.type, numbers(dtype, m), numbers(dtype, m)[::-1].copy()
        mean, var = x.mean(axis=0), x.var(axis=0)
        eps, running = scalar(1e-6), [np.zeros_like(gamma), np.ones_like(gamma)]
        stats = [blank(gamma), blank(gamma)]
        inverse_std = (1 / np.sqrt(var + scalar(1e-3))).astype(dtype)
        self.forward = [x, gamma, beta, scalar(0.9), eps, *running, *stats, blank(x)]
        self.inference = [x, gamma, beta, eps, mean, var + scalar(1), blank(x)]
        self.backward = [x, gamma, mean, inverse_std, x[::-1].copy(), blank(x)]
        self.backward += [blank(gamma), blank(gamma)]
        assert_agree("batch_normalization_forward", *self.forward)
        assert_agree("batch_normalization_inference_forward", *self.inference)
        assert_agree("batch_normalization_backward", *self.backward)
        self.kernels = part(implementation, "kernels")

    def time_batch_normalization_forward(self, *_):
        self.kernels.batch_normalization_forward(*self.forward)

    def time_batch_normalization_inference_forward(self, *_):
        self.kernels.batch_normalization_inference_forward(*self.inference)

    def time_batch_normalization_backward(self, *_):
        self.kernels.batch_normalization_backward(*self.backward)


BatchNormalizationRatio = ratios(BatchNormalization)
