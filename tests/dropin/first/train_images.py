"""A convolutional network on images, some of them in float32."""

from collections import OrderedDict

import numpy as np
from common.layers import *
from common.optimizer import *

np.random.seed(3)
params = {
    "W1": 0.3 * np.random.randn(5, 1, 3, 3),
    "b1": np.zeros(5),
    "W2": 0.2 * np.random.randn(6, 5, 3, 2),
    "b2": np.zeros(6),
    "W3": 0.1 * np.random.randn(6 * 5 * 6, 4),
    "b3": np.zeros(4),
}
layers = OrderedDict()
layers["Conv1"] = Convolution(params["W1"], params["b1"])
layers["Relu1"] = Relu()
layers["Pool1"] = Pooling(pool_h=2, pool_w=2, stride=2)
layers["Conv2"] = Convolution(params["W2"], params["b2"], stride=1, pad=1)
layers["Relu2"] = Relu()
layers["Pool2"] = Pooling(2, 2, 1)
layers["Affine"] = Affine(params["W3"], params["b3"])
last = SoftmaxWithLoss()
optimizer = Adam(lr=0.01)

x = np.random.rand(40, 1, 14, 14)
t = np.random.randint(0, 4, 40)
for step in range(12):
    batch = x[:20] if step % 2 else x[20:].astype(np.float32)
    labels = t[:20] if step % 2 else t[20:]
    out = batch
    for layer in layers.values():
        out = layer.forward(out)
    loss = last.forward(out, labels)
    dout = last.backward()
    for layer in reversed(list(layers.values())):
        dout = layer.backward(dout)
    grads = {}
    for i, name in enumerate(("Conv1", "Conv2", "Affine"), 1):
        grads["W" + str(i)], grads["b" + str(i)] = layers[name].dW, layers[name].db
    optimizer.update(params, grads)
    print(step, loss, np.abs(dout).sum(), out.dtype, dout.dtype, layers["Pool1"].arg_max[:5])
print([round(float(np.abs(p).sum()), 10) for p in params.values()])
print(layers["Conv1"].col.shape, float(layers["Conv1"].col.sum()))
