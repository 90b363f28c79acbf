"""MultiLayerNet and MultiLayerNetExtend with the Trainer: labels, one-hot, every optimizer."""

import numpy as np
from common.multi_layer_net import MultiLayerNet
from common.multi_layer_net_extend import MultiLayerNetExtend
from common.trainer import Trainer

np.random.seed(3)
centres = np.random.randn(3, 10)
labels = np.random.randint(0, 3, 150).astype(np.uint8)
labels.setflags(write=False)  # as those of MNIST are
x = (centres[labels] + np.random.randn(150, 10)).astype(np.float32)
t = np.eye(3)[labels]
names = ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam")
for k, name in enumerate(names):
    net = MultiLayerNet(10, [12, 8], 3, ("relu", "sigmoid")[k % 2], weight_decay_lambda=0.1)
    known = (labels, t)[k % 2]
    trainer = Trainer(
        net, x[:105], known[:105], x[105:], known[105:], 3, 10, name, {"lr": 0.02 / (1 + k)}
    )
    trainer.train()
    print(name, np.sum(trainer.train_loss_list))
for options in ({"use_batchnorm": True}, {"use_dropout": True, "dropout_ration": 0.2}):
    net = MultiLayerNetExtend(10, [12, 8], 3, weight_decay_lambda=0.01, **options)
    Trainer(net, x[:105], t[:105], x[105:], t[105:], epochs=3, mini_batch_size=20).train()
net = MultiLayerNetExtend(10, [4], 3, use_batchnorm=True)
right = net.numerical_gradient(x[:6], t[:6])
for key, grad in net.gradient(x[:6], t[:6]).items():
    print(key, np.average(np.abs(grad - right[key])) < 1e-6)
