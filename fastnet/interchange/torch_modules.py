"""What PyTorch has no module for: it is imported where PyTorch is used."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Permute(nn.Module):
    """Move the axes: of images between (N, C, H, W) and (N, H, W, C)."""

    def __init__(self, *dims: int) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Any) -> Any:
        """Return x with its axes in another order."""
        return x.permute(self.dims)

    def extra_repr(self) -> str:
        """Return the order."""
        return ", ".join(map(str, self.dims))


class Rescale(nn.Module):
    """Compute x * scale + offset."""

    def __init__(self, scale: float, offset: float = 0.0) -> None:
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x: Any) -> Any:
        """Return x * scale + offset."""
        return x * self.scale + self.offset

    def extra_repr(self) -> str:
        """Return the two numbers."""
        return f"{self.scale}, {self.offset}"


class Step(nn.Module):
    """Compute 1 where x > 0, else 0."""

    def forward(self, x: Any) -> Any:
        """Return 1 where x > 0, else 0, of the dtype of x."""
        return (x > 0).to(x.dtype)


class Sequences(nn.Module):
    """Take the states after all steps from what a recurrent module returns."""

    def forward(self, found: Any) -> Any:
        """Return the states, (N, steps, features)."""
        return found[0]


class Last(nn.Module):
    """Take the states after the last step that each direction has seen."""

    def forward(self, found: Any) -> Any:
        """Return the states, (N, features)."""
        h = found[1][0] if isinstance(found[1], tuple) else found[1]
        directions = found[0].shape[-1] // h.shape[-1]  # of layers on top of each other, the last
        return torch.cat(list(h[-directions:]), dim=1)


class Ordered(nn.Module):
    """Bring features, flattened with channels first, into the order with channels last."""

    order: torch.Tensor

    def __init__(self, order: Any) -> None:
        super().__init__()
        self.register_buffer("order", torch.as_tensor(order))

    def forward(self, x: Any) -> Any:
        """Return the features in the other order."""
        return x[:, self.order]


class AverageInside(nn.Module):
    """Average pooling of windows that reach over an image by another width at each side."""

    def __init__(self, size: Any, stride: Any, sides: Any) -> None:
        super().__init__()
        self.size, self.stride, self.sides = size, stride, sides

    def forward(self, x: Any) -> Any:
        """Return the mean of the pixels of each window that are inside the image."""
        sums, counts = (
            nn.functional.avg_pool2d(nn.functional.pad(each, self.sides), self.size, self.stride)
            for each in (x, torch.ones_like(x[:1, :1]))
        )
        return sums / counts


class Heads(nn.Module):
    """Modules side by side: a list of what each makes, or all of it as one row of features."""

    def __init__(self, heads: list[Any], joined: bool) -> None:
        super().__init__()
        self.heads, self.joined = nn.ModuleList(heads), joined

    def forward(self, x: Any) -> Any:
        """Return a list of outputs, or (N, features)."""
        found = [head(x) for head in self.heads]
        return torch.cat(found, dim=1) if self.joined else found
