import numpy as np

from . import (
    DTYPES,
    IMPLEMENTATIONS,
    NETWORKS,
    assert_close,
    labels,
    numbers,
    part,
    ratios,
)

ROWS = 10
SIZES = ["3-4-1/1", "64-32-10/32"]  # of 784-50-10, NumPy's takes 4 s


class NumericalGradient:
    """Of all parameters of a network, computed in float64 whatever its dtype."""

    param_names = ["implementation", "dtype", "network"]
    params = [IMPLEMENTATIONS, DTYPES, SIZES]

    def setup(self, implementation, dtype, network):
        _, n_in, *units = NETWORKS[network]
        squared = units[-1] == 1
        self.x = numbers(dtype, ROWS, n_in)
        self.t = np.round(abs(self.x[:, :1])) if squared else labels(ROWS, units[-1])
        loss = "mean_squared_error" if squared else "softmax_cross_entropy"
        results = {}
        for name in IMPLEMENTATIONS:
            Dense = part(name, "layers").Dense
            layers = [Dense(m, activation="sigmoid") for m in units[:-1]] + [Dense(units[-1])]
            model = part(name, "models").Sequential(layers, loss=loss, dtype=dtype, seed=0)
            results[name] = model.numerical_gradient(self.x, self.t)
            if name == implementation:
                self.model = model
        # A step of 2**-17 leaves the rounding of the losses 65,536-fold.
        for ours, theirs in zip(*results.values(), strict=True):
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7 * np.abs(theirs).max())

    def time_numerical_gradient(self, *_):
        self.model.numerical_gradient(self.x, self.t)


NumericalGradientRatio = ratios(NumericalGradient, network=SIZES)


class Functions:
    """The functions of one array, where f is the sum of squares."""

    param_names = ["implementation", "dtype"]
    params = [IMPLEMENTATIONS, DTYPES]

    def setup(self, implementation, dtype):
        self.x = numbers(dtype, 100)
        sides = [part(name, "gradient") for name in IMPLEMENTATIONS]
        found = [
            [side.numerical_gradient(squares, self.x), side.numerical_diff(np.sin, self.x)]
            for side in sides
        ]
        for theirs, ours in zip(*found, strict=True):
            assert_close(ours, theirs)
        self.gradient = part(implementation, "gradient")

    def time_numerical_gradient(self, *_):
        self.gradient.numerical_gradient(squares, self.x)

    def time_numerical_diff(self, *_):
        self.gradient.numerical_diff(np.sin, self.x)

    def time_gradient_descent(self, *_):
        self.gradient.gradient_descent(squares, self.x.copy(), 0.01, 1)


FunctionsRatio = ratios(Functions)


def squares(x):
    return np.sum(x**2)
