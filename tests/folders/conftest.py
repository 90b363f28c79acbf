"""What the tests of the cache's folders share."""

import pytest

from fastnet.kernels import _folders


@pytest.fixture
def roots(tmp_path, monkeypatch):
    """Three roots, as with NUMBA_CACHE_DIR; nothing is known of them yet."""
    found = [tmp_path / name for name in ("given", "package", "user")]
    monkeypatch.setattr(_folders, "ROOTS", found)
    monkeypatch.setattr(_folders.config, "CACHE_DIR", str(tmp_path))
    _folders.written.cache_clear()
    _folders._remove_abandoned.cache_clear()
    yield found
    _folders.written.cache_clear()
    _folders._remove_abandoned.cache_clear()
