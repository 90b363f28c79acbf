"""Epochs of Keras-style models, written for each library at its best.

    Conv2D(16, 3, relu), Conv2D(32, 3, relu), MaxPooling2D(), Dense(10)       28 x 28 x 1
    LSTM(128), Dense(10)                                                      28 steps of 28

Softmax cross entropy and SGD over shuffled batches that are gathered by index. The convolutional
model's steps are those of convnets.py.
"""

from functools import partial

import numpy as np

import fastnet.layers
import fastnet.models
import fastnet.optimizer
from asv_benchmarks import convnets
from asv_benchmarks.pieces import Work, jax_alone, scaled, torch_alone
from asv_benchmarks.sequences import jax_sequence, reordered

BATCHES = (16, 64, 256)
IMAGES, SEQUENCES = 1024, 2048  # rows of an epoch


def images(batch, dtype, sides, **demands):
    name = f"Conv2D 16, Conv2D 32, MaxPooling2D, Dense 10, batch {batch}"
    work = convnets.network(
        name, convnets.KERAS, dtype, sides, batch=batch, batches=IMAGES // batch, **demands
    )
    return work


def sequences(batch, dtype, sides, steps=28, width=28, units=128, classes=10, **demands):
    """Return the work of an epoch of a recurrent classifier, weights as the second book's."""
    rng, rows = np.random.default_rng(0), SEQUENCES
    arrays = {
        "Wx": scaled(rng, (width, 4 * units), width, dtype),
        "Wh": scaled(rng, (units, 4 * units), units, dtype),
        "b": 0.1 * rng.standard_normal(4 * units),
        "W": scaled(rng, (units, classes), units, dtype),
        "b_out": 0.1 * rng.standard_normal(classes),
    }
    arrays = {name: array.astype(dtype) for name, array in arrays.items()}
    trained = tuple(arrays)
    arrays["x"] = rng.standard_normal((rows, steps, width)).astype(dtype)
    arrays["t"] = rng.integers(classes, size=rows)
    arrays["order"] = rng.permutation(rows).reshape(-1, batch)
    # No gradient of x is asked for.
    weights = 3 * (width + units) * 4 * units - width * 4 * units
    flops = 2.0 * batch * (steps * weights + 3 * units * classes)
    return Work(
        f"LSTM {units}, Dense {classes}, batch {batch}", np.dtype(dtype), arrays, *sides, flops,
        steps * batch, trained=trained, times=rows // batch, **demands,
    )  # fmt: skip


def by_fit(work, lr):
    """Sequential.fit: of the compared batches in order, afterwards shuffled."""
    units, classes = work.arrays["W"].shape
    lstm, dense = fastnet.layers.LSTM(units), fastnet.layers.Dense(classes)
    x, t, order = work.copies("x", "t", "order")
    x, t = x[order.ravel()], t[order.ravel()]
    model = fastnet.models.Sequential([lstm, dense], dtype=work.dtype.name)
    model.build(x.shape[1:])
    for name in ("Wx", "Wh", "b"):  # Keras' and PyTorch's order of gates
        getattr(lstm, name)[...] = reordered(work.array(name), "LSTM")
    dense.W[...], dense.b[...] = work.copies("W", "b_out")
    optimizer, shuffle = fastnet.optimizer.SGD(lr=lr), False

    def run():
        nonlocal shuffle
        model.fit(x, t, 1, order.shape[1], optimizer, shuffle=shuffle, verbose=0)
        shuffle = True

    def results():
        found = {n: reordered(getattr(lstm, n), "LSTM", back=True) for n in ("Wx", "Wh", "b")}
        return found | {"W": dense.W, "b_out": dense.b}

    return run, results


def torch_sequences(work, lr):
    torch = torch_alone()
    width, units = len(work.arrays["Wx"]), len(work.arrays["Wh"])
    lstm = torch.nn.LSTM(width, units, batch_first=True, dtype=getattr(torch, work.dtype.name))
    with torch.no_grad():
        for param, name in zip(lstm.parameters(), ("Wx", "Wh", "b"), strict=False):
            param.copy_(torch.from_numpy(reordered(work.array(name), "LSTM").T.copy()))
        lstm.bias_hh_l0.zero_()
    lstm.bias_hh_l0.requires_grad_(False)
    inside = list(lstm.parameters())[:3]
    W, b_out = (torch.from_numpy(a).requires_grad_() for a in work.copies("W", "b_out"))
    x, t, order = map(torch.from_numpy, work.copies("x", "t", "order"))
    arrays, batches = [*inside, W, b_out], order.unbind(0)

    def run():
        for rows in batches:
            _, (last, _) = lstm(x[rows])
            scores = torch.addmm(b_out, last[0], W)
            loss = torch.nn.functional.cross_entropy(scores, t[rows])
            grads = torch.autograd.grad(loss, arrays)
            with torch.no_grad():
                torch._foreach_add_(arrays, grads, alpha=-lr)

    def results():
        named = zip(("Wx", "Wh", "b"), inside, strict=True)
        found = {k: reordered(v.detach().numpy().T, "LSTM", back=True) for k, v in named}
        return found | {"W": W.detach().numpy(), "b_out": b_out.detach().numpy()}

    return run, results


def jax_sequences(work, lr, scan=False):
    """A step a call, or the whole epoch in one."""
    jax = jax_alone()
    jnp = jax.numpy
    params = {name: jnp.array(work.array(name)) for name in work.trained}
    x, t, order = (
        jnp.array(work.array("x")),
        *(jnp.array(work.array(name), np.int32) for name in ("t", "order")),
    )

    def loss_at(params, x, t):
        hs = jax_sequence(jax, "LSTM", False, x, *(params[name] for name in ("Wx", "Wh", "b")))
        scores = hs[:, -1] @ params["W"] + params["b_out"]
        hot = jax.nn.one_hot(t, scores.shape[1], dtype=scores.dtype)
        return -(jax.nn.log_softmax(scores) * hot).sum() / len(scores)

    def step(params, x, t, rows):
        grads = jax.grad(loss_at)(params, x[rows], t[rows])
        return {name: param - lr * grads[name] for name, param in params.items()}

    @partial(jax.jit, donate_argnums=0)
    def steps(params, x, t, order):
        return jax.lax.scan(lambda params, rows: (step(params, x, t, rows), None), params, order)[0]

    one, batches = jax.jit(step, donate_argnums=0), list(order)

    def run():
        nonlocal params
        if scan:
            params = steps(params, x, t, order)
        else:
            for rows in batches:
                params = one(params, x, t, rows)
        jax.block_until_ready(params)

    return run, lambda: params


SEQUENCE_SIDES = {
    "fastnet fit": by_fit,
    "PyTorch": torch_sequences,
    "JAX": jax_sequences,
    "JAX scan": partial(jax_sequences, scan=True),
}
