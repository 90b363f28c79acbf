"""What the benchmarks share: two implementations, a few shapes, and the check before any timing.

"numpy" is fastnet.reference, "fastnet" is fastnet: the same names and signatures, so that one
body times both.
"""

import copy
import importlib
import os
import time

import numpy as np

IMPLEMENTATIONS = ["numpy", "fastnet"]
DTYPES = ["float32", "float64"]

# A layer: samples, inputs, outputs. Elementwise kernels work on its output, softmax on its rows.
SHAPES = {
    "1-3-4": (1, 3, 4),  # XOR: nothing but overhead
    "100-784-50": (100, 784, 50),  # the textbook's first layer
    "128-512-512": (128, 512, 512),  # larger than a core's own caches
}

# Of layers, losses, optimizers and functions: what is theirs is the overhead, whatever the dtype.
# All dtypes and shapes of theirs were a third of all benchmarks.
API_SHAPES = ["1-3-4", "100-784-50"]
# Of families of kernels that share their outer loop: a small call is the same for all of them.
FAMILY_SHAPES = ["100-784-50", "128-512-512"]

# A network: samples a batch, then the width of each layer. One output learns by squared error.
NETWORKS = {
    "3-4-1/1": (1, 3, 4, 1),
    "64-32-10/32": (32, 64, 32, 10),
    "784-50-10/100": (100, 784, 50, 10),
    "784-512-512-10/128": (128, 784, 512, 512, 10),
}

# What the ratios are taken at, unless their file says otherwise.
MIDDLE = {
    "dtype": ["float32"],
    "shape": ["100-784-50"],
    "network": ["784-50-10/100"],
    "size": [100_000],
}
# A ratio takes so long; `--quick`, which asv tells only its time_* benchmarks, wants less.
SECONDS = float(os.environ.get("FASTNET_RATIO_SECONDS", "0.5"))

TOLERANCE = {"float32": 1e-4, "float64": 1e-11}  # of the largest element

# Learning with this rate leaves float32 weights as they are, at the same cost: the thousandth
# step is the first one again.
TINY = 1e-12


def part(implementation, name):
    """Return the module of that name: "kernels", "layers" ... of one of the implementations."""
    # asv.conf.json sets it. Here it would be too late: asv itself loads NumPy and its BLAS. With
    # two threads the reference was up to 1.75 times as fast.
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        raise RuntimeError("benchmarks: OPENBLAS_NUM_THREADS must be 1. Start them with asv.")
    package = {"numpy": "fastnet.reference", "fastnet": "fastnet"}[implementation]
    return importlib.import_module(f"{package}.{name}")


def numbers(dtype, *shape):
    """Return normal random numbers, the same in every process."""
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def labels(n, classes):
    """Return labels (n,) int64."""
    return np.random.default_rng(1).integers(classes, size=n)


def blank(like):
    """Return an array for an output, full of NaN, which no kernel may leave in it."""
    return np.full_like(like, np.nan)


def assert_close(ours, theirs):
    """Raise unless two results agree within the tolerance of their dtype."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype, f"{ours.dtype} is not {theirs.dtype}"
    if theirs.dtype.kind != "f":
        np.testing.assert_array_equal(ours, theirs)
        return
    largest = np.abs(theirs).max(initial=0)
    tolerance = TOLERANCE[theirs.dtype.name] * max(largest, 1e-30)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance, equal_nan=False)


def assert_agree(kernel, *arguments):
    """Raise unless fastnet's kernel leaves every argument as the reference does; compile it."""
    results = []
    for implementation in IMPLEMENTATIONS:
        mine = copy.deepcopy(arguments)
        getattr(part(implementation, "kernels"), kernel)(*mine)
        results.append(mine)
    for theirs, ours in zip(*results, strict=True):
        assert_close(ours, theirs)


def min_ratio(fastnet, numpy):
    """Return the least time of fastnet() over that of numpy(), called in turns for a while."""
    least = {fastnet: np.inf, numpy: np.inf}
    for function in least:
        function()  # what it still compiles took longer than all the rest
    end = time.perf_counter() + SECONDS
    while True:
        for function in least:
            start = time.perf_counter()
            function()
            least[function] = min(least[function], time.perf_counter() - start)
        if time.perf_counter() > end:
            return least[fastnet] / least[numpy]


def ratios(timed, **chosen):
    """Return a benchmark class with a track_min_ratio_* for each time_* of another.

    It has the parameters of the other but the first, the implementation, with the values of MIDDLE
    or, by name, of `chosen`.
    """

    class Ratios:
        unit = "fastnet / numpy"
        param_names = timed.param_names[1:]
        params = [
            chosen.get(name, MIDDLE.get(name, values))
            for name, values in zip(param_names, timed.params[1:], strict=True)
        ]

        def setup(self, *params):
            self.pair = timed(), timed()
            for benchmark, implementation in zip(self.pair, ["fastnet", "numpy"], strict=True):
                benchmark.setup(implementation, *params)

    def ratio_of(method):
        return lambda self, *_: min_ratio(*[getattr(side, method) for side in self.pair])

    for method in vars(timed):
        if method.startswith("time_"):
            setattr(Ratios, f"track_min_ratio_{method.removeprefix('time_')}", ratio_of(method))
    Ratios.__name__ = Ratios.__qualname__ = f"{timed.__name__}Ratio"
    Ratios.__module__ = timed.__module__
    return Ratios


# Numba's first call in a process costs 0.1 s. asv forks a process for every measurement from one
# that has imported this file, so it is paid once.
importlib.import_module("fastnet.kernels").relu_forward(
    numbers("float32", 1, 1), numbers("float32", 1, 1)
)
