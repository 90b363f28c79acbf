"""What asv_benchmarks/peers.py measures: one training step, written for each library at its best.

Each contender takes a network, the rows of every batch (steps, N) and the learning rate. It
returns a function that trains on these batches, and one that returns the weights as they are:
W (D, M) and b (M,) of each layer in order. All of its data is its own copy.
"""

import os
import warnings
from functools import partial

import numpy as np

import fastnet
import fastnet.kernels
import fastnet.layers
import fastnet.losses
import fastnet.models
import fastnet.optimizer
import fastnet.reference.kernels
import fastnet.reference.layers
import fastnet.reference.losses
import fastnet.reference.models
import fastnet.reference.optimizer
from asv_benchmarks.peer_networks import LeftOut
from fastnet.kernels.loop.online import one_by_one
from fastnet.reference.kernels.record import dense_layers, program_of


def sequential(net, package):
    layers = [package.layers.Dense(m, activation=net.activation) for m in net.widths[1:-1]]
    layers.append(
        package.layers.Dense(net.widths[-1], activation="sigmoid" if net.squared else None)
    )
    loss = "mean_squared_error" if net.squared else "softmax_cross_entropy"
    model = package.models.Sequential(layers, loss, dtype=net.dtype.name)
    model.build(net.widths[0])
    model.parameter_vector[...] = np.concatenate([array.ravel() for array in net.weights])
    return model


def by_layers(net, order, lr, package):
    """The textbook's loop over layers, gradient of the data included; one update of one vector."""
    model, optimizer = sequential(net, package), package.optimizer.SGD(lr=lr)
    losses = package.losses
    loss = losses.MeanSquaredError() if net.squared else losses.SoftmaxCrossEntropy()
    params, grads = [model.parameter_vector], [model.gradient_vector]
    x, t = net.x.copy(), net.t.copy()

    def run():
        for rows in order:
            out = x[rows]
            for layer in model.layers:
                out = layer.forward(out)
            loss.forward(out, t[rows])
            dout = loss.backward()
            for layer in reversed(model.layers):
                dout = layer.backward(dout)
            optimizer.update(params, grads)

    return run, lambda: model.params


def by_loop(net, order, lr, package):
    """One call of train_epochs: compiled in fastnet, preallocated outputs in NumPy's twin."""
    kernels, model = package.kernels, sequential(net, package)
    hidden = {"sigmoid": kernels.SIGMOID, "relu": kernels.RELU, "tanh": kernels.TANH}
    activations = [hidden[net.activation]] * (len(net.widths) - 2)
    activations.append(kernels.SIGMOID if net.squared else kernels.IDENTITY)
    layers, scalar = dense_layers(net.widths, activations)[0], net.dtype.type
    x, t = net.x.copy(), net.t.copy()
    labels, targets = t, np.empty((0, 0), net.dtype)
    loss = kernels.SOFTMAX_CROSS_ENTROPY
    if net.squared:
        labels, targets, loss = np.empty(0, np.int64), t, kernels.MEAN_SQUARED_ERROR
    kind = kernels.FLOAT32 if net.dtype == np.float32 else kernels.FLOAT64
    programs = program_of(layers, loss, one_by_one=one_by_one.address(net.dtype))
    alone = np.zeros(1, np.int64)
    work = np.empty(kernels.work_size(programs, net.batch_size), net.dtype)

    def run():
        kernels.train_epochs(
            x.ctypes.data, kind, x.strides[0], labels, targets, order.reshape(1, -1),
            net.batch_size, model.parameter_vector, programs, scalar(lr), True, work,
            np.empty((1, 3)), alone, 0,
        )  # fmt: skip

    return run, lambda: model.params


def torch_parts(net, order):
    """Return the model, the loss of a batch, the data, and a list with the rows of each batch."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    nn, dtype = torch.nn, getattr(torch, net.dtype.name)
    activation = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}[net.activation]
    layers: list = []
    for W, b in zip(net.weights[::2], net.weights[1::2], strict=True):
        layers += [nn.Linear(*W.shape, dtype=dtype), activation()]
        layers[-2].weight.data.copy_(torch.from_numpy(W.T))
        layers[-2].bias.data.copy_(torch.from_numpy(b))
    layers[-1:] = [nn.Sigmoid()] if net.squared else []
    loss = nn.functional.mse_loss if net.squared else nn.functional.cross_entropy
    scale = 0.5 if net.squared else 1
    x, t = torch.from_numpy(net.x.copy()), torch.from_numpy(net.t.copy())
    rows = torch.from_numpy(order).unbind(0)
    return nn.Sequential(*layers), lambda y, t: scale * loss(y, t), x, t, rows


def torch_weights(model):
    arrays = [parameter.detach().numpy() for parameter in model.parameters()]
    return [array.T if array.ndim == 2 else array for array in arrays]


def pytorch(net, order, lr):
    """SGD plain, fused, foreach: 369, 375, 380 us, 784-50-10/100; 95, 102, 103 3-4-2/4."""
    model, loss_of, x, t, batches = torch_parts(net, order)
    from torch.optim import SGD

    optimizer = SGD(model.parameters(), lr=lr, foreach=False)

    def run():
        for rows in batches:
            loss = loss_of(model(x.index_select(0, rows)), t.index_select(0, rows))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run, lambda: torch_weights(model)


def torch_compile(net, order, lr):
    """The whole step as one graph, update included: 2 to 5 times faster than forward alone."""
    model, loss_of, x, t, batches = torch_parts(net, order)
    import torch

    torch._dynamo.reset()  # the graphs of other networks
    names, params = zip(*((n, p.detach()) for n, p in model.named_parameters()), strict=True)

    def loss_at(params, x, t):
        params = dict(zip(names, params, strict=True))
        return loss_of(torch.func.functional_call(model, params, (x,)), t)

    @partial(torch.compile, fullgraph=True, dynamic=False, options={"cpp_wrapper": True})
    def step(x, t, rows, *params):
        batch = x.index_select(0, rows), t.index_select(0, rows)
        grads, loss = torch.func.grad_and_value(loss_at)(params, *batch)
        for param, grad in zip(params, grads, strict=True):
            param.sub_(grad, alpha=lr)
        return loss

    try:
        with torch.no_grad():
            step(x, t, batches[0], *(param.clone() for param in params))
    except Exception as error:  # among others: no C++ compiler
        raise LeftOut(f"does not compile here: {str(error).splitlines()[0]}") from error

    def run():
        # One graph, one set of shapes: no need to look whether it still fits, 20 us a step.
        with torch.no_grad(), torch.compiler.set_stance(skip_guard_eval_unsafe=True):
            for rows in batches:
                step(x, t, rows, *params)

    return run, lambda: torch_weights(model)


def jax_parts(net, lr):
    """Return jax, a pure training step, and the arrays it starts from: weights and data."""
    import jax

    jax.config.update("jax_enable_x64", True)
    # The caller's thread computes; a hand-over to another one costs 1 us a step and more.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jnp = jax.numpy
    activation = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, "tanh": jnp.tanh}[net.activation]

    def loss_at(params, x, t):
        for W, b in zip(params[:-2:2], params[1:-2:2], strict=True):
            x = activation(x @ W + b)
        x = x @ params[-2] + params[-1]
        if net.squared:
            return ((jax.nn.sigmoid(x) - t) ** 2).sum() / 2 / len(x)
        # A product with one-hot rows: no slower than take_along_axis at any size that was tried.
        return -(jax.nn.log_softmax(x) * jax.nn.one_hot(t, x.shape[1], dtype=x.dtype)).sum() / len(
            x
        )

    def step(params, x, t, rows):
        loss, grads = jax.value_and_grad(loss_at)(params, x[rows], t[rows])
        return [param - lr * grad for param, grad in zip(params, grads, strict=True)], loss

    t = net.t if net.squared else net.t.astype(np.int32)
    params = [jnp.array(array) for array in net.weights]
    return jax, step, params, jnp.array(net.x), jnp.array(t)


def jax_jit(net, order, lr):
    jax, step, params, x, t = jax_parts(net, lr)
    batches = list(jax.numpy.array(order, np.int32))
    compiled = jax.jit(step, donate_argnums=0)

    def run():
        nonlocal params
        for rows in batches:
            params, loss = compiled(params, x, t, rows)
        jax.block_until_ready((params, loss))

    return run, lambda: params


def jax_scan(net, order, lr):
    jax, step, params, x, t = jax_parts(net, lr)
    order = jax.numpy.array(order, np.int32)

    @partial(jax.jit, donate_argnums=0)
    def steps(params, x, t, order):
        return jax.lax.scan(lambda params, rows: step(params, x, t, rows), params, order)

    def run():
        nonlocal params
        params, losses = steps(params, x, t, order)
        jax.block_until_ready((params, losses))

    return run, lambda: params


def scikit_learn(net, order, lr):
    """One call of fit: 137 us a step of 64-32-10/32, where partial_fit takes 947."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.utils import shuffle

    classes = net.widths[-1]
    if net.squared:
        raise LeftOut("has no squared error behind a sigmoid")
    if classes == 2:
        raise LeftOut("has one output for two classes")
    visited = order[: len(net.x) // net.batch_size].ravel()
    if len(np.unique(net.t[visited])) < classes:
        raise LeftOut("wants a sample of every class")
    # It shuffles on its own, and gathers batch by batch. Its rows stand so that its first epoch
    # sees the batches of the others.
    x, t, at = np.empty_like(net.x[visited]), np.empty_like(net.t[visited]), np.arange(len(visited))
    at = shuffle(at, random_state=0)
    x[at], t[at] = net.x[visited], net.t[visited]
    model = MLPClassifier(
        net.widths[1:-1], activation={"sigmoid": "logistic"}.get(net.activation, net.activation),
        solver="sgd", alpha=0, batch_size=net.batch_size, learning_rate_init=lr, momentum=0,
        nesterovs_momentum=False, max_iter=order.size // len(visited), random_state=0, tol=0,
        n_iter_no_change=10**9, warm_start=True,
    )  # fmt: skip

    def run():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it did not converge
            model.fit(x, t)

    run()  # makes the arrays
    params = [array for pair in zip(model.coefs_, model.intercepts_, strict=True) for array in pair]
    for param, array in zip(params, net.weights, strict=True):
        param[...] = array

    return run, lambda: params


CONTENDERS = {
    "NumPy layers": partial(by_layers, package=fastnet.reference),
    "NumPy loop": partial(by_loop, package=fastnet.reference),
    "PyTorch": pytorch,
    "torch.compile": torch_compile,
    "JAX jit": jax_jit,
    "JAX scan": jax_scan,
    "scikit-learn": scikit_learn,
    "fastnet layers": partial(by_layers, package=fastnet),
    "fastnet loop": partial(by_loop, package=fastnet),
}
