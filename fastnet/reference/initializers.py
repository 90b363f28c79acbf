"""Initial weights (D, M), drawn from normal random numbers; Dense takes them by name."""

import numpy as np

NAMES = ("he", "xavier", "glorot", "lecun", "zeros")


def deviation(name: str, n_in: int, n_out: int) -> float:
    """Return the standard deviation that a name stands for, of weights (n_in, n_out)."""
    if name == "zeros":
        return 0.0
    if name == "he":
        return np.sqrt(2 / n_in)
    return np.sqrt(2 / (n_in + n_out) if name == "glorot" else 1 / n_in)


def normal(
    shape: tuple[int, int],
    std: float = 0.01,
    rng: np.random.Generator | None = None,
    dtype: str = "float64",
) -> np.ndarray:
    """Return std * randn(D, M), from NumPy's global generator or another."""
    randn = np.random.randn  # as the book has it
    drawn = randn(*shape) if rng is None else rng.standard_normal(shape)
    return (drawn * std).astype(dtype)


def xavier(
    shape: tuple[int, int], rng: np.random.Generator | None = None, dtype: str = "float64"
) -> np.ndarray:
    """Return weights of standard deviation sqrt(1 / D): the textbook's Xavier."""
    return normal(shape, deviation("xavier", *shape), rng, dtype)


def glorot(
    shape: tuple[int, int], rng: np.random.Generator | None = None, dtype: str = "float64"
) -> np.ndarray:
    """Return weights of standard deviation sqrt(2 / (D + M))."""
    return normal(shape, deviation("glorot", *shape), rng, dtype)


def he(
    shape: tuple[int, int], rng: np.random.Generator | None = None, dtype: str = "float64"
) -> np.ndarray:
    """Return weights of standard deviation sqrt(2 / D)."""
    return normal(shape, deviation("he", *shape), rng, dtype)


def lecun(
    shape: tuple[int, int], rng: np.random.Generator | None = None, dtype: str = "float64"
) -> np.ndarray:
    """Return weights of standard deviation sqrt(1 / D)."""
    return normal(shape, deviation("lecun", *shape), rng, dtype)


def zeros(shape: tuple[int, int], dtype: str = "float64") -> np.ndarray:
    """Return zeros (D, M)."""
    return np.zeros(shape, dtype)
