import numpy as np

from . import IMPLEMENTATIONS, assert_agree, labels, part, ratios


class Shuffling:
    """Orders of eleven epochs, of the small digits and of MNIST, in batches by classes."""

    param_names = ["implementation", "size"]
    params = [IMPLEMENTATIONS, [1797, 60_000]]

    def setup(self, implementation, size):
        _, words, used, *_ = np.random.RandomState(0).get_state()
        self.state, self.order = np.append(words, used).astype(np.int64), np.arange(size)
        self.labels, self.orders = labels(size, 10), np.empty((11, size), np.int64)
        arrays = self.state, self.order, self.labels, 200, self.orders
        assert_agree("shuffle_forward", *arrays)
        self.kernels = part(implementation, "kernels")

    def time_shuffle_forward(self, *_):
        self.kernels.shuffle_forward(self.state, self.order, self.labels, 200, self.orders)


ShufflingRatio = ratios(Shuffling, size=[1797])
