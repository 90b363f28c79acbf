"""The textbooks' networks and trainers, by book: `first` and `second`; and the delta rule.

    from fastnet.textbook.first import MultiLayerNet, MultiLayerNetExtend, Trainer
    from fastnet.textbook.second import AttentionSeq2seq, Rnnlm, RnnlmTrainer, Trainer

The delta rule, one sample an update, is `Sequential.fit` with batches of one in the order given.
Layers without bias are `MatMul`; the bias is a column of ones in x. With squared error delta is the
error times the slope of the sigmoid, with cross entropy the error itself: the sigmoid of the last
layer is then the loss's. 10,000 epochs of AND and of XOR:

>>> import numpy as np
>>> from fastnet.layers import MatMul, Sigmoid
>>> from fastnet.models import Sequential
>>> from fastnet.optimizer import SGD
>>> x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], float)
>>> t_and, t_xor = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 0])
>>> rng = np.random.default_rng(0)
>>> W1, W2, W = rng.uniform(-1, 1, (3, 4)), rng.uniform(-1, 1, (4, 1)), rng.uniform(-1, 1, (3, 1))
>>> rule = dict(epochs=10_000, batch_size=1, optimizer=SGD(lr=0.9), shuffle=False, verbose=0)
>>> delta_gd = Sequential([MatMul(W), Sigmoid()], "mean_squared_error", "float64")
>>> backprop = Sequential([MatMul(W1), Sigmoid(), MatMul(W2)], "sigmoid_cross_entropy", "float64")
>>> history = delta_gd.fit(x, t_and, **rule)
>>> delta_gd.predict(x).ravel().round(2)  # the sigmoid's
array([0.  , 0.02, 0.02, 0.98])
>>> history = backprop.fit(x, t_xor, **rule)
>>> backprop.predict(x).ravel() > 0  # before the sigmoid
array([False,  True,  True, False])
"""
