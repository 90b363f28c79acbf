"""What asv_benchmarks/images_and_sequences.py measures: a piece of work, and who does it.

A contender takes the work and a learning rate. It returns a function that does the work once, and
one that returns the results by name, as the books lay them. All of its data is its own copy.
"""

import os
from typing import Any, NamedTuple

import numpy as np


class LeftOut(Exception):
    """A contender that cannot do the work; the message says why."""


class Work(NamedTuple):
    name: str
    dtype: np.dtype
    arrays: dict  # inputs, weights and gradients, as the books lay them
    contenders: dict  # name -> function of the work and a learning rate
    references: dict  # the same in float64; "" of all that have none of their own
    flops: float  # of the products
    terms: int  # of the longest sum
    moved: tuple = ()  # bytes, and how many arrays of one size are read, updated and written
    best: float | None = None  # demanded: time of the best peer over fastnet's
    book: float | None = None  # demanded: time of the book's layers over fastnet's
    trained: tuple = ()  # names of weights that a run changes
    times: int = 1  # steps, or calls, of a run
    shape: Any = None  # the geometry

    def array(self, name):
        return self.arrays[name].copy()

    def copies(self, *names):
        return [self.array(name) for name in names]

    def few(self):
        """Return the same work with at most three batches."""
        if "order" not in self.arrays:
            return self
        order = self.arrays["order"][:3]
        return self._replace(arrays=self.arrays | {"order": order}, times=len(order))

    def exact(self):
        """Return the same work in float64."""
        arrays = {
            name: array.astype(np.float64) if array.dtype.kind == "f" else array
            for name, array in self.arrays.items()
        }
        return self._replace(dtype=np.dtype(np.float64), arrays=arrays)


def check(work, name, results, expected):
    """Raise unless a contender's results are what is expected, to the rounding of their sums."""
    eps = float(np.finfo(work.dtype).eps)
    if set(results) != set(expected):
        raise AssertionError(f"{name}: {work.name} gave {', '.join(results)}")
    for what, exact in expected.items():
        ours = np.asarray(results[what])
        if ours.shape != exact.shape or ours.dtype != work.dtype:
            raise AssertionError(f"{name}: {work.name}: {what} is {ours.shape} {ours.dtype}")
        if what in work.trained:
            # Each update rounds a weight. Gradients carry the rounding of the layers above, where
            # a maximum or ReLU may turn to its other side: 11,000 eps of the change was the most
            # between PyTorch in float32 and float64, in the first of DeepConvNet's eight layers.
            change, layers = np.abs(exact - work.arrays[what]).max(), len(work.trained) / 2
            allowed = eps * (work.times * np.abs(exact).max() + 4000 * layers * change)
        else:  # roundings of a sum go both ways
            allowed = eps * 16 * work.terms**0.5 * np.abs(exact).max()
        error = np.abs(ours - exact).max(initial=0)
        if not error <= allowed:  # NaN, too
            raise AssertionError(
                f"{name} disagrees on {what} of {work.name} {work.dtype}: {error:.3g} off, "
                f"allowed {allowed:.3g}"
            )


def torch_alone():
    """Return torch, with the threads that the environment gives it."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    return torch


def jax_alone():
    """Return jax, computing in the caller's thread."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    return jax


def scaled(rng, shape, fan_in, dtype):
    """Return weights that keep the size of what they are multiplied with."""
    return (rng.standard_normal(shape) * fan_in**-0.5).astype(dtype)
