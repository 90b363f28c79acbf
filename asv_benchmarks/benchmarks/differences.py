import numpy as np

from . import labels, numbers, part

ROWS = 10


class WholeNetwork:
    """784-50-10 and ten samples: 39,760 parameters, 79,520 losses."""

    def setup(self):
        Dense = part("fastnet", "layers").Dense
        layers = [Dense(50, activation="relu"), Dense(10)]
        self.model = part("fastnet", "models").Sequential(layers, seed=0)
        self.x, self.t = numbers("float32", ROWS, 784), labels(ROWS, 10)
        found = self.model.numerical_gradient(self.x, self.t)
        exact = self.model.gradient(self.x, self.t)
        for numerical, analytic in zip(found, exact, strict=True):
            assert np.abs(numerical - analytic).max() < 1e-4 * np.abs(analytic).max()

    def time_central_differences(self):
        self.model.numerical_gradient(self.x, self.t)
