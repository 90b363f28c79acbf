"""Word vectors and attention, written for each library at its best.

Arrays are the second book's. Sides are a package with the book's names: the book's own modules, or
fastnet's. A side of PyTorch is "sparse" where gradients of embeddings hold the rows that were
looked up and no others.
"""

from functools import partial

import numpy as np

from asv_benchmarks.pieces import LeftOut, Work, jax_alone, torch_alone


def of_the_book(package):
    return getattr(package, "of_a_book", False)


def frequencies(vocabulary):
    """Return how often the words of a language come, as Zipf has it."""
    return 1 / np.arange(1, vocabulary + 1)


def tokens(rng, vocabulary, shape):
    share = frequencies(vocabulary)
    return rng.choice(vocabulary, shape, p=share / share.sum())


# --------------------------------------------------------------------------- embedding


def embedding(dtype, sides, vocabulary=10_000, width=100, batch=20, steps=35, **demands):
    """Return the work of looking up rows, and of their gradient, as an array of W's shape."""
    rng, shape = np.random.default_rng(0), (batch, steps)
    arrays = {
        "W": rng.standard_normal((vocabulary, width)).astype(dtype),
        "idx": tokens(rng, vocabulary, shape),
        "dout": rng.standard_normal((*shape, width)).astype(dtype),
    }
    # Rows are read and written twice; of dW at least the rows of the words.
    moved = (4 * arrays["dout"].nbytes, 1, 0, 1)
    name = f"Embedding {vocabulary}x{width}, {batch} x {steps} words"
    return Work(name, np.dtype(dtype), arrays, *sides, 0.0, batch * steps, moved, **demands)


def embedding_by_hand(work, _, package):
    """TimeEmbedding, whose steps the book clears and adds one by one."""
    if work.dtype != np.float32 and of_the_book(package):
        raise LeftOut("keeps its outputs in float32")
    W, idx, dout = work.copies("W", "idx", "dout")
    layer, found = package.TimeEmbedding(W), {}

    def run():
        found["out"] = layer.forward(idx)
        layer.backward(dout)

    return run, lambda: found | {"dW": layer.grads[0]}


def torch_embedding(work, _, sparse=False):
    torch = torch_alone()
    W, idx, dout = map(torch.from_numpy, work.copies("W", "idx", "dout"))
    W.requires_grad_()
    found = {}

    def run():
        out = torch.nn.functional.embedding(idx, W, sparse=sparse)
        found["out"], (found["dW"],) = out, torch.autograd.grad(out, [W], dout)

    def results():
        dW = found["dW"].to_dense() if sparse else found["dW"]
        return {"out": found["out"].detach().numpy(), "dW": dW.numpy()}

    return run, results


def jax_embedding(work, _):
    jax = jax_alone()
    W, idx, dout = map(jax.numpy.array, work.copies("W", "idx", "dout"))

    @jax.jit
    def both(W, dout):
        out, back = jax.vjp(lambda W: W[idx], W)
        return out, back(dout)

    found = {}

    def run():
        found["out"], (found["dW"],) = jax.block_until_ready(both(W, dout))

    return run, lambda: found


EMBEDDING = {
    "PyTorch": torch_embedding,
    "JAX": jax_embedding,
}


# --------------------------------------------------------------------------- attention


def attention(dtype, sides, batch=128, steps=29, decoded=10, width=256, **demands):
    """Return the work of attention of decoder steps over encoder steps, forward and backward."""
    rng = np.random.default_rng(0)
    encoded = rng.standard_normal((batch, steps, width)) * width**-0.25
    states = rng.standard_normal((batch, decoded, width)) * width**-0.25
    arrays = {
        "hs_enc": encoded.astype(dtype),
        "hs_dec": states.astype(dtype),
        "dout": rng.standard_normal((batch, decoded, width)).astype(dtype),
    }
    flops = 12.0 * batch * decoded * steps * width  # two products, and two each backward
    name = f"attention, {decoded} over {steps} steps of {width}, batch {batch}"
    return Work(name, np.dtype(dtype), arrays, *sides, flops, width * decoded, **demands)


def attention_by_hand(work, _, package):
    hs_enc, hs_dec, dout = work.copies("hs_enc", "hs_dec", "dout")
    layer, found = package.TimeAttention(), {}

    def run():
        found["out"] = layer.forward(hs_enc, hs_dec)
        found["dhs_enc"], found["dhs_dec"] = layer.backward(dout)

    return run, lambda: found


def torch_attention(work, _, fused=False):
    torch = torch_alone()
    hs_enc, hs_dec, dout = map(torch.from_numpy, work.copies("hs_enc", "hs_dec", "dout"))
    arrays, found = [hs_enc.requires_grad_(), hs_dec.requires_grad_()], {}

    def run():
        if fused:
            q, k = hs_dec.unsqueeze(1), hs_enc.unsqueeze(1)
            out = torch.nn.functional.scaled_dot_product_attention(q, k, k, scale=1.0).squeeze(1)
        else:
            share = torch.softmax(torch.bmm(hs_dec, hs_enc.transpose(1, 2)), 2)
            out = torch.bmm(share, hs_enc)
        found["out"], found["grads"] = out, torch.autograd.grad(out, arrays, dout)

    def results():
        grads = zip(("dhs_enc", "dhs_dec"), found["grads"], strict=True)
        return {"out": found["out"].detach().numpy()} | {k: v.numpy() for k, v in grads}

    return run, results


def jax_attention(work, _):
    jax = jax_alone()
    jnp = jax.numpy
    hs_enc, hs_dec, dout = map(jnp.array, work.copies("hs_enc", "hs_dec", "dout"))

    def forward(hs_enc, hs_dec):
        share = jax.nn.softmax(jnp.einsum("nsh,nth->nst", hs_dec, hs_enc), 2)
        return jnp.einsum("nst,nth->nsh", share, hs_enc)

    @jax.jit
    def both(hs_enc, hs_dec, dout):
        out, back = jax.vjp(forward, hs_enc, hs_dec)
        return out, back(dout)

    found = {}

    def run():
        out, grads = jax.block_until_ready(both(hs_enc, hs_dec, dout))
        found.update(out=out, dhs_enc=grads[0], dhs_dec=grads[1])

    return run, lambda: found


ATTENTION = {
    "PyTorch": torch_attention,
    "PyTorch fused": partial(torch_attention, fused=True),
    "JAX": jax_attention,
}
