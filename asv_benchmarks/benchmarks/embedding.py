import numpy as np

from . import DTYPES, IMPLEMENTATIONS, SHAPES, assert_agree, blank, labels, numbers, part, ratios


class Embedding:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        n, rows, width = SHAPES[shape]
        self.W, self.idx = numbers(dtype, rows, width), labels(n, rows)
        self.out, self.dW = np.full((n, width), np.nan, dtype), blank(self.W)
        self.dout = numbers(dtype, n, width)
        assert_agree("embedding_forward", self.W, self.idx, self.out)
        assert_agree("embedding_backward", self.idx, self.dout, self.dW)
        self.kernels = part(implementation, "kernels")

    def time_embedding_forward(self, *_):
        self.kernels.embedding_forward(self.W, self.idx, self.out)

    def time_embedding_backward(self, *_):
        self.kernels.embedding_backward(self.idx, self.dout, self.dW)


EmbeddingRatio = ratios(Embedding)
