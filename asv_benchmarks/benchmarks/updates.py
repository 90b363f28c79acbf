import inspect
import math

import numpy as np

from fastnet.reference import kernels

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


# With these numbers weights stay as they are: the rate is tiny, nothing is clipped or decays.
NUMBERS = {
    "lr": TINY,
    "momentum": 0.9,
    "decay_rate": 0.99,
    "beta1": 0.9,
    "beta2": 0.999,
    "eps": 1e-7,
}
NUMBERS |= {"weight_decay": 0.0, "clip_value": math.inf, "scale": 1.0, "t": 1}
# Rule -> the names of its kernel's arguments.
RULES = {
    name.removesuffix("_update"): [*inspect.signature(kernel).parameters]
    for name, kernel in ((name, getattr(kernels, name)) for name in kernels.__all__)
    if name.endswith("_update") and "scale" in inspect.signature(kernel).parameters
}


class Rules:
    param_names = ["implementation", "dtype", "size", "rule"]
    params = [IMPLEMENTATIONS, DTYPES, [100_000, 10_000_000], [*RULES]]

    def setup(self, implementation, dtype, size, rule):
        values = {name: NUMBERS[name] for name in RULES[rule] if name in NUMBERS}
        states = len(RULES[rule]) - len(values) - 2
        # Tiled: to draw 4 * 10**7 numbers took a second of each process.
        grad, *held = np.tile(abs(numbers(dtype, 2 + states, 1000)), (1, size // 1000))
        small = [array[:1000].copy() for array in held]
        assert_agree(f"{rule}_update", grad[:1000].copy(), *(values | {"lr": 0.1}).values(), *small)
        self.kernel = getattr(part(implementation, "kernels"), f"{rule}_update")
        self.arguments = [grad, *values.values(), *held]

    def time_update(self, *_):
        self.kernel(*self.arguments)


RulesRatio = ratios(Rules)
