"""Chapter 4's network, trained in a loop that the script writes itself."""

import numpy as np
from two_layer_net import TwoLayerNet

np.random.seed(0)
centres = np.random.randn(4, 12)
labels = np.random.randint(0, 4, 400)
x = (centres[labels] + np.random.randn(400, 12)).astype(np.float32)
t = np.eye(4)[labels]
network = TwoLayerNet(12, 8, 4)
for i in range(60):
    chosen = np.random.choice(300, 20)
    grads = network.gradient(x[chosen], t[chosen])
    for key in ("W1", "b1", "W2", "b2"):
        network.params[key] -= 0.5 * grads[key]
    loss = network.loss(x[chosen], t[chosen])
    if i % 5 == 0:
        print(loss, network.accuracy(x[:300], t[:300]), network.accuracy(x[300:], t[300:]))
