"""More than one process: a grid search over threads, processes and Dask, and an Allreduce by MPI.

    python -m asv_benchmarks.scaling trials
    mpiexec -n 2 python -m asv_benchmarks.scaling gradients

The first prints the seconds of 24 fits of a grid search with two workers of each kind, in turns,
the least of some rounds, and those of the first, which starts the processes. The second prints
microseconds of a step by hand, in float64: of one process with batches of 200, of two with 100
each, and of the Allreduce of the gradients alone.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

ROUNDS = 5


def least(run, rounds=ROUNDS):
    """The least seconds of some calls."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)


def trials(rounds=ROUNDS):
    """Print the seconds of a grid search by what runs its fits."""
    from dask.distributed import Client, LocalCluster
    from joblib import parallel_config
    from sklearn.model_selection import GridSearchCV

    from fastnet import load_digits, set_num_threads
    from fastnet.sklearn import MLPClassifier

    set_num_threads(1)
    (x, t), _ = load_digits()
    x = x.astype("float32") / 16
    grid = {"hidden_layer_sizes": [(50,), (100,)], "alpha": [1e-5, 1e-4, 1e-3, 1e-2]}
    estimator = MLPClassifier(max_iter=100, n_iter_no_change=100, tol=0, random_state=0)

    def search():
        GridSearchCV(estimator, grid, cv=3, refit=False).fit(x, t)

    def searched(backend, n_jobs):
        def run():
            with parallel_config(backend=backend, n_jobs=n_jobs):
                search()

        return run

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        ways = {
            "one after the other": search,
            "two threads (joblib)": searched("threading", 2),
            "two processes (joblib)": searched("loky", 2),
            "two workers of a Dask cluster": searched("dask", -1),
        }
        found = {name: [] for name in ways}
        for _ in range(rounds + 1):
            for name, run in ways.items():
                found[name].append(least(run, 1))
    alone = min(found["one after the other"][1:])
    for name, times in found.items():
        seconds = min(times[1:])
        print(f"{name:32} {seconds:7.3f} s {alone / seconds:6.2f}x, the first {times[0]:7.3f} s")


def gradients():
    """Print the microseconds of a step by hand, of one process and of all."""
    from fastnet import set_num_threads

    set_num_threads(1)
    for hidden in (50, 512):
        steps(hidden)


def steps(hidden, rounds=200):
    """Print those of one network."""
    from mpi4py import MPI

    from fastnet import SGD, Dense, Sequential

    everyone, rng = MPI.COMM_WORLD, np.random.default_rng(0)
    size = everyone.Get_size()
    model = Sequential([Dense(hidden, "relu"), Dense(10)], dtype="float64", seed=0)
    model.build(784)
    params, grads, sgd = model.parameter_vector, model.gradient_vector, SGD(0.01)
    x, t = rng.random((200, 784)), np.arange(200) % 10

    def step(n, comm=None):
        def run():
            model.forward(x[:n], t[:n])
            model.backward()
            if comm is not None:
                comm.Allreduce(MPI.IN_PLACE, grads)
                grads[:] /= size
            sgd.update([params], [grads])

        return run

    found = {}
    everyone.Barrier()
    if everyone.Get_rank() == 0:
        found["one process, 200 samples"] = least(step(200), rounds)
    everyone.Barrier()
    found[f"{size} processes, {200 // size} each"] = least(step(200 // size, everyone), rounds)
    everyone.Barrier()
    reduce = least(lambda: everyone.Allreduce(MPI.IN_PLACE, grads), rounds)
    found["the Allreduce in it"] = reduce
    if everyone.Get_rank() == 0:
        for name, seconds in found.items():
            print(f"784-{hidden}-10 {name:28} {seconds * 1e6:8.0f} us")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["trials", "gradients"])
    {"trials": trials, "gradients": gradients}[parser.parse_args().what]()
