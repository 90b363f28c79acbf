"""An LSTM remembers: which of 20 numbers are to be added up is marked beside them.

    python examples/lstm.py

The adding problem of Hochreiter and Schmidhuber, 1997: a sample has 20 steps of a number and a
mark, two marks are 1, and the target is the sum of the two numbers that are marked. Expected, in
some 2 s:

    said 1 each time: 0.182
    the LSTM: 0.0007
    0.23 + 0.12 = 0.35, said 0.33
    0.75 + 0.64 = 1.39, said 1.44
    0.61 + 0.42 = 1.02, said 1.03
"""

import numpy as np

from fastnet.layers import LSTM, Dense
from fastnet.models import Sequential
from fastnet.optimizer import Adam


def made(n, steps, rng):
    """Return sequences (n, steps, 2) and sums (n,)."""
    x = np.zeros((n, steps, 2), np.float32)
    x[:, :, 0] = rng.random((n, steps))
    marked = rng.permuted(np.tile(np.arange(steps), (n, 1)), axis=1)[:, :2]
    np.put_along_axis(x[:, :, 1], marked, 1, axis=1)
    return x, (x[:, :, 0] * x[:, :, 1]).sum(axis=1)


rng = np.random.default_rng(0)
x, t = made(5000, 20, rng)
x_test, t_test = made(1000, 20, rng)

model = Sequential([LSTM(32), Dense(1)], loss="mse", seed=0)
model.fit(x, t, epochs=20, batch_size=50, optimizer=Adam(lr=0.01, clip_norm=1.0), verbose=0)
print(f"said 1 each time: {np.mean((1 - t_test) ** 2):.3f}")
print(f"the LSTM: {model.evaluate(x_test, t_test)['loss']:.4f}")
for row, target, said in zip(x_test[:3], t_test, model.predict(x_test[:3]), strict=False):
    a, b = row[row[:, 1] == 1, 0]
    print(f"{a:.2f} + {b:.2f} = {target:.2f}, said {said:.2f}")
