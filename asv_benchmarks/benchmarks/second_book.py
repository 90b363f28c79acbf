# ruff: noqa: NPY002  the networks draw from NumPy's global generator, as the books do
import numpy as np

from . import IMPLEMENTATIONS, assert_close, labels, part, ratios


def words(*shape, of):
    return labels(int(np.prod(shape)), of).reshape(shape)


# Arguments of a network, and of its forward: the book's sizes, but for a vocabulary of 2,000.
NETWORKS = {
    "CBOW": lambda: (
        (2000, 100, 5, words(20_000, of=2000)),
        (words(100, 10, of=2000), words(100, of=2000)),
    ),
    "Rnnlm": lambda: ((2000, 100, 100), (words(20, 35, of=2000), words(20, 35, of=2000))),
    "Seq2seq": lambda: ((13, 16, 128), (words(128, 7, of=13), words(128, 5, of=13))),
    "PeekySeq2seq": lambda: ((13, 16, 128), (words(128, 7, of=13), words(128, 5, of=13))),
    "AttentionSeq2seq": lambda: ((59, 16, 256), (words(128, 29, of=59), words(128, 11, of=59))),
}


class SecondBook:
    """Forward and backward of the second book's networks, float32, one batch."""

    timeout = 300
    param_names = ["implementation", "network"]
    params = [IMPLEMENTATIONS, [*NETWORKS]]

    def setup(self, implementation, network):
        arguments, self.batch = NETWORKS[network]()
        results = {}
        for name in IMPLEMENTATIONS:
            np.random.seed(0)
            model = getattr(part(name, "textbook.second"), network)(*arguments)
            loss = model.forward(*self.batch)
            model.backward()
            results[name] = np.array([loss, *(np.abs(grad).sum() for grad in model.grads)])
            if name == implementation:
                self.model = model
        results = {name: found.astype("float32") for name, found in results.items()}
        assert_close(results["fastnet"], results["numpy"])

    def time_forward_and_backward(self, *_):
        self.model.forward(*self.batch)
        self.model.backward()


SecondBookRatio = ratios(SecondBook, network=[*NETWORKS])
