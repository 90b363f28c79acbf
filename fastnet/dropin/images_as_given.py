"""The first book's layers of images for an `im2col` that keeps the dtype: see images.py."""

from __future__ import annotations

from typing import Any

from fastnet import checks
from fastnet.dropin.deferred import settled
from fastnet.dropin.first import Own
from fastnet.dropin.images import can_become, convolve, convolve_back, pool, pool_back


class Convolution(Own):
    """Convolution of images and filters of one dtype."""

    def forward(self, x: Any, *, own: Any) -> Any:
        """Return (N, FN, OH, OW), a view; keep x by reference."""
        x, dtype = settled(x), getattr(self.W, "dtype", None)
        same = dtype in checks.COMPUTED and can_become(x, dtype) and x.dtype == dtype
        return convolve(self, x, dtype if same else None, own)

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return dx; dW and db are fresh arrays."""
        dout, known = settled(dout), self.__dict__.get("_convolved")
        if known is None or getattr(dout, "dtype", None) != known[2].dtype:
            return own(self, dout)
        return convolve_back(self, dout, own)


class Pooling(Own):
    """The largest pixel of each window, in the dtype of the images."""

    def forward(self, x: Any, *, own: Any) -> Any:
        """Return (N, C, OH, OW), a view; keep x by reference."""
        x = settled(x)
        dtype = getattr(x, "dtype", None)
        return pool(self, x, dtype if dtype in checks.COMPUTED and x.ndim == 4 else None, own)

    def backward(self, dout: Any, *, own: Any) -> Any:
        """Return dx, of dout's dtype."""
        dout = settled(dout)
        if getattr(dout, "dtype", None) not in checks.COMPUTED:
            return own(self, dout)
        return pool_back(self, dout, dout.dtype, own)
