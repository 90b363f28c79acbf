from . import (
    DTYPES,
    IMPLEMENTATIONS,
    SHAPES,
    assert_agree,
    assert_close,
    blank,
    labels,
    numbers,
    part,
)


class Kernels:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        n, _, m = SHAPES[shape]
        self.y = numbers(dtype, n, m)
        self.t = self.y[::-1, ::-1].copy()
        self.one = self.y.dtype.type(1)
        self.dx, self.loss = blank(self.y), blank(self.y[0, :1])
        assert_agree("mean_squared_error_forward", self.y, self.t, self.loss)
        assert_agree("mean_squared_error_backward", self.y, self.t, self.one, self.dx)
        self.kernels = part(implementation, "kernels")

    def time_mean_squared_error_forward(self, *_):
        self.kernels.mean_squared_error_forward(self.y, self.t, self.loss)

    def time_mean_squared_error_backward(self, *_):
        self.kernels.mean_squared_error_backward(self.y, self.t, self.one, self.dx)


class Losses:
    param_names = ["implementation", "dtype", "shape", "loss"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES], ["SoftmaxCrossEntropy", "MeanSquaredError"]]

    def setup(self, implementation, dtype, shape, loss):
        n, _, m = SHAPES[shape]
        self.x = numbers(dtype, n, m)
        self.t = labels(n, m) if loss == "SoftmaxCrossEntropy" else self.x[::-1, ::-1].copy()
        results = {}
        for name in IMPLEMENTATIONS:
            layer = getattr(part(name, "losses"), loss)()
            results[name] = layer.forward(self.x, self.t), layer.backward()
            if name == implementation:
                self.layer = layer
        for ours, theirs in zip(results["fastnet"], results["numpy"], strict=True):
            assert_close(ours, theirs)

    def time_forward(self, *_):
        self.layer.forward(self.x, self.t)

    def time_backward(self, *_):
        self.layer.backward()
