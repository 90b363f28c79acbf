# ruff: noqa: NPY002  the networks draw from NumPy's global generator, as the books do
import numpy as np

from . import IMPLEMENTATIONS, TINY, assert_close, labels, numbers, part, ratios

# Samples a batch, arguments of MultiLayerNetExtend.
DEEP = {
    "64-32-10/32": (32, (64, [32], 10), {}),
    "784-100x4-10/100": (100, (784, [100] * 4, 10), {}),
    "784-100x4-10/100 extended": (
        100,
        (784, [100] * 4, 10),
        {"weight_decay_lambda": 0.1, "use_dropout": True, "use_batchnorm": True},
    ),
}


class MultiLayerNet:
    """The textbook's training step, in float64: gradient(x, t), then the optimizer on a dict."""

    param_names = ["implementation", "network"]
    params = [IMPLEMENTATIONS, [*DEEP]]

    def setup(self, implementation, network):
        batch_size, sizes, options = DEEP[network]
        self.x, self.t = numbers("float64", batch_size, sizes[0]), labels(batch_size, sizes[-1])
        gradients = {}
        for name in IMPLEMENTATIONS:
            np.random.seed(0)
            network = part(name, "textbook.first").MultiLayerNetExtend(*sizes, **options)
            grads = network.gradient(self.x, self.t)
            gradients[name] = np.concatenate([np.ravel(grad) for grad in grads.values()])
            if name == implementation:
                self.network = network
        assert_close(gradients["fastnet"], gradients["numpy"])
        self.optimizer = part(implementation, "optimizer").SGD(lr=TINY)

    def time_gradient_and_update(self, *_):
        self.optimizer.update(self.network.params, self.network.gradient(self.x, self.t))


MultiLayerNetRatio = ratios(MultiLayerNet, network=[*DEEP])


class Trainers:
    """Ten updates of 64-32-10 by batches of 32, as either book's trainer does them."""

    param_names = ["implementation"]
    params = [IMPLEMENTATIONS]

    def setup(self, implementation):
        self.x, self.t = numbers("float64", 320, 64), labels(320, 10)
        losses = {}
        for name in IMPLEMENTATIONS:
            np.random.seed(0)
            optimizer, layers = part(name, "optimizer"), part(name, "layers")
            model = part(name, "models").Sequential(
                [layers.Dense(32, "relu"), layers.Dense(10)], dtype="float64", seed=0
            )
            second = part(name, "textbook.second").Trainer(model, optimizer.SGD(lr=TINY))
            second.fit(self.x, self.t, max_epoch=1, eval_interval=None)
            first = part(name, "textbook.first")
            first = first.Trainer(
                first.MultiLayerNet(64, [32], 10),
                *[self.x, self.t] * 2,
                mini_batch_size=32,
                optimizer_param={"lr": TINY},
                verbose=False,
            )
            for _ in range(10):
                first.train_step()
            losses[name] = [*first.train_loss_list, model.forward(self.x, self.t)]
            if name == implementation:
                self.first, self.second = first, second
        assert_close(losses["fastnet"], losses["numpy"])

    def time_first(self, *_):
        for _ in range(10):
            self.first.train_step()

    def time_second(self, *_):
        self.second.fit(self.x, self.t, max_epoch=1, eval_interval=None)


TrainersRatio = ratios(Trainers)


class DeltaRule:
    """XOR by 100 epochs of one sample an update, as in the module's docstring."""

    param_names = ["implementation"]
    params = [IMPLEMENTATIONS]

    def setup(self, implementation):
        self.x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], float)
        self.t = np.array([0, 1, 1, 0])
        outputs = {}
        for name in IMPLEMENTATIONS:
            layers, SGD = part(name, "layers"), part(name, "optimizer").SGD
            stack = [layers.MatMul(numbers("float64", 3, 4)), layers.Sigmoid()]
            stack += [layers.MatMul(numbers("float64", 4, 1)), layers.Sigmoid()]
            model = part(name, "models").Sequential(stack, "mean_squared_error", "float64")
            model.fit(self.x, self.t, 1, 1, SGD(lr=0.9), shuffle=False, verbose=0)
            outputs[name] = model.predict(self.x)
            if name == implementation:
                self.model, self.optimizer = model, SGD(lr=0.9)
        assert_close(outputs["fastnet"], outputs["numpy"])

    def time_fit(self, *_):
        self.model.fit(self.x, self.t, 100, 1, self.optimizer, shuffle=False, verbose=0)


DeltaRuleRatio = ratios(DeltaRule)
