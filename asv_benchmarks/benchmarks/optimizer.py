from fastnet.reference import optimizer as optimizers

from . import API_SHAPES, IMPLEMENTATIONS, SHAPES, TINY, assert_close, numbers, part, ratios

RULES = [
    name
    for name, kind in vars(optimizers).items()
    if isinstance(kind, type) and hasattr(kind, "update") and "Optimizer" not in name
]


class Sgd:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, ["float32"], API_SHAPES]

    def setup(self, implementation, dtype, shape):
        _, d, m = SHAPES[shape]
        self.weights = {"W": numbers(dtype, d, m), "b": numbers(dtype, m)}
        self.grads = {key: array[::-1].copy() for key, array in self.weights.items()}
        results = {}
        for name in IMPLEMENTATIONS:
            results[name] = {key: array.copy() for key, array in self.weights.items()}
            part(name, "optimizer").SGD(lr=0.1).update(results[name], self.grads)
        for key in self.weights:
            assert_close(results["fastnet"][key], results["numpy"][key])
        self.optimizer = part(implementation, "optimizer").SGD(lr=TINY)

    def time_update(self, *_):
        self.optimizer.update(self.weights, self.grads)


SgdRatio = ratios(Sgd)


class Optimizers:
    """All rules on the layer above; "limits" clips by norm and value, and decays the weights."""

    param_names = ["implementation", "dtype", "shape", "optimizer", "limits"]
    params = [IMPLEMENTATIONS, ["float32"], API_SHAPES, RULES, [False, True]]

    def setup(self, implementation, dtype, shape, optimizer, limits):
        _, d, m = SHAPES[shape]
        self.weights = {"W": numbers(dtype, d, m), "b": numbers(dtype, m)}
        self.grads = {key: array[::-1].copy() for key, array in self.weights.items()}
        options = {"clip_norm": 1.0, "clip_value": 0.5, "weight_decay": 1e-4} if limits else {}
        results = {}
        for name in IMPLEMENTATIONS:
            results[name] = {key: array.copy() for key, array in self.weights.items()}
            made = getattr(part(name, "optimizer"), optimizer)(lr=0.1, **options)
            made.update(results[name], self.grads)
        for key in self.weights:
            assert_close(results["fastnet"][key], results["numpy"][key])
        self.optimizer = getattr(part(implementation, "optimizer"), optimizer)(lr=TINY, **options)

    def time_update(self, *_):
        self.optimizer.update(self.weights, self.grads)


OptimizersRatio = ratios(Optimizers, limits=[False])


class Clipping:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, ["float32"], API_SHAPES]

    def setup(self, implementation, dtype, shape):
        _, d, m = SHAPES[shape]
        self.grads = [numbers(dtype, d, m), numbers(dtype, m)]
        self.optimizer = part(implementation, "optimizer")

    def time_clip_by_norm(self, *_):
        self.optimizer.clip_by_norm(self.grads, 1e3)

    def time_clip_by_value(self, *_):
        self.optimizer.clip_by_value(self.grads, 1e3)


ClippingRatio = ratios(Clipping)
