"""Small rows of asv_benchmarks.images_and_sequences, and the command that measures rows."""

import os
import sys

import children


def command(home, *arguments):
    path = os.pathsep.join([str(home), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = [sys.executable, "-m", "asv_benchmarks.images_and_sequences", "--rounds", "1"]
    environment = {**os.environ, "PYTHONPATH": path}
    return children.run([*words, "--seconds", "0.1", *arguments], cwd=home, env=environment)


def tiny_works(modules, dtype):
    """One small work of each kind, with the sides that the table's have."""
    g, rows = modules.geometry, modules.rows
    sides = rows.sides_of_everything(None, None)
    yield modules.images.convolution(
        g.Convolution(2, 5, 3, 3, pad=1, batch=4), dtype, sides["convolution"]
    )
    yield modules.images.convolution(
        g.Convolution(1, 6, 3, 3, 2, 0, 4, True), dtype, sides["convolution"]
    )
    yield modules.images.pooling(g.Pooling(3, 6, 4), dtype, sides["pooling"])
    parts = [*modules.convnets.conv(3), ("pooling",), ("dense", 4)]
    yield modules.convnets.network(
        "small", parts, dtype, sides["network"], shape=(1, 6, 6), batch=5
    )
    for kind in ("LSTM", "GRU", "RNN"):
        yield modules.sequences.recurrence(
            g.Recurrence(kind, 3, 4, 2, 5), dtype, sides["recurrence"]
        )
    yield modules.words.embedding(dtype, sides["embedding"], 20, 5, 3, 4)
    yield modules.words.attention(dtype, sides["attention"], 3, 5, 2, 8)
    yield modules.language_models.language_model(dtype, sides["language model"], 20, 5, 6, 3, 4)
    yield modules.negative_sampling.cbow(dtype, sides["cbow"], 20, 5, 6, 2)
    *_, fitted = rows.fitted(dtype, sides)
    sides = fitted.contenders, fitted.references
    yield modules.fits.sequences(8, dtype, sides, 3, 2, 4, 3)
