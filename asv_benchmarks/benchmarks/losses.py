import numpy as np

from fastnet import kernels, losses

from . import (
    API_SHAPES,
    DTYPES,
    FAMILY_SHAPES,
    IMPLEMENTATIONS,
    SHAPES,
    assert_agree,
    assert_close,
    blank,
    labels,
    numbers,
    part,
    ratios,
)

KERNELS = [n.removesuffix("_forward") for n in vars(kernels.losses) if n.endswith("_forward")]


class Kernels:
    """Of numbers from 0 to 4, which all these losses take."""

    param_names = ["implementation", "dtype", "shape", "loss"]
    params = [IMPLEMENTATIONS, DTYPES, FAMILY_SHAPES, KERNELS]

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
        found = part(implementation, "kernels")
        self.forward = getattr(found, f"{loss}_forward")
        self.backward = getattr(found, f"{loss}_backward")

    def time_forward(self, *_):
        self.forward(*self.forward_arguments)

    def time_backward(self, *_):
        self.backward(*self.backward_arguments)


KernelsRatio = ratios(Kernels)


# What a class takes, outputs and targets, where it does not take any numbers.
CLASSES = {kind.__name__: ("numbers", "numbers") for kind in losses.LOSSES.values()} | {
    "SoftmaxCrossEntropy": ("numbers", "labels"),
    "MeanSquaredLogarithmicError": ("probabilities", "probabilities"),
    "Poisson": ("probabilities", "probabilities"),
    "Hinge": ("numbers", "signs"),
    "SquaredHinge": ("numbers", "signs"),
    "CategoricalHinge": ("numbers", "labels"),
    "CategoricalCrossEntropy": ("probabilities", "probabilities"),
    "SparseCategoricalCrossEntropy": ("probabilities", "labels"),
    "BinaryCrossEntropy": ("probabilities", "probabilities"),
    "SigmoidCrossEntropy": ("numbers", "yes or no"),
    "KullbackLeiblerDivergence": ("probabilities", "probabilities"),
    "SigmoidWithLoss": ("numbers", "yes or no"),
}


class Losses:
    param_names = ["implementation", "dtype", "shape", "loss"]
    params = [IMPLEMENTATIONS, ["float32"], API_SHAPES, [*CLASSES]]

    def setup(self, implementation, dtype, shape, loss):
        n, _, m = SHAPES[shape]
        x = numbers(dtype, n, m)
        values = {
            "numbers": x,
            "probabilities": 1 / (1 + abs(x)),
            "yes or no": (x > 0).astype(dtype),
            "signs": np.where(x > 0, 1, -1).astype(dtype),
        }
        outputs, targets = CLASSES[loss]
        self.x = values[outputs]
        self.t = labels(n, m) if targets == "labels" else values[targets][::-1, ::-1].copy()
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


LossesRatio = ratios(Losses)


class WeightedLosses:
    """Labels and a number as outputs of one network."""

    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, ["float32"], API_SHAPES]

    def setup(self, implementation, dtype, shape):
        n, _, m = SHAPES[shape]
        x = numbers(dtype, n, m)
        self.xs, self.ts = [x, x[:, :1].copy()], [labels(n, m), x[:, 1:2].copy()]
        results = {}
        for name in IMPLEMENTATIONS:
            found = part(name, "losses")
            both = [found.SoftmaxCrossEntropy(), found.MeanSquaredError()]
            layer = found.WeightedLosses(both, [1.0, 3.0])
            loss = np.asarray(layer.forward(self.xs, self.ts), dtype)  # NumPy's average is wider
            results[name] = loss, *layer.backward()
            if name == implementation:
                self.layer = layer
        for ours, theirs in zip(results["fastnet"], results["numpy"], strict=True):
            assert_close(ours, theirs)

    def time_forward(self, *_):
        self.layer.forward(self.xs, self.ts)

    def time_backward(self, *_):
        self.layer.backward()


WeightedLossesRatio = ratios(WeightedLosses)
