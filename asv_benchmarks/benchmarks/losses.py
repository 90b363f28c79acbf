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

KERNELS = [
    "mean_squared_error",
    "elementwise_mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "huber",
    "cosine_proximity",
]


class Kernels:
    """Of numbers from 0 to 4, which all these losses take."""

    param_names = ["implementation", "dtype", "shape", "loss"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES], KERNELS]

    def setup(self, implementation, dtype, shape, loss):
        n, _, m = SHAPES[shape]
        y = abs(numbers(dtype, n, m))
        t, one = y[::-1, ::-1].copy(), y.dtype.type(1)
        dx, total = blank(y), blank(y[0, :1])
        delta = (one,) if loss == "huber" else ()
        self.forward_arguments = (y, t, *delta, total)
        self.backward_arguments = (y, t, *delta, one, dx)
        assert_agree(f"{loss}_forward", *self.forward_arguments)
        assert_agree(f"{loss}_backward", *self.backward_arguments)
        kernels = part(implementation, "kernels")
        self.forward = getattr(kernels, f"{loss}_forward")
        self.backward = getattr(kernels, f"{loss}_backward")

    def time_forward(self, *_):
        self.forward(*self.forward_arguments)

    def time_backward(self, *_):
        self.backward(*self.backward_arguments)


# What a class takes: one of each kind of check.
CLASSES = {
    "SoftmaxCrossEntropy": "labels",
    "MeanSquaredError": "numbers",
    "Huber": "numbers",
    "Hinge": "signs",
    "CategoricalHinge": "labels",
    "BinaryCrossEntropy": "probabilities",
    "SigmoidCrossEntropy": "yes or no",
    "SigmoidWithLoss": "yes or no",
}


class Losses:
    param_names = ["implementation", "dtype", "shape", "loss"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES], [*CLASSES]]

    def setup(self, implementation, dtype, shape, loss):
        n, _, m = SHAPES[shape]
        self.x = numbers(dtype, n, m)
        if CLASSES[loss] == "probabilities":
            self.x = 1 / (1 + abs(self.x))
        self.t = self.x[::-1, ::-1].copy()
        if CLASSES[loss] == "labels":
            self.t = labels(n, m)
        elif CLASSES[loss] == "yes or no":
            self.t = (self.t > 0).astype(dtype)
        elif CLASSES[loss] == "signs":
            self.t = 2 * (self.t > 0).astype(dtype) - 1
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
