"""What a bug report needs to know of the installation: versions, CPU, threads, cache."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from llvmlite import binding
from numba import config

from fastnet import __version__, threads
from fastnet.kernels import _cache, _folders, blocking

__all__ = ["installation"]

FEATURES = "avx512f avx512bw avx512dq avx512vl avx2 fma avx sse4.2 sse2 neon sve sve2".split()
PACKAGES = "numpy numba llvmlite tqdm safetensors matplotlib scikit-learn pandas pillow".split()


def installation() -> dict[str, str]:
    """Return what `fastnet info` prints, by the names of its lines.

    Examples
    --------
    >>> from fastnet.info import installation
    >>> installation()["vectors"]  # doctest: +ELLIPSIS
    '... bits, ... registers, tile of ...'
    """
    features = binding.get_host_cpu_features()
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cache = _cache.cache_directory()
    count, here, others = _folders.sizes()
    ours = sorted(name for name in os.environ if name.startswith(("FASTNET_", "NUMBA_")))
    settings = [f"{name}={os.environ[name]}" for name in ours]
    return {
        "fastnet": f"{__version__} in {Path(__file__).parent}",
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        **{package: _version(package) for package in PACKAGES},
        "platform": platform.platform(),
        "cpu": f"{binding.get_host_cpu_name()} ({platform.machine()}), {cpus} usable",
        "features": " ".join(name for name in FEATURES if features.get(name)) or "none that matter",
        "vectors": _vectors(),
        "threads": f"{threads.get_num_threads()} (Numba would use {config.NUMBA_NUM_THREADS})",
        "cache": "none: no folder can be written" if cache is None else str(cache),
        "cached": f"{here / 1e6:.1f} MB of {count} kernels, {others / 1e6:.1f} MB of other "
        "versions and CPUs",
        "settings": " ".join(settings) or "no FASTNET_ or NUMBA_ variable is set",
    }


def _vectors() -> str:
    """Return what the kernels are compiled for, which need not be all that this CPU can do."""
    row, step = blocking.SET, "fused" if blocking.FUSED else "separate"
    return (
        f"{row.name}: {row.bits} bits, {row.registers} registers, tile of {blocking.TALL} rows x "
        f"{blocking.STRIP} vectors, {step} multiply-add"
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
