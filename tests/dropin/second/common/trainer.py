import numpy
from common.np import *


def remove_duplicate(params, grads):
    """Merge the gradients of arrays that stand there twice, or transposed."""
    params, grads = params[:], grads[:]
    i = 0
    while i < len(params):
        for j in range(len(params) - 1, i, -1):
            same = params[i] is params[j]
            turned = not same and params[i].ndim == params[j].ndim == 2
            turned = turned and params[i].T.shape == params[j].shape
            if same or (turned and np.all(params[i].T == params[j])):
                grads[i] += grads[j] if same else grads[j].T
                params.pop(j)
                grads.pop(j)
        i += 1
    return params, grads


class Trainer:
    def __init__(self, model, optimizer):
        self.model, self.optimizer = model, optimizer
        self.loss_list, self.eval_interval, self.current_epoch = [], None, 0

    def fit(self, x, t, max_epoch=10, batch_size=32, max_grad=None, eval_interval=20):
        n, self.eval_interval = len(x), eval_interval
        steps, total, count = n // batch_size, 0, 0
        for _ in range(max_epoch):
            order = numpy.random.permutation(numpy.arange(n))
            x, t = x[order], t[order]
            for i in range(steps):
                rows = slice(i * batch_size, (i + 1) * batch_size)
                loss = self.model.forward(x[rows], t[rows])
                self.model.backward()
                params, grads = remove_duplicate(self.model.params, self.model.grads)
                if max_grad is not None:
                    norm = np.sqrt(sum(np.sum(grad**2) for grad in grads))
                    for grad in grads:
                        grad *= min(1, max_grad / (norm + 1e-6))
                self.optimizer.update(params, grads)
                total, count = total + loss, count + 1
                if eval_interval is not None and i % eval_interval == 0:
                    print(self.current_epoch + 1, i + 1, total / count)
                    self.loss_list.append(float(total / count))
                    total, count = 0, 0
            self.current_epoch += 1
