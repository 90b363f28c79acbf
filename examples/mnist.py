"""MNIST as the first book trains it in its chapter 5: 784-50-10, sigmoid, batches of 100, SGD.

    python examples/mnist.py FOLDER

FOLDER has the four IDX files, gzipped or not; they are not downloaded. Expected, in some 2 s:

    epoch 1: train 0.906, test 0.909
    epoch 2: train 0.923, test 0.922
    epoch 3: train 0.934, test 0.933
    epoch 4: train 0.945, test 0.943
    epoch 5: train 0.951, test 0.948
"""

import sys

import numpy as np

from fastnet.datasets import load_mnist
from fastnet.models import TwoLayerNet
from fastnet.optimizer import SGD

(x_train, t_train), (x_test, t_test) = load_mnist(sys.argv[1])
x_train, x_test = x_train / np.float32(255), x_test / np.float32(255)

np.random.seed(0)
network = TwoLayerNet(input_size=784, hidden_size=50, output_size=10)
optimizer, batch_size = SGD(lr=0.1), 100
iters_per_epoch = len(x_train) // batch_size
names = list(network.params)

for epoch in range(5):
    for _ in range(iters_per_epoch):
        batch = np.random.choice(len(x_train), batch_size)
        grads = network.gradient(x_train[batch], t_train[batch])
        optimizer.update([network.params[n] for n in names], [grads[n] for n in names])
    train, test = network.accuracy(x_train, t_train), network.accuracy(x_test, t_test)
    print(f"epoch {epoch + 1}: train {train:.3f}, test {test:.3f}")
