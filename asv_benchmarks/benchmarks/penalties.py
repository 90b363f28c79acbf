import numpy as np

from . import DTYPES, IMPLEMENTATIONS, SHAPES, assert_agree, assert_close, numbers, part


class Penalties:
    param_names = ["implementation", "dtype", "shape", "name"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES], ["l1_penalty", "l2_penalty"]]

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
        function = getattr(part(implementation, "penalties"), name)
        theirs = getattr(part("numpy", "penalties"), name)
        assert_close(function(self.W, 0.1).astype(dtype), theirs(self.W, 0.1).astype(dtype))
        self.function = function

    def time_forward(self, *_):
        self.forward(self.W, self.strength, self.loss)

    def time_backward(self, *_):
        self.backward(self.W, self.strength, self.dW)

    def time_function(self, *_):
        self.function(self.W, 0.1)
