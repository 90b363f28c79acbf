import numpy as np

from . import (
    DTYPES,
    IMPLEMENTATIONS,
    NETWORKS,
    TINY,
    assert_close,
    labels,
    numbers,
    part,
    ratios,
)

BATCHES = 10


def sequential(implementation, dtype, network):
    """Return a model, its samples, targets, and batch size."""
    batch_size, n_in, *units = NETWORKS[network]
    squared = units[-1] == 1
    Dense = part(implementation, "layers").Dense
    layers = [Dense(m, activation="sigmoid") for m in units]
    if not squared:
        layers[-1] = Dense(units[-1])
    loss = "mean_squared_error" if squared else "softmax_cross_entropy"
    model = part(implementation, "models").Sequential(layers, loss=loss, dtype=dtype, seed=0)
    x = numbers(dtype, BATCHES * batch_size, n_in)
    t = np.round(abs(x[:, :1])) if squared else labels(len(x), units[-1])
    return model, x, t, batch_size


class Sequential:
    """A step by hand; an epoch, predictions and an evaluation of ten batches."""

    param_names = ["implementation", "dtype", "network"]
    params = [IMPLEMENTATIONS, DTYPES, [*NETWORKS]]

    def setup(self, implementation, dtype, network):
        results = {}
        for name in IMPLEMENTATIONS:
            model, x, t, batch_size = sequential(name, dtype, network)
            SGD = part(name, "optimizer").SGD
            history = model.fit(x, t, 2, batch_size, optimizer=SGD(lr=0.1), verbose=0)
            gradient = np.concatenate([np.ravel(g) for g in model.gradient(x, t)])
            model.evaluate(x, t)
            metrics = ["mae"] if model.loss == "mean_squared_error" else ["f1"]
            found = np.array(list(model.evaluate(x, t, metrics).values()), dtype)
            loss = np.array(history.loss, dtype)
            results[name] = [model.parameter_vector, loss, model.predict(x), gradient, found]
            if name == implementation:
                self.model, self.optimizer = model, SGD(lr=TINY)
                self.x, self.t, self.batch_size, self.metrics = x, t, batch_size, metrics
        for ours, theirs in zip(results["fastnet"], results["numpy"], strict=True):
            assert_close(ours, theirs)

    def time_step_by_hand(self, *_):
        self.model.forward(self.x[: self.batch_size], self.t[: self.batch_size])
        self.model.backward()
        self.optimizer.update(self.model.params, self.model.grads)

    def time_fit(self, *_):
        self.model.fit(self.x, self.t, 1, self.batch_size, optimizer=self.optimizer, verbose=0)

    def time_predict(self, *_):
        self.model.predict(self.x)

    def time_evaluate(self, *_):
        self.model.evaluate(self.x, self.t)

    def time_evaluate_from_predictions(self, *_):
        self.model.evaluate(self.x, self.t, metrics=self.metrics)


SequentialRatio = ratios(Sequential, dtype=DTYPES, network=[*NETWORKS])


class Callbacks:
    """Twenty epochs of 64-32-10 on the digits' shape, plain, called each epoch, and by batches."""

    def setup(self):
        network = part("fastnet", "models")
        Dense = part("fastnet", "layers").Dense
        self.model = network.Sequential([Dense(32, activation="relu"), Dense(10)], seed=0)
        self.x, self.t = numbers("float32", 1792, 64), labels(1792, 10)
        self.batches = [(self.x[i : i + 32], self.t[i : i + 32]) for i in range(0, 1792, 32)]
        self.seen = []
        self.optimizer = part("fastnet", "optimizer").SGD(lr=TINY)
        options = {"optimizer": self.optimizer, "verbose": 0}
        wanted = self.model.fit(self.x, self.t, shuffle=False, **options).loss
        np.testing.assert_allclose(self.model.fit(self.batches, **options).loss, wanted, rtol=1e-6)
        self.time_fit()
        self.time_fit_with_a_callback()
        assert len(self.seen) == 20
        self.time_fit_of_batches()
        self.time_train_on_batch()

    def time_fit(self):
        self.model.fit(self.x, self.t, 20, optimizer=self.optimizer, verbose=0)

    def time_fit_with_a_callback(self):
        called = [lambda epoch, logs: self.seen.append(epoch)]
        self.model.fit(self.x, self.t, 20, optimizer=self.optimizer, callbacks=called, verbose=0)

    def time_fit_of_batches(self):
        self.model.fit(self.batches, epochs=20, optimizer=self.optimizer, verbose=0)

    def time_train_on_batch(self):
        self.model.train_on_batch(*self.batches[0], optimizer=self.optimizer)


class TwoLayerNet:
    """The textbook's training step, in float64: gradient(x, t), then the optimizer on a dict."""

    param_names = ["implementation"]
    params = [IMPLEMENTATIONS]

    def setup(self, implementation):
        self.x, self.t = numbers("float64", 100, 784), labels(100, 10)
        gradients = {}
        for name in IMPLEMENTATIONS:
            np.random.seed(0)  # noqa: NPY002  the class draws from NumPy's global generator
            network = part(name, "models").TwoLayerNet(784, 50, 10)
            gradients[name] = network.gradient(self.x, self.t)
            if name == implementation:
                self.network = network
        for key, theirs in gradients["numpy"].items():
            assert_close(gradients["fastnet"][key], theirs)
        self.optimizer = part(implementation, "optimizer").SGD(lr=TINY)

    def time_gradient_and_update(self, *_):
        self.optimizer.update(self.network.params, self.network.gradient(self.x, self.t))


TwoLayerNetRatio = ratios(TwoLayerNet)
