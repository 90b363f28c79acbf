from . import DTYPES, IMPLEMENTATIONS, SHAPES, assert_agree, blank, numbers, part, ratios


class Gemm:
    param_names = ["implementation", "dtype", "shape"]
    params = [IMPLEMENTATIONS, DTYPES, [*SHAPES]]

    def setup(self, implementation, dtype, shape):
        n, d, m = SHAPES[shape]
        self.x, self.W, self.dout = (numbers(dtype, *s) for s in [(n, d), (d, m), (n, m)])
        self.out, self.dx, self.dW = blank(self.dout), blank(self.x), blank(self.W)
        assert_agree("matmul_forward", self.x, self.W, self.out)
        assert_agree("matmul_backward", self.x, self.W, self.dout, self.dx, self.dW)
        self.kernels = part(implementation, "kernels")

    def time_matmul_forward(self, *_):
        self.kernels.matmul_forward(self.x, self.W, self.out)

    def time_matmul_backward(self, *_):
        self.kernels.matmul_backward(self.x, self.W, self.dout, self.dx, self.dW)


GemmRatio = ratios(Gemm, dtype=DTYPES, shape=[*SHAPES])
