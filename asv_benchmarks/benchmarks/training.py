from itertools import pairwise

import numpy as np

from fastnet.kernels.loop.record import CALLS

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
PLAIN = np.zeros(CALLS, np.int64)  # nothing by address


def arguments(kernels, dtype, network):
    """Arguments of train_epochs by name, but for lr, and what must stay alive: x."""
    batch_size, *widths = NETWORKS[network]
    rows, classes = BATCHES * batch_size, widths[-1]
    squared = classes == 1
    table, size = [], 0
    for d, m in pairwise(widths):
        last = len(table) == len(widths) - 2 and not squared
        activation = kernels.IDENTITY if last else kernels.SIGMOID
        table.append((d, m, size, size + d * m, activation))
        size += d * m + m
    layers = np.array(table)
    x, params = numbers(dtype, rows, widths[0]), numbers(dtype, size)
    params *= params.dtype.type(0.1)
    return {
        "x": x,
        "x_kind": kernels.FLOAT32 if dtype == "float32" else kernels.FLOAT64,
        "labels": np.empty(0, np.int64) if squared else labels(rows, classes),
        "targets": np.round(abs(x[:, :1])) if squared else np.empty((0, 0), dtype),
        "order": np.random.default_rng(2).permutation(rows).reshape(1, rows),
        "batch_size": batch_size,
        "layers": layers,
        "params": params,
        "loss": kernels.MEAN_SQUARED_ERROR if squared else kernels.SOFTMAX_CROSS_ENTROPY,
        "work": np.empty(kernels.work_size(layers, batch_size), dtype),
        "totals": np.empty((1, 3)),
        "out": blank(np.empty((rows, classes), dtype)),
    }


def train(kernels, a, lr, learn=True):
    x, scalar = a["x"], a["params"].dtype.type
    kernels.train_epochs(
        x.ctypes.data, a["x_kind"], x.strides[0], scalar(1), a["labels"], a["targets"],
        a["order"], a["batch_size"], a["layers"], a["params"], a["loss"], scalar(lr), learn,
        PLAIN, a["work"], a["totals"], ALONE, 0,
    )  # fmt: skip


def predict(kernels, a):
    x, scalar = a["x"], a["params"].dtype.type
    kernels.predict_rows(
        x.ctypes.data, a["x_kind"], x.strides[0], scalar(1), a["order"][0], a["layers"],
        a["params"], PLAIN, a["work"], a["batch_size"], a["out"], ALONE, 0,
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
