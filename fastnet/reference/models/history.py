"""What a training saw."""


class History:
    """What ``fit`` saw: by name, lists with one entry an epoch."""

    interrupted = False  # it ends where Ctrl-C comes

    def __init__(self, columns: dict[str, list[float]] | None = None) -> None:
        vars(self).update(columns or {})

    def __getattr__(self, name: str) -> list[float]:
        """Refuse a name that there is not."""
        raise AttributeError(f"History has no {name}")

    def to_dict(self) -> dict[str, list[float]]:
        """Return the lists by name, copied."""
        return {name: list(values) for name, values in vars(self).items()}
