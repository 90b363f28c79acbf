"""AND by the delta rule: one layer, one sample an update, squared error.

    python examples/and_gate.py

The rule is w += lr * (t - y) * y * (1 - y) * x, which is what SGD does to a sigmoid's squared error
with batches of one. The third input is always 1: its weight is the bias. Expected, in some 0.1 s:

    [0 0] -> 0.00, said 0
    [0 1] -> 0.02, said 0
    [1 0] -> 0.02, said 0
    [1 1] -> 0.98, said 1
    weights 7.9 7.9 -12.0
"""

import numpy as np

from fastnet.layers import MatMul, Sigmoid
from fastnet.models import Sequential
from fastnet.optimizer import SGD

x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], float)
t = np.array([0.0, 0, 0, 1])
W = np.random.default_rng(0).uniform(-1, 1, (3, 1))

model = Sequential([MatMul(W), Sigmoid()], loss="mean_squared_error", dtype="float64")
model.fit(x, t, epochs=10_000, batch_size=1, optimizer=SGD(lr=0.9), shuffle=False, verbose=0)

for row, y in zip(x, model.predict(x), strict=True):
    print(f"{row[:2].astype(int)} -> {y:.2f}, said {int(y > 0.5)}")
print("weights", *(f"{w:.1f}" for w in model.layers[0].W.ravel()))
