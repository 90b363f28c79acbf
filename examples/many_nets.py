"""Many small nets at once: 40 of them in joblib's threads, one thread each.

    python examples/many_nets.py

A fit is one compiled call that releases the GIL, so threads are enough: nothing is copied to other
processes, and nothing is compiled twice. Whatever the number of threads, a net's bits are those of
its seed. Expected, in some 1 s:

    alone and among others: True
    the best of 40 on what chose it: 0.979 0.975 0.970 0.970 0.966
    these five together on the test: 0.978
"""

import joblib
import numpy as np

import fastnet
from fastnet.datasets import load_digits
from fastnet.layers import Dense, Rescaling
from fastnet.models import Sequential
from fastnet.optimizer import Adam

(x, t), (x_test, t_test) = load_digits()
rng = np.random.default_rng(0)
trials = [(int(rng.integers(8, 80)), 10 ** rng.uniform(-3.5, -1.5), seed) for seed in range(40)]


def train(units, lr, seed):
    """Train a net and return how it does on held-out digits."""
    model = Sequential([Rescaling(1 / 16), Dense(units, "relu"), Dense(10)], seed=seed)
    model.fit(x[:1200], t[:1200], epochs=10, batch_size=32, optimizer=Adam(lr=lr), verbose=0)
    return model.evaluate(x[1200:], t[1200:])["accuracy"], model


fastnet.set_num_threads(1)  # each net in the thread that trains it
with joblib.parallel_config(backend="threading", n_jobs=joblib.cpu_count()):
    found = joblib.Parallel()(joblib.delayed(train)(*trial) for trial in trials)
alone = train(*trials[0])
print("alone and among others:", (alone[1].predict(x_test) == found[0][1].predict(x_test)).all())
best = sorted(zip(found, trials, strict=True), key=lambda pair: -pair[0][0])
print("the best of 40 on what chose it:", *(f"{score:.3f}" for (score, _), _ in best[:5]))
votes = sum(model.predict_proba(x_test) for (_, model), _ in best[:5])
print(f"these five together on the test: {np.mean(votes.argmax(axis=1) == t_test):.3f}")
