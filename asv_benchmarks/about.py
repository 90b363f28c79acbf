"""What figures depend on: the versions, the CPU, its vectors and the load."""

import os
import platform
from importlib import metadata

import fastnet
from fastnet.kernels.blocking import SET


def about(threads):
    """Return what the figures depend on."""
    versions = {"python": platform.python_version()}
    for package in ("numpy", "numba", "torch", "jax", "scikit-learn"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    cpu = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            models = [text.partition(":")[2].strip() for text in file if "model name" in text]
        cpu = models[0] if models else cpu
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    versions["fastnet"] = fastnet.__version__
    return {
        "versions": versions,
        "cpu": cpu,
        "vectors": SET.name,
        "threads": threads,
        "load": load,
    }
