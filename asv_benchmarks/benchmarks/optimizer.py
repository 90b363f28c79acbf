from . import DTYPES, IMPLEMENTATIONS, SHAPES, TINY, assert_close, numbers, part


class Sgd:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

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
