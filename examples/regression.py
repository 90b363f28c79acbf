"""A regression on a table: what a house's heating needs, from five of its numbers.

    python examples/regression.py

The table is made by a formula with noise of 0.5 kW: no model can be nearer than that. Columns are
brought to mean 0 and deviation 1 by the numbers of the training rows, and so is the target.
Expected, in some 0.5 s:

    linear: rmse 1.02 kW, where the target's deviation is 2.82
    two hidden layers: rmse 0.50 kW, where the target's deviation is 2.82
"""

import numpy as np

from fastnet.layers import Dense
from fastnet.models import Sequential
from fastnet.optimizer import Adam
from fastnet.schedules import CosineDecay

rng = np.random.default_rng(0)
n = 4000
area, storeys = rng.uniform(60, 250, n), rng.integers(1, 4, n)
loss, outside, windows = rng.uniform([[0.2], [-15], [0]], [[1.5], [15], [1]], (3, n))
walls = 4 * np.sqrt(area / storeys) * 2.6 * storeys * (1 - 0.4 * windows)
kilowatts = (loss * walls + 1.1 * (area / storeys + 0.1 * windows * area)) * (20 - outside) / 1e3
table = np.stack([area, storeys, loss, outside, windows], axis=1)
target = kilowatts + rng.normal(0, 0.5, n)

train, test = slice(0, 3000), slice(3000, None)
mean, std = table[train].mean(axis=0), table[train].std(axis=0)
x, centre, spread = (table - mean) / std, target[train].mean(), target[train].std()

for name, units in {"linear": [], "two hidden layers": [64, 64]}.items():
    hidden = [Dense(count, "silu") for count in units]
    model = Sequential([*hidden, Dense(1)], loss="mse", seed=0)
    steps = 60 * -(-3000 // 64)
    model.fit(
        x[train],
        (target[train] - centre) / spread,
        epochs=60,
        batch_size=64,
        optimizer=Adam(lr=CosineDecay(0.005, steps)),
        verbose=0,
    )
    said = model.predict(x[test]) * spread + centre
    rmse = np.sqrt(np.mean((said - target[test]) ** 2))
    print(f"{name}: rmse {rmse:.2f} kW, where the target's deviation is {target[test].std():.2f}")
