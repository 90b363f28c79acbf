"""Three spirals by a network of two layers and the Trainer, with each optimizer in turn."""

import sys

sys.path.append("..")

import numpy as np
from common.layers import Affine, Dropout, Sigmoid, SoftmaxWithLoss
from common.optimizer import *
from common.trainer import Trainer


class TwoLayerNet:
    def __init__(self, n_in, hidden, n_out, ratio=None):
        W1, b1 = 0.1 * np.random.randn(n_in, hidden), np.zeros(hidden)
        W2, b2 = 0.1 * np.random.randn(hidden, n_out), np.zeros(n_out)
        self.layers = [Affine(W1, b1), Sigmoid(), Affine(W2, b2)]
        if ratio is not None:
            self.layers.insert(2, Dropout(ratio))
        self.loss_layer = SoftmaxWithLoss()
        self.params, self.grads = [], []
        for layer in self.layers:
            self.params += layer.params
            self.grads += layer.grads

    def predict(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def forward(self, x, t):
        return self.loss_layer.forward(self.predict(x), t)

    def backward(self, dout=1):
        dout = self.loss_layer.backward(dout)
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


np.random.seed(1984)
angle = np.repeat(np.arange(3), 60) * 2.1 + np.tile(np.linspace(0, 4, 60), 3)
angle += 0.1 * np.random.randn(180)
radius = np.tile(np.linspace(0, 1, 60), 3)
x = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
t = np.eye(3, dtype=np.int32)[np.repeat(np.arange(3), 60)]
for optimizer in (SGD(1.0), Momentum(0.5), Nesterov(0.1), AdaGrad(0.5), RMSprop(0.05), Adam(0.02)):
    model = TwoLayerNet(2, 10, 3, ratio=0.1 if isinstance(optimizer, Adam) else None)
    trainer = Trainer(model, optimizer)
    trainer.fit(x, t, max_epoch=8, batch_size=30, max_grad=5.0, eval_interval=3)
    optimizer.lr /= 2.0  # as the language models of the last chapters do
    trainer.fit(x, t, max_epoch=2, batch_size=30)
    print(type(optimizer).__name__, trainer.loss_list[-1], np.abs(model.params[0]).sum())
