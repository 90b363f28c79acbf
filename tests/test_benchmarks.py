"""asv's benchmarks: none is missing, and the ratios that are gated are those of the very bodies."""

import importlib
import inspect
import itertools
import pkgutil
import sys
from pathlib import Path

import numpy as np
import pytest
from in_turn import with_each

import fastnet

# After what is installed, and fastnet itself is imported already: its wheel is what is looked at.
sys.path.append(str(Path(__file__).resolve().parents[1]))
benchmarks = pytest.importorskip("asv_benchmarks.benchmarks", reason="no benchmarks beside us")

# What has benchmarks of its own; functions that only make or hold something have none.
ROOMS = ["functions", "gradient", "kernels", "layers", "losses", "metrics"]
ROOMS += ["models", "optimizer", "penalties"]
NOT_TIMED = {
    "models.History": "holds lists",
    "gradient.gradient_check": "numerical_gradient and a comparison",
    "kernels.work_size": "returns a number",
    "layers.Layer": "a base class",
    "layers.Activation": "a base class",
    "layers.LoopLayer": "holds what a layer is to the loop",
    "layers.Outputs": "holds where outputs lie",
    "layers.Steps": "is the shape of a sequence",
    "losses.Loss": "a base class",
    "metrics.Metric": "a base class",
    "losses.LoopLoss": "holds what a loss is to the loop",
    "optimizer.Optimizer": "a base class",
    "layers.Flatten": "moves nothing",
    "layers.Reshape": "moves nothing",
    "layers.MaxPooling2D": "is a kernel's call, in pooling.py",
    "layers.AveragePooling2D": "is a kernel's call, in average_pooling.py",
    "layers.GlobalAveragePooling2D": "is a kernel's call, in average_pooling.py",
    **{
        f"kernels.{word}_{way}": "is what a recurrent layer's call is, in recurrence.py"
        for word in ("rnn", "lstm", "gru", "reset_after_gru")
        for way in ("forward", "backward")
    },
    "kernels.elementwise": "makes kernels",
    "kernels.entry": "makes kernels",
    "kernels.helper": "makes kernels",
    "kernels.mean_loss": "makes kernels",
    "kernels.sum_loss": "makes kernels",
    "kernels.update_kernel": "makes kernels",
    "kernels.update_rule": "makes kernels",
}


def classes():
    """List every benchmark class."""
    for info in pkgutil.iter_modules(benchmarks.__path__):
        module = importlib.import_module(f"{benchmarks.__name__}.{info.name}")
        for value in vars(module).values():
            if inspect.isclass(value) and value.__module__ == module.__name__:
                yield info.name, value


def words(kind):
    """What a class is found by: method, parameter, and one after the other; and its own name."""
    methods = [name.partition("_") for name in dir(kind)]
    stems = {stem for prefix, _, stem in methods if prefix in ("time", "timeraw", "peakmem")}
    values = {value for values in getattr(kind, "params", []) for value in values}
    names = {value for value in values if isinstance(value, str)}
    names |= {name.split()[0] for name in names if name}
    both = {f"{name}_{stem}" for name in names for stem in stems}
    return stems | names | both | {kind.__name__} if stems else set()


def public(room):
    module = importlib.import_module(f"fastnet.{room}")
    return [name for name in module.__all__ if callable(getattr(module, name))]


@with_each("room", ROOMS)
def test_every_public_name_is_timed(room):
    found = set().union(*[words(kind) for _, kind in classes()])
    missing = {f"{room}.{name}" for name in public(room) if name not in found}
    left_out = {name for name in NOT_TIMED if name.startswith(f"{room}.")}
    assert missing - left_out == set(), "add a benchmark to asv_benchmarks/benchmarks"
    assert left_out <= {f"{room}.{name}" for name in public(room)}


def test_whatever_is_timed_on_both_sides_has_its_ratio():
    by_file = {}
    for file, kind in classes():
        by_file.setdefault(file, {})[kind.__name__] = kind
    for file, kinds in by_file.items():
        for name, kind in kinds.items():
            timed = [method for method in vars(kind) if method.startswith("time_")]
            if not timed or getattr(kind, "param_names", [])[:1] != ["implementation"]:
                continue
            ratio = kinds.get(f"{name}Ratio")
            assert ratio is not None, f"{file}.{name}: say {name}Ratio = ratios({name})"
            gated = {f"track_min_ratio_{method.removeprefix('time_')}" for method in timed}
            assert gated <= set(vars(ratio))


SOME_SHAPES = [benchmarks.API_SHAPES, benchmarks.FAMILY_SHAPES]


def shaped():
    """Classes that time something at the shapes of the table."""
    for file, kind in classes():
        names = getattr(kind, "param_names", [])
        if names[:1] == ["implementation"] and "shape" in names:
            yield pytest.param(kind, id=f"{file}.{kind.__name__}")


@pytest.mark.parametrize("kind", list(shaped()))
def test_both_sides_agree_at_the_shapes_that_are_timed(kind, monkeypatch):
    """`setup` compares them: kernels, layers, losses and optimizers, in both dtypes."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    shapes = kind.params[kind.param_names.index("shape")]
    assert shapes == [*benchmarks.SHAPES] or shapes in SOME_SHAPES
    for params in itertools.product(["fastnet"], *kind.params[1:]):
        kind().setup(*params)


class Doubling:
    """A pair for `ratios`, on a clock of its own: fastnet's side takes 2 s, NumPy's 1 s or more."""

    param_names = ["implementation", "dtype", "size"]
    params = [["numpy", "fastnet"], ["float32"], [1]]
    seen, now = [], 0.0

    def setup(self, implementation, dtype, size):
        self.seconds, self.calls = 1 + (implementation == "fastnet"), 0
        self.seen.append((implementation, dtype, size))

    def time_sum(self, *_):
        # The first call compiles, and takes longer than all the rest.
        Doubling.now += self.seconds * (3 - self.calls % 3) if self.calls else 1000
        self.calls += 1


def test_a_ratio_is_fastnets_least_time_over_numpys(monkeypatch):
    monkeypatch.setattr(benchmarks.time, "perf_counter", lambda: Doubling.now)
    monkeypatch.setattr(benchmarks, "SECONDS", 100)
    made = benchmarks.ratios(Doubling)
    assert (made.__name__, made.__module__) == ("DoublingRatio", __name__)
    assert made.param_names == ["dtype", "size"]
    assert made.params == [["float32"], [100_000]]
    assert benchmarks.ratios(Doubling, size=[7]).params == [["float32"], [7]]
    benchmark = made()
    benchmark.setup("float32", 3)
    assert Doubling.seen == [("fastnet", "float32", 3), ("numpy", "float32", 3)]
    assert benchmark.track_min_ratio_sum() == 2
    assert 2100 < Doubling.now < 2120


def test_results_that_differ_are_not_timed(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    x = np.ones((2, 3), np.float32)
    benchmarks.assert_agree("relu_forward", x, np.full_like(x, np.nan))
    with pytest.raises(AssertionError):
        benchmarks.assert_close(x, x + np.float32(1e-3))
    with pytest.raises(AssertionError, match="float32 is not float64"):
        benchmarks.assert_close(x, x.astype(float))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    with pytest.raises(RuntimeError, match="OPENBLAS_NUM_THREADS must be 1"):
        benchmarks.part("fastnet", "kernels")


def test_the_inventory_is_not_empty():
    assert {"train_epochs", "predict_rows", "affine_forward"} <= set(public("kernels"))
    assert len(public("kernels")) > 80 and fastnet.__version__
    assert sum(1 for _ in classes()) > 40
