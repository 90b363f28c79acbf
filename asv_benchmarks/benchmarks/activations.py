import importlib
import inspect

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


def found():
    """Yield the name of each activation: its gradient takes x or out first, dout and dx last."""
    kernels = vars(importlib.import_module("fastnet.reference.kernels"))
    for name in sorted(kernels):
        word, _, direction = name.rpartition("_")
        if direction == "backward" and f"{word}_forward" in kernels:
            arguments = [*inspect.signature(kernels[name]).parameters]
            if arguments[0] in ("x", "out") and arguments[-2:] == ["dout", "dx"]:
                yield word


class Activations:
    """NumPy has no erf: its gelu calls math.erf for each element."""

    param_names = ["implementation", "dtype", "shape", "name"]
    params = [IMPLEMENTATIONS, DTYPES, FAMILY_SHAPES, [*found()]]

    def setup(self, implementation, dtype, shape, name):
        n, _, m = SHAPES[shape]
        x = numbers(dtype, n, m)
        reference, kernels = part("numpy", "kernels"), part(implementation, "kernels")
        known, *rest = inspect.signature(getattr(reference, f"{name}_backward")).parameters
        alpha = [x.dtype.type(0.1)] if "alpha" in rest else []
        out, dout = blank(x), x[::-1].copy()
        getattr(reference, f"{name}_forward")(x, *alpha, out)
        self.forward_arguments = [x, *alpha, blank(x)]
        self.backward_arguments = [x if known == "x" else out, *alpha, dout, blank(x)]
        assert_agree(f"{name}_forward", *self.forward_arguments)
        assert_agree(f"{name}_backward", *self.backward_arguments)
        self.forward = getattr(kernels, f"{name}_forward")
        self.backward = getattr(kernels, f"{name}_backward")
        assert not np.isnan(out).any()

    def time_forward(self, *_):
        self.forward(*self.forward_arguments)

    def time_backward(self, *_):
        self.backward(*self.backward_arguments)


ActivationsRatio = ratios(Activations)


class ReluBits:
    """ReLU of images, whose gradient reads a bit a number."""

    param_names = ["implementation", "dtype"]
    params = [IMPLEMENTATIONS, DTYPES]

    def setup(self, implementation, dtype):
        x = numbers(dtype, 100 * 24 * 24 * 30)
        kernels, bits = part(implementation, "kernels"), np.empty(x.size // 8, np.uint8)
        part("numpy", "kernels").relu_bits_forward(x, blank(x), bits)
        self.forward_arguments = [x, blank(x), blank(bits)]
        self.backward_arguments = [bits, x[::-1].copy(), blank(x)]
        assert_agree("relu_bits_forward", *self.forward_arguments)
        assert_agree("relu_bits_backward", *self.backward_arguments)
        self.forward, self.backward = kernels.relu_bits_forward, kernels.relu_bits_backward

    def time_relu_bits_forward(self, *_):
        self.forward(*self.forward_arguments)

    def time_relu_bits_backward(self, *_):
        self.backward(*self.backward_arguments)


ReluBitsRatio = ratios(ReluBits)
