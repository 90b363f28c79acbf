import numpy as np

from . import (
    DTYPES,
    IMPLEMENTATIONS,
    assert_agree,
    assert_close,
    blank,
    labels,
    numbers,
    part,
    ratios,
)

# Samples, words for each, words in all, length of a vector: the book's CBOW, and a tiny one.
SIZES = {"100-6-10000-100": (100, 6, 10_000, 100), "3-2-7-5": (3, 2, 7, 5)}


def corpus(words):
    """Return numbers of words as often as those of a language, each once at least."""
    rng = np.random.default_rng(0)
    return np.concatenate([np.arange(words), rng.zipf(1.3, 10 * words) % words])


class Sampling:
    param_names = ["implementation", "dtype", "size"]
    params = [IMPLEMENTATIONS, DTYPES, [*SIZES]]

    def setup(self, implementation, dtype, size):
        n, each, words, width = SIZES[size]
        self.W, self.h = numbers(dtype, words, width), numbers(dtype, n, width)
        self.idx, self.dout = labels(n * each, words), numbers(dtype, n, each)
        self.out, self.dh, self.dW = blank(self.dout), blank(self.h), blank(self.W)
        assert_agree("embedding_dot_forward", self.W, self.idx, self.h, self.out)
        assert_agree(
            "embedding_dot_backward", self.W, self.idx, self.h, self.dout, self.dh, self.dW
        )
        counts = np.bincount(corpus(words)) ** 0.75
        self.p, self.target = counts / counts.sum(), labels(n, words)
        self.cumulated, self.state = np.cumsum(self.p), np.zeros(3, np.int64)
        self.uniform = np.random.default_rng(2).random(3 * n * each)  # more than any draw asks for
        self.sample = np.zeros((n, each - 1), np.int64)
        draw = self.cumulated, self.p, self.target, self.uniform, self.state, self.sample
        assert_agree("unigram_sampler_forward", *draw)
        self.kernels = part(implementation, "kernels")

    def time_embedding_dot_forward(self, *_):
        self.kernels.embedding_dot_forward(self.W, self.idx, self.h, self.out)

    def time_embedding_dot_backward(self, *_):
        self.kernels.embedding_dot_backward(self.W, self.idx, self.h, self.dout, self.dh, self.dW)

    def time_unigram_sampler_forward(self, *_):
        self.state[:] = 0
        self.kernels.unigram_sampler_forward(
            self.cumulated, self.p, self.target, self.uniform, self.state, self.sample
        )


SamplingRatio = ratios(Sampling, size=["100-6-10000-100"])


class SamplingLayers:
    """Forward and backward of what is made of them, at the sizes of the book's CBOW."""

    param_names = ["implementation", "size", "layer"]
    params = [IMPLEMENTATIONS, [*SIZES], ["EmbeddingDot", "NegativeSamplingLoss"]]

    def setup(self, implementation, size, layer):
        n, each, words, width = SIZES[size]
        h, target = numbers("float32", n, width), labels(n, words)
        results = {}
        for name in IMPLEMENTATIONS:
            kind, W = getattr(part(name, "layers"), layer), numbers("float32", words, width)
            W *= W.dtype.type(0.1)
            if layer == "EmbeddingDot":
                made, inputs, gradient = kind(W), (h, target), [numbers("float32", n)]
            else:
                made, inputs, gradient = kind(W, corpus(words), 0.75, each - 1), (h, target), []
            np.random.seed(0)  # noqa: NPY002
            results[name] = [made.forward(*inputs), made.backward(*gradient), *made.grads]
            if name == implementation:
                self.layer, self.inputs, self.gradient = made, inputs, gradient
        for ours, theirs in zip(results["fastnet"], results["numpy"], strict=True):
            assert_close(ours, theirs)

    def time_forward(self, *_):
        self.layer.forward(*self.inputs)

    def time_backward(self, *_):
        self.layer.backward(*self.gradient)


SamplingLayersRatio = ratios(SamplingLayers, size=["100-6-10000-100"])


class UnigramSampler:
    """The words of a batch, with all that a call does besides."""

    param_names = ["implementation", "size"]
    params = [IMPLEMENTATIONS, ["100-6-10000-100"]]

    def setup(self, implementation, size):
        n, each, words, _ = SIZES[size]
        self.target, drawn = labels(n, words), []
        for name in IMPLEMENTATIONS:
            made = part(name, "layers").UnigramSampler(corpus(words), 0.75, each - 1)
            np.random.seed(0)  # noqa: NPY002
            drawn.append(made.get_negative_sample(self.target))
            if name == implementation:
                self.sampler = made
        assert_close(*drawn)

    def time_get_negative_sample(self, *_):
        self.sampler.get_negative_sample(self.target)


UnigramSamplerRatio = ratios(UnigramSampler, size=["100-6-10000-100"])
