"""Compiling ahead: every kernel that fastnet may call, in both dtypes, into the cache."""

from __future__ import annotations

from typing import Any

from fastnet import kernels

__all__ = ["compiled", "versions"]


def versions() -> list[tuple[Any, tuple[Any, ...]]]:
    """Return every kernel of the API and of the loop with the types that it is called with.

    `kernel.compile(types)` loads one from the cache, or compiles it into the cache. The types stand
    on the kernel.

    Examples
    --------
    >>> from fastnet.warmup import versions
    >>> [types for kernel, types in versions() if kernel.__name__ == "copy_labels"]
    [(Array(int64, 1, 'C', False, aligned=True), int64, Array(int64, 1, 'C', False, aligned=True))]
    """
    found: list[tuple[Any, tuple[Any, ...]]] = kernels._versions()
    return found


def compiled() -> int:
    """Return how many kernels of `versions` this process has compiled, not found in the cache.

    On a cluster `client.run(fastnet.warmup.compiled)` asks each worker.

    Examples
    --------
    >>> from fastnet.warmup import compiled
    >>> compiled() >= 0
    True
    """
    kernels = {kernel for kernel, _ in versions()}
    return sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels)
