"""More than one process: gradients that MPI adds up, and trials on workers of a Dask cluster."""

import os
import re
import shutil
import sys
from pathlib import Path

import children
import pytest

import fastnet

PACKAGE = Path(fastnet.__file__).parents[1]

RANKS = """
import sys
sys.path[:0] = {paths!r}
from data_parallel import MPI, train
together = train(MPI.COMM_WORLD)
if MPI.COMM_WORLD.Get_rank() == 0:
    alone = train(MPI.COMM_SELF)  # batches twice as large
    a, b = together.parameter_vector, alone.parameter_vector
    print(MPI.COMM_WORLD.Get_size(), a.dtype, abs(a - b).max(), abs(b).max())
"""


def mpiexec():
    pytest.importorskip("mpi4py", reason="mpi4py is not installed: it is the extra mpi")
    beside = os.path.join(os.path.dirname(sys.executable), "mpiexec")
    found = beside if os.path.exists(beside) else shutil.which("mpiexec")
    if found is None:
        pytest.skip("there is no mpiexec: an MPI such as the package mpich is not installed")
    return found


def test_two_ranks_train_as_one_process_does(root, tmp_path, warm_cache):
    """To 1e-12 in float64: the sums of a batch are in another order."""
    script = tmp_path / "ranks.py"
    script.write_text(RANKS.format(paths=[str(PACKAGE), str(root / "examples")]))
    # Beside other tests two ranks that spin would be three.
    environment = {**os.environ, "FASTNET_NUM_THREADS": "1"}
    # Open MPI refuses root, as who runs in a container often is, and more ranks than cores.
    environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    environment["OMPI_MCA_rmaps_base_oversubscribe"] = "1"
    done = children.run([mpiexec(), "-n", "2", sys.executable, str(script)], env=environment)
    assert done.returncode == 0, done.stderr
    size, dtype, difference, largest = done.stdout.splitlines()[-1].split()
    assert (size, dtype) == ("2", "float64")
    assert 0 < float(difference) < 1e-12 and float(largest) > 0.5


@pytest.mark.slow
def test_workers_compile_no_kernel_twice(root, tmp_path):
    """Of two workers with an empty cache one compiles, in the warm-up, and the other nothing."""
    for name in ("distributed", "sklearn", "joblib"):
        pytest.importorskip(name, reason=f"{name} is not installed: it is of the extra trials")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(PACKAGE)}
    script = str(root / "examples" / "grid_search_on_dask.py")
    done = children.run([sys.executable, script], env=environment)
    assert done.returncode == 0, done.stderr
    counts = re.search(r"kernels compiled by workers: (\d+) (\d+)", done.stdout)
    assert int(counts[1]) == 0 < int(counts[2])
    assert done.stderr.count("fastnet: compiling kernels") == 1
