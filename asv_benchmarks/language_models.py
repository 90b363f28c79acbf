"""A language model's training step, written for each library at its best.

Sides are as in words.py.
"""

from functools import partial

import numpy as np

from asv_benchmarks.pieces import LeftOut, Work, jax_alone, scaled, torch_alone
from asv_benchmarks.sequences import jax_sequence, reordered
from asv_benchmarks.words import of_the_book, tokens


def language_model(
    dtype, sides, vocabulary=10_000, width=100, units=100, batch=20, steps=35, **demands
):
    """Return the work of a step: Embedding, LSTM, Affine, softmax cross entropy, SGD."""
    rng = np.random.default_rng(0)
    arrays = {
        "W": 0.1 * rng.standard_normal((vocabulary, width)),
        "Wx": scaled(rng, (width, 4 * units), width, dtype),
        "Wh": scaled(rng, (units, 4 * units), units, dtype),
        "b": 0.1 * rng.standard_normal(4 * units),
        "W_out": scaled(rng, (units, vocabulary), units, dtype),
        "b_out": 0.1 * rng.standard_normal(vocabulary),
    }
    arrays = {name: array.astype(dtype) for name, array in arrays.items()}
    trained = tuple(arrays)
    arrays["xs"] = tokens(rng, vocabulary, (batch, steps))
    arrays["ts"] = tokens(rng, vocabulary, (batch, steps))
    weights = (width + units) * 4 * units + units * vocabulary
    name = f"language model, vocabulary {vocabulary}, {width}/{units}, {batch} x {steps}"
    return Work(
        name, np.dtype(dtype), arrays, *sides, 6.0 * batch * steps * weights, vocabulary,
        trained=trained, **demands,
    )  # fmt: skip


def language_model_by_hand(work, lr, package):
    """The book's Rnnlm, without a state carried from step to step."""
    if work.dtype != np.float32 and of_the_book(package):
        raise LeftOut("keeps its states in float32")
    params = dict(zip(work.trained, work.copies(*work.trained), strict=True))
    layers = [
        package.TimeEmbedding(params["W"]),
        package.TimeLSTM(params["Wx"], params["Wh"], params["b"]),
        package.TimeAffine(params["W_out"], params["b_out"]),
    ]
    loss, optimizer = package.TimeSoftmaxWithLoss(), package.SGD(lr=lr)
    arrays = [param for layer in layers for param in layer.params]
    grads = [grad for layer in layers for grad in layer.grads]
    xs, ts = work.copies("xs", "ts")

    def run():
        out = xs
        for layer in layers:
            out = layer.forward(out)
        loss.forward(out, ts)
        dout = loss.backward()
        for layer in reversed(layers):
            dout = layer.backward(dout)
        optimizer.update(arrays, grads)

    return run, lambda: params


def torch_language_model(work, lr, sparse=False):
    torch = torch_alone()
    F, dtype = torch.nn.functional, getattr(torch, work.dtype.name)
    params = dict(zip(work.trained, map(torch.from_numpy, work.copies(*work.trained)), strict=True))
    lstm = torch.nn.LSTM(*work.array("Wx").shape[:1], len(params["Wh"]), batch_first=True)
    lstm = lstm.to(dtype)
    with torch.no_grad():
        for param, name in zip(lstm.parameters(), ("Wx", "Wh", "b"), strict=False):
            param.copy_(torch.from_numpy(reordered(work.array(name), "LSTM").T.copy()))
        lstm.bias_hh_l0.zero_()
    lstm.bias_hh_l0.requires_grad_(False)
    W, W_out, b_out = params["W"], params["W_out"], params["b_out"]
    inside = list(lstm.parameters())[:3]
    arrays = [W.requires_grad_(), *inside, W_out.requires_grad_(), b_out.requires_grad_()]
    xs, ts = map(torch.from_numpy, work.copies("xs", "ts"))

    def run():
        hs, _ = lstm(F.embedding(xs, W, sparse=sparse))
        scores = torch.addmm(b_out, hs.flatten(0, 1), W_out)
        grads = torch.autograd.grad(F.cross_entropy(scores, ts.flatten()), arrays)
        with torch.no_grad():
            if sparse:
                W.add_(grads[0], alpha=-lr)
            torch._foreach_add_(arrays[sparse:], grads[sparse:], alpha=-lr)

    def results():
        Wx, Wh, b = (
            reordered(param.detach().numpy().T, "LSTM", back=True).copy() for param in inside
        )
        outer = {"W": W, "W_out": W_out, "b_out": b_out}
        return {k: v.detach().numpy() for k, v in outer.items()} | {"Wx": Wx, "Wh": Wh, "b": b}

    return run, results


def jax_language_model(work, lr):
    jax = jax_alone()
    jnp = jax.numpy
    params = {name: jnp.array(work.array(name)) for name in work.trained}
    xs, ts = jnp.array(work.array("xs"), np.int32), jnp.array(work.array("ts"), np.int32)

    def loss_at(params, xs, ts):
        Wx, Wh, b = (params[name] for name in ("Wx", "Wh", "b"))
        hs = jax_sequence(jax, "LSTM", False, params["W"][xs], Wx, Wh, b)
        scores = hs.reshape(-1, hs.shape[2]) @ params["W_out"] + params["b_out"]
        right = jnp.take_along_axis(jax.nn.log_softmax(scores), ts.reshape(-1, 1), axis=1)
        return -right.mean()

    def step(params, xs, ts):
        grads = jax.grad(loss_at)(params, xs, ts)
        return {name: param - lr * grads[name] for name, param in params.items()}

    compiled = jax.jit(step, donate_argnums=0)

    def run():
        nonlocal params
        params = jax.block_until_ready(compiled(params, xs, ts))

    return run, lambda: params


LANGUAGE_MODEL = {
    "PyTorch": torch_language_model,
    "PyTorch sparse": partial(torch_language_model, sparse=True),
    "JAX": jax_language_model,
}
