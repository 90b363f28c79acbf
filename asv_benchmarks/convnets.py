"""Training steps of convolutional networks, written for each library at its best.

A network is a list of parts: ("convolution", FN, size, pad), ("relu",), ("pooling",),
("dense", M). A step gathers the rows of a batch, forward, mean softmax cross entropy, backward,
SGD; there is no Dropout, whose masks no two libraries draw alike.
"""

import math
from functools import partial
from itertools import pairwise

import numpy as np

import fastnet.layers
import fastnet.models
import fastnet.optimizer
from asv_benchmarks.images import jax_layer, jax_maximum
from asv_benchmarks.pieces import LeftOut, Work, jax_alone, torch_alone

RELU, POOLING = ("relu",), ("pooling",)


def conv(kernels, size=3, pad=1):
    return [("convolution", kernels, size, pad), RELU]


SIMPLE = [*conv(30, 5, 0), POOLING, ("dense", 100), RELU, ("dense", 10)]
DEEP = [
    *conv(16), *conv(16), POOLING, *conv(32), *conv(32, 3, 2), POOLING, *conv(64), *conv(64),
    POOLING, ("dense", 50), RELU, ("dense", 10),
]  # fmt: skip
# A Keras-style model: Conv2D(16, 3), Conv2D(32, 3), MaxPooling2D(), Dense(10), padding "valid".
KERAS = [*conv(16, 3, 0), *conv(32, 3, 0), POOLING, ("dense", 10)]


def shapes_of(parts, shape):
    """Return the shape (C, H, W) or (D,) before each part, and after the last."""
    found = [shape]
    for kind, *numbers in parts:
        shape = found[-1]
        if kind == "convolution":
            kernels, size, pad = numbers
            shape = (kernels, *(side + 2 * pad - size + 1 for side in shape[1:]))
        elif kind == "pooling":
            shape = (shape[0], shape[1] // 2, shape[2] // 2)
        elif kind == "dense":
            shape = (numbers[0],)
        found.append(shape)
    return found


def network(name, parts, dtype, sides, *, shape=(1, 28, 28), batch=100, batches=2, **demands):
    """Return the work of some training steps; sides give contenders: name -> function."""
    rng, arrays, flops, first, terms = np.random.default_rng(0), {}, 0.0, True, 0
    for i, (part, (before, after)) in enumerate(
        zip(parts, pairwise(shapes_of(parts, shape)), strict=True)
    ):
        if part[0] not in ("convolution", "dense"):
            continue
        fan_in = math.prod(before)
        weights, pixels = (fan_in, after[0]), 1
        if part[0] == "convolution":
            fan_in = before[0] * part[2] ** 2
            weights, pixels = (after[0], before[0], part[2], part[2]), math.prod(after[1:])
        last = i == len(parts) - 1
        W = rng.standard_normal(weights) * math.sqrt((1 if last else 2) / fan_in)
        arrays |= {f"W{i}": W.astype(dtype)}
        arrays |= {f"b{i}": (0.1 * rng.standard_normal(after[0])).astype(dtype)}
        flops += 2.0 * batch * pixels * math.prod(weights) * (2 if first else 3)
        first, terms = False, max(terms, batch * pixels, fan_in)
    trained = tuple(arrays)
    arrays["x"] = rng.standard_normal((batch * batches, *shape)).astype(dtype)
    arrays["t"] = rng.integers(parts[-1][1], size=batch * batches)
    arrays["order"] = rng.permutation(batch * batches).reshape(batches, batch)
    return Work(
        name, np.dtype(dtype), arrays, *sides, flops, terms, trained=trained, times=batches,
        shape=parts, **demands,
    )  # fmt: skip


def by_hand(work, lr, package):
    """The books' loop over layers, each as its package has it."""
    layers, weighted = [], []
    for i, (kind, *numbers) in enumerate(work.shape):
        if kind == "convolution":
            layers.append(package.Convolution(*work.copies(f"W{i}", f"b{i}"), 1, numbers[2]))
        elif kind == "dense":
            layers.append(package.Affine(*work.copies(f"W{i}", f"b{i}")))
        else:
            layers.append(package.Relu() if kind == "relu" else package.Pooling(2, 2, 2))
        if kind in ("convolution", "dense"):
            weighted.append((i, layers[-1]))
    last, optimizer = package.SoftmaxWithLoss(), package.SGD(lr=lr)
    params = {f"{w}{i}": getattr(layer, w) for i, layer in weighted for w in "Wb"}
    x, t, order = work.copies("x", "t", "order")

    def run():
        for rows in order:
            out = x[rows]
            for layer in layers:
                out = layer.forward(out)
            last.forward(out, t[rows])
            dout = last.backward()
            for layer in reversed(layers):
                dout = layer.backward(dout)
            grads = {f"{w}{i}": getattr(layer, f"d{w}") for i, layer in weighted for w in "Wb"}
            optimizer.update(params, grads)

    return run, lambda: params


def by_fit(work, lr):
    """Sequential.fit: of the compared batches in order, afterwards shuffled."""
    layers, dense = [], []
    for i, (kind, *numbers) in enumerate(work.shape):
        relu = "relu" if work.shape[i + 1 : i + 2] == [RELU] else None
        if kind == "convolution":
            kernels, size, pad = numbers
            layers.append(fastnet.layers.Conv2D(kernels, size, padding=pad, activation=relu))
            dense.append((i, layers[-1]))
        elif kind == "dense":
            layers.append(fastnet.layers.Dense(numbers[0], activation=relu))
            dense.append((i, layers[-1]))
        elif kind == "pooling":
            layers.append(fastnet.layers.MaxPooling2D())
    x, t, order = work.copies("x", "t", "order")
    shapes, visited = shapes_of(work.shape, x.shape[1:]), order.ravel()
    x, t = np.ascontiguousarray(x.transpose(0, 2, 3, 1)[visited]), t[visited]
    model = fastnet.models.Sequential(layers, dtype=work.dtype.name)
    model.build(x.shape[1:])
    # fastnet flattens (H, W, C), the books (C, H, W): rows of a W behind images go by.
    rows = {
        i: np.arange(math.prod(shapes[i])).reshape(shapes[i]).transpose(1, 2, 0).ravel()
        for i, layer in dense
        if layer.W.ndim == 2 and len(shapes[i]) == 3
    }
    for i, layer in dense:
        W, b = work.copies(f"W{i}", f"b{i}")
        W = W.transpose(2, 3, 1, 0) if W.ndim == 4 else W[rows[i]] if i in rows else W
        layer.W[...], layer.b[...] = W, b
    optimizer, shuffle = fastnet.optimizer.SGD(lr=lr), False

    def run():
        nonlocal shuffle
        model.fit(x, t, 1, order.shape[1], optimizer, shuffle=shuffle, verbose=0)
        shuffle = True

    def results():
        found = {}
        for i, layer in dense:
            W = layer.W.copy()
            W = W.transpose(3, 2, 0, 1) if W.ndim == 4 else W
            found |= {f"W{i}": W[np.argsort(rows[i])] if i in rows else W, f"b{i}": layer.b}
        return found

    return run, results


def torch_parts(work, channels_last):
    """Return torch, the weights by name, the outputs' function, and the data."""
    torch = torch_alone()
    F = torch.nn.functional
    laid = {"memory_format": torch.channels_last} if channels_last else {}
    params = {
        name: torch.from_numpy(a).contiguous(**laid if a.ndim == 4 else {}).requires_grad_()
        for name, a in zip(work.trained, work.copies(*work.trained), strict=True)
    }

    def outputs(params, out):
        out = out.contiguous(**laid)
        for i, (kind, *numbers) in enumerate(work.shape):
            if kind == "convolution":
                out = F.conv2d(out, params[f"W{i}"], params[f"b{i}"], 1, numbers[2])
            elif kind == "dense":
                out = torch.addmm(params[f"b{i}"], out.flatten(1), params[f"W{i}"])
            else:
                out = F.relu(out) if kind == "relu" else F.max_pool2d(out, 2)
        return out

    return torch, params, outputs, *map(torch.from_numpy, work.copies("x", "t", "order"))


def torch_steps(work, lr, channels_last=False):
    """SGD by one call for all parameters: of autograd.grad, 2 % faster than optim.SGD."""
    torch, params, outputs, x, t, order = torch_parts(work, channels_last)
    arrays, batches = list(params.values()), order.unbind(0)

    def run():
        for rows in batches:
            loss = torch.nn.functional.cross_entropy(outputs(params, x[rows]), t[rows])
            grads = torch.autograd.grad(loss, arrays)
            with torch.no_grad():
                torch._foreach_add_(arrays, grads, alpha=-lr)

    return run, lambda: {k: v.detach().contiguous().numpy() for k, v in params.items()}


def torch_compiled(work, lr, channels_last=True):
    """The whole step as one graph, update included."""
    torch, params, outputs, x, t, order = torch_parts(work, channels_last)
    torch._dynamo.reset()
    names, arrays = list(params), [array.detach() for array in params.values()]

    def loss_at(arrays, x, t):
        params = dict(zip(names, arrays, strict=True))
        return torch.nn.functional.cross_entropy(outputs(params, x), t)

    @partial(torch.compile, fullgraph=True, dynamic=False)
    def step(rows, *arrays):
        grads, loss = torch.func.grad_and_value(loss_at)(arrays, x[rows], t[rows])
        for array, grad in zip(arrays, grads, strict=True):
            array.sub_(grad, alpha=lr)
        return loss

    batches = order.unbind(0)
    try:
        with torch.no_grad():
            step(batches[0], *(array.clone() for array in arrays))
    except Exception as error:  # among others: no C++ compiler
        raise LeftOut(f"does not compile here: {str(error).splitlines()[0]}") from error

    def run():
        with torch.no_grad():
            for rows in batches:
                step(rows, *arrays)

    return run, lambda: dict(zip(names, (a.contiguous().numpy() for a in arrays), strict=True))


def jax_step(work, lr):
    """Return jax, a pure step, its weights and its data; images are (N, H, W, C) inside."""
    jax = jax_alone()
    jnp = jax.numpy
    params = {
        name: jnp.array(a.transpose(2, 3, 1, 0) if a.ndim == 4 else a)
        for name, a in zip(work.trained, work.copies(*work.trained), strict=True)
    }

    def loss_at(params, out, t):
        for i, (kind, *numbers) in enumerate(work.shape):
            if kind == "convolution":
                out = jax_layer(jax, out, params[f"W{i}"], params[f"b{i}"], 1, numbers[2])
            elif kind == "dense":
                if out.ndim == 4:  # the books flatten (C, H, W)
                    out = out.transpose(0, 3, 1, 2).reshape(len(out), -1)
                out = out @ params[f"W{i}"] + params[f"b{i}"]
            else:
                out = jax.nn.relu(out) if kind == "relu" else jax_maximum(jax, out)
        hot = jax.nn.one_hot(t, out.shape[1], dtype=out.dtype)
        return -(jax.nn.log_softmax(out) * hot).sum() / len(out)

    def step(params, x, t, rows):
        grads = jax.grad(loss_at)(params, x[rows], t[rows])
        return {name: param - lr * grads[name] for name, param in params.items()}

    x, t, order = work.copies("x", "t", "order")
    x, t = jnp.array(x.transpose(0, 2, 3, 1)), jnp.array(t, np.int32)
    return jax, step, params, x, t, jnp.array(order, np.int32)


def as_books(params):
    """Return JAX' weights as the books lay them."""
    arrays = {name: np.asarray(param) for name, param in params.items()}
    return {k: a.transpose(3, 2, 0, 1) if a.ndim == 4 else a for k, a in arrays.items()}


def jax_steps(work, lr):
    jax, step, params, x, t, order = jax_step(work, lr)
    compiled, batches = jax.jit(step, donate_argnums=0), list(order)

    def run():
        nonlocal params
        for rows in batches:
            params = compiled(params, x, t, rows)
        jax.block_until_ready(params)

    return run, lambda: as_books(params)


PEERS = {
    "PyTorch": torch_steps,
    "PyTorch channels_last": partial(torch_steps, channels_last=True),
    "torch.compile": torch_compiled,
    # No scan over the batches: XLA's convolutions in a loop took 3,000 ms a step of DeepConvNet.
    "JAX": jax_steps,
}
