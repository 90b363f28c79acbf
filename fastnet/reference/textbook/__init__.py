"""The textbooks' networks and trainers, by book."""

from . import first, second

__all__ = ["first", "second"]
