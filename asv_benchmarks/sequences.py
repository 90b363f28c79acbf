"""Recurrent layers, forward and backward over all steps, written for each library at its best.

Arrays are the second book's: sequences (N, T, D), weights Wx (D, gates H), Wh (H, gates H), b
(gates H,), gates of an LSTM in the order f g i o, of a GRU z r h. The book's GRU multiplies the
state by r before the product with Wh, PyTorch's the product: the same FLOPs, other numbers, so
PyTorch's is compared with its own equations, step by step.
"""

from functools import partial

import numpy as np

from asv_benchmarks.pieces import LeftOut, Work, jax_alone, scaled, torch_alone

# Where PyTorch's gates i f g o stand among the book's; its GRU's are r z n.
TORCH_GATES = {"LSTM": [2, 0, 1, 3], "GRU": [1, 0, 2], "RNN": [0]}


def recurrence(shape, dtype, sides, **demands):
    """Return the work of one recurrent layer over a whole sequence."""
    rng, (_, d, h, n, t), gates = np.random.default_rng(0), shape, shape.gates
    arrays = {
        "xs": rng.standard_normal((n, t, d)).astype(dtype),
        "Wx": scaled(rng, (d, gates * h), d, dtype),
        "Wh": scaled(rng, (h, gates * h), h, dtype),
        "b": (0.1 * rng.standard_normal(gates * h)).astype(dtype),
        "dhs": rng.standard_normal((n, t, h)).astype(dtype),
    }
    contenders, references = sides
    if shape.kind == "GRU":
        references = references | {"PyTorch": torch_equations}
    return Work(
        shape.name, np.dtype(dtype), arrays, contenders, references, shape.flops, shape.terms,
        shape=shape, **demands,
    )  # fmt: skip


def recurrence_by_hand(work, _, package):
    """The book's layer, or fastnet's of the same name, from a state of zeros."""
    xs, Wx, Wh, b, dhs = work.copies("xs", "Wx", "Wh", "b", "dhs")
    if work.dtype != np.float32 and getattr(package, "of_a_book", False):
        raise LeftOut("keeps its states in float32")
    layer, found = getattr(package, f"Time{work.shape.kind}")(Wx, Wh, b), {}

    def run():
        found["hs"] = layer.forward(xs)
        found["dxs"] = layer.backward(dhs)

    return run, lambda: found | dict(zip(("dWx", "dWh", "db"), layer.grads, strict=True))


def reordered(array, kind, back=False):
    """Return gates along the last axis in PyTorch's order, or back in the book's."""
    order = TORCH_GATES[kind]
    parts = np.split(array, len(order), axis=-1)
    order = np.argsort(order) if back else order
    return np.concatenate([parts[i] for i in order], axis=-1)


def torch_recurrence(work, _):
    torch, kind = torch_alone(), work.shape.kind
    xs, dhs = map(torch.from_numpy, work.copies("xs", "dhs"))
    dtype = getattr(torch, work.dtype.name)
    layer = getattr(torch.nn, kind)(
        work.shape.inputs, work.shape.units, batch_first=True, dtype=dtype
    )
    with torch.no_grad():
        for param, name in zip(layer.parameters(), ("Wx", "Wh", "b"), strict=False):
            array = np.ascontiguousarray(reordered(work.array(name), kind).T)
            param.copy_(torch.from_numpy(array))
        layer.bias_hh_l0.zero_()
    layer.bias_hh_l0.requires_grad_(False)
    arrays, found = [xs.requires_grad_(), *(p for p in layer.parameters() if p.requires_grad)], {}

    def run():
        hs, _ = layer(xs)
        found["hs"], found["grads"] = hs, torch.autograd.grad(hs, arrays, dhs)

    def results():
        dxs, *grads = (grad.numpy() for grad in found["grads"])
        grads = [np.ascontiguousarray(reordered(grad.T, kind, back=True)) for grad in grads]
        named = dict(zip(("dWx", "dWh", "db"), grads, strict=True))
        return {"hs": found["hs"].detach().numpy(), "dxs": dxs} | named

    return run, results


def jax_recurrence(work, _, after=False):
    """A scan over the steps; the product of all inputs with Wx stands before it."""
    jax = jax_alone()
    arrays = [jax.numpy.array(a) for a in work.copies("xs", "Wx", "Wh", "b", "dhs")]
    forward = partial(jax_sequence, jax, work.shape.kind, after)

    @jax.jit
    def both(xs, Wx, Wh, b, dhs):
        hs, back = jax.vjp(forward, xs, Wx, Wh, b)
        return hs, back(dhs)

    found = {}

    def run():
        found["all"] = jax.block_until_ready(both(*arrays))

    def results():
        hs, grads = found["all"]
        return {"hs": hs} | dict(zip(("dxs", "dWx", "dWh", "db"), grads, strict=True))

    return run, results


def jax_sequence(jax, kind, after, xs, Wx, Wh, b):
    """Return the states (N, T, H). `after`: a GRU whose r multiplies the product, PyTorch's."""
    jnp, h = jax.numpy, Wh.shape[0]
    sigmoid, tanh = jax.nn.sigmoid, jnp.tanh

    def lstm(state, a):
        state, c = state
        f, g, i, o = jnp.split(a + state @ Wh, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        state = sigmoid(o) * tanh(c)
        return (state, c), state

    def gru(state, a):
        if after:
            z, r, n = jnp.split(state @ Wh, 3, axis=1)
            az, ar, an = jnp.split(a, 3, axis=1)
            z, r = sigmoid(az + z), sigmoid(ar + r)
            new = tanh(an + r * n)
        else:
            z, r = jnp.split(sigmoid(a[:, : 2 * h] + state @ Wh[:, : 2 * h]), 2, axis=1)
            new = tanh(a[:, 2 * h :] + (r * state) @ Wh[:, 2 * h :])
        state = (1 - z) * state + z * new
        return state, state

    def rnn(state, a):
        state = tanh(a + state @ Wh)
        return state, state

    start = jnp.zeros((xs.shape[0], h), xs.dtype)
    step = {"LSTM": lstm, "GRU": gru, "RNN": rnn}[kind]
    first = (start, start) if kind == "LSTM" else start
    a = jnp.swapaxes(xs, 0, 1) @ Wx + b
    return jnp.swapaxes(jax.lax.scan(step, first, a)[1], 0, 1)


def torch_equations(work, _):
    """PyTorch's GRU as its documentation has it: z of the state, not 1 - z, step by step."""
    torch = torch_alone()
    xs, Wx, Wh, b, dhs = map(torch.from_numpy, work.copies("xs", "Wx", "Wh", "b", "dhs"))
    arrays = [array.requires_grad_() for array in (xs, Wx, Wh, b)]
    state, states = torch.zeros(len(xs), len(Wh), dtype=xs.dtype), []
    for x in xs.unbind(1):
        (az, ar, an), (z, r, n) = (x @ Wx + b).chunk(3, 1), (state @ Wh).chunk(3, 1)
        z, r = torch.sigmoid(az + z), torch.sigmoid(ar + r)
        state = z * state + (1 - z) * torch.tanh(an + r * n)
        states.append(state)
    hs = torch.stack(states, 1)
    grads = torch.autograd.grad(hs, arrays, dhs)
    names = ("dxs", "dWx", "dWh", "db")
    results = {"hs": hs.detach().numpy()}
    results |= {name: grad.numpy() for name, grad in zip(names, grads, strict=True)}
    return (lambda: None), lambda: results


PEERS = {"PyTorch": torch_recurrence, "JAX": jax_recurrence}
