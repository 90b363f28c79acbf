"""The pure-NumPy twin of fastnet: the same names and signatures, written as the textbook has them.

Read it to learn what every layer computes, compare with it to check a kernel, and time
against it to see what the kernels buy. It imports NumPy and nothing else; fastnet itself
never falls back to it. Argument errors are NumPy's own here: fastnet words them better.

The arithmetic is that of Koki Saitoh, Deep Learning from Scratch, chapters 3 to 5, with the
lists ``params`` and ``grads`` of the second book.
"""

from . import (
    functions,
    gradient,
    initializers,
    kernels,
    layers,
    losses,
    metrics,
    models,
    optimizer,
    penalties,
    textbook,
)

__all__ = [
    "functions",
    "gradient",
    "initializers",
    "kernels",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizer",
    "penalties",
    "textbook",
]
