"""What all layers have."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

__all__: list[str] = []


class _Layer:
    """What all layers have: two lists, empty where there is nothing to learn."""

    def __init__(self) -> None:
        self.params: list[NDArray[Any]] = []
        self.grads: list[NDArray[Any]] = []

    def _name(self, member: str) -> str:
        return f"{type(self).__name__}.{member}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
