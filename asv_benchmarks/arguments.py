"""Arguments for any kernel at any sizes, of the types that it is compiled for."""

import inspect
import math

import numba
import numpy as np

from asv_benchmarks.families import FAMILIES
from asv_benchmarks.work import KERNELS
from fastnet import kernels, warmup
from fastnet.kernels.convolution_in_loop import scratch_size
from fastnet.kernels.geometry import geometry_of
from fastnet.reference.kernels.record import dense_layers, program_of

TINY = 1e-12  # weights stay as they are, at the same cost: every call is the first one again

SCALARS = {
    "activation": kernels.SIGMOID, "alpha": 0.1, "beta1": 0.9, "beta2": 0.999,
    "clip_value": math.inf, "decay_rate": 0.99, "delta": 0.5, "dout": 1, "eps": 1e-7, "lr": TINY,
    "momentum": 0.9, "offset": 0.5, "ratio": 0.5, "scale": 1, "seed": 1, "step": 2,
    "reverse": False, "order": 0, "starts": False,
    "strength": TINY, "t": 1, "total": 1e9, "weight_decay": 0, "window_size": 2, "pad_left": 0,
    "pad_top": 0, "pool_h": 2, "pool_w": 2, "stride_h": 2, "stride_w": 2, "zeros": False,
}  # fmt: skip


def types_of(name, dtype):
    """Return the types of a kernel's arguments in that dtype, or in the only one that it has."""
    versions = [types for kernel, types in warmup.versions() if kernel.__name__ == name]
    fitting = [types for types in versions if dtype_of(types) == dtype]
    return (fitting or versions)[0]


def dtype_of(types):
    """Return the dtype of the numbers that a kernel with these types works on."""
    names = [kind.dtype.name for kind in types if isinstance(kind, numba.types.Array)]
    return next((name for name in names if name.startswith("float")), names[0])


def arguments_of(name, sizes, types):
    """Return a kernel's arguments by name. Floats lie between 0.1 and 0.9: every kernel takes them.

    An address is given as its array.
    """
    names = inspect.signature(getattr(kernels, name).py_func).parameters
    axes = FAMILIES[KERNELS[name].sizes].axes | KERNELS[name].axes
    rng, arguments = np.random.default_rng(0), {}
    given = {} if axes else network(sizes, dtype_of(types))
    if "K" in sizes and "M" in sizes:
        given = convolution(sizes, dtype_of(types))
    elif "K" in sizes:
        given = windows("col" if name == "col2im_forward" else "out", sizes, dtype_of(types))
    for argument, kind in zip(names, types, strict=True):
        if argument in given:
            arguments[argument] = given[argument]
            if argument == "order":  # (1, N), an epoch, or (N,)
                arguments[argument] = given[argument].reshape((1, -1)[2 - kind.ndim :])
        elif isinstance(kind, numba.types.Array):
            letters = axes.get(argument) or axes[kind.ndim]
            letters = "1" if argument in ("loss", "total") else letters
            shape = [eval(letter, {"max": max}, sizes) for letter in letters]
            if kind.dtype in (numba.int32, numba.int64):
                values = rng.integers(sizes.get("V") or sizes["C"], size=shape)
            elif kind.dtype == numba.uint8:
                values = rng.integers(2, size=shape)
            else:
                values = rng.uniform(0.1, 0.9, shape)
            arguments[argument] = values.astype(kind.dtype.name)
        else:
            arguments[argument] = {"int64": int, "float64": float, "bool": bool}.get(
                kind.name, np.float32
            )(SCALARS[argument])
    for weights in ("Wx", "Wh"):  # as a network's: else 35 steps of 100 units grow beyond float32
        if weights in arguments:
            arguments[weights] /= arguments[weights].dtype.type(len(arguments[weights]))
    # Of these two the equations hold for no other numbers.
    if name == "batch_normalization_backward":
        arguments["mean"] = arguments["x"].mean(axis=0)
    elif name == "sigmoid_with_loss_forward":
        arguments["t"] = np.round(arguments["t"])
    return arguments


def convolution(sizes, dtype):
    """Return arguments by name of a convolution that no array's shape tells."""
    h, c, m, k, groups = (sizes[letter] for letter in "HCMKG")
    g = geometry_of((h, h, c), (k, k, m), (1, 1), (1, 1), ((k - 1) // 2,) * 2, (h, h), groups)
    return {"geometry": np.array(g, np.int64), "work": np.zeros(scratch_size(g), dtype)}


def windows(argument, sizes, dtype):
    """Return arguments by name of what reads or adds up windows, rows of a matrix `argument`."""
    n, h, c, k = (sizes[letter] for letter in "NHCK")
    shape, pad = (n * h * h, c * k * k), (k - 1) // 2
    matrix = np.random.default_rng(0).uniform(0.1, 0.9, shape).astype(dtype)
    return {argument: matrix, "rows": k, "columns": k, "stride": 1, "pad": pad}


def network(sizes, dtype):
    """Return arguments by name of the kernels that take a network: one batch, softmax, SGD."""
    n, d, h, c = (sizes[letter] for letter in "NDHC")
    rng, scalar = np.random.default_rng(0), np.dtype(dtype).type
    layers, size = dense_layers((d, h, c), (kernels.SIGMOID, kernels.IDENTITY))
    x, params, programs = (
        rng.uniform(0.1, 0.9, (n, d)),
        rng.standard_normal(size),
        program_of(layers),
    )
    x, params = x.astype(dtype), (params * d**-0.5).astype(dtype)
    return {
        "x": x,
        "x_address": x,
        "x_kind": kernels.FLOAT32 if dtype == "float32" else kernels.FLOAT64,
        "x_row_stride": x.strides[0],
        "labels": rng.integers(c, size=n),
        "targets": np.empty((0, 0), dtype),
        "order": rng.permutation(n),
        "batch_size": n,
        "params": params,
        "programs": programs,
        "lr": scalar(TINY),
        "learn": True,
        "steps": np.full(params.size, 2.0**-17),
        "start": 0,
        "stop": params.size,
        "work": np.zeros(2 * kernels.work_size(programs, n), dtype),
        "grad": np.empty(params.size),
        "totals": np.empty((1, 3)),
        "out": np.empty((n, c), dtype),
        "team": np.zeros(1, np.int64),
        "member": 0,
    }
