import numpy as np

from . import (
    DTYPES,
    FAMILY_SHAPES,
    IMPLEMENTATIONS,
    SHAPES,
    assert_agree,
    assert_close,
    numbers,
    part,
    ratios,
)


class Penalties:
    param_names = ["implementation", "dtype", "shape", "name"]
    params = [IMPLEMENTATIONS, DTYPES, FAMILY_SHAPES, ["l1_penalty", "l2_penalty"]]

    def setup(self, implementation, dtype, shape, name):
        _, d, m = SHAPES[shape]
        self.W = numbers(dtype, d * m)
        # added again and again: so little that dW stays as it is
        self.strength = self.W.dtype.type(1e-12)
        self.loss, self.dW = np.full(1, np.nan, dtype), self.W[::-1].copy()
        assert_agree(f"{name}_forward", self.W, self.strength, self.loss)
        assert_agree(f"{name}_backward", self.W, self.W.dtype.type(0.1), self.dW)
        kernels = part(implementation, "kernels")
        self.forward = getattr(kernels, f"{name}_forward")
        self.backward = getattr(kernels, f"{name}_backward")
        results = {}
        for side in IMPLEMENTATIONS:
            penalties = part(side, "penalties")
            value, gradient = getattr(penalties, name), getattr(penalties, f"{name}_gradient")
            results[side] = value(self.W, 0.1).astype(dtype), gradient(self.W, 0.1).astype(dtype)
            if side == implementation:
                self.function, self.gradient = value, gradient
        for ours, theirs in zip(results["fastnet"], results["numpy"], strict=True):
            assert_close(ours, theirs)

    def time_forward(self, *_):
        self.forward(self.W, self.strength, self.loss)

    def time_backward(self, *_):
        self.backward(self.W, self.strength, self.dW)

    def time_function(self, *_):
        self.function(self.W, 0.1)

    def time_gradient(self, *_):
        self.gradient(self.W, 0.1)


PenaltiesRatio = ratios(Penalties)
