import numpy as np
from common.optimizer import *


class Trainer:
    def __init__(
        self,
        network,
        x_train,
        t_train,
        x_test,
        t_test,
        epochs=20,
        mini_batch_size=100,
        optimizer="SGD",
        optimizer_param={"lr": 0.01},
        evaluate_sample_num_per_epoch=None,
        verbose=True,
    ):
        self.network, self.verbose = network, verbose
        self.x_train, self.t_train, self.x_test, self.t_test = x_train, t_train, x_test, t_test
        self.batch_size, self.sample_num = mini_batch_size, evaluate_sample_num_per_epoch
        known = (SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam)
        self.optimizer = {kind.__name__.lower(): kind for kind in known}[optimizer.lower()](
            **optimizer_param
        )
        self.iter_per_epoch = max(len(x_train) / mini_batch_size, 1)
        self.max_iter = int(epochs * self.iter_per_epoch)
        self.current_iter = self.current_epoch = 0
        self.train_loss_list, self.train_acc_list, self.test_acc_list = [], [], []

    def train_step(self):
        chosen = np.random.choice(len(self.x_train), self.batch_size)
        x, t = self.x_train[chosen], self.t_train[chosen]
        self.optimizer.update(self.network.params, self.network.gradient(x, t))
        self.train_loss_list.append(self.network.loss(x, t))
        if self.current_iter % self.iter_per_epoch == 0:
            self.current_epoch += 1
            n = self.sample_num
            of_train = self.network.accuracy(self.x_train[:n], self.t_train[:n])
            of_test = self.network.accuracy(self.x_test[:n], self.t_test[:n])
            self.train_acc_list.append(of_train)
            self.test_acc_list.append(of_test)
            if self.verbose:
                print(self.current_epoch, self.train_loss_list[-1], of_train, of_test)
        self.current_iter += 1

    def train(self):
        for _ in range(self.max_iter):
            self.train_step()
        print("final", self.network.accuracy(self.x_test, self.t_test))
