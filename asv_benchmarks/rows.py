"""The rows of asv_benchmarks/images_and_sequences.py: which work, who does it, what is demanded."""

import importlib
from functools import partial
from types import SimpleNamespace

from asv_benchmarks import (
    books,
    convnets,
    fits,
    images,
    language_models,
    negative_sampling,
    sequences,
    words,
)
from asv_benchmarks.geometry import Convolution, Pooling, Recurrence

# Geometry, and what is demanded: of the best peer's time over fastnet's, of the book's.
CONVOLUTIONS = [
    (Convolution(1, 28, 30, 5, first=True), 3.0, 10),
    (Convolution(1, 28, 16, 3, pad=1, first=True), 3.0, 10),
    (Convolution(3, 32, 32, 3, pad=1, first=True), 1.3, 10),
    (Convolution(16, 28, 16, 3, pad=1), 1.15, 5),
    (Convolution(16, 14, 32, 3, pad=1), 1.15, 5),
    (Convolution(32, 14, 32, 3, pad=2), 1.15, 5),
    (Convolution(32, 8, 64, 3, pad=1), 1.15, 5),
    (Convolution(64, 8, 64, 3, pad=1), 1.15, 5),
    (Convolution(16, 14, 32, 5, pad=2), None, None),
    (Convolution(64, 14, 64, 1), None, None),
]
POOLINGS = [(Pooling(30, 24), 2.5, 30), (Pooling(16, 28), 2.5, 30)]
RECURRENCES = [
    (Recurrence("LSTM", 100, 100, 20, 35), 1.4, 2.7),
    (Recurrence("LSTM", 16, 128, 128, 7), 1.4, 1.6),
    (Recurrence("LSTM", 650, 650, 20, 35), 1.0, 2.5),
    (Recurrence("GRU", 100, 100, 20, 35), 2.0, 2.5),
    (Recurrence("RNN", 100, 100, 20, 35), 1.2, 1.3),
]

# Channels, pixels, kernels, size, stride.
GRID = """
1,28,16,3,1 1,28,30,5,1 1,28,8,3,2 1,64,16,5,2 1,5,64,3,1 2,32,32,3,1 3,32,32,3,1 3,32,16,5,1
3,64,16,3,2 3,64,24,5,1 4,16,8,1,1 5,13,7,3,1 6,12,16,5,1 8,8,8,3,1 8,32,16,3,2 8,28,32,1,1
12,20,20,5,2 13,9,17,3,1 16,28,16,3,1 16,14,32,3,1 16,16,16,5,1 16,32,64,1,2 20,7,40,3,2
24,24,24,3,1 30,12,50,5,1 32,14,32,3,1 32,8,64,3,1 32,16,64,3,2 32,5,32,5,1 32,56,32,1,1
33,11,31,3,1 40,10,10,1,1 48,12,48,3,1 50,6,20,5,1 64,8,64,3,1 64,14,64,1,1 64,28,64,3,2
64,7,64,5,1 64,32,8,1,1 64,64,1,3,1
""".split()
# Kind, inputs, units, batch, steps.
SEQUENCES = """
LSTM,8,8,1,1 LSTM,8,8,1,100 LSTM,16,32,1,20 LSTM,32,64,16,10 LSTM,64,64,128,50 LSTM,100,100,20,35
LSTM,16,128,128,7 LSTM,16,256,128,29 LSTM,128,256,32,20 LSTM,200,512,16,10 LSTM,512,512,64,5
LSTM,28,128,64,28 GRU,8,16,4,100 GRU,32,64,32,20 GRU,100,100,20,35 GRU,128,256,64,10
RNN,8,8,1,50 RNN,32,64,32,20 RNN,100,100,20,35 RNN,256,512,128,10
""".split()


def names_of(package):
    """Return the books' names that a package has: fastnet, or the reference."""
    found = SimpleNamespace()
    for room in ("optimizer", "layers", "textbook.second"):
        try:
            module = importlib.import_module(f"{package}.{room}")
        except ModuleNotFoundError:
            continue
        names = [name for name in dir(module) if not name.startswith("_")]
        vars(found).update({name: getattr(module, name) for name in names})
    return found


def sides_of_everything(first, second):
    """Return {kind of work: (contenders, references)}, with the books' where they are given."""
    own, reference = names_of("fastnet"), names_of("fastnet.reference")
    found = {}
    for kind, peers, by_hand, book, needs in (
        ("convolution", images.CONVOLUTION, images.convolution_by_hand, first, "Convolution"),
        ("pooling", images.POOLING, images.pooling_by_hand, first, "Pooling"),
        ("network", convnets.PEERS, convnets.by_hand, first, "Pooling"),
        ("recurrence", sequences.PEERS, sequences.recurrence_by_hand, second, "TimeGRU"),
        ("embedding", words.EMBEDDING, words.embedding_by_hand, second, "TimeEmbedding"),
        ("attention", words.ATTENTION, words.attention_by_hand, second, "TimeAttention"),
        (
            "language model",
            language_models.LANGUAGE_MODEL,
            language_models.language_model_by_hand,
            second,
            "TimeLSTM",
        ),
        ("cbow", negative_sampling.CBOW, negative_sampling.cbow_by_hand, second, "CBOW"),
    ):
        contenders, references = dict(peers), {"": peers["JAX"]}
        if book:
            contenders = {"book": partial(by_hand, package=book)} | contenders
        if hasattr(own, needs):
            contenders["fastnet"] = partial(by_hand, package=own)
        if hasattr(reference, needs):
            references = {"": partial(by_hand, package=reference)}
        if kind == "convolution":
            contenders["fastnet kernels"] = images.convolution_kernels
        if kind == "network" and hasattr(own, "MaxPooling2D") and hasattr(own, "Conv2D"):
            contenders["fastnet fit"] = convnets.by_fit
        found[kind] = contenders, references
    return found


def convolution_of(text):
    channels, pixels, kernels, size, stride = map(int, text.split(","))
    return Convolution(channels, pixels, kernels, size, stride, size // 2, batch=32)


def recurrence_of(text):
    kind, *numbers = text.split(",")
    return Recurrence(kind, *map(int, numbers))


def works(kind, dtype, folder=None):
    """Yield the works of the table, the grid or the fits; of the books where a folder is given."""
    first, second = (
        books.load(folder, book, dtype) if folder else None for book in (books.FIRST, books.SECOND)
    )
    sides = sides_of_everything(first, second)
    if kind == "grid":
        for text in GRID:
            yield images.convolution(convolution_of(text), dtype, sides["convolution"])
        for text in SEQUENCES:
            yield sequences.recurrence(recurrence_of(text), dtype, sides["recurrence"])
    elif kind == "fit":
        yield from fitted(dtype, sides_of_everything(None, None))
    else:
        yield from table(dtype, sides)


def table(dtype, sides):
    for shape, best, book in CONVOLUTIONS:
        yield images.convolution(shape, dtype, sides["convolution"], best=best, book=book)
    for shape, best, book in POOLINGS:
        yield images.pooling(shape, dtype, sides["pooling"], best=best, book=book)
    for name, parts, best, book in (
        ("SimpleConvNet, a step", convnets.SIMPLE, 3.0, 12),
        ("DeepConvNet, a step", convnets.DEEP, 1.3, 10),
    ):
        yield convnets.network(name, parts, dtype, sides["network"], best=best, book=book)
    for shape, best, book in RECURRENCES:
        yield sequences.recurrence(shape, dtype, sides["recurrence"], best=best, book=book)
    yield language_models.language_model(dtype, sides["language model"], best=1.4, book=2.0)
    dense, references = sides["cbow"]
    sparse = {"PyTorch sparse": dense["PyTorch sparse"]}
    dense = {name: side for name, side in dense.items() if name != "PyTorch sparse"}
    yield negative_sampling.cbow(dtype, (dense, references), best=3.0, book=15)
    own = {name: side for name, side in dense.items() if name.startswith("fastnet")}
    work = negative_sampling.cbow(dtype, (sparse | own, references), best=1.0)
    yield work._replace(name=f"{work.name}, sparse")
    yield words.embedding(dtype, sides["embedding"], best=1.5, book=40)
    yield words.attention(dtype, sides["attention"], best=2.5, book=12)


def fitted(dtype, sides):
    """Yield the epochs of Keras-style models."""
    contenders, references = sides["network"]
    for batch in fits.BATCHES:
        yield fits.images(batch, dtype, (contenders, references), best=1.3)
    sides = dict(fits.SEQUENCE_SIDES), {"": fits.torch_sequences}
    for batch in fits.BATCHES:
        yield fits.sequences(batch, dtype, sides, best=1.3)
