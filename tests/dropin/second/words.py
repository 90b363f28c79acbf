"""Words from their neighbours: int32 one-hot rows, one W in two MatMuls, labels."""

import sys

sys.path.append("..")

import numpy as np
from common.layers import MatMul, Softmax, SoftmaxWithLoss
from common.optimizer import SGD, Adam
from common.trainer import Trainer


class Cbow:
    def __init__(self, words, hidden, dtype):
        W_in = 0.01 * np.random.randn(words, hidden).astype(dtype)
        W_out = 0.01 * np.random.randn(hidden, words).astype(dtype)
        self.left, self.right, self.out = MatMul(W_in), MatMul(W_in), MatMul(W_out)
        self.loss_layer = SoftmaxWithLoss()
        self.params, self.grads = [], []
        for layer in (self.left, self.right, self.out):
            self.params += layer.params
            self.grads += layer.grads
        self.vectors = W_in

    def forward(self, contexts, target):
        h = self.left.forward(contexts[:, 0]) + self.right.forward(contexts[:, 1])
        h *= 0.5
        return self.loss_layer.forward(self.out.forward(h), target)

    def backward(self, dout=1):
        da = self.out.backward(self.loss_layer.backward(dout))
        da *= 0.5
        self.right.backward(da)
        self.left.backward(da)


np.random.seed(0)
text = np.array([0, 1, 2, 3, 4, 1, 5, 6, 2, 0, 3, 6, 5, 4, 1, 2])
one_hot = np.eye(7, dtype=np.int32)
contexts = np.stack([one_hot[text[:-2]], one_hot[text[2:]]], axis=1)
target = one_hot[text[1:-1]]
for dtype, kind, rounded in (("f8", Adam, 12), ("f4", SGD, 4)):
    model = Cbow(7, 5, dtype)
    Trainer(model, kind()).fit(contexts, target, max_epoch=20, batch_size=3, eval_interval=2)
    assert model.left.params[0] is model.right.params[0] is model.vectors
    print(dtype, np.round(model.vectors.ravel(), rounded).tolist())
print(Softmax().forward(np.array([[1.0, 2.0], [0.5, -0.5]])))
