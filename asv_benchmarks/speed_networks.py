"""A network of speed.py on both sides, fastnet and NumPy, and the ways to train it."""

import statistics
from itertools import pairwise

import numpy as np

import fastnet
import fastnet.kernels
import fastnet.layers
import fastnet.losses
import fastnet.models
import fastnet.optimizer
import fastnet.reference.kernels
import fastnet.reference.layers
import fastnet.reference.losses
import fastnet.reference.models
import fastnet.reference.optimizer
from asv_benchmarks.timing import TINY, multiply_and_add, percentiles, rounds_of
from fastnet.kernels.loop.online import one_by_one
from fastnet.reference.kernels.record import dense_layers, program_of

SIDES = {"numpy": fastnet.reference, "fastnet": fastnet}


class Network:
    """A stack of Dense layers on both sides, its data, and four ways to train it."""

    def __init__(self, widths, batch_size, dtype, activation="sigmoid"):
        self.widths, self.batch_size, self.dtype = widths, batch_size, np.dtype(dtype)
        self.activation = activation
        products = [d * m for d, m in pairwise(widths)]
        # Forward and dW for every layer, dx for all but the first.
        self.flops = 2.0 * batch_size * (3 * sum(products) - products[0])
        self.squared = widths[-1] == 1
        xor = batch_size == 1 and self.squared
        steps = int(min(20000 if xor else 1000, max(2, 5e8 / self.flops)))
        self.rows, self.epochs = (4, steps // 4) if xor else (steps * batch_size, 1)
        self.steps = self.epochs * -(-self.rows // batch_size)
        rng = np.random.default_rng(0)
        self.x = rng.standard_normal((self.rows, widths[0])).astype(dtype)
        self.t = rng.integers(max(2, widths[-1]), size=self.rows)
        if self.squared:
            self.t = self.t.astype(dtype).reshape(-1, 1)
        self.order = np.tile(np.arange(self.rows), (self.epochs, 1))
        rng.permuted(self.order, axis=1, out=self.order)

    def model(self, side):
        """Return a Sequential; the same seed gives both sides the same weights."""
        Dense = SIDES[side].layers.Dense
        layers = [Dense(m, activation=self.activation) for m in self.widths[1:-1]]
        last = {"activation": "sigmoid"} if self.squared else {}
        layers.append(Dense(self.widths[-1], **last))
        loss = "mean_squared_error" if self.squared else "softmax_cross_entropy"
        model = SIDES[side].models.Sequential(layers, loss=loss, dtype=self.dtype.name, seed=0)
        model.build(self.widths[0])
        return model

    def fit(self, side, lr, rows=None):
        """Return a function that calls Sequential.fit, and the weights that it changes."""
        model = self.model(side)
        optimizer = SIDES[side].optimizer.SGD(lr=lr)
        arguments = self.x[:rows], self.t[:rows], self.epochs, self.batch_size, optimizer
        return lambda: model.fit(*arguments, verbose=0), model.parameter_vector

    def loop(self, side, lr, rows=None):
        """Return a function that calls the kernel train_epochs, and the weights that it changes."""
        kernels = SIDES[side].kernels
        params = self.model(side).parameter_vector.copy()
        codes = {"sigmoid": kernels.SIGMOID, "relu": kernels.RELU}
        activations = [codes[self.activation]] * (len(self.widths) - 2)
        activations.append(kernels.SIGMOID if self.squared else kernels.IDENTITY)
        layers, scalar = dense_layers(self.widths, activations)[0], self.dtype.type
        kind = kernels.FLOAT32 if self.dtype == np.float32 else kernels.FLOAT64
        labels, targets = self.t, np.empty((0, 0), self.dtype)
        if self.squared:
            labels, targets = np.empty(0, np.int64), self.t
        loss = kernels.MEAN_SQUARED_ERROR if self.squared else kernels.SOFTMAX_CROSS_ENTROPY
        programs = program_of(layers, loss, one_by_one=one_by_one.address(np.dtype(self.dtype)))
        work = np.empty(kernels.work_size(programs, self.batch_size), self.dtype)
        totals, alone = np.empty((self.epochs, 3)), np.zeros(1, np.int64)
        order = np.ascontiguousarray(self.order[:, :rows])
        arguments = (
            self.x.ctypes.data, kind, self.x.strides[0], labels, targets, order, self.batch_size,
            params, programs, scalar(lr), True, work, totals, alone, 0,
        )  # fmt: skip
        return lambda: kernels.train_epochs(*arguments), params

    def check(self):
        """Raise unless both sides learn the same weights in a few steps, by fit and by the loop."""
        rows = 5 * self.batch_size  # in more, rounding errors grow as the training amplifies them
        initial = self.model("numpy").parameter_vector
        for way in (self.fit, self.loop):
            weights = {}
            for side in SIDES:
                train, weights[side] = way(side, 0.05, rows)
                train()
            tolerance = {"float32": 1e-3, "float64": 1e-9}[self.dtype.name]
            tolerance *= np.abs(weights["numpy"] - initial).max()
            np.testing.assert_allclose(weights["fastnet"], weights["numpy"], rtol=0, atol=tolerance)

    def measure(self, rounds):
        """Return microseconds a step, [p10, p50, p90] for each way, and GFLOP/s of the peak."""
        self.check()
        like, peak = np.empty(1, self.dtype), int(2e5)
        _, peak_flops = multiply_and_add(peak, like)
        contenders = {
            "numpy fit": self.fit("numpy", TINY)[0],
            "numpy loop": self.loop("numpy", TINY)[0],
            "fastnet loop": self.loop("fastnet", TINY)[0],
            "fastnet fit": self.fit("fastnet", TINY)[0],
            "peak": lambda: multiply_and_add(peak, like),
        }
        rounds_of(contenders, 2)
        times = rounds_of(contenders, rounds)
        peak_seconds = statistics.median(times.pop("peak"))
        row = {name: percentiles(t, 1e6 / self.steps) for name, t in times.items()}
        row["peak"] = peak_flops / peak_seconds / 1e9
        return row
