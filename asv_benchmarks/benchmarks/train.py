import numpy as np

from fastnet.kernels.loop.online import one_by_one
from fastnet.reference.kernels.record import dense_layers, program_of

from . import (
    DTYPES,
    IMPLEMENTATIONS,
    NETWORKS,
    TINY,
    assert_close,
    blank,
    labels,
    numbers,
    part,
    ratios,
)

BATCHES = 10
ALONE = np.zeros(1, np.int64)  # no team of threads


def arguments(kernels, dtype, network):
    """Arguments of train_epochs by name, but for lr, and x itself."""
    batch_size, *widths = NETWORKS[network]
    rows, classes = BATCHES * batch_size, widths[-1]
    squared = classes == 1
    activations = [kernels.SIGMOID] * (len(widths) - 1)
    if not squared:
        activations[-1] = kernels.IDENTITY
    layers, size = dense_layers(widths, activations)
    programs = program_of(
        layers,
        kernels.MEAN_SQUARED_ERROR if squared else kernels.SOFTMAX_CROSS_ENTROPY,
        one_by_one=one_by_one.address(np.dtype(dtype)),
    )
    x, params = numbers(dtype, rows, widths[0]), numbers(dtype, size)
    params *= params.dtype.type(0.1)
    return {
        "x": x,
        "x_kind": kernels.FLOAT32 if dtype == "float32" else kernels.FLOAT64,
        "labels": np.empty(0, np.int64) if squared else labels(rows, classes),
        "targets": np.round(abs(x[:, :1])) if squared else np.empty((0, 0), dtype),
        "order": np.random.default_rng(2).permutation(rows).reshape(1, rows),
        "batch_size": batch_size,
        "params": params,
        "programs": programs,
        "work": np.empty(kernels.work_size(programs, batch_size), dtype),
        "totals": np.empty((1, 3)),
        "out": blank(np.empty((rows, classes), dtype)),
    }


def train(kernels, a, lr, learn=True):
    x, scalar = a["x"], a["params"].dtype.type
    kernels.train_epochs(
        x.ctypes.data, a["x_kind"], x.strides[0], a["labels"], a["targets"], a["order"],
        a["batch_size"], a["params"], a["programs"], scalar(lr), learn,
        a["work"], a["totals"], ALONE, 0,
    )  # fmt: skip


def predict(kernels, a):
    x = a["x"]
    kernels.predict_rows(
        x.ctypes.data, a["x_kind"], x.strides[0], a["order"][0], a["params"], a["programs"],
        a["work"], a["batch_size"], a["out"], ALONE, 0,
    )  # fmt: skip


class Training:
    """An epoch of ten batches in one call."""

    param_names = ["implementation", "dtype", "network"]
    params = [IMPLEMENTATIONS, DTYPES, [*NETWORKS]]

    def setup(self, implementation, dtype, network):
        results = {}
        for name in IMPLEMENTATIONS:
            kernels = part(name, "kernels")
            a = arguments(kernels, dtype, network)
            train(kernels, a, lr=0.1)
            predict(kernels, a)
            results[name] = [a["params"], a["totals"][0, :1].astype(dtype), a["out"]]
            if name == implementation:
                self.kernels, self.arguments = kernels, a
        for ours, theirs in zip(results["fastnet"], results["numpy"], strict=True):
            assert_close(ours, theirs)

    def time_train_epochs(self, *_):
        train(self.kernels, self.arguments, TINY)

    def time_evaluate_epochs(self, *_):
        train(self.kernels, self.arguments, TINY, learn=False)

    def time_predict_rows(self, *_):
        predict(self.kernels, self.arguments)


TrainingRatio = ratios(Training, dtype=DTYPES, network=[*NETWORKS])
