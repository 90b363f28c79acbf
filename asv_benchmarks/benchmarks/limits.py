"""How close each kernel comes to the limits of the core, as `asv_benchmarks.explain` finds them."""

import importlib
import itertools
import sys
from pathlib import Path

from . import DTYPES

# asv imports this folder alone; what stands beside it comes after what is installed.
sys.path.append(str(Path(__file__).resolve().parents[2]))
explain = importlib.import_module("asv_benchmarks.explain")


class Limits:
    """The larger one of two shares: of the peak's GFLOP/s, and of the GB/s of the arrays' cache."""

    unit = "of the limit"
    timeout = 300
    param_names = ["dtype", "kernel"]
    params = [DTYPES, [*explain.KERNELS]]

    def setup_cache(self):
        """Measure all in one process, in 15 s; in one each they took three minutes."""
        return {
            (dtype, kernel): explain.explained(kernel, dtype=dtype)["share"]
            for dtype, kernel in itertools.product(*self.params)
        }

    setup_cache.timeout = 600

    def track_share_of_limit(self, shares, dtype, kernel):
        return shares[dtype, kernel]
