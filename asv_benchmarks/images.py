"""Convolution, pooling and the books' convolutional networks, written for each library at its best.

Arrays are the first book's: images (N, C, H, W), weights (FN, C, FH, FW). What a layer is given in
the midst of a network is what the layer before returns: the books' and fastnet's return a view of
(N, H, W, C).
"""

from functools import partial

import numpy as np

from asv_benchmarks.pieces import LeftOut, Work, jax_alone, scaled, torch_alone
from fastnet import kernels
from fastnet.kernels.convolution_in_loop import scratch_size
from fastnet.kernels.geometry import geometry_of


def nhwc(array):
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1))


def within(array):
    """Return (N, C, H, W) as layers return it: a view of (N, H, W, C)."""
    return nhwc(array).transpose(0, 3, 1, 2)


def convolution(shape, dtype, sides, **demands):
    """Return the work of one convolution, forward and backward."""
    rng, size = np.random.default_rng(0), (shape.size, shape.size)
    x = (shape.batch, shape.channels, shape.pixels, shape.pixels)
    taps = shape.channels * shape.size**2
    arrays = {
        "x": rng.standard_normal(x).astype(dtype),
        "W": scaled(rng, (shape.kernels, shape.channels, *size), taps, dtype),
        "b": rng.standard_normal(shape.kernels).astype(dtype),
        "dout": rng.standard_normal((shape.batch, shape.kernels, shape.side, shape.side)).astype(
            dtype
        ),
    }
    return Work(
        shape.name, np.dtype(dtype), arrays, *sides, shape.flops, shape.terms, shape=shape,
        **demands,
    )  # fmt: skip


def convolution_by_hand(work, _, package):
    """The books' layer, or fastnet's of the same name."""
    shape, (x, W, b, dout) = work.shape, work.copies("x", "W", "b", "dout")
    x, dout = x if shape.first else within(x), within(dout)
    layer, found = package.Convolution(W, b, shape.stride, shape.pad), {}

    def run():
        found["out"] = layer.forward(x)
        found["dx"] = layer.backward(dout)

    def results():
        grads = {"out": found["out"], "dW": layer.dW, "db": layer.db}
        return grads if shape.first else grads | {"dx": found["dx"]}

    return run, results


def convolution_kernels(work, _):
    """fastnet's kernels of a first layer, in (N, H, W, C): the layer by hand always returns dx."""
    x, W, b, dout = work.copies("x", "W", "b", "dout")
    if not work.shape.first:
        raise LeftOut("is the layer's")
    x, dout, W = nhwc(x), nhwc(dout), np.ascontiguousarray(W.transpose(2, 3, 1, 0))
    both, out = (work.shape.stride,) * 2, (work.shape.side,) * 2
    g = geometry_of(
        x.shape[1:], W.shape[:2] + W.shape[3:], both, (1, 1), (work.shape.pad,) * 2, out, 1
    )
    numbers, scratch = np.array(g, np.int64), np.empty(scratch_size(g), x.dtype)
    out, dW, db = np.empty_like(dout), np.empty_like(W), np.empty_like(b)

    def run():
        kernels.convolution_forward(x, W, b, numbers, kernels.IDENTITY, scratch, out)
        kernels.convolution_backward_params(x, dout, numbers, scratch, dW, db)

    def results():
        return {"out": out.transpose(0, 3, 1, 2), "dW": dW.transpose(3, 2, 0, 1), "db": db}

    return run, results


def torch_convolution(work, _, channels_last=False):
    torch, shape = torch_alone(), work.shape
    x, W, b, dout = map(torch.from_numpy, work.copies("x", "W", "b", "dout"))
    if channels_last:
        x, W, dout = (a.contiguous(memory_format=torch.channels_last) for a in (x, W, dout))
    wanted = {"dW": W, "db": b} if shape.first else {"dx": x, "dW": W, "db": b}
    for array in wanted.values():
        array.requires_grad_()
    found, arrays = {}, list(wanted.values())

    def run():
        out = torch.nn.functional.conv2d(x, W, b, shape.stride, shape.pad)
        grads = torch.autograd.grad(out, arrays, dout)
        found["out"], found["grads"] = out, grads

    def results():
        grads = dict(zip(wanted, found["grads"], strict=True))
        return {k: v.detach().numpy() for k, v in ({"out": found["out"]} | grads).items()}

    return run, results


def jax_convolution(work, _):
    """In (N, H, W, C), which XLA's convolution on a CPU is written for."""
    jax, shape = jax_alone(), work.shape
    x, W, b, dout = work.copies("x", "W", "b", "dout")
    x, dout, W = map(jax.numpy.array, (nhwc(x), nhwc(dout), W.transpose(2, 3, 1, 0)))
    b, first = jax.numpy.array(b), shape.first

    @jax.jit
    def both(x, W, b, dout):
        if first:
            out, back = jax.vjp(lambda W, b: jax_layer(jax, x, W, b, shape.stride, shape.pad), W, b)
        else:
            out, back = jax.vjp(
                lambda x, W, b: jax_layer(jax, x, W, b, shape.stride, shape.pad), x, W, b
            )
        return out, back(dout)

    found = {}

    def run():
        found["all"] = jax.block_until_ready(both(x, W, b, dout))

    def results():
        out, (*dx, dW, db) = found["all"]
        images = {"out": out} | ({"dx": dx[0]} if dx else {})
        images = {k: np.asarray(v).transpose(0, 3, 1, 2) for k, v in images.items()}
        return images | {"dW": np.asarray(dW).transpose(3, 2, 0, 1), "db": db}

    return run, results


CONVOLUTION = {
    "PyTorch": torch_convolution,
    "PyTorch channels_last": partial(torch_convolution, channels_last=True),
    "JAX": jax_convolution,
}


def jax_layer(jax, x, W, b, stride=1, pad=0):
    pads = [(pad, pad)] * 2
    out = jax.lax.conv_general_dilated(
        x, W, (stride, stride), pads, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return out + b


# --------------------------------------------------------------------------- pooling


def pooling(shape, dtype, sides, **demands):
    """Return the work of the maximum of windows of 2x2, forward and backward."""
    rng, half = np.random.default_rng(0), shape.pixels // 2
    x = rng.standard_normal((shape.batch, shape.channels, shape.pixels, shape.pixels))
    dout = rng.standard_normal((shape.batch, shape.channels, half, half))
    arrays = {"x": x.astype(dtype), "dout": dout.astype(dtype)}
    # x is read and dx written, each four times out and dout, which are written and read.
    moved = (int(2.5 * x.size * np.dtype(dtype).itemsize), 1, 0, 1)
    return Work(shape.name, np.dtype(dtype), arrays, *sides, 0.0, 1, moved, shape=shape, **demands)


def pooling_by_hand(work, _, package):
    x, dout = map(within, work.copies("x", "dout"))
    layer, found = package.Pooling(2, 2, 2), {}

    def run():
        found["out"] = layer.forward(x)
        found["dx"] = layer.backward(dout)

    return run, lambda: found


def torch_pooling(work, _, channels_last=False):
    torch = torch_alone()
    x, dout = map(torch.from_numpy, work.copies("x", "dout"))
    if channels_last:
        x, dout = (a.contiguous(memory_format=torch.channels_last) for a in (x, dout))
    x.requires_grad_()
    found = {}

    def run():
        out = torch.nn.functional.max_pool2d(x, 2)
        found["out"], (found["dx"],) = out, torch.autograd.grad(out, [x], dout)

    return run, lambda: {name: array.detach().numpy() for name, array in found.items()}


def jax_pooling(work, _):
    jax = jax_alone()
    x, dout = (jax.numpy.array(nhwc(array)) for array in work.copies("x", "dout"))

    @jax.jit
    def both(x, dout):
        out, back = jax.vjp(partial(jax_maximum, jax), x)
        return out, back(dout)

    found = {}

    def run():
        out, (dx,) = jax.block_until_ready(both(x, dout))
        found["out"], found["dx"] = out, dx

    return run, lambda: {k: np.asarray(v).transpose(0, 3, 1, 2) for k, v in found.items()}


def jax_maximum(jax, x):
    """reduce_window and its scatter: a maximum over a reshaped axis was 1.3 times as slow."""
    least = np.array(-np.inf, x.dtype)
    return jax.lax.reduce_window(x, least, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


POOLING = {
    "PyTorch": torch_pooling,
    "PyTorch channels_last": partial(torch_pooling, channels_last=True),
    "JAX": jax_pooling,
}
