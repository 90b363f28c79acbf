"""A training step of CBOW with negative sampling, written for each library at its best.

Words on both sides of a target, the mean of their vectors, the scores of the target and of some
words drawn by their frequency to the power of 0.75, sigmoid cross entropy summed over the scores
and averaged over the batch, Adam on both matrices. The draw is timed; while results are compared,
all take the same words. PyTorch draws all words of a batch at once, and may draw the target or a
word twice, which the book excludes: that is cheaper.
"""

from functools import partial

import numpy as np

from asv_benchmarks.pieces import LeftOut, Work, jax_alone, torch_alone
from asv_benchmarks.words import frequencies, tokens

SAMPLES, POWER = 5, 0.75


def cbow(dtype, sides, vocabulary=10_000, width=100, batch=100, window=5, **demands):
    """Return the work of a step."""
    rng = np.random.default_rng(0)
    share = frequencies(vocabulary) ** POWER
    share /= share.sum()
    target = tokens(rng, vocabulary, batch)
    drawn = np.empty((batch, SAMPLES), np.int64)
    for i, word in enumerate(target):
        allowed = np.where(np.arange(vocabulary) == word, 0, share)
        drawn[i] = rng.choice(vocabulary, SAMPLES, replace=False, p=allowed / allowed.sum())
    W_in, W_out = (0.1 * rng.standard_normal((vocabulary, width)) for _ in range(2))
    arrays = {
        "W_in": W_in.astype(dtype),
        "W_out": W_out.astype(dtype),
        "contexts": tokens(rng, vocabulary, (batch, 2 * window)),
        "target": target,
        "drawn": drawn,
        "share": share,
    }
    # Adam reads and writes two matrices, and two moments of each.
    moved = (6 * arrays["W_in"].nbytes, 0, 3, 0)
    name = f"CBOW, vocabulary {vocabulary}, {width}, window {window}, batch {batch}"
    return Work(
        name, np.dtype(dtype), arrays, *sides, 0.0, vocabulary, moved,
        trained=("W_in", "W_out"), **demands,
    )  # fmt: skip


def corpus_of(share):
    """Return a short text in which every word comes, and the frequent ones more often."""
    counts = np.maximum(1, np.round(share ** (1 / POWER) / share[-1] ** (1 / POWER)))
    return np.repeat(np.arange(len(share)), counts.astype(int))


def cbow_by_hand(work, lr, package):
    """The book's model and the steps of its Trainer."""
    contexts, target, drawn, share = work.copies("contexts", "target", "drawn", "share")
    (vocabulary, width), window = work.arrays["W_in"].shape, contexts.shape[1] // 2
    book = getattr(package, "of_a_book", False)  # which makes float32, whatever it is asked for
    if book and work.dtype != np.float32:
        raise LeftOut("keeps its weights in float32")
    dtype = () if book else (work.dtype.name,)
    model = package.CBOW(vocabulary, width, window, corpus_of(share), *dtype)
    distinct = {id(param): param for param in model.params}
    W_in, W_out = distinct.values()
    W_in[...], W_out[...] = work.copies("W_in", "W_out")
    optimizer, sampler = package.Adam(lr=lr), model.ns_loss.sampler
    draw = sampler.get_negative_sample
    sampler.get_negative_sample = lambda target: drawn

    def run():
        model.forward(contexts, target)
        model.backward()
        lists = model.params, model.grads
        optimizer.update(*(package.remove_duplicate(*lists) if book else lists))

    def results():
        sampler.get_negative_sample = draw
        return {"W_in": W_in, "W_out": W_out}

    return run, results


def torch_cbow(work, lr, sparse=False):
    torch = torch_alone()
    names = ("W_in", "W_out", "contexts", "target", "drawn", "share")
    W_in, W_out, contexts, target, drawn, share = map(torch.from_numpy, work.copies(*names))
    embedding, arrays = torch.nn.functional.embedding, [W_in, W_out]
    for array in arrays:
        array.requires_grad_()
    if sparse:
        optimizer = torch.optim.SparseAdam(arrays, lr=lr, eps=1e-7)
    else:  # which divides v by 1 - beta2**t before eps is added: the same number at the first step
        optimizer = torch.optim.Adam(arrays, lr=lr, eps=1e-7 / (1 - 0.999) ** 0.5)
    right = torch.zeros(len(target), 1 + SAMPLES, dtype=W_in.dtype)
    right[:, 0] = 1
    checking = True

    def run():
        words = drawn
        if not checking:
            words = torch.multinomial(share, drawn.numel(), replacement=True).view_as(drawn)
        h = embedding(contexts, W_in, sparse=sparse).mean(1)
        chosen = embedding(torch.cat([target[:, None], words], 1), W_out, sparse=sparse)
        scores = torch.bmm(chosen, h[:, :, None]).squeeze(2)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(scores, right, reduction="sum")
        W_in.grad = W_out.grad = None
        (loss / len(target)).backward()
        optimizer.step()

    def results():
        nonlocal checking
        checking = False
        return {"W_in": W_in.detach().numpy(), "W_out": W_out.detach().numpy()}

    return run, results


def jax_cbow(work, lr):
    jax = jax_alone()
    jnp = jax.numpy
    contexts, target, drawn, share = map(
        jnp.array, work.copies("contexts", "target", "drawn", "share")
    )
    start = {name: jnp.array(work.array(name)) for name in ("W_in", "W_out")}
    zeros = jax.tree.map(jnp.zeros_like, start)
    state, cumulative = (start, zeros, jax.tree.map(jnp.copy, zeros)), jnp.cumsum(share)
    steps, key, checking = 0, jax.random.key(0), True

    def loss_at(params, words):
        h = params["W_in"][contexts].mean(1)
        chosen = params["W_out"][jnp.concatenate([target[:, None], words], 1)]
        scores = jnp.einsum("nsh,nh->ns", chosen, h)
        signed = scores.at[:, 0].multiply(-1)
        return jax.nn.softplus(signed).sum() / len(target)

    def step(state, words, rate):
        params, m, v = state
        grads = jax.grad(loss_at)(params, words)
        m = jax.tree.map(lambda m, g: m + 0.1 * (g - m), m, grads)
        v = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), v, grads)
        move = lambda p, m, v: p - rate.astype(p.dtype) * m / (jnp.sqrt(v) + 1e-7)  # noqa: E731
        return jax.tree.map(move, params, m, v), m, v

    @partial(jax.jit, donate_argnums=0)
    def drawing(state, key, rate):
        drawn_at = jax.random.uniform(key, drawn.shape, dtype=cumulative.dtype)
        return step(state, jnp.searchsorted(cumulative, drawn_at), rate)

    given = jax.jit(step, donate_argnums=0)

    def run():
        nonlocal state, steps, key
        steps += 1
        rate = np.float64(lr * (1 - 0.999**steps) ** 0.5 / (1 - 0.9**steps))
        if checking:
            state = given(state, drawn, rate)
        else:
            key, now = jax.random.split(key)
            state = drawing(state, now, rate)
        jax.block_until_ready(state)

    def results():
        nonlocal checking
        checking = False
        return state[0]

    return run, results


CBOW = {
    "PyTorch": torch_cbow,
    "PyTorch sparse": partial(torch_cbow, sparse=True),
    "JAX": jax_cbow,
}
