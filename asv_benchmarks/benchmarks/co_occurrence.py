import numpy as np

from . import IMPLEMENTATIONS, assert_agree, assert_close, part, ratios

WINDOW = 2
# Words of a text, and how many there are: by Zipf's law, as in Penn Treebank (929,589 and 10,000).
TEXTS = {"10k-1k": (10_000, 1000), "100k-4k": (100_000, 4000)}


def text(name):
    size, words = TEXTS[name]
    shares = 1 / np.arange(1, words + 1)
    return np.random.default_rng(0).choice(words, size, p=shares / shares.sum())


class CoOccurrence:
    param_names = ["implementation", "text"]
    params = [IMPLEMENTATIONS, [*TEXTS]]

    def setup(self, implementation, name):
        self.corpus, words = text(name), TEXTS[name][1]
        self.counts, self.out = np.zeros((words, words), np.int32), np.zeros((words, words), "f4")
        assert_agree("co_occurrence_forward", self.corpus, WINDOW, self.counts)
        part("numpy", "kernels").co_occurrence_forward(self.corpus, WINDOW, self.counts)
        self.sums, self.more = self.counts.sum(axis=0, dtype=float), self.counts.copy()
        self.total = float(self.sums.sum())
        arguments = self.counts, self.sums, self.sums, self.total, 1e-8, self.out
        assert_agree("ppmi_forward", *arguments)
        self.kernels = part(implementation, "kernels")

    def time_co_occurrence_forward(self, *_):
        self.kernels.co_occurrence_forward(self.corpus, WINDOW, self.more)

    def time_ppmi_forward(self, *_):
        self.kernels.ppmi_forward(self.counts, self.sums, self.sums, self.total, 1e-8, self.out)


CoOccurrenceRatio = ratios(CoOccurrence, text=["100k-4k"])


class Words:
    """The functions of the textbook's common/util.py that take time, as a user calls them."""

    param_names = ["implementation", "text"]
    params = [IMPLEMENTATIONS, [*TEXTS]]

    def setup(self, implementation, name):
        self.corpus, self.words = text(name), TEXTS[name][1]
        both = [part(side, "textbook.second") for side in IMPLEMENTATIONS]
        self.C = both[0].create_co_matrix(self.corpus, self.words, WINDOW)
        self.W = np.random.default_rng(1).standard_normal((self.words, 100)).astype("f4")
        for call in (
            lambda module: module.create_co_matrix(self.corpus, self.words, WINDOW),
            lambda module: module.ppmi(self.C),
            lambda module: module.cos_similarity(self.W, self.W[3]),
            lambda module: module.convert_one_hot(self.corpus[:1000], self.words),
            lambda module: module.create_contexts_target(self.corpus, 5)[0],
        ):
            assert_close(call(both[1]), call(both[0]))
        self.module = part(implementation, "textbook.second")

    def time_create_co_matrix(self, *_):
        self.module.create_co_matrix(self.corpus, self.words, WINDOW)

    def time_ppmi(self, *_):
        self.module.ppmi(self.C)

    def time_cos_similarity(self, *_):
        self.module.cos_similarity(self.W, self.W[3])

    def time_convert_one_hot(self, *_):
        self.module.convert_one_hot(self.corpus[:1000], self.words)

    def time_create_contexts_target(self, *_):
        self.module.create_contexts_target(self.corpus, 5)


WordsRatio = ratios(Words, text=["100k-4k"])
