from . import (
    DTYPES,
    FAMILY_SHAPES,
    IMPLEMENTATIONS,
    SHAPES,
    assert_agree,
    blank,
    labels,
    numbers,
    part,
    ratios,
)

NAMES = ["hinge", "squared_hinge", "categorical_hinge"]


class Hinge:
    param_names = ["implementation", "dtype", "shape", "loss"]
    params = [IMPLEMENTATIONS, DTYPES, FAMILY_SHAPES, NAMES]

    def setup(self, implementation, dtype, shape, loss):
        n, _, m = SHAPES[shape]
        self.y, self.t = numbers(dtype, n, m), labels(n, m)
        if loss != "categorical_hinge":
            self.t = 2 * (self.y[::-1, ::-1] > 0).astype(dtype) - 1
        self.one = self.y.dtype.type(1)
        self.dx, self.loss = blank(self.y), blank(self.y[0, :1])
        assert_agree(f"{loss}_forward", self.y, self.t, self.loss)
        assert_agree(f"{loss}_backward", self.y, self.t, self.one, self.dx)
        kernels = part(implementation, "kernels")
        self.forward = getattr(kernels, f"{loss}_forward")
        self.backward = getattr(kernels, f"{loss}_backward")

    def time_forward(self, *_):
        self.forward(self.y, self.t, self.loss)

    def time_backward(self, *_):
        self.backward(self.y, self.t, self.one, self.dx)


HingeRatio = ratios(Hinge)
