"""Optimizers side by side: on two plain numbers, then on a network with and without its extras."""

import numpy as np
from common.layers import *
from common.multi_layer_net_extend import MultiLayerNetExtend
from common.optimizer import *

optimizers = {
    "SGD": SGD(lr=0.9),
    "Momentum": Momentum(lr=0.1),
    "Nesterov": Nesterov(lr=0.1),
    "AdaGrad": AdaGrad(lr=1.5),
    "RMSprop": RMSprop(lr=0.1, decay_rate=0.9),
    "Adam": Adam(lr=0.3, beta1=0.8),
}
for key, optimizer in optimizers.items():
    params = {"x": -7.0, "y": 2.0}  # numbers, which are replaced
    for _ in range(20):
        optimizer.update(params, {"x": params["x"] / 10.0, "y": params["y"] * 2.0})
    print(key, params["x"], params["y"])

np.random.seed(5)
centres = np.random.randn(4, 8)
labels = np.random.randint(0, 4, 160)
x = centres[labels] + 0.5 * np.random.randn(160, 8)
# Each of the learners is fed the same batches; what they print depends on the order of the draws.
optimizers = [SGD(), Momentum(), Nesterov(), AdaGrad(), RMSprop(0.001), Adam()]
extras = [{}, {"use_batchnorm": True}, {"use_dropout": True, "dropout_ration": 0.15}]
extras += [{"use_batchnorm": True, "use_dropout": True, "weight_decay_lambda": 0.05}]
networks = [
    [MultiLayerNetExtend(8, [16, 12], 4, weight_init_std=0.3, **extra) for extra in extras]
    for _ in optimizers
]
# A class of the package, told by isinstance and by its key.
assert isinstance(networks[0][2].layers["Dropout1"], Dropout)
for optimizer, row in zip(optimizers, networks, strict=True):
    kind, settings = type(optimizer), {"lr": optimizer.lr}
    learners = [kind(**settings) for _ in row]
    for step in range(12):
        chosen = np.random.choice(len(x), 32)
        for network, learner in zip(row, learners, strict=True):
            learner.update(network.params, network.gradient(x[chosen], labels[chosen]))
            if step == 7:
                learner.lr *= 0.5
    print(kind.__name__, *[network.loss(x, labels) for network in row])
    print(*[network.accuracy(x, labels) for network in row], np.random.rand())
    normalized = row[1].layers["BatchNorm2"]
    print(normalized.running_mean[:3], normalized.running_var[:3])
