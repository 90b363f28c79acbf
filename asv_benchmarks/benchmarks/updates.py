import math

import numpy as np

from . import DTYPES, IMPLEMENTATIONS, SHAPES, TINY, assert_agree, numbers, part, ratios


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


UpdatesRatio = ratios(Updates)


# Rule -> its numbers, among them those that neither decay nor clip, and how many states it keeps.
LIMITS = (0.0, math.inf, 1.0)
RULES = {
    "clip_decay_sgd": ((TINY, *LIMITS), 0),
    "momentum": ((TINY, 0.9, *LIMITS), 1),
    "nesterov": ((TINY, 0.9, *LIMITS), 1),
    "adagrad": ((TINY, 1e-7, *LIMITS), 1),
    "rmsprop": ((TINY, 0.99, 1e-7, *LIMITS), 1),
    "adadelta": ((TINY, 0.95, 1e-6, *LIMITS), 2),
    "adam": ((TINY, 0.9, 0.999, 1e-7, *LIMITS, 1), 2),
    "nadam": ((TINY, 0.9, 0.999, 1e-8, *LIMITS, 1), 2),
    "adamw": ((TINY, 0.9, 0.999, 1e-8, *LIMITS, 1), 2),
}


class Rules:
    param_names = ["implementation", "dtype", "size", "rule"]
    params = [IMPLEMENTATIONS, DTYPES, [100_000, 10_000_000], [*RULES]]

    def setup(self, implementation, dtype, size, rule):
        values, states = RULES[rule]
        # Tiled: to draw 4 * 10**7 numbers took a second of each process.
        grad, *held = np.tile(abs(numbers(dtype, 2 + states, 1000)), (1, size // 1000))
        small = [array[:1000].copy() for array in held]
        assert_agree(f"{rule}_update", grad[:1000].copy(), 0.1, *values[1:], *small)
        self.kernel = getattr(part(implementation, "kernels"), f"{rule}_update")
        self.arguments = [grad, *values, *held]

    def time_update(self, *_):
        self.kernel(*self.arguments)


RulesRatio = ratios(Rules)


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
