from . import DTYPES, IMPLEMENTATIONS, SHAPES, assert_agree, blank, numbers, part, ratios


class Activations:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        n, _, m = SHAPES[shape]
        self.x = numbers(dtype, n, m)
        self.dout = self.x[::-1].copy()
        self.out, self.dx = blank(self.x), blank(self.x)
        self.kernels = part(implementation, "kernels")
        self.activated = {}
        for name in ("sigmoid", "relu", "tanh"):
            activated = blank(self.x)
            getattr(part("numpy", "kernels"), f"{name}_forward")(self.x, activated)
            assert_agree(f"{name}_forward", self.x, self.out)
            assert_agree(f"{name}_backward", activated, self.dout, self.dx)
            self.activated[name] = activated

    def time_sigmoid_forward(self, *_):
        self.kernels.sigmoid_forward(self.x, self.out)

    def time_sigmoid_backward(self, *_):
        self.kernels.sigmoid_backward(self.activated["sigmoid"], self.dout, self.dx)

    def time_relu_forward(self, *_):
        self.kernels.relu_forward(self.x, self.out)

    def time_relu_backward(self, *_):
        self.kernels.relu_backward(self.activated["relu"], self.dout, self.dx)

    def time_tanh_forward(self, *_):
        self.kernels.tanh_forward(self.x, self.out)

    def time_tanh_backward(self, *_):
        self.kernels.tanh_backward(self.activated["tanh"], self.dout, self.dx)


ActivationsRatio = ratios(Activations)
