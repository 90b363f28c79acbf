"""A grid search whose fits run on the workers of a Dask cluster: the search itself is unchanged.

    pip install 'fastnet-numba[trials]'
    python examples/grid_search_on_dask.py

The cluster is two processes here; `Client("tcp://scheduler:8786")` in its place is one of many
machines. Expected, in some ten seconds, the last column of how many kernels each worker compiled
itself: one worker of each machine those that the warm-up finds in no cache, all others none.

    MLPClassifier {'alpha': 0.0001, 'hidden_layer_sizes': (50,)} 0.9603
    Network {'lr': 0.2, 'units': 50} 0.9541
    kernels compiled by workers: 0 0
"""

from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV

from fastnet import SGD, Dense, Rescaling, Sequential, load_digits
from fastnet.sklearn import MLPClassifier
from fastnet.warmup import compiled


class Network(ClassifierMixin, BaseEstimator):
    """A Sequential as an estimator: what it is made of are its parameters."""

    def __init__(self, units=20, lr=0.1):
        self.units, self.lr = units, lr

    def fit(self, x, t):
        """Make the network anew, and train it."""
        self.classes_ = sorted(set(t))
        layers = [Rescaling(1 / 16), Dense(self.units, "relu"), Dense(len(self.classes_))]
        self.model_ = Sequential(layers, seed=0)
        self.model_.fit(x, t, epochs=15, batch_size=32, optimizer=SGD(lr=self.lr), verbose=0)
        return self

    def predict(self, x):
        """Return the labels."""
        return self.model_.predict(x).argmax(axis=1)


SEARCHES = [
    (
        MLPClassifier(learning_rate_init=0.01, random_state=0),
        {"hidden_layer_sizes": [(20,), (50,)], "alpha": [1e-4, 1e-2]},
    ),
    (Network(), {"units": [20, 50], "lr": [0.05, 0.2]}),
]


def fit_and_score(estimator, x, t):
    """Do what a search does with an estimator."""
    return estimator.fit(x, t).score(x, t)


def warm_up(client, x, t):
    """Run each kind once on one worker of each machine, so that the others find its kernels.

    On all samples: of few ones the first layer does not skip the zeros.
    """
    of_machine = {address.rsplit(":", 1)[0]: address for address in client.nthreads()}
    for estimator, _ in SEARCHES:
        on_each = [
            client.submit(fit_and_score, estimator, x, t, workers=[address])
            for address in of_machine.values()
        ]
        client.gather(on_each)


def main():
    """Run the searches, and print what they found."""
    (x, t), _ = load_digits()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        warm_up(client, x, t)
        for estimator, grid in SEARCHES:
            with parallel_config(backend="dask"):
                search = GridSearchCV(estimator, grid, cv=3, refit=False).fit(x, t)
            name = type(estimator).__name__
            print(name, search.best_params_, f"{search.best_score_:.4f}")
        counts = sorted(client.run(compiled).values())
        print("kernels compiled by workers:", *counts)


if __name__ == "__main__":
    main()
