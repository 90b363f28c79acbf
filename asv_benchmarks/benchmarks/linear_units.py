import numpy as np

from . import (
    DTYPES,
    FAMILY_SHAPES,
    IMPLEMENTATIONS,
    SHAPES,
    assert_agree,
    blank,
    numbers,
    part,
    ratios,
)

SLOPED = ("leaky_relu", "elu")
OF_INPUT = ("gelu", "gelu_tanh", "silu")
NAMES = ["identity", "step", *SLOPED, "softplus", *OF_INPUT]


class LinearUnits:
    """NumPy has no erf: its gelu calls math.erf for each element."""

    param_names = ["implementation", "dtype", "shape", "name"]
    params = [IMPLEMENTATIONS, DTYPES, FAMILY_SHAPES, NAMES]

    def setup(self, implementation, dtype, shape, name):
        n, _, m = SHAPES[shape]
        x = numbers(dtype, n, m)
        alpha = [x.dtype.type(0.1)] if name in SLOPED else []
        out, dout = blank(x), x[::-1].copy()
        getattr(part("numpy", "kernels"), f"{name}_forward")(x, *alpha, out)
        self.forward_arguments = [x, *alpha, blank(x)]
        self.backward_arguments = [x if name in OF_INPUT else out, *alpha, dout, blank(x)]
        assert_agree(f"{name}_forward", *self.forward_arguments)
        assert_agree(f"{name}_backward", *self.backward_arguments)
        kernels = part(implementation, "kernels")
        self.forward = getattr(kernels, f"{name}_forward")
        self.backward = getattr(kernels, f"{name}_backward")
        assert not np.isnan(out).any()

    def time_forward(self, *_):
        self.forward(*self.forward_arguments)

    def time_backward(self, *_):
        self.backward(*self.backward_arguments)


LinearUnitsRatio = ratios(LinearUnits)
