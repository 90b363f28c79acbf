"""fastnet.sklearn beside scikit-learn: times of fit and predict, and scores on data held out.

    python -m asv_benchmarks.estimators [--isa avx2] [--rounds N] [--only digits]
    python -m asv_benchmarks.estimators --grid
    python -m asv_benchmarks.estimators --scores
    python -m asv_benchmarks.estimators --agreement
    python -m asv_benchmarks.estimators --threads

prints Markdown. One pinned thread and the process's CPU time, but for --threads, which measures a
search of 24 fits on two cores by the clock. Contenders take turns, and the least of the rounds
counts. Both must have learnt the same weights, and give the same answers, before anything is timed.
"""

import argparse
import itertools
import os
import statistics
import sys
import time
import warnings
from pathlib import Path

from asv_benchmarks import environment

EPOCHS = {"20,000 x 8": 5, "MNIST": 1}  # of a fit that is timed; of the others:
FEW = 50
# Demanded: scikit-learn's time over fastnet's, of fit and of predict.
DEMANDS = {"MNIST": (2.0, 1.2), "150 x 4": (1.0, 1.0), None: (4.0, 2.0)}
MNIST = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist"


def tables():
    """Yield the name, kind, samples and targets of each data set."""
    import numpy as np
    from sklearn import datasets
    from sklearn.preprocessing import scale

    yield "150 x 4", "MLPClassifier", *datasets.load_iris(return_X_y=True)
    yield "digits", "MLPClassifier", *datasets.load_digits(return_X_y=True)
    for name in ("breast_cancer", "wine"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        yield name.replace("_", " "), "MLPClassifier", scale(X), y
    X, y = datasets.load_diabetes(return_X_y=True)
    yield "diabetes", "MLPRegressor", scale(X), scale(y)
    X = np.random.default_rng(0).normal(size=(20_000, 8))
    yield "20,000 x 8", "MLPRegressor", X, np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
    folder = os.environ.get("FASTNET_MNIST") or MNIST
    if os.path.isdir(folder):
        from fastnet.datasets import load_mnist

        (X, y), _ = load_mnist(folder, normalize=True)
        yield "MNIST", "MLPClassifier", X, y
    else:
        print(f"MNIST is left out: there is no folder {folder}.", file=sys.stderr)


def shapes():
    """Yield 30 networks: samples, features, hidden layers."""
    hidden = [(10,), (100,), (200,), (50, 50), (32, 32, 32)]
    yield from itertools.product((100, 1000), (4, 20, 100), hidden)


def both(kind, **arguments):
    import sklearn.neural_network

    import fastnet.sklearn

    modules = sklearn.neural_network, fastnet.sklearn
    return [getattr(module, kind)(random_state=0, **arguments) for module in modules]


# How far weights may be apart: of float64 what is demanded (measured: 2.3e-14); of float32, where
# roundings of an epoch's sums go into the next, 7e-6 was measured, of MNIST by sgd.
WEIGHTS = {"float64": 1e-8, "float32": 1e-4}
ANSWERS = {"float64": 0.0, "float32": 1e-3}  # the share that may be others; measured: 1 of 60,000


def check(name, pair, X):
    """Stop where the two have not learnt the same."""
    import numpy as np

    (one, other), dtype = pair, X.dtype.name
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        if not np.abs(a - b).max() <= WEIGHTS[dtype]:
            sys.exit(f"{name}: weights differ by {np.abs(a - b).max():.1e}.")
    if one.n_iter_ != other.n_iter_:
        sys.exit(f"{name}: {one.n_iter_} and {other.n_iter_} iterations.")
    answers = [np.asarray(model.predict(X), float) for model in pair]
    share = np.mean(np.abs(answers[0] - answers[1]) > 10 * WEIGHTS[dtype])
    if share > ANSWERS[dtype]:
        sys.exit(f"{name}: {share:.1%} of the answers differ.")


def seconds(calls, rounds, least=0.02):
    """Return the least CPU time of each call, which take turns; short ones are repeated."""
    counts = []
    for call in calls:
        start = time.process_time()
        call()
        counts.append(max(1, int(least / max(1e-6, time.process_time() - start))))
    found = [float("inf")] * len(calls)
    for _ in range(rounds):
        for i, call in enumerate(calls):
            start = time.process_time()
            for _ in range(counts[i]):
                call()
            found[i] = min(found[i], (time.process_time() - start) / counts[i])
    return found


def timed(name, kind, X, y, rounds, **arguments):
    """Return times of fit and of predict, of scikit-learn and of fastnet."""
    pair = both(kind, **arguments)
    for model in pair:
        model.fit(X, y)
    check(name, pair, X)
    fits = seconds([lambda m=model: m.fit(X, y) for model in pair], rounds)
    predictions = seconds([lambda m=model: m.predict(X) for model in pair], rounds)
    return [*fits, *predictions]


def row(name, times, demands=(0.0, 0.0)):
    """Print a row; say which demand it misses."""
    fit, our_fit, predict, our_predict = (1e3 * t for t in times)
    ratios = fit / our_fit, predict / our_predict
    missed = [
        f"{what} below {demand:g}"
        for what, ratio, demand in zip(("fit", "predict"), ratios, demands, strict=True)
        if ratio < demand
    ]
    cells = [f"{fit:,.2f}", f"{our_fit:,.2f}", f"{ratios[0]:.2f}"]
    cells += [f"{predict:,.3f}", f"{our_predict:,.3f}", f"{ratios[1]:.2f}", ", ".join(missed)]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)
    return ratios


HEAD = """| data, dtype, solver | fit: scikit-learn, ms | fastnet | ratio | predict: scikit-learn \
| fastnet | ratio | missed |
|---|---|---|---|---|---|---|---|"""


def print_speed(rounds, only):
    import numpy as np

    print(HEAD)
    for name, kind, X, y in tables():
        if only and only != name:
            continue
        epochs = 20 if name == "150 x 4" else EPOCHS.get(name, FEW)
        for dtype, solver in itertools.product((np.float32, np.float64), ("sgd", "adam")):
            given = X.astype(dtype)
            few = min(rounds, 3) if name == "MNIST" else rounds
            times = timed(name, kind, given, y, few, solver=solver, max_iter=epochs)
            label = f"{name}, {dtype.__name__}, {solver}, {epochs} epochs"
            row(label, times, DEMANDS.get(name, DEMANDS[None]))


def print_grid(rounds):
    import numpy as np

    print(HEAD)
    rng, ratios = np.random.default_rng(0), []
    for samples, features, hidden in shapes():
        X = rng.normal(size=(samples, features))
        y = (X[:, :3] ** 2).sum(axis=1).astype(int).clip(0, 4)
        for solver in ("sgd", "adam"):
            arguments = {"solver": solver, "max_iter": 20, "hidden_layer_sizes": hidden}
            name = f"{samples} x {features}, {'-'.join(map(str, hidden))}, {solver}"
            times = timed(name, "MLPClassifier", X, y, rounds, **arguments)
            ratios.append(row(name, times, (1.0, 1.0)))
    fits, predictions = zip(*ratios, strict=True)
    for what, found in (("fit", fits), ("predict", predictions)):
        mean = statistics.geometric_mean(found)
        print(f"\n{what}: geometric mean {mean:.2f}, least {min(found):.2f}")


def print_scores(seeds, only):
    import numpy as np
    from sklearn.model_selection import train_test_split

    print("| data | scikit-learn: mean test score (deviation) | fastnet | equal scores |")
    print("|---|---|---|---|")
    for name, kind, X, y in tables():
        if only and only != name:
            continue
        most = {"20,000 x 8": 2000, "MNIST": 6000}.get(name)  # 40 fits of all take an hour
        X, y = X[:most], y[:most]
        scores = []
        for seed in range(seeds):
            parts = train_test_split(X, y, test_size=0.3, random_state=seed)
            X_train, X_test, y_train, y_test = parts
            pair = [model.set_params(random_state=seed) for model in both(kind)]
            scores.append([m.fit(X_train, y_train).score(X_test, y_test) for m in pair])
        found = np.array(scores)
        cells = [
            f"{mean:.5f} ({deviation:.5f})"
            for mean, deviation in zip(found.mean(axis=0), found.std(axis=0), strict=True)
        ]
        same = int((np.abs(found[:, 0] - found[:, 1]) < 1e-9).sum())
        print(f"| {name} | {cells[0]} | {cells[1]} | {same} of {seeds} |", flush=True)


def print_agreement():
    """Print how far weights are from scikit-learn's after 50 iterations, in float64."""
    import numpy as np

    print("| data | solver | activation | fastnet | scikit-learn, rows in another order |")
    print("|---|---|---|---|---|")

    def distance(one, other):
        pairs = zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
        return max(np.abs(a - b).max() for a, b in pairs)

    for name, kind, X, y in tables():
        if name in ("MNIST", "20,000 x 8"):
            continue
        order = np.random.default_rng(0).permutation(len(X))
        for solver, activation in itertools.product(
            ("sgd", "adam", "lbfgs"), ("identity", "logistic", "tanh", "relu")
        ):
            arguments = {"solver": solver, "activation": activation, "max_iter": 50}
            theirs, ours = (model.fit(X, y) for model in both(kind, **arguments))
            again = "-"
            if solver == "lbfgs":  # else the order decides which samples a batch has
                other = both(kind, **arguments)[0].fit(X[order], y[order])
                again = f"{distance(theirs, other):.1e}"
            cells = f"{name} | {solver} | {activation} | {distance(theirs, ours):.1e} | {again}"
            print(f"| {cells} |", flush=True)


def print_threads(rounds):
    """Print what two threads gain in a search of 24 fits."""
    from joblib import parallel_config
    from sklearn.datasets import load_digits
    from sklearn.model_selection import GridSearchCV

    X, y = load_digits(return_X_y=True)
    model = both("MLPClassifier", max_iter=30)[1]
    grid = {"alpha": [1e-4, 1e-2, 1.0], "learning_rate_init": [1e-3, 1e-2]}
    search, found = GridSearchCV(model, grid, cv=4, refit=False), {1: [], 2: []}
    for _ in range(rounds):
        for jobs in found:
            with parallel_config(backend="threading", n_jobs=jobs):
                start = time.perf_counter()
                search.fit(X, y)
                found[jobs].append(time.perf_counter() - start)
    one, two = (min(times) for times in found.values())
    gain = f"one thread {one:.2f} s, two {two:.2f} s: {one / two:.2f}x"
    print(f"GridSearchCV, 24 fits on digits: {gain}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], parents=[environment.parser()]
    )
    parser.add_argument("--grid", action="store_true", help="30 shapes in place of data sets")
    parser.add_argument("--scores", action="store_true", help="mean test scores over seeds")
    parser.add_argument("--agreement", action="store_true", help="weights after 50 iterations")
    parser.add_argument("--threads", action="store_true", help="a search on two cores")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", help="one data set, by its name")
    given = parser.parse_args()
    if given.threads:
        os.environ.update(environment.thread_variables(1))
    else:
        environment.prepare(1, given.isa)
    warnings.simplefilter("ignore")
    from fastnet.info import installation

    found = installation()
    known = [found["cpu"], f"vectors {found['vectors']}", f"scikit-learn {found['scikit-learn']}"]
    print("; ".join(known) + "\n")
    if given.grid:
        print_grid(given.rounds)
    elif given.scores:
        print_scores(given.seeds, given.only)
    elif given.agreement:
        print_agreement()
    elif given.threads:
        print_threads(given.rounds)
    else:
        print_speed(given.rounds, given.only)


if __name__ == "__main__":
    main()
