"""What is set before NumPy, Numba or a peer is imported: how many threads they may use.

Imports none of them, so that a tool can call it first.
"""

import os


def use_threads(threads):
    """Give every library as many threads, and the process as many cores, before any of it loads."""
    for library in ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMBA", "FASTNET"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    eigen = "true" if threads > 1 else "false"
    os.environ["NPROC"] = str(threads)  # the pool of XLA's CPU client
    os.environ["XLA_FLAGS"] = (
        f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}"
    )
    os.environ["JAX_PLATFORMS"] = "cpu"
    if hasattr(os, "sched_setaffinity"):  # threads that start later inherit it
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
